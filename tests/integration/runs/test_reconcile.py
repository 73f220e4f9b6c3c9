"""Comparing with the source: what no cursor tells is found, only what differs is read, and the copy is shown to be complete."""

from datetime import UTC, datetime

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import FIGURES, run_key
from tests.fixtures.layers import APARTMENTS_KEYS as KEYS
from tests.fixtures.layers import assert_mirrored, assert_same_layers, read_layers, read_loads, read_source
from tests.fixtures.mariadb import SourceDatabase
from tests.fixtures.slow import first_of
from tests.fixtures.snapshot import Snapshot, load_first

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def snapshot(take_snapshot) -> Snapshot:
    """A small generated marketplace, both generations and all their dirt, after its first load."""
    return take_snapshot(load_first)


@pytest.fixture
def generated(source_database) -> SourceDatabase:
    """The source of the snapshot."""
    return source_database


def read_comparisons(warehouse, run: int) -> dict[str, tuple]:
    """Whether whole, ranges that differ, rows in the source, rows in raw; by table."""
    rows = warehouse.query(
        "select table_name, is_whole, ranges_different, source_rows, raw_rows"
        f" from apartments_control.reconciliation where run_sequence = {run}"
    )
    return {table: tuple(values) for table, *values in rows}


def test_a_complete_copy_is_proven_without_reading_a_row(pipeline, generated, fresh_warehouse):
    """Counts and checksums of all tables agree: nothing is read, loaded or built, and the control schema says so."""
    result = pipeline.run({"reconcile": True})
    assert result["status"] == "succeeded"
    rows = {table: sum(read_source(generated, table).values()) for table in KEYS}
    assert read_comparisons(fresh_warehouse, 2) == {table: (True, 0, count, count) for table, count in rows.items()}
    assert read_loads(fresh_warehouse, 2) == dict.fromkeys(KEYS, (0, 0, 0))


def test_deletes_and_changes_that_moved_no_cursor_are_found_and_nothing_else_is_read(pipeline, generated, fresh_warehouse):
    """An increment cannot see them; a reconcile run reads just those keys, and every layer then equals a rebuild."""
    (gone,), (changed,), (new,) = generated.query("select booking_id from bookings order by booking_id desc limit 3")
    generated.execute("delete from bookings where booking_id = %s", (gone,))
    generated.execute("update bookings set total_price = '77.5', changed_at = changed_at where booking_id = %s", (changed,))
    generated.execute(
        "insert into bookings select booking_id + 1000000, user_id, apartment_id, booking_date, checkin_date, checkout_date,"
        " total_price, currency, booking_status, payment_status, num_guests, '2001-01-01' from bookings where booking_id = %s",
        (new,),
    )
    assert pipeline.run()["status"] == "unchanged"

    result = pipeline.run({"reconcile": True})
    assert result["status"] == "succeeded", result["message"]
    assert read_loads(fresh_warehouse, 2)["bookings"] == (2, 2, 1)
    measured = fresh_warehouse.query(
        "select table_name, rows_unmoved, rows_backdated from apartments_control.reconciliation where run_sequence = 2"
    )
    assert ("bookings", 1, 1) in [tuple(row) for row in measured]
    assert (
        "warning bookings: 1 rows changed without moving the cursor changed_at, 1 came with an older one: increments miss such"
        " rows; take strategy: snapshot"
    ) in result["message"]
    figures = pipeline.read(run_key("apartments", 2, FIGURES))
    assert {"check_name": "bookings missed by its cursor", "violations": 2} in figures["warnings"]
    assert_mirrored(generated, fresh_warehouse)
    layers = read_layers(fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_same_layers(layers, read_layers(fresh_warehouse))
    assert pipeline.run({"reconcile": True})["status"] == "succeeded"


@pytest.mark.slow
def test_a_row_restored_with_its_old_cursor_comes_back(pipeline, generated, fresh_warehouse):
    """After its tombstone only a comparison can tell that it is there again (three versions: A, tombstone, A)."""
    generated.execute("create table kept as select * from bookings order by booking_id limit 1")
    generated.execute("delete from bookings where booking_id in (select booking_id from kept)")
    pipeline.run({"reconcile": True})
    generated.execute("insert into bookings select * from kept")
    pipeline.run()
    assert read_loads(fresh_warehouse, 3)["bookings"] == (0, 0, 0)
    pipeline.run({"reconcile": True})
    generated.execute("drop table kept")
    assert_mirrored(generated, fresh_warehouse)


@pytest.mark.slow
def test_an_increment_reads_of_a_snapshot_table_only_the_rows_that_differ(pipeline, generated, fresh_warehouse):
    """Of the table without a cursor, three rows were changed, one removed: three are read, one becomes a tombstone."""
    ids = [key for (key,) in generated.query("select id from apartment_attributes order by id")]
    for key in (ids[0], ids[len(ids) // 2], ids[-2]):
        generated.execute("update apartment_attributes set body = concat('now: ', body, 'x') where id = %s", (key,))
    generated.execute("delete from apartment_attributes where id = %s", (ids[-1],))
    pipeline.run()
    assert read_loads(fresh_warehouse, 2)["apartment_attributes"] == (3, 3, 1)
    assert_mirrored(generated, fresh_warehouse)


def test_a_source_that_cleared_old_events_does_not_clear_raw(pipeline, generated, fresh_warehouse):
    """More events gone than max_delete_fraction allows: refused before anything is read, unless forced."""
    generated.execute("delete from user_viewing order by recorded_at limit 1000000")
    with pytest.raises(FixData, match=r"DELETE REFUSED: \d+ of \d+ events of user_viewing would go"):
        pipeline.run({"reconcile": True})


def test_too_many_deletions_are_refused_unless_forced(pipeline, generated, fresh_warehouse):
    """The guard counts against all rows that raw knows, not only those of the ranges that were read."""
    generated.execute("delete from bookings where mod(booking_id, 3) <> 0")
    with pytest.raises(FixData, match=r"DELETE REFUSED: \d+ of \d+ rows of bookings would go"):
        pipeline.run({"reconcile": True, "tables": ["bookings"]})
    pipeline.run({"reconcile": True, "tables": ["bookings"], "force_deletes": True})
    assert_mirrored(generated, fresh_warehouse, {"bookings": "booking_id"})


@pytest.mark.parametrize("other", first_of([{"window": {"from": "2026-01-01", "to": "2026-01-02"}}, {"rebuild": True}]))
def test_reconcile_stands_alone(pipeline, other):
    """A window or a rebuild beside it would mean two things at once."""
    with pytest.raises(FixConfiguration, match="reconcile compares whole tables"):
        pipeline.run({"reconcile": True, **other})
