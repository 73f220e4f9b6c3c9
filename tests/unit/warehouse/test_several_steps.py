"""Several steps of one event: one after the other, each by its own name, over as many invocations as they take."""

from __future__ import annotations

from typing import Any

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.warehouse import run_step
from rental_pipeline.warehouse.data_api import StatementFailed, Submission, is_of_one_statement
from rental_pipeline.warehouse.run_step import name_steps

EVENT = {"step": "load", "names": ["users", "bookings"], "run_sequence": 7}
RUNNING = {"status": "RUNNING", "wait_seconds": 20, "progress": {"submission": 1, "statement": "s"}}


class Steps:
    """What single steps answer, in turn, and with which events they were called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any] | Exception) -> None:
        self.events: list[dict[str, Any]] = []
        self._answers = list(answers)
        monkeypatch.setattr(run_step, "_run_single_step", self._run)

    def _run(self, event: dict[str, Any], settings: Any, remaining_seconds: Any) -> dict[str, Any]:
        self.events.append(event)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def made(self) -> list[tuple[str, str | None, Any]]:
        return [(event["step"], event["name"], event["progress"]) for event in self.events]


def finished(**result: Any) -> dict[str, Any]:
    return {"status": "FINISHED", "result": result}


def call(event: dict[str, Any], seconds: float = 140) -> dict[str, Any]:
    return run_step.run_step(event, None, lambda: seconds)


def test_all_are_made_in_their_order_and_the_last_one_answers(monkeypatch):
    steps = Steps(monkeypatch, finished(rows=1), finished(rows=2))
    assert call(EVENT) == finished(rows=2)
    assert steps.made == [("load", "users", None), ("load", "bookings", None)]


def test_steps_of_different_kinds(monkeypatch):
    steps = Steps(monkeypatch, finished(), finished(warnings=1))
    assert call({"steps": ["stage", "check"], "run_sequence": 7}) == finished(warnings=1)
    assert steps.made == [("stage", None, None), ("check", None, None)]


def test_one_that_outlasts_the_invocation_is_gone_on_with(monkeypatch):
    """With its own progress; what was made before it is not made again."""
    steps = Steps(monkeypatch, finished(), RUNNING, finished(rows=2))
    answer = call(EVENT)
    assert answer == {**RUNNING, "progress": {"number": 1, "of_step": RUNNING["progress"]}}
    assert call({**EVENT, "progress": answer["progress"]}) == finished(rows=2)
    assert steps.made[2:] == [("load", "bookings", RUNNING["progress"])]


def test_none_begins_when_the_time_is_nearly_up(monkeypatch):
    """The next invocation begins it."""
    steps = Steps(monkeypatch, finished(), finished(rows=2))
    answer = call(EVENT, seconds=20)
    assert answer == {"status": "RUNNING", "wait_seconds": 1, "progress": {"number": 1}}
    assert len(steps.made) == 1
    assert call({**EVENT, "progress": answer["progress"]}, seconds=20) == finished(rows=2)


def test_nothing_to_make_is_finished(monkeypatch):
    Steps(monkeypatch)
    assert call({**EVENT, "names": []}) == finished()


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("the plan has no such table", "step load bookings: the plan has no such table"),
        ("step load bookings: x", "step load bookings: x"),
    ],
)
def test_a_failure_names_the_step(monkeypatch, message, told):
    """Once; its kind is kept, and nothing behind it is made."""
    steps = Steps(monkeypatch, finished(), FixData(message))
    with pytest.raises(FixData) as failure:
        call({**EVENT, "names": ["users", "bookings", "rooms"]})
    assert str(failure.value) == told and len(steps.made) == 2


def test_a_single_step_tells_its_failure_itself(monkeypatch):
    Steps(monkeypatch, FixData("no"))
    with pytest.raises(FixData, match=r"^no$"):
        call({"step": "publish", "run_sequence": 7})


@pytest.mark.parametrize("field", ["steps", "names"])
def test_a_word_is_no_list(field):
    """It would be taken for its letters."""
    with pytest.raises(FixConfiguration, match=f"{field} must be a list, not 'bookings'"):
        call({"step": "load", field: "bookings", "run_sequence": 7})


def test_steps_have_the_names_of_messages():
    assert name_steps(EVENT) == ["load users", "load bookings"]
    assert name_steps({"step": "publish"}) == ["publish"]


class FailingApi:
    """Fails the part of this label, and notes what was sent."""

    def __init__(self, label: str | None) -> None:
        self._label, self.sent = label, []

    def submit(self, name: str, part: Submission, execution_id: str) -> str:
        self.sent.append(part.label)
        return part.label

    def finish(self, statement: str) -> None:
        if statement == self._label:
            raise StatementFailed("ERROR: division by zero")


class Request:
    title, execution_id = "stage", "arn"


PARTS = tuple(Submission(label, ("select 1",)) for label in ("nights", "bookings", "guests"))


def test_of_what_shares_a_request_the_part_that_fails_is_named():
    """Found by making one after the other; those behind it are not made."""
    api = FailingApi("bookings")
    with pytest.raises(FixConfiguration, match=r"^step stage bookings: ERROR: division by zero"):
        run_step._find_failing_part(Request(), api, run_step.Step("name"), PARTS)
    assert api.sent == ["nights", "bookings"]
    run_step._find_failing_part(Request(), FailingApi(None), run_step.Step("name"), PARTS)


@pytest.mark.parametrize(
    ("message", "is_looked_for"),
    [
        ("ERROR: division by zero", True),
        ("ERROR: Numeric data overflow", True),
        ("ERROR: OVERTAKEN: run 2 may not write any more", False),
        ("ERROR: RUN CLOSED: run 2 may not write any more", False),
        ("Query cancelled on user's request", False),
        ("ERROR: deadlock detected", False),
    ],
)
def test_no_part_is_looked_for_where_none_is_at_fault(message, is_looked_for):
    """A run that was stopped must send nothing more."""
    assert is_of_one_statement(message) is is_looked_for
