"""One way through an execution, state by state: what each state does, and when it is tried again."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.standins.account import ACCOUNT, PARTITION, REGION
from local.standins.step_functions.language import (
    NESTED,
    READER,
    SERVICE,
    Json,
    StateFailed,
    choose,
    dump,
    fill,
    is_distributed,
    put_result,
    read_path,
)

if TYPE_CHECKING:
    from local.standins.step_functions.execution import Execution

MOST_BYTES = 262_144
_THRESHOLD = "States.ExceedToleratedFailureThreshold"
# What no retrier catches, and States.ALL neither (Developer Guide, "Handling errors in workflows").
_FATAL = ("States.Runtime", "States.DataLimitExceeded")

Place = tuple[Any, ...]


class StartRefused(Exception):
    """An execution cannot be started; `code` is the API's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Overtaken(BaseException):
    """The execution was stopped, perhaps redriven since, while this walk through it waited for something."""


class TimedOut(Exception):
    """The execution has taken longer than its TimeoutSeconds."""


@dataclass(frozen=True)
class Entry:
    """An execution is about to do a state, or to do it again.

    Attributes:
        execution: Whose state it is; perhaps a nested one, or a child of a Distributed Map.
        name, state: The state.
        item: What the iteration of a Map is about; None outside of maps.
        data: What the state is given, before its InputPath.
    """

    execution: Execution
    name: str
    state: Json
    item: Json
    data: Json


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


class Walker:
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
                yield Entry(self.execution, name, state, item, data)
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
                return leave(name, state, data, given, result, context)
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
        items = as_list(read_path(state.get("ItemsPath", "$"), given, context), "States.Runtime")
        self._note("MapStateStarted", length=len(items))
        left = self.execution.left
        for number, (inside, item_context) in enumerate(select_items(state, given, items, context)):
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
            items = as_list(json.loads(self.machines.tasks[READER](parameters)), "States.ItemReaderFailed")
        except ValueError:
            raise StateFailed("States.ItemReaderFailed", "the object is no JSON") from None
        self._note("MapStateStarted", length=len(items))
        label = f"{self.execution.machine.name}/{state['Label']}"
        inputs = [inside for inside, _ in select_items(state, given, items, context)]
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
            run.children[number] = self.execution.make_child(state["ItemProcessor"], arn, run, number)
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
            raise TimedOut
        self.execution.note(self, kind, **details)


def name_arn(kind: str, *names: str) -> str:
    """Return an ARN of Step Functions."""
    return ":".join(("arn", PARTITION, "states", REGION, ACCOUNT, kind, *names))


def leave(name: str, state: Json, data: Json, given: Json, result: Json, context: Json) -> tuple[Json, str | None]:
    """Return a state's output and the next one's name.

    Args:
        data: Its input. given: What its InputPath takes of that. result: What came of it.

    Raises:
        StateFailed: a path leads nowhere, no choice fits, or the output is too large.
    """
    if "ResultSelector" in state:
        result = fill(state["ResultSelector"], result, context)
    if state["Type"] in ("Task", "Map", "Pass"):
        result = put_result(state.get("ResultPath", "$"), data, result)
    output = _limit(name, read_path(state.get("OutputPath", "$"), result, context))
    return output, choose(name, state, given, context) if state["Type"] == "Choice" else state.get("Next")


def select_items(state: Json, given: Json, items: list[Json], context: Json) -> list[tuple[Json, Json]]:
    """Return the input of each iteration of a Map, and what it sees in the context object."""
    contexts = [{"Map": {"Item": {"Index": number, "Value": item}}} for number, item in enumerate(items)]
    if "ItemSelector" not in state:
        return list(zip(items, contexts, strict=True))
    return [(fill(state["ItemSelector"], given, {**context, **each}), each) for each in contexts]


def as_list(value: Json, error: str) -> list[Json]:
    """Return what a Map goes over; raise StateFailed with the error's name where it is no list."""
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
