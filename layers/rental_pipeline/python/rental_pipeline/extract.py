"""Extraction: one slice of a table becomes Parquet files on S3."""

from __future__ import annotations

import io
import math
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import awswrangler
import pandas
import pyarrow
import pyarrow.parquet
import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.differences import find_differences, read_known
from rental_pipeline.errors import FixConfiguration, FixData, PipelineError
from rental_pipeline.hand_on import HandOn
from rental_pipeline.object_store import (
    PLAN,
    TAG,
    address,
    explain_s3_error,
    find_json,
    gone_key,
    part_key,
    read_json,
    result_key,
    run_key,
    s3,
    write_json,
)
from rental_pipeline.parquet_parts import choose_encoding, count_group_rows, gather_parts
from rental_pipeline.personal import read_hash_key
from rental_pipeline.settings import ExtractSettings, read_settings
from rental_pipeline.slice_rows import SliceRows
from rental_pipeline.source import connect, explain_source_error, read_source_address
from rental_pipeline.table_plan import PlannedTable, Slice
from rental_pipeline.telemetry import count, logger

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
    part = Slice.from_json(event)
    plan = read_json(settings.bucket, run_key(settings.marketplace, part.run_sequence, PLAN))
    result = result_key(settings.marketplace, part.run_sequence, part.table, part.slice, part.piece)
    earlier = find_json(settings.bucket, result)
    if earlier and earlier["source_time"] == plan["source_time"] and earlier["from"] == event["from"]:
        logger.info("this slice was read before", extra={"table": part.table, "slice": part.slice, "piece": part.piece})
        return {"rest": earlier["rest"]}
    table = _find_table(plan, part)
    attempt = uuid.uuid4().hex[:12]
    hashing = [table.name] if any(column.is_hashed for column in table.columns) else []
    rows = SliceRows(table, read_hash_key(settings.hash_secret_arn, hashing), settings.decoder)
    hand_on = HandOn(table, part, rows.impossible_dates, settings.reserve_seconds, lambda: remaining_milliseconds() / 1000)
    source = read_source_address(settings.source_secret_arn)
    rows_read, written, gone, differences = 0, [], None, None
    with closing(connect(source, use_unicode=False)) as connection:
        try:
            if part.compared and table.key:
                known = read_known(settings.bucket, settings.marketplace, part)
                differences = find_differences(
                    pyarrow.Table.from_batches(hand_on.compare(rows.read_pairs(connection, part)), rows.pairs_schema),
                    known,
                    table,
                    part.start if part.piece else None,
                )
                batches = (batch for keys in hand_on.take(differences.changed) for batch in rows.read_keys(connection, keys))
            else:
                batches = hand_on.read(rows.read_slice(connection, part))
            for content in gather_parts(batches, settings.part_rows, settings.part_bytes):
                key = part_key(settings.marketplace, part.run_sequence, part.table, part.slice, attempt, len(written))
                written.append(_write_part(settings.bucket, key, content))
                rows_read += content.num_rows
                del content  # or it would stay while the next one grows
            end = hand_on.rest.start if hand_on.rest else None
            if differences and (keys := differences.gone_before(end)).num_rows:
                key = gone_key(settings.marketplace, part.run_sequence, part.table, part.slice, attempt)
                gone = _write_part(settings.bucket, key, keys)
        except pymysql.MySQLError as error:
            raise explain_source_error(error, source) from error
        except PipelineError as error:
            raise type(error)(f"table {part.table}, slice {part.slice}: {error}") from error

    rest = hand_on.rest.to_json() if hand_on.rest else None
    write_json(
        settings.bucket,
        result,
        {
            "table": part.table,
            "slice": part.slice,
            "piece": part.piece,
            "from": event["from"],
            "rest": rest,
            "attempt": attempt,
            # Run numbers begin again with a new control schema; results of another plan of this number must not count.
            "source_time": plan["source_time"],
            "seconds": round(time.monotonic() - started, 3),
            "rows_read": rows_read,
            "rows_in_parquet": sum(each["rows"] for each in written),
            "parts": written,
            "gone": gone,
            "zero_dates": dict(rows.impossible_dates),
        },
    )
    count("RowsRead", rows_read, marketplace=settings.marketplace, table=part.table)
    if rest:
        logger.info("handed on for want of time", extra={"table": part.table, "slice": part.slice, "piece": part.piece})
    return {"rest": rest}


def _find_table(plan: dict[str, Any], part: Slice) -> PlannedTable:
    for entry in plan["tables"]:
        if entry["name"] == part.table and entry["read"]:
            return PlannedTable.from_json(entry)
    raise FixConfiguration(f"run {part.run_sequence} does not read the table {part.table!r}: check the event against slices.json")


def _write_part(bucket: str, key: str, content: pyarrow.Table) -> dict[str, Any]:
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
    return {"key": key, "bytes": size, "rows": footer.num_rows}
