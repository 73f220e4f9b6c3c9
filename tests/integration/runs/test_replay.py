"""Raw is made again from the archived files of its committed loads, without asking the source (I12)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest
from psycopg.rows import dict_row

from local.marketplace.generator import fill
from rental_pipeline.base.errors import FixConfiguration, FixData
from tests.fixtures.layers import assert_same_layers, read_layers
from tests.fixtures.mariadb import SourceDatabase
from tests.fixtures.pipeline import Pipeline, Stopped
from tests.fixtures.snapshot import Snapshot

pytestmark = pytest.mark.slow  # nine runs come first; tests/integration/schedules/test_versions.py replays a small market

TABLES = ("apartments", "apartment_attributes", "bookings", "user_viewing")


@pytest.fixture(scope="module")
def snapshot(take_snapshot) -> Snapshot:
    """A marketplace after runs of every kind: first load, increments, a run that failed half-way, a window, a reconcile, a new
    column, deletes and a row that came back; all three strategies."""
    return take_snapshot(live)


def live(pipeline: Pipeline, source: SourceDatabase) -> None:
    """Let the marketplace live, and the pipeline run."""
    with closing(source.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    execute = source.execute
    execute("update apartments set changed_at = '2025-01-01' where id % 2 = 0")
    pipeline.run()
    execute("update bookings set total_price = '77' order by booking_id limit 3")
    execute("delete from apartment_attributes order by id limit 2")
    execute("insert into user_viewing (user_id, apartment_id, recorded_at) values (1, 1, now()), (1, 1, now())")
    pipeline.run()
    execute("update apartments set price = 500 order by id limit 4")
    execute("update bookings set total_price = '78' order by booking_id limit 3")
    with pytest.raises(Stopped):
        pipeline.run(stop_before="load bookings")
    execute("update bookings set total_price = '77' order by booking_id limit 3")
    execute("insert into apartment_attributes (id, cityname) values (1, 'Paris') on duplicate key update cityname = 'Paris'")
    pipeline.run()
    execute("update apartments set price = 501, changed_at = changed_at where changed_at < '2025-02-01'")
    pipeline.run({"window": {"from": "2024-01-01", "to": "2025-06-01"}, "tables": ["apartments"]})
    execute("delete from bookings order by booking_id limit 2")
    execute("delete from user_viewing order by recorded_at limit 1")
    pipeline.run({"reconcile": True})
    execute("alter table bookings add column channel varchar(12) default 'web'")
    execute("alter table user_viewing add column device varchar(12) default 'phone'")
    pipeline.run()
    execute("alter table bookings modify column channel varchar(40)")
    execute("update bookings set channel = 'a partner with a long name' order by booking_id limit 1")
    pipeline.run()


@pytest.fixture
def history(source_database, contract) -> SourceDatabase:
    """The source, as `live` left it."""
    return source_database


def read_raw(warehouse) -> dict[str, list[dict]]:
    """Return every row of raw, metadata columns included."""
    with warehouse.connect() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        return {
            table: sorted(
                cursor.execute(f'select * from apartments_raw."{table}"').fetchall(), key=lambda row: repr(sorted(row.items()))
            )
            for table in TABLES
        }


@contextmanager
def stopped_source(pipeline) -> Iterator[None]:
    """Whoever asks the source meanwhile gets no answer: not even its secret is there."""
    secret = os.environ["SOURCE_SECRET_ARN"]
    pipeline.set_environment(SOURCE_SECRET_ARN="arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone")
    with pytest.raises(FixConfiguration):
        pipeline.run()
    yield
    pipeline.set_environment(SOURCE_SECRET_ARN=secret)


def test_21_a_replay_makes_the_same_raw(pipeline, history, fresh_warehouse):
    """Cell by cell, in all layers, with the source stopped; raw had been damaged by hand before."""
    raw, layers = read_raw(fresh_warehouse), read_layers(fresh_warehouse)
    positions = "select name, run_sequence, watermark from apartments_control.layer_position where layer = 'raw' order by 1"
    before = fresh_warehouse.query(positions)
    assert all({row["_operation"] for row in raw[table]} == {"U", "D"} for table in ("apartment_attributes", "bookings"))
    for damage in (
        "delete from apartments_raw.bookings where _operation = 'D'",
        "delete from apartments_raw.apartments where _run_sequence = 1",
        "update apartments_raw.user_viewing set user_id = 0",
        "delete from apartments_raw.apartment_attributes",
    ):
        fresh_warehouse.execute(damage)
    with stopped_source(pipeline):
        assert pipeline.run({"replay": True})["status"] == "succeeded"
    assert read_raw(fresh_warehouse) == raw
    assert_same_layers(read_layers(fresh_warehouse), layers)
    assert fresh_warehouse.query(positions) == before
    assert fresh_warehouse.query("select kind from apartments_control.run order by run_sequence desc limit 1") == [("replay",)]


def test_a_lost_raw_table_comes_back(pipeline, history, contract, fresh_warehouse):
    """One table alone, even when it was dropped; the next increment goes on from where raw stands."""
    for table in TABLES:
        contract.set(table, max_rejected_fraction=1)  # of the listings that raw has lost
    raw = read_raw(fresh_warehouse)
    fresh_warehouse.execute("drop table apartments_raw.bookings")
    fresh_warehouse.execute("delete from apartments_raw.apartments where _run_sequence = 1")
    with stopped_source(pipeline):
        assert pipeline.run({"replay": True, "tables": ["bookings"]})["status"] == "succeeded"
    now = read_raw(fresh_warehouse)
    assert now["bookings"] == raw["bookings"]
    assert now["apartments"] != raw["apartments"], "it was not asked for"
    pipeline.run({"replay": True, "tables": ["apartments"]})
    history.execute("update bookings set total_price = '79' order by booking_id limit 1")
    pipeline.run()
    assert read_raw(fresh_warehouse)["apartments"] == raw["apartments"]
    assert len(read_raw(fresh_warehouse)["bookings"]) == len(raw["bookings"]) + 1


@pytest.mark.parametrize("state", ["replay bookings", "replay apartments", "pending", "curate bookings"])
def test_a_replay_that_stopped_is_repeated(pipeline, history, fresh_warehouse, state):
    """Raw is exchanged table by table, each in one transaction: what was not reached is as it was; the next replay is whole."""
    raw, layers = read_raw(fresh_warehouse), read_layers(fresh_warehouse)
    with pytest.raises(Stopped):
        pipeline.run({"replay": True}, stop_before=state)
    assert read_raw(fresh_warehouse) == raw
    assert pipeline.run({"replay": True})["status"] == "succeeded"
    assert read_raw(fresh_warehouse) == raw
    assert_same_layers(read_layers(fresh_warehouse), layers)


def test_a_step_that_is_repeated_replays_once(pipeline, history, fresh_warehouse):
    """A lost answer: the state machine calls the step again."""
    raw = read_raw(fresh_warehouse)
    states = pipeline.states({"replay": True})
    for state in states:
        if state == "replay user_viewing":
            (run,) = fresh_warehouse.query("select max(run_sequence) from apartments_control.run")[0]
            loads = pipeline.read(f"apartments/runs/{run:06d}/replay/bookings.json")["loads"]
            for _ in range(2):
                pipeline.step("replay", run, "bookings", first=0, last=loads)
    assert read_raw(fresh_warehouse) == raw


def test_a_long_history_is_replayed_in_several_steps(pipeline, history, fresh_warehouse, monkeypatch):
    """Two loads in each step, one for the rest. Raw is as it was until a table's last step, also where the run then stops."""
    monkeypatch.setattr("rental_pipeline.plan.replay.LOADS_PER_STEP", 2)
    raw, layers = read_raw(fresh_warehouse), read_layers(fresh_warehouse)
    states = list(advance(pipeline.states({"replay": True}), stop_after="replay bookings"))
    assert states.count("replay apartments") == 2
    made = "select count(distinct load_sequence) from apartments_control.replayed_load where table_name = 'bookings'"
    assert fresh_warehouse.query(made) == [(2,)]
    assert read_raw(fresh_warehouse) == raw
    fresh_warehouse.execute("delete from apartments_raw.bookings where _operation = 'D'")
    states = list(advance(pipeline.states({"replay": True})))
    assert states.count("replay bookings") == (len(history_of(pipeline, "bookings")) + 1) // 2
    assert read_raw(fresh_warehouse) == raw
    assert_same_layers(read_layers(fresh_warehouse), layers)


