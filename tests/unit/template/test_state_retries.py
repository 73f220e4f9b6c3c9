"""How often every state of both state machines is tried again, how long it may take, and who is told when that did not help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from local.standins.cloudformation.template import Template, read_template
from local.standins.step_functions.language import LAMBDA, NESTED, READER, SNS, StateFailed
from local.standins.step_functions.machines import StateMachines
from local.standins.step_functions.walk import StartRefused
from tests.fixtures.executions import RUN, SQL_STEP, list_states

ROOT = Path(__file__).parents[3]
# What may pass by itself: the project's own error of that meaning, and the services' (AWS Step Functions Developer Guide,
# "Handling errors in Step Functions workflows"; Lambda API Reference, "Invoke"). What a person is to mend is in none, nor is
# States.TaskFailed, by which a nested execution ends that has tried enough, nor Runtime.OutOfMemory, which would come again.
MAY_PASS = {
    LAMBDA: [
        "RetryLater",
        "Sandbox.Timedout",
        "Runtime.ExitError",
        "Lambda.Unknown",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.TooManyRequestsException",
        "Lambda.ResourceConflictException",
        "Lambda.ResourceNotReadyException",
        "Lambda.ENINotReadyException",
        "Lambda.ENILimitReachedException",
        "Lambda.EC2ThrottledException",
        "Lambda.EC2UnexpectedException",
        "Lambda.SubnetIPAddressLimitReachedException",
    ],
    NESTED: [
        "StepFunctions.AWSStepFunctionsException",
        "StepFunctions.SdkClientException",
        "StepFunctions.ThrottlingException",
        # By the Developer Guide's examples, and by the rule of the recorded StepFunctions.ExecutionAlreadyExistsException.
        "StepFunctions.ExecutionLimitExceeded",
        "StepFunctions.ExecutionLimitExceededException",
    ],
    SNS: [
        "SNS.AmazonSNSException",
        "SNS.SdkClientException",
        "SNS.ThrottledException",
        "SNS.InternalErrorException",
        "SNS.KMSThrottlingException",
    ],
    None: ["States.ItemReaderFailed"],  # of a Distributed Map: S3 did not answer
}
# What Invoke may answer beside: a person mends it, or it is of something that no function here has (SnapStart, a file system).
FOR_A_PERSON = re.compile(
    "(CodeArtifact|Durable|EFS|KMS|Recursive|Runtime|S3Files|SnapStart)\\w*|EC2AccessDenied|Invalid\\w+|ModeNotSupported|NoPublishedVersion"
    "|RequestTooLarge|ResourceNotFound|SerializedRequestEntityTooLarge|ServiceQuotaExceeded|UnsupportedMediaType"
)
# The times that a function is called again before its state fails, and the seconds after which it counts as lost. Six (some five
# minutes) where Lambda may have to make a network interface first, as after weeks without a run.
CALLS = {
    (RUN, "Plan the run"): (6, 330),
    (RUN, "Extract a slice"): (6, 930),
    (RUN, "Write the manifests"): (4, 930),
    (RUN, "Switch the catalogue"): (4, 330),
    (RUN, "Archive the slices"): (4, 930),
    (RUN, "Detect changes"): (6, 330),
    (RUN, "Write the report"): (4, 90),
    (SQL_STEP, "Run the SQL"): (5, 150),
}
# Steps one after the other, as one may read what another wrote; a slice reads the source, and as many as the stack's parameter.
ONE_AT_A_TIME = {"Replay raw tables"}


def find_service(state: dict[str, Any]) -> str | None:
    """Return what a state calls, as `lambda:invoke`."""
    return state.get("Resource", "").removeprefix("arn:aws:states:::") or None


@pytest.mark.parametrize("machine", [RUN, SQL_STEP])
def test_every_call_of_a_service_is_tried_again(machine):
    """After 5 seconds, then twice as many each time up to two minutes, and at random times within: not all slices at once."""
    states = list_states(machine)
    calls = {(machine, name): state for name, state in states.items() if find_service(state) == LAMBDA}
    assert {call: (state["Retry"][0]["MaxAttempts"], state["TimeoutSeconds"]) for call, state in calls.items()} == {
        call: limits for call, limits in CALLS.items() if call[0] == machine
    }
    for name, state in states.items():
        if state["Type"] == "Task" or "ItemReader" in state:
            (rule,) = state["Retry"]
            assert rule == {
                "ErrorEquals": MAY_PASS[find_service(state)],
                "IntervalSeconds": 5,
                "BackoffRate": 2,
                "MaxAttempts": CALLS.get((machine, name), (4,))[0],
                "MaxDelaySeconds": 120,
                "JitterStrategy": "FULL",
            }, name


@pytest.mark.parametrize("machine", [RUN, SQL_STEP])
def test_nothing_else_is_tried_again_and_nothing_is_caught(machine):
    """A nested execution tries its own function again; a state that fails stays failed, for Redrive."""
    for name, state in list_states(machine).items():
        assert "Catch" not in state, name
        assert state["Type"] == "Task" or "ItemReader" in state or "Retry" not in state, name


def test_every_error_of_invoke_was_judged():
    """Those of Lambda's own model, so that a new one is noticed: it may pass, or it is for a person."""
    invoke = botocore.session.get_session().get_service_model("lambda").operation_model("Invoke")
    errors = {shape.name for shape in invoke.error_shapes}
    retried = {name.removeprefix("Lambda.") for name in MAY_PASS[LAMBDA]}
    judged = {name for name in errors if FOR_A_PERSON.fullmatch(name.removesuffix("Exception"))}
    assert len(errors) > 30
    assert errors - retried == judged


