"""What the archive cannot tag is counted as missing, never as nothing to tag."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from rental_pipeline.base import object_store
from rental_pipeline.extract import archive
from tests.fixtures.composed_steps import MemoryBucket

TOTALS = {"deleted_manifest": None, "rows_read": 1, "rows_in_parquet": 1, "rows_deleted": 0, "rows_set_aside": 0}
LOADED = "m/runs/000003/loads.json"
MANIFEST = "m/manifests/run=000003/bookings.json"


class TaggedBucket(MemoryBucket):
    """One that notes what is tagged."""

    def put_object_tagging(self, Bucket: str, Key: str, Tagging: Any) -> None:
        self._answer("PutObjectTagging", None if Key in self.objects else "NoSuchKey")
        self.tagged.append(Key)


@pytest.fixture
def bucket(monkeypatch) -> TaggedBucket:
    """Run 7 has to tag what run 3 loaded of two tables, one file of each."""
    bucket = TaggedBucket()
    bucket.tagged, bucket.counted = [], []
    loads = {}
    for table in ("bookings", "apartments"):
        manifest = MANIFEST.replace("bookings", table)
        loads[table] = {**TOTALS, "manifest": f"s3://bucket/{manifest}"}
        bucket.objects[manifest] = json.dumps({"entries": [{"url": f"s3://bucket/{table}.parquet"}]}).encode()
        bucket.objects[f"{table}.parquet"] = b"PAR1"
    waiting = {"loads": [{"run_sequence": 3, "table_name": table} for table in loads], "erased": []}
    bucket.objects |= {LOADED: json.dumps(loads).encode(), "m/runs/000007/archive.json": json.dumps(waiting).encode()}
    for module in (object_store, archive):
        monkeypatch.setattr(module, "s3", lambda: bucket)
    monkeypatch.setattr(archive, "read_settings", lambda _kind: SimpleNamespace(bucket="bucket", marketplace="m"))
    monkeypatch.setattr(archive, "count", lambda *counted, **_dimensions: bucket.counted.append(counted))
    return bucket


def test_every_listed_file_is_tagged(bucket):
    """And nothing is missing."""
    assert archive.archive_slices({"run_sequence": 7}) == {"tagged": 2, "deleted": 0, "missing": 0}
    assert sorted(bucket.tagged) == ["apartments.parquet", "bookings.parquet"] and not bucket.counted


@pytest.mark.parametrize(
    ("key", "content", "tagged"),
    [
        (LOADED, None, 0),
        (LOADED, b"{", 0),
        (LOADED, b'{"apartments": {"manifest": null}}', 0),
        (LOADED, json.dumps({"other": {**TOTALS, "manifest": None}}).encode(), 0),
        (MANIFEST, None, 1),
        (MANIFEST, b'{"files": []}', 1),
        ("bookings.parquet", None, 1),
    ],
    ids=["no list", "no JSON", "another shape", "table renamed", "no manifest", "another manifest", "no file"],
)
def test_what_cannot_be_tagged_is_missing(bucket, caplog, key, content, tagged):
    """It is logged and counted, and holds up no run: what can be tagged is."""
    if content is None:
        del bucket.objects[key]
    else:
        bucket.objects[key] = content
    done = archive.archive_slices({"run_sequence": 7})
    assert done["tagged"] == tagged and done["missing"] >= 1
    assert bucket.counted == [("ArchivedFilesMissing", done["missing"])]
    assert any("raw cannot be replayed from it" in record.message for record in caplog.records)
