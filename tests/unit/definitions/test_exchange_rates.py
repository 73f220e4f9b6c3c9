"""exchange_rates.csv, which users edit, is read strictly, and gives rates into any reporting currency."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.exchange_rates import BEGIN_OF_TIME, END_OF_TIME, Rate, make_rates

HEADER = "rate_date,currency,usd_per_unit\n"
EURO_AND_YEN = HEADER + "2026-01-01,EUR,1.10\n2026-02-01,EUR,1.20\n2026-01-15,JPY,0.0066\n2026-02-01,JPY,0.006\n"


def of(currency: str, rates: list[Rate]) -> list[tuple[date, date, Decimal]]:
    return [(rate.valid_from, rate.valid_to, rate.rate) for rate in rates if rate.currency == currency]


def test_a_rate_holds_until_the_next_of_its_currency():
    """Lines may stand in any order, comments and empty lines among them; the last interval is open-ended."""
    text = HEADER + "# of the ECB\n2026-02-01,EUR,1.2\n\n2026-01-01,EUR,1.1\n2026-01-01,USD,1\n"
    assert make_rates(text, "USD") == [
        Rate("EUR", date(2026, 1, 1), date(2026, 2, 1), Decimal("1.1")),
        Rate("EUR", date(2026, 2, 1), END_OF_TIME, Decimal("1.2")),
        Rate("USD", BEGIN_OF_TIME, END_OF_TIME, Decimal(1)),
    ]


@pytest.mark.parametrize("text", ["", HEADER, HEADER + "2026-01-01,EUR,1.1\n"])
def test_the_reporting_currency_has_one_rate_for_all_days(text):
    """Without a file, without a line, or with lines for it: one is one."""
    assert of("EUR", make_rates(text, "EUR")) == [(BEGIN_OF_TIME, END_OF_TIME, Decimal(1))]


def test_other_currencies_are_converted_over_the_us_dollar():
    """At every day on which one of the two changes, from the first on which both are known; rounded once."""
    rates = make_rates(EURO_AND_YEN, "EUR")
    assert of("USD", rates) == [
        (date(2026, 1, 1), date(2026, 2, 1), Decimal("0.9090909091")),
        (date(2026, 2, 1), END_OF_TIME, Decimal("0.8333333333")),
    ]
    assert of("JPY", rates) == [
        (date(2026, 1, 15), date(2026, 2, 1), Decimal("0.006")),
        (date(2026, 2, 1), END_OF_TIME, Decimal("0.005")),
    ]
    assert of("EUR", make_rates(EURO_AND_YEN, "JPY"))[0] == (date(2026, 1, 15), date(2026, 2, 1), Decimal("166.6666666667"))


def test_a_reporting_currency_without_rates_converts_nothing():
    """Its own amounts need no rate; whatever else there is, is unknown."""
    assert [rate.currency for rate in make_rates(EURO_AND_YEN, "CHF")] == ["CHF"]


@pytest.mark.parametrize(
    "line",
    [
        "2026-13-01,EUR,1.1",
        "2026-01-01,EUR,x",
        "2026-01-01,EUR,NaN",
        "2026-01-01,EUR,Infinity",
        "2026-01-01,eur,1",
        "2026-01-01,EUR,0",
        "2026-01-01,EUR,-1",
        "2026-01-01,EUR",
        "2026-01-01,EUR,1,1",
        "9999-12-31,EUR,1",
        "a",
        "2026-01-01,USD,0.9",
    ],
)
def test_a_line_that_is_no_rate_is_named(line):
    """The error tells the line's number in the file; that a dollar is worth less than itself contradicts the column."""
    with pytest.raises(FixConfiguration, match="line 4"):
        make_rates(f"{HEADER}# comment\n2026-01-01,USD,1\n{line}\n", "USD")


def test_another_header_is_refused():
    """Columns that changed places would be read as each other."""
    with pytest.raises(FixConfiguration, match="first line"):
        make_rates("currency,rate_date,usd_per_unit\n", "USD")


def test_two_rates_on_one_day_are_refused():
    """Which of two rates holds must not depend on their order in the file."""
    with pytest.raises(FixConfiguration, match="line 3: EUR has two rates on 2026-01-01"):
        make_rates(HEADER + "2026-01-01,EUR,1\n2026-01-01,EUR,2\n", "USD")


@pytest.mark.parametrize("rate", ["0.00000000001", "100000000"])
def test_a_rate_that_does_not_fit_the_table_is_refused(rate):
    """Instead of becoming 0, or failing in the warehouse."""
    with pytest.raises(FixConfiguration, match="on 2026-01-01 one XYZ is"):
        make_rates(f"{HEADER}2026-01-01,XYZ,{rate}\n", "USD")
