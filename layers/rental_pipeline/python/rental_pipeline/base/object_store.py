"""The bucket's layout, and reading and writing its small JSON objects. The only module that knows how keys are spelt.

The layout is that of docs/architecture.md, "Objects on S3".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixConfiguration, FixData, PipelineError, RetryLater

LEDGER = "ledger.json"
FINGERPRINTS = "fingerprints.json"
PLAN = "plan.json"
COMPARED = "compared.json"
SLICES = "slices.json"
LOADS = "loads.json"
LAKE = "lake.json"
UNLOADS = "unloads.json"
FIGURES = "figures.json"
ARCHIVE = "archive.json"
PENDING = "pending.json"
DIRTY = "dirty.json"
NEWEST = "newest.json"
_MOST_DELETED = 1000  # of one DeleteObjects
_MOST_RUNS = 999_999  # as far as their numbers sort as texts
_OVERTAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404")
# The tag of Parquet files; its values are `uncommitted` and `committed` (see archive.py).
TAG = "slice"


def run_key(marketplace: str, run_sequence: int, name: str) -> str:
    """Return the key of one of a run's own objects: LEDGER, FINGERPRINTS, PLAN and their like."""
    return f"{marketplace}/runs/{run_sequence:06d}/{name}"


def state_key(marketplace: str) -> str:
    """Return the key of what the last complete run left; the only object that is written over."""
    return f"{marketplace}/state.json"


def result_key(marketplace: str, run_sequence: int, table: str, slice_number: int, piece: int = 0) -> str:
    """Return the key of the result of one slice, or of a later piece of it, written last by the attempt that wins."""
    number = f"{slice_number:05d}-{piece:05d}" if piece else f"{slice_number:05d}"
    return run_key(marketplace, run_sequence, f"results/{table}/{number}.json")


def progress_key(marketplace: str, run_sequence: int, number: int) -> str:
    """Return the key of what a planner has found that ran out of time; the next one goes on with it."""
    return run_key(marketplace, run_sequence, f"planning/{number:05d}.json")


def manifest_key(marketplace: str, run_sequence: int, table: str) -> str:
    """Return the key of the COPY manifest of one table."""
    return run_key(marketplace, run_sequence, f"manifests/{table}.json")


def deleted_manifest_key(marketplace: str, run_sequence: int, table: str) -> str:
    """Return the key of the COPY manifest of the deleted keys from one table's source."""
    return run_key(marketplace, run_sequence, f"manifests/{table}-deleted.json")


def known_prefix(marketplace: str, run_sequence: int, table: str, number: int) -> str:
    """Return the prefix to which the keys and row hashes that raw knows in some slices are unloaded; the manifest is under it.

    UNLOAD cannot tag what it writes, so the lifecycle knows these lists, which serve one run only, by their prefix.
    """
    return f"{marketplace}/known/{run_sequence:06d}/{table}/{number:05d}/"


def rates_key(marketplace: str, run_sequence: int, rate_hash: str, kind: str) -> str:
    """Return the key of the exchange rates that a run loads (`parquet`), or of their COPY manifest (`json`)."""
    return run_key(marketplace, run_sequence, f"rates/{rate_hash}.{kind}")


def part_key(marketplace: str, run_sequence: int, table: str, slice_number: int, attempt: str, part: int) -> str:
    """Return the key of one Parquet file; `attempt` keeps a retry from writing over what an earlier attempt left."""
    return f"{marketplace}/raw/{table}/run={run_sequence:06d}/slice={slice_number:05d}/attempt={attempt}/part-{part:05d}.parquet"


def lake_folder(marketplace: str, layer: str, table: str) -> str:
    """Return the prefix of everything that the lake holds of a table."""
    return f"{marketplace}/lake/{layer}/{table}/"


def unload_folder(marketplace: str, layer: str, table: str, run_sequence: int) -> str:
    """Return the prefix of what one run unloads of a table; UNLOAD's manifest is `manifest` under it."""
    return f"{lake_folder(marketplace, layer, table)}data/run={run_sequence:06d}/"


def listing_key(marketplace: str, layer: str, table: str, run_sequence: int) -> str:
    """Return the key of the list of a lake table's files, as one run left it; nothing else stands in its folder."""
    return f"{lake_folder(marketplace, layer, table)}files/run={run_sequence:06d}/files.txt"


def deleted_keys_key(marketplace: str, run_sequence: int, table: str, slice_number: int, attempt: str) -> str:
    """Return the key of the Parquet file that lists the keys of a slice that the source has deleted."""
    return f"{marketplace}/raw/{table}/run={run_sequence:06d}/slice={slice_number:05d}/attempt={attempt}/deleted.parquet"


def raw_prefix(marketplace: str, table: str, run_sequence: int | None = None) -> str:
    """Return what the keys of a table's Parquet files begin with; those of one run."""
    return f"{marketplace}/raw/{table}/" + ("" if run_sequence is None else f"run={run_sequence:06d}/")


