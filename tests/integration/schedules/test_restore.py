"""The warehouse is restored to an earlier state, while bucket and lake stay: noticed before a number is given out twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import find_last_run
from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.operate.doctor import warehouse_checks
from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.warehouse.data_api import DataApi


@contextmanager
def restored_afterwards(market) -> Iterator[None]:
    """Let the warehouse be, afterwards, as it is now."""
    with market.warehouse.connect() as connection:
        connection.execute("create schema kept")
        tables = connection.execute("select schemaname, tablename from pg_tables where schemaname like 'market\\_%'").fetchall()
        for schema, table in tables:
            connection.execute(f'create table kept."{schema}.{table}" as select * from {schema}."{table}"')
    yield
    with market.warehouse.connect() as connection:
        for schema, table in tables:
            connection.execute(f'truncate {schema}."{table}"')
            connection.execute(f'insert into {schema}."{table}" select * from kept."{schema}.{table}"')
        connection.execute("drop schema kept cascade")


@pytest.fixture
def restored(market):
    """A market whose warehouse is as after run 1; run 2 had added a child, and published."""
    for number in (1, 2):
        market.insert_parent(number)
        market.insert_child(number, parent=number)
    market.execute("insert into labels values ('x', 'A', 'other')")
    assert market.run_well() == "succeeded"
    market.pass_time(hours=1)
    with restored_afterwards(market):
        market.insert_child(3, parent=2)
        market.execute("delete from children where id = 1")
        assert market.run_well({"reconcile": True}) == "succeeded"
    market.pass_time(hours=1)
    return market


def find_ledger(market) -> list[tuple[str, str]]:
    """Return what the doctor says of the ledger."""
    report, settings = Report(), read_settings(WarehouseSettings)
    warehouse_checks._check_restored(report, DataApi(settings), "market/doctor/test", settings)
    return [(finding["status"], finding["says"]) for finding in report.to_json()]


def test_a_restored_warehouse_is_refused_and_repaired(restored):
    """However often it is tried, no run takes the number of a lost one; the repairing run makes all layers whole behind them."""
    market = restored
    ((status, says),) = find_ledger(market)
    assert status == "fail" and "its last run is 1, and the bucket has run 2" in says and "after_restore" in says
    for _ in range(2):
        with pytest.raises(FixConfiguration, match=r"WAREHOUSE RESTORED: its last run is 1, the bucket has run 2.*after_restore"):
            market.run({"reconcile": True})
    assert market.query("select max(run_sequence) from run") == [(1,)]
    market.run({"after_restore": True})
    assert market.query("select run_sequence, kind, status from run order by 1") == [
        (1, "incremental", "succeeded"),
        (2, "lost", "failed"),
        (3, "reconcile", "succeeded"),
    ]
    market.assert_whole()
    lake = market.pipeline.read("market/runs/000003/lake.json")
    assert all(table["parts"] is None for table in lake["tables"]) and lake["tables"]
    ((status, _),) = find_ledger(market)
    assert status == "ok"
    market.insert_child(4, parent=1)
    assert market.run_well() == "succeeded"


@pytest.mark.slow
def test_it_is_noticed_without_the_state(restored):
    """As that may be lost, or was deleted by hand: the runs' own objects tell."""
    restored.pipeline.forget_state()
    with pytest.raises(FixConfiguration, match="WAREHOUSE RESTORED"):
        restored.run()


@pytest.mark.slow
def test_a_ledger_that_was_begun_anew_is_none(restored):
    """What the bucket has is then older than the ledger's last run."""
    restored.warehouse.empty()
    assert restored.run_well() == "succeeded"
    restored.insert_child(5, parent=1)
    assert restored.run_well() == "succeeded"
    assert restored.query("select max(run_sequence) from run") == [(2,)]


def test_the_last_run_is_found_among_any(market):
    """By few requests; also where numbers are missing, and where there is none."""
    bucket, s3 = market.pipeline.bucket, market.pipeline.s3
    assert find_last_run(bucket, "market") is None
    for run in (1, 2, 7, 40, 999):
        s3.put_object(Bucket=bucket, Key=f"market/runs/{run:06d}/ledger.json", Body=b"{}")
        last = find_last_run(bucket, "market")
        assert last and last[0] == run
    s3.put_object(Bucket=bucket, Key="market/state.json", Body=b"{}")
    assert find_last_run(bucket, "market")[0] == 999
