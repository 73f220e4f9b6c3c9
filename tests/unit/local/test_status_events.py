"""Which events a rule's pattern lets pass (Amazon EventBridge User Guide, "Event patterns")."""

from __future__ import annotations

import pytest

from local.standins.eventbridge.status_events import Rule, matches, read_rules

PATTERN = {"source": ["aws.states"], "detail": {"status": ["FAILED", "ABORTED"], "stateMachineArn": ["machine"]}}


def event(**detail: str) -> dict:
    return {
        "source": "aws.states",
        "id": "1",
        "detail": {"status": "FAILED", "stateMachineArn": "machine", "name": "x", **detail},
    }


def test_every_named_field_must_have_one_of_the_values():
    """Fields that the pattern does not name do not matter."""
    assert matches(PATTERN, event())
    assert matches(PATTERN, event(status="ABORTED"))
    assert not matches(PATTERN, event(status="SUCCEEDED"))
    assert not matches(PATTERN, event(stateMachineArn="another"))
    assert not matches(PATTERN, {"source": "aws.states"})


def test_a_pattern_beyond_exact_values_is_refused():
    """Rather than taken for one that never fits."""
    with pytest.raises(ValueError, match="prefix"):
        matches({"source": [{"prefix": "aws."}]}, event())


def test_rules_that_are_off_are_left_out():
    """As EventBridge would not deliver to their targets."""
    rules = {
        "On": {"EventPattern": PATTERN, "Targets": [{"Arn": "function", "Id": "1"}]},
        "Off": {"EventPattern": PATTERN, "Targets": [], "State": "DISABLED"},
        "Timed": {"ScheduleExpression": "rate(1 day)", "Targets": []},
    }
    (rule,) = read_rules(lambda: rules)
    assert rule.targets == ("function",)


def test_a_rule_is_about_the_machines_of_its_pattern():
    """Of others no end is looked for; a pattern that names none is about all."""
    assert Rule(PATTERN, ()).may_be_about("machine")
    assert not Rule(PATTERN, ()).may_be_about("another")
    assert Rule({"source": ["aws.states"]}, ()).may_be_about("another")
