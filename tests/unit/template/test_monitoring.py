"""Alarms, dashboard and schedules of template.yaml: they watch what the code tells, and the runbook says what to do."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from local.standins.cloudformation.template import Template, read_template

ROOT = Path(__file__).parents[3]
RUNBOOK = (ROOT / "docs/how-to/runbook.md").read_text()
PARAMETERS = {
    "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source-AbCdEf",
    "CopyRoleArn": "arn:aws:iam::123456789012:role/copy",
    "RedshiftClusterId": "warehouse",
}
OUR_DIMENSIONS = {"service": "stack", "marketplace": "apartments"}


def read(**parameters: str) -> Template:
    return read_template(ROOT / "template.yaml", "stack", {**PARAMETERS, **parameters})


@pytest.fixture(scope="module")
def template() -> Template:
    return read(ScheduleState="ENABLED")


@pytest.fixture(scope="module")
def published() -> dict[str, set[str]]:
    """The metrics that the code publishes, with the dimensions that it names."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "layers/rental_pipeline/python").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_call = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("count", "seconds", "dollars")
            )
            if is_call and isinstance(node.args[0], ast.Constant):
                found[node.args[0].value] = {"service", *(keyword.arg for keyword in node.keywords)}
    return found


def list_alarm_metrics(alarm: dict) -> dict[str, tuple[dict, str, int]]:
    """Return an alarm's metrics (namespace, name, dimensions) with statistic and period, by their ids in its formula."""
    if "Metrics" not in alarm:
        return {"": ({key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}, alarm["Statistic"], alarm["Period"])}
    stats = {metric["Id"]: metric["MetricStat"] for metric in alarm["Metrics"] if "MetricStat" in metric}
    return {name: (stat["Metric"], stat["Stat"], stat["Period"]) for name, stat in stats.items()}


def read_dashboard(template: Template) -> dict:
    (dashboard,) = template.resources("AWS::CloudWatch::Dashboard").values()
    return json.loads(dashboard["DashboardBody"])


def list_dashboard_metrics(template: Template) -> list[tuple[str, str, dict[str, str]]]:
    """Return namespace, name and dimensions of each line of each graph, its `.` filled in."""
    metrics = []
    for widget in read_dashboard(template)["widgets"]:
        before: list[str] = []
        for line in widget["properties"].get("metrics", []):
            words = [word for word in line if isinstance(word, str)]
            words = [before[position] if word == "." else word for position, word in enumerate(words)]
            before = words
            if words:
                metrics.append((words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True))))
    return metrics


def test_alarms_watch_metrics_that_are_published(template, published):
    """With the dimensions they are published with; an alarm on any other would stay silent for ever."""
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    watched = [metric for alarm in alarms for metric, _, _ in list_alarm_metrics(alarm).values()]
    ours = [metric for metric in watched if metric["Namespace"] == "RentalPipeline"]
    assert {metric["MetricName"] for metric in ours} == {"RunsSucceeded", "WatermarkHeldBack", "ArchivedFilesMissing"}
    for metric in ours:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions == OUR_DIMENSIONS
        assert published[metric["MetricName"]] == dimensions.keys()


def test_the_dashboard_shows_metrics_that_are_published(template, published):
    """As for the alarms; and what it searches for exists too."""
    ours = [metric for metric in list_dashboard_metrics(template) if metric[0] == "RentalPipeline"]
    assert {name for _, name, _ in ours} >= {"RunsSucceeded", "RunSeconds", "WatermarkLag", "RunCost", "RowsRejected"}
    for _, name, dimensions in ours:
        assert dimensions == OUR_DIMENSIONS
        assert published[name] == dimensions.keys(), name
    searched = re.search(r"\{RentalPipeline,([a-z,]+)\} .*MetricName=\\\"(\w+)", json.dumps(read_dashboard(template)))
    assert published[searched[2]] == set(searched[1].split(","))


def test_the_metrics_are_those_of_this_stack(template):
    """The functions name their metrics after the stack, whose name the alarms ask for."""
    for function in template.resources("AWS::Lambda::Function").values():
        assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "stack"


def test_every_function_is_on_the_dashboard(template):
    """Its errors would else be seen by nobody."""
    shown = {
        d["FunctionName"]
        for namespace, name, d in list_dashboard_metrics(template)
        if (namespace, name) == ("AWS/Lambda", "Errors")
    }
    assert shown == {template.resolve({"Ref": function}) for function in template.resources("AWS::Lambda::Function")}


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_every_alarm_is_on_the_dashboard(state):
    """Those that a schedule brings, too."""
    template = read(ScheduleState=state)
    (shown,) = (widget["properties"]["alarms"] for widget in read_dashboard(template)["widgets"] if widget["type"] == "alarm")
    alarms = template.resources("AWS::CloudWatch::Alarm")
    assert sorted(shown) == sorted(template.resolve({"Fn::GetAtt": [alarm, "Arn"]}) for alarm in alarms)


