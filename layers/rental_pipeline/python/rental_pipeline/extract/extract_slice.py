"""Extraction: one slice of a table becomes Parquet files on S3."""

from __future__ import annotations

import io
import math
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import awswrangler
import pandas
import pyarrow
import pyarrow.parquet
import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixConfiguration, FixData, PipelineError, RetryLater
from rental_pipeline.base.object_store import (
    PLAN,
    TAG,
    address,
    deleted_keys_key,
    explain_s3_error,
    part_key,
    result_key,
    run_key,
    s3,
    write_json,
)
from rental_pipeline.base.settings import ExtractSettings, read_settings
from rental_pipeline.base.telemetry import count, logger
from rental_pipeline.extract.deadline_reader import DeadlineReader
from rental_pipeline.extract.differences import (
    find_differences,
    keys_before,
    read_known,
    sum_up_ahead,
    take_fingerprint,
)
from rental_pipeline.extract.parquet import choose_encoding, count_group_rows, find_key_ends, gather_parts
from rental_pipeline.extract.results import find_result
from rental_pipeline.extract.rows import SliceRows
from rental_pipeline.model.document import read_document, read_event, write
from rental_pipeline.model.fingerprints import NOTHING, Fingerprint, Point
from rental_pipeline.model.load_document import SliceResult, WrittenFile
from rental_pipeline.model.plan_document import PlannedTables
from rental_pipeline.model.raw_tables import BAD_COLUMNS, ROW_HASH
from rental_pipeline.model.table_plan import PlannedTable, Slice
from rental_pipeline.source.connection import explain_source_error, read_source_address, snapshot
from rental_pipeline.source.personal_data import read_hash_key
from rental_pipeline.source.replication import connect_to_writer

_FOOTER_BYTES = 1_000_000


def extract_slice(event: dict[str, Any], remaining_milliseconds: Callable[[], float] = lambda: math.inf) -> dict[str, Any]:
    """Read one slice from the source, write it as Parquet, and last of all write its result.

    Done again, it writes files under a new attempt; a slice that has its result is not read again.

    Args:
        event: One item of slices.json, or the rest of one.
        remaining_milliseconds: Says how long this invocation may still take.

    Returns:
        `rest`: The event for what was left unread because time ran out, None where nothing was.

    Raises:
        RetryLater: the source or S3 broke off.
        FixConfiguration: the plan, a secret or a privilege is not as it must be.
        FixData: a value cannot be held, or what was written is not what was read.
    """
    started = time.monotonic()
    settings = read_settings(ExtractSettings)
    part = read_event(Slice, event)
    plan = read_document(PlannedTables, settings.bucket, run_key(settings.marketplace, part.run_sequence, PLAN))
    result = result_key(settings.marketplace, part.run_sequence, part.table, part.slice, part.piece)
    earlier = find_result(settings.bucket, settings.marketplace, part, plan.source_time)
    if earlier:
        logger.info("this slice was read before", extra={"table": part.table, "slice": part.slice, "piece": part.piece})
        return {"rest": write(earlier.rest)}
    table = _find_table(plan, part)
    attempt = uuid.uuid4().hex[:12]
    hashing = [table.name] if any(column.is_hashed for column in table.columns) else []
    rows = SliceRows(table, read_hash_key(settings.hash_secret_arn, hashing), settings.decoder)
    reader = DeadlineReader(table, part, rows.impossible_dates, settings.reserve_seconds, lambda: remaining_milliseconds() / 1000)
    source = read_source_address(settings.source_secret_arn)
    open_connection = partial(connect_to_writer, source, use_unicode=False)
    reading = Reading(settings, table, part, rows, reader, attempt, open_connection)
    with closing(open_connection()) as connection:
        try:
            reading.read(connection)
        except pymysql.MySQLError as error:
            raise explain_source_error(error, source) from error
        except PipelineError as error:
            raise type(error)(f"table {part.table}, slice {part.slice}: {error}") from error

    found = SliceResult(
        table=part.table,
        slice=part.slice,
        piece=part.piece,
        start=part.start,
        rest=reader.rest,
        attempt=attempt,
        # Run numbers begin again with a new control schema; results of another plan of this number must not count.
        source_time=plan.source_time,
        seconds=round(time.monotonic() - started, 3),
        rows_read=reading.found.rows,
        rows_in_parquet=sum(each.rows for each in reading.written),
        expected=reading.expected,
        parts=tuple(reading.written),
        deleted=reading.deleted,
        zero_dates=dict(rows.impossible_dates),
        rows_set_aside=reading.rows_set_aside,
        ahead=reading.expected if part.compared else reading.ahead,
    )
    write_json(settings.bucket, result, found.to_json())
    count("RowsRead", reading.found.rows, marketplace=settings.marketplace, table=part.table)
    if found.rest:
        logger.info("handed on for want of time", extra={"table": part.table, "slice": part.slice, "piece": part.piece})
    return {"rest": write(found.rest)}


