"""Exchange rates that change: only what was converted by another rate is built again, and it is what a rebuild makes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from rental_pipeline.definitions.exchange_rates import FILE
from tests.metrics.agreement import assert_metrics_agreed
from tests.metrics.apartments.rows import booking, listing
from tests.metrics.engine import Engine

HEADER = "rate_date,currency,usd_per_unit\n"
RATES = HEADER + "2024-01-01,EUR,1.5\n2024-04-01,EUR,1.25\n2024-01-01,INR,0.0125\n"
AS_OF = date(2024, 5, 1)
CONVERTED = ("average_listing_price_weekly", "top_listings_weekly")
ROWS = {
    "apartments": [listing(1, currency="EUR"), listing(2, currency="INR"), listing(3)],
    "bookings": [
        booking(number, apartment_id=1 + number % 3, currency=currency, booking_date=day, total_price="100.10")
        for number, (day, currency) in enumerate(
            (f"2024-{month:02d}-{day:02d}", currency)
            for month in (2, 3, 4)
            for day in (4, 5, 6, 20)
            for currency in ("EUR", "INR", "USD", "GBP")
        )
    ],
}


@pytest.fixture
def engine(make_engine) -> Engine:
    """Metrics of three listings that are booked in four currencies, one of them without a rate."""
    engine = make_engine(rates=RATES)
    engine.run(AS_OF, ROWS)
    return engine


def edit(engine: Engine, rates: str) -> dict[str, set[date]]:
    """Run with other rates, let the judge look at all figures, and return the periods built of each converted metric."""
    (engine.sql_root / "control" / FILE).write_text(rates, encoding="utf-8")
    engine.run(AS_OF)
    assert_metrics_agreed(engine, AS_OF)
    staged = engine.staged
    staged = staged[staged.run_sequence == engine.run_sequence]
    return {metric: set(weeks) for metric, weeks in staged.groupby("metric").period_start if metric in CONVERTED}


def built(*weeks: date) -> dict[str, set[date]]:
    """Weeks of both metrics; that of the run is not built a second time on its day."""
    return {metric: set(weeks) for metric in CONVERTED}


def weeks_from(engine: Engine, monday: date) -> set[date]:
    return {week for week in engine.read("control.calendar").week_start if week >= monday}


def count_stale_in_lake(engine: Engine) -> int:
    stale = engine.read("control.lake_stale_year")
    return int(((stale.table_name == "control_exchange_rate") & (stale.run_sequence == engine.run_sequence)).sum())


def read_all(engine: Engine) -> dict[str, list[str]]:
    """Return all rows of the metrics as texts, in any order."""
    metrics = [metric.name for metric in engine.files.metrics]
    return {name: sorted(map(str, engine.read(f"presentation.{name}").to_numpy().tolist())) for name in metrics}


def test_a_rate_of_one_day_rebuilds_the_periods_of_that_day(engine):
    """It parts the span of the one before, which holds again a day later; all else stands, and is what a rebuild makes."""
    assert edit(engine, RATES + "2024-03-05,EUR,9\n2024-03-06,EUR,1.5\n") == built(date(2024, 3, 4))
    assert count_stale_in_lake(engine) == 1
    incremental = read_all(engine)
    engine.run(AS_OF, rebuild=True)
    assert read_all(engine) == incremental


@pytest.mark.slow
def test_a_new_rate_rebuilds_the_periods_from_its_day_on(engine):
    """Up to the calendar's end; what was converted before it stands."""
    assert edit(engine, RATES + "2024-04-17,INR,0.02\n") == built(*weeks_from(engine, date(2024, 4, 15)))


@pytest.mark.slow
def test_a_currency_that_comes_or_goes_rebuilds_its_days(engine):
    """Amounts that had no rate have one now, and the other way round."""
    pound = RATES + "2024-03-05,GBP,1.3\n"
    periods = built(*weeks_from(engine, date(2024, 3, 4)))
    assert edit(engine, pound) == periods
    assert edit(engine, RATES) == periods


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        HEADER + "# the same\n\n2024-01-01,INR,0.01250\n2024-04-01,EUR,1.25\n2024-01-01,EUR,1.50000000000000\n",
        RATES + "2024-02-01,EUR,1.5\n2024-01-01,USD,1\n",
    ],
    ids=["comments, order and digits", "the same again from a later day"],
)
def test_the_same_rates_in_other_words_rebuild_nothing(engine, text):
    """They are compared by value and day."""
    assert edit(engine, text) == {}
    assert count_stale_in_lake(engine) == 0


@pytest.mark.slow
def test_another_reporting_currency_rebuilds_what_is_converted(engine):
    """All of it, and only that."""
    engine.currency = "EUR"
    assert edit(engine, RATES) == built(*weeks_from(engine, date.min))
    assert engine.read("control.reporting_currency").currency.tolist() == ["EUR"]


@pytest.mark.slow
def test_ten_years_of_days_in_thirty_currencies(engine):
    """110,000 rates come at once, and a correction among them rebuilds one week."""
    currencies = [f"X{first}{second}" for first in "ABCDEF" for second in "ABCDE"]
    lines = [
        f"{date(2016, 1, 1) + timedelta(days=day)},{currency},{1 + (day * 7 + number) % 1000 / 1000:.8f}\n"
        for day in range(3660)
        for number, currency in enumerate(currencies)
    ]
    edit(engine, RATES + "".join(lines))
    rates = engine.read("control.exchange_rate")
    assert len(rates) > 105_000
    found = rates[(rates.currency == "XAA") & (rates.valid_from == date(2016, 1, 3))]
    assert found[["valid_to", "rate"]].to_numpy().tolist() == [[date(2016, 1, 4), Decimal("1.0140000000")]]
    place = lines.index("2016-01-03,XAA,1.01400000\n")
    lines[place] = "2016-01-03,XAA,1.5\n"
    assert edit(engine, RATES + "".join(lines)) == built(date(2015, 12, 28))
