"""What happens after an execution failed, timed out or was aborted: outside the state machine, where then no state runs any more.

Step Functions emits "Execution Status Change" events (AWS Step Functions Developer Guide, "Automating Step Functions event
delivery with EventBridge"); a rule of the stack passes those of this machine here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import PipelineError
from rental_pipeline.base.settings import FailureSettings
from rental_pipeline.base.telemetry import logger
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.data_api import DataApi, StatementFailed
from rental_pipeline.warehouse.run_step import end_run, name_steps, record_ended_run

Answer = TypeVar("Answer")
# What is kept of the function's time for telling people: as long as one call may take that is never answered (two attempts of ten
# seconds to connect and sixty to read), and to publish.
_TELLING_SECONDS = 170
_TOO_LARGE = (
    "A function ran out of memory or time. Redrive goes on; where it ends so again, a slice or a file is too large for it:"
    " lower SliceRows or PartBytes, deploy, then start a new execution with the input below."
)
# By the error's name. What Lambda says of a process that grew over its memory was Runtime.ExitError, and is Runtime.OutOfMemory.
_ADVICE = {
    "Runtime.OutOfMemory": _TOO_LARGE,
    "Runtime.ExitError": _TOO_LARGE,
    "Sandbox.Timedout": _TOO_LARGE,
    "RetryLater": "The cause may pass by itself: choose Redrive on the execution, or start a new one with the input below.",
    "FixConfiguration": "Mend what the message names (setting, contract, privilege or input), then start a new execution.",
    "FixData": "Mend the data or the rule that the message names, then start a new execution.",
}
_PUBLISHED = (
    "Its figures were published before it failed; the lake may show an earlier run's, and its report be missing, until a redrive,"
    " or the next run that publishes."
)
_NOT_PUBLISHED = "Nothing of the failed run was published; what it committed before is kept and is the next run's starting point."
_PERHAPS_PUBLISHED = (
    "Whether it published its figures is not known, as the warehouse could not say: where it has, the control table step_commit"
    " has a row of the run with the step 'publish'."
)
_ANY_ADVICE = "Look at the execution in the console; Redrive resumes it where it failed, a new execution starts afresh."


@dataclass(frozen=True)
class Failure:
    """What broke, as far as the execution tells.

    Attributes:
        where: The state that failed, and the step and table inside it.
        error: The error's name: a class of rental_pipeline.base.errors, or the platform's.
        message: What it said.
    """

    where: str
    error: str
    message: str


@dataclass
class Closing:
    """What was done and found, as far as it came.

    Attributes:
        run_sequence: None where no run was opened, or the warehouse could not say.
        has_published: None where it is not known.
        cancelled: Names of statements.
        problem: What kept the run from being closed.
    """

    run_sequence: int | None = None
    has_published: bool | None = None
    cancelled: list[str] = field(default_factory=list)
    problem: str | None = None


def close_failed_run(event: dict[str, Any], settings: FailureSettings, remaining_seconds: Callable[[], float]) -> dict[str, Any]:
    """Cancel the run's statements, close its ledger row, free its lease, and tell people.

    People are told even when the warehouse cannot be reached, or lets it wait for long: the next run then finds that the
    execution of the lease's holder has ended, and closes it.

    Args:
        remaining_seconds: Seconds until the function times out.

    Returns:
        The fields of Closing.
    """
    detail = _complete(event["detail"])
    failure = explain_failure(detail)
    logger.append_keys(execution=detail["name"])
    logger.error("the run failed", extra={"where": failure.where, "error": failure.error, "status": detail["status"]})
    closing = Closing()
    # The next run can do without this, and people should not wait long for their message.
    api = DataApi(settings, attempts=2, seconds_left=lambda: remaining_seconds() - _TELLING_SECONDS)
    try:
        _close(api, detail, failure, settings, closing)
    except (PipelineError, StatementFailed, ClientError, BotoCoreError) as error:
        logger.exception("the warehouse could not be told")
        closing.problem = str(error)
    _send_failure_mail(detail, failure, closing, settings)
    if closing.run_sequence is not None:
        record_ended_run(api, settings, closing.run_sequence, detail["executionArn"])
    return asdict(closing)


def _complete(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the event's detail with the execution's error and cause; the Developer Guide's examples show events without them."""
    if detail["status"] != "FAILED" or detail.get("error"):
        return detail
    found = _ask(lambda client: client.describe_execution(executionArn=detail["executionArn"])) or {}
    return {**detail, **{name: found.get(name) for name in ("error", "cause")}}


def _ask(question: Callable[[Any], Answer]) -> Answer | None:
    """Return Step Functions' answer; None where it gives none, as of a sample event's execution: people are told all the same."""
    try:
        return question(boto3.client("stepfunctions"))
    except (ClientError, BotoCoreError):
        logger.exception("Step Functions does not tell of the execution")
        return None


