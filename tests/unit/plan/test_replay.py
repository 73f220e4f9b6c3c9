"""A replay that cannot read a run's archive names the run, its tables, and another way to have their rows."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from rental_pipeline.base import object_store
from rental_pipeline.base.errors import FixData
from rental_pipeline.model.events import ReplaySpan
from rental_pipeline.model.ledger import CommittedLoad
from rental_pipeline.model.load_document import NOTHING_READ, ReplayedLoad
from rental_pipeline.plan import replay
from tests.fixtures.composed_steps import MemoryBucket, plan_table

LOADS = [
    CommittedLoad(run_sequence=run, table_name=table, manifest="s3://bucket/m", rows_added=1, rows_removed=0)
    for run, table in ((3, "bookings"), (3, "apartments"), (4, "bookings"))
]


@pytest.mark.parametrize(
    ("plan", "problem"),
    [(None, "does not exist"), (b"{", "is no JSON"), (b'{"tables": 1}', "is not of this version of the pipeline")],
    ids=["gone", "no JSON", "another version"],
)
def test_an_archive_that_cannot_be_read_is_told_by_its_run(monkeypatch, plan, problem):
    """A new execution would write its own objects, and read the same old ones again."""
    bucket = MemoryBucket({} if plan is None else {f"m/runs/{run:06d}/plan.json": plan for run in (3, 4)})
    monkeypatch.setattr(object_store, "s3", lambda: bucket)
    with pytest.raises(FixData) as raised:
        replay._read_runs(SimpleNamespace(bucket="bucket", marketplace="m"), LOADS)
    message = str(raised.value)
    assert message.startswith("s3://bucket/m/runs/000003/plan.json ") and problem in message
    assert "what run 3 loaded of bookings, apartments cannot be made again" in message
    assert '{"erase": ["bookings", "apartments"]}' in message
    assert not re.search("start a new execution", message)


def test_what_is_listed_and_read_at_once_does_not_grow_with_history(monkeypatch):
    """Each step has an object of its own; a few runs' plans are in memory. The newest clock decides the date."""
    bucket, read_at_once = MemoryBucket(), []
    monkeypatch.setattr(object_store, "s3", lambda: bucket)
    monkeypatch.setattr(replay, "LOADS_PER_STEP", 2)
    monkeypatch.setattr(replay, "_RUNS_AT_ONCE", 3)

    def read(settings: object, loads: list[CommittedLoad]) -> dict:
        read_at_once.append(len({load.run_sequence for load in loads}))
        return {
            load.run_sequence: (SimpleNamespace(source_time=f"2026-11-{load.run_sequence:02d}T00:00:00"), {}) for load in loads
        }

    def join(load: CommittedLoad, plan: SimpleNamespace, _loads: dict) -> ReplayedLoad:
        table = plan_table(load.table_name, "merge")
        return ReplayedLoad(load.run_sequence, plan.source_time, table, NOTHING_READ, load.rows_added, load.rows_removed)

    monkeypatch.setattr(replay, "_read_runs", read)
    monkeypatch.setattr(replay, "_join_load", join)
    settings = SimpleNamespace(bucket="bucket", marketplace="m")
    loads = [CommittedLoad(run, "bookings", "s3://bucket/m", 1, 0) for run in range(1, 8)] + [LOADS[1]]
    lists = {name: replay._LoadList(settings, 9, name) for name in ("bookings", "apartments")}
    assert replay._list_loads(settings, loads, lists) == "2026-11-07T00:00:00"
    for each in lists.values():
        each.end("create table …")
    assert read_at_once == [3, 3, 1]
    assert lists["bookings"].spans == [ReplaySpan("bookings", first, min(first + 2, 7)) for first in (0, 2, 4, 6)]
    written = {key: json.loads(body) for key, body in bucket.objects.items()}
    pieces = [written[f"m/runs/000009/replay/bookings/{first:06d}.json"] for first in (0, 2, 4, 6)]
    assert [[load["run_sequence"] for load in piece] for piece in pieces] == [[1, 2], [3, 4], [5, 6], [7]]
    assert written["m/runs/000009/replay/bookings.json"]["loads"] == 7
    assert lists["apartments"].spans == [ReplaySpan("apartments", 0, 1)]
    assert [column.name for column in lists["bookings"].columns] == written["m/runs/000009/replay/bookings.json"]["columns"]