def report_key(marketplace: str, run_sequence: int) -> str:
    """Return the key of the page that a run which published writes."""
    return f"{marketplace}/reports/run={run_sequence:06d}/report.html"


def doctor_folder(marketplace: str) -> str:
    """Return the prefix of the doctor's probe objects, which it deletes itself."""
    return f"{marketplace}/doctor/"


def key_of(address: str) -> str:
    """Return the key of an s3:// address."""
    return address.removeprefix("s3://").partition("/")[2]


def replay_key(marketplace: str, run_sequence: int, table: str) -> str:
    """Return the key of what a run says of all loads of a table that it replays."""
    return run_key(marketplace, run_sequence, f"replay/{table}.json")


def replayed_loads_key(marketplace: str, run_sequence: int, table: str, first: int) -> str:
    """Return the key of the loads that one step of a replay makes again, by the place of the first of them."""
    return run_key(marketplace, run_sequence, f"replay/{table}/{first:06d}.json")


def address(bucket: str, key: str) -> str:
    """Return the s3:// address of an object."""
    return f"s3://{bucket}/{key}"


def console_address(bucket: str, key: str) -> str:
    """Return where the console shows an object to who has logged in and may read it, and opens it.

    A presigned address would need no login, and end with the role's session, within hours (Amazon S3 User Guide, "Download and
    upload objects with presigned URLs", "Who can create a presigned URL"): too short for a mail, too open for business figures.
    """
    region = s3().meta.region_name
    return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={key}"


def write_json(bucket: str, key: str, value: Any) -> int:
    """Write a JSON object and return its size in bytes (raises as `read_json`)."""
    body = json.dumps(value, ensure_ascii=False, indent=1).encode()
    try:
        s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:PutObject") from error
    return len(body)


def read_json(bucket: str, key: str) -> Any:
    """Return the parsed content of a JSON object.

    Raises:
        FixData: there is no such object, or it is no JSON.
        FixConfiguration: the bucket is missing, or the function's role may not use it.
        RetryLater: S3 could not be reached, or asks to slow down.
    """
    return _parse_json(_read_bytes(bucket, key), bucket, key)


def find_json(bucket: str, key: str) -> Any | None:
    """Return the parsed content of a JSON object, None where there is no such object (raises as `read_json` else)."""
    try:
        content = _read_bytes(bucket, key)
    except FixData:
        return None
    return _parse_json(content, bucket, key)


def _read_bytes(bucket: str, key: str) -> bytes:
    try:
        content: bytes = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:GetObject") from error
    return content


def _parse_json(content: bytes, bucket: str, key: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise FixData(f"{address(bucket, key)} is no JSON") from error


@dataclass(frozen=True)
class Versioned:
    """An object's content, and the tag of that very content, by which S3 tells whether it was written over since."""

    content: bytes = field(repr=False)
    etag: str


def find_versioned(bucket: str, key: str) -> Versioned | None:
    """Return an object with its version, None where there is none (raises as `read_json` else)."""
    try:
        answer = s3().get_object(Bucket=bucket, Key=key)
        return Versioned(answer["Body"].read(), answer["ETag"])
    except (ClientError, BotoCoreError) as error:
        explained = explain_s3_error(error, bucket, key, "s3:GetObject")
        if isinstance(explained, FixData):
            return None
        raise explained from error


def replace_json(bucket: str, key: str, value: Any, etag: str) -> bool:
    """Write a JSON object over a version of it; where that is not the newest any more, write nothing and return False.

    Amazon S3 User Guide, "Conditional writes": `If-Match` is answered with 412, with 409 where another request was faster, and
    with 404 where the object is gone. A request that boto repeats after a lost answer meets its own write: that is False, too.

    Raises:
        As `read_json`.
    """
    body = json.dumps(value, ensure_ascii=False, indent=1).encode()
    try:
        s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfMatch=etag)
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in _OVERTAKEN:
            return False
        raise explain_s3_error(error, bucket, key, "s3:PutObject") from error
    return True


def write_bytes(bucket: str, key: str, content: bytes) -> None:
    """Write an object (raises as `read_json`)."""
    try:
        s3().put_object(Bucket=bucket, Key=key, Body=content)
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:PutObject") from error


def write_text(bucket: str, key: str, text: str, content_type: str = "text/plain") -> None:
    """Write a text object (raises as `read_json`)."""
    try:
        s3().put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType=f"{content_type}; charset=utf-8")
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:PutObject") from error


def find_text(bucket: str, key: str) -> str | None:
    """Return a text object, None where there is no such object (raises as `read_json` else)."""
    try:
        content: bytes = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        return content.decode()
    except (ClientError, BotoCoreError) as error:
        explained = explain_s3_error(error, bucket, key, "s3:GetObject")
        if isinstance(explained, FixData):
            return None
        raise explained from error


