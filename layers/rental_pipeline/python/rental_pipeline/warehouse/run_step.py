"""Run one SQL step of a run: compose it, submit it, wait, read its result. The work of the function run_sql."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import boto3

from rental_pipeline.base.errors import FixConfiguration, PipelineError, RetryLater
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.base.telemetry import logger
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.warehouse.data_api import DataApi, StatementFailed, Submission, classify, is_of_one_statement
from rental_pipeline.warehouse.run_record import record_run
from rental_pipeline.warehouse.steps.check import compose_check
from rental_pipeline.warehouse.steps.close import compose_close, compose_ending
from rental_pipeline.warehouse.steps.commit_lake import compose_commit_lake
from rental_pipeline.warehouse.steps.curate import compose_curate
from rental_pipeline.warehouse.steps.fingerprint import compose_fingerprint
from rental_pipeline.warehouse.steps.load import compose_load
from rental_pipeline.warehouse.steps.open_run import compose_open
from rental_pipeline.warehouse.steps.pending import compose_pending
from rental_pipeline.warehouse.steps.plan_lake import compose_plan_lake
from rental_pipeline.warehouse.steps.prepare import compose_prepare
from rental_pipeline.warehouse.steps.publish import compose_publish
from rental_pipeline.warehouse.steps.replay import compose_replay
from rental_pipeline.warehouse.steps.report import compose_report
from rental_pipeline.warehouse.steps.stage import compose_stage
from rental_pipeline.warehouse.steps.step import OpenRequest, ReplayRequest, Step, StepRequest, TableRequest, name_run
from rental_pipeline.warehouse.steps.unload import compose_unload

_OF_RUN: dict[str, Callable[[StepRequest], Step]] = {
    "fingerprint": compose_fingerprint,
    "prepare": compose_prepare,
    "pending": compose_pending,
    "stage": compose_stage,
    "check": compose_check,
    "publish": compose_publish,
    "plan_lake": compose_plan_lake,
    "unload": compose_unload,
    "commit_lake": compose_commit_lake,
    "close": compose_close,
    "report": compose_report,
}
_OF_TABLE: dict[str, Callable[[TableRequest], Step]] = {
    "load": compose_load,
    "curate": compose_curate,
}
STEPS = ("open", *_OF_RUN, *_OF_TABLE, "replay")
Required = TypeVar("Required", int, str)
# What the function keeps of its own time for composing, reading the result and answering.
_RESERVE_SECONDS = 10
# How long the state machine waits before it asks again about a statement that outlasts one invocation.
_WAIT_SECONDS = 20
# How often a snapshot is read when newer runs keep publishing.
_SNAPSHOT_ATTEMPTS = 3


def run_step(event: dict[str, Any], settings: WarehouseSettings, remaining_seconds: Callable[[], float]) -> dict[str, Any]:
    """Run a step, or several one after the other, or go on with one that an earlier invocation began.

    Each of several is composed when the one before has committed, has a guard and transactions of its own, and is told by its own
    name where it fails. A repetition finds those that have committed, and changes nothing there.

    Args:
        event: `{"step" or "steps", "name" or "names", "first", "last", "run_sequence", "execution", "input", "progress"}`, of
            which a step has what it needs (docs/architecture.md, "Functions"); each of the steps is made for each of the names.
        settings: The warehouse, the bucket, the SQL.
        remaining_seconds: Seconds until the function times out.

    Returns:
        `{"status": "FINISHED", "result": {…}}` with the last one's result, or `{"status": "RUNNING", "wait_seconds", "progress"}`
        to be called again with.

    Raises:
        RetryLater, FixConfiguration, FixData: with Redshift's message where a statement failed.
    """
    events, progress = list_single_steps(event), event.get("progress") or {}
    answer: dict[str, Any] = {"status": "FINISHED", "result": {}}
    for number in range(progress.get("number", 0), len(events)):
        try:
            answer = _run_single_step({**events[number], "progress": progress.get("of_step")}, settings, remaining_seconds)
        except PipelineError as error:
            if len(events) == 1 or str(error).startswith("step "):
                raise
            raise type(error)(f"step {name_steps(event)[number]}: {error}") from error
        if answer["status"] == "RUNNING":
            return {**answer, "progress": {"number": number, "of_step": answer["progress"]}}
        progress = {}
        if number + 1 < len(events) and not is_time_left(remaining_seconds()):
            return {"status": "RUNNING", "wait_seconds": 1, "progress": {"number": number + 1}}
    return answer


def list_single_steps(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of the steps that one event asks for, in their order.

    Raises:
        FixConfiguration: `steps` or `names` is no list.
    """
    for field in ("steps", "names"):
        if not isinstance(event.get(field, []), list):
            raise FixConfiguration(f"{field} must be a list, not {event[field]!r}")
    steps, names = event.get("steps", [event.get("step")]), event.get("names", [event.get("name")])
    return [{**event, "step": step, "name": name} for step in steps for name in names]


