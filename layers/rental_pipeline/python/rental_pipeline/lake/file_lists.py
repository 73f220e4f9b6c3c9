"""Which Parquet files a table of the lake consists of: lists of addresses, one for each run that changed the table.

A list names the files that the run unloaded and, of the list before, those of the months or years that did not change. It is
written once all of its files are there, and readers come to it by the catalogue only. What no list of the last day needs is
deleted.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import (
    address,
    delete_objects,
    find_json,
    find_text,
    lake_folder,
    list_objects,
    listing_key,
    read_json,
    unload_folder,
    write_text,
)
from rental_pipeline.base.telemetry import logger
from rental_pipeline.model.lake_document import ShownLoad, StaleTable

# How long files stay after readers were moved to others: longer than any query that began before (Athena ends one after 30
# minutes by default: Amazon Athena User Guide, "Service Quotas").
GRACE = timedelta(days=1)
_PART = re.compile(r"/lake_(?:year|month)=(\d+)/")


def list_table(bucket: str, marketplace: str, table: StaleTable, run_sequence: int, rows: int) -> None:
    """Write the list of a table's files as a run leaves them.

    Args:
        bucket, marketplace: The stack's.
        table: Its entry in lake.json.
        run_sequence: The run.
        rows: How many it unloaded.

    Raises:
        FixData: the list that is to be continued is missing; or UNLOAD's manifest is, or is there where no row was unloaded.
    """
    layer, name = table.layer, table.table
    key = unload_folder(marketplace, layer, name, run_sequence) + "manifest"
    # UNLOAD of nothing writes nothing, and each attempt of a run unloads the same.
    manifest = find_json(bucket, key)
    if (manifest is not None) != bool(rows):
        found = "is missing" if manifest is None else "is there"
        raise FixData(f"{address(bucket, key)} {found}, though {rows} rows of {table.name} were unloaded: start a new execution")
    files = [entry["url"] for entry in manifest["entries"]] if manifest else []
    if table.parts is not None:
        stale = set(table.parts)
        base = _read_list(bucket, listing_key(marketplace, layer, name, table.base_run), table.name)
        files = [file for file in base if _read_part(file) not in stale] + files
    _write_list(bucket, listing_key(marketplace, layer, name, run_sequence), files)


def list_slices(bucket: str, marketplace: str, source: str, load: ShownLoad) -> None:
    """Write the list of the files that a committed load copied, from its COPY manifest."""
    manifest_bucket, _, key = load.manifest.removeprefix("s3://").partition("/")
    files = [entry["url"] for entry in read_json(manifest_bucket, key)["entries"]]
    _write_list(bucket, listing_key(marketplace, "raw", source, load.run_sequence), files)


def sweep(bucket: str, marketplace: str, table: StaleTable) -> None:
    """Delete a table's lists that were out of use for GRACE, and the files that only they name, or none does."""
    written = list_objects(bucket, lake_folder(marketplace, table.layer, table.table))
    limit = datetime.now(UTC) - GRACE
    if all(modified > limit for modified in written.values()):
        return  # nothing is old enough, whatever the lists say
    # By their time: a warehouse that is set up again begins with run 1 again.
    lists = sorted((key for key in written if key.endswith("/files.txt")), key=lambda key: (written[key], key))
    kept = set()
    for key, successor in zip(lists, [*lists[1:], None], strict=True):
        if successor is None or written[successor] > limit:  # readers were moved from it when its successor was written
            files = _read_list(bucket, key, table.name)
            kept |= {key, *(file.removeprefix(f"s3://{bucket}/") for file in files)}
    old = [key for key, modified in written.items() if key not in kept and modified <= limit]
    if old:
        delete_objects(bucket, old)
        logger.info("swept the lake", extra={"table": table.name, "objects": len(old)})


def _read_part(file: str) -> int:
    """Return the month or year of a partition's file, which UNLOAD's `partition by` put into its address."""
    found = _PART.search(file)
    if not found:
        raise FixData(
            f'{file} is in no folder of a month or year: its table is not divided as it was: rerun with {{"rebuild": true}}'
        )
    return int(found[1])


def _write_list(bucket: str, key: str, files: list[str]) -> None:
    write_text(bucket, key, "".join(f"{file}\n" for file in files))


def _read_list(bucket: str, key: str, name: str) -> list[str]:
    text = find_text(bucket, key)
    if text is None:
        raise FixData(
            f"{address(bucket, key)} is missing, by which the lake's table {name} would be continued:"
            ' unload it whole with {"rebuild": true}'
        )
    return text.splitlines()