@pytest.mark.parametrize(
    ("state", "resource", "error"),
    [
        ("Detect changes", LAMBDA, "Lambda.ResourceNotReadyException"),
        ("Open the run", NESTED, "StepFunctions.ExecutionLimitExceededException"),
        ("Notify", SNS, "SNS.ThrottledException"),
        ("Extract the slices", READER, "States.ItemReaderFailed"),
    ],
)
def test_a_service_that_is_busy_once_fails_no_run(state, resource, error):
    """The state is done again, and the execution goes on."""
    definition = list_states(RUN)[state]
    called = []

    def answer(parameters):
        called.append(parameters)
        if len(called) == 1:
            raise StateFailed(error, "busy")
        return "[]" if resource == READER else {"Payload": {}}

    given = {"subject": "s", "message": "m", "plan": {"slices_key": "k"}, "slice_concurrency": 1, "run_sequence": 1}
    machines = StateMachines({LAMBDA: answer, SNS: answer, READER: answer}, sleep=lambda seconds: None)
    if resource == NESTED:
        # The engine's own task: a nested machine whose start is refused once.
        original = machines.start
        inner = machines.create("inner", {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
        definition = {**definition, "Parameters": {"StateMachineArn": inner.arn}, "ResultSelector": {}}

        def start(arn, *rest):
            if arn == inner.arn and not called:
                called.append(arn)
                raise StartRefused("ExecutionLimitExceeded", "busy")
            return original(arn, *rest)

        machines.start = start
    outer = machines.create("outer", {"StartAt": state, "States": {state: {**without_way(definition), "End": True}}})
    assert machines.start(outer.arn, given).run().status == "SUCCEEDED"
    assert called


def without_way(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != "Next"}


def test_only_slices_are_read_at_once():
    """As many as the stack's parameter says, which protects the source; the warehouse's steps have an order."""
    maps = {name: state for name, state in list_states(RUN).items() if state["Type"] == "Map"}
    assert maps.keys() == {*ONE_AT_A_TIME, "Extract the slices"}
    assert {name for name, state in maps.items() if state.get("MaxConcurrency") == 1} == ONE_AT_A_TIME
    assert maps["Extract the slices"]["MaxConcurrencyPath"] == "$.slice_concurrency"


@pytest.fixture(scope="module")
def template() -> Template:
    given = {
        "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source",
        "CopyRoleArn": "arn:aws:iam::123456789012:role/copy",
        "RedshiftClusterId": "warehouse",
    }
    return read_template(ROOT / "template.yaml", "stack", given)


def test_every_bad_ending_closes_the_run(template):
    """Failed, timed out and stopped: after each the lease is free and people are told, and a success calls nothing."""
    (rule,) = template.resources("AWS::Events::Rule").values()
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [template.resolve({"Ref": "RunStateMachine"})],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    }
    assert rule.get("State", "ENABLED") == "ENABLED"
    (target,) = rule["Targets"]
    assert target["Arn"] == template.resolve({"Fn::GetAtt": ["CloseFailedRunFunction", "Arn"]})


def test_a_bad_ending_that_reaches_nobody_is_kept(template):
    """The rule tries for two hours, then the function twice; what still fails waits in a queue for two weeks, with an alarm."""
    queue = template.resolve({"Fn::GetAtt": ["UndeliveredEventsQueue", "Arn"]})
    (rule,) = template.resources("AWS::Events::Rule").values()
    (target,) = rule["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 7200}
    assert target["DeadLetterConfig"] == {"Arn": queue}
    (calls,) = template.resources("AWS::Lambda::EventInvokeConfig").values()
    assert calls["FunctionName"] == template.resolve({"Ref": "CloseFailedRunFunction"})
    assert (calls["MaximumRetryAttempts"], calls["MaximumEventAgeInSeconds"]) == (2, 7200)
    assert calls["DestinationConfig"] == {"OnFailure": {"Destination": queue}}
    assert template.resources("AWS::SQS::Queue")["UndeliveredEventsQueue"]["MessageRetentionPeriod"] == 14 * 86_400


def test_a_schedule_that_cannot_start_a_run_is_tried_again(template):
    """Three times in a quarter of an hour; the event is then kept."""
    for name, schedule in template.resources("AWS::Scheduler::Schedule").items():
        retries = {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 900}
        assert schedule["Target"]["RetryPolicy"] == retries, name
