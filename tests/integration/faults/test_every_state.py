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

from tests.fixtures.executions import RUN, SQL_STEP, Aborted, Execution, Visit, list_states
from tests.fixtures.faults import FAULTS
from tests.fixtures.world import Call, World, name_tasks
from tests.integration.faults.conftest import Marketplace

Kind = tuple[str, str, str]
# Which states' functions a fault is about; the others meet all.
_SOURCE = {(RUN, "Plan the run"), (RUN, "Extract a slice")}
_WAREHOUSE = {(SQL_STEP, "Run the SQL")}
_ABOUT = {
    "source down": _SOURCE,
    "source connections killed": {(RUN, "Extract a slice")},
    "warehouse down": _WAREHOUSE,
    "sessions ended": _WAREHOUSE,
    **{name: _WAREHOUSE for name in FAULTS if name.startswith("data api")},
}
_MIDWAY = 6
# Stopping and starting a database takes a second: those faults last for one attempt.
_LASTING = ["killed before", "killed after", "data api cut", "data api answers lost", "s3 cut", "s3 slow down"]


def kind_of(visit: Visit) -> Kind:
    """The state, and the kind of step: what is the same for all tables and metrics."""
    return visit.machine, visit.state, (visit.step or "").split(" ")[0]


class Trouble:
    """Each kind of state meets a fault: once, or as long as it lasts.

    Attributes:
        met: The kinds that met it.
    """

    def __init__(self, world: World, fault: str, is_lasting: bool = False) -> None:
        self._world, self._fault, self._is_lasting = world, FAULTS[fault], is_lasting
        self._about = _ABOUT.get(fault, name_tasks())
        self._visit: Visit | None = None
        self.met: set[Kind] = set()
        self.over: set[Kind] = set()
        world.machines.entering = self._enter
        world.around = self._meet

    @property
    def states(self) -> set[tuple[str, str]]:
        return {(machine, state) for machine, state, _ in self.met}

    def _enter(self, visit: Visit) -> None:
        self._visit = visit

    def _meet(self, function: str, event: Any, call: Call) -> Any:
        kind = kind_of(self._visit)
        if kind[:2] not in self._about or kind in self.over:
            return call()
        self.met.add(kind)
        if not self._is_lasting:
            self.over.add(kind)
        # Where it lasts, it comes with the first call, so that each state fails; else somewhere in the middle.
        return self._fault(self._world, call, 0 if self._is_lasting else len(self.met) % _MIDWAY)

    def end(self) -> None:
        """The fault that lasts is over where it was met."""
        self.over |= self.met


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_what_breaks_once_is_tried_again(marketplace: Marketplace, fault: str):
    """The state machine's Retry, or boto's, is enough: the execution succeeds by itself."""
    trouble = Trouble(marketplace.world, fault)
    execution = marketplace.world.run()
    assert trouble.states == trouble._about
    marketplace.assert_complete(execution)


@pytest.mark.parametrize("fault", _LASTING)
def test_what_stays_broken_is_redriven(marketplace: Marketplace, fault: str):
    """Each state fails in the end, the run is closed, and a redrive goes on there: one execution, failed at every state."""
    trouble = Trouble(marketplace.world, fault, is_lasting=True)
    execution = marketplace.world.run()
    failures = 0
    while execution.status != "SUCCEEDED":
        assert execution.status == "FAILED"
        failures += 1
        assert failures <= len(trouble.met), f"the redrive fails again: {execution.error}: {execution.cause}"
        trouble.end()
        execution.run()
    assert trouble.states == trouble._about
    # One step may have nothing to ask of a service: prepare, where no table has to be made or changed.
    assert failures >= len(trouble.met) - 1
    marketplace.assert_complete(execution)


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

    world.machines.entering = stop
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
    """Aborts the execution at the entry of each kind of state, once."""

    def __init__(self) -> None:
        self.met: set[Kind] = set()
        self.is_open = True

    def enter(self, visit: Visit) -> None:
        kind = kind_of(visit)
        if self.is_open and kind not in self.met:
            self.met.add(kind)
            raise Aborted

    @property
    def states(self) -> set[tuple[str, str]]:
        return {(machine, state) for machine, state, _ in self.met}


def every_state() -> set[tuple[str, str]]:
    return {(machine, name) for machine in (RUN, SQL_STEP) for name in list_states(machine)}


