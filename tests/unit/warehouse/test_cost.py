"""The estimate of a run's cost, computed by hand for small figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from local.standins.cloudformation.template import read_template
from rental_pipeline.warehouse import cost, executions
from rental_pipeline.warehouse.cost import CALLED, EXTRACTING, MEMORY_MB, SQL, Usage
from tests.permissions.needs import find_task_calls

ROOT = Path(__file__).parents[3]
PRICES = {
    "region": "nowhere-1",
    "date": date(2026, 11, 21),
    "redshift_rpu_hour": 0.36,
    "redshift_least_seconds": 60,
    "lambda_gb_second": 0.01,
    "lambda_request": 0.001,
    "state_transition": 0.02,
    "s3_put": 0.005,
    "glue_dpu_hour": 0.44,
    "glue_least_dpus": 2,
    "glue_least_seconds": 60,
}
USAGE = Usage(
    seconds=90,
    function_seconds={CALLED: 10, EXTRACTING: 0, SQL: 20},
    invocations=5,
    transitions=100,
    objects=4,
    redshift_seconds=100,
    redshift_rpus=8,
)


def price(usage: Usage) -> dict[str, float]:
    return {item.item: round(item.usd, 9) for item in cost.estimate_costs(usage, PRICES)}


def test_each_service_is_priced_by_its_own_figure():
    """10 s of 1 GB and 20 s of 0.5 GB; 8 RPUs for 100 s; two DPUs for as long as the run took."""
    assert price(USAGE) == {
        "lambda": 0.2,
        "lambda requests": 0.005,
        "step functions": 2.0,
        "s3": 0.02,
        "redshift": 0.08,
        "glue": 0.022,
    }


def test_redshift_and_glue_are_billed_for_a_minute_at_least():
    """A short burst costs as much as a minute; no statement at all costs nothing."""
    assert price(replace(USAGE, redshift_seconds=60, seconds=5)).items() >= {"redshift": 0.048, "glue": 0.014666667}.items()
    assert price(replace(USAGE, redshift_seconds=0))["redshift"] == 0


def test_a_cluster_costs_nothing_more():
    """It is paid for whether it is used or not."""
    assert "redshift" not in price(replace(USAGE, redshift_rpus=None))


def test_the_sentence_says_sum_parts_alternative_and_date():
    """Glue would replace all but Redshift."""
    rows = [{"item": c.item, "usd": f"{c.usd:.8f}", "replaces": c.replaces} for c in cost.estimate_costs(USAGE, PRICES)]
    assert cost.describe_costs(rows, PRICES) == (
        "Cost: about $2.3050 (step functions $2.0000, lambda $0.2000, redshift $0.0800, s3 $0.0200, lambda requests $0.0050);"
        " with a Glue job for as long instead, about $0.1020. Prices of nowhere-1, 2026-11-21."
    )


def at(seconds: float) -> datetime:
    return datetime(2026, 11, 21, 3, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("intervals", "billed"),
    [
        ([], 0),
        ([(0, 2)], 60),
        ([(0, 40), (20, 30), (50, 90)], 90),
        ([(95, 99), (0, 40)], 99),
        ([(0, 2), (62, 130)], 128),
        ([(0, 70), (200, 201)], 130),
    ],
)
def test_a_waking_is_billed_for_a_minute_at_least(intervals, billed):
    """By time, not by statement, and a pause of less than a minute with it: nobody sleeps so short."""
    assert cost.sum_billed_seconds(((at(start), at(end)) for start, end in intervals), 60) == billed


def make_history() -> list[dict]:
    """A state that calls a function for 3 s, then one that runs a SQL step for 5 s and fails; times in seconds."""

    def event(number, kind, second, previous, service=None):
        made = {"id": number, "type": kind, "timestamp": at(second), "previousEventId": previous}
        return made | ({"taskScheduledEventDetails": {"resourceType": service}} if service else {})

    return [
        event(1, "ExecutionStarted", 0, 0),
        event(2, "TaskStateEntered", 0, 1),
        event(3, "TaskScheduled", 1, 2, "lambda"),
        event(4, "TaskStarted", 2, 3),
        event(5, "TaskSucceeded", 4, 4),
        event(6, "TaskStateExited", 4, 5),
        event(7, "ChoiceStateEntered", 4, 6),
        event(8, "TaskStateEntered", 4, 7),
        event(9, "TaskScheduled", 4, 8, "states"),
        event(10, "TaskStarted", 4, 9),
        event(11, "TaskSubmitted", 4, 10),
        event(12, "TaskFailed", 9, 11),
    ]


def test_tasks_are_timed_from_schedule_to_end():
    """By the service called; failed ones too, since they are paid for."""
    assert cost.sum_task_seconds(make_history()) == {"lambda": [3.0], "states": [5.0]}


def test_each_state_entered_and_each_retry_is_a_transition():
    """Three states entered, and one task that was scheduled again."""
    history = make_history()
    assert executions.count_transitions(history) == 3
    assert executions.count_transitions([*history, {**history[8], "id": 13}]) == 4


@pytest.mark.parametrize(
    ("status", "is_news", "kind"),
    [("succeeded", True, "published"), ("unchanged", True, "unpublished"), ("planned", False, "unpublished")],
)
def test_transitions_to_come_are_those_of_the_state_machines(status, is_news, kind):
    """After the close is recorded, its step and then the run go on to their ends; a nested step takes three states."""
    run, step = (yaml.safe_load((ROOT / f"statemachine/{name}.asl.yaml").read_text())["States"] for name in ("run", "sql_step"))
    found = {"$.status": status, "$.is_news": is_news, "$.last.answer.status": "FINISHED"}
    steps = 1 + len(list(follow(step, step["Run the SQL"]["Next"], found)))
    assert steps == 3
    to_come = steps - 1
    for state in follow(run, run["Close the run"]["Next"], found):
        to_come += 1 + (steps if state.get("Resource") == "arn:aws:states:::states:startExecution.sync:2" else 0)
    assert to_come == cost.TRANSITIONS_TO_COME[kind]


def follow(states: dict, name: str, found: dict):
    """Yield the states from one to the end, by what a Choice finds."""
    while name:
        state = states[name]
        yield state
        matching = (
            rule["Next"]
            for rule in state.get("Choices", ())
            if found[rule["Variable"]] == rule.get("StringEquals", rule.get("BooleanEquals"))
        )
        name = next(matching, state.get("Default", state.get("Next")))


def test_the_memory_is_that_of_the_template():
    """A function that is given more memory costs more here, too."""
    template = read_template(
        ROOT / "template.yaml",
        "stack",
        {
            "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source-AbCdEf",
            "CopyRoleArn": "arn:aws:iam::123456789012:role/copy",
            "RedshiftClusterId": "warehouse",
        },
    )
    memory = {
        template.resolve({"Fn::GetAtt": [name, "Arn"]}): function["MemorySize"]
        for name, function in template.resources("AWS::Lambda::Function").items()
    }
    called = {
        machine: {
            memory[call.parameters["FunctionName"].removesuffix(":1")]  # it calls a version
            for call in find_task_calls(template.definition(ROOT, machine), "apartments")
            if call.service == "lambda"
        }
        for machine in ("RunStateMachine", "SqlStepStateMachine")
    }
    assert called["SqlStepStateMachine"] == {MEMORY_MB[SQL]}
    assert max(called["RunStateMachine"] - {MEMORY_MB[EXTRACTING]}) == MEMORY_MB[CALLED]
    assert memory[template.resolve({"Fn::GetAtt": ["ExtractSliceFunction", "Arn"]})] == MEMORY_MB[EXTRACTING]


def test_the_price_file_has_every_price_and_a_date():
    """And no other."""
    prices = cost.read_prices()
    assert prices.keys() == PRICES.keys()
    assert isinstance(prices["date"], date)
    assert all(value > 0 for name, value in prices.items() if name not in ("region", "date"))