def test_every_alarm_tells_people_what_to_do(template):
    """Its text is the mail: it names a heading of the runbook, which says what it means, what to look at, what to do."""
    for name, alarm in template.resources("AWS::CloudWatch::Alarm").items():
        (heading,) = re.findall(r'Runbook: docs/how-to/runbook.md, "([^"]+)"', alarm["AlarmDescription"])
        section = RUNBOOK.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        assert all(word in section for word in ("**Means:**", "**Look at", "**Do:**")), heading
        assert re.search(rf"\| `{name}` \| \[{heading}\]\(#{heading.lower().replace(' ', '-')}\) \|", RUNBOOK), name
        assert alarm["AlarmActions"] == [template.resolve({"Ref": "AlarmTopic"})]
        assert len(alarm["AlarmDescription"]) <= 1024  # CloudWatch's limit


def test_the_runbook_has_no_other_alarms(template):
    """One that was taken away leaves it."""
    listed = re.findall(r"^\| `(\w+)` \| \[[^]]+\]\(#[^)]+\) \|", RUNBOOK, re.MULTILINE)
    assert set(listed) == template.resources("AWS::CloudWatch::Alarm").keys()


def test_the_runbooks_inputs_are_inputs():
    """What a person copies from it is understood."""
    from rental_pipeline.model.run_request import read_run_input

    inputs = re.findall(r"`(\{[^`<]*\})`", RUNBOOK)
    assert len(inputs) > 5
    for text in inputs:
        read_run_input(json.loads(text), ["bookings"])


def test_a_missing_run_is_alarmed_only_where_runs_are_scheduled():
    """A stack that is started by hand would else complain every day."""
    watched = {"NoRunStartedAlarm", "NoRunSucceededAlarm"}
    assert watched <= read(ScheduleState="ENABLED").resources("AWS::CloudWatch::Alarm").keys()
    assert not watched & read(ScheduleState="DISABLED").resources("AWS::CloudWatch::Alarm").keys()


def test_silence_is_an_alarm_only_where_it_should_be(template):
    """No data means that nothing ran: bad for the two that miss runs, good for the others."""
    for name, alarm in template.resources("AWS::CloudWatch::Alarm").items():
        assert alarm["TreatMissingData"] == ("breaching" if name.startswith("NoRun") else "notBreaching")
        # PutMetricAlarm: periods of an hour may be evaluated over seven days at most.
        (period,) = {period for _, _, period in list_alarm_metrics(alarm).values()}
        assert int(alarm["EvaluationPeriods"]) * period <= 7 * 86_400


# What each alarm watches, and when it is raised: its statistic over so many seconds, against a threshold, in so many periods.
ALARMS = {
    "RunFailedAlarm": ("AWS/States", "failed + timed_out + aborted", "Sum", 300, "GreaterThanThreshold", 0, 1),
    "NoRunStartedAlarm": ("AWS/States", "FILL(started, 0)", "Sum", 3600, "LessThanThreshold", 1, 25),
    "NoRunSucceededAlarm": ("RentalPipeline", "FILL(succeeded, 0)", "Sum", 3600, "LessThanThreshold", 1, 30),
    "HeldBackAlarm": ("RentalPipeline", "WatermarkHeldBack", "Maximum", 3600, "GreaterThanThreshold", 21_600, 1),
    "ArchivedFilesMissingAlarm": ("RentalPipeline", "ArchivedFilesMissing", "Sum", 3600, "GreaterThanThreshold", 0, 1),
    "UndeliveredEventsAlarm": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 300, "GreaterThanThreshold", 0, 1),
}


def read_trigger(alarm: dict) -> tuple:
    """Return what an alarm watches and when it is raised, as in ALARMS."""
    metrics = list_alarm_metrics(alarm)
    ((namespace, statistic, period),) = {(metric["Namespace"], stat, period) for metric, stat, period in metrics.values()}
    formulas = [metric["Expression"] for metric in alarm.get("Metrics", []) if metric.get("ReturnData", True)]
    (what,) = formulas or [alarm["MetricName"]]
    watched = namespace, what, statistic, period
    return *watched, alarm["ComparisonOperator"], int(alarm["Threshold"]), int(alarm["EvaluationPeriods"])


def test_every_alarm_is_raised_by_what_it_is_for(template):
    """Too few runs is below its threshold, too many failures above: inverted, or by another statistic, none would be told."""
    alarms = template.resources("AWS::CloudWatch::Alarm")
    assert {name: read_trigger(alarm) for name, alarm in alarms.items()} == ALARMS


