"""Step Functions on the one machine, asked as boto3 asks it; its functions are Lambda's of this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.standins.aws_lambda.execution_environment import LocalFunction
from local.standins.aws_lambda.service import LambdaService
from local.standins.moto.aws import LocalAws

HANDLER = """
class RetryLater(Exception): pass
class FixData(Exception): pass

calls = 0

def lambda_handler(event, context):
    global calls
    calls += 1
    if event.get("fail") or event.get("fails_at") == calls:
        raise FixData(f"slice {event['slice']} is broken")
    if event.get("fail_until", 0) >= calls:
        raise RetryLater("not yet")
    return {"calls": calls}
"""
ROLE = "arn:aws:iam::123456789012:role/machine"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:probe"
CALL = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": FUNCTION, "Payload.$": "$"},
    "End": True,
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("aws")
    (folder / "task").mkdir()
    (folder / "task" / "app.py").write_text(HANDLER)
    (folder / "opt").mkdir()
    functions = LambdaService(folder / "logs")
    functions.deploy(
        LocalFunction("probe", "app.lambda_handler", folder / "task", folder / "opt", 30, 256, {}, concurrency=1),
        {"AWS_REGION": "x"},
    )
    aws = LocalAws(folder / "aws.log", {"AWS_ENDPOINT_URL_LAMBDA": functions.endpoint_url}, retry_pace=0.01)
    aws.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield aws
    aws.stop()
    functions.stop()


def run(aws: LocalAws, name: str, definition: dict[str, Any], given: Any = None) -> dict[str, Any]:
    """Create a machine, execute it, and return DescribeExecution's answer at the end."""
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    return wait(aws, states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"])


def wait(aws: LocalAws, execution: str) -> dict[str, Any]:
    """Return DescribeExecution's answer at an execution's end."""
    deadline = time.monotonic() + 60
    while (description := aws.client("stepfunctions").describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"{execution} still runs"
        time.sleep(0.05)
    return description


def map_over_slices(**more: Any) -> dict[str, Any]:
    return {
        "StartAt": "Slices",
        "States": {
            "Slices": {
                "Type": "Map",
                "Label": "Slices",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket": "files", "Key.$": "$.key"},
                },
                "MaxConcurrencyPath": "$.concurrency",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "One",
                    "States": {"One": {**CALL, "ResultSelector": {}, **more}},
                },
                "ResultPath": None,
                "End": True,
            }
        },
    }


def put_slices(aws: LocalAws, key: str, slices: list[dict[str, Any]]) -> dict[str, Any]:
    aws.client("s3").put_object(Bucket="files", Key=key, Body=json.dumps(slices).encode())
    return {"key": key, "concurrency": 2}


def test_a_map_whose_children_all_succeed_succeeds(aws):
    """And passes its input on, as its results are discarded."""
    given = put_slices(aws, "good.json", [{"slice": n} for n in range(30)])
    ended = run(aws, "good-map", map_over_slices(), given)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == given


def test_a_failed_child_fails_the_map(aws):
    """As on AWS with the default tolerance of none; the cause is found in the child, through the map run."""
    given = put_slices(aws, "bad.json", [{"slice": 0}, {"slice": 1, "fail": True}, {"slice": 2}])
    ended = run(aws, "bad-map", map_over_slices(), given)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    states = aws.client("stepfunctions")
    (map_run,) = states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"]
    (child,) = states.list_executions(mapRunArn=map_run["mapRunArn"], statusFilter="FAILED")["executions"]
    described = states.describe_execution(executionArn=child["executionArn"])
    assert described["error"] == "FixData"
    assert "slice 1 is broken" in described["cause"]
    assert json.loads(described["input"]) == {"slice": 1, "fail": True}


def test_each_child_has_a_history_of_its_own(aws):
    """As on AWS, found through the map run; its states are what is billed."""
    given = put_slices(aws, "three.json", [{"slice": n} for n in range(3)])
    ended = run(aws, "history-map", map_over_slices(), given)
    states = aws.client("stepfunctions")
    (map_run,) = states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"]
    children = states.list_executions(mapRunArn=map_run["mapRunArn"])["executions"]
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 3
    for child in children:
        history = states.get_execution_history(executionArn=child["executionArn"])["events"]
        assert [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event] == ["One"]


