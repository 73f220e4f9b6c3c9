"""Schedules about what a run reads: bounds, cursors of every kind, events, absences (I1, I7, I8)."""

from datetime import date, datetime, time, timedelta

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData


def test_06_dlt_2269_a_transaction_that_is_open_during_two_runs_is_read_after_it_committed(market):
    """Its row carries the time of its statement, which both runs have long passed."""
    market.insert_parent()
    transaction = market.begin("insert into children (id, parent_id, day, state) values (1, 1, %s, 'ok')", market.day(0))
    for _ in range(2):
        market.pass_time(hours=1)
        market.insert_parent(market.clock.hour)
        market.run_well()
    assert market.query("select id from children") == []
    transaction.commit()
    market.pass_time(hours=1)
    market.run_well()
    assert market.query("select id from children") == [(1,)]
    market.assert_raw_mirrors_source()


def test_11_a_new_column_with_a_default_is_read_for_every_row(market):
    """ADD COLUMN moves no modification time; the table is read whole again."""
    market.insert_parent()
    market.run_well()
    market.pass_time(hours=1)
    market.execute("alter table parents add column extra int not null default 7")
    market.run_well()
    market.assert_raw_mirrors_source()
    assert market.query("select extra from market_raw.parents order by _run_sequence") == [(None,), (7,)]


@pytest.mark.slow
def test_12_a_whole_day_cursor_finds_a_change_of_the_same_day(market):
    """The watermark is at 14:00; a change at 15:00 carries midnight of its day."""
    market.execute("alter table parents modify changed_at date not null")
    market.set_clock(datetime.combine(market.first_day, time(14)))
    market.execute("insert into parents values (1, 'ok', %s, current_date)", market.first_day)
    market.run_well()
    market.pass_time(hours=1)
    market.execute("update parents set state = 'broken', changed_at = current_date")
    market.assert_whole()


def test_12_a_cursor_of_text_is_refused_before_anything_is_read(market):
    """dd-MM-yyyy does not sort by time."""
    market.execute("alter table parents modify changed_at varchar(30) not null")
    with pytest.raises(FixConfiguration, match=r"cursor changed_at is of type varchar; only DATE, DATETIME and TIMESTAMP"):
        market.run()


@pytest.mark.slow
def test_13_sling_380_a_row_without_a_usable_cursor_is_in_every_window(market):
    """NULL, and the zero date, which is neither NULL nor above any lower bound."""
    market.insert_parent()
    market.run_well()
    market.pass_time(hours=1)
    insert = "insert into children values (%s, 1, %s, 'ok', {})"
    with market.source.connect(sql_mode="") as connection, connection.cursor() as cursor:
        cursor.execute(insert.format("null"), (1, market.day(0)))
        cursor.execute(insert.format("'0000-00-00'"), (2, market.day(0)))
    market.run_well()
    assert market.query("select id from children order by 1") == [(1,), (2,)]
    with market.source.connect(sql_mode="") as connection, connection.cursor() as cursor:
        cursor.execute("update children set state = 'broken', changed_at = changed_at")
    market.pass_time(hours=1)
    market.run_well()
    assert market.query("select row_key from rejected_rows order by 1") == [("1",), ("2",)]


def test_13_events_without_a_time_are_replaced_and_not_doubled(market):
    """Every run reads them, so every run must replace them: delete and read have one predicate."""
    with market.source.connect(sql_mode="") as connection, connection.cursor() as cursor:
        cursor.execute("insert into events values (null, 'a'), ('0000-00-00', 'b'), ('0000-00-00', 'b')")
    for what in ("c", "d"):
        market.execute("insert into events values (null, %s)", what)
        market.run_well()
        market.pass_time(days=2)
    assert market.query("select what from events order by 1") == [("a",), ("b",), ("b",), ("c",), ("d",)]


@pytest.mark.slow
def test_14_late_and_moved_events_are_where_the_source_has_them(market):
    """One comes a day late; one moves, between two reads, from a day that is not read yet to one that is."""
    market.configure(SLICE_ROWS=1)
    today, yesterday = market.clock, market.clock - timedelta(days=1)
    market.execute("insert into events values (%s, 'early'), (%s, 'moving')", yesterday, today)
    run = market.start().stop_before("extract_slice 1")
    market.execute("update events set happened_at = %s where what = 'moving'", yesterday)
    run.finish()
    market.pass_time(hours=1)
    market.execute("insert into events values (%s, 'late')", yesterday)
    market.run_well()
    market.assert_raw_mirrors_source()
    assert market.query("select event_day, what from events order by 2") == [
        (yesterday.date(), "early"),
        (yesterday.date(), "late"),
        (yesterday.date(), "moving"),
    ]
    market.assert_equals_rebuild()


@pytest.mark.slow
def test_14_two_runs_that_overlap_do_not_load_an_event_twice(market):
    """Both read it; the one that was overtaken is refused."""
    market.execute("insert into events values (now(6), 'once')")
    first = market.start().stop_before("load events")
    market.run_well()
    with pytest.raises(FixConfiguration, match="OVERTAKEN"):
        first.finish()
    assert market.query("select what from events") == [("once",)]
    market.assert_whole()


