"""The bucket's layout is the one that docs/architecture.md draws, and S3's errors are told with cause and way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from rental_pipeline.base import object_store
from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.base.object_store import (
    ARCHIVE,
    COMPARED,
    DIRTY,
    FIGURES,
    FINGERPRINTS,
    LAKE,
    LEDGER,
    LOADS,
    NEWEST,
    PENDING,
    PLAN,
    SLICES,
    UNLOADS,
    deleted_keys_key,
    deleted_manifest_key,
    explain_s3_error,
    find_json,
    find_text,
    known_prefix,
    listing_key,
    manifest_key,
    part_key,
    progress_key,
    rates_key,
    report_key,
    result_key,
    run_key,
    state_key,
    unload_folder,
    write_bytes,
)
from rental_pipeline.model.document import read_document
from tests.fixtures.composed_steps import MemoryBucket

ARCHITECTURE = Path(__file__).parents[3] / "docs" / "architecture.md"


def test_keys_are_as_the_architecture_draws_them() -> None:
    """Each line of "Objects on S3", filled in."""
    drawn = re.findall(r"^    (<m>/\S+)", ARCHITECTURE.read_text(), re.MULTILINE)
    values = {
        "m": "apartments", "seq:06d": "000007", "table": "bookings", "slice:05d": "00003", "n:05d": "00003", "id": "abc",
        "k:05d": "00002", "layer": "curated", "piece:05d": "00004", "hash": "0f",
    }  # fmt: skip
    expected = {re.sub(r"<([^>]+)>", lambda match: values[match[1]], line) for line in drawn}
    assert expected == {
        state_key("apartments"),
        progress_key("apartments", 7, 3),
        *(
            run_key("apartments", 7, name)
            for name in (
                LEDGER,
                FINGERPRINTS,
                PLAN,
                COMPARED,
                SLICES,
                LOADS,
                PENDING,
                DIRTY,
                LAKE,
                UNLOADS,
                NEWEST,
                FIGURES,
                ARCHIVE,
            )
        ),
        result_key("apartments", 7, "bookings", 3),
        known_prefix("apartments", 7, "bookings", 3) + "manifest",
        result_key("apartments", 7, "bookings", 3, 4),
        manifest_key("apartments", 7, "bookings"),
        deleted_manifest_key("apartments", 7, "bookings"),
        unload_folder("apartments", "curated", "bookings", 7) + "manifest",
        listing_key("apartments", "curated", "bookings", 7),
        part_key("apartments", 7, "bookings", 3, "abc", 2),
        deleted_keys_key("apartments", 7, "bookings", 3, "abc"),
        report_key("apartments", 7),
        *(rates_key("apartments", 7, "0f", kind) for kind in ("parquet", "json")),
    }


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("NoSuchKey", FixData, r"s3://b/k does not exist \(deleted, or never written\)$"),
        ("404", FixData, "s3://b/k does not exist"),
        ("NoSuchBucket", FixConfiguration, "the bucket b does not exist: check the variable BUCKET"),
        ("AccessDenied", FixConfiguration, "s3:GetObject on s3://b/k is denied: check the function's role"),
        ("403", FixConfiguration, "is denied"),
        ("InvalidAccessKeyId", FixConfiguration, "no valid AWS credentials"),
        ("SlowDown", RetryLater, r"S3 did not serve s3://b/k \(SlowDown\)"),
        ("InternalError", RetryLater, "tried again"),
    ],
)
def test_an_answer_of_s3_is_explained(code: str, kind: type, message: str) -> None:
    """By the object's address."""
    error = explain_s3_error(ClientError({"Error": {"Code": code}}, "GetObject"), "b", "k", "s3:GetObject")
    assert type(error) is kind
    assert re.search(message, str(error))


def test_a_failure_on_the_way_to_s3_is_explained() -> None:
    """A network that is down may come back; missing credentials do not."""
    assert isinstance(explain_s3_error(EndpointConnectionError(endpoint_url="x"), "b", "k", "s3:GetObject"), RetryLater)
    assert isinstance(explain_s3_error(NoCredentialsError(), "b", "k", "s3:GetObject"), FixConfiguration)


@pytest.fixture
def bucket(monkeypatch) -> MemoryBucket:
    """The bucket that every function of the module finds."""
    made = MemoryBucket()
    monkeypatch.setattr(object_store, "s3", lambda: made)
    return made


@pytest.mark.parametrize("find", [find_json, find_text])
def test_only_a_missing_object_counts_as_missing(bucket: MemoryBucket, find) -> None:
    """One that may not be read, or that S3 does not serve now, may be there: taken for missing, it would be made again."""
    assert find("b", "k") is None
    write_bytes("b", "k", b"7")
    for code, kind in (("AccessDenied", FixConfiguration), ("NoSuchBucket", FixConfiguration), ("SlowDown", RetryLater)):
        bucket.refusal = code
        with pytest.raises(kind):
            find("b", "k")
    bucket.refusal = None
    assert str(find("b", "k")) == "7"


def test_what_is_no_json_is_not_taken_for_absent(bucket: MemoryBucket) -> None:
    """An object that was cut or written by hand is there, and is told as what it is."""
    bucket.objects["a.json"] = b'{"rows":'
    assert find_json("bucket", "b.json") is None
    with pytest.raises(FixData, match=r"s3://bucket/a\.json is no JSON"):
        find_json("bucket", "a.json")


@pytest.mark.parametrize("content", [None, b'{"rows":', b"1"], ids=["gone", "no JSON", "another shape"])
def test_a_document_that_cannot_be_read_is_told_with_the_way_out(bucket: MemoryBucket, content: bytes | None) -> None:
    """Of a run's own objects that is a new execution, which writes them again."""
    bucket.objects |= {} if content is None else {"a.json": content}
    with pytest.raises(FixData, match=r"s3://bucket/a\.json .*: start a new execution, which writes its own objects$"):
        read_document(dict[str, int], "bucket", "a.json")
    with pytest.raises(FixData, match=r"s3://bucket/a\.json .*: look elsewhere$"):
        read_document(dict[str, int], "bucket", "a.json", "look elsewhere")
