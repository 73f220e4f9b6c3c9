"""The report in a browser: its figures are the warehouse's, it asks for nothing, and it is read on a desk and on a phone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.integration.report.conftest import Published
from tests.integration.report.expected import expect_charts
from tests.integration.report.pictures import WIDTHS, take_picture

# Each marketplace is loaded once: in another order it would be loaded again and again.
pytestmark = pytest.mark.random_order(disabled=True)
# What a table says, as a reader sees it and as its elements hold it exactly.
READ_TABLE = """table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => {
    const data = cell.querySelector("data");
    return {text: cell.textContent.trim(), exact: data ? data.value : null};
}))"""


@dataclass
class Look:
    """A page that is open in a browser, and everything that it said or asked for meanwhile."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def table(self, selector: str) -> list[list[dict[str, Any]]]:
        return self.page.locator(selector).evaluate(READ_TABLE)


@pytest.fixture
def look(browser: Browser, published: Published) -> Iterator[Look]:
    """The report, opened from disk."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        found = Look(context.new_page())
        found.page.on("console", lambda message: found.said.append(f"{message.type}: {message.text}"))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(published.path.as_uri())
        yield found


def read_exact(cell: dict[str, Any]) -> str:
    return cell["text"] if cell["exact"] is None else cell["exact"]


def assert_cell(cell: dict[str, Any], expected: Any) -> None:
    """The cell holds the value exactly, and shows it as exactly as it is written."""
    if isinstance(expected, str | date):
        assert read_exact(cell) == str(expected)
    elif expected is None:
        assert (cell["exact"], cell["text"]) == ("", "\N{EN DASH}")
    else:
        assert float(cell["exact"]) == pytest.approx(float(expected), rel=1e-9)
        number = re.sub(r"[^0-9.-]", "", cell["text"])
        shown = float(number) / (100 if cell["text"].endswith("%") else 1)
        decimals = len(number.partition(".")[2]) + (2 if cell["text"].endswith("%") else 0)
        assert shown == pytest.approx(float(expected), abs=0.5000001 * 10**-decimals)


def test_every_figure_of_a_chart_is_the_warehouses(look, published):
    """Row by row, in order, by a computation of the test's own, of which one that was added has none; none is without a row."""
    ((as_of,),) = published.query("select max(as_of) from {m}_control.run where status = 'succeeded'")
    expected = expect_charts(published.marketplace, published.query, as_of)
    charts = look.page.locator("[data-chart]").evaluate_all("tables => tables.map(table => table.dataset.chart)")
    assert set(expected) <= set(charts)
    if added := set(charts) - set(expected):
        warnings.warn(f"nothing compares the figures of {', '.join(sorted(added))}: see expected.py", stacklevel=1)
    for chart in expected:
        table = look.table(f"[data-chart={chart}]")
        if not look.page.locator(f"table.ranking[data-chart={chart}]").count():
            table = table[::-1]  # the newest stands first
        assert len(table) == len(expected[chart]) > 0, chart
        for cells, row in zip(table, expected[chart], strict=True):
            for cell, value in zip(cells, row, strict=True):
                assert_cell(cell, value)


def test_every_point_of_a_drawing_is_a_figure(look, published):
    """As many as there are values, except where there are too many for dots; the drawing is not empty."""
    for card in look.page.locator("article:has(figure)").all():
        rows = len(card.locator("tbody tr").all())
        points = card.locator("svg .dot, svg .rect").count()
        assert points == rows or (points == 0 and rows > 60)
        assert card.locator("svg").get_attribute("aria-label")


def test_rows_set_aside_are_counted_by_rule(look, published):
    """With their share in all rows of the table."""
    rows = published.query("select table_name, broken_rule, count(*) from {m}_curated.rejected_rows group by 1, 2")
    assert rows
    for table, rule, count in rows:
        ((accepted,),) = published.query(f"select count(*) from {{m}}_curated.{table}")
        total = accepted + sum(each[2] for each in rows if each[0] == table)
        cells = look.page.locator(f"tr[data-table={table}][data-rule={rule}]").evaluate(
            """row => [...row.querySelectorAll("td")].map(
                cell => ({text: cell.textContent.trim(), exact: cell.querySelector("data").value}))"""
        )
        assert_cell(cells[0], count)
        assert_cell(cells[1], count / total)
    assert look.page.locator("tr[data-rule]").count() == len(rows)