def name_steps(event: dict[str, Any]) -> list[str]:
    """Return the steps that an event asks for as messages name them: the step, and its table where it has one."""
    return [" ".join(str(each[key]) for key in ("step", "name") if each.get(key)) for each in list_single_steps(event)]


def is_time_left(seconds: float) -> bool:
    """Whether an invocation with so many seconds left begins another step: one that it could see end, if that is short."""
    return seconds >= 3 * _RESERVE_SECONDS


def _run_single_step(
    event: dict[str, Any], settings: WarehouseSettings, remaining_seconds: Callable[[], float]
) -> dict[str, Any]:
    """Run one step, or go on with it; returns and raises as `run_step`."""
    request = read_request(event, settings)
    logger.append_keys(run_sequence=event.get("run_sequence"), step=request.title)
    api = DataApi(settings, seconds_left=lambda: remaining_seconds() - _RESERVE_SECONDS)
    step = compose(request)
    writes, reads = len(step.submissions), step.read_requests
    progress: dict[str, Any] = event.get("progress") or {"submission": 0, "statement": None}
    read: list[str] = progress.get("read", [])
    attempt: int = progress.get("attempt", 1)
    made_before: set[str] = set()
    position = progress["submission"]
    try:
        for position in range(progress["submission"], writes + len(reads)):
            statement = progress["statement"]
            if position < writes:
                submission = step.submissions[position]
                if not statement and _was_made_before(api, step.name, submission, made_before):
                    continue
                statement = statement or api.submit(step.name, submission, request.execution_id)
            elif not statement:
                if position == writes:
                    _record(request, api)
                statement = api.submit_reads(step.name, reads[position - writes])
            while not _wait(api, statement, remaining_seconds()):
                if remaining_seconds() < _RESERVE_SECONDS:
                    return _ask_again(position, statement, read, attempt)
            if position >= writes:
                read = [*read, statement]
            progress = {"statement": None}
        found = [api.read_results(id_, len(batch.statements)) for batch, id_ in zip(reads, read, strict=True)]
        if step.snapshot:
            if any(version != found[0][0] for version, *_ in found):
                if attempt == _SNAPSHOT_ATTEMPTS:
                    raise RetryLater(f"a newer run published while step {request.title} read, {attempt} times")
                return _ask_again(writes, None, [], attempt + 1)
            found = [rows for _, *rows in found]
        return {"status": "FINISHED", "result": step.finish([rows for batch in found for rows in batch])}
    except StatementFailed as failure:
        try:
            if position < writes and is_of_one_statement(str(failure)):
                _find_failing_part(request, api, step, step.submissions[position].apart)
            return _react(request, api, failure, _name_place(request, step, position))
        except RetryLater as error:
            if not progress["statement"]:
                raise
            # Retry repeats the event, and with it the statement that has failed: go on without that one instead.
            logger.warning("a statement that was waited for has failed, and is submitted again", extra={"error": str(error)})
            return _ask_again(position, None, read, attempt)


