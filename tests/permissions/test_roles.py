"""Every role of the template may do what it does in good and bad runs, and nothing else.

The calls are those of executions on the one-machine stack, logged in the processes of the functions and of COPY, and those of the
schedules and the state machines' definitions, whose targets are fixed. The stand-ins enforce no policies: without this, a missing
permission would first show on AWS.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import ROOT, Stack
from local.standins.call_log import AwsCall, read_calls
from local.standins.cloudformation.template import Template
from tests.end_to_end.conftest import RETRY_PACE, change_source, held_before_loading, query_warehouse, run
from tests.permissions.iam import Grant, Need, is_allowed, read_grants
from tests.permissions.needs import find_needs, find_schedule_needs, find_task_calls

pytestmark = pytest.mark.slow  # good and bad runs on a stack of its own; tests/unit/template/test_rights.py reads the roles

MACHINE_ROLES = {"RunStateMachine": "RunStateMachineRole", "SqlStepStateMachine": "SqlStepStateMachineRole"}
COPY = "copy"

# Permissions that no visible call needs: role (* = all), action, what the resource holds, and who needs it.
LOGS = "Lambda writes the function's log lines with its role (Lambda Developer Guide, Execution role)"
TRACES = "Lambda, or Step Functions, sends traces with the role (X-Ray Developer Guide)"
SAMPLING = "Step Functions asks which executions to trace (Step Functions Developer Guide, Tracing with X-Ray)"
NESTED = "Step Functions waits for a nested execution, and stops it with its parent (IAM policies for calling Step Functions)"
MAP = "a Distributed Map starts, stops and redrives its children as its own machine (IAM policies for Distributed Map)"
NOT_FOUND = "S3 tells a deleted object from a denied one only to who may list (API reference, GetObject); here none is deleted"
UNFINISHED = "awswrangler gives up a multipart upload that failed; here none fails"
COPY_LOOKS = "Redshift's COPY looks for the bucket and its region itself (Database Developer Guide, COPY from Amazon S3)"
DELIVERY = "Lambda sends events whose function kept failing to the queue (Lambda Developer Guide, Adding a destination)"
SWEEP = "what no reader of the lake has been shown for a day is deleted; here nothing is that old"
EXECUTION_LOGS = "Step Functions sets up the delivery of an execution's log (Developer Guide, Using CloudWatch Logs)"
DELIVER = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
EXCEPTIONS = [
    ("*", "logs:CreateLogStream", "", LOGS),
    ("*", "logs:PutLogEvents", "", LOGS),
    ("*", "xray:PutTraceSegments", "", TRACES),
    ("*", "xray:PutTelemetryRecords", "", TRACES),
    ("*", "xray:GetSamplingRules", "", SAMPLING),
    ("*", "xray:GetSamplingTargets", "", SAMPLING),
    *((role, action, "", EXECUTION_LOGS) for role in ("RunStateMachineRole", "SqlStepStateMachineRole") for action in DELIVER),
    ("RunStateMachineRole", "events:PutTargets", "", NESTED),
    ("RunStateMachineRole", "events:PutRule", "", NESTED),
    ("RunStateMachineRole", "events:DescribeRule", "", NESTED),
    ("RunStateMachineRole", "states:DescribeExecution", "-sql-step:", NESTED),
    ("RunStateMachineRole", "states:StopExecution", "-sql-step:", NESTED),
    ("RunStateMachineRole", "states:StartExecution", "-run", MAP),
    ("RunStateMachineRole", "states:DescribeExecution", "-run/", MAP),
    ("RunStateMachineRole", "states:StopExecution", "-run/", MAP),
    ("RunStateMachineRole", "states:RedriveExecution", "-run/", MAP),
    ("WriteReportRole", "s3:ListBucket", "", NOT_FOUND),
    ("ExtractSliceRole", "s3:AbortMultipartUpload", "", UNFINISHED),
    ("WarehouseRole", "sqs:SendMessage", "", DELIVERY),
    ("SwitchCatalogueRole", "s3:DeleteObject", "/lake/", SWEEP),
    (COPY, "s3:ListBucket", "", COPY_LOOKS),
    (COPY, "s3:GetBucketLocation", "", COPY_LOOKS),
]


@dataclass(frozen=True)
class Observed:
    """What was called, and what is allowed, by role's logical id (`copy`: the role that COPY takes)."""

    calls: dict[str, set[Need]]
    grants: dict[str, list[Grant]]
    history: list[AwsCall]