def test_children_are_no_executions_of_the_machine(aws):
    """ListExecutions by machine lists its own executions only."""
    given = put_slices(aws, "own.json", [{"slice": 0, "fail": True}])
    ended = run(aws, "own-map", map_over_slices(), given)
    listed = aws.client("stepfunctions").list_executions(stateMachineArn=ended["stateMachineArn"])["executions"]
    assert [execution["executionArn"] for execution in listed] == [ended["executionArn"]]


def test_a_child_is_tried_again_before_it_fails(aws):
    """Retry works inside a child."""
    retry = [{"ErrorEquals": ["RetryLater"], "IntervalSeconds": 5, "MaxAttempts": 2000, "MaxDelaySeconds": 5, "BackoffRate": 1.1}]
    # The probe counts its calls over all tests of this module, so this asks for some more than it has had.
    given = put_slices(aws, "later.json", [{"slice": 0, "fail_until": count_calls(aws, "count") + 2}])
    assert run(aws, "later-map", map_over_slices(Retry=retry), given)["status"] == "SUCCEEDED"


def count_calls(aws: LocalAws, name: str) -> int:
    """Call the probe, and return how often it has been called."""
    return json.loads(run(aws, name, {"StartAt": "One", "States": {"One": CALL}})["output"])["Payload"]["calls"]


def nested(child: str) -> dict[str, Any]:
    return {
        "StartAt": "Nested",
        "States": {
            "Nested": {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {
                    "StateMachineArn": f"arn:aws:states:eu-west-1:123456789012:stateMachine:{child}",
                    "Name.$": "States.Format('step-{}', States.UUID())",
                    "Input.$": "$",
                },
                "ResultSelector": {"answer.$": "$.Output.Payload", "status.$": "$.Status"},
                "End": True,
            }
        },
    }


def test_a_nested_execution_answers_in_aws_spelling(aws):
    """`$.Output` is the child's output as JSON, `$.Status` its status."""
    run(aws, "child", {"StartAt": "One", "States": {"One": CALL}})
    ended = run(aws, "parent", nested("child"))
    output = json.loads(ended["output"])
    assert output["status"] == "SUCCEEDED"
    assert output["answer"]["calls"] > 0


def test_a_nested_failure_carries_the_childs_error(aws):
    """As JSON in the cause, in AWS's spelling."""
    run(aws, "failing-child", {"StartAt": "One", "States": {"One": CALL}}, {"fail": True, "slice": 7})
    ended = run(aws, "failing-parent", nested("failing-child"), {"fail": True, "slice": 8})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert (cause["Error"], cause["Status"]) == ("FixData", "FAILED")
    assert "slice 8 is broken" in cause["Cause"]


def test_history_can_be_read_backwards(aws):
    """The last event first, as a person looking for a failure reads it."""
    ended = run(aws, "two-steps", {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}})
    states = aws.client("stepfunctions")
    forward = [event["id"] for event in states.get_execution_history(executionArn=ended["executionArn"])["events"]]
    history = states.get_execution_history(executionArn=ended["executionArn"], reverseOrder=True)
    assert [event["id"] for event in history["events"]] == forward[::-1]


def test_a_failed_execution_is_redriven(aws):
    """As a person does in the console: what succeeded is kept, and the execution says how often that was done."""
    second = count_calls(aws, "first") + 2
    given = put_slices(aws, "again.json", [{"slice": number, "fails_at": second} for number in range(3)])
    states = aws.client("stepfunctions")
    failed = run(aws, "redriven", map_over_slices(), given)
    assert (failed["status"], failed["redriveStatus"], failed["redriveCount"]) == ("FAILED", "REDRIVABLE", 0)
    states.redrive_execution(executionArn=failed["executionArn"])
    ended = wait(aws, failed["executionArn"])
    assert (ended["status"], ended["redriveStatus"], ended["redriveCount"]) == ("SUCCEEDED", "NOT_REDRIVABLE", 1)
    with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
        states.redrive_execution(executionArn=failed["executionArn"])


def test_a_stopped_execution_keeps_why(aws):
    """It ends at once, whatever it waits for, and what it nested with it."""
    states = aws.client("stepfunctions")
    waiting = {"Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}
    states.create_state_machine(name="waiting", definition=json.dumps({"StartAt": "Wait", "States": waiting}), roleArn=ROLE)
    parent = states.create_state_machine(name="waits", definition=json.dumps(nested("waiting")), roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=parent, input='{"seconds": 60}', name="waits")["executionArn"]
    assert states.start_execution(stateMachineArn=parent, input='{"seconds": 60}', name="waits")["executionArn"] == execution
    deadline = time.monotonic() + 60
    while not (inner := list_executions(aws, "waiting")) and time.monotonic() < deadline:
        time.sleep(0.05)
    states.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    stopped = states.describe_execution(executionArn=execution)
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert [each["status"] for each in list_executions(aws, "waiting")] == ["ABORTED"], inner
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(stateMachineArn=parent, input='{"seconds": 60}', name="waits")


def list_executions(aws: LocalAws, name: str) -> list[dict[str, Any]]:
    machine = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{name}"
    return aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]


