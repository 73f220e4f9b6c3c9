"""A run of 100,000 slices: no object, statement or state grows beyond what AWS takes, and each slice costs one request."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from rental_pipeline.base import object_store
from rental_pipeline.base.object_store import COMPARED, LOADS, PLAN, SLICES, part_key, result_key, run_key
from rental_pipeline.base.settings import BucketSettings
from rental_pipeline.extract import manifests
from rental_pipeline.model.document import read_as
from rental_pipeline.model.fingerprints import MOST_SPANS, Fingerprint, Span, join_spans
from rental_pipeline.model.load_document import TableLoad
from rental_pipeline.model.plan_document import Plan, RawChanges
from rental_pipeline.model.strategies import Snapshot
from rental_pipeline.model.table_plan import Comparison, PlannedColumn, PlannedTable, Slice
from rental_pipeline.warehouse.steps import unload_known
from rental_pipeline.warehouse.steps.step import StepRequest
from rental_pipeline.warehouse.steps.verify_load import compose_verification

SLICES_COUNT = 100_000
RANGES = 256
REQUEST_BYTES = 100_000  # of one statement (Redshift Data API, "Considerations")


class Bucket:
    """S3 in memory, which counts what is asked of it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        self.asked["get"] += 1
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.asked["put"] += 1
        self.objects[Key] = Body

    def get_paginator(self, operation: str) -> Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        for start in range(0, len(keys), 1000):
            self.asked["list"] += 1
            yield {"Contents": [{"Key": key, "Size": len(self.objects[key])} for key in keys[start : start + 1000]]}

    def read(self, name: str) -> Any:
        return json.loads(self.objects[run_key("market", 1, name)])

    def write(self, key: str, value: Any) -> None:
        self.objects[key] = json.dumps(value).encode()


@pytest.fixture
def table() -> PlannedTable:
    columns = (PlannedColumn("code", "varchar(400)", "code", "varchar"),)
    comparison = Comparison(RANGES, RANGES, SLICES_COUNT, SLICES_COUNT)
    return PlannedTable("t", "t", Snapshot(("code",)), columns, read=True, comparison=comparison)


@pytest.fixture
def slices() -> list[Slice]:
    """Ranges of keys of a hundred letters, each cut into some hundred slices."""
    bounds = [None, *((f"{number:0100d}",) for number in range(1, SLICES_COUNT)), None]
    known = SLICES_COUNT // RANGES
    return [
        Slice(1, "t", number, bounds[number], bounds[number + 1], compared=True, known=number // known)
        for number in range(SLICES_COUNT)
    ]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, table: PlannedTable, slices: list[Slice]) -> Bucket:
    """The plan and the results of a run in which each slice brought one row in one file."""
    bucket = Bucket()
    plan = Plan(
        marketplace="market",
        run_sequence=1,
        kind="reconcile",
        as_of="2026-11-21",
        source_time="now",
        force_deletes=False,
        dry_run=False,
        erased=(),
        rebuild=None,
        raw_changes=RawChanges((), ()),
        tables=(table,),
    )
    bucket.write(run_key("market", 1, PLAN), plan.to_json())
    bucket.write(run_key("market", 1, SLICES), [part.to_json() for part in slices])
    bucket.write(run_key("market", 1, COMPARED), {"t": []})
    for part in slices:
        key = part_key("market", 1, "t", part.slice, "a", 0)
        bucket.objects[key] = b"x" * 7
        result = {
            "table": "t",
            "slice": part.slice,
            "piece": 0,
            "from": part.to_json()["from"],
            "rest": None,
            "attempt": "a",
            "source_time": "now",
            "seconds": 1,
            "rows_read": 1,
            "rows_in_parquet": 1,
            "expected": {"rows": 1, "checksum": "3"},
            "parts": [{"key": key, "bytes": 7, "rows": 1, "least_key": part.slice, "greatest_key": part.slice + 7}],
            "deleted": None,
            "zero_dates": {},
            "rows_set_aside": 0,
        }
        bucket.write(result_key("market", 1, "t", part.slice), result)
    monkeypatch.setattr(object_store, "s3", lambda: bucket)
    monkeypatch.setattr(manifests, "read_settings", lambda _: BucketSettings("market", "bucket"))
    return bucket


@pytest.mark.slow
def test_their_manifest_is_written_by_one_function(bucket: Bucket, table: PlannedTable, slices: list[Slice]) -> None:
    """One request for each result and one for a thousand files; what the load reads of it stays small.

    A request takes S3 some 20 ms, of 32 at a time: 100,000 take 63 s, of the 900 that the function has.
    """
    started = time.process_time()
    assert manifests.write_manifests({"run_sequence": 1}) == {"run_sequence": 1, "rows_read": SLICES_COUNT}
    assert time.process_time() - started < 120
    assert bucket.asked == {"get": SLICES_COUNT + 3, "list": SLICES_COUNT // 1000, "put": 2}
    assert len(json.loads(bucket.objects["market/runs/000001/manifests/t.json"])["entries"]) == SLICES_COUNT
    loads = bucket.read(LOADS)["t"]
    assert (loads["slices"], loads["rows_read"]) == (SLICES_COUNT, SLICES_COUNT)
    assert len(json.dumps(loads)) < 50_000
    load = read_as(TableLoad, loads)
    assert (load.least_key, load.greatest_key) == (0, SLICES_COUNT - 1 + 7)
    spans = load.expected
    assert len(spans) <= MOST_SPANS
    assert sum(span.expected.rows for span in spans) == SLICES_COUNT
    assert sum(span.expected.checksum for span in spans) == 3 * SLICES_COUNT
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]

    request = StepRequest(
        None, type("Warehouse", (), {"schemas": type("Schemas", (), {"raw": "m_raw", "control": "c"})}), "load", run_sequence=1
    )
    statements = compose_verification(request, table, load)
    assert sum(map(len, statements)) < REQUEST_BYTES

    # What raw knows is unloaded by range, not by slice.
    sharing = unload_known.share_lists(slices)
    assert len(sharing) <= RANGES + 1
    assert (sharing[0].start, sharing[-1].end) == (None, None)
    assert [part.end for part in sharing[:-1]] == [part.start for part in sharing[1:]]


def test_spans_are_joined_until_their_bounds_fit_in_a_statement() -> None:
    """Few keys may be long ones; nothing is lost of what is expected."""
    bounds = [None, *(("x" * 9000 + str(number),) for number in range(20)), None]
    spans = join_spans([Span(*pair, Fingerprint(1, 5)) for pair in pairwise(bounds)])
    assert len(spans) < 5
    assert (spans[0].start, spans[-1].end) == (None, None)
    assert sum(span.expected.checksum for span in spans) == 21 * 5
