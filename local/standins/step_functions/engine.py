"""State machines and their executions, walked state by state, stopped anywhere and redriven: the one engine of this repository.

Tests walk it in their process, where tasks are Python functions and nothing waits; `server` puts it behind Step Functions' API.
An execution remembers which states it left, so that a redrive goes on where it stopped (AWS Step Functions Developer Guide,
"Restarting state machine executions with redrive": the unsuccessful state starts again with the same input, of a Map only what
did not succeed, and what it nested starts again).
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.standins.account import ACCOUNT, PARTITION, REGION
from local.standins.step_functions.language import (
    NESTED,
    READER,
    SERVICE,
    Json,
    StateFailed,
    check_definition,
    choose,
    dump,
    fill,
    is_distributed,
    put_result,
    read_path,
)

MOST_BYTES = 262_144
_THRESHOLD = "States.ExceedToleratedFailureThreshold"
# What no retrier catches, and States.ALL neither (Developer Guide, "Handling errors in workflows").
_FATAL = ("States.Runtime", "States.DataLimitExceeded")
# Unsuccessful ends, which can be redriven.
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")

Place = tuple[Any, ...]
Task = Callable[[Json], Json]


class Aborted(BaseException):
    """Somebody stops the execution. No `except Exception` of the code that it passes through may hold it."""


class StartRefused(Exception):
    """An execution cannot be started; `code` is the API's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotRedrivable(Exception):
    """The execution runs, or has succeeded."""


class _Overtaken(BaseException):
    """The execution was stopped, perhaps redriven since, while this walk through it waited for something."""


class _TimedOut(Exception):
    """The execution has taken longer than its TimeoutSeconds."""


@dataclass(frozen=True)
class Machine:
    """A state machine."""

    arn: str
    name: str
    definition: Json
    role_arn: str
    created_at: datetime


@dataclass(frozen=True)
class Entry:
    """An execution is about to do a state, or to do it again.

    Attributes:
        execution: Whose state it is; perhaps a nested one, or a child of a Distributed Map.
        name, state: The state.
        item: What the iteration of a Map is about; None outside of maps.
    """

    execution: Execution
    name: str
    state: Json
    item: Json


Walk = Generator[Entry, None, Json]


@dataclass
class MapRun:
    """A Distributed Map at work.

    Attributes:
        inputs: Of each child.
        children: Those that were started, by number.
        is_broken: A child did not succeed, so no other is started.
    """

    arn: str
    inputs: list[Json]
    started_at: datetime
    children: dict[int, Execution] = field(default_factory=dict)
    is_broken: bool = False
    redrives: int = 0


