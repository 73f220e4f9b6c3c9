"""Which files a table of the lake consists of after a run, by what UNLOAD says that it wrote."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from rental_pipeline.base import object_store
from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import listing_key, unload_folder
from rental_pipeline.lake import file_lists
from rental_pipeline.lake.file_lists import GRACE, list_table, sweep
from rental_pipeline.model.lake_document import StaleTable

WHOLE = StaleTable("curated_bookings", "curated", "bookings", "c.bookings", None, None, None, 0, "hash", ())
MANIFEST = unload_folder("shop", "curated", "bookings", 7) + "manifest"


class Bucket(dict):
    """An S3 client of one bucket, by key."""

    def get_object(self, Bucket, Key):
        if Key not in self:
            raise ClientError({"Error": {"Code": "NoSuchKey"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "GetObject")
        return {"Body": io.BytesIO(self[Key])}

    def put_object(self, Bucket, Key, Body, **_options):
        self[Key] = Body


@pytest.fixture
def bucket(monkeypatch) -> Bucket:
    made = Bucket()
    monkeypatch.setattr(object_store, "s3", lambda: made)
    return made


def test_a_table_consists_of_what_was_unloaded(bucket):
    bucket[MANIFEST] = json.dumps({"entries": [{"url": "s3://b/one.parquet"}, {"url": "s3://b/two.parquet"}]}).encode()
    list_table("b", "shop", WHOLE, 7, rows=3)
    assert bucket[listing_key("shop", "curated", "bookings", 7)] == b"s3://b/one.parquet\ns3://b/two.parquet\n"


def test_a_table_without_rows_has_no_files(bucket):
    """UNLOAD then writes no manifest."""
    list_table("b", "shop", WHOLE, 7, rows=0)
    assert bucket[listing_key("shop", "curated", "bookings", 7)] == b""


@pytest.mark.parametrize(("rows", "said"), [(3, "is missing, though 3 rows"), (0, "is there, though 0 rows")])
def test_a_count_that_the_manifest_contradicts_is_refused(bucket, rows, said):
    """Rows that leave the lake by a count that is wrong would leave in silence."""
    if not rows:
        bucket[MANIFEST] = json.dumps({"entries": [{"url": "s3://b/one.parquet"}]}).encode()
    with pytest.raises(FixData, match=said):
        list_table("b", "shop", WHOLE, 7, rows=rows)
    assert listing_key("shop", "curated", "bookings", 7) not in bucket


@pytest.mark.parametrize(("age", "lists_read"), [(GRACE / 2, 0), (GRACE * 2, 1)])
def test_lists_are_read_only_where_something_may_be_swept(bucket, monkeypatch, age: timedelta, lists_read: int):
    """What is younger than a day stays, whoever names it."""
    key, file = listing_key("shop", "curated", "bookings", 7), "shop/lake/curated/bookings/run=7/000.parquet"
    bucket[key] = f"s3://bucket/{file}\n".encode()
    monkeypatch.setattr(file_lists, "list_objects", lambda *_: {each: datetime.now(UTC) - age for each in (key, file)})
    read: list[str] = []
    monkeypatch.setattr(file_lists, "find_text", lambda _, each: read.append(each) or bucket[each].decode())
    sweep("bucket", "shop", WHOLE)
    assert len(read) == lists_read
