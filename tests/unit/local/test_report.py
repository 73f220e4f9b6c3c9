"""How the closing report is laid out."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

from local.commands.report import Headline, Hops, Standing, lay_out, make_headlines, write_hops
from rental_pipeline.model.figures_document import Column, DrawnChart, Figures


def test_columns_are_aligned_and_numbers_stand_to_the_right():
    """Text to the left, numbers to the right, nothing at the end of a line."""
    assert lay_out(["city", "bookings"], [["Austin", 7], ["Rome", 1200]]).splitlines() == [
        "  city    bookings",
        "  Austin         7",
        "  Rome        1200",
    ]


def test_values_are_written_for_people():
    """No value is a dash, a ratio has four decimals, money is grouped."""
    text = lay_out(["a", "b", "c"], [[None, 0.12345678, Decimal("1234.50")]])
    assert text.splitlines()[1].split() == ["-", "0.1235", "1,234.50"]


def test_an_empty_table_shows_its_titles():
    """A run that read nothing still says what it would show."""
    assert write_hops([]).split()[:2] == ["table", "read"]


def test_a_row_without_a_verdict_shows_none():
    """A table whose rows were not judged again has dashes, not zeros."""
    assert write_hops([Hops("bookings", 3, 3, 3, 0, 0, None, None)]).splitlines()[1].split() == [
        *("bookings", "3", "3", "3", "0", "0", "-", "-")
    ]


def test_headlines_are_the_tiles_of_the_page_and_what_is_set_aside():
    """A share of rows is of all that were judged; without rows there is none."""
    bookings = DrawnChart(
        name="bookings",
        title="Bookings",
        reading="",
        kind="line",
        columns=(Column("week", "week", "Week of"), Column("bookings", "count", "Bookings")),
        drawn="bookings",
        empty="",
        unknown="",
        rows=({"week": "2026-11-09", "bookings": 3}, {"week": "2026-11-16", "bookings": 1200}),
    )
    empty = {field.name: () for field in fields(Figures)} | {"marketplace": "m", "currency": "USD", "rules": {}}
    figures = Figures(**{**empty, "charts": (bookings,)})
    figure = Headline("Bookings", "1,200", "week of 16 Nov 2026; week before: 3")
    assert make_headlines(figures, [Standing("bookings", 0, 0)]) == [figure]
    standing = [Standing("bookings", 46, 4), Standing("apartments", 50, 0)]
    assert make_headlines(figures, standing) == [figure, Headline("Set aside", "4.0%", "4 of 100 rows; the report says why")]
