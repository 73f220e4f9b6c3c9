"""What one Parquet file holds, and how it is encoded: for Redshift to read, and cheap to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow
import pyarrow.compute
import pyarrow.types

# What a row group holds in memory, about; the writer keeps one of them in its encoded form as well.
_ROW_GROUP_BYTES = 32_000_000
# A text with fewer values than this among the first rows is one of a few words, and will be.
_FEW_VALUES = 1024
_LOOKED_AT = 8192


def gather_parts(batches: Iterator[pyarrow.RecordBatch], part_rows: int, part_bytes: int) -> Iterator[pyarrow.Table]:
    """Gather batches up to so many rows or bytes: what one Parquet file holds, and the memory that this takes."""
    waiting: list[pyarrow.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= part_rows or size >= part_bytes:
            yield pyarrow.Table.from_batches(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pyarrow.Table.from_batches(waiting)


def choose_encoding(content: pyarrow.Table) -> dict[str, Any]:
    """Return the arguments for pyarrow's ParquetWriter.

    Redshift reads Parquet 1.0 with plain or dictionary encoding. A dictionary is tried only where it helps, in texts of few
    values: the writer's default tries it on every column, numbers too, which takes twice the time and makes larger files.
    """
    return {
        "version": "1.0",
        "flavor": None,
        # The writer's default for this version, INT96, carries no statistics.
        "coerce_timestamps": "us",
        "use_dictionary": [field.name for field in content.schema if _has_few_values(content[field.name])],
        # COPY looks at none; whoever else reads the files looks for a time.
        "write_statistics": [field.name for field in content.schema if pyarrow.types.is_temporal(field.type)],
    }


def find_key_ends(content: pyarrow.Table, key: Sequence[str]) -> tuple[int | None, int | None]:
    """Return the least and the greatest value of a key's first column; None without a key, or where it is no whole number."""
    if not key or not content.num_rows or not pyarrow.types.is_integer(content[key[0]].type):
        return None, None
    ends = pyarrow.compute.min_max(content[key[0]]).as_py()
    return ends["min"], ends["max"]


def count_group_rows(content: pyarrow.Table) -> int:
    """Return how many rows a row group may have."""
    rows: int = content.num_rows * _ROW_GROUP_BYTES // max(content.nbytes, _ROW_GROUP_BYTES)
    return max(1, rows)


def _has_few_values(column: pyarrow.ChunkedArray) -> bool:
    return pyarrow.types.is_string(column.type) and len(column.slice(0, _LOOKED_AT).unique()) < _FEW_VALUES
