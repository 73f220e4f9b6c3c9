"""Archive: the files of committed loads are tagged, so that they are kept and grow cheaper; those of erased tables are deleted.

Every file is written with the tag `slice=uncommitted`, and the bucket's lifecycle expires such files: attempts that lost, slices
of runs that failed. Here the files that a committed manifest lists get the tag `slice=committed`, with which the lifecycle moves
them to S3 Glacier Instant Retrieval: a class that GetObject, and so COPY, reads as any other (Amazon S3 User Guide,
"Understanding and managing Amazon S3 storage classes"). Manifests and plans have no tag, and stay as they are.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import (
    ARCHIVE,
    LOADS,
    TAG,
    address,
    delete_objects,
    explain_s3_error,
    key_of,
    list_objects,
    raw_prefix,
    run_key,
    s3,
)
from rental_pipeline.base.settings import BucketSettings, read_settings
from rental_pipeline.base.telemetry import count, logger
from rental_pipeline.model.archive_document import Archive, TableRun
from rental_pipeline.model.document import read_document, read_event
from rental_pipeline.model.events import RunEvent
from rental_pipeline.model.load_document import CopyManifest, LoadTotals

COMMITTED = {"TagSet": [{"Key": TAG, "Value": "committed"}]}

_THREADS = 16


def archive_slices(event: dict[str, Any]) -> dict[str, int]:
    """Tag what was loaded and delete what was erased; doing so again changes nothing.

    Args:
        event: `{"run_sequence"}`: the run whose step `pending` wrote archive.json. That has `loads`, the committed loads as
            `{"run_sequence", "table_name"}`, and `erased`, tables as `{"table_name", "run_sequence"}`, of which no file of an
            earlier run may stay.

    Returns:
        `tagged`, `deleted` and `missing`, in files. A missing one was deleted by somebody after it was loaded: what it held is in
        raw, a replay will refuse by its name, and no later run may be held up by it. A list of files (loads.json or a manifest)
        that is gone, does not name the table or cannot be read any more is one of the missing; its files expire.

    Raises:
        FixData: archive.json is gone.
        FixConfiguration, RetryLater: S3 did not let it.
    """
    settings = read_settings(BucketSettings)
    run_sequence = read_event(RunEvent, event).run_sequence
    waiting = read_document(Archive, settings.bucket, run_key(settings.marketplace, run_sequence, ARCHIVE))
    erased = {table.table_name: table.run_sequence for table in waiting.erased}
    deleted = sum(_delete(settings, table, run) for table, run in erased.items())
    loads = [load for load in waiting.loads if load.run_sequence >= erased.get(load.table_name, 0)]
    keys: list[str] = []
    missing = 0
    for load in loads:
        try:
            keys += _list_files(settings, load)
        except FixData as error:
            logger.error(
                "the list of a committed load's files is gone: raw cannot be replayed from it",
                extra={"table": load.table_name, "load_of_run": load.run_sequence, "problem": str(error)},
            )
            missing += 1
    with ThreadPoolExecutor(_THREADS) as threads:
        tagged = sum(threads.map(lambda key: _tag(settings.bucket, key), keys))
    missing += len(keys) - tagged
    if missing:
        count("ArchivedFilesMissing", missing, marketplace=settings.marketplace)
    return {"tagged": tagged, "deleted": deleted, "missing": missing}


def _list_files(settings: BucketSettings, load: TableRun) -> list[str]:
    """Return the keys of a load's files; raise FixData where what lists them is gone, or of no use."""
    key = run_key(settings.marketplace, load.run_sequence, LOADS)
    totals = read_document(dict[str, LoadTotals], settings.bucket, key).get(load.table_name)
    if totals is None:
        raise FixData(f"{address(settings.bucket, key)} has no table {load.table_name}")
    manifests = [manifest for manifest in (totals.manifest, totals.deleted_manifest) if manifest]
    lists = [read_document(CopyManifest, settings.bucket, key_of(manifest)) for manifest in manifests]
    return [key_of(entry.url) for each in lists for entry in each.entries]


def _tag(bucket: str, key: str) -> bool:
    """Tag one file, and say whether it is there."""
    try:
        s3().put_object_tagging(Bucket=bucket, Key=key, Tagging=COMMITTED)
    except (ClientError, BotoCoreError) as error:
        explained = explain_s3_error(error, bucket, key, "s3:PutObjectTagging")
        if not isinstance(explained, FixData):
            raise explained from error
        logger.error("a file of a committed load is gone: raw cannot be replayed from it", extra={"key": key})
        return False
    return True


def _delete(settings: BucketSettings, table: str, run_sequence: int) -> int:
    """Delete the files of a table that runs before this one wrote, whether they were loaded or not."""
    first_kept = raw_prefix(settings.marketplace, table, run_sequence)
    # The run's number is written with leading zeros: keys stand in the order of the runs.
    keys = [key for key in list_objects(settings.bucket, raw_prefix(settings.marketplace, table)) if key < first_kept]
    delete_objects(settings.bucket, keys)
    return len(keys)