def test_rows_per_hop_and_cost_are_the_ledgers(look, published):
    """Of this run, not of all."""
    run = published.said["run_sequence"]
    loads = published.query(
        "select table_name, rows_read, rows_in_parquet, rows_copied, rows_added, rows_removed, rows_accepted, rows_rejected"
        f" from (select * from {{m}}_control.table_load where run_sequence = {run}) as loads"
        f" full join (select * from {{m}}_control.curated_build where run_sequence = {run}) as builds using (table_name)"
        " order by table_name"
    )
    shown = look.table("[data-facts=hops]")
    for cells, row in zip(shown, loads, strict=True):
        for cell, value in zip(cells, row, strict=True):
            assert_cell(cell, value)
    used = published.query(f"select sum(usd) from {{m}}_control.run_cost where run_sequence = {run} and replaces = ''")[0][0]
    assert Decimal(look.page.locator("#used").get_attribute("value")) == pytest.approx(used)
    assert f"${used:.4f}" in look.page.locator("#used").text_content()
    costs = look.table("[data-facts=costs]")
    assert len(costs) == published.query(f"select count(*) from {{m}}_control.run_cost where run_sequence = {run}")[0][0]


def test_freshness_is_the_oldest_watermark(look, published):
    """Figures are as fresh as the table that is furthest behind."""
    ((oldest,),) = published.query("select min(watermark) from {m}_control.layer_position where layer = 'raw'")
    words = f"{oldest.day} {oldest:%b %Y, %H:%M} UTC"
    assert words in look.page.locator("header").text_content()


def test_nothing_is_said_and_nothing_is_asked_for(look, published):
    """No error, no warning, and no request but the page itself: not at first, nor when everything is opened."""
    for details in look.page.locator("details").all():
        details.locator("summary").click()
    look.page.locator(".tile").first.click()
    assert look.said == []
    assert {address.partition("#")[0] for address in look.asked} == {published.path.as_uri()}


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_a_desk_and_a_phone(look, width):
    """Nothing is wider than the screen, every card can be seen, and letters of a drawing are at least nine pixels high."""
    look.page.set_viewport_size({"width": width, "height": 800})
    assert look.page.evaluate("document.documentElement.scrollWidth") == width
    for card in look.page.locator(".card").all():
        box = card.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    heights = look.page.evaluate(
        """() => [...document.querySelectorAll("svg")].map(svg =>
            parseFloat(getComputedStyle(svg).fontSize) * svg.clientWidth / svg.viewBox.baseVal.width)"""
    )
    assert min(heights) >= 9
    labels = look.page.evaluate(
        """() => [...document.querySelectorAll("svg")].map(svg => {
            const box = svg.getBoundingClientRect();
            const places = [...svg.querySelectorAll(".axis.x text")].map(text => text.getBoundingClientRect());
            return {right: box.right, places: places.map(place => [place.left, place.right])};
        })"""
    )
    for axis in labels:
        for (_, end), (start, _) in zip(axis["places"], axis["places"][1:], strict=False):
            assert end < start, "labels run into each other"
        assert axis["places"][-1][1] <= axis["right"]
    picture = take_picture(look.page)
    assert picture.width == width
    assert len(picture.getcolors()) > 30, "the page is empty"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_follows_the_readers_colours(look, theme):
    """Light ground by day, dark by night; on paper always white."""
    look.page.emulate_media(color_scheme=theme)
    ground = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    assert look.page.evaluate(ground) == {"light": "rgb(255, 255, 255)", "dark": "rgb(29, 34, 39)"}[theme]
    look.page.emulate_media(color_scheme=theme, media="print")
    assert look.page.evaluate(ground) == "rgb(255, 255, 255)"
    assert not look.page.locator("details").first.is_visible()
    assert look.page.locator("svg").first.is_visible()


def test_the_message_says_where_the_report_is(published):
    """In the console, which asks for a login; never an address that is open to who has it."""
    (link,) = re.findall(r"^Report: (\S+)$", published.said["message"], re.MULTILINE)
    key = f"{published.marketplace}/reports/run={published.said['run_sequence']:06d}/report.html"
    assert link == f"https://eu-west-1.console.aws.amazon.com/s3/object/{published.bucket}?region=eu-west-1&prefix={key}"
