"""What differs between the rows of a slice and what raw knows of them, key by key."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.errors import FixData
from rental_pipeline.object_store import address, explain_s3_error, known_prefix, read_json, s3
from rental_pipeline.raw_tables import ROW_HASH
from rental_pipeline.slice_query import Point
from rental_pipeline.table_plan import PlannedTable, Slice

_KNOWN_HASH = "_known_hash"


@dataclass(frozen=True)
class Differences:
    """What has to be brought to raw.

    Attributes:
        changed: Keys, as text, whose rows are new or differ, in the order of keys.
        gone: Keys that raw has and the source has not, with the columns and types of the key.
    """

    changed: Sequence[Point]
    gone: pyarrow.Table

    def gone_before(self, end: Point | None) -> pyarrow.Table:
        """Return the keys that are gone from before the one with which a next piece begins; None: there is none."""
        return self.gone if end is None else self.gone.filter(pc.invert(_at_least(self.gone, end)))


def read_known(bucket: str, marketplace: str, part: Slice) -> pyarrow.Table:
    """Return key and row hash of each row that raw has in a slice, as the step `prepare` unloaded them.

    Raises:
        FixData: files are missing, or hold fewer rows than were to be unloaded.
        FixConfiguration, RetryLater: S3 refused, or could not be reached.
    """
    manifest = read_json(bucket, known_prefix(marketplace, part.run_sequence, part.table, part.slice) + "manifest")
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


def find_differences(source: pyarrow.Table, known: pyarrow.Table, table: PlannedTable, start: Point | None = None) -> Differences:
    """Compare two tables of (key columns, row hash).

    Absence from the source is evidence: the source was read after raw, whole, and while this run alone may write (DESIGN, I8).

    Args:
        source: The rows from `start` on.
        known: Those of the slice, of which the ones before `start` belong to the pieces before this one.
    """
    key = list(table.key)
    fields = [source.schema.field(name) for name in key]
    known = known.select([*key, ROW_HASH]).cast(pyarrow.schema([*fields, source.schema.field(ROW_HASH)]))
    if start is not None:
        known = known.filter(_at_least(known, start))
    joined = source.join(known.rename_columns([*key, _KNOWN_HASH]), keys=key, join_type="full outer")
    is_gone = pc.is_null(joined[ROW_HASH])
    is_changed = pc.or_kleene(pc.is_null(joined[_KNOWN_HASH]), pc.not_equal(joined[ROW_HASH], joined[_KNOWN_HASH]))
    changed = joined.filter(pc.and_not_kleene(is_changed, is_gone)).select(key).sort_by([(name, "ascending") for name in key])
    texts = [_write_texts(changed[name]) for name in key]
    gone = joined.filter(is_gone).select(key).combine_chunks()
    return Differences(list(zip(*texts, strict=True)), gone)


def _at_least(keys: pyarrow.Table, point: Point) -> pyarrow.ChunkedArray:
    """Tell which keys are at or behind a point: texts by their bytes, as the slices of a comparison are cut."""
    names = keys.column_names[: len(point)]
    *before, last = [
        (keys[name], pyarrow.scalar(text).cast(keys.schema.field(name).type)) for name, text in zip(names, point, strict=True)
    ]
    is_at_least = pc.greater_equal(*last)
    for column in reversed(before):
        is_at_least = pc.or_(pc.greater(*column), pc.and_(pc.equal(*column), is_at_least))
    return is_at_least


def _write_texts(values: pyarrow.ChunkedArray) -> list[str]:
    return values.cast(pyarrow.string()).to_pylist()


def _read_parquet(bucket: str, url: str) -> pyarrow.Table:
    key = url.removeprefix(address(bucket, ""))
    try:
        body: Any = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise explain_s3_error(error, bucket, key, "s3:GetObject") from error
    return pyarrow.parquet.read_table(io.BytesIO(body))