def stop_everywhere(marketplace: Marketplace, go_on: Callable[[Execution], Execution]) -> tuple[Stops, Execution]:
    """Stop executions at every state there is, going on after each stop as the caller says, until nothing is left to stop at."""
    world, stops = marketplace.world, Stops()
    world.around = let_statements_outlast_their_function(world, stops)
    world.machines.entering = stops.enter
    execution = world.run()
    while execution.status == "ABORTED":
        execution = go_on(execution)
    assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
    brought = execution
    # A run with nothing to do, and a second run while one is in progress, end in states of their own.
    execution = world.run()
    while execution.status == "ABORTED":
        execution = go_on(execution)
    stops.is_open = False
    rivals: list[Execution] = []

    def start_rival(visit: Visit) -> None:
        if visit.state == "Plan the run" and not rivals:
            stops.is_open = True
            world.machines.entering = stops.enter
            rivals.append(world.run())
            while rivals[-1].status == "ABORTED":
                rivals.append(go_on(rivals[-1]))
            stops.is_open = False

    world.machines.entering = start_rival
    world.run()
    assert rivals[-1].output["outcome"] == "in_progress"
    return stops, brought


def let_statements_outlast_their_function(world: World, stops: Stops) -> Callable[[str, Any, Call], Any]:
    """Return the seam that keeps a metric's statement running for longer than its function, until the wait for it was stopped.

    One more then goes through to its end.
    """
    waits = {(SQL_STEP, "Keep its place"), (SQL_STEP, "Wait for Redshift")}
    gone_through = []

    def outlast(function: str, event: Any, call: Call) -> Any:
        if function != "run_sql" or event["step"] != "stage" or event.get("progress") or gone_through:
            return call()
        if waits <= stops.states:
            gone_through.append(event["name"])
        return world.outlast(call)

    return outlast


def test_a_stopped_execution_is_redriven(marketplace: Marketplace):
    """Somebody stops it at every state, those without a function too, and redrives it each time."""
    stops, execution = stop_everywhere(marketplace, Execution.run)
    assert stops.states == every_state()
    marketplace.assert_complete(execution)


def test_a_stopped_execution_is_followed_by_a_new_run(marketplace: Marketplace):
    """Somebody stops an execution at every state; the next is a new one, which takes over what was committed."""
    world = marketplace.world

    def start_anew(execution: Execution) -> Execution:
        world.is_end_told = not world.is_end_told  # every other time the event about the end is lost
        return world.run()

    stops, execution = stop_everywhere(marketplace, start_anew)
    assert stops.states == every_state()
    marketplace.assert_complete(execution)


def test_statements_of_a_stopped_run_are_cancelled(marketplace: Marketplace):
    """Each step's statement waits for the lease when the execution is stopped: it is cancelled; the redrive submits another."""
    world, client = marketplace.world, marketplace.world.warehouse.client()
    cancelled: set[str] = set()

    def count_aborted() -> int:
        return len(client.list_statements(StatementName="apartments/", Status="ABORTED", MaxResults=100)["Statements"])

    def stop(function: str, event: Any, call: Call) -> Any:
        step = event.get("step")
        if function != "run_sql" or step in cancelled or step == "pending":  # which only reads
            return call()
        cancelled.add(step)
        before, held = count_aborted(), threading.Event()

        def hold() -> None:
            with world.warehouse.connect() as connection:
                connection.autocommit = False
                connection.execute("lock table apartments_control.lease in access exclusive mode")
                held.set()
                deadline = time.monotonic() + 60
                while count_aborted() == before and time.monotonic() < deadline:
                    time.sleep(0.02)

        holder = threading.Thread(target=hold, daemon=True)
        holder.start()
        held.wait(60)
        holders.append((step, before, holder))
        return world.leave_alone(call, r"redshift-data\.BatchExecuteStatement", send_first=True)

    holders: list[tuple[str, int, threading.Thread]] = []
    world.around = stop
    execution = world.run()
    while execution.status == "ABORTED":
        step, before, holder = holders[-1]
        holder.join(60)
        assert count_aborted() > before, f"the statement of {step} was not cancelled"
        world.wake_up()
        execution.run()
    assert cancelled == {"open", "prepare", "load", "curate", "stage", "check", "publish", "close"}
    marketplace.assert_complete(execution)


def test_people_cannot_be_told(marketplace: Marketplace):
    """SNS fails after the run was closed: the run stays a good one, and a redrive tells them."""
    world = marketplace.world
    told = len(world.messages)

    def refuse(message: Any) -> None:
        world.machines.publish = world.messages.append
        raise RuntimeError("SNS is not there")

    world.machines.publish = refuse
    execution = world.run()
    assert execution.status == "FAILED"
    assert marketplace.runs("running") == 0
    execution.run()
    assert len(world.messages) == told + 1
    marketplace.assert_complete(execution)
