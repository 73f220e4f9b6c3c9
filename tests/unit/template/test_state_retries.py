"""How often every state of both state machines is tried again, how long it may take, and who is told when that did not help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.standins.cloudformation.template import Template, read_template
from tests.fixtures.executions import RUN, SQL_STEP, list_states

ROOT = Path(__file__).parents[3]
# What may pass by itself: the project's own error of that meaning, and Lambda's (AWS Step Functions Developer Guide, "Handling
# errors in Step Functions workflows"). An error that asks a person to mend something is in none.
MAY_PASS = [
    "RetryLater",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
]
# The times that a function is called again before its state fails, and the seconds after which it counts as lost.
CALLS = {
    (RUN, "Plan the run"): (4, 330),
    (RUN, "Extract a slice"): (4, 930),
    (RUN, "Write the manifests"): (4, 930),
    (RUN, "Switch the catalogue"): (4, 330),
    (RUN, "Archive the slices"): (4, 930),
    (RUN, "Look at the source"): (4, 330),
    (RUN, "Write the report"): (4, 90),
    (SQL_STEP, "Run the SQL"): (5, 150),
}
# Steps one after the other, as one may read what another wrote; a slice reads the source, and as many as the stack's parameter.
ONE_AT_A_TIME = {"Replay raw tables", "Load raw tables", "Build curated tables", "Stage the metrics"}


def is_call(state: dict[str, Any]) -> bool:
    return state.get("Resource") == "arn:aws:states:::lambda:invoke"


@pytest.mark.parametrize("machine", [RUN, SQL_STEP])
def test_every_call_of_a_function_is_tried_again(machine):
    """After 5 seconds, then twice as many each time up to two minutes, and at random times within: not all slices at once."""
    calls = {(machine, name): state for name, state in list_states(machine).items() if is_call(state)}
    assert {call: (state["Retry"][0]["MaxAttempts"], state["TimeoutSeconds"]) for call, state in calls.items()} == {
        call: limits for call, limits in CALLS.items() if call[0] == machine
    }
    for call, state in calls.items():
        (rule,) = state["Retry"]
        assert rule == {
            "ErrorEquals": MAY_PASS,
            "IntervalSeconds": 5,
            "BackoffRate": 2,
            "MaxAttempts": CALLS[call][0],
            "MaxDelaySeconds": 120,
            "JitterStrategy": "FULL",
        }, call


@pytest.mark.parametrize("machine", [RUN, SQL_STEP])
def test_nothing_else_is_tried_again_and_nothing_is_caught(machine):
    """A nested execution tries its own function again; a state that fails stays failed, for Redrive."""
    for name, state in list_states(machine).items():
        assert "Catch" not in state, name
        assert is_call(state) or "Retry" not in state, name


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