@pytest.mark.slow
def test_16_a_backfill_moves_no_watermark(market):
    """The watermark is at 2:00; a backfill of 8:00 to 10:00 leaves it there, and the hours between are read by the next run."""
    market.set_clock(datetime.combine(market.first_day, time(2)))
    market.insert_parent(1)
    market.run_well()
    watermarks = market.query("select name, watermark from layer_position where layer = 'raw' order by 1")
    market.pass_time(hours=3)
    market.insert_parent(2)
    market.pass_time(hours=6)
    market.run_well({"window": {"from": f"{market.first_day}T08:00:00", "to": f"{market.first_day}T10:00:00"}})
    assert market.query("select name, watermark from layer_position where layer = 'raw' order by 1") == watermarks
    market.run_well()
    market.assert_raw_mirrors_source()


@pytest.mark.slow
@pytest.mark.parametrize("emptied", ["erased", "dropped"])
def test_16_a_backfill_is_not_taken_for_a_first_load(market, emptied):
    """A raw table is empty, as the run that was to fill it stopped; a backfill brings one row. The next increment reads all."""
    for number in range(1, 4):
        market.insert_parent(number)
        market.pass_time(hours=1)
    market.run_well()
    if emptied == "dropped":
        with market.warehouse.connect() as connection:
            connection.execute("drop table market_raw.parents")
        market.pipeline.forget_state()
    market.start({"erase": ["parents"]} if emptied == "erased" else {}).stop_before("load parents")
    window = {"from": (market.clock - timedelta(hours=1, minutes=5)).isoformat(), "to": market.clock.isoformat()}
    market.start({"window": window, "tables": ["parents"]}).stop_before("pending")
    assert market.query("select id from market_raw.parents") == [(3,)]
    market.assert_whole()


@pytest.mark.slow
def test_17_keys_that_sort_otherwise_in_the_warehouse_are_not_taken_for_gone(market):
    """MySQL's order ignores case, Redshift's does not; each slice here is a range of one key."""
    market.configure(SLICE_ROWS=1)
    market.execute("insert into labels values ('A1', 'x', null), ('b0', 'y', null), ('B1', 'z', null), ('c', 'w', null)")
    market.run_well()
    market.execute("update labels set text = 'changed' where code = 'b0'")
    market.execute("delete from labels where code = 'c'")
    market.execute("insert into labels values ('Ä', 'new', null)")
    market.run_well()
    market.assert_raw_mirrors_source()
    assert market.query("select code from market_raw.labels where _operation = 'D'") == [("c",)]


def test_17_an_emptied_source_is_refused_unless_it_is_said_to_be_right(market):
    """Most likely it is the wrong database. Nothing is written; an input says that it is meant so."""
    market.edit("source.yaml", "max_delete_fraction: 1", "max_delete_fraction: 0.5")
    market.execute("insert into labels values ('a', '', null), ('b', '', null), ('c', '', null)")
    market.run_well()
    market.execute("delete from labels")
    with pytest.raises(FixData, match="DELETE REFUSED"):
        market.run()
    assert len(market.read_newest("labels")) == 3
    market.run_well({"force_deletes": True})
    market.assert_raw_mirrors_source()


def test_17_a_slice_that_failed_makes_nothing_look_gone(market):
    """The read was not complete, so the run ends before it could load."""
    market.configure(SLICE_ROWS=1)
    market.execute("insert into labels values ('a', '', null), ('b', '', null)")
    market.run_well()
    market.execute("update labels set text = 'changed'")
    run = market.start().stop_before("extract_slice 1", "write_manifests")
    key = f"market/runs/000002/results/labels/{market.pipeline.read('market/runs/000002/slices.json')[0]['slice']:05d}.json"
    market.pipeline.s3.delete_object(Bucket=market.pipeline.bucket, Key=key)
    with pytest.raises(FixData, match="has no result"):
        run.finish()
    assert market.query("select count(*) from market_raw.labels where _operation = 'D'") == [(0,)]
    market.run_well()
    market.assert_raw_mirrors_source()


@pytest.mark.slow
def test_25_the_hour_that_comes_twice_in_autumn_is_read_twice(market):
    """At 2:50 summer time a run sets the watermark; at 2:05 winter time, 15 minutes later, a row changes: its cursor is lower."""
    market.edit(
        "source.yaml", "cursor: changed_at\n    overlap", "cursor: changed_at\n    cursor_time_zone: Europe/Berlin\n    overlap"
    )
    last_sunday = date(market.first_day.year + 1, 10, 31)
    last_sunday -= timedelta(days=(last_sunday.weekday() + 1) % 7)
    market.set_clock(datetime.combine(last_sunday, time(0, 50)))
    market.execute("insert into parents values (1, 'ok', %s, %s)", last_sunday, f"{last_sunday} 02:50:00")
    market.run_well()
    market.pass_time(minutes=15)
    market.execute("update parents set state = 'broken', changed_at = %s", f"{last_sunday} 02:05:00")
    market.run_well()
    market.assert_raw_mirrors_source()
