"""What each state of both state machines makes of an input and a mocked result: by TestState in AWS, by our engine here.

Mocks are shaped as the API that a state calls answers (its botocore model), in the spelling of Step Functions; what is in them is
what the function or the nested machine returns.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from local.standins.account import ACCOUNT, PARTITION, REGION

Json = Any
RUN, SQL_STEP = "run", "sql_step"
_STATES = f"arn:{PARTITION}:states:{REGION}:{ACCOUNT}"
EXECUTION = f"{_STATES}:execution:pipeline-run:one"
# What the execution was started with, and the context object that AWS makes of it.
INPUT = {"tables": ["bookings"]}
CONTEXT = {
    "Execution": {
        "Id": EXECUTION,
        "Input": INPUT,
        "Name": "one",
        "RoleArn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/run",
        "StartTime": "2026-11-27T03:15:00.123Z",
        "RedriveCount": 0,
    },
    "State": {"EnteredTime": "2026-11-27T03:15:01.000Z", "Name": "one", "RetryCount": 0},
    "StateMachine": {"Id": f"{_STATES}:stateMachine:pipeline-run", "Name": "pipeline-run"},
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONCURRENCY = re.compile(r"States\.StringToJson\('\d+'\)")
# Names of what a stack calls, which are its own.
_ITS_OWN = ("FunctionName", "StateMachineArn", "TopicArn")
FAILED = "FAILED"


@dataclass(frozen=True)
class StateCheck:
    """A state, what goes in, and what has to come out.

    Attributes:
        machine: RUN or SQL_STEP. state: Its name there, or within a Map of it.
        given: Its input.
        following: The next state; None: it is the last; FAILED: no rule fits, and the state fails.
        output: Its output.
        result: Of a Task or a Map, what it comes to.
        asked: Of a Task, what it calls with (`simplify`); of a Map, what its iterations get.
        items: Of the Distributed Map, what its reader finds.
        branch: Which of several checks of one state.
    """

    machine: str
    state: str
    given: Json
    following: str | None
    output: Json
    result: Json = None
    asked: Json = None
    items: Json = None
    branch: str = ""

    @property
    def name(self) -> str:
        return f"{self.machine}: {self.state}" + (f" ({self.branch})" if self.branch else "")


def simplify(asked: Json) -> Json:
    """Return what a Task calls with, without what is a stack's own or differs each time."""
    if not isinstance(asked, dict):
        return asked
    return {key: _UUID.sub("<uuid>", each) if key == "Name" else each for key, each in asked.items() if key not in _ITS_OWN}


def settle(state: Json) -> Json:
    """Return a state's definition with the concurrency that the checks expect, whatever the stack's parameter says."""
    settled: Json = json.loads(_CONCURRENCY.sub("States.StringToJson('4')", json.dumps(state)))
    return settled


def _invoked(payload: Json) -> Json:
    """What lambda:invoke comes to."""
    return {"ExecutedVersion": "7", "Payload": payload, "StatusCode": 200}


def _nested(output: Json) -> Json:
    """What startExecution.sync:2 comes to."""
    return {
        "ExecutionArn": f"{_STATES}:execution:pipeline-sql-step:step-1",
        "Input": {"step": "any"},
        "InputDetails": {"Included": True},
        "Name": "step-1",
        "Output": output,
        "OutputDetails": {"Included": True},
        "StartDate": 1795749300000,
        "StateMachineArn": f"{_STATES}:stateMachine:pipeline-sql-step",
        "Status": "SUCCEEDED",
        "StopDate": 1795749301000,
    }


def _start(step: str, **more: Json) -> Json:
    """What a nested execution is started with."""
    started_by = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": EXECUTION}
    return {"Name": f"{step}-<uuid>", "Input": {"step": step, **more, **started_by}}


