"""A run that was closed as failed: redriven it goes on where it stopped, otherwise nothing of it writes any more."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from local.marketplace.generator import fill
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.warehouse import run_step
from rental_pipeline.warehouse.data_api import DataApi
from tests.fixtures.pipeline import Stopped
from tests.fixtures.warehouse import TARGET


@pytest.fixture
def closed_run(pipeline, source_database) -> int:
    """A run that stopped before its checks and was closed."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    with pytest.raises(Stopped):
        pipeline.run(stop_before="check")
    end(pipeline)
    return 1


def end(pipeline) -> None:
    """Close run 1 as failed, as the function that the event about its execution's end starts."""
    settings = read_settings(WarehouseSettings)
    run_step.end_run(DataApi(settings), settings, 1, "it broke")


def test_a_redriven_run_goes_on_where_it_stopped(pipeline, closed_run, fresh_warehouse, monkeypatch):
    """Its execution is running again: the next step takes the lease back, and the run succeeds."""
    monkeypatch.setattr(run_step, "_is_executing", lambda execution_id: True)
    for step in ("check", "publish"):
        pipeline.step(step, closed_run)
    assert pipeline.step("close", closed_run)["status"] == "succeeded"
    assert fresh_warehouse.query("select run_sequence, status from apartments_control.run") == [(1, "succeeded")]


@pytest.mark.slow
def test_a_late_step_of_a_closed_run_is_refused(pipeline, closed_run, fresh_warehouse):
    """Its execution has ended: a nested one that outlived it writes nothing, and the error says what to do."""
    with pytest.raises(FixConfiguration, match="start a new execution"):
        pipeline.step("check", closed_run)
    assert fresh_warehouse.query("select run_sequence, status from apartments_control.run") == [(1, "failed")]
    assert fresh_warehouse.query("select count(*) from apartments_control.check_result") == [(0,)]


@pytest.mark.slow
def test_a_run_stopped_just_before_its_close_counts_when_it_is_redriven(pipeline, closed_run, fresh_warehouse, monkeypatch):
    """It has published: the ledger says so, and people are told so."""
    monkeypatch.setattr(run_step, "_is_executing", lambda execution_id: True)
    for step in ("check", "publish"):
        pipeline.step(step, closed_run)
    end(pipeline)
    assert pipeline.step("close", closed_run)["status"] == "succeeded"
    assert fresh_warehouse.query("select status, error from apartments_control.run") == [("succeeded", None)]


def test_a_statement_that_failed_while_it_was_waited_for_is_submitted_again(pipeline, closed_run, fresh_warehouse, monkeypatch):
    """Retry would repeat the event, and with it the statement that has failed: the function has the machine go on without it."""
    monkeypatch.setattr(run_step, "_is_executing", lambda execution_id: True)
    guard = ["set search_path to apartments_control", "lock lease", "call hold_lease(1, 60)"]
    failed = fresh_warehouse.client().batch_execute_statement(Sqls=guard, **TARGET)["Id"]
    event = {
        "step": "check",
        "run_sequence": closed_run,
        "progress": {"number": 0, "of_step": {"submission": 0, "statement": failed}},
    }
    answer = pipeline.invoke("run_sql", event)
    assert answer["status"] == "RUNNING"
    assert answer["progress"] == {"number": 0, "of_step": {"submission": 0, "statement": None}}
    assert "warnings" in pipeline.step("check", closed_run, progress=answer["progress"])
