"""How the closing report is laid out."""

from __future__ import annotations

from decimal import Decimal

from local.commands.report import Hops, lay_out, write_hops


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