_SLICE: Json = {
    "run_sequence": 7,
    "table": "bookings",
    "slice": 0,
    "from": None,
    "to": ["4711"],
    "compared": False,
    "piece": 0,
    "known": 0,
}
_SPANS: Json = [{"table": "bookings", "first": 0, "last": 200}, {"table": "bookings", "first": 200, "last": 201}]
_PLAN: Json = {
    "continuation": 0,
    "dry_run": False,
    "slice_count": 2,
    "slices_key": "apartments/runs/000007/slices.json",
    "tables": ["bookings", "users"],
    "replays": [],
}
_ARCHIVE: Json = {"anything": True, "run_sequence": 7}
_PENDING: Json = {"anything": True, "lake_is_behind": True, "curated": ["users", "bookings"], "archive": _ARCHIVE}
_OPENED: Json = {"outcome": "opened", "run_sequence": 7, "slice_concurrency": 4, "plan": {"continuation": 0}}
_PLANNED: Json = {**_OPENED, "plan": _PLAN}
_UNDER_WAY: Json = {**_PLANNED, "pending": _PENDING}
_CLOSED: Json = {"run_sequence": 7, "status": "succeeded", "is_news": False, "subject": "7 succeeded", "message": "it did"}


def _step(state: str, step: str, following: str, given: Json = _UNDER_WAY, **more: Json) -> StateCheck:
    """A step whose result nobody needs."""
    asked = _start(step, run_sequence=7, **more)
    return StateCheck(RUN, state, given, following, given, _nested({}), asked)


def _call(state: str, following: str | None, given: Json = _UNDER_WAY) -> StateCheck:
    """A function that is told the run, and whose result nobody needs."""
    return StateCheck(RUN, state, given, following, given, _invoked({"run_sequence": 7}), {"Payload": {"run_sequence": 7}})


def _ends(state: str, given: Json) -> StateCheck:
    return StateCheck(RUN, state, given, None, given)


def _each(state: str, items: list[Json], name: str, following: str) -> StateCheck:
    """A Map over a list of the input."""
    asked = [{name: item, "run_sequence": 7} for item in items]
    given = {**_UNDER_WAY, "plan": {**_PLAN, "replays": _SPANS}}
    return StateCheck(RUN, state, given, following, given, [None] * len(items), asked)


def _steps(state: str, named: str, following: str, **asked: Json) -> StateCheck:
    """Several steps in one nested execution, whose result nobody needs."""
    started = _start(named, run_sequence=7)
    given = {key: each for key, each in started["Input"].items() if key != "step"}
    return StateCheck(RUN, state, _UNDER_WAY, following, _UNDER_WAY, _nested({}), {**started, "Input": {**asked, **given}})


def _chooses(state: str, *ways: tuple[str, Json, str], machine: str = RUN) -> tuple[StateCheck, ...]:
    """A Choice; its output is its input."""
    return tuple(
        StateCheck(machine, state, given, following, None if following == FAILED else given, branch=branch)
        for branch, given, following in ways
    )


def _planned(**changes: Json) -> Json:
    return {**_PLANNED, "plan": {**_PLAN, **changes}}


def _pending(**changes: Json) -> Json:
    return {**_UNDER_WAY, "pending": {**_PENDING, **changes}}


_DETECTED: Json = {
    "status": "open",
    "reason": "the source has changed",
    "run_sequence": 6,
    "is_news": False,
    "subject": "",
    "message": "",
}
_EVENT: Json = {"step": "publish", "run_sequence": 7, "input": {}}
_PROGRESS: Json = {"submission": 1, "statement": "0f9b1c52-0000-4000-8000-000000000001"}
_RUNNING: Json = {**_EVENT, "last": {"answer": {"status": "RUNNING", "wait_seconds": 1, "progress": _PROGRESS}}}
_FINISHED: Json = {**_EVENT, "last": {"answer": {"status": "FINISHED", "result": {"rows": 3}}}}