def explain_failure(detail: dict[str, Any]) -> Failure:
    """Find out which state failed and why, from the event and the execution's own history."""
    arn = detail["executionArn"]
    where = _ask(lambda client: _find_failed_state(client, arn)) or "a state that Step Functions does not tell"
    error, cause = detail.get("error") or detail["status"], detail.get("cause") or ""
    is_slices = error == "States.ExceedToleratedFailureThreshold"
    if is_slices and (child := _ask(lambda client: _find_failed_child(client, arn))):
        item = _parse_object(child.get("input")) or {}
        where = f"{where} (slice {item.get('slice')} of {item.get('table')})"
        error, cause = child.get("error", child["status"]), child.get("cause", "")
    # A nested execution's failure comes as JSON about that execution, a function's as JSON about its exception.
    steps: list[str] = []
    while isinstance(inner := _parse_object(cause), dict):
        if "errorMessage" in inner:
            message = inner["errorMessage"]
            told = max((step for step in steps if message.startswith(f"step {step}")), key=len, default=None)
            return Failure(f"{where} ({told})" if told else where, inner.get("errorType", error), message)
        if "Cause" not in inner and "Error" not in inner:
            break
        if isinstance(event := _parse_object(inner.get("Input")), dict):
            steps = name_steps(event)
            if len(steps) == 1:
                where, steps = f"{where} ({steps[0]})", []
        error, cause = inner.get("Error", error), inner.get("Cause", "")
    message = cause or {"TIMED_OUT": "it ran longer than it may", "ABORTED": "somebody stopped it"}.get(
        detail["status"], "no cause given"
    )
    return Failure(where, error, message)


def _close(api: DataApi, detail: dict[str, Any], failure: Failure, settings: FailureSettings, closing: Closing) -> None:
    control = Schemas(settings.marketplace).control
    opening = f"{settings.marketplace}/open/{detail['name']}"
    closing.cancelled += api.cancel_unfinished(opening)
    run = f"select run_sequence from {control}.run where execution_id = {literal(detail['executionArn'])}"
    runs = api.query(opening, run)
    if not runs:
        closing.has_published = False
        return
    closing.run_sequence = runs[0]["run_sequence"]
    logger.append_keys(run_sequence=closing.run_sequence)
    published = f"select step from {control}.step_commit where step = 'publish' and run_sequence in ({run})"
    # Until the run is closed, a statement under way may still publish.
    closing.has_published = bool(api.query(opening, published)) or None
    error = f"{failure.where}: {failure.error}: {failure.message}"
    closing.cancelled += end_run(api, settings, closing.run_sequence, error)
    closing.has_published = bool(api.query(opening, published))


def _send_failure_mail(detail: dict[str, Any], failure: Failure, closing: Closing, settings: FailureSettings) -> None:
    run = f"run {closing.run_sequence}" if closing.run_sequence else "a run"
    lines = [
        f"{run[0].upper()}{run[1:]} of {settings.marketplace} ended as {detail['status']}.",
        "",
        f"Where: {failure.where}",
        f"What:  {failure.error}: {failure.message}",
        "",
        _ADVICE.get(failure.error, _ANY_ADVICE),
        f"Input: {detail.get('input') or '{}'}",
        f"Execution: {detail['executionArn']}",
        f"Console: {_console_address(detail['executionArn'])}",
        "",
        {True: _PUBLISHED, False: _NOT_PUBLISHED, None: _PERHAPS_PUBLISHED}[closing.has_published],
    ]
    if closing.cancelled:
        lines.append(f"Cancelled statements: {', '.join(closing.cancelled)}")
    if closing.problem:
        lines.append(f"The warehouse could not be told ({closing.problem}); the next run closes this one.")
    # An SNS subject has fewer than 100 characters (Amazon SNS API Reference, "Publish").
    subject = f"{settings.marketplace} {run} failed: {failure.where}"[:99]
    boto3.client("sns").publish(TopicArn=settings.topic_arn, Subject=subject, Message="\n".join(lines))


def _console_address(execution_arn: str) -> str:
    """Return where the console shows an execution, and offers its Redrive."""
    region = execution_arn.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution_arn}"


def _find_failed_state(client: Any, execution_arn: str) -> str:
    """Return the name of the last state that was entered and not left."""
    pages = client.get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=execution_arn, reverseOrder=True, includeExecutionData=False):
        for event in page["events"]:
            if "stateEnteredEventDetails" in event:
                return str(event["stateEnteredEventDetails"]["name"])
    return "before its first state"


def _find_failed_child(client: Any, execution_arn: str) -> dict[str, Any] | None:
    """Return one of the children that failed in the execution's Distributed Map, whose own error does not say why."""
    for page in client.get_paginator("get_execution_history").paginate(executionArn=execution_arn, reverseOrder=True):
        for event in page["events"]:
            if started := event.get("mapRunStartedEventDetails"):
                for status in ("FAILED", "TIMED_OUT"):
                    failed = client.list_executions(mapRunArn=started["mapRunArn"], statusFilter=status, maxResults=1)
                    for child in failed["executions"]:
                        found: dict[str, Any] = client.describe_execution(executionArn=child["executionArn"])
                        return found
                return None
    return None


def _parse_object(text: Any) -> Any:
    if isinstance(text, dict):
        return text
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
