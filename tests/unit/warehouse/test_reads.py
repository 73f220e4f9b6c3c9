"""What a step reads goes as one request, which is waited for as its writes are: over as many calls as it takes."""

from __future__ import annotations

from typing import Any

import pytest

from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.warehouse import run_step as running
from rental_pipeline.warehouse.data_api import StatementFailed, Submission
from rental_pipeline.warehouse.steps.step import Step
from tests.fixtures.composed_steps import BUCKET, SQL_ROOT

SETTINGS = WarehouseSettings("apartments", BUCKET, "dev", "role", "workgroup", sql_root=SQL_ROOT)
MANY = tuple(f"select {number}" for number in range(45))


class Api:
    """The Data API; every statement takes as many waits as `waits` says.

    Attributes:
        sent: The texts of each request, in order.
        failing: The requests that fail when they are waited for again, by their place, with what they say.
    """

    def __init__(self, waits: int = 1) -> None:
        self.waits = waits
        self.sent: list[tuple[str, ...]] = []
        self.waited: dict[str, int] = {}
        self.asked: list[str] = []
        self.failing: dict[int, str] = {}

    def submit(self, name: str, submission: Submission, execution_id: str) -> str:
        return self._send(submission.statements)

    def submit_reads(self, name: str, reads: Submission) -> str:
        return self._send(reads.statements)

    def wait(self, statement: str, seconds: float) -> bool:
        if statement in self.waited and (message := self.failing.pop(int(statement), None)):
            raise StatementFailed(message)
        self.waited[statement] = self.waited.get(statement, 0) + 1
        return self.waited[statement] >= self.waits

    def read_results(self, statement: str, statements: int) -> list[list[dict[str, Any]]]:
        return [[{"text": text}] for text in self.sent[int(statement)]]

    def query(self, name: str, sql: str) -> list[dict[str, Any]]:
        self.asked.append(sql)
        return [{"is_there": 1}] if sql == "is set up" else []

    def _send(self, statements: tuple[str, ...]) -> str:
        self.sent.append(statements)
        return str(len(self.sent) - 1)


def run(monkeypatch: pytest.MonkeyPatch, api: Api, step: Step) -> tuple[list[str], int]:
    """Call the function until the step is done; return what it read, and how often it was called."""
    monkeypatch.setattr(running, "DataApi", lambda settings, **_options: api)
    monkeypatch.setattr(running, "compose", lambda request: step)
    monkeypatch.setattr(running.StepRequest, "execution_id", "one")
    event: dict[str, Any] = {"step": "pending", "run_sequence": 7}
    for calls in range(1, 50):
        answer = running.run_step(event, SETTINGS, lambda: 0.0)
        if answer["status"] == "FINISHED":
            return answer["result"]["texts"], calls
        event["progress"] = answer["progress"]
    raise AssertionError("it never ends")


def reading(reads: tuple[str, ...], *submissions: Submission) -> Step:
    return Step("step", submissions, reads, finish=lambda rows: {"texts": [row["text"] for (row,) in rows]})


def test_reads_are_one_request(monkeypatch):
    """After the writes; what one request cannot hold is another."""
    api = Api()
    texts, calls = run(monkeypatch, api, reading(MANY, Submission("write", ("write",))))
    assert (texts, calls) == (list(MANY), 1)
    assert [len(request) for request in api.sent] == [1, 40, 5]


def test_a_long_read_is_handed_on(monkeypatch):
    """Each call waits for what the one before sent; nothing is sent twice, and no result is lost."""
    api = Api(waits=3)
    texts, calls = run(monkeypatch, api, reading(MANY, Submission("write", ("write",))))
    assert (texts, calls) == (list(MANY), 7)
    assert [len(request) for request in api.sent] == [1, 40, 5]


def test_a_read_that_fails_while_it_is_waited_for_is_sent_again(monkeypatch):
    """What was read before it is kept."""
    api = Api(waits=3)
    api.failing = {1: "could not serialize access"}
    texts, _ = run(monkeypatch, api, reading(MANY))
    assert texts == list(MANY)
    assert [len(request) for request in api.sent] == [40, 5, 5]


def test_what_several_submissions_ask_first_is_asked_once(monkeypatch):
    """Whether the control schema is set up, before each of its batches."""
    api = Api()
    setup = tuple(Submission(f"setup-{number}", ("setup",), skip_if="is set up") for number in range(3))
    upgrade = Submission("upgrade", ("upgrade",), skip_if="is upgraded")
    run(monkeypatch, api, reading(("select 1",), *setup, upgrade))
    assert api.asked == ["is set up", "is upgraded"]
    assert api.sent == [("upgrade",), ("select 1",)]