_RUN_CHECKS = (
    StateCheck(
        RUN,
        "Detect changes",
        {},
        "Is there anything to do?",
        _DETECTED,
        _invoked(_DETECTED),
        {"Payload": {"run_sequence": None, "input": INPUT}},
    ),
    *_chooses(
        "Is there anything to do?",
        ("unchanged", {**_DETECTED, "status": "unchanged"}, "Nothing to do"),
        ("open", _DETECTED, "Open the run"),
    ),
    _ends("Nothing to do", {**_DETECTED, "status": "unchanged"}),
    StateCheck(
        RUN,
        "Open the run",
        _DETECTED,
        "Lease acquired?",
        _OPENED,
        _nested({"outcome": "opened", "run_sequence": 7}),
        _start("open", execution={"id": EXECUTION, "name": "one", "started_at": "2026-11-27T03:15:00.123Z"}, input=INPUT),
    ),
    *_chooses(
        "Lease acquired?",
        ("opened", _OPENED, "Fingerprint raw"),
        ("in_progress", {**_OPENED, "outcome": "in_progress"}, "Another run is in progress"),
        ("neither", {**_OPENED, "outcome": "perhaps"}, FAILED),
    ),
    _ends("Another run is in progress", _OPENED),
    _step("Fingerprint raw", "fingerprint", "Plan the run", _OPENED, input=INPUT),
    StateCheck(
        RUN,
        "Plan the run",
        _OPENED,
        "Is the plan complete?",
        _PLANNED,
        _invoked({"run_sequence": 7, **_PLAN}),
        {"Payload": {"run_sequence": 7, "input": INPUT, "continuation": 0}},
    ),
    *_chooses(
        "Is the plan complete?",
        ("not yet", _planned(continuation=1), "Plan the run"),
        ("a dry run", _planned(dry_run=True), "Close the run"),
        ("complete", _PLANNED, "Prepare the warehouse"),
    ),
    _step("Prepare the warehouse", "prepare", "Is there anything to extract?", _PLANNED),
    *_chooses(
        "Is there anything to extract?",
        ("slices", _PLANNED, "Extract the slices"),
        ("tables", _planned(slice_count=0), "Write the manifests"),
        ("replays", _planned(slice_count=0, tables=[], replays=_SPANS), "Replay raw tables"),
        ("nothing", _planned(slice_count=0, tables=[]), "Find what is pending"),
    ),
    _each("Replay raw tables", _SPANS, "replay", "Find what is pending"),
    StateCheck(
        RUN,
        "Replay a raw table",
        {"replay": _SPANS[1], "run_sequence": 7},
        None,
        {"replay": _SPANS[1], "run_sequence": 7},
        _nested({}),
        _start("replay", name="bookings", first=200, last=201, run_sequence=7),
    ),
    StateCheck(
        RUN, "Extract the slices", _PLANNED, "Write the manifests", _PLANNED, [None, None], [_SLICE, _SLICE], [_SLICE, _SLICE]
    ),
    StateCheck(
        RUN,
        "Extract a slice",
        _SLICE,
        "Slice complete?",
        None,
        _invoked({"rest": None}),
        {"Payload": _SLICE},
        branch="complete",
    ),
    StateCheck(
        RUN,
        "Extract a slice",
        _SLICE,
        "Slice complete?",
        {**_SLICE, "piece": 1},
        _invoked({"rest": {**_SLICE, "piece": 1}}),
        {"Payload": _SLICE},
        branch="a rest",
    ),
    *_chooses("Slice complete?", ("complete", None, "Slice read"), ("a rest", {**_SLICE, "piece": 1}, "Extract a slice")),
    _ends("Slice read", None),
    _call("Write the manifests", "Load raw tables", _PLANNED),
    _steps("Load raw tables", "load", "Find what is pending", step="load", names=_PLAN["tables"]),
    StateCheck(
        RUN,
        "Find what is pending",
        _PLANNED,
        "Is anything pending?",
        _UNDER_WAY,
        _nested(_PENDING),
        _start("pending", run_sequence=7),
    ),
    *_chooses(
        "Is anything pending?",
        ("curated tables", _UNDER_WAY, "Build curated tables"),
        ("metrics alone", _pending(curated=[]), "Stage and check the metrics"),
        ("the lake", _pending(curated=[], anything=False), "Unload to the lake"),
        ("nothing", _pending(curated=[], anything=False, lake_is_behind=False), "Is there anything to archive?"),
    ),
    _steps("Build curated tables", "curate", "Stage and check the metrics", step="curate", names=_PENDING["curated"]),
    _steps("Stage and check the metrics", "stage", "Publish", steps=["stage", "check"]),
    _step("Publish", "publish", "Unload to the lake"),
    _steps("Unload to the lake", "plan_lake", "Switch the catalogue", steps=["plan_lake", "unload"]),
    _call("Switch the catalogue", "Commit the lake"),
    _step("Commit the lake", "commit_lake", "Is there anything to archive?"),
    *_chooses(
        "Is there anything to archive?",
        ("files", _UNDER_WAY, "Archive the slices"),
        ("none", _pending(archive={**_ARCHIVE, "anything": False}), "Close the run"),
    ),
    StateCheck(
        RUN,
        "Archive the slices",
        _UNDER_WAY,
        "Close the run",
        _UNDER_WAY,
        _invoked({"tagged": 2, "deleted": 0, "missing": 0}),
        {"Payload": _ARCHIVE},
    ),
    StateCheck(
        RUN,
        "Close the run",
        _UNDER_WAY,
        "Notification needed?",
        _CLOSED,
        _nested(_CLOSED),
        _start("close", run_sequence=7),
    ),
    *_chooses(
        "Notification needed?",
        ("succeeded", _CLOSED, "Read the report's figures"),
        ("news", {**_CLOSED, "status": "unchanged", "is_news": True}, "Notify"),
        ("neither", {**_CLOSED, "status": "unchanged"}, "Nothing to notify"),
    ),
    _ends("Nothing to notify", _CLOSED),
    _step("Read the report's figures", "report", "Write the report", _CLOSED),
    _call("Write the report", "Notify", _CLOSED),
    StateCheck(
        RUN,
        "Notify",
        _CLOSED,
        None,
        _CLOSED,
        {"MessageId": "0f9b1c52-0000-4000-8000-000000000002"},
        {"Subject": "7 succeeded", "Message": "it did"},
    ),
)
_SQL_STEP_CHECKS = (
    StateCheck(
        SQL_STEP,
        "Run the SQL",
        _EVENT,
        "Has it finished?",
        _FINISHED,
        _invoked(_FINISHED["last"]["answer"]),
        {"Payload": _EVENT},
        branch="the first call",
    ),
    StateCheck(
        SQL_STEP,
        "Run the SQL",
        {**_RUNNING, "progress": _PROGRESS},
        "Has it finished?",
        {**_FINISHED, "progress": _PROGRESS},
        _invoked(_FINISHED["last"]["answer"]),
        {"Payload": {**_RUNNING, "progress": _PROGRESS}},
        branch="a later call",
    ),
    *_chooses(
        "Has it finished?",
        ("finished", _FINISHED, "Done"),
        ("running", _RUNNING, "Keep the position"),
        ("neither", {**_EVENT, "last": {"answer": {"status": "LOST"}}}, FAILED),
        machine=SQL_STEP,
    ),
    StateCheck(SQL_STEP, "Keep the position", _RUNNING, "Wait for Redshift", {**_RUNNING, "progress": _PROGRESS}),
    StateCheck(SQL_STEP, "Wait for Redshift", _RUNNING, "Run the SQL", _RUNNING),
    StateCheck(SQL_STEP, "Done", _FINISHED, None, {"rows": 3}),
)
STATE_CHECKS = (*_RUN_CHECKS, *_SQL_STEP_CHECKS)