def advance(states: Iterator[str], stop_after: str | None = None) -> Iterator[str]:
    """Give the states that are done; the run stops after the first of a name."""
    before = None
    for state in states:
        if before is not None:
            yield before
        if before == stop_after and before is not None:
            return
        before = state
    yield before


def history_of(pipeline, table: str) -> list[dict]:
    """Return the loads that the last replay of a table made again."""
    keys = [
        item["Key"]
        for item in pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix="apartments/runs/")["Contents"]
        if f"/replay/{table}/" in item["Key"]
    ]
    newest = max(key.split("/")[2] for key in keys)
    return [load for key in sorted(keys) if key.split("/")[2] == newest for load in pipeline.read(key)]


def test_history_that_was_erased_is_not_replayed(pipeline, history, fresh_warehouse):
    """The table's history begins with the run that took it again."""
    pipeline.run({"erase": ["bookings"]})
    history.execute("update bookings set total_price = '80' order by booking_id limit 1")
    pipeline.run()
    raw = read_raw(fresh_warehouse)
    pipeline.run({"replay": True})
    assert read_raw(fresh_warehouse) == raw


def test_a_missing_file_leaves_raw_as_it_was(pipeline, history, fresh_warehouse):
    """The message names the file; nothing was exchanged, and an increment goes on."""
    raw = read_raw(fresh_warehouse)
    keys = [
        entry["Key"]
        for entry in pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix="apartments/raw/bookings/")["Contents"]
    ]
    pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=keys[0])
    with pytest.raises(FixData, match="bookings"):
        pipeline.run({"replay": True, "tables": ["bookings"]})
    assert read_raw(fresh_warehouse) == raw
    assert pipeline.run()["status"] in ("succeeded", "unchanged")