def run_all_kinds(stack: Stack) -> None:
    """Let the doctor look; run well, compare, erase, replay, twice at once, stopped, broken in a slice: so all calls are seen."""
    for function in ("CheckWarehouseFunction", "CheckSourceFunction", "CheckOperationFunction"):
        findings = json.loads(stack.invoke(function, {}).payload)["findings"]
        assert [finding for finding in findings if finding["status"] == "fail"] == []
    run(stack)
    change_source(stack, "delete from bookings order by booking_id desc limit 1")
    run(stack, {"reconcile": True})
    run(stack, {"erase": ["user_viewing"]})
    run(stack, {"replay": True, "tables": ["bookings"]})
    _change_a_booking(stack)
    both = [stack.start_execution({}), stack.start_execution({})]
    assert [execution.wait().status for execution in both] == ["SUCCEEDED", "SUCCEEDED"]
    _change_a_booking(stack)
    _stop_while_loading(stack)
    # A text that Redshift cannot hold: closing the run looks into the map's children.
    change_source(stack, "alter table bookings add column note mediumtext")
    change_source(stack, "update bookings set note = repeat('x', 70000) order by booking_id limit 1")
    assert stack.start_execution({}).wait().status == "FAILED"


def _change_a_booking(stack: Stack) -> None:
    change_source(stack, "update bookings set num_guests = num_guests + 1 order by booking_id limit 1")


def _stop_while_loading(stack: Stack) -> None:
    ((newest,),) = query_warehouse(stack, "select max(run_sequence) from apartments_control.run")
    execution = stack.start_execution({})
    cancelled = {"StatementName": f"apartments/{newest + 1:06d}/", "Status": "ABORTED"}
    with held_before_loading(stack, newest + 1):
        execution.stop()
        deadline = time.monotonic() + 120
        while not stack.warehouse.client().list_statements(**cancelled)["Statements"]:
            assert time.monotonic() < deadline, "the statement was not cancelled"
            time.sleep(0.1)
    execution.wait()


def read_histories(stack: Stack) -> Iterator[AwsCall]:
    """Return the calls that the executions' histories show, which the definitions must have told before."""
    states = stack.aws.client("stepfunctions")
    kinds = {
        ("lambda", "invoke"): ("lambda", "Invoke", "FunctionName", "FunctionName"),
        ("sns", "publish"): ("sns", "Publish", "TopicArn", "TopicArn"),
        ("states", "startExecution.sync:2"): ("stepfunctions", "StartExecution", "StateMachineArn", "stateMachineArn"),
    }
    for machine in stack.deployment.state_machines.values():
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
            for execution in page["executions"]:
                for event in states.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)["events"]:
                    if task := event.get("taskScheduledEventDetails"):
                        service, operation, given, name = kinds[task["resourceType"], task["resource"]]
                        parameters = {key[0].upper() + key[1:]: value for key, value in json.loads(task["parameters"]).items()}
                        yield AwsCall(service, operation, {name: parameters[given]})


