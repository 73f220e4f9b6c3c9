"""The page: any text is shown as it is, what is not there is said, and nothing is fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rental_pipeline.model.document import read_as
from rental_pipeline.model.figures_document import DrawnChart, Figures
from rental_pipeline.operate.report import drawing
from rental_pipeline.operate.report.page import render_page

PAGE_CSS = Path(drawing.__file__).with_name("page.css")
EVIL = '<script>alert("1")</script> & <img src=x onerror=alert(1)> \' " {{ 7 * 7 }}'


def draw(chart: dict, currency: str = "USD") -> str:
    return drawing.draw(read_as(DrawnChart, chart), currency)


class Reader(HTMLParser):
    """What a browser would make of a page: tags, attributes, values of attributes, texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.values, self.texts = set(), set(), [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def column(name: str, unit: str) -> dict:
    return {"name": name, "unit": unit, "label": name.title()}


def chart(kind: str = "line", rows: list[dict] | None = None, **more) -> dict:
    first = column("city", "text") if kind == "ranking" else column("week", "week")
    return {
        "name": "prices",
        "title": "Prices",
        "reading": "Each point is a week.",
        "kind": kind,
        "columns": [first, column("price", "money")],
        "drawn": "price",
        "empty": "There is no listing yet.",
        "unknown": "there is no exchange rate",
        "rows": rows or [],
        **more,
    }


WEEKS = [{"week": "2026-11-02", "price": 10.5}, {"week": "2026-11-09", "price": None}, {"week": "2026-11-23", "price": "12.25"}]


def figures(**more) -> Figures:
    """What the step `report` leaves of a first run of an empty marketplace."""
    return read_as(
        Figures,
        {
            "marketplace": "apartments",
            "currency": "USD",
            "run": [
                {
                    "run_sequence": 7,
                    "kind": "incremental",
                    "as_of": "2026-11-21",
                    "finished_at": "2026-11-21 03:00:09",
                    "seconds": 9,
                }
            ],
            "published": [{"run_sequence": 7, "as_of": "2026-11-21"}],
            "watermarks": [{"table_name": "bookings", "watermark": None}],
            "loads": [],
            "builds": [],
            "metrics": [],
            "accepted": [{"table_name": "bookings", "accepted_rows": 0}],
            "rejected": [],
            "rules": {"bookings": {"missing_key": "no booking_id"}},
            "set_aside": [],
            "unreadable": [],
            "warnings": [],
            "costs": [],
            "charts": [],
            **more,
        },
    )


def test_an_empty_marketplace_has_a_page():
    """Each chart says why it has no figures yet; no share is made of no rows."""
    html = render_page(figures(charts=[chart(), chart("columns"), chart("ranking")]))
    assert html.count("There is no listing yet.") == 3
    assert "<svg" not in html
    assert "No table was read or built." in html
    assert "The figures of 21 Nov 2026" in html


@pytest.mark.parametrize("kind", ["line", "columns", "ranking"])
def test_a_chart_of_nothing_but_nulls_says_why(kind):
    """As when no listing has an exchange rate: nothing is drawn, and nothing is zero."""
    first = "city" if kind == "ranking" else "week"
    html = render_page(figures(charts=[chart(kind, [{first: "2026-11-02", "price": None}])]))
    charts = html[html.index("<main>") : html.index("How good the data is")]
    assert "Not known: there is no exchange rate." in charts
    assert "<svg" not in charts and "$0" not in charts and "tile" not in charts


def test_unknown_values_are_counted_and_explained():
    """Beside those that are known; they are a dash, and no bar."""
    rows = [{"city": "Rome", "price": 5}, {"city": "Pune", "price": None}, {"city": "Lima", "price": None}]
    html = render_page(figures(charts=[chart("ranking", rows)]))
    assert "\N{EN DASH} in 2 of 3 rows: there is no exchange rate." in html
    assert html.count('<data value="">\N{EN DASH}</data>') == 2
    assert re.findall(r"--share: ([0-9.]+)", html) == ["1.0000", "0.0000", "0.0000"]


def test_a_chart_says_until_when_it_reaches():
    """Old data loaded today is told from data of today; of a ranking, by a column that is not shown."""
    old = [{"week": "2018-12-17", "price": 1}, {"week": "2018-12-24", "price": 2}]
    html = render_page(figures(charts=[chart(rows=old), chart(rows=WEEKS)]))
    assert "Until 30 Dec 2018, with nothing after it." in html
    assert "Until 29 Nov 2026." in html
    columns = [column("city", "text"), column("price", "money"), column("until", "day")]
    html = render_page(figures(charts=[chart("ranking", [{"city": "Rome", "price": 1, "until": "2018-12-30"}], columns=columns)]))
    assert "Until 30 Dec 2018, with nothing after it." in html
    assert '<th scope="col" class="number">Price</th></tr>' in html


def test_the_page_leads_with_what_changed_most():
    """Beside the same week last year, which takes the season out; a figure that hardly moved is none of them."""
    year = {"week": "2025-11-24", "price": 10.0}, {"week": "2026-11-16", "price": 14.9}, {"week": "2026-11-23", "price": 15.0}
    dearer = chart(rows=list(year), matters="Guests compare prices.")
    steady = chart(rows=[{"week": "2026-11-16", "price": 500.0}, {"week": "2026-11-23", "price": 501.0}], name="steady")
    reader = Reader(render_page(figures(charts=[steady, dearer])))
    text = " ".join(" ".join(reader.texts).split())
    assert "Prices : $15.00 (week of 23 Nov 2026), the same week last year $10.00 (+50.0%). Guests compare prices." in text
    assert "week of 23 Nov 2026 week before: $14.90 year before: $10.00" in text
    lead = text.split("What changed")[1].split("Guests compare prices.")[0]
    assert "$501" not in lead


def test_eight_figures_stand_at_the_head():
    """Those of the first charts; what changed most may be of any chart."""
    rows = [{"week": "2026-11-09", "price": 10.0}, {"week": "2026-11-16", "price": 10.0}]
    charts = [chart(name=f"chart_{number}", rows=rows) for number in range(10)]
    charts[9] = chart(name="chart_9", rows=[rows[0], {"week": "2026-11-16", "price": 30.0}])
    html = render_page(figures(charts=charts))
    assert html.count('class="tile ') == 8
    assert '<li><a href="#chart_9">' in html


def test_what_is_long_over_is_no_news():
    """Figures of years ago have their tile, with their day, and do not lead."""
    old = chart(rows=[{"week": "2024-03-04", "price": 10.0}, {"week": "2024-03-11", "price": 15.0}])
    html = render_page(figures(charts=[old]))
    assert "What changed" not in html
    assert "week before: $10.00" in html


def test_rows_newly_set_aside_are_part_of_what_changed():
    """A reader of the first lines learns of them; a page of which nothing is told has no such part."""
    row = {"table_name": "bookings", "broken_rule": "missing_key", "rows_set_aside": 3, "amount": None, "currency": None}
    row |= {"rows_accepted_before": 0, "amount_before": None}
    assert "<strong>3 rows</strong>" in render_page(figures(set_aside=[row]))
    assert "<strong>1 row</strong>" in render_page(figures(set_aside=[{**row, "rows_set_aside": 1}]))
    assert "What changed" not in render_page(figures(charts=[chart(rows=WEEKS)]))


def test_amounts_are_in_the_reporting_currency():
    """Named once, and written by its symbol; the pipeline's own cost stays in US dollars."""
    html = render_page(figures(currency="JPY", charts=[chart(rows=WEEKS)]))
    assert "Amounts are in <strong>JPY</strong>." in html
    assert "¥12" in html and "$1" not in html
    assert "US dollars" in html
    assert "Amounts are in" not in render_page(figures())


@pytest.mark.parametrize("kind", ["line", "columns"])
def test_any_text_is_shown_as_it_is(kind):
    """A listing's title can hold anything: as text, in a drawing's description and in every fact."""
    hops = ("rows_read", "rows_in_parquet", "rows_copied", "rows_added", "rows_removed")
    columns = [column("week", "week"), column("price", "money") | {"label": EVIL}]
    everything = figures(
        marketplace=EVIL,
        watermarks=[{"table_name": EVIL, "watermark": "2026-11-21 03:00:00"}],
        loads=[{"table_name": EVIL, **dict.fromkeys(hops, 1)}],
        accepted=[{"table_name": EVIL, "accepted_rows": 1}],
        rejected=[{"table_name": EVIL, "broken_rule": EVIL, "rejected_rows": 1}],
        rules={EVIL: {EVIL: EVIL}},
        set_aside=[
            {
                "table_name": EVIL,
                "broken_rule": EVIL,
                "currency": EVIL,
                "rows_set_aside": 1,
                "amount": "1.00",
                "rows_without_amount": 0,
                "rows_accepted_before": 1,
                "amount_before": None,
            }
        ],
        unreadable=[{"table_name": EVIL, "column_name": EVIL, "unreadable_rows": 1}],
        warnings=[{"check_name": EVIL, "violations": 1}],
        metrics=[{"metric": EVIL, "periods": 1, "metric_rows": 1}],
        costs=[{"item": EVIL, "quantity": "1", "unit": EVIL, "usd": "1", "replaces": EVIL}],
        charts=[
            chart(kind, WEEKS, title=EVIL, reading=EVIL, name=EVIL, columns=columns),
            chart("ranking", [{"city": EVIL, "price": 1}], title=EVIL),
        ],
    )
    html = render_page(everything)
    seen = Reader(html)
    assert seen.tags.isdisjoint({"script", "img", "iframe", "object", "form"})
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert "".join(seen.texts).count(EVIL) >= 12
    assert EVIL in "".join(seen.values)


def test_nothing_is_fetched():
    """No address at all in the page but a namespace's name; a policy that would forbid fetching; no script."""
    html = render_page(
        figures(charts=[chart(rows=WEEKS), chart("columns", WEEKS), chart("ranking", [{"city": "Rome", "price": 1}])])
    )
    assert set(re.findall(r"\w+://[^\s\"')]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert "url(" not in html
    assert "@import" not in html


def test_a_drawing_has_a_gap_where_a_period_has_no_value():
    """A week without a row, and one whose value is NULL: no line leads over them, and every point says what it is."""
    weeks = {"2026-10-05": 1, "2026-10-12": 2, "2026-10-26": 3, "2026-11-02": 4, "2026-11-09": None, "2026-11-16": "5.25"}
    root = ElementTree.fromstring(draw(chart(rows=[{"week": week, "price": price} for week, price in weeks.items()])))
    points = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert points[0] == "5 Oct 2026: $1.00"
    assert points[-1] == "16 Nov 2026: $5.25"
    assert len(points) == 5
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Prices: Price from 5 Oct 2026 to 16 Nov 2026"
    lines = " ".join(path.get("d") for path in root.iter() if path.get("class") == "line reactive nofill")
    assert lines.count("L") == 2  # October's two weeks, and the two around its end


def test_bars_are_as_high_as_their_values():
    """From zero."""
    root = ElementTree.fromstring(
        draw(chart("columns", [{"week": "2026-11-02", "price": 10}, {"week": "2026-11-09", "price": 40}]))
    )
    first, second = [float(bar.get("height")) for bar in root.iter() if "rect reactive" in bar.get("class", "")]
    assert second == pytest.approx(4 * first)


@pytest.mark.parametrize("kind", ["line", "columns"])
@pytest.mark.parametrize("values", [[5], [0], [0, 0, 0], [-3, 4], ["12345678901.25", "12345678901.26"], [None, 1]])
def test_few_and_odd_values_are_drawn(kind, values):
    """One alone, nothing but zero, less than zero, more than an axis has room for: each is a point, and labels stand apart."""
    rows = [{"week": f"2026-11-{2 + 7 * number:02d}", "price": value} for number, value in enumerate(values)]
    root = ElementTree.fromstring(draw(chart(kind, rows)))
    points = list(root.iter("{http://www.w3.org/2000/svg}title"))
    assert len(points) == sum(value is not None for value in values)
    assert "nan" not in draw(chart(kind, rows))
    (axis,) = [group for group in root.iter() if group.get("class", "").startswith("axis y")]
    heights = sorted(float(text.get("y")) for text in axis.iter("{http://www.w3.org/2000/svg}text"))
    assert len(heights) >= 3 and all(upper - lower > 20 for lower, upper in pairwise(heights))


def test_the_same_figures_make_the_same_page():
    """A repeated call writes the same again."""
    everything = figures(charts=[chart(rows=WEEKS)])
    assert render_page(everything) == render_page(everything)


def test_the_page_is_wellformed():
    """Every element that is opened is closed, in order; HTML's void elements excepted."""
    html = render_page(figures(charts=[chart(rows=WEEKS), chart("ranking", [{"city": "A & B", "price": 1}])]))
    body = html[html.index("<body>") :].replace("</html>", "")
    ElementTree.fromstring(body)


def test_shares_of_rules_are_of_all_rows_of_the_table():
    """Accepted and set aside."""
    html = render_page(
        figures(
            accepted=[{"table_name": "bookings", "accepted_rows": 90}],
            rejected=[{"table_name": "bookings", "broken_rule": "missing_key", "rejected_rows": 10}],
        )
    )
    assert "no booking_id" in html
    assert re.search(r'data-rule="missing_key".*?>10</data>.*?>10\.0%</data>', html, re.DOTALL)


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_can_be_told_apart():
    """Letters from what is behind them by 4.5 to 1 (WCAG 2.2, 1.4.3), drawings by 3 to 1 (1.4.11): by day, by night, on paper."""
    style = PAGE_CSS.read_text()
    themes = [dict(re.findall(r"--(\w+): (#\w+);", root)) for root in re.findall(r":root \{([^}]+)\}", style)]
    assert len(themes) == 3
    for theme in themes:
        for front, back, least in (
            *((front, back, 4.5) for front in ("ink", "quiet", "mark") for back in ("paper", "ground")),
            ("ink", "bar", 4.5),
            ("mark", "paper", 3),
        ):
            lighter, darker = sorted((luminance(theme[front]), luminance(theme[back])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= least, (front, back, theme)
