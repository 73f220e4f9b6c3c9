"""What differs between the rows of a slice and what raw knows of them, key by key."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import address, explain_s3_error, known_prefix, read_json, s3
from rental_pipeline.model.fingerprints import NOTHING, Fingerprint, Point
from rental_pipeline.model.own_names import own
from rental_pipeline.model.raw_tables import FIRST_DATE, ROW_HASH
from rental_pipeline.model.table_plan import PlannedTable, Slice

_KNOWN_HASH = own("known_hash")
_HALF_BITS = 30


@dataclass(frozen=True)
class Differences:
    """What has to be brought to raw.

    Attributes:
        changed: Key and row hash of the rows that are new or differ, in the order of keys.
        deleted: Keys that raw has and the source has not, with the columns and types of the key.
    """

    changed: pyarrow.Table
    deleted: pyarrow.Table

    @property
    def changed_keys(self) -> Sequence[Point]:
        """The keys whose rows have to be read, as text."""
        texts = [self.changed[name].cast(pyarrow.string()).to_pylist() for name in self.deleted.column_names]
        return list(zip(*texts, strict=True))


def keys_before(keys: pyarrow.Table, names: Sequence[str], end: Point | None) -> pyarrow.Table:
    """Return the rows whose key (the columns `names`) is before the one with which a next piece begins; None: there is none."""
    return keys if end is None else keys.filter(pc.invert(_at_least(keys, names, end)))


def take_fingerprint(hashes: pyarrow.Array | pyarrow.ChunkedArray) -> Fingerprint:
    """Return the fingerprint of rows by their hashes (int64).

    The halves are summed apart: a sum of nine hashes can be more than an int64 holds.
    """
    high = pc.sum(pc.shift_right(hashes, _HALF_BITS)).as_py() or 0
    low = pc.sum(pc.bit_wise_and(hashes, (1 << _HALF_BITS) - 1)).as_py() or 0
    return Fingerprint(len(hashes), (high << _HALF_BITS) + low)


def read_known(bucket: str, marketplace: str, part: Slice) -> pyarrow.Table:
    """Return key and row hash of each row that raw has around a slice, as the step `prepare` unloaded them.

    Raises:
        FixData: files are missing, or hold fewer rows than were to be unloaded.
        FixConfiguration, RetryLater: S3 refused, or could not be reached.
    """
    manifest = read_json(bucket, known_prefix(marketplace, part.run_sequence, part.table, part.known) + "manifest")
    known = pyarrow.concat_tables([_read_parquet(bucket, entry["url"]) for entry in manifest["entries"]])
    # The one row without a key counts the others (steps/prepare.py).
    is_total = pc.is_null(known.column(0))
    totals = known.filter(is_total)[ROW_HASH].to_pylist()
    known = known.filter(pc.invert(is_total))
    if totals != [known.num_rows]:
        raise FixData(
            f"slice {part.slice} of {part.table}: {known.num_rows} known rows were unloaded, not {totals}: start a new execution"
        )
    return known


def sum_up_ahead(batch: pyarrow.RecordBatch, table: PlannedTable) -> Fingerprint:
    """Return the fingerprint of those rows at which the next run looks again: in its window, or without a cursor."""
    if table.cursor is None:
        return take_fingerprint(batch[ROW_HASH])
    if table.next_lower is None:
        return NOTHING
    cursor = batch[table.cursor]
    lower, first = (
        pyarrow.scalar(datetime.fromisoformat(text), pyarrow.timestamp("us")).cast(cursor.type)
        for text in (table.next_lower, FIRST_DATE)
    )
    is_ahead = pc.or_(pc.greater_equal(cursor, lower), pc.less(cursor, first)).fill_null(True)
    return take_fingerprint(batch[ROW_HASH].filter(is_ahead))


def find_differences(
    source: pyarrow.Table, known: pyarrow.Table, table: PlannedTable, start: Point | None = None, end: Point | None = None
) -> Differences:
    """Compare two tables of (key columns, row hash).

    Absence from the source is evidence: the source was read after raw, whole, and while this run alone may write (I8).

    Args:
        source: The rows from `start` to `end`.
        known: Those, and more on either side, which belong to other slices or pieces.
    """
    key = list(table.key)
    fields = [source.schema.field(name) for name in key]
    known = known.select([*key, ROW_HASH]).cast(pyarrow.schema([*fields, source.schema.field(ROW_HASH)]))
    if start is not None:
        known = known.filter(_at_least(known, key, start))
    known = keys_before(known, key, end)
    joined = source.join(known.rename_columns([*key, _KNOWN_HASH]), keys=key, join_type="full outer")
    is_deleted = pc.is_null(joined[ROW_HASH])
    is_changed = pc.or_kleene(pc.is_null(joined[_KNOWN_HASH]), pc.not_equal(joined[ROW_HASH], joined[_KNOWN_HASH]))
    changed = joined.filter(pc.and_not_kleene(is_changed, is_deleted)).select([*key, ROW_HASH])
    deleted = joined.filter(is_deleted).select(key).combine_chunks()
    return Differences(changed.sort_by([(name, "ascending") for name in key]), deleted)


def _at_least(keys: pyarrow.Table, names: Sequence[str], point: Point) -> pyarrow.ChunkedArray:
    """Tell which keys are at or behind a point: texts by their bytes, as the slices of a comparison are cut."""
    *before, last = [
        (keys[name], pyarrow.scalar(text).cast(keys.schema.field(name).type)) for name, text in zip(names, point, strict=True)
    ]
    is_at_least = pc.greater_equal(*last)
    for column in reversed(before):
        is_at_least = pc.or_(pc.greater(*column), pc.and_(pc.equal(*column), is_at_least))
    return is_at_least


def _read_parquet(bucket: str, url: str) -> pyarrow.Table:
    key = url.removeprefix(address(bucket, ""))
    try:
        body: Any = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:GetObject") from error
    return pyarrow.parquet.read_table(io.BytesIO(body))