def test_a_replay_that_differs_is_refused(pipeline, history, fresh_warehouse):
    """The ledger knows how many rows each load changed: files of another content do not take raw's place."""
    raw = read_raw(fresh_warehouse)
    fresh_warehouse.execute(
        "update apartments_control.table_load set rows_added = rows_added + 1 where table_name = 'bookings' and run_sequence = 2"
    )
    with pytest.raises(FixData, match=r"REPLAY DIFFERS: .* that of run 2"):
        pipeline.run({"replay": True})
    assert read_raw(fresh_warehouse) == raw


def test_a_table_that_was_never_loaded_is_refused(pipeline, history, contract):
    """There is nothing to replay."""
    contract.edit(lambda tables: tables.update(reviews={"strategy": "snapshot", "key": "review_id"}))
    with pytest.raises(FixConfiguration, match=r"nothing was ever loaded of reviews"):
        pipeline.run({"replay": True, "tables": ["reviews"]})


def test_a_column_that_is_personal_now_is_not_replayed_in_the_clear(pipeline, history, contract):
    """The archive holds it in the clear: the way out is to erase."""
    contract.set("bookings", personal={"channel": "drop"})
    with pytest.raises(FixConfiguration, match=r'channel \(held in the clear; source.yaml says drop\).*"erase": \["bookings"\]'):
        pipeline.run({"replay": True})