def test_all_bad_endings_of_a_run_are_counted(template):
    """Each term of the alarm's sum is the metric of its name, of the machine that runs are executions of."""
    metrics = template.resources("AWS::CloudWatch::Alarm")["RunFailedAlarm"]["Metrics"]
    counted = {metric["Id"]: metric["MetricStat"]["Metric"] for metric in metrics if "MetricStat" in metric}
    assert {name: metric["MetricName"] for name, metric in counted.items()} == {
        "failed": "ExecutionsFailed",
        "timed_out": "ExecutionsTimedOut",
        "aborted": "ExecutionsAborted",
    }
    machine = [{"Name": "StateMachineArn", "Value": template.resolve({"Ref": "RunStateMachine"})}]
    assert all(metric["Dimensions"] == machine for metric in counted.values())
    started, _, _ = list_alarm_metrics(template.resources("AWS::CloudWatch::Alarm")["NoRunStartedAlarm"])["started"]
    assert (started["MetricName"], started["Dimensions"]) == ("ExecutionsStarted", machine)


def evaluate(alarm: dict, points: dict[int, float]) -> str:
    """Return the state that CloudWatch gives an alarm on one metric below a threshold.

    Rules: CloudWatch User Guide, "How alarm state is evaluated when data is missing". It looks at more periods than it evaluates
    ("evaluation range"; as many as it likes), and where some of them have no data, takes the most recent that have.

    Args:
        points: The metric's value by how many periods ago it was.
    """
    periods = int(alarm["EvaluationPeriods"])
    is_filled = any(str(metric.get("Expression", "")).startswith("FILL(") for metric in alarm.get("Metrics", []))
    looked_at = range(periods + 5)
    known = {ago: points.get(ago, 0.0) if is_filled else points[ago] for ago in looked_at if is_filled or ago in points}
    if known.keys() >= set(range(periods)):
        values = [known[ago] for ago in range(periods)]
    else:
        values = [known[ago] for ago in sorted(known)][:periods]
    is_breaching = [value < int(alarm["Threshold"]) for value in values]
    is_breaching += [alarm["TreatMissingData"] == "breaching"] * (periods - len(values))
    return "ALARM" if all(is_breaching) else "OK"


@pytest.mark.parametrize(("name", "hours"), [("NoRunStartedAlarm", 25), ("NoRunSucceededAlarm", 30)])
@pytest.mark.parametrize(("ago", "state"), [([], "ALARM"), ([0], "OK"), ([-1], "OK"), ([1], "ALARM"), ([1, 4], "ALARM")])
def test_a_run_of_before_the_hours_does_not_count(template, name, hours, ago, state):
    """By CloudWatch's own rules: a run in the last of the hours does, one in the hour before it does not."""
    alarm = template.resources("AWS::CloudWatch::Alarm")[name]
    assert int(alarm["EvaluationPeriods"]) == hours
    assert evaluate(alarm, {hours - 1 + each: 1.0 for each in ago}) == state
    unfilled = {**alarm, "Metrics": []}
    assert evaluate(unfilled, {hours: 1.0}) == "OK"  # what the fill is for


def test_an_alarm_that_waits_for_a_run_tells_its_end(template):
    """Those of missing runs tell when all is well again; the others are about one event."""
    for name, alarm in template.resources("AWS::CloudWatch::Alarm").items():
        assert alarm.get("OKActions") == (alarm["AlarmActions"] if name.startswith("NoRun") else None), name


def test_alarms_can_reach_their_topic(template):
    """CloudWatch may not use the AWS-managed key (CloudWatch User Guide, "Notifying users on alarm changes")."""
    topics = template.resources("AWS::SNS::Topic")
    assert "KmsMasterKeyId" not in topics["AlarmTopic"]
    assert "KmsMasterKeyId" in topics["NotificationTopic"]


def test_schedules_send_the_inputs_that_are_shown(template):
    """Each input is that of a file of events/inputs, in the time zone that was chosen, tried again, and kept when undelivered."""
    files = {json.dumps(json.loads(path.read_text())): path.stem for path in (ROOT / "events/inputs").glob("*.json")}
    schedules = read(ScheduleTimezone="Europe/Berlin").resources("AWS::Scheduler::Schedule")
    sent = {files[json.dumps(json.loads(schedule["Target"]["Input"]))] for schedule in schedules.values()}
    assert sent == {"scheduled", "scheduled_reconcile"}
    for schedule in schedules.values():
        assert schedule["State"] == "DISABLED"  # until a person has switched it on
        assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert schedule["Target"]["DeadLetterConfig"]["Arn"] == template.resolve(
            {"Fn::GetAtt": ["UndeliveredEventsQueue", "Arn"]}
        )


def test_the_doctor_looks_at_the_schedules_there_are(template):
    """By their names, all of them, and may read no other."""
    names = {schedule["Name"] for schedule in template.resources("AWS::Scheduler::Schedule").values()}
    doctor = template.resources("AWS::Lambda::Function")["CheckOperationFunction"]["Environment"]["Variables"]
    assert {value for name, value in doctor.items() if name.endswith("_SCHEDULE")} == names
