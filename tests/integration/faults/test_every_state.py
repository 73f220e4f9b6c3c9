"""Faults at every state of both state machines, which are read from statemachine/: a new state is met, or a test fails.

In each execution every state meets the fault in turn, the first of the kind where a Map repeats it; afterwards every layer equals
the model of the source, and a rebuild.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.standins.step_functions.execution import Aborted, Execution
from tests.fixtures.executions import RUN, SQL_STEP, Visit, list_states, name_step
from tests.fixtures.faults import FAULTS
from tests.fixtures.slow import first_of
from tests.fixtures.world import Call, World, name_tasks
from tests.integration.faults.conftest import Marketplace

Kind = tuple[str, str, str]
# Which states' functions a fault is about; the others meet all.
_SOURCE = {(RUN, "Plan the run"), (RUN, "Extract a slice")}
_WAREHOUSE = {(SQL_STEP, "Run the SQL")}
_ABOUT = {
    "source down": _SOURCE,
    "source connections killed": {(RUN, "Extract a slice")},
    "time runs short": {*_SOURCE, *_WAREHOUSE},
    "warehouse down": _WAREHOUSE,
    "sessions ended": _WAREHOUSE,
    **{name: _WAREHOUSE for name in FAULTS if name.startswith("data api")},
    # A look at the source that fails by itself opens a run: it meets the first of these only.
    **{name: name_tasks() - {(RUN, "Detect changes")} for name in ("s3 slow down", "s3 answer lost")},
}
# Faults that a state meets in one execution, attempt by attempt: no more of them than Retry has patience for.
_ONE_AFTER_THE_OTHER = [
    ["killed before", "killed after", "killed midway"],
    ["timed out", "warehouse down", "sessions ended"],
    ["data api cut", "data api fails", "data api cut once"],
    ["data api throttles", "data api answers lost", "data api answer lost"],
    ["s3 cut", "s3 slow down", "s3 answer lost"],
    ["source down", "source connections killed", "time runs short"],
]
# Stopping and starting a database takes a second: those faults are not made to last.
_LASTING = ["killed after", "data api answers lost", "s3 cut"]


def kind_of(visit: Visit) -> Kind:
    """The state; of the state that runs a step, the kind of step, which is the same for all tables and metrics."""
    return visit.machine, visit.state, (visit.step or "").split(" ")[0] if visit.state == "Run the SQL" else ""


class Trouble:
    """Each kind of state meets faults: each once, or the one as long as it lasts.

    Attributes:
        met: By fault, the kinds that met it.
        over: The kinds that meet it no more.
    """

    def __init__(self, world: World, faults: list[str], is_lasting: bool = False) -> None:
        self._world, self._faults, self._is_lasting = world, faults, is_lasting
        self._visit: Visit | None = None
        self.met: dict[str, set[Kind]] = {fault: set() for fault in faults}
        self.over: set[Kind] = set()
        world.entering = self._enter
        world.around = self._meet

    def _enter(self, visit: Visit) -> None:
        self._visit = visit

    def _meet(self, function: str, event: Any, call: Call) -> Any:
        kind = kind_of(self._visit)
        for fault in self._faults:
            if kind in self.over or kind[:2] not in _ABOUT.get(fault, name_tasks()):
                continue
            if self._is_lasting or kind not in self.met[fault]:
                self.met[fault].add(kind)
                return FAULTS[fault](self._world, call, 0)  # at the first call, so that every kind of step meets it
        return call()

    def end(self) -> None:
        """The fault that lasts is over where it was met."""
        self.over = set.union(*self.met.values())

    def assert_met(self) -> None:
        """Every state that a fault is about has met it, however many states there are."""
        for fault, kinds in self.met.items():
            assert {kind[:2] for kind in kinds} == _ABOUT.get(fault, name_tasks()), fault


def test_every_fault_is_tried():
    """None was forgotten in a group."""
    assert sorted(fault for group in _ONE_AFTER_THE_OTHER for fault in group) == sorted(FAULTS)


@pytest.mark.parametrize("faults", first_of(_ONE_AFTER_THE_OTHER), ids=", ".join)
def test_what_breaks_is_tried_again(marketplace: Marketplace, faults: list[str]):
    """The state machine's Retry, or boto's, is enough: the execution succeeds by itself."""
    trouble = Trouble(marketplace.world, faults)
    execution = marketplace.world.run()
    assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
    trouble.assert_met()
    marketplace.assert_complete(execution)


@pytest.mark.slow
@pytest.mark.parametrize("fault", first_of(_LASTING))
def test_what_stays_broken_is_redriven(marketplace: Marketplace, fault: str):
    """Each state fails in the end, the run is closed, and a redrive goes on there: one execution, failed at every state."""
    trouble = Trouble(marketplace.world, [fault], is_lasting=True)
    execution = marketplace.world.run()
    failures = 0
    while execution.status != "SUCCEEDED":
        assert execution.status == "FAILED"
        failures += 1
        assert failures <= len(trouble.met[fault]), f"the redrive fails again: {execution.error}: {execution.cause}"
        trouble.end()
        execution.run()
    trouble.assert_met()
    # One step may have nothing to ask of a service: prepare, where no table has to be made or changed. A look at the source that
    # fails by itself opens a run.
    assert failures >= len(trouble.met[fault]) - 2
    marketplace.assert_complete(execution)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["source", "warehouse"])
def test_a_database_that_stays_down_is_waited_for_by_a_person(marketplace: Marketplace, part: str):
    """It is down at every state that needs it, all attempts long; started again and redriven, the run goes on."""
    world = marketplace.world
    about = _SOURCE if part == "source" else _WAREHOUSE
    met: set[Kind] = set()

    def stop(visit: Visit) -> None:
        kind = kind_of(visit)
        if kind[:2] in about and kind not in met:
            met.add(kind)
            getattr(world, f"stop_{part}")()

    world.entering = stop
    execution, failures = world.run(), 0
    while execution.status != "SUCCEEDED":
        failures += 1
        assert failures <= len(met), f"{execution.error}: {execution.cause}"
        getattr(world, f"start_{part}")()
        execution.run()
    assert {kind[:2] for kind in met} == about
    assert failures >= len(met) - 1  # prepare submits nothing where no table has to be made or changed
    marketplace.assert_complete(execution)


class Stops:
    """Aborts the execution at the entry of each state, once.

    Attributes:
        states: Where it has.
    """

    def __init__(self) -> None:
        self.states: set[tuple[str, str]] = set()
        self.is_open = True

    def enter(self, visit: Visit) -> None:
        state = visit.machine, visit.state
        if self.is_open and state not in self.states:
            self.states.add(state)
            raise Aborted


def every_state() -> set[tuple[str, str]]:
    return {(machine, name) for machine in (RUN, SQL_STEP) for name in list_states(machine)}


def stop_everywhere(marketplace: Marketplace, go_on: Callable[[Execution], Execution]) -> tuple[Stops, Execution]:
    """Stop executions at every state there is, going on after each stop as the caller says, until nothing is left to stop at."""
    world, stops = marketplace.world, Stops()
    world.around = let_statements_outlast_their_function(world, stops)
    world.entering = stops.enter
    execution = world.run()
    while execution.status == "ABORTED":
        execution = go_on(execution)
    assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
    brought = execution
    # An unchanged source, a run that finds nothing, a replay, and a second run while one is in progress have states of their own.
    again = {"window": {"from": "2026-10-01", "to": "2026-10-02"}}
    for run_input in ({}, again, {"reconcile": True}, {"replay": True}):
        execution = world.run(run_input)
        while execution.status == "ABORTED":
            execution = go_on(execution)
        assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
    stops.is_open = False
    rivals: list[Execution] = []

    def start_rival(visit: Visit) -> None:
        if visit.state == "Plan the run" and not rivals:
            stops.is_open = True
            world.entering = stops.enter
            rivals.append(world.run())
            while rivals[-1].status == "ABORTED":
                rivals.append(go_on(rivals[-1]))
            stops.is_open = False

    world.entering = start_rival
    world.run()
    assert rivals[-1].output["outcome"] == "in_progress"
    return stops, brought


def let_statements_outlast_their_function(world: World, stops: Stops) -> Callable[[str, Any, Call], Any]:
    """Return the seam that keeps a staging statement running for longer than its function, until its wait was stopped.

    One more then goes through to its end.
    """
    waits = {(SQL_STEP, "Keep the position"), (SQL_STEP, "Wait for Redshift")}
    gone_through = []

    def outlast(function: str, event: Any, call: Call) -> Any:
        if function != "run_sql" or name_step(event) != "stage" or event.get("progress") or gone_through:
            return call()
        if waits <= stops.states:
            gone_through.append("stage")
        return world.outlast(call)

    return outlast


@pytest.mark.slow
def test_a_stopped_execution_is_redriven(marketplace: Marketplace):
    """Somebody stops it at every state, those without a function too, and redrives it each time."""
    stops, execution = stop_everywhere(marketplace, Execution.run)
    assert stops.states == every_state()
    marketplace.assert_complete(execution)


@pytest.mark.slow  # two and a half minutes; the schedules (test_conduct, test_layers) stop runs for new ones, too
def test_a_stopped_execution_is_followed_by_a_new_run(marketplace: Marketplace):
    """Somebody stops an execution at every state; the next is a new one, which takes over what was committed."""
    world = marketplace.world

    def start_anew(execution: Execution) -> Execution:
        world.is_end_told = not world.is_end_told  # every other time the event about the end is lost
        if not execution.input:
            marketplace.change()
        return world.run(execution.input)

    stops, execution = stop_everywhere(marketplace, start_anew)
    assert stops.states == every_state()
    marketplace.assert_complete(execution)


# The steps whose batches only read, or unload what they read, and so wait for no lease; `prepare` does no more in an increment.
READING = ("fingerprint", "prepare", "pending", "plan_lake", "report")


@pytest.mark.slow
def test_statements_of_a_stopped_run_are_cancelled(marketplace: Marketplace):
    """Each step's statement waits for the lease when the execution is stopped: it is cancelled; the redrive submits another."""
    world, client = marketplace.world, marketplace.world.warehouse.client()
    tried: set[str] = set()
    stopped: list[str] = []
    holders: list[threading.Thread] = []

    def list_aborted() -> list[str]:
        aborted = client.list_statements(StatementName="apartments/", Status="ABORTED", MaxResults=100)["Statements"]
        return [statement["Id"] for statement in aborted]

    def stop(function: str, event: Any, call: Call) -> Any:
        step = name_step(event).split(" ")[0] if function == "run_sql" else ""
        if function != "run_sql" or step in tried or step in READING:
            return call()
        tried.add(step)
        before, is_held, is_over = list_aborted(), threading.Event(), threading.Event()

        def hold() -> None:
            with world.warehouse.connect() as connection:
                connection.autocommit = False
                connection.execute("lock table apartments_control.lease in access exclusive mode")
                is_held.set()
                deadline = time.monotonic() + 60
                while list_aborted() == before and not is_over.is_set() and time.monotonic() < deadline:
                    time.sleep(0.02)

        holders.append(threading.Thread(target=hold, daemon=True))
        holders[-1].start()
        is_held.wait(60)
        try:
            answer = world.leave_alone(call, r"redshift-data\.BatchExecuteStatement", send_first=True)
        except Aborted:
            stopped.append(step)
            raise
        is_over.set()
        return answer

    world.around = stop
    execution = world.run()
    while execution.status == "ABORTED":
        holders[-1].join(60)
        assert len(list_aborted()) == len(stopped), f"the statement of {stopped[-1]} was not cancelled"
        world.wake_up()
        execution.run()
    assert tried - set(stopped) <= {"unload"}  # it may have nothing to write in this run
    assert set(stopped) >= {"open", "load", "curate", "stage", "check", "publish", "close"}
    marketplace.assert_complete(execution)


@pytest.mark.slow
def test_people_cannot_be_told(marketplace: Marketplace):
    """SNS fails after the run was closed, however often it is tried: the run stays a good one, and a redrive tells them."""
    world = marketplace.world
    told = len(world.messages)

    def refuse(message: Any) -> None:
        raise RuntimeError("SNS is not there")

    world.publish = refuse
    execution = world.run()
    assert execution.status == "FAILED"
    world.publish = world.messages.append
    assert marketplace.runs("running") == 0
    execution.run()
    assert len(world.messages) == told + 1
    marketplace.assert_complete(execution)
