"""The Glue Data Catalog: which files a reader of the lake sees, switched per table when all of a run's files are there.

A table of the lake is a listing: one text object with the addresses of its Parquet files, which may come from many runs. Athena
reads such a table through Hive's SymlinkTextInputFormat. The catalogue's table points to the listing, so one UpdateTable moves
readers from one run to the next, and years that did not change keep their files. Raw slices are partitions of one run each,
listed likewise from the COPY manifests that were committed. See docs/decisions/0006-the-lake-is-a-list-of-files.md.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.column_types import glue_type
from rental_pipeline.errors import FixConfiguration, FixData, PipelineError, RetryLater
from rental_pipeline.object_store import (
    LAKE,
    UNLOADS,
    address,
    delete_objects,
    find_json,
    find_text,
    list_objects,
    listing_folder,
    read_json,
    run_key,
    unload_key,
    write_text,
)
from rental_pipeline.settings import CatalogueSettings, read_settings
from rental_pipeline.telemetry import logger

# How long files stay after readers were moved to others: longer than any query that began before (Athena ends one after 30
# minutes by default: Amazon Athena User Guide, "Service Quotas").
GRACE = timedelta(days=1)
_THREADS = 8
_LISTING = "files.txt"
_YEAR = re.compile(r"/lake_year=(\d+)/")
_MOST_PARTITIONS = 100  # of one BatchCreatePartition

Json = dict[str, Any]


def switch_catalogue(event: Json) -> Json:
    """Show readers of the lake what a run unloaded and what it read from the source; repeating it changes nothing.

    Args:
        event: `run_sequence` (int).

    Returns:
        `run_sequence` and `tables`, the number of tables that show something new.

    Raises:
        FixData: a file list that is to be continued, or a manifest, is missing.
        FixConfiguration: the database is missing, or the function's role may not use it.
        RetryLater: Glue or S3 could not be reached.
    """
    settings = read_settings(CatalogueSettings)
    run = event["run_sequence"]
    plan = read_json(settings.bucket, run_key(settings.marketplace, run, LAKE))
    counts = read_json(settings.bucket, run_key(settings.marketplace, run, UNLOADS))
    tables, sources = plan["tables"], plan["slices"]
    catalogue = Catalogue(settings.lake_database)
    with ThreadPoolExecutor(_THREADS) as threads:
        # Every list is whole before the first reader is moved.
        inputs = list(threads.map(lambda table: _list_table(settings, table, run, counts[table["name"]]), tables))
        partitions = list(threads.map(lambda source: [_list_slices(settings, source, load) for load in source["loads"]], sources))
        list(threads.map(catalogue.put_table, inputs))
        for source, found in zip(sources, partitions, strict=True):
            catalogue.put_table(_raw_table_input(settings, source))
            catalogue.add_partitions(source["name"], found)
        list(threads.map(lambda table: _sweep(settings, table, run), tables))
    return {"run_sequence": run, "tables": len(tables) + len(sources)}


class Catalogue:
    """One database of the Glue Data Catalog.

    Args:
        database: Its name.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._glue = boto3.client("glue")

    def put_table(self, table: Json) -> None:
        """Create a table or replace its definition, in one step for its readers."""
        try:
            self._call("update_table", TableInput=table, SkipArchive=True)
        except self._glue.exceptions.EntityNotFoundException:
            self._call("create_table", TableInput=table)

    def add_partitions(self, table: str, partitions: list[Json]) -> None:
        """Add partitions; those that are there stay as they are."""
        for start in range(0, len(partitions), _MOST_PARTITIONS):
            batch = partitions[start : start + _MOST_PARTITIONS]
            answer = self._call("batch_create_partition", TableName=table, PartitionInputList=batch)
            for failure in answer.get("Errors", []):
                detail = failure["ErrorDetail"]
                if detail["ErrorCode"] != "AlreadyExistsException":
                    raise RetryLater(f"Glue did not add a partition of {table}: {detail['ErrorCode']}: {detail['ErrorMessage']}")

    def _call(self, operation: str, **request: Any) -> Json:
        try:
            return getattr(self._glue, operation)(DatabaseName=self._database, **request)
        except self._glue.exceptions.EntityNotFoundException as error:
            if operation != "update_table":
                raise self._explain(operation, error) from error
            raise
        except (ClientError, BotoCoreError) as error:
            raise self._explain(operation, error) from error

    def _explain(self, operation: str, error: Exception) -> PipelineError:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        if code in ("EntityNotFoundException", "AccessDeniedException", "InvalidInputException"):
            return FixConfiguration(
                f"Glue refused {operation} in the database {self._database}: {error}: check that the stack's LakeDatabase"
                " is there and that Lake Formation leaves it to IAM"
            )
        return RetryLater(f"Glue did not answer {operation} in the database {self._database} ({code}): it is tried again")


