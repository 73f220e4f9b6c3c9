"""What a cursor may look like, and what a clock may do, without a row being lost: through the whole path (I1, I7)."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime

import pytest

from local.marketplace.generator import fill
from rental_pipeline.base.telemetry import logger
from tests.fixtures.layers import read_raw_newest, read_source
from tests.fixtures.slow import first_of


@pytest.fixture
def notes(source_database, contract, pipeline):
    """Make a merge table `notes` with a cursor of some type, and have it loaded once."""

    def make(cursor_type: str, **fields: str):
        with closing(source_database.connect()) as connection:
            fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
        source_database.execute(f"create table notes (id int primary key, body varchar(20), changed_at {cursor_type} null)")
        source_database.execute("insert into notes values (1, 'a', now(6)), (2, 'b', now(6)), (3, 'c', now(6))")
        contract.edit(lambda tables: tables.update(notes={"strategy": "merge", "key": "id", "cursor": "changed_at", **fields}))
        pipeline.run()
        return source_database

    return make


@pytest.fixture
def assert_mirrored(pipeline, fresh_warehouse, source_database):
    """Run, and compare raw with the source."""

    def compare() -> None:
        pipeline.run()
        assert read_raw_newest(fresh_warehouse, "notes", "id") == read_source(source_database, "notes")

    return compare


def watermark(warehouse) -> datetime:
    ((found,),) = warehouse.query(
        "select watermark from apartments_control.layer_position where layer = 'raw' and name = 'notes'"
    )
    return datetime.fromisoformat(found)


@pytest.mark.parametrize("cursor_type", first_of(["datetime(3)", "datetime", "datetime(6)", "timestamp(6)", "date"]))
def test_equal_missing_and_backward_cursors_are_read(notes, assert_mirrored, fresh_warehouse, cursor_type):
    """Of every precision: a change that leaves the cursor as it was in the same tick, rows that have none, and a clock that
    was set back by some minutes, less than the overlap; the watermark never follows it back."""
    source = notes(cursor_type)
    source.execute("update notes set body = 'same tick' where id = 2")
    source.execute("insert into notes select 4, 'equal', max(changed_at) from notes")
    assert_mirrored()
    source.execute("insert into notes values (5, 'without', null)")
    assert_mirrored()
    source.execute("update notes set body = 'still without' where id = 5")
    assert_mirrored()
    before = watermark(fresh_warehouse)
    with closing(source.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("set timestamp = unix_timestamp() - 300")
        cursor.execute("update notes set body = 'clock set back', changed_at = now(6) where id = 1")
    assert_mirrored()
    assert watermark(fresh_warehouse) >= before


@pytest.mark.slow
def test_a_clock_of_another_zone_is_read_by_its_own_time(notes, assert_mirrored, fresh_warehouse):
    """A DATETIME in local time, as the application writes it: neither hours ahead (rows lost) nor hours behind."""
    source = notes("datetime(6)", cursor_time_zone="America/New_York")
    for number, body in enumerate(("first", "second"), start=1):
        source.execute(
            "update notes set body = %s, changed_at = convert_tz(now(6), '+00:00', %s) where id = %s",
            (body, new_york_offset(), number),
        )
        assert_mirrored()
    behind = datetime.now(UTC).replace(tzinfo=None) - watermark(fresh_warehouse)
    assert 3.5 * 3600 < behind.total_seconds() < 5.5 * 3600, "the watermark is in the cursor's own clock"


def new_york_offset() -> str:
    from zoneinfo import ZoneInfo

    hours = datetime.now(ZoneInfo("America/New_York")).utcoffset().total_seconds() / 3600
    return f"{int(hours):+03d}:00"


@pytest.mark.slow
def test_without_the_privilege_a_run_stays_behind_and_says_so(notes, assert_mirrored, pipeline, fresh_warehouse, mariadb):
    """The user may not see open transactions: the watermark stays the configured delay behind, and the log names the grant."""
    source = notes("datetime(6)")
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.levelname} {record.getMessage()} {getattr(record, 'delay_seconds', '')}")

    handler = Keep()
    logger.addHandler(handler)
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("revoke process on *.* from %s@%s", (source.user, mariadb.client_host))
    try:
        pipeline.set_environment(WATERMARK_DELAY_SECONDS="1234")
        source.execute("update notes set body = 'changed', changed_at = now(6) where id = 1")
        before = watermark(fresh_warehouse)
        assert_mirrored()
    finally:
        logger.removeHandler(handler)
        with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("grant process on *.* to %s@%s", (source.user, mariadb.client_host))
    (said,) = {line for line in lines if "grant PROCESS" in line}
    assert said.startswith("WARNING") and said.endswith("1234.0")
    assert watermark(fresh_warehouse) == before, "it waits until the delay has passed it"
