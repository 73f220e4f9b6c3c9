"""Random marketplaces, dirt included: after every increment the warehouse agrees with the judge, at the end with a rebuild."""

import random
from datetime import date, datetime, timedelta

import pytest

from tests.fixtures.slow import first_of
from tests.metrics.agreement import assert_agreed, read_all
from tests.metrics.apartments.money import assert_money_is_kept
from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.apartments.subject import KEYS

FIRST_DAY = date(2024, 11, 20)
RATES = "rate_date,currency,usd_per_unit\n2000-01-01,USD,1\n2024-01-01,EUR,1.0875\n2024-12-04,EUR,1.05\n2025-01-01,INR,0.0117\n"


class Market:
    """A marketplace that changes by dice. `clock` is the source's: it only goes forward, and so do most of its cursors."""

    def __init__(self, seed: int):
        self.dice = random.Random(seed)
        self.clock = datetime(2024, 11, 20, 6)

    def maybe(self, share: float) -> bool:
        return self.dice.random() < share

    def write_day(self, day: date) -> str | None:
        """Spell a day in either generation's way, with or without a time; sometimes spoil it."""
        if self.maybe(0.04):
            return self.dice.choice(
                [None, "null", "", "31/02/2024", "2023-02-29", "0000-00-00", "soon", "2024-13-01", "1/2/2024"]
            )
        form = self.dice.choice(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%S.5Z", "%d/%m/%Y %H:%M"])
        return (datetime(day.year, day.month, day.day) + timedelta(minutes=self.dice.randrange(1440))).strftime(form)

    def some_day(self, before: int, after: int) -> date:
        return self.clock.date() + timedelta(days=self.dice.randint(-before, after))

    def make_listing(self, key: int) -> dict:
        # A change may come late, or carry an older cursor than the one before; a listing without a cursor is dated by the run.
        changed_at = self.clock - timedelta(minutes=self.dice.choice([0, 0, 0, 5, 3_000, 300_000]))
        return listing(
            key,
            price=self.dice.choice(["100.00", "250.50", "99.99", "1200.00", "0.00"])
            if self.maybe(0.94)
            else self.dice.choice(["-3.00", None]),
            currency=self.dice.choice(["USD", "EUR", "eur ", "INR", "GBP"])
            if self.maybe(0.96)
            else self.dice.choice(["$", None]),
            listing_created_on=self.write_day(self.some_day(900, 2)),
            is_active=self.dice.choice(["1", "True", "y", "0", "False"]) if self.maybe(0.97) else "maybe",
            last_modified_timestamp=self.write_day(self.some_day(900, 0)),
            changed_at=None if self.maybe(0.1) else changed_at,
        )

    def make_attributes(self, key: int) -> dict:
        return attributes(
            key,
            cityname=self.dice.choice(["Austin", "austin", " AUSTIN", "Paris", "Pune", "null", None]),
            state=self.dice.choice(["TX", "tx", "null"]),
            price_type=self.dice.choice(["Monthly", "monthly", "Weekly", "Monthly|Weekly", "One-time", None]),
            bedrooms=self.dice.choice(["1", "null", "2", "two"]) if self.maybe(0.3) else "2",
            latitude=self.dice.choice(["30.2500000", "91.0000000"]) if self.maybe(0.2) else None,
        )

    def make_booking(self, key: int) -> dict:
        checkin = self.some_day(500, 60)
        return booking(
            key,
            user_id=self.dice.randint(1, 12) if self.maybe(0.98) else None,
            apartment_id=self.dice.randint(1, 34) if self.maybe(0.98) else None,
            booking_date=self.write_day(self.some_day(400, 3)),
            checkin_date=self.write_day(checkin),
            checkout_date=self.write_day(checkin + timedelta(days=self.dice.choice([-40, 0, 1, 2, 5, 14, 45, 400]))),
            total_price=self.dice.choice(["10.05", "333.33", "1000.00", "1000.00"])
            if self.maybe(0.96)
            else self.dice.choice(["-1.00", None]),
            currency=self.dice.choice(["USD", "USD", "EUR", "INR", "GBP"]),
            booking_status=self.dice.choice(["confirmed", "confirmed", "Pending", "canceled", "cancelled"])
            if self.maybe(0.97)
            else "odd",
            num_guests=self.dice.choice([1, 2, None]),
        )

    def make_viewings(self, day: date) -> list[dict]:
        moments = [datetime(day.year, day.month, day.day, self.dice.randrange(24)) for _ in range(self.dice.randint(1, 6))]
        rows = [
            viewing(
                moment,
                user_id=self.dice.choice([1, 2, None]) if self.maybe(0.2) else 3,
                apartment_id=self.dice.randint(1, 34),
                viewed_at=self.write_day(day),
                is_wishlisted=self.dice.choice(["y", "n", "True", None, "perhaps"]),
            )
            for moment in moments
        ]
        return rows + rows[:1] * self.maybe(0.5)

    def first_load(self) -> dict[str, list[dict]]:
        return {
            "apartments": [self.make_listing(key) for key in range(1, 31)],
            "apartment_attributes": [self.make_attributes(key) for key in range(1, 29)],
            "bookings": [self.make_booking(key) for key in range(1, 161)],
            "user_viewing": [row for back in range(4) for row in self.make_viewings(FIRST_DAY - timedelta(days=back))],
        }

    def increment(self) -> tuple[dict[str, list[dict]], dict[str, list[int]]]:
        """A day or more later: some rows changed, some new, some gone; rejected ones are corrected, good ones spoiled."""
        self.clock += timedelta(days=self.dice.choice([0, 1, 1, 6]), hours=self.dice.randint(1, 20))
        listings = {self.dice.randint(1, 34) for _ in range(5)}
        upserts = {
            "apartments": [self.make_listing(key) for key in listings],
            "apartment_attributes": [self.make_attributes(key) for key in {self.dice.randint(1, 34) for _ in range(3)}],
            "bookings": [self.make_booking(key) for key in {self.dice.randint(1, 190) for _ in range(15)}],
            "user_viewing": self.make_viewings(self.clock.date() - timedelta(days=self.dice.randint(0, 3))),
        }
        deletes = {
            "apartments": [self.dice.randint(1, 34)] if self.maybe(0.5) else [],
            "apartment_attributes": [self.dice.randint(1, 34)],
            "bookings": [self.dice.randint(1, 190) for _ in range(3)],
        }
        return upserts, {table: [key for key in keys if key not in _keys(table, upserts)] for table, keys in deletes.items()}


def _keys(table: str, upserts: dict[str, list[dict]]) -> set[int]:
    return {row[KEYS[table]] for row in upserts[table]}


@pytest.mark.parametrize("seed", first_of(range(4)))
def test_increments_agree_with_the_judge_and_a_rebuild(make_engine, seed):
    """Full load, then increments with new, changed, corrected, spoiled and deleted rows: nothing is stale, nothing is lost."""
    market, engine = Market(seed), make_engine(rates=RATES)
    engine.run(FIRST_DAY, market.first_load(), observed_at=market.clock)
    assert_agreed(engine, FIRST_DAY)
    assert_money_is_kept(engine)
    for _ in range(5):
        upserts, deletes = market.increment()
        engine.run(market.clock.date(), upserts, deletes, observed_at=market.clock)
        assert_agreed(engine, market.clock.date())
        assert_money_is_kept(engine)
    builds = engine.read("control.metric_build")
    assert not builds[builds.run_sequence > 1].is_full.any(), "an increment that rebuilds everything shows nothing"
    incremental = read_all(engine)
    assert all(incremental.values()), "a layer without rows shows nothing"
    engine.run(market.clock.date(), rebuild=True)
    assert read_all(engine) == incremental
