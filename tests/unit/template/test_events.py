"""events/: one sample event per function for `sam local invoke`, and inputs for reruns from the console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.standins.cloudformation.template import read_template
from local.standins.eventbridge.status_events import make_status_event, matches, read_rules
from rental_pipeline.model.contract import read_contract
from rental_pipeline.model.document import read_as
from rental_pipeline.model.run_request import RunInput, read_run_input
from rental_pipeline.model.table_plan import Slice
from rental_pipeline.operate.failed_run import explain_failure
from rental_pipeline.warehouse.run_step import STEPS

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "events"
INPUTS = sorted((EVENTS / "inputs").glob("*.json"))


def read(name: str) -> dict:
    return json.loads((EVENTS / name).read_text())


def test_every_function_has_a_sample_event():
    """And every sample event is of a function."""
    functions = {path.name for path in (ROOT / "functions").iterdir() if (path / "app.py").exists()}
    assert {path.stem for path in EVENTS.glob("*.json")} == functions


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_the_inputs_are_accepted(path):
    """What a person pastes into the console is what a run understands."""
    tables = read_contract(ROOT / "sql" / "apartments" / "source.yaml")
    assert isinstance(read_run_input(json.loads(path.read_text()), tables), RunInput)


def test_there_is_an_input_for_every_kind_of_rerun():
    """Each key that a run's input may have is shown."""
    shown = {key for path in INPUTS for key in json.loads(path.read_text())}
    keys = {
        "tables",
        "window",
        "reconcile",
        "rebuild",
        "replay",
        "erase",
        "dry_run",
        "as_of",
        "force_deletes",
        "started_by",
        "after_restore",
    }
    assert shown == keys
    assert read("inputs/incremental.json") == {}


def test_the_step_event_is_what_the_state_machine_sends():
    """Of a step that exists, with what that step needs."""
    event = read("run_sql.json")
    assert event["step"] in STEPS
    assert event["execution"].keys() == {"id", "name", "started_at"}


def test_the_slice_event_is_what_planning_writes():
    """An item of slices.json, with every field."""
    event = read("extract_slice.json")
    assert read_as(Slice, event).to_json() == event


def test_the_failure_event_is_what_eventbridge_sends():
    """It passes the rule of the template, and has the fields of the event that the local stack makes."""
    event = read("close_failed_run.json")
    template = read_template(
        ROOT / "template.yaml",
        "rental-pipeline",
        {
            "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
            "CopyRoleArn": "arn:aws:iam::123456789012:role/copy",
            "RedshiftClusterId": "warehouse",
        },
    )
    (rule,) = read_rules(lambda: template.resources("AWS::Events::Rule"))
    assert matches(rule.pattern, event)
    detail = event["detail"]
    made = make_status_event({**detail, "startDate": None, "stopDate": None})
    assert made.keys() == event.keys()
    assert made["detail"].keys() == detail.keys()


def test_the_failure_event_tells_a_cause_that_is_understood(monkeypatch):
    """Its cause is a function's error, as Step Functions passes it on."""
    monkeypatch.setattr("rental_pipeline.operate.failed_run._failed_state", lambda _arn: "Plan the run", raising=False)
    failure = explain_failure(read("close_failed_run.json")["detail"])
    assert failure.error == "FixConfiguration"
    assert "grant it" in failure.message