def write_copy_manifest(bucket: str, key: str, files: list[tuple[str, int]]) -> str:
    """Write a COPY manifest of files (key and bytes; at least one), and return its address.

    Without `mandatory` COPY passes over a missing file; Parquet needs `content_length` (Redshift, "Using a manifest").
    """
    entries = [{"url": address(bucket, name), "mandatory": True, "meta": {"content_length": size}} for name, size in files]
    write_json(bucket, key, {"entries": entries})
    return address(bucket, key)


def can_list(bucket: str) -> None:
    """Ask for a single key, to see that S3 is reached and the bucket may be listed (raises as `read_json`)."""
    try:
        s3().list_objects_v2(Bucket=bucket, MaxKeys=1)
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, "", "s3:ListBucket") from error


def list_objects(bucket: str, prefix: str) -> dict[str, datetime]:
    """Return when each object under a prefix was written, by key (raises as `read_json`)."""
    return {item["Key"]: item["LastModified"] for item in _list(bucket, prefix)}


def list_sizes(bucket: str, prefix: str) -> dict[str, int]:
    """Return the size in bytes of each object under a prefix, by key: a thousand in one request (raises as `read_json`)."""
    return {item["Key"]: item["Size"] for item in _list(bucket, prefix)}


def _list(bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    try:
        for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, prefix, "s3:ListBucket") from error


def find_last_run(bucket: str, marketplace: str) -> tuple[int, datetime] | None:
    """Return the highest number of a run with objects of its own, and when the first of them was written; None: there is none.

    Twenty requests at most, however many runs there are (raises as `read_json`).
    """
    prefix, last = f"{marketplace}/runs/", None
    least, most = 0, _MOST_RUNS
    while least <= most:
        middle = (least + most) // 2
        try:
            # Behind all of the run before: "0" comes after "/".
            answer = s3().list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{middle - 1:06d}0", MaxKeys=1)
        except (ClientError, BotoCoreError) as error:
            raise explain_s3_error(error, bucket, prefix, "s3:ListBucket") from error
        if not answer.get("Contents"):
            most = middle - 1
            continue
        (item,) = answer["Contents"]
        last = int(item["Key"].removeprefix(prefix).partition("/")[0]), item["LastModified"]
        least = last[0] + 1
    return last


def delete_objects(bucket: str, keys: list[str]) -> None:
    """Delete objects; those that are gone count as deleted (raises as `read_json`)."""
    for start in range(0, len(keys), _MOST_DELETED):
        batch = [{"Key": key} for key in keys[start : start + _MOST_DELETED]]
        try:
            answer = s3().delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        except (ClientError, BotoCoreError) as error:
            raise explain_s3_error(error, bucket, keys[start], "s3:DeleteObject") from error
        if failed := answer.get("Errors"):
            denied = failed[0]["Code"] == "AccessDenied"
            raise (FixConfiguration if denied else RetryLater)(
                f"s3:DeleteObject on {address(bucket, failed[0]['Key'])} failed ({failed[0]['Code']})"
            )


def find_time(bucket: str, key: str) -> datetime | None:
    """Return when an object was written, UTC, None where there is none (raises as `read_json` else)."""
    try:
        written: datetime = s3().head_object(Bucket=bucket, Key=key)["LastModified"]
        return written
    except (ClientError, BotoCoreError) as error:
        explained = explain_s3_error(error, bucket, key, "s3:GetObject")
        if isinstance(explained, FixData):
            return None
        raise explained from error


def object_size(bucket: str, key: str) -> int:
    """Return the size of an object in bytes (raises as `read_json`)."""
    try:
        size: int = s3().head_object(Bucket=bucket, Key=key)["ContentLength"]
        return size
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:GetObject") from error


def find_kms_key(bucket: str, key: str) -> str | None:
    """Return the ARN of the KMS key that encrypts an object; None where it is S3's own (raises as `read_json`)."""
    try:
        found: str | None = s3().head_object(Bucket=bucket, Key=key).get("SSEKMSKeyId")
        return found
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:GetObject") from error


@cache
def s3() -> Any:
    """Return this process's S3 client; its pool serves the threads of write_manifests."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=32))


def explain_s3_error(error: Exception, bucket: str, key: str, permission: str) -> PipelineError:
    """Turn an error of S3 into one of the pipeline's, with the object's address, the cause and the way out."""
    where = address(bucket, key)
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    if code in ("NoSuchKey", "404", "NotFound"):
        return FixData(f"{where} does not exist (deleted, or never written)")
    if code == "NoSuchBucket":
        return FixConfiguration(f"the bucket {bucket} does not exist: check the variable BUCKET")
    if code in ("AccessDenied", "403", "Forbidden"):
        return FixConfiguration(f"{permission} on {where} is denied: check the function's role and the bucket's policy and key")
    if code in ("NoCredentialsError", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
        return FixConfiguration(f"no valid AWS credentials to reach {where} ({code})")
    return RetryLater(f"S3 did not serve {where} ({code}): it is tried again")
