"""Random marketplaces of cars, dirt included: after every increment warehouse and judge agree, at the end with a rebuild."""

import random
from datetime import date, datetime, timedelta

import pytest

from tests.fixtures.slow import first_of
from tests.metrics.agreement import assert_agreed, read_all
from tests.metrics.cars.rows import location, rental, user, vehicle
from tests.metrics.cars.subject import KEYS

FIRST_DAY = date(2024, 12, 20)


class Market:
    """A marketplace that changes by dice."""

    def __init__(self, seed: int):
        self.dice = random.Random(seed)
        self.clock = datetime(2024, 12, 20, 6)

    def maybe(self, share: float) -> bool:
        return self.dice.random() < share

    def make_location(self, key: int) -> dict:
        return location(
            key,
            city=self.dice.choice(["Modesto", "Fontana", None]),
            latitude=self.dice.choice(["37.6", "91.0"]) if self.maybe(0.15) else None,
        )

    def make_vehicle(self, number: int) -> dict:
        return vehicle(
            f"c{number}",
            vehicle_type=self.dice.choice(["basic", "Premium", "high_end"]) if self.maybe(0.9) else "luxury",
            active=self.dice.choice(["1", "1", "true", "0", None]) if self.maybe(0.95) else "perhaps",
            certification_date=self.dice.choice(["2018-09-27", "27-12-2024", None]) if self.maybe(0.95) else "2018",
            changed_at=self.clock - timedelta(seconds=self.dice.randrange(40_000)) if self.maybe(0.7) else None,
            brand=self.dice.choice(["Toyota", "Kia"]),
            expiration_date=self.dice.choice(["27-09-2025", "2025-09-27", None]) if self.maybe(0.97) else "31-09-2025",
        )

    def make_user(self, number: int) -> dict:
        created = self.clock.date() - timedelta(days=self.dice.randrange(300))
        return user(f"u{number}", creation_date=created if self.maybe(0.96) else None, is_active=self.dice.choice(["0", "1"]))

    def make_rental(self, number: int) -> dict:
        minutes = self.dice.choice([0, 30, 60, 600, 1_440, 2_881, 4_320]) + self.dice.choice([0, 0, 7])
        starts = self.clock - timedelta(days=self.dice.randrange(40), minutes=self.dice.choice([0, 60, 360, 719]))
        if self.maybe(0.02):
            minutes = -minutes - 1
        if self.maybe(0.02):
            starts = starts.replace(year=1999)
        return rental(
            f"r{number}",
            user_id=f"u{self.dice.randint(1, 9)}" if self.maybe(0.98) else None,
            vehicle_id=f"c{self.dice.randint(1, 7)}" if self.maybe(0.98) else None,
            rental_start_time=starts,
            rental_end_time=starts + timedelta(minutes=minutes) if self.maybe(0.98) else None,
            pickup_location=self.dice.randint(1, 6),
            dropoff_location=self.dice.randint(1, 6) if self.maybe(0.98) else None,
            total_amount=self.dice.choice(["10.05", "100.00", "333.33"])
            if self.maybe(0.96)
            else self.dice.choice(["-1.00", None]),
        )

    def first_load(self) -> dict[str, list[dict]]:
        return {
            "locations": [self.make_location(key) for key in range(1, 6)],
            "vehicles": [self.make_vehicle(number) for number in range(1, 7)],
            "users": [self.make_user(number) for number in range(1, 9)],
            "rental_transactions": [self.make_rental(number) for number in range(1, 81)],
        }

    def increment(self) -> tuple[dict[str, list[dict]], dict[str, list]]:
        """Hours or days later: some rows changed, some new, some gone; rejected ones are corrected, good ones spoiled."""
        self.clock += timedelta(days=self.dice.choice([0, 1, 6]), hours=self.dice.randint(1, 20))
        upserts = {
            "locations": [self.make_location(self.dice.randint(1, 6))] if self.maybe(0.5) else [],
            "vehicles": [self.make_vehicle(self.dice.randint(1, 7))] if self.maybe(0.7) else [],
            "users": [self.make_user(self.dice.randint(1, 9))] if self.maybe(0.5) else [],
            "rental_transactions": [self.make_rental(number) for number in {self.dice.randint(1, 95) for _ in range(6)}],
        }
        deletes = {
            "locations": [self.dice.randint(1, 6)] if self.maybe(0.2) else [],
            "vehicles": [f"c{self.dice.randint(1, 7)}"] if self.maybe(0.4) else [],
            "users": [f"u{self.dice.randint(1, 9)}"] if self.maybe(0.3) else [],
            "rental_transactions": [f"r{self.dice.randint(1, 95)}" for _ in range(2)],
        }
        changed = {table: {row[KEYS[table]] for row in rows} for table, rows in upserts.items()}
        return upserts, {table: [key for key in keys if key not in changed[table]] for table, keys in deletes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", first_of(range(2)))
def test_increments_agree_with_the_judge_and_a_rebuild(make_engine, seed):
    """Full load, then increments with new, changed, corrected, spoiled and deleted rows: nothing is stale, nothing is lost."""
    market, engine = Market(seed), make_engine()
    engine.run(FIRST_DAY, market.first_load(), observed_at=market.clock)
    assert_agreed(engine, FIRST_DAY)
    for _ in range(6):
        upserts, deletes = market.increment()
        engine.run(market.clock.date(), upserts, deletes, observed_at=market.clock)
        assert_agreed(engine, market.clock.date())
    builds = engine.read("control.metric_build")
    assert not builds[builds.run_sequence > 1].is_full.any(), "an increment that rebuilds everything shows nothing"
    incremental = read_all(engine)
    assert all(incremental.values()), "a layer without rows shows nothing"
    engine.run(market.clock.date(), rebuild=True)
    assert read_all(engine) == incremental
