"""statemachine/*.asl.yaml: every state can be reached and left, and nothing is caught."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "statemachine"
MACHINES = sorted(FOLDER.glob("*.asl.yaml"))
LAMBDA = "arn:aws:states:::lambda:invoke"
NESTED = "arn:aws:states:::states:startExecution.sync:2"


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def levels(definition: dict) -> Iterator[dict]:
    """The machine and each map's inner one: what has `StartAt` and `States`."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from levels(state["ItemProcessor"])


def states(definition: dict) -> Iterator[tuple[str, dict]]:
    for level in levels(definition):
        yield from level["States"].items()


def targets(state: dict) -> set[str]:
    return {state[key] for key in ("Next", "Default") if key in state} | {rule["Next"] for rule in state.get("Choices", [])}


each_machine = pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.name)


@each_machine
def test_every_state_is_reached(path):
    """No state is left over from an edit."""
    for level in levels(read(path)):
        reached, todo = set(), [level["StartAt"]]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo += targets(level["States"][name])  # a KeyError here is a Next that points nowhere
        assert reached == level["States"].keys()


@each_machine
def test_every_state_is_left_or_ends(path):
    """A state that neither goes on nor ends is refused by AWS, but not by every linter."""
    for name, state in states(read(path)):
        ends = state["Type"] in ("Succeed", "Fail") or state.get("End") is True
        assert ends != bool(targets(state)), name


@each_machine
def test_nothing_is_caught(path):
    """A caught failure has left its state, and Redrive could no longer resume it."""
    assert not [name for name, state in states(read(path)) if "Catch" in state or state["Type"] == "Fail"]


@each_machine
def test_every_function_call_is_bounded(path):
    """Step Functions would else wait for 99,999,999 seconds."""
    for name, state in states(read(path)):
        if state.get("Resource") == LAMBDA:
            assert state["TimeoutSeconds"] <= 930, name


@each_machine
def test_the_machine_is_bounded(path):
    """An execution that hangs ends, and then the failure is told."""
    assert 0 < read(path)["TimeoutSeconds"] <= 86_400


def test_a_task_outlasts_its_function():
    """Lambda reports its own timeout, by a name that is tried again; Step Functions' would not be."""
    template = (FOLDER.parent / "template.yaml").read_text()
    limits = {}
    for block in template.split("Type: AWS::Serverless::Function")[1:]:
        code, timeout = block.split("CodeUri: functions/")[1].split("/")[0], int(block.split("Timeout: ")[1].split()[0])
        limits["".join(word.title() for word in code.split("_")) + "FunctionArn"] = timeout
    for path in MACHINES:
        for name, state in states(read(path)):
            if state.get("Resource") == LAMBDA:
                function = state["Parameters"]["FunctionName"].strip("${}")
                assert limits[function] < state["TimeoutSeconds"] <= limits[function] + 60, name


def test_nested_executions_may_be_started_again():
    """A closed name is refused for 90 days, and holds at most 80 characters: a fixed word and a UUID."""
    for name, state in states(read(FOLDER / "run.asl.yaml")):
        if state.get("Resource") == NESTED:
            event = state["Parameters"]["Input"]
            step = event.get("step") or event["steps"][0]
            assert state["Parameters"]["Name.$"] == f"States.Format('{step}-{{}}', States.UUID())", name
            assert len(step) + 1 + 36 <= 80


def test_results_of_nested_executions_are_trimmed():
    """The answer of a nested execution holds its whole input and output; only the fields that are used go on."""
    for name, state in states(read(FOLDER / "run.asl.yaml")):
        if state.get("Resource") == NESTED:
            assert "ResultSelector" in state or state["ResultPath"] is None, name


def test_the_slices_do_not_weigh_on_the_history():
    """A Distributed Map from S3 whose children return null, as standard workflows (express ones end after five minutes)."""
    extract = read(FOLDER / "run.asl.yaml")["States"]["Extract the slices"]
    assert extract["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert extract["ItemReader"]["Resource"] == "arn:aws:states:::s3:getObject"
    assert extract["ResultPath"] is None
    children = extract["ItemProcessor"]["States"]
    assert children["Extract a slice"]["OutputPath"] == "$.Payload.rest"
    assert children["Slice complete?"]["Choices"] == [{"Variable": "$", "IsNull": False, "Next": "Extract a slice"}]
    assert children["Slice read"] == {"Type": "Succeed"}
    assert not [key for key in extract if key.startswith("ToleratedFailure")]


def test_the_files_are_plain_yaml():
    """AWS reads these files itself, and its YAML knows no anchors and aliases."""
    for path in MACHINES:
        tokens = yaml.scan(path.read_text())
        assert not [token for token in tokens if isinstance(token, yaml.AnchorToken | yaml.AliasToken)], path.name


def test_every_step_of_the_machine_is_known_to_the_function():
    """The steps of the state machine are those that run_sql composes."""
    from rental_pipeline.warehouse.run_step import STEPS

    inputs = [s["Parameters"]["Input"] for _, s in states(read(FOLDER / "run.asl.yaml")) if s.get("Resource") == NESTED]
    steps = [step for each in inputs for step in each.get("steps", [each.get("step")])]
    assert sorted(steps) == sorted(STEPS)
