"""Money never leaves the figures in silence: what rules newly set aside is told, and beyond a limit nothing is published."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rental_pipeline.base.errors import FixData, RetryLater
from tests.metrics.apartments.rows import booking, listing

FIRST, NEXT = date(2024, 3, 18), date(2024, 3, 19)
LIMIT = 0.05  # what source.yaml says where it says nothing


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture
def published(engine):
    """Twenty bookings of 500 US dollars each, published."""
    engine.max_rejected_fraction = LIMIT
    engine.run(FIRST, {"apartments": [listing(1)], "bookings": [booking(number) for number in range(1, 21)]})
    return engine


def change(numbers: range, status: str) -> dict:
    return {"bookings": [booking(number, booking_status=status) for number in numbers]}


def revenue(engine) -> Decimal:
    """Return the published revenue of all weeks."""
    return sum(engine.read("presentation.top_listings_weekly").filter(like="revenue").sum())


def set_aside(engine) -> list[tuple]:
    return [tuple(row) for row in engine.read("control.set_aside").itertuples(index=False)]


def test_two_of_twenty_bookings_with_an_unknown_status_stop_the_publication(published):
    """The message names rule, rows, money and the way out; the figures stay as they were."""
    with pytest.raises(FixData, match="bookings_set_aside_beyond_limit: 2 rows") as failure:
        published.run(NEXT, change(range(1, 3), "completed"))
    assert "unknown_status: booking_status=completed (row 1)" in str(failure.value)
    assert "rule unknown_status: 2 rows worth 1,000.00 USD; 2 of them with 1,000.00 USD were in the figures before" in str(
        failure.value
    )
    assert "max_rejected_fraction" in str(failure.value)
    assert revenue(published) == 10_000


@pytest.mark.slow
def test_a_rerun_does_not_publish_over_it_either(published):
    """The rows were set aside by the run that failed; to the next they are not new, and not published without all the same."""
    with pytest.raises(FixData):
        published.run(NEXT, change(range(1, 3), "completed"))
    with pytest.raises(RetryLater, match="held the lease"):
        published.run(NEXT)
    with pytest.raises(FixData, match="bookings_set_aside_beyond_limit"):
        published.run(NEXT)
    with pytest.raises(RetryLater, match="held the lease"):
        published.run(NEXT)
    published.run(NEXT, change(range(1, 3), "confirmed"))
    assert revenue(published) == 10_000


@pytest.mark.slow
def test_the_contract_may_let_it_go(published):
    """With a higher limit the loss is published, and told: in the ledger, and as a warning."""
    published.max_rejected_fraction = 0.2
    published.run(NEXT, change(range(1, 3), "completed"))
    assert revenue(published) == 9_000
    assert set_aside(published) == [(2, "bookings", "unknown_status", "USD", 2, Decimal("1000.00"), 0, 2, Decimal("1000.00"))]
    assert "unknown_status" in published.warnings()["bookings_newly_set_aside"]
    published.run(NEXT)
    assert "bookings_newly_set_aside" not in published.warnings()


def test_one_row_never_stops_the_others(published):
    """Even where it is a large share; it is told."""
    published.max_rejected_fraction = 0
    published.run(NEXT, change(range(1, 2), "completed"))
    assert revenue(published) == 9_500
    assert "unknown_status" in published.warnings()["bookings_newly_set_aside"]


def test_what_arrives_broken_counts_too(published):
    """A new version of the application writes another status: nothing that was published leaves, and nothing new comes."""
    with pytest.raises(FixData, match="bookings_set_aside_beyond_limit: 3 rows"):
        published.run(NEXT, change(range(21, 24), "completed"))


def test_a_first_publication_only_warns(engine):
    """Nothing was published that could leave."""
    engine.max_rejected_fraction = LIMIT
    rows = [booking(number, booking_status="completed" if number % 2 else "confirmed") for number in range(1, 11)]
    engine.run(FIRST, {"apartments": [listing(1)], "bookings": rows})
    assert revenue(engine) == 2_500
    assert "unknown_status" in engine.warnings()["bookings_newly_set_aside"]


@pytest.mark.slow
def test_an_amount_that_is_lost_leaves_with_its_last_value(published):
    """What the row is worth is unknown now; what leaves the figures is known."""
    published.max_rejected_fraction = 1
    published.run(NEXT, {"bookings": [booking(1, total_price=None)]})
    ((*_, rows, amount, without, before, amount_before),) = set_aside(published)
    assert (rows, without, before, amount_before) == (1, 1, 1, Decimal("500.00")) and amount is None


def test_published_and_set_aside_are_the_source_to_the_cent(published):
    """Accepted amounts and those of rejected rows add up to what the source holds."""
    published.max_rejected_fraction = 1
    published.run(NEXT, {"bookings": [booking(1, booking_status="x"), booking(2, checkin_date="soon", total_price="12.34")]})
    source = sum(Decimal(row["total_price"]) for row in published.tables["bookings"])
    rejected = published.read("curated.rejected_rows")
    assert sum(published.read("curated.bookings").total_price) + sum(rejected.amount) == source
