"""Statements that other tools gave up, lost sight of, or took for done. A test's name begins with the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rental_pipeline.base.errors import RetryLater
from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.warehouse.data_api import DataApi
from rental_pipeline.warehouse.run_step import end_run, run_step

LOAD = {"step": "load", "name": "parents", "run_sequence": 1}


@pytest.fixture
def blocked(market):
    """A run before its first load, and a way to hold the raw table so that the load has to wait, and that load's statements."""
    market.insert_parent()
    run = market.start().stop_before("load parents")
    earlier = list_loads(market)

    @contextmanager
    def hold() -> Iterator[None]:
        with market.warehouse.connect() as connection, connection.transaction():
            connection.execute("lock table market_raw.parents in access exclusive mode")
            yield

    def states() -> list[str]:
        return [state for statement, state in list_loads(market).items() if statement not in earlier]

    return market, run, hold, states


def invoke(event: dict) -> dict:
    """Do a step in a function that has 11 seconds left at first, and too few to wait again when it asks a second time."""
    seconds = iter([11.0, 5.0])
    return run_step(event, read_settings(WarehouseSettings), lambda: next(seconds, 5.0))


def list_loads(market) -> dict[str, str]:
    """Return the states of all statements of the load, by their ids; of earlier tests, too."""
    listed = market.warehouse.client().list_statements(StatementName="market/000001/load/parents", Status="ALL")["Statements"]
    return {statement["Id"]: statement["Status"] for statement in listed if "/write/" in statement["StatementName"]}


@pytest.mark.slow
def test_aws_sample_ending_on_submit_a_step_is_finished_when_its_statement_is(blocked):
    """AWS's own Step Functions sample ends once the statement is submitted, before any SQL has run."""
    market, run, hold, _ = blocked
    with hold():
        answer = invoke(LOAD)
        assert answer["status"] == "RUNNING" and market.query("select count(*) from table_load") == [(0,)]
    run.finish()
    market.assert_raw_mirrors_source()


@pytest.mark.slow
def test_feast_2363_waiting_goes_on_for_as_long_as_the_statement_does(blocked):
    """Each invocation ends in time and says where to go on; the state machine calls again, without an end."""
    _, run, hold, states = blocked
    with hold():
        first = invoke(LOAD)
        second = invoke({**LOAD, "progress": first["progress"]})
        assert first["status"] == second["status"] == "RUNNING" and first["progress"] == second["progress"]
    run.finish()
    assert states() == ["FINISHED"]


@pytest.mark.slow
def test_redshift_loader_45_a_function_that_timed_out_finds_its_copy_still_running(blocked):
    """The function died without a word while its COPY ran on; the retry waits for that one and submits no other."""
    market, run, hold, states = blocked
    with hold():
        died = invoke(LOAD)
        retried = invoke(LOAD)
        assert died["progress"]["of_step"]["statement"] and died["progress"] == retried["progress"]
    run.finish()
    assert states() == ["FINISHED"]
    assert market.read_versions("parents", "id") == [(1, "U")]


def test_redshift_loader_45_what_a_stopped_run_left_running_is_cancelled(blocked):
    """And it writes nothing when it would get its table at last."""
    market, _, hold, states = blocked
    with hold():
        invoke(LOAD)
        settings = read_settings(WarehouseSettings)
        assert end_run(DataApi(settings), settings, 1, "stopped")
    assert states() == ["ABORTED"]
    assert market.query("select count(*) from market_raw.parents") == [(0,)]
    market.run_well()
    assert market.read_versions("parents", "id") == [(1, "U")]


@pytest.mark.slow
def test_jitsu_1462_a_describe_that_fails_once_abandons_no_query(blocked, monkeypatch):
    """The answer about the statement is lost once; the step asks again about the same statement."""
    market, run, _, states = blocked
    call, failures = DataApi._call, iter([RetryLater("the answer was lost")])

    def lose_one_answer(self, operation, **request):
        if operation == "describe_statement" and (failure := next(failures, None)):
            raise failure
        return call(self, operation, **request)

    monkeypatch.setattr(DataApi, "_call", lose_one_answer)
    run.finish()
    assert next(failures, None) is None
    assert states() == ["FINISHED"]
    assert market.read_versions("parents", "id") == [(1, "U")]
