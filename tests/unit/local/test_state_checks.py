"""Each state of both machines, by itself, with a mocked result: what it calls with, what it leaves, and where it goes on.

The checks are those that `make certify` puts to TestState in AWS. Here our engine answers.
"""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from local.commands.certify.state_checks import CONTEXT, FAILED, RUN, SQL_STEP, STATE_CHECKS, StateCheck, settle, simplify
from local.standins.step_functions.language import LAMBDA, NESTED, SERVICE, SNS, walk_states
from local.standins.step_functions.single_state import try_state
from rental_pipeline.model.document import read_as
from rental_pipeline.model.events import ChangeDetection, PlanEvent, PlanSummary, RunEvent
from rental_pipeline.model.table_plan import Slice
from tests.fixtures.executions import read_definition

# The API whose answer a task gives on, and what of it Step Functions makes JSON of, which is text or bytes in the model.
APIS = {
    LAMBDA: ("lambda", "Invoke", {"Payload"}),
    NESTED: ("stepfunctions", "DescribeExecution", {"Input", "Output", "StartDate", "StopDate"}),
    SNS: ("sns", "Publish", set()),
}
PYTHON = {"string": str, "integer": int, "boolean": bool}


def find_states(machine: str) -> dict[str, dict[str, Any]]:
    return dict(walk_states(read_definition(machine)))


def targets(state: dict[str, Any]) -> set[str]:
    return {state[key] for key in ("Next", "Default") if key in state} | {rule["Next"] for rule in state.get("Choices", [])}


each_check = pytest.mark.parametrize("check", STATE_CHECKS, ids=lambda check: check.name)


@each_check
def test_a_state_does_what_it_has_to(check: StateCheck):
    """What it is given, asks, leaves, and where it goes on; or that it fails."""
    state = settle(find_states(check.machine)[check.state])
    tested = try_state(check.state, state, check.given, CONTEXT, check.result, check.items)
    if check.following == FAILED:
        assert (tested.status, tested.error) == ("FAILED", "States.NoChoiceMatched")
        return
    assert tested.status == "SUCCEEDED", tested.cause
    assert tested.following == check.following
    assert tested.output == check.output
    assert simplify(tested.asked) == check.asked


@pytest.mark.parametrize("machine", [RUN, SQL_STEP])
def test_every_state_and_every_way_out_of_it_has_a_check(machine):
    """A state that is added, or another branch of a choice, has to get one."""
    checked: dict[str, set[str]] = {}
    for check in STATE_CHECKS:
        if check.machine == machine:
            checked.setdefault(check.state, set()).update({check.following} - {None, FAILED})
    assert checked == {name: targets(state) for name, state in find_states(machine).items()}


def test_a_choice_without_a_default_has_a_check_that_fails():
    """Nobody goes on from an answer that is not known."""
    for machine in (RUN, SQL_STEP):
        for name, state in find_states(machine).items():
            if state["Type"] == "Choice" and "Default" not in state:
                assert any((each.machine, each.state, each.following) == (machine, name, FAILED) for each in STATE_CHECKS), name


def assert_fits(value: Any, shape: Shape, where: str, is_json: set[str] = frozenset()) -> None:
    """A value has the fields of a shape, in Step Functions' spelling, with values of their types; required ones are there."""
    if shape.type_name == "structure":
        members = {name[0].upper() + name[1:]: member for name, member in shape.members.items()}
        required = {name[0].upper() + name[1:] for name in shape.required_members}
        assert value.keys() <= members.keys(), f"{where}: no such fields in {shape.name}: {value.keys() - members.keys()}"
        assert required <= value.keys(), f"{where}: {shape.name} always has {required - value.keys()}"
        for name, each in value.items():
            if name not in is_json:
                assert_fits(each, members[name], f"{where}.{name}")
    else:
        assert isinstance(value, PYTHON[shape.type_name]), f"{where} is {value!r}, not a {shape.type_name}"
        assert not getattr(shape, "enum", None) or value in shape.enum, f"{where} is {value!r}, none of {shape.enum}"


@each_check
def test_a_mock_has_the_shape_of_what_is_called(check: StateCheck):
    """As TestState's strict validation would have it."""
    state = find_states(check.machine)[check.state]
    if state["Type"] == "Map":
        assert isinstance(check.result, list) and len(check.result) == len(check.asked)
        return
    if state["Type"] != "Task":
        assert check.result is None
        return
    service, operation, is_json = APIS[state["Resource"].removeprefix(SERVICE)]
    model = botocore.session.get_session().get_service_model(service)
    assert_fits(check.result, model.operation_model(operation).output_shape, check.name, is_json)


def test_mocks_and_events_are_those_of_the_functions():
    """What is in them parses as the types that the functions read and return."""
    found = {check.name: check for check in STATE_CHECKS}
    assert read_as(ChangeDetection, found["run: Detect changes"].result["Payload"]).status == "open"
    assert read_as(PlanSummary, found["run: Plan the run"].result["Payload"]).slice_count == 2
    assert read_as(PlanEvent, found["run: Detect changes"].asked["Payload"]).run_sequence is None
    assert read_as(PlanEvent, found["run: Plan the run"].asked["Payload"]).run_sequence == 7
    assert read_as(Slice, found["run: Extract a slice (complete)"].asked["Payload"]).table == "bookings"
    for name in ("Write the manifests", "Switch the catalogue", "Write the report"):
        assert read_as(RunEvent, found[f"run: {name}"].asked["Payload"]).run_sequence == 7