def read_role_grants(template: Template) -> dict[str, list[Grant]]:
    """Return what each role's own policies allow, and what the bucket's policy allows the role of COPY."""
    bucket_statements = [
        statement
        for properties in template.resources("AWS::S3::BucketPolicy").values()
        for statement in properties["PolicyDocument"]["Statement"]
    ]
    grants = {COPY: read_grants(bucket_statements, principal=template.parameters["CopyRoleArn"])}
    for role, properties in template.resources("AWS::IAM::Role").items():
        assert not properties.get("ManagedPolicyArns"), f"{role}: what a managed policy allows is not seen here"
        own = [statement for policy in properties.get("Policies", []) for statement in policy["PolicyDocument"]["Statement"]]
        everybodys = read_grants(bucket_statements, principal=template.resolve({"Fn::GetAtt": [role, "Arn"]}))
        grants[role] = [*read_grants(own), *(grant for grant in everybodys if grant.effect == "Deny")]
    return grants


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    """Runs of all kinds on a stack of its own, with every call logged."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as folder,
        Stack(Path(folder), retry_pace=RETRY_PACE, log_calls=True) as stack,
    ):
        with closing(stack.source.connect()) as connection:
            create_sample_schema(connection, "apartments")
            fill(connection, scale=0.0001, seed=3, anchor=datetime.now(UTC).date())
        run_all_kinds(stack)
        template, history = stack.deployment.template, list(read_histories(stack))
        calls = {path.stem: list(read_calls(path)) for path in stack.call_logs.iterdir()}
    logical_ids = {template.resolve({"Ref": role}): role for role in template.resources("AWS::IAM::Role")}
    calls = {logical_ids.get(name, name): found for name, found in calls.items()}
    for machine, role in MACHINE_ROLES.items():
        calls[role] = list(find_task_calls(template.definition(ROOT, machine), stack.marketplace))
    needs = {role: {need for call in found for need in find_needs(call, template.parameters)} for role, found in calls.items()}
    for schedule in template.resources("AWS::Scheduler::Schedule").values():
        role = logical_ids[schedule["Target"]["RoleArn"].rpartition("/")[2]]
        needs[role] = needs.get(role, set()) | set(find_schedule_needs(schedule))
    yield Observed(needs, read_role_grants(template), history)


def test_every_call_is_allowed(observed):
    """A call without a permission would be denied on AWS."""
    denied = [
        f"{role}: {need}"
        for role, needs in observed.calls.items()
        for need in sorted(needs, key=str)
        if not is_allowed(need, observed.grants[role])
    ]
    assert denied == []


def test_every_permission_is_used(observed):
    """A permission that no call needs is taken away, or is among the exceptions, with its reason."""
    unused = [
        f"{role}: {grant}"
        for role, grants in observed.grants.items()
        for grant in grants
        if grant.effect == "Allow"
        and not any(grant.covers(need) for need in observed.calls.get(role, ()))
        and not any(is_exception(role, grant, exception) for exception in EXCEPTIONS)
    ]
    assert unused == []


def is_exception(role: str, grant: Grant, exception: tuple[str, str, str, str]) -> bool:
    roles, action, part, _reason = exception
    return roles in ("*", role) and grant.action == action and part in grant.resource


def test_every_exception_is_needed(observed):
    """One whose permission is gone, or is used by a visible call everywhere, leaves the list."""
    superfluous = [
        exception
        for exception in EXCEPTIONS
        if not any(
            is_exception(role, grant, exception) and not any(grant.covers(need) for need in observed.calls.get(role, ()))
            for role, grants in observed.grants.items()
            for grant in grants
        )
    ]
    assert superfluous == []


def test_all_roles_were_seen_at_work(observed):
    """No role escapes: each one of the template made calls."""
    assert {role for role, needs in observed.calls.items() if needs} == observed.grants.keys()


def test_the_definitions_tell_all_calls_of_the_machines(observed):
    """What the executions' histories show was found in the definitions."""
    assert len(observed.history) > 50
    told = observed.calls["RunStateMachineRole"] | observed.calls["SqlStepStateMachineRole"]
    assert {need for call in observed.history for need in find_needs(call, {})} <= told


@pytest.mark.parametrize("permission", ["redshift-data:CancelStatement", "states:ListExecutions", "sns:Publish"])
def test_a_missing_permission_is_noticed(observed, permission):
    """Had a role one permission less, its call would be denied here."""
    needs = [need for need in observed.calls["WarehouseRole"] if need.action == permission]
    remaining = [grant for grant in observed.grants["WarehouseRole"] if grant.action != permission]
    assert needs
    assert not any(is_allowed(need, remaining) for need in needs)
