"""A played day of the cars marketplace changes what it says, and depends on its seed and number alone."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta

import pytest

from local.marketplace.cars.day import HAPPENINGS, LATE_COMMIT_MINUTES
from local.marketplace.day import play_day
from local.marketplace.generator import fill
from tests.fixtures.mariadb import SourceDatabase

TABLES = ("locations", "vehicles", "users", "rental_transactions")


@pytest.fixture
def marketplace() -> str:
    return "cars"


@pytest.fixture
def filled_source(source_database: SourceDatabase) -> SourceDatabase:
    """A source with a small marketplace, its history ending long ago."""
    refill(source_database)
    return source_database


def refill(source: SourceDatabase) -> None:
    for table in TABLES:
        source.execute(f"truncate {table}")
    with closing(source.connect()) as connection:
        fill(connection, scale=0.002, seed=7, anchor=date(2026, 3, 4), marketplace="cars")


def play(source: SourceDatabase, seed: int = 1, day_number: int = 1) -> dict[str, int]:
    with closing(source.connect()) as connection:
        return play_day(connection, seed, day_number, "cars")


def read_rentals(source: SourceDatabase) -> list[tuple]:
    return source.query(
        "select rental_id, user_id, vehicle_id, pickup_location, dropoff_location, total_amount,"
        " timestampdiff(second, rental_start_time, rental_end_time) from rental_transactions order by rental_id"
    )


def test_every_kind_of_change_happens(filled_source: SourceDatabase):
    """Nothing an increment must cope with is left out of the day; one rental lies a little before it."""
    last = filled_source.query("select max(changed_at) from rental_transactions")[0][0]
    began = filled_source.query("select utc_timestamp(6)")[0][0]
    counts = play(filled_source)
    assert list(counts) == list(HAPPENINGS)
    assert {kind for kind, rows in counts.items() if rows == 0} == set()
    late = filled_source.query(
        "select changed_at from rental_transactions where changed_at > %s and changed_at < %s", (last, began)
    )
    assert len(late) == 1
    assert began - late[0][0] < timedelta(minutes=LATE_COMMIT_MINUTES, seconds=5)


def test_the_same_day_on_the_same_source_is_the_same(filled_source: SourceDatabase):
    """Seed and number choose the rows; another day chooses others."""
    play(filled_source, seed=3, day_number=5)
    first = read_rentals(filled_source)
    refill(filled_source)
    play(filled_source, seed=3, day_number=5)
    assert read_rentals(filled_source) == first
    play(filled_source, seed=3, day_number=6)
    assert read_rentals(filled_source) != first


def test_days_can_be_played_for_long(filled_source: SourceDatabase):
    """Thirty days in a row, on what the days before left."""
    for number in range(1, 31):
        assert play(filled_source, day_number=number)["new rentals"] > 0


def test_an_empty_source_has_no_day(source_database: SourceDatabase):
    """The error says what to do first."""
    with pytest.raises(ValueError, match="fill the source first"):
        play(source_database)
