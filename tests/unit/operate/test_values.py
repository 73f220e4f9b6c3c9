"""Values as readers see them."""

from __future__ import annotations

from datetime import date

import pytest

from rental_pipeline.definitions.units import UNITS
from rental_pipeline.operate.report.values import name_period, next_period, write_moment, write_until, write_value


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        ("2026-11-09", "week", "9 Nov 2026"),
        ("2026-11-01", "month", "Nov 2026"),
        (1234567, "count", "1,234,567"),
        ("1234567", "count", "1,234,567"),
        ("999.994", "money", "$999.99"),
        ("1000.40", "money", "$1,000"),
        (-12.5, "money", "-$12.50"),
        (0.3456, "percent", "34.6%"),
        (1, "percent", "100.0%"),
        (3.25, "nights", "3.2 nights"),
        (7.0, "hours", "7.0 hours"),
        (1.0456, "number", "1.05"),
        ("a text", "text", "a text"),
        (17, "text", "17"),
    ],
)
def test_a_value_is_written_by_its_unit(value, unit, written):
    """Whether the Data API gave it as a number or as text."""
    assert write_value(value, unit, "USD") == written


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_is_written_as_a_dash(unit):
    """NULL is not zero."""
    assert write_value(None, unit, "USD") == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "currency", "written"),
    [
        ("1234.5", "EUR", "€1,234"),
        ("12.5", "EUR", "€12.50"),
        ("12.5", "JPY", "¥12"),
        ("12.3456", "KWD", "KWD\N{NO-BREAK SPACE}12.346"),
        ("99.994", "CHF", "CHF\N{NO-BREAK SPACE}99.99"),
        ("-12.5", "INR", "-₹12.50"),
        ("1234567890123456789012345678.25", "USD", "$1,234,567,890,123,456,789,012,345,678"),
    ],
)
def test_money_is_written_by_its_currency(value, currency, written):
    """Its symbol or code before it, and as many decimals as it has (ISO 4217); none from a thousand on."""
    assert write_value(value, "money", currency) == written


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0, "money", "$0.00"),
        (0.004, "money", "<$0.01"),
        (0.0004, "percent", "<0.1%"),
        (0, "percent", "0.0%"),
        (0.01, "hours", "<0.1 hours"),
    ],
)
def test_what_is_not_zero_is_not_written_as_zero(value, unit, written):
    """A little is more than nothing."""
    assert write_value(value, unit, "USD") == written


def test_periods_follow_each_other():
    """Over the end of a month and of a year."""
    assert next_period(date(2026, 12, 1), "month") == date(2027, 1, 1)
    assert next_period(date(2026, 1, 1), "month") == date(2026, 2, 1)
    assert next_period(date(2026, 12, 28), "week") == date(2027, 1, 4)
    assert next_period(date(2026, 2, 28), "day") == date(2026, 3, 1)


def test_periods_are_named_within_a_sentence():
    assert [name_period(date(2026, 11, 1), unit) for unit in ("day", "week", "month")] == [
        "on 1 Nov 2026",
        "week of 1 Nov 2026",
        "in Nov 2026",
    ]


def test_a_period_reaches_until_its_last_day():
    days = [write_until(date(2018, 12, 24), unit) for unit in ("day", "week", "month")]
    assert days == ["24 Dec 2018", "30 Dec 2018", "Dec 2018"]


def test_moments_are_those_of_the_warehouse():
    assert write_moment("2026-11-21 03:04:05.123456") == "21 Nov 2026, 03:04 UTC"
    assert write_moment(None) == "\N{EN DASH}"
