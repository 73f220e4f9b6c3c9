"""The page in a browser for data that nobody here has made: little of it, old, none, unknown, or of many charts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from rental_pipeline.operate.report.page import render_page
from tests.integration.report.pictures import WIDTHS
from tests.unit.operate.test_page import chart, figures


def weeks(first: date, prices: list[float | None]) -> list[dict]:
    return [{"week": (first + timedelta(days=7 * number)).isoformat(), "price": price} for number, price in enumerate(prices)]


def cities(*bookings: float | None) -> list[dict]:
    return [{"city": f"Ciudad de los Ángeles del Río {number}", "price": count} for number, count in enumerate(bookings)]


LONG_AGO, NOW = date(2019, 1, 7), date(2026, 11, 9)
PAGES = {
    "empty": [chart(), chart("columns"), chart("ranking")],
    "small": [chart(rows=weeks(NOW, [12.5])), chart("columns", weeks(NOW, [0.004])), chart("ranking", cities(3))],
    "old": [chart(rows=weeks(LONG_AGO, [10, 20, 15])), chart("columns", weeks(LONG_AGO, [1, 2]))],
    "unknown": [chart(rows=weeks(NOW, [None, None])), chart("ranking", cities(None, 2)), chart("columns", weeks(NOW, [5, None]))],
    "vast": [
        chart("columns", weeks(NOW, [9e11, 12e11])),
        chart("ranking", cities(9e14, 1)),
        chart(rows=weeks(NOW, [1e15, 1e15])),
    ],
    **{
        f"{count} charts": [
            chart(name=f"chart_{number}", rows=weeks(NOW - timedelta(days=364), [100 + number + week % 9 for week in range(53)]))
            for number in range(count)
        ]
        for count in (5, 10, 11)
    },
}
PAPER = 720  # pixels between the margins of a sheet
LOOKS = [*((width, "screen", theme) for width in WIDTHS for theme in ("light", "dark")), (PAPER, "print", "light")]
LOOK = """() => {
    const overlapping = (boxes) => boxes.some((a, i) => boxes.slice(i + 1).some(b =>
        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
    const boxes = (selector) => [...document.querySelectorAll(selector)].map(each => each.getBoundingClientRect());
    const rows = (found) => Object.values(Object.groupBy(found, box => Math.round(box.top)));
    const full = (selector) => {
        const all = document.querySelector(selector);
        if (!all) return true;
        const right = all.getBoundingClientRect().right;
        return rows([...all.children].map(each => each.getBoundingClientRect())).every(row =>
            Math.abs(Math.max(...row.map(box => box.right)) - right) < 2
            && Math.max(...row.map(box => box.height)) - Math.min(...row.map(box => box.height)) < 2);
    };
    return {
        width: document.documentElement.scrollWidth,
        labels: [...document.querySelectorAll("svg")].map(
            svg => [...svg.querySelectorAll(".axis.y text")].map(label => label.textContent)),
        overlap: overlapping(boxes(".card, .tile")),
        full: full(".tiles") && full(".charts"),
        colours: [getComputedStyle(document.body).color, getComputedStyle(document.querySelector(".card")).backgroundColor],
    };
}"""


@pytest.fixture(scope="module")
def page(browser: Browser):
    with browser.new_context() as context:
        yield context.new_page()


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_whole_whatever_the_data(page: Page, tmp_path: Path, kind: str):
    """At a desk, on a phone, in the dark and on paper: nothing overlaps or sticks out, no hole, no label twice, no false zero."""
    path = tmp_path / "page.html"
    path.write_text(render_page(figures(charts=PAGES[kind])))
    page.goto(path.as_uri())
    for width, media, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(media=media, color_scheme=theme)
        seen = page.evaluate(LOOK)
        assert seen["width"] <= width, (width, media)
        assert not seen["overlap"] and seen["full"], (width, media, theme)
        assert seen["colours"][0] != seen["colours"][1]
        for labels in seen["labels"]:
            assert len(set(labels)) == len(labels) >= 2, labels
    text = page.locator("main").inner_text()
    assert "NaN" not in text and "None" not in text and "nan" not in text
    if kind == "empty":
        assert "$0" not in page.locator(".charts").inner_text()
    if kind == "old":
        assert text.count("with nothing after it") == 2 and "What changed" not in text
    if kind == "small":
        assert "<$0.01" in text
