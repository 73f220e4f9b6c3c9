"""The Glue Data Catalog: readers of the lake are moved to a run's files, table by table, when all of them are there.

A table of the lake is a list of Parquet files (`file_lists.py`), which Athena reads through Hive's SymlinkTextInputFormat; one
UpdateTable moves its readers to another list. Raw slices are partitions of the run that read them.
See docs/decisions/0006-the-lake-is-a-list-of-files.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixConfiguration, PipelineError, RetryLater
from rental_pipeline.base.object_store import LAKE, UNLOADS, address, listing_key, run_key
from rental_pipeline.base.settings import CatalogueSettings, read_settings
from rental_pipeline.lake.file_lists import list_slices, list_table, sweep
from rental_pipeline.model.column_types import glue_type
from rental_pipeline.model.document import read_document, read_event
from rental_pipeline.model.events import RunEvent
from rental_pipeline.model.lake_document import Lake, LakeColumn, ShownSource, StaleTable

_THREADS = 8
_MOST_PARTITIONS = 100  # of one BatchCreatePartition
_MOST_DELETED = 25  # of one BatchDeletePartition

Json = dict[str, Any]


def switch_catalogue(event: Json) -> Json:
    """Show readers of the lake what a run unloaded and what it read from the source; repeating it changes nothing.

    Args:
        event: `run_sequence` (int).

    Returns:
        `run_sequence` and `tables`, the number of tables that show something new.

    Raises:
        FixData: a list of files that is to be continued, or a manifest, is missing.
        FixConfiguration: the database is missing, or the function's role may not use it.
        RetryLater: Glue or S3 could not be reached.
    """
    settings = read_settings(CatalogueSettings)
    bucket, marketplace, run = settings.bucket, settings.marketplace, read_event(RunEvent, event).run_sequence
    plan = read_document(Lake, bucket, run_key(marketplace, run, LAKE))
    rows = read_document(dict[str, int], bucket, run_key(marketplace, run, UNLOADS))
    tables, sources = plan.tables, plan.slices
    loads = [(source.source, load) for source in sources for load in source.loads]
    catalogue = Catalogue(bucket, marketplace, settings.lake_database)
    with ThreadPoolExecutor(_THREADS) as threads:
        # Every list is whole before the first reader is moved.
        list(threads.map(lambda table: list_table(bucket, marketplace, table, run, rows[table.name]), tables))
        list(threads.map(lambda load: list_slices(bucket, marketplace, *load), loads))
        list(threads.map(lambda table: catalogue.show_table(table, run), tables))
        list(threads.map(catalogue.show_slices, sources))
        list(threads.map(lambda table: sweep(bucket, marketplace, table), tables))
    return {"run_sequence": run, "tables": len(tables) + len(sources)}


class Catalogue:
    """One database of the Glue Data Catalog, over one marketplace's objects in a bucket."""

    def __init__(self, bucket: str, marketplace: str, database: str) -> None:
        self._bucket, self._marketplace, self._database = bucket, marketplace, database
        self._glue = boto3.client("glue")
        # Looked up before threads share the client: it makes its exceptions at their first use, each thread its own classes.
        self._not_found = self._glue.exceptions.EntityNotFoundException

    def show_table(self, table: StaleTable, run_sequence: int) -> None:
        """Let a table consist of the files that a run listed."""
        self._put_table(
            {
                "Name": table.name,
                "Description": f"{table.relation} as of run {run_sequence}",
                "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet", "run_sequence": str(run_sequence)},
                "PartitionKeys": [],
                "StorageDescriptor": self._storage(table.columns, table.layer, table.table, run_sequence),
            }
        )

    def show_slices(self, source: ShownSource) -> None:
        """Add what runs read of a source table, a partition for each; those that are there stay, unless they were erased."""
        if source.erased_before:
            self._hide_slices(source.name, source.erased_before)
        if not source.loads:
            return
        partitions = [
            {
                "Values": [str(load.run_sequence)],
                "StorageDescriptor": self._storage(source.columns, "raw", source.source, load.run_sequence),
            }
            for load in source.loads
        ]
        self._put_table(
            {
                "Name": source.name,
                "Description": f"What was read of {source.source}, by the run that read it",
                "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
                "PartitionKeys": [{"Name": source.partition, "Type": "bigint"}],
                # Only partitions are read; the table's own location says nothing.
                "StorageDescriptor": partitions[-1]["StorageDescriptor"],
            }
        )
        for start in range(0, len(partitions), _MOST_PARTITIONS):
            batch = partitions[start : start + _MOST_PARTITIONS]
            answer = self._call("batch_create_partition", TableName=source.name, PartitionInputList=batch)
            for failure in answer.get("Errors", []):
                detail = failure["ErrorDetail"]
                if detail["ErrorCode"] != "AlreadyExistsException":
                    raise RetryLater(f"Glue did not add a partition of {source.name}: {detail['ErrorMessage']}")

    def _hide_slices(self, table: str, before: int) -> None:
        """Remove the partitions of earlier runs, whose files are deleted."""
        try:
            pages = self._glue.get_paginator("get_partitions").paginate(DatabaseName=self._database, TableName=table)
            values = [partition["Values"] for page in pages for partition in page["Partitions"]]
        except self._not_found:
            return  # nothing was shown of it yet
        except (ClientError, BotoCoreError) as error:
            raise self._explain("get_partitions", error) from error
        old = [{"Values": value} for value in values if int(value[0]) < before]
        for start in range(0, len(old), _MOST_DELETED):
            self._call("batch_delete_partition", TableName=table, PartitionsToDelete=old[start : start + _MOST_DELETED])

    def _put_table(self, table: Json) -> None:
        table = {**table, "TableType": "EXTERNAL_TABLE"}
        try:
            self._call("update_table", TableInput=table, SkipArchive=True)
        except self._not_found:
            self._call("create_table", TableInput=table)

    def _storage(self, columns: Sequence[LakeColumn], layer: str, table: str, run_sequence: int) -> Json:
        """Return how Athena reads Parquet files that a text object lists (Delta Lake, "Presto, Trino and Athena integration")."""
        folder = listing_key(self._marketplace, layer, table, run_sequence).rpartition("/")[0]
        return {
            "Columns": [{"Name": column.name, "Type": glue_type(column.type)} for column in columns],
            "Location": address(self._bucket, f"{folder}/"),
            "InputFormat": "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        }

    def _call(self, operation: str, **request: Any) -> Json:
        try:
            answer: Json = getattr(self._glue, operation)(DatabaseName=self._database, **request)
        except self._not_found as error:
            if operation != "update_table":
                raise self._explain(operation, error) from error
            raise
        except (ClientError, BotoCoreError) as error:
            raise self._explain(operation, error) from error
        return answer

    def _explain(self, operation: str, error: Exception) -> PipelineError:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        if code in ("EntityNotFoundException", "AccessDeniedException", "InvalidInputException"):
            return FixConfiguration(
                f"Glue refused {operation} in the database {self._database}: {error}: check that the stack's LakeDatabase"
                " is there and that Lake Formation leaves it to IAM"
            )
        return RetryLater(f"Glue did not answer {operation} in the database {self._database} ({code}): it is tried again")
