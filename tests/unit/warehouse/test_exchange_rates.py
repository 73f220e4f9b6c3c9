"""exchange_rates.csv, which users edit, is read strictly."""

from datetime import date
from decimal import Decimal

import pytest

from rental_pipeline.errors import FixConfiguration
from rental_pipeline.steps.prepare import read_rates


def test_a_rate_holds_until_the_next_of_its_currency():
    """Lines may stand in any order; the last interval is open-ended."""
    text = "rate_date,currency,usd_per_unit\n2026-02-01,EUR,1.2\n2026-01-01,EUR,1.1\n2026-01-01,USD,1\n"
    assert read_rates(text) == [
        ("EUR", date(2026, 1, 1), date(2026, 2, 1), Decimal("1.1")),
        ("EUR", date(2026, 2, 1), date(9999, 12, 31), Decimal("1.2")),
        ("USD", date(2026, 1, 1), date(9999, 12, 31), Decimal("1")),
    ]


@pytest.mark.parametrize(
    "line", ["2026-13-01,EUR,1.1", "2026-01-01,EUR,x", "2026-01-01,eur,1", "2026-01-01,EUR,0", "2026-01-01,EUR", "a"]
)
def test_a_line_that_is_no_rate_is_named(line):
    """The error tells the line's number."""
    with pytest.raises(FixConfiguration, match="line 3"):
        read_rates(f"rate_date,currency,usd_per_unit\n2026-01-01,USD,1\n{line}\n")


def test_two_rates_on_one_day_are_refused():
    """Which of two rates holds must not depend on their order in the file."""
    with pytest.raises(FixConfiguration, match="two rates on 2026-01-01"):
        read_rates("rate_date,currency,usd_per_unit\n2026-01-01,EUR,1\n2026-01-01,EUR,2\n")
