"""Selects that one batch cannot hold are read in several, which see one version of what they read, or are read again."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import RetryLater
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.steps.step import Snapshot, Step
from tests.unit.warehouse.test_reads import Api, run

SELECTS = tuple(f"select {number} as number" for number in range(100))
VERSION = "select published"


class ScriptedApi(Api):
    """A Data API whose published run moves as scripted: one entry per batch."""

    def __init__(self, published: list[int], waits: int = 1) -> None:
        super().__init__(waits)
        self.published = published
        self.versions: dict[str, int] = {}
        self.parameters: list[dict[str, str]] = []

    def submit_reads(self, name: str, reads: Submission) -> str:
        statement = super().submit_reads(name, reads)
        self.versions[statement] = self.published.pop(0)
        self.parameters.append(reads.parameters)
        return statement

    def read_results(self, statement: str, statements: int) -> list[list[dict]]:
        _, *rows = super().read_results(statement, statements)
        return [[{"run_sequence": self.versions[statement]}], *rows]


def reading(selects: tuple[str, ...] = SELECTS) -> Step:
    snapshot = Snapshot(selects, VERSION, {"as_of": "2026-11-26"})
    return Step("report", snapshot=snapshot, finish=lambda rows: {"texts": [row["text"] for (row,) in rows]})


def test_many_selects_are_read_in_their_order(monkeypatch):
    """Each batch reads the version beside them."""
    api = ScriptedApi([7, 7, 7])
    assert run(monkeypatch, api, reading()) == (list(SELECTS), 1)
    assert [len(batch) for batch in api.sent] == [40, 40, 23]
    assert {batch[0] for batch in api.sent} == {VERSION}
    assert api.parameters == [{"as_of": "2026-11-26"}] * 3


def test_long_selects_are_divided_by_their_size():
    """As a request holds 100 KB."""
    long = tuple(f"select {'1 + ' * 5000}{number}" for number in range(10))
    assert [len(batch.statements) - 1 for batch in reading(long).read_requests] == [4, 4, 2]


def test_a_long_snapshot_is_handed_on(monkeypatch):
    """A slow warehouse takes longer than a call may; each goes on waiting for what was sent, and nothing is sent twice."""
    api = ScriptedApi([7, 7, 7], waits=3)
    texts, calls = run(monkeypatch, api, reading())
    assert texts == list(SELECTS) and calls > 3
    assert len(api.sent) == 3


@pytest.mark.parametrize("waits", [1, 3])
def test_what_was_published_between_two_batches_is_read_from_the_start(monkeypatch, waits):
    """Else a page would show the first charts of one run, and the last of another."""
    api = ScriptedApi([7, 8, 8, 8, 8, 8], waits)
    assert run(monkeypatch, api, reading())[0] == list(SELECTS)
    assert len(api.sent) == 6


def test_a_warehouse_that_never_rests_is_read_later(monkeypatch):
    """After three attempts."""
    api = ScriptedApi(list(range(9)))
    with pytest.raises(RetryLater, match="a newer run published while step pending read, 3 times"):
        run(monkeypatch, api, reading())
    assert len(api.sent) == 9
