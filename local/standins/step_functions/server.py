"""Step Functions' API over the engine, as boto3 speaks it; what is not known of it is refused by name.

Answers and errors are those of the AWS Step Functions API Reference.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from werkzeug.wrappers import Request, Response

from local.standins.step_functions.execution import UNSUCCESSFUL, Execution, NotRedrivable
from local.standins.step_functions.language import LAMBDA, READER, SNS, DefinitionRefused, Json, StateFailed, dump
from local.standins.step_functions.machines import StateMachines, Task
from local.standins.step_functions.single_state import try_state
from local.standins.step_functions.walk import StartRefused, name_arn

_TARGET = "AWSStepFunctions."
# Lambda's longest, and some more.
_ANSWER_SECONDS = 930
_DATA = ("input", "output", "parameters")

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Refused(Exception):
    """A request is answered with an error of the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StepFunctions:
    """The API, as a WSGI application.

    Args:
        machines: What it serves; executions that it starts run in threads of their own.
        otherwise: Answers requests that are for another service.
    """

    def __init__(self, machines: StateMachines, otherwise: Application | None = None) -> None:
        self._machines, self._otherwise = machines, otherwise or Response("this is Step Functions only", 404)
        self._operations: dict[str, Callable[[Json], Json]] = {
            "CreateStateMachine": self._create_state_machine,
            "DescribeStateMachine": self._describe_state_machine,
            "DeleteStateMachine": self._delete_state_machine,
            "PublishStateMachineVersion": self._publish_state_machine_version,
            "StartExecution": self._start_execution,
            "RedriveExecution": self._redrive_execution,
            "StopExecution": self._stop_execution,
            "DescribeExecution": lambda request: describe_execution(self._find_execution(request)),
            "ListExecutions": self._list_executions,
            "ListMapRuns": self._list_map_runs,
            "GetExecutionHistory": self._get_execution_history,
            "TestState": _test_state,
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(_TARGET):
            return self._otherwise(environ, start_response)
        operation = self._operations.get(target.removeprefix(_TARGET))
        try:
            if not operation:
                raise _Refused("UnknownOperationException", f"{target} is not known to local/standins/step_functions")
            answer, status = operation(json.loads(Request(environ).get_data())), 200
        except _Refused as refused:
            answer, status = {"__type": refused.code, "message": str(refused)}, 400
        response = Response(json.dumps(answer, default=datetime.timestamp), status, mimetype="application/x-amz-json-1.0")
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response(environ, start_response)

    def _create_state_machine(self, request: Json) -> Json:
        name, definition = request["name"], json.loads(request["definition"])
        existing = self._machines.machines.get(name_arn("stateMachine", name))
        if existing and existing.definition != definition:
            raise _Refused("StateMachineAlreadyExists", f"State Machine Already Exists: '{existing.arn}'")
        try:
            machine = existing or self._machines.create(name, definition, request["roleArn"])
        except DefinitionRefused as refused:
            raise _Refused("InvalidDefinition", str(refused)) from None
        return {"stateMachineArn": machine.arn, "creationDate": machine.created_at}

    def _describe_state_machine(self, request: Json) -> Json:
        machine = self._machines.machines.get(arn := request["stateMachineArn"])
        if not machine:
            raise _Refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "status": "ACTIVE",
            "type": "STANDARD",
            "definition": dump(machine.definition),
            "roleArn": machine.role_arn,
            "creationDate": machine.created_at,
        }

    def _delete_state_machine(self, request: Json) -> Json:
        self._machines.machines.pop(request["stateMachineArn"], None)
        return {}

    def _publish_state_machine_version(self, request: Json) -> Json:
        try:
            version = self._machines.publish(request["stateMachineArn"])
        except StartRefused as refused:
            raise _Refused(refused.code, str(refused)) from None
        return {"stateMachineVersionArn": version, "creationDate": datetime.now(UTC)}

    def _start_execution(self, request: Json) -> Json:
        try:
            given = json.loads(request.get("input", "{}"))
        except ValueError as error:
            raise _Refused("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
        machine, name = request["stateMachineArn"], request.get("name")
        try:
            execution = self._machines.start(machine, given, name)
        except StartRefused as refused:
            same = self._machines.executions.get(f"{machine.replace(':stateMachine:', ':execution:')}:{name}")
            if same and same.status == "RUNNING" and same.input == given:
                return {"executionArn": same.arn, "startDate": same.started_at}
            raise _Refused(refused.code, str(refused)) from None
        threading.Thread(target=execution.run, args=(execution.begin(),), daemon=True).start()
        return {"executionArn": execution.arn, "startDate": execution.started_at}

    def _redrive_execution(self, request: Json) -> Json:
        execution = self._find_execution(request)
        try:
            if execution.map_run:
                raise NotRedrivable("Execution is a child of a Map Run: redrive its parent.")
            walk = execution.begin()
        except NotRedrivable as refused:
            raise _Refused("ExecutionNotRedrivable", str(refused)) from None
        threading.Thread(target=execution.run, args=(walk,), daemon=True).start()
        return {"redriveDate": execution.redriven_at}

    def _stop_execution(self, request: Json) -> Json:
        execution = self._find_execution(request)
        execution.stop(request.get("error"), request.get("cause"))
        return {"stopDate": execution.stopped_at}

    def _list_executions(self, request: Json) -> Json:
        if "mapRunArn" in request:
            run = self._machines.map_runs.get(arn := request["mapRunArn"])
            if not run:
                raise _Refused("ResourceNotFound", f"Resource not found: '{arn}'")
            found = list(run.children.values())
        else:
            machine = self._describe_state_machine(request)["stateMachineArn"]
            known = list(self._machines.executions.values())
            found = [each for each in known if each.machine.arn == machine and not each.map_run]
        listed = [describe_execution(each) for each in reversed(found) if request.get("statusFilter") in (None, each.status)]
        shown = ("executionArn", "stateMachineArn", "mapRunArn", "name", "status", "startDate", "stopDate", "redriveCount")
        return _page(request, "executions", [{key: each[key] for key in shown if key in each} for each in listed])

    def _list_map_runs(self, request: Json) -> Json:
        execution = self._find_execution(request)
        runs = [
            {
                "executionArn": execution.arn,
                "mapRunArn": run.arn,
                "stateMachineArn": name_arn("stateMachine", run.arn.split(":")[-2]),
                "startDate": run.started_at,
            }
            for run in execution.map_runs.values()
        ]
        return _page(request, "mapRuns", runs)

    def _get_execution_history(self, request: Json) -> Json:
        events = list(self._find_execution(request).history)
        if request.get("reverseOrder"):
            events.reverse()
        if not request.get("includeExecutionData", True):
            events = [
                {
                    key: {name: each for name, each in value.items() if name not in _DATA} if isinstance(value, dict) else value
                    for key, value in event.items()
                }
                for event in events
            ]
        return _page(request, "events", events)

    def _find_execution(self, request: Json) -> Execution:
        execution = self._machines.executions.get(arn := request["executionArn"])
        if not execution:
            raise _Refused("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution


_TEST_FIELDS = {"definition", "roleArn", "input", "context", "mock", "inspectionLevel", "stateConfiguration"}
_MOCK_FIELDS, _CONFIGURED = {"result", "fieldValidationMode"}, {"mapItemReaderData"}


def _test_state(request: Json) -> Json:
    """Answer TestState for the definition of one state by itself."""
    mock, configured = request.get("mock", {}), request.get("stateConfiguration", {})
    if unknown := (request.keys() - _TEST_FIELDS) | (mock.keys() - _MOCK_FIELDS) | (configured.keys() - _CONFIGURED):
        raise _Refused("ValidationException", f"{', '.join(sorted(unknown))} is not known to local/standins/step_functions")
    if "context" in request and not mock:
        raise _Refused("ValidationException", "A context may only be specified if a mock is")
    state, data, context = (json.loads(request.get(key, "{}")) for key in ("definition", "input", "context"))
    if mock and state["Type"] not in ("Task", "Map", "Parallel"):
        raise _Refused("ValidationException", f"A mock cannot be specified for a {state['Type']} state")
    result, items = json.loads(mock.get("result", "null")), json.loads(configured.get("mapItemReaderData", "null"))
    tested = try_state("the state", state, data, context, result, items)
    if tested.status == "FAILED":
        return {"status": tested.status, "error": tested.error, "cause": tested.cause}
    answer: Json = {"status": tested.status, "output": dump(tested.output), "nextState": tested.following}
    told = {"Parameters": "afterParameters", "ItemSelector": "afterItemSelector"}
    if request.get("inspectionLevel") == "DEBUG":
        answer["inspectionData"] = {told[key]: dump(tested.asked) for key in told if key in state}
    return {key: value for key, value in answer.items() if value is not None}


def describe_execution(execution: Execution) -> Json:
    """Return DescribeExecution's answer; times are datetimes."""
    has_succeeded, is_open = execution.status == "SUCCEEDED", execution.status in UNSUCCESSFUL
    redrivable = "REDRIVABLE_BY_MAP_RUN" if execution.map_run else "REDRIVABLE"
    described = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started_at,
        "stopDate": execution.stopped_at,
        "input": dump(execution.input),
        "inputDetails": {"included": True},
        "output": dump(execution.output) if has_succeeded else None,
        "outputDetails": {"included": True} if has_succeeded else None,
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": execution.redrives,
        "redriveDate": execution.redriven_at,
        "redriveStatus": redrivable if is_open else "NOT_REDRIVABLE",
        "redriveStatusReason": None if is_open else f"Execution is {execution.status} and cannot be redriven.",
    }
    if execution.map_run:
        described["mapRunArn"] = execution.map_run.arn
        described["stateMachineArn"] = name_arn("stateMachine", execution.map_run.arn.split(":")[-2])
    return {key: value for key, value in described.items() if value is not None}


def _page(request: Json, key: str, items: list[Json]) -> Json:
    start, most = int(request.get("nextToken", 0)), request.get("maxResults") or 100
    page = {key: items[start : start + most]}
    return page if len(items) <= start + most else {**page, "nextToken": str(start + most)}


# ---------------------------------------------------------------------------------------------------------------- tasks


def make_tasks() -> dict[str, Task]:
    """Return the tasks that call AWS's services, where this process's environment has boto3 find them."""
    config = Config(read_timeout=_ANSWER_SECONDS, retries={"total_max_attempts": 1}, max_pool_connections=50)
    make_client: Any = boto3.client  # the stubs that come with aws-sam-cli know a few services only
    functions, topics, objects = (make_client(service, config=config) for service in ("lambda", "sns", "s3"))

    def invoke(parameters: Json) -> Json:
        answer = _ask("Lambda", functions.invoke, {**parameters, "Payload": dump(parameters.get("Payload", {}))})
        text = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise StateFailed(_name_error(text), text)
        return {"ExecutedVersion": "$LATEST", "Payload": json.loads(text), "StatusCode": answer["StatusCode"]}

    def publish(parameters: Json) -> Json:
        check_message(parameters)
        return {"MessageId": _ask("SNS", topics.publish, parameters)["MessageId"]}

    def read(parameters: Json) -> Json:
        try:
            return _ask("S3", objects.get_object, parameters)["Body"].read().decode()
        except (StateFailed, UnicodeDecodeError) as error:
            raise StateFailed("States.ItemReaderFailed", str(error)) from error

    return {LAMBDA: invoke, SNS: publish, READER: read}


def check_message(parameters: Json) -> None:
    """Refuse what SNS would (Amazon SNS API Reference, "Publish").

    Raises:
        StateFailed: the message is empty, or the subject is not one line of fewer than 100 characters.
    """
    subject = parameters.get("Subject", "-")
    if not (0 < len(subject) < 100 and subject.isprintable()):
        raise StateFailed("SNS.InvalidParameterException", "Invalid parameter: Subject")
    if not parameters["Message"]:
        raise StateFailed("SNS.InvalidParameterException", "Invalid parameter: Empty message")


def _ask(service: str, operation: Callable[..., Json], parameters: Json) -> Json:
    try:
        return operation(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"].removesuffix("Exception")
        raise StateFailed(f"{service}.{code}Exception", str(error)) from error
    except BotoCoreError as error:
        raise StateFailed(f"{service}.SdkClientException", str(error)) from error


def _name_error(text: str) -> str:
    try:
        return str(json.loads(text)["errorType"])
    except (ValueError, LookupError, TypeError):
        return "Lambda.Unknown"
