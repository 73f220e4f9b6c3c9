"""A marketplace all in one foreign currency, of years without exchange rates: the bookings of a hotel from 2016 to 2018."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rental_pipeline.definitions.exchange_rates import FILE
from tests.metrics.agreement import assert_metrics_agreed
from tests.metrics.apartments.rows import attributes, booking, listing
from tests.metrics.engine import Engine

HEADER = "rate_date,currency,usd_per_unit\n"
AS_OF = date(2026, 11, 26)
WEEK = date(2016, 3, 7)
ROWS = {
    "apartments": [listing(key, currency="EUR", price="117.10", listing_created_on="2016-01-01") for key in (1, 2)],
    "apartment_attributes": [attributes(key) for key in (1, 2)],
    "bookings": [
        booking(
            number,
            apartment_id=1 + number % 2,
            currency="EUR",
            booking_date=day,
            checkin_date=day,
            checkout_date=f"{day[:8]}20",
            total_price=price,
        )
        for number, (day, price) in enumerate(
            [("2016-03-07", "100.25"), ("2016-03-08", "60.10"), ("2016-03-09", "0.75"), ("2018-12-10", "99.99")]
        )
    ],
}


def run(engine: Engine) -> Engine:
    engine.run(AS_OF, ROWS)
    assert_metrics_agreed(engine, AS_OF)
    return engine


def read_revenue(engine: Engine) -> dict[tuple, tuple]:
    rows = engine.read("presentation.listing_revenue_weekly")
    columns = ["bookings", "bookings_without_rate", "revenue", "revenue_rank"]
    return {
        (row.week_start, row.listing_id): tuple(None if row[column] is None else row[column] for column in columns)
        for _, row in rows.iterrows()
    }


def read_prices(engine: Engine) -> list[float | None]:
    """Return the different average prices of all weeks."""
    return list(set(engine.read("presentation.average_listing_price_weekly").average_price))


@pytest.mark.slow
@pytest.mark.parametrize("has_file", [True, False], ids=["no rate", "no file"])
def test_amounts_in_the_reporting_currency_need_no_rates(make_engine, has_file):
    """The figures are right, and nothing is warned of: without a line of rates, and without the file."""
    engine = make_engine(rates=HEADER, currency="EUR")
    if not has_file:
        (engine.sql_root / "control" / FILE).unlink()
    run(engine)
    assert read_revenue(engine) == {
        (WEEK, 1): (2, 0, Decimal("101.00"), 1),
        (WEEK, 2): (1, 0, Decimal("60.10"), 2),
        (date(2018, 12, 10), 2): (1, 0, Decimal("99.99"), 1),
    }
    assert read_prices(engine) == [pytest.approx(117.10)]
    assert not [check for check in engine.warnings() if "without_rate" in check]


def test_amounts_without_a_rate_are_unknown(make_engine):
    """NULL, never 0, counted beside and never ranked; the checks say so."""
    engine = run(make_engine(rates=HEADER))
    assert read_revenue(engine) == {
        (WEEK, 1): (2, 2, None, None),
        (WEEK, 2): (1, 1, None, None),
        (date(2018, 12, 10), 2): (1, 1, None, None),
    }
    assert read_prices(engine) == [None]
    assert {"bookings_without_rate", "listings_without_rate"} <= engine.warnings().keys()
