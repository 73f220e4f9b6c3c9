"""`make doctor`: what a run needs, looked at by the stack's own functions, on this machine or (STACK=name) in AWS."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.refusal import Refused

# A little more than the functions' own time limits.
ANSWER_SECONDS = 330
SOURCE, WAREHOUSE, OPERATION = "CheckSourceFunction", "CheckWarehouseFunction", "CheckOperationFunction"

# Takes a function's logical id and an event; returns its answer and, where it failed, what went wrong.
Invoke = Callable[[str, dict[str, Any]], tuple[dict[str, Any], str | None]]


def examine(invoke: Invoke) -> list[dict[str, str]]:
    """Return the findings of all three functions; one that cannot even answer is a finding itself."""
    warehouse = _ask(invoke, WAREHOUSE, {})
    source = _ask(invoke, SOURCE, {"catalogue": warehouse["catalogue"]} if warehouse.get("catalogue") is not None else {})
    operation = _ask(invoke, OPERATION, {})
    return [*source["findings"], *warehouse["findings"], *operation["findings"]]


def _ask(invoke: Invoke, function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer, problem = invoke(function, event)
    if problem is None:
        return answer
    says = f"it did not answer ({problem}): look at its log and, where the stack is in a VPC, at docs/how-to/network.md"
    return {"findings": [{"status": "fail", "check": function, "says": says}]}


class StackNotReached(Refused):
    """There is no such stack, or no region or account in which to look for it."""


def invoke_deployed(stack: str) -> Invoke:
    """Return how to invoke the functions of a deployed stack, with the AWS account of the environment.

    Raises:
        StackNotReached: with the way out.
    """
    try:
        cloudformation = boto3.client("cloudformation")
        names = {
            function: cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=function)["StackResourceDetail"][
                "PhysicalResourceId"
            ]
            for function in (SOURCE, WAREHOUSE, OPERATION)
        }
        functions = boto3.client("lambda", config=Config(read_timeout=ANSWER_SECONDS, retries={"max_attempts": 1}))
    except (ClientError, BotoCoreError) as error:
        raise StackNotReached(
            f"{error}\nThe stack {stack} is looked for in the account and the region of your environment: log in (AWS_PROFILE),"
            " and set AWS_REGION; `make deploy` makes it."
        ) from error

    def invoke(function: str, event: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        try:
            answer = functions.invoke(FunctionName=names[function], Payload=json.dumps(event))
        except (ClientError, BotoCoreError) as error:
            return {}, str(error)
        return read_answer(answer["Payload"].read(), answer.get("FunctionError"))

    return invoke


def read_answer(payload: bytes, function_error: str | None) -> tuple[dict[str, Any], str | None]:
    """Return a function's answer, or what its error says."""
    answer = json.loads(payload)
    if function_error is None:
        return answer, None
    return {}, f"{answer.get('errorType', function_error)}: {answer.get('errorMessage', '')}"


def tell(findings: list[dict[str, str]], width: int | None = None) -> bool:
    """Print the findings; return whether none is a failure."""
    width = width or max(60, shutil.get_terminal_size((120, 24)).columns)
    column = max(len(finding["check"]) for finding in findings)
    for finding in findings:
        start = f"  {finding['status'].upper() if finding['status'] != 'ok' else 'ok':4}  {finding['check']:{column}}  "
        print(textwrap.fill(finding["says"], width, initial_indent=start, subsequent_indent=" " * len(start)))
    counts = [sum(finding["status"] == status for finding in findings) for status in ("ok", "warn", "fail")]
    print("\n{} ok, {} to look at (WARN), {} to mend before a run (FAIL)".format(*counts))
    return counts[2] == 0