def test_pages(aws):
    """Executions come newest first; histories in pages, and without data where it is not wanted."""
    states = aws.client("stepfunctions")
    machine = run(aws, "paged", {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, {"private": 1})["stateMachineArn"]
    newest = states.start_execution(stateMachineArn=machine, name="newest")["executionArn"]
    wait(aws, newest)
    assert list_executions(aws, "paged")[0]["name"] == "newest"
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=newest, includeExecutionData=False, PaginationConfig={"PageSize": 3}
    )
    events = [page["events"] for page in pages]
    assert [len(page) for page in events] == [3, 1]
    assert events[0][1]["stateEnteredEventDetails"] == {"name": "A"}


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("describe_execution", {"executionArn": "arn:aws:states:eu-west-1:123456789012:execution:a:b"}, "ExecutionDoesNotExist"),
        (
            "create_state_machine",
            {"name": "x", "definition": '{"StartAt": "A", "States": {}}', "roleArn": ROLE},
            "InvalidDefinition",
        ),
        ("describe_state_machine", {"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:x"}, "StateMachineDoesNotExist"),
        ("list_activities", {}, "UnknownOperation"),
        ("test_state", {"definition": '{"Type": "Succeed"}', "context": "{}"}, "only be specified if a mock is"),
        ("test_state", {"definition": '{"Type": "Succeed"}', "mock": {"result": "{}"}}, "cannot be specified for a Succeed"),
        ("test_state", {"definition": '{"Type": "Succeed"}', "variables": "{}"}, "variables is not known"),
    ],
)
def test_what_is_refused(aws, operation, request_, code):
    """By the API's own codes; and by name what is not known here."""
    with pytest.raises(ClientError, match=code):
        getattr(aws.client("stepfunctions"), operation)(**request_)


def test_a_state_is_tried_by_itself(aws):
    """With a mocked result; what it would call with is told where it is asked for."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": FUNCTION, "Payload.$": "$.a"},
        "ResultSelector": {"calls.$": "$.Payload.calls"},
        "ResultPath": "$.b",
        "Next": "Another",
    }
    request = {"definition": json.dumps(state), "input": '{"a": 1}', "mock": {"result": '{"Payload": {"calls": 2}}'}}
    states = aws.client("stepfunctions")
    tested = states.test_state(**request, inspectionLevel="DEBUG")
    assert (tested["status"], tested["nextState"]) == ("SUCCEEDED", "Another")
    assert json.loads(tested["output"]) == {"a": 1, "b": {"calls": 2}}
    assert json.loads(tested["inspectionData"]["afterParameters"]) == {"FunctionName": FUNCTION, "Payload": 1}
    assert "inspectionData" not in states.test_state(**request)
    failed = states.test_state(**{**request, "input": "{}"})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Runtime")


def test_names_and_inputs_are_checked(aws):
    """Before anything starts."""
    states = aws.client("stepfunctions")
    machine = run(aws, "named", {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})["stateMachineArn"]
    with pytest.raises(ClientError, match="InvalidName"):
        states.start_execution(stateMachineArn=machine, name="a b")
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        states.start_execution(stateMachineArn=machine, input="{")


def test_objects_are_kept_as_files_and_come_back(aws, tmp_path: Path):
    """A bucket's content outlives the server in memory: saved once, restored under the same keys."""
    s3 = aws.client("s3")
    for bucket in ("kept", "restored"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="kept", Key="apartments/runs/000001/plan.json", Body=b"{}")
    assert aws.save_bucket("kept", tmp_path) == 1
    assert aws.save_bucket("kept", tmp_path) == 0
    assert (tmp_path / "apartments/runs/000001/plan.json").read_bytes() == b"{}"
    assert aws.restore_bucket("restored", tmp_path) == 1
    assert s3.get_object(Bucket="restored", Key="apartments/runs/000001/plan.json")["Body"].read() == b"{}"
