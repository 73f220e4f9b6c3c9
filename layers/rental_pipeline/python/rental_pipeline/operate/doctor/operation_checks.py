"""The operation's part of the doctor: the state machine and its last run, the schedules, whom it tells, what it may cost.

The work of the function check_operation, which may only look.
"""

from __future__ import annotations

import json
from typing import Any

import boto3

from rental_pipeline.base.settings import OperationCheckSettings
from rental_pipeline.operate.doctor.asking import asking
from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.operate.doctor.workgroup_checks import check_workgroup


def check_operation(settings: OperationCheckSettings) -> dict[str, Any]:
    """Look at what starts runs, at how the last one ended, at whom runs and alarms tell, and at what bounds the cost.

    Returns:
        `{"findings": [{"status", "check", "says"}, …]}`.
    """
    report, states = Report(), boto3.client("stepfunctions")
    with report.looking_at("state machine"):
        _check_state_machine(report, states, settings.state_machine_arn)
        _check_last_run(report, states, settings.state_machine_arn)
    with report.looking_at("schedules"):
        _check_schedules(report, settings)
    with report.looking_at("people told"):
        _check_topic(report, settings.topic_arn, "what a run published, and why it failed")
        _check_topic(report, settings.alarm_topic_arn, "alarms")
    if settings.redshift_workgroup:  # a provisioned cluster costs the same whatever is asked of it
        with report.looking_at("cost"):
            check_workgroup(report, settings.redshift_workgroup, settings.redshift_rpus)
    return {"findings": report.to_json()}


def _check_state_machine(report: Report, states: Any, arn: str) -> None:
    with asking(arn, "states:DescribeStateMachine"):
        machine = states.describe_state_machine(stateMachineArn=arn)
    if machine["status"] == "ACTIVE":
        report.ok("state machine", f"{machine['name']} is active")
    else:
        report.fail("state machine", f"{arn} is {machine['status'].lower()}: deploy the stack again, when it is gone")


def _check_last_run(report: Report, states: Any, arn: str) -> None:
    with asking(arn, "states:ListExecutions"):
        executions = states.list_executions(stateMachineArn=arn, maxResults=1)["executions"]
    if not executions:
        report.ok("last run", "none is on record: start the state machine with {}")
        return
    (last,) = executions
    status, began = last["status"], f"{last['startDate']:%Y-%m-%d %H:%M %Z}"
    if status in ("RUNNING", "SUCCEEDED"):
        report.ok("last run", f"{status.lower()}; it began at {began}")
    else:
        report.warn(
            "last run",
            f"{status.lower()}; it began at {began}: its mail says why, as does {last['executionArn']} in the console; what to do"
            ' is in docs/how-to/runbook.md, "A run failed"',
        )


def _check_schedules(report: Report, settings: OperationCheckSettings) -> None:
    scheduler, off = boto3.client("scheduler"), []
    for name in (settings.increment_schedule, settings.reconcile_schedule):
        with asking(f"the schedule {name}", "scheduler:GetSchedule"):
            schedule = scheduler.get_schedule(Name=name)
        if schedule["Target"]["Arn"] != settings.state_machine_arn:
            report.fail("schedules", f"{name} starts {schedule['Target']['Arn']}, not this state machine: deploy the stack again")
        elif schedule["State"] == "ENABLED":
            zone = schedule.get("ScheduleExpressionTimezone", "UTC")
            if name == settings.reconcile_schedule and not _compares_all(schedule["Target"].get("Input")):
                report.warn(
                    "schedules",
                    f"{name} does not compare all tables, so deletes in the others are never found: deploy the stack again, whose"
                    ' input is {"reconcile": true}',
                )
            else:
                report.ok("schedules", f"{name} is on: {schedule['ScheduleExpression']} ({zone})")
        else:
            off.append(name)
    if off:
        report.warn(
            "schedules",
            f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off, so nothing runs by itself: when a run has succeeded,"
            " deploy with ScheduleState=ENABLED (which also makes the alarms that miss a run)",
        )


def _compares_all(text: str | None) -> bool:
    """Whether a run with this input looks at every table whole."""
    try:
        given = json.loads(text or "{}")
    except ValueError:
        return False
    return isinstance(given, dict) and given.get("reconcile") is True and not given.get("tables")


def _check_topic(report: Report, arn: str, tells: str) -> None:
    with asking(arn, "sns:ListSubscriptionsByTopic"):
        subscriptions = boto3.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    confirmed = [each for each in subscriptions if each["SubscriptionArn"] != "PendingConfirmation"]
    if confirmed:
        report.ok("people told", f"of {tells}: {len(confirmed)} subscribed")
    elif subscriptions:
        report.warn("people told", f"of {tells}: nobody, until the link in AWS's mail is clicked (it may lie among the spam)")
    else:
        report.warn("people told", f"of {tells}: nobody; deploy with NotificationEmail=…, or subscribe to {arn}")