def _record(request: OpenRequest | StepRequest, api: DataApi) -> None:
    """Record a run that its step `close` has ended, before the message about it is read."""
    if isinstance(request, StepRequest) and request.step == "close":
        record_run(api, request.settings, request.run_sequence, request.execution_id, is_closing=True)


def _ask_again(position: int, statement: str | None, read: list[str], attempt: int) -> dict[str, Any]:
    """Return the answer that has the state machine wait and call again; without a statement, it is then submitted.

    Args:
        position: Of the submission, or behind them of what is read.
        read: What was read before it.
        attempt: Of reading a snapshot, from 1.
    """
    progress: dict[str, Any] = {"submission": position, "statement": statement}
    if read:
        progress["read"] = read
    if attempt > 1:
        progress["attempt"] = attempt
    return {"status": "RUNNING", "wait_seconds": _WAIT_SECONDS, "progress": progress}


def _name_place(request: OpenRequest | StepRequest, step: Step, position: int) -> str:
    """Return the step as messages name it; of one that has several submissions, with the one at a position (a metric's)."""
    label = step.submissions[position].label if position < len(step.submissions) > 1 else ""
    return f"{request.title} {label}".rstrip()


def _find_failing_part(request: OpenRequest | StepRequest, api: DataApi, step: Step, parts: Sequence[Submission]) -> None:
    """Do a failed submission's work in its parts; raise what the failure of the first of them asks for, under its own name."""
    for part in parts:
        try:
            api.finish(api.submit(step.name, part, request.execution_id))
        except StatementFailed as failure:
            raise classify(f"step {request.title} {part.label}: {failure}") from failure


def _react(request: OpenRequest | StepRequest, api: DataApi, failure: StatementFailed, place: str) -> dict[str, Any]:
    """Return the step's result where a failed statement means one; raise what it asks for else."""
    if isinstance(request, OpenRequest):
        if "RUN IN PROGRESS" in str(failure):
            return _yield_or_take_over(request, api, failure)
    elif "RUN CLOSED" in str(failure) and _is_executing(request.execution_id):
        _reopen_run(request, api)
        raise RetryLater(f"run {request.run_sequence} was closed, and goes on as its execution is redriven") from failure
    raise classify(f"step {place}: {failure}") from failure


def _was_made_before(api: DataApi, name: str, submission: Submission, known: set[str]) -> bool:
    """Whether a submission is not needed; several that ask the same are answered once."""
    if submission.skip_if is None or submission.skip_if in known:
        return submission.skip_if is not None
    try:
        was_made = bool(api.query(name, submission.skip_if))
    except StatementFailed as failure:
        if "does not exist" not in str(failure):
            raise
        return False
    if was_made:
        known.add(submission.skip_if)
    return was_made


def _wait(api: DataApi, statement: str, remaining: float) -> bool:
    """Wait for a statement within the remaining seconds; one that says it was done before counts as finished."""
    try:
        return api.wait(statement, remaining - _RESERVE_SECONDS)
    except StatementFailed as failure:
        if "ALREADY DONE" not in str(failure):
            raise
        logger.info("the step was committed before; nothing was changed", extra={"statement": statement})
        return True


def _yield_or_take_over(request: OpenRequest, api: DataApi, failure: StatementFailed) -> dict[str, Any]:
    """Leave the field to the run in progress; or, where its execution has ended without freeing the lease, close it for it."""
    holder = api.query(
        f"{request.statement_name}/lease",
        f"select run_sequence, execution_id from {request.schemas.control}.lease",
    )[0]
    if _is_executing(holder["execution_id"]):
        logger.warning("another run is in progress", extra={"holder": holder})
        return {"status": "FINISHED", "result": {"outcome": "in_progress", "run_sequence": holder["run_sequence"]}}
    logger.warning("the run that holds the lease has ended; it is closed", extra={"holder": holder})
    error = "its execution ended without closing it"
    end_run(api, request.settings, holder["run_sequence"], error)
    record_ended_run(api, request.settings, holder["run_sequence"], holder["execution_id"])
    raise RetryLater(f"run {holder['run_sequence']} held the lease after its execution had ended; it is closed now") from failure