class Reading:
    """One reading of a slice, from where it begins to where time or the slice ends.

    Attributes:
        found: Of the rows that were read.
        ahead: Of the rows that were read, those at which the next run looks again.
        expected: What raw must hold of what was read of the slice, once it is loaded.
        written: The Parquet files of the rows.
        deleted: The file of the deleted keys, where any are.
    """

    def __init__(
        self,
        settings: ExtractSettings,
        table: PlannedTable,
        part: Slice,
        rows: SliceRows,
        reader: DeadlineReader,
        attempt: str,
        reconnect: Callable[[], pymysql.Connection],
    ):
        self.found = self.ahead = self.expected = NOTHING
        self.written: list[WrittenFile] = []
        self.deleted: WrittenFile | None = None
        self.rows_set_aside = 0
        self._settings = settings
        self._table = table
        self._part = part
        self._rows = rows
        self._reader = reader
        self._attempt = attempt
        self._reconnect = reconnect

    def read(self, connection: pymysql.Connection) -> None:
        """Read, write and add up. What is compared is read in one snapshot, so that the source can say what it comes to."""
        if not self._part.compared:
            self._read_rows(connection)
            self.expected = self.found
            return
        with snapshot(connection):
            if self._table.key:
                self._read_differences(connection)
                return
            self._read_rows(connection)
            if self._reader.rest is None:
                self._sum_up(connection, "events", self.found)
                return
        # The rows behind the cut were not read to their end, which has closed the connection: what was added to the piece since
        # then is a difference, and has it read again.
        with closing(self._reconnect()) as again:
            self._sum_up(again, "events", self.found)

    def _read_rows(self, connection: pymysql.Connection) -> None:
        self._write(self._reader.read(self._rows.read_slice(connection, self._part)))

    def _read_differences(self, connection: pymysql.Connection) -> None:
        """Read key and hash of every row, then the rows that raw has not, or has otherwise."""
        part, key = self._part, list(self._table.key)
        known = read_known(self._settings.bucket, self._settings.marketplace, part)
        pairs = pyarrow.Table.from_batches(
            self._reader.compare(partial(self._rows.read_pairs, connection)), self._rows.pairs_schema
        )
        differences = find_differences(pairs, known, self._table, part.start, self._end)
        groups = self._reader.take(differences.changed_keys)
        self._write(batch for keys in groups for batch in self._rows.read_keys(connection, keys))
        self._sum_up(connection, "keys", take_fingerprint(keys_before(pairs, key, self._end)[ROW_HASH]))
        changed = keys_before(differences.changed, key, self._end)
        self._require(take_fingerprint(changed[ROW_HASH]), self.found, "rows that differ from raw's")
        if (deleted := keys_before(differences.deleted, key, self._end)).num_rows:
            name = deleted_keys_key(self._settings.marketplace, part.run_sequence, part.table, part.slice, self._attempt)
            self.deleted = self._write_part(name, deleted)

    @property
    def _end(self) -> Point | None:
        return self._reader.rest.start if self._reader.rest else self._part.end

    def _sum_up(self, connection: pymysql.Connection, what: str, found: Fingerprint) -> None:
        """Have the source sum up what was read of the slice, which must be what was found."""
        self.expected = self._rows.take_fingerprint(connection, replace(self._part, end=self._end))
        self._require(self.expected, found, what)

    def _require(self, expected: Fingerprint, found: Fingerprint, what: str) -> None:
        if expected != found:
            contents = ", of other contents" if expected.rows == found.rows else ""
            raise RetryLater(
                f"the source has {expected.rows} {what} from {_show(self._part.start)} to {_show(self._end)}, {found.rows} were"
                f" read{contents}: they are read again"
            )

    def _write(self, batches: Iterator[pyarrow.RecordBatch]) -> None:
        settings, part = self._settings, self._part
        for content in gather_parts(self._count(batches), settings.part_rows, settings.part_bytes):
            name = part_key(settings.marketplace, part.run_sequence, part.table, part.slice, self._attempt, len(self.written))
            self.written.append(self._write_part(name, content))
            if self._table.sets_aside:
                self.rows_set_aside += content.num_rows - content[BAD_COLUMNS].null_count
            del content  # or it would stay while the next one grows

    def _write_part(self, name: str, content: pyarrow.Table) -> WrittenFile:
        return _write_part(self._settings.bucket, name, content, *find_key_ends(content, self._table.key))

    def _count(self, batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        for batch in batches:
            self.found += take_fingerprint(batch[ROW_HASH])
            self.ahead += sum_up_ahead(batch, self._table)
            yield batch


def _show(point: Point | None) -> str:
    return ", ".join(point) if point else "(open)"


def _find_table(plan: PlannedTables, part: Slice) -> PlannedTable:
    table = plan.find(part.table)
    if table and table.read:
        return table
    raise FixConfiguration(f"run {part.run_sequence} does not read the table {part.table!r}: check the event against slices.json")


def _write_part(bucket: str, key: str, content: pyarrow.Table, least_key: int | None, greatest_key: int | None) -> WrittenFile:
    """Write one Parquet file, then look at what stands on S3: its size, its row count and its schema.

    The rows are whole in memory before the upload begins: awswrangler's writer would close a file, and so make it look complete,
    even if reading them broke off.
    """
    encoding = {**choose_encoding(content), "write_table_args": {"row_group_size": count_group_rows(content)}}
    frame = content.to_pandas(types_mapper=pandas.ArrowDtype)
    try:
        awswrangler.s3.to_parquet(
            frame,
            path=address(bucket, key),
            index=False,
            compression="snappy",
            pyarrow_additional_kwargs=encoding,
            s3_additional_kwargs={"Tagging": f"{TAG}=uncommitted"},
        )
        tail = s3().get_object(Bucket=bucket, Key=key, Range=f"bytes=-{_FOOTER_BYTES}")
        footer = pyarrow.parquet.read_metadata(io.BytesIO(tail["Body"].read()))
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:PutObject") from error
    found = footer.schema.to_arrow_schema().remove_metadata()
    if not found.equals(content.schema):
        raise FixData(f"{address(bucket, key)} has the schema {found}, but the load expects {content.schema}")
    size = int(tail["ContentRange"].rpartition("/")[2])
    return WrittenFile(key, size, footer.num_rows, least_key, greatest_key)
