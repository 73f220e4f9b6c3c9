"""One execution: its status, its history, and what it has left, so that a redrive goes on where it stopped.

AWS Step Functions Developer Guide, "Restarting state machine executions with redrive": the unsuccessful state starts again with
the same input, of a Map only what did not succeed, and what it nested starts again.
"""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from local.standins.step_functions.language import Json, StateFailed, dump
from local.standins.step_functions.walk import MapRun, Overtaken, Place, TimedOut, Walk, Walker

if TYPE_CHECKING:
    from local.standins.step_functions.machines import Machine, StateMachines

# Unsuccessful ends, which can be redriven.
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")


class Aborted(BaseException):
    """Somebody stops the execution. No `except Exception` of the code that it passes through may hold it."""


class NotRedrivable(Exception):
    """The execution runs, or has succeeded."""


class Execution:
    """One execution: of a state machine, or of a Distributed Map's inner one for one item.

    Attributes:
        status: As Step Functions names it.
        history: Its events, as GetExecutionHistory gives them.
        failure: What it failed with; `__cause__` is the exception of a task that is a function of this process.
        map_run: That it is a child of.
        redrives: How many times it was redriven.
    """

    def __init__(
        self, machines: StateMachines, machine: Machine, definition: Json, arn: str, given: Json, map_run: MapRun | None = None
    ) -> None:
        self.machines, self.machine, self.definition, self.arn, self.input = machines, machine, definition, arn, given
        self.name = arn.rpartition(":")[2]
        self.map_run = map_run
        self.started_at = machines.clock()
        self.stopped_at: datetime | None = None
        self.redriven_at: datetime | None = None
        self.redrives = 0
        self.status = "RUNNING"
        self.output: Json = None
        self.error: str | None = None
        self.cause: str | None = None
        self.failure: StateFailed | None = None
        self.history: list[dict[str, Json]] = []
        self.map_runs: dict[Place, MapRun] = {}
        self.left: dict[Place, tuple[Json, str | None]] = {}
        self.entered: set[Place] = set()
        self._inner: dict[str, Execution] = {}
        self._lock = threading.Lock()
        self._walk: Walker | None = None

    def run(self, walk: Walker | None = None) -> Execution:
        """Do what is left of it; called again after an unsuccessful end, redrive it. `walk` is what `begin` returned."""
        with contextlib.suppress(Aborted):
            self.drain(walk)
        if self.status in UNSUCCESSFUL:
            self.machines.ended(self)
        return self

    def drain(self, walk: Walker | None = None) -> None:
        """Do what is left of it, as a part of another execution."""
        for entry in self.walk(walk):
            try:
                self.machines.entering(entry)
            except Aborted:
                self.stop()
                raise

    def walk(self, walk: Walker | None = None) -> Walk:
        """Do what is left of it, and give each state before it is done. A walk that is left unfinished has aborted it.

        Raises:
            Aborted: a task of this process did.
            NotRedrivable: it runs, or has succeeded.
        """
        walk = walk or self.begin()
        try:
            output = yield from walk.go(self.definition, self.input, ())
            self._end(walk, "SUCCEEDED", "ExecutionSucceeded", output=output)
        except StateFailed as failure:
            self.failure = failure
            with contextlib.suppress(Overtaken):
                self._end(walk, "FAILED", "ExecutionFailed", failure.error, failure.cause)
        except TimedOut:
            with contextlib.suppress(Overtaken):
                self._end(walk, "TIMED_OUT", "ExecutionTimedOut")
        except Overtaken:
            pass
        except (Aborted, GeneratorExit):
            self.stop()
            raise
        except Exception as error:
            self._end(walk, "FAILED", "ExecutionFailed", "States.Runtime", repr(error))
            raise

    def begin(self) -> Walker:
        """Make it running, and return the walk that is to be done.

        Raises:
            NotRedrivable: it runs, or has succeeded.
        """
        with self._lock:
            if self._walk and self.status not in UNSUCCESSFUL:
                raise NotRedrivable(f"Execution is {self.status} and cannot be redriven.")
            walk, is_first = Walker(self), self._walk is None
            self._walk = walk
            self.status, self.error, self.cause, self.failure, self.stopped_at = "RUNNING", None, None, None, None
            if is_first:
                self._append(walk, "ExecutionStarted", {"input": dump(self.input), "roleArn": self.machine.role_arn})
            else:
                self.redrives, self.redriven_at = self.redrives + 1, self.machines.clock()
                self._append(walk, "ExecutionRedriven", {"redriveCount": self.redrives})
        return walk

    def stop(self, error: str | None = None, cause: str | None = None) -> None:
        """Abort it, and what it has nested; where it has ended, do nothing."""
        with contextlib.suppress(Overtaken):
            self._end(self._walk, "ABORTED", "ExecutionAborted", error, cause)
        for inner in list(self._inner.values()):
            inner.stop()

    def make_child(self, definition: Json, arn: str, map_run: MapRun, number: int) -> Execution:
        """Return the child of a Distributed Map for one of its items, which nobody walks yet."""
        return Execution(self.machines, self.machine, definition, arn, map_run.inputs[number], map_run)

    def begin_inner(self, walk: Walker, inner: Execution) -> Walker:
        """Begin an execution that is a part of this one, and is stopped with it.

        Raises:
            Overtaken: this one has ended, or another walk goes on with it.
        """
        with self._lock:
            self._check(walk)
            self._inner[inner.arn] = self.machines.executions[inner.arn] = inner
            return inner.begin()

    def note(self, walk: Walker, kind: str, **details: Json) -> None:
        """Add an event to the history.

        Raises:
            Overtaken: it has ended, or another walk goes on with it.
        """
        with self._lock:
            self._append(walk, kind, details)

    def _check(self, walk: Walker | None) -> None:
        if walk is not self._walk or self.status != "RUNNING":
            raise Overtaken

    def _append(self, walk: Walker | None, kind: str, details: dict[str, Json]) -> None:
        self._check(walk)
        number = len(self.history) + 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": self.machines.clock()}
        if details:
            family = next((part for part in ("StateEntered", "StateExited") if kind.endswith(part)), kind)
            event[family[0].lower() + family[1:] + "EventDetails"] = {k: v for k, v in details.items() if v is not None}
        self.history.append(event)

    def _end(
        self,
        walk: Walker | None,
        status: str,
        event: str,
        error: str | None = None,
        cause: str | None = None,
        output: Json = None,
    ) -> None:
        details = {"output": dump(output)} if status == "SUCCEEDED" else {"error": error, "cause": cause}
        with self._lock:
            self._append(walk, event, details)
            self.status, self.error, self.cause, self.output = status, error, cause, output
            self.stopped_at = self.machines.clock()