def _is_executing(execution_id: str) -> bool:
    client = boto3.client("stepfunctions")
    try:
        return bool(client.describe_execution(executionArn=execution_id)["status"] == "RUNNING")
    except client.exceptions.ExecutionDoesNotExist:  # Step Functions forgets executions after 90 days
        return False


def _reopen_run(request: StepRequest, api: DataApi) -> None:
    reopen = Submission(
        label="reopen",
        statements=(
            f"set search_path to {request.schemas.control}",
            "lock lease",
            f"call reopen_run({request.run_sequence}, {request.settings.lease_seconds})",
        ),
    )
    api.finish(api.submit(request.statement_name, reopen, str(time.time_ns())))


def end_run(api: DataApi, settings: WarehouseSettings, run_sequence: int, error: str) -> list[str]:
    """Cancel a run's statements, close it as failed and free its lease; return the names of the cancelled.

    Raises:
        RetryLater, FixConfiguration, StatementFailed: as DataApi does.
    """
    name, control = name_run(settings.marketplace, run_sequence), Schemas(settings.marketplace).control
    cancelled = api.cancel_unfinished(name)
    api.finish(api.submit(f"{name}/end", compose_ending(control, run_sequence, "failed", error), str(time.time_ns())))
    return cancelled


def record_ended_run(api: DataApi, settings: WarehouseSettings, run_sequence: int, execution_id: str) -> None:
    """Record the times and cost of a run that ended badly. It decides nothing, so whatever keeps it from being done is logged."""
    try:
        record_run(api, settings, run_sequence, execution_id)
    except Exception:
        logger.exception("the run's times and cost could not be recorded")


def read_request(event: dict[str, Any], settings: WarehouseSettings) -> OpenRequest | StepRequest:
    """Return the step that an event asks for.

    Raises:
        FixConfiguration: there is no such step, or the event lacks what it needs; or the SQL cannot be read.
    """
    step = event.get("step")
    if step not in STEPS:
        raise FixConfiguration(f"unknown step {step!r}; the steps are: {', '.join(STEPS)}")
    run_input = event.get("input") or {}
    if not isinstance(run_input, dict):
        raise FixConfiguration(f"the execution's input must be a JSON object such as {{}}, not {type(run_input).__name__}")
    marketplace = read_marketplace(settings.sql_root, settings.marketplace, settings.reporting_currency)
    if step == "open":
        execution = event.get("execution") or {}
        id_, name = (_require(event, execution, f, str, "the execution that Step Functions names") for f in ("id", "name"))
        return OpenRequest(settings, marketplace, id_, name, run_input)
    run_sequence = _require(event, event, "run_sequence", int, "what step 'open' returned")
    if step in _OF_RUN:
        return StepRequest(settings, marketplace, step, run_sequence, run_input)
    name = _require(event, event, "name", str, "a table of the plan")
    if step in _OF_TABLE:
        return TableRequest(settings, marketplace, step, run_sequence, run_input, name=name)
    first, last = (_require(event, event, bound, int, "a place in the list of loads") for bound in ("first", "last"))
    return ReplayRequest(settings, marketplace, step, run_sequence, run_input, name=name, first=first, last=last)


def _require(event: dict[str, Any], fields: dict[str, Any], name: str, kind: type[Required], meaning: str) -> Required:
    value = fields.get(name)
    if not isinstance(value, kind):
        raise FixConfiguration(f"step {event['step']!r} needs the {name} in its event: {meaning}")
    return value


def compose(request: OpenRequest | StepRequest) -> Step:
    """Return the step, of the files that its run began with (raises as its module says)."""
    if isinstance(request, OpenRequest):
        return compose_open(request)
    if request.step != "close":
        request.require_same_files()
    if isinstance(request, ReplayRequest):
        return compose_replay(request)
    if isinstance(request, TableRequest):
        return _OF_TABLE[request.step](request)
    return _OF_RUN[request.step](request)
