"""What was loaded is kept, tagged for a cheaper class; what was not, expires."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from local.marketplace.generator import fill
from tests.fixtures.pipeline import Stopped


@pytest.fixture
def filled(source_database):
    """A small generated marketplace."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    return source_database


def read_tags(pipeline) -> dict[str, str]:
    """Return the value of the tag `slice` of each Parquet file of raw."""
    tags = {}
    for page in pipeline.s3.get_paginator("list_objects_v2").paginate(Bucket=pipeline.bucket, Prefix="apartments/raw/"):
        for entry in page.get("Contents", []):
            found = pipeline.s3.get_object_tagging(Bucket=pipeline.bucket, Key=entry["Key"])["TagSet"]
            tags[entry["Key"]] = {tag["Key"]: tag["Value"] for tag in found}["slice"]
    return tags


def listed_files(pipeline, run: int) -> set[str]:
    """Return the keys that a run's manifests list."""
    files = set()
    for load in pipeline.read(f"apartments/runs/{run:06d}/loads.json").values():
        for manifest in (load["manifest"], load["deleted_manifest"]):
            if manifest:
                entries = pipeline.read(manifest.removeprefix(f"s3://{pipeline.bucket}/"))["entries"]
                files |= {entry["url"].removeprefix(f"s3://{pipeline.bucket}/") for entry in entries}
    return files


def test_a_good_run_tags_what_its_manifests_list(pipeline, filled):
    """Rows and tombstones; a file of an attempt that lost keeps its tag, and will expire."""
    states = pipeline.states()
    for state in states:
        if state == "write_manifests":
            lost = "apartments/raw/bookings/run=000001/slice=00000/attempt=lost/part-00000.parquet"
            pipeline.s3.put_object(Bucket=pipeline.bucket, Key=lost, Body=b"x", Tagging="slice=uncommitted")
            assert set(read_tags(pipeline).values()) == {"uncommitted"}
    tags = read_tags(pipeline)
    assert {key for key, tag in tags.items() if tag == "committed"} == listed_files(pipeline, 1)
    assert {key for key, tag in tags.items() if tag == "uncommitted"} == {lost}
    filled.execute("delete from apartment_attributes order by id limit 1")
    pipeline.run()
    assert any("deleted.parquet" in key for key in listed_files(pipeline, 2))
    assert {tag for key, tag in read_tags(pipeline).items() if "run=000002" in key} == {"committed"}


@pytest.mark.slow
def test_loads_of_a_run_that_stopped_are_tagged_by_the_next(pipeline, filled):
    """It committed some tables and not others: what it committed is kept, the rest is read again and expires."""
    with pytest.raises(Stopped):
        pipeline.run(stop_before="load bookings")
    pipeline.run()
    tags = read_tags(pipeline)
    of_first = {key.split("/")[2]: tag for key, tag in tags.items() if "run=000001" in key}
    assert of_first == {
        "apartments": "committed",
        "apartment_attributes": "committed",
        "bookings": "uncommitted",
        "user_viewing": "uncommitted",
    }
    assert {tag for key, tag in tags.items() if "run=000002" in key} == {"committed"}


@pytest.mark.slow
def test_what_is_archived_is_not_looked_at_again(pipeline, filled):
    """The position moves: a later run neither tags nor reads the manifests of earlier ones."""
    pipeline.run()
    for key in listed_files(pipeline, 1):
        pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key)
    filled.execute("update bookings set total_price = '77' limit 1")
    assert pipeline.run()["status"] == "succeeded"


@pytest.mark.slow
def test_a_file_that_is_gone_is_told_and_holds_up_no_run(pipeline, filled, caplog):
    """Somebody deleted a file between its load and the archive: the log names it; raw has its rows, and runs go on."""
    states = pipeline.states()
    for state in states:
        if state == "archive_slices":
            (key,) = [key for key in listed_files(pipeline, 1) if "/bookings/" in key]
            pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=key)
    assert any("a file of a committed load is gone" in record.message and record.key == key for record in caplog.records)
    filled.execute("update bookings set total_price = '77' limit 1")
    assert pipeline.run()["status"] == "succeeded"