@dataclass
class StateMachines:
    """All state machines of an account, and their executions.

    Attributes:
        tasks: What a Task may call, by resource (`lambda:invoke`, `s3:getObject`), with its parameters; raises StateFailed.
            Nested executions need none.
        sleep: Waits so many seconds.
        retry_pace: Factor on the waits before a Retry; below 1 nobody need wait as long as in production.
        clock: The time, in UTC.
        entering: Called before each state that `Execution.run` does; what it raises happens to the execution.
        ended: Called with each execution that `Execution.run` has brought to an unsuccessful end.
        machines, executions, map_runs: By ARN, oldest first.
    """

    tasks: Mapping[str, Task]
    sleep: Callable[[float], object] = time.sleep
    retry_pace: float = 1.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    entering: Callable[[Entry], object] = lambda entry: None
    ended: Callable[[Execution], object] = lambda execution: None
    machines: dict[str, Machine] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    map_runs: dict[str, MapRun] = field(default_factory=dict)

    def create(self, name: str, definition: Json, role_arn: str = "role") -> Machine:
        """Create a state machine, or make one again.

        Raises:
            DefinitionRefused: see `language.check_definition`.
        """
        check_definition(definition, {NESTED, *self.tasks})
        machine = Machine(name_arn("stateMachine", name), name, definition, role_arn, self.clock())
        self.machines[machine.arn] = machine
        return machine

    def start(self, machine_arn: str, given: Json, name: str | None = None) -> Execution:
        """Return a new execution, which nobody walks yet.

        Raises:
            StartRefused: there is no such machine; the name is none (API reference, "StartExecution"), or is taken.
        """
        machine = self.machines.get(machine_arn)
        if not machine:
            raise StartRefused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine_arn}'")
        name = name or str(uuid.uuid4())
        if not _NAME.fullmatch(name):
            raise StartRefused("InvalidName", f"Invalid Name: '{name}'")
        execution = Execution(self, machine, machine.definition, name_arn("execution", machine.name, name), given)
        if self.executions.setdefault(execution.arn, execution) is not execution:
            raise StartRefused("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'")
        return execution


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
        self._walk: _Walk | None = None

    def run(self, walk: _Walk | None = None) -> Execution:
        """Do what is left of it; called again after an unsuccessful end, redrive it. `walk` is what `begin` returned."""
        with contextlib.suppress(Aborted):
            self.drain(walk)
        if self.status in UNSUCCESSFUL:
            self.machines.ended(self)
        return self

    def drain(self, walk: _Walk | None = None) -> None:
        """Do what is left of it, as a part of another execution."""
        for entry in self.walk(walk):
            try:
                self.machines.entering(entry)
            except Aborted:
                self.stop()
                raise

    def walk(self, walk: _Walk | None = None) -> Walk:
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
            with contextlib.suppress(_Overtaken):
                self._end(walk, "FAILED", "ExecutionFailed", failure.error, failure.cause)
        except _TimedOut:
            with contextlib.suppress(_Overtaken):
                self._end(walk, "TIMED_OUT", "ExecutionTimedOut")
        except _Overtaken:
            pass
        except (Aborted, GeneratorExit):
            self.stop()
            raise
        except Exception as error:
            self._end(walk, "FAILED", "ExecutionFailed", "States.Runtime", repr(error))
            raise

    def begin(self) -> _Walk:
        """Make it running, and return the walk that is to be done.

        Raises:
            NotRedrivable: it runs, or has succeeded.
        """
        with self._lock:
            if self._walk and self.status not in UNSUCCESSFUL:
                raise NotRedrivable(f"Execution is {self.status} and cannot be redriven.")
            walk, is_first = _Walk(self), self._walk is None
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
        with contextlib.suppress(_Overtaken):
            self._end(self._walk, "ABORTED", "ExecutionAborted", error, cause)
        for inner in list(self._inner.values()):
            inner.stop()

    def begin_inner(self, walk: _Walk, inner: Execution) -> _Walk:
        """Begin an execution that is a part of this one, and is stopped with it.

        Raises:
            _Overtaken: this one has ended, or another walk goes on with it.
        """
        with self._lock:
            self._check(walk)
            self._inner[inner.arn] = self.machines.executions[inner.arn] = inner
            return inner.begin()

    def note(self, walk: _Walk, kind: str, **details: Json) -> None:
        """Add an event to the history.

        Raises:
            _Overtaken: it has ended, or another walk goes on with it.
        """
        with self._lock:
            self._append(walk, kind, details)

    def _check(self, walk: _Walk | None) -> None:
        if walk is not self._walk or self.status != "RUNNING":
            raise _Overtaken

    def _append(self, walk: _Walk | None, kind: str, details: dict[str, Json]) -> None:
        self._check(walk)
        number = len(self.history) + 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": self.machines.clock()}
        if details:
            family = next((part for part in ("StateEntered", "StateExited") if kind.endswith(part)), kind)
            event[family[0].lower() + family[1:] + "EventDetails"] = {k: v for k, v in details.items() if v is not None}
        self.history.append(event)

    def _end(
        self,
        walk: _Walk | None,
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


class _Walk:
    """One way through an execution: its first, or that of a redrive."""

    def __init__(self, execution: Execution) -> None:
        self.execution, self.machines = execution, execution.machines
        self._began_at = self.machines.clock()

    def go(self, definition: Json, data: Json, frame: Place, item: Json = None, context: Json = None) -> Walk:
        """Return the output of a definition, or of an iteration of a Map; what was left is not done again."""
        left, visits = self.execution.left, Counter[str]()
        name: str | None = definition["StartAt"]
        while name is not None:
            visits[name] += 1
            place = (*frame, name, visits[name])
            if place not in left:
                state = definition["States"][name]
                if place not in self.execution.entered:
                    self._note(f"{state['Type']}StateEntered", name=name, input=dump(data))
                    self.execution.entered.add(place)
                yield Entry(self.execution, name, state, item)
                left[place] = yield from self._do(name, state, data, place, context or {})
                self._note(f"{state['Type']}StateExited", name=name, output=dump(left[place][0]))
            data, name = left[place]
        return data

    def _do(self, name: str, state: Json, data: Json, place: Place, context: Json) -> Walk:
        """Return a state's output and the next one's name; try it again as it says."""
        number = len(self.execution.history)
        context = {**self._make_context(name), **context}
        failures: Counter[int] = Counter()
        while True:
            context["State"]["RetryCount"] = failures.total()
            try:
                given = read_path(state.get("InputPath", "$"), data, context)
                result = yield from self._find_result(name, state, given, place, context)
                if "ResultSelector" in state:
                    result = fill(state["ResultSelector"], result, context)
                if state["Type"] in ("Task", "Map", "Pass"):
                    result = put_result(state.get("ResultPath", "$"), data, result)
                output = _limit(name, read_path(state.get("OutputPath", "$"), result, context))
                following = choose(name, state, given, context) if state["Type"] == "Choice" else state.get("Next")
                return output, following
            except StateFailed as failure:
                wait = _find_wait(state, failure, failures)
                if wait is None:
                    if failure.error == "States.Runtime" and not failure.cause.startswith("An error occurred"):
                        where = f"An error occurred while executing the state '{name}' (entered at the event id #{number}). "
                        raise StateFailed(failure.error, where + failure.cause) from failure
                    raise
                self.machines.sleep(wait * self.machines.retry_pace)

    def _find_result(self, name: str, state: Json, given: Json, place: Place, context: Json) -> Walk:
        match state["Type"]:
            case "Task":
                return (yield from self._perform(state, fill(state["Parameters"], given, context)))
            case "Map" if is_distributed(state):
                return (yield from self._map_in_children(state, given, place, context))
            case "Map":
                return (yield from self._map_inline(name, state, given, place, context))
            case "Wait":
                self.machines.sleep(read_path(state["SecondsPath"], given, context))
        return given

    def _perform(self, state: Json, parameters: Json) -> Walk:
        resource = state["Resource"].removeprefix(SERVICE)
        service, _, action = resource.partition(":")
        about = {"resourceType": service, "resource": action}
        limit = state.get("TimeoutSeconds")
        self._note("TaskScheduled", **about, region=REGION, parameters=dump(parameters), timeoutInSeconds=limit)
        self._note("TaskStarted", **about)
        began_at = self.machines.clock()
        try:
            if resource == NESTED:
                result = yield from self._nest(about, parameters)
            else:
                result = self.machines.tasks[resource](parameters)
            # A call is not interrupted: the task fails when it has answered.
            if limit and (self.machines.clock() - began_at).total_seconds() > limit:
                raise StateFailed("States.Timeout", "")
            _limit(state["Resource"], result)
        except StateFailed as failure:
            kind = "TaskTimedOut" if failure.error == "States.Timeout" else "TaskFailed"
            self._note(kind, **about, error=failure.error, cause=failure.cause)
            raise
        self._note("TaskSucceeded", **about, output=dump(result))
        return result

    def _nest(self, about: dict[str, str], parameters: Json) -> Walk:
        """Run a nested execution, and answer in the spelling and the pieces of startExecution.sync:2."""
        try:
            inner = self.machines.start(parameters["StateMachineArn"], parameters.get("Input", {}), parameters.get("Name"))
        except StartRefused as refused:
            raise StateFailed(f"StepFunctions.{refused.code}Exception", str(refused)) from refused
        walk = self.execution.begin_inner(self, inner)
        submitted = {"ExecutionArn": inner.arn, "StartDate": _milliseconds(inner.started_at)}
        self._note("TaskSubmitted", **about, output=dump(submitted))
        yield from inner.walk(walk)
        answer = {
            "ExecutionArn": inner.arn,
            "Input": inner.input,
            "InputDetails": {"Included": True},
            "Name": inner.name,
            "StartDate": _milliseconds(inner.started_at),
            "StateMachineArn": inner.machine.arn,
            "Status": inner.status,
            "StopDate": _milliseconds(inner.stopped_at),
        }
        if inner.status == "SUCCEEDED":
            return {**answer, "Output": inner.output, "OutputDetails": {"Included": True}}
        why = {"Error": inner.error, "Cause": inner.cause}
        cause = {**answer, "Input": dump(inner.input), **{key: text for key, text in why.items() if text is not None}}
        raise StateFailed("States.TaskFailed", dump(cause)) from inner.failure

    def _map_inline(self, name: str, state: Json, given: Json, place: Place, context: Json) -> Walk:
        items = _as_list(read_path(state.get("ItemsPath", "$"), given, context), "States.Runtime")
        self._note("MapStateStarted", length=len(items))
        left = self.execution.left
        for number, (inside, item_context) in enumerate(_select(state, given, items, context)):
            inner_place = (*place, number)
            if inner_place in left:
                continue
            self._note("MapIterationStarted", name=name, index=number)
            try:
                output = yield from self.go(state["ItemProcessor"], inside, inner_place, items[number], item_context)
            except StateFailed:
                self._note("MapIterationFailed", name=name, index=number)
                raise
            left[inner_place] = output, None
            self._note("MapIterationSucceeded", name=name, index=number)
        self._note("MapStateSucceeded")
        return [left[*place, number][0] for number in range(len(items))]

    def _map_in_children(self, state: Json, given: Json, place: Place, context: Json) -> Walk:
        run = self.execution.map_runs.get(place)
        if run:
            run.is_broken, run.redrives = False, run.redrives + 1
            self._note("MapRunRedriven", mapRunArn=run.arn, redriveCount=run.redrives)
        else:
            run = self._start_map_run(state, given, place, context)
        numbers = [n for n in range(len(run.inputs)) if n not in run.children or run.children[n].status != "SUCCEEDED"]
        concurrency = state.get("MaxConcurrency", 0)
        if "MaxConcurrencyPath" in state:
            concurrency = read_path(state["MaxConcurrencyPath"], given, context)
        if concurrency == 1:
            for number in numbers:
                if child := self._find_child(state, run, number):
                    yield from child.walk(self.execution.begin_inner(self, child))
                    run.is_broken = child.status != "SUCCEEDED"
        elif numbers:
            with ThreadPoolExecutor(min(concurrency or len(numbers), len(numbers))) as threads:
                list(threads.map(lambda number: self._drain_child(state, run, number), numbers))
        if run.is_broken:
            failure = StateFailed(_THRESHOLD, "The specified tolerated failure threshold was exceeded")
            self._note("MapRunFailed", error=failure.error, cause=failure.cause)
            raise failure from next((child.failure for child in run.children.values() if child.failure), None)
        self._note("MapRunSucceeded")
        self._note("MapStateSucceeded")
        return [child.output for _, child in sorted(run.children.items())]

    def _start_map_run(self, state: Json, given: Json, place: Place, context: Json) -> MapRun:
        parameters = fill(state["ItemReader"]["Parameters"], given, context)
        try:
            items = _as_list(json.loads(self.machines.tasks[READER](parameters)), "States.ItemReaderFailed")
        except ValueError:
            raise StateFailed("States.ItemReaderFailed", "the object is no JSON") from None
        self._note("MapStateStarted", length=len(items))
        label = f"{self.execution.machine.name}/{state['Label']}"
        inputs = [inside for inside, _ in _select(state, given, items, context)]
        run = MapRun(name_arn("mapRun", label, str(uuid.uuid4())), inputs, self.machines.clock())
        self.execution.map_runs[place] = self.machines.map_runs[run.arn] = run
        self._note("MapRunStarted", mapRunArn=run.arn)
        return run

    def _find_child(self, state: Json, run: MapRun, number: int) -> Execution | None:
        """Return the child of an item, to be started or redriven; None when one has failed, of which none is tolerated."""
        if run.is_broken:
            return None
        if number not in run.children:
            arn = name_arn("execution", f"{self.execution.machine.name}/{state['Label']}", str(uuid.uuid4()))
            child = Execution(self.machines, self.execution.machine, state["ItemProcessor"], arn, run.inputs[number], run)
            run.children[number] = child
        return run.children[number]

    def _drain_child(self, state: Json, run: MapRun, number: int) -> None:
        if not (child := self._find_child(state, run, number)):
            return
        child.drain(self.execution.begin_inner(self, child))
        if child.status != "SUCCEEDED" and not run.is_broken:
            run.is_broken = True
            for other in list(run.children.values()):
                other.stop()

    def _make_context(self, name: str) -> Json:
        execution = self.execution
        return {
            "Execution": {
                "Id": execution.arn,
                "Input": execution.input,
                "Name": execution.name,
                "RedriveCount": execution.redrives,
                "RoleArn": execution.machine.role_arn,
                "StartTime": _write_time(execution.started_at),
            },
            "State": {"EnteredTime": _write_time(self.machines.clock()), "Name": name},
            "StateMachine": {"Id": execution.machine.arn, "Name": execution.machine.name},
        }

    def _note(self, kind: str, **details: Json) -> None:
        limit = self.execution.definition.get("TimeoutSeconds")
        if limit and (self.machines.clock() - self._began_at).total_seconds() > limit:
            raise _TimedOut
        self.execution.note(self, kind, **details)


def name_arn(kind: str, *names: str) -> str:
    """Return an ARN of Step Functions."""
    return ":".join(("arn", PARTITION, "states", REGION, ACCOUNT, kind, *names))


def _select(state: Json, given: Json, items: list[Json], context: Json) -> list[tuple[Json, Json]]:
    """Return the input of each iteration, and what it sees in the context object."""
    contexts = [{"Map": {"Item": {"Index": number, "Value": item}}} for number, item in enumerate(items)]
    if "ItemSelector" not in state:
        return list(zip(items, contexts, strict=True))
    return [(fill(state["ItemSelector"], given, {**context, **each}), each) for each in contexts]


def _as_list(value: Json, error: str) -> list[Json]:
    if not isinstance(value, list):
        raise StateFailed(error, "Attempting to map over non-iterable node.")
    return value


def _limit(what: str, value: Json) -> Json:
    if len(dump(value).encode()) > MOST_BYTES:
        cause = f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit."
        raise StateFailed("States.DataLimitExceeded", cause)
    return value


def _find_wait(state: Json, failure: StateFailed, failures: Counter[int]) -> float | None:
    """Return how many seconds to wait before the state is tried again; None where it is not."""
    for number, rule in enumerate(state.get("Retry", ())):
        if failure.error not in _FATAL and any(_meets(name, failure.error) for name in rule["ErrorEquals"]):
            failures[number] += 1
            if failures[number] > rule.get("MaxAttempts", 3):
                return None
            wait = rule.get("IntervalSeconds", 1) * rule.get("BackoffRate", 2.0) ** (failures[number] - 1)
            wait = min(wait, rule.get("MaxDelaySeconds", wait))
            return random.uniform(0, wait) if rule.get("JitterStrategy") == "FULL" else wait
    return None


def _meets(name: str, error: str) -> bool:
    return name in (error, "States.ALL") or (name == "States.TaskFailed" and error != "States.Timeout")


def _write_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
