"""A played day changes what it says, by the server's clock, and depends on its seed and number alone."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from local.marketplace.apartments.day import HAPPENINGS, LATE_COMMIT_MINUTES
from local.marketplace.day import play_day
from local.marketplace.generator import fill
from tests.fixtures.mariadb import SourceDatabase

from .conftest import ANCHOR

STAMPS = {"apartments": "changed_at", "bookings": "changed_at", "user_viewing": "recorded_at"}


def play(source: SourceDatabase, seed: int = 1, day_number: int = 1) -> dict[str, int]:
    with closing(source.connect()) as connection:
        return play_day(connection, seed, day_number)


def read_table(source: SourceDatabase, table: str) -> list[tuple]:
    return sorted(source.query(f"select * from {table}"), key=repr)


def test_every_kind_of_change_happens(filled_source: SourceDatabase):
    """Nothing an increment must cope with is left out of the day."""
    counts = play(filled_source)
    assert list(counts) == list(HAPPENINGS)
    assert {kind for kind, rows in counts.items() if rows == 0} == set()


def test_the_day_is_stamped_now(filled_source: SourceDatabase):
    """All that moved has a stamp from the day; what did not move kept its old one; the late commit lies a little before."""
    before = {table: filled_source.query(f"select count(*), max({stamp}) from {table}")[0] for table, stamp in STAMPS.items()}
    began = filled_source.query("select utc_timestamp(6)")[0][0]
    counts = play(filled_source)
    for table, stamp in STAMPS.items():
        rows, last = before[table]
        assert last < began - timedelta(days=1)
        assert filled_source.query(f"select count(*) from {table} where {stamp} <= %s", (last,))[0][0] <= rows
        assert filled_source.query(f"select count(*) from {table} where {stamp} > %s", (last,))[0][0] > 0
    late = filled_source.query(
        "select changed_at from bookings where changed_at between %s and %s",
        (before["bookings"][1] + timedelta(seconds=1), began),
    )
    assert len(late) == counts["bookings committed late"] == 1
    assert began - late[0][0] < timedelta(minutes=LATE_COMMIT_MINUTES, seconds=5)
    inserted = filled_source.query("select count(*) from bookings")[0][0] - before["bookings"][0]
    assert inserted == counts["new bookings"] + counts["bookings committed late"]
    viewings = filled_source.query("select count(*) from user_viewing")[0][0] - before["user_viewing"][0]
    assert viewings == counts["new viewings"] + counts["viewings delivered late"]


def test_a_late_viewing_happened_before_it_was_recorded(filled_source: SourceDatabase):
    """Its event lies beyond the days that an append table is read again for, its record does not."""
    play(filled_source)
    newest = filled_source.query(
        "select datediff(recorded_at, coalesce(str_to_date(viewed_at, '%d/%m/%Y'), left(viewed_at, 10)))"
        " from user_viewing where recorded_at > now() - interval 1 hour"
    )
    assert sorted(days for (days,) in newest)[-2:] == [0, 12]


def test_days_without_a_stamp_change_too(filled_source: SourceDatabase):
    """The table without a modification time gains, loses and changes rows."""
    before = {row[0]: row for row in read_table(filled_source, "apartment_attributes")}
    counts = play(filled_source)
    after = {row[0]: row for row in read_table(filled_source, "apartment_attributes")}
    assert len(after.keys() - before.keys()) == counts["new listings"]
    assert len(before.keys() - after.keys()) == counts["deleted attributes"] == 1
    changed = [key for key in before.keys() & after.keys() if before[key] != after[key]]
    assert 1 <= len(changed) <= counts["listings in another city"]


def test_the_same_day_on_the_same_source_is_the_same(mariadb, filled_source: SourceDatabase):
    """Seed and number choose the rows; another day chooses others."""
    keys = "select booking_id, total_price, booking_status from bookings order by booking_id"
    start = filled_source.query(keys)
    play(filled_source, seed=3, day_number=5)
    first = filled_source.query(keys)
    for table in ("apartments", "apartment_attributes", "bookings", "user_viewing"):
        filled_source.execute(f"truncate {table}")
    with closing(filled_source.connect()) as connection:
        fill(connection, scale=0.002, seed=7, anchor=ANCHOR)
    assert filled_source.query(keys) == start
    play(filled_source, seed=3, day_number=5)
    assert filled_source.query(keys) == first
    play(filled_source, seed=3, day_number=6)
    assert filled_source.query(keys) != first


def test_days_can_be_played_for_long(filled_source: SourceDatabase):
    """Thirty days in a row, on what the days before left."""
    for number in range(1, 31):
        assert play(filled_source, day_number=number)["new bookings"] > 0


def test_a_source_without_bookings_has_a_day(filled_source: SourceDatabase):
    """As after loading the CSV files of generation 1, which have none: the first ones are made."""
    for table in ("bookings", "user_viewing", "apartment_attributes"):
        filled_source.execute(f"truncate {table}")
    counts = play(filled_source)
    assert counts["new bookings"] == filled_source.query("select count(*) - 1 from bookings")[0][0] > 0


def test_an_empty_source_has_no_day(source_database: SourceDatabase):
    """The error says what to do first."""
    with pytest.raises(ValueError, match="fill the source first"):
        play(source_database)