def _list_table(settings: CatalogueSettings, table: Json, run: int, rows: int) -> Json:
    """Write the list of a table's files as this run leaves them, and return the table's definition over it."""
    files = _list_unloaded(settings, table, run) if rows else []  # a manifest of no rows is that of an earlier attempt
    if table["years"] is not None:
        stale = set(table["years"])
        files = [file for file in _read_listing(settings, table) if int(_YEAR.search(file)[1]) not in stale] + files
    folder = listing_folder(settings.marketplace, table["layer"], table["table"], run)
    write_text(settings.bucket, folder + _LISTING, "".join(f"{file}\n" for file in files))
    return {
        "Name": table["name"],
        "Description": f"{table['relation']} as of run {run}",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet", "run_sequence": str(run)},
        "PartitionKeys": [],
        "StorageDescriptor": _storage(settings, table["columns"], folder),
    }


def _list_unloaded(settings: CatalogueSettings, table: Json, run: int) -> list[str]:
    key = unload_key(settings.marketplace, table["layer"], table["table"], run) + "manifest"
    manifest = find_json(settings.bucket, key)
    if manifest is None:
        raise FixData(
            f"{address(settings.bucket, key)} is missing, though rows of {table['name']} were unloaded: redrive the run"
        )
    return [entry["url"] for entry in manifest["entries"]]


def _read_listing(settings: CatalogueSettings, table: Json) -> list[str]:
    key = listing_folder(settings.marketplace, table["layer"], table["table"], table["base_run"]) + _LISTING
    text = find_text(settings.bucket, key)
    if text is None:
        raise FixData(
            f"{address(settings.bucket, key)} is missing, by which the lake's table {table['name']} would be continued:"
            ' unload it whole with {"rebuild": true}'
        )
    return text.splitlines()


def _list_slices(settings: CatalogueSettings, table: Json, load: Json) -> Json:
    """List the files of a committed COPY manifest; return them as a partition."""
    bucket, _, key = load["manifest"].removeprefix("s3://").partition("/")
    entries = read_json(bucket, key)["entries"]
    source = table["name"].removeprefix("raw_")
    folder = listing_folder(settings.marketplace, "raw", source, load["run_sequence"])
    write_text(settings.bucket, folder + _LISTING, "".join(f"{entry['url']}\n" for entry in entries))
    storage = _storage(settings, table["columns"], folder)
    return {"Values": [str(load["run_sequence"])], "StorageDescriptor": storage}


def _raw_table_input(settings: CatalogueSettings, table: Json) -> Json:
    source = table["name"].removeprefix("raw_")
    return {
        "Name": table["name"],
        "Description": f"What was read of {source}, by the run that read it",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [{"Name": "run_sequence", "Type": "bigint"}],
        "StorageDescriptor": _storage(settings, table["columns"], f"{settings.marketplace}/lake/raw/{source}/files/"),
    }


def _storage(settings: CatalogueSettings, columns: list[Json], folder: str) -> Json:
    """Return how Athena reads Parquet files that a text object lists (Delta Lake, "Presto, Trino and Athena integration")."""
    return {
        "Columns": [{"Name": column["name"], "Type": glue_type(column["type"])} for column in columns],
        "Location": address(settings.bucket, folder),
        "InputFormat": "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            "Parameters": {"serialization.format": "1"},
        },
    }


def _sweep(settings: CatalogueSettings, table: Json, run: int) -> None:
    """Delete what no reader has been shown for longer than GRACE: old lists, the files that only they name, failed attempts'."""
    prefix = f"{settings.marketplace}/lake/{table['layer']}/{table['table']}/"
    written = list_objects(settings.bucket, prefix)
    limit = datetime.now(UTC) - GRACE
    listings = sorted(key for key in written if key.endswith(_LISTING))
    # A list is out of use since its successor was written.
    in_use = [key for key, successor in zip(listings, [*listings[1:], None], strict=True)
              if successor is None or written[successor] > limit]  # fmt: skip
    current = listing_folder(settings.marketplace, table["layer"], table["table"], run) + _LISTING
    kept = {*in_use, current}
    for key in in_use:
        kept |= {line.removeprefix(f"s3://{settings.bucket}/") for line in (find_text(settings.bucket, key) or "").splitlines()}
    old = [key for key, modified in written.items() if key not in kept and modified <= limit]
    if old:
        delete_objects(settings.bucket, old)
        logger.info("swept the lake", extra={"table": table["name"], "objects": len(old)})
