"""A replay that cannot read a run's archive names the run, its tables, and another way to have their rows."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from rental_pipeline.base import object_store
from rental_pipeline.base.errors import FixData
from rental_pipeline.model.ledger import CommittedLoad
from rental_pipeline.plan import replay
from tests.fixtures.composed_steps import MemoryBucket

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
