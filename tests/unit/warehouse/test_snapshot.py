"""Selects that one batch cannot hold are read in several, which see one version of what they read, or are read again."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import RetryLater
from rental_pipeline.warehouse.data_api import DataApi, Snapshot, Submission

SELECTS = tuple(f"select {number} as number" for number in range(100))


class ScriptedApi(DataApi):
    """A Data API whose published run moves as scripted: one entry per batch."""

    def __init__(self, published: list[int]):
        self.published = published
        self.batches: list[Submission] = []

    def _query_batch(self, name: str, batch: Submission) -> list[list[dict]]:
        self.batches.append(batch)
        version, *selects = batch.statements
        assert version == "select published"
        return [[{"run_sequence": self.published.pop(0)}], *([{"sql": sql}] for sql in selects)]


def read(published: list[int]) -> tuple[list[list[dict]], list[Submission]]:
    api = ScriptedApi(published)
    return api.query_snapshot("market/000001/report", Snapshot(SELECTS, "select published", {"as_of": "2026-11-26"})), api.batches


def test_many_selects_are_read_in_their_order():
    """Each batch reads the version beside them."""
    rows, batches = read([7, 7, 7])
    assert rows == [[{"sql": sql}] for sql in SELECTS]
    assert [len(batch.statements) for batch in batches] == [40, 40, 23]
    assert all(batch.parameters == {"as_of": "2026-11-26"} for batch in batches)


def test_long_selects_are_divided_by_their_size():
    """As a request holds 100 KB."""
    api = ScriptedApi([1] * 10)
    long = tuple(f"select {'1 + ' * 5000}{number}" for number in range(10))
    assert len(api.query_snapshot("name", Snapshot(long, "select published"))) == 10
    assert [len(batch.statements) - 1 for batch in api.batches] == [4, 4, 2]


def test_what_was_published_between_two_batches_is_read_from_the_start():
    """Else a page would show the first charts of one run, and the last of another."""
    rows, batches = read([7, 8, 8, 8, 8, 8])
    assert rows == [[{"sql": sql}] for sql in SELECTS]
    assert len(batches) == 6
    assert len({batch.label for batch in batches}) == 6


def test_a_warehouse_that_never_rests_is_read_later():
    """After three attempts."""
    with pytest.raises(RetryLater, match="a newer run published while this was read, 3 times"):
        read(list(range(9)))
