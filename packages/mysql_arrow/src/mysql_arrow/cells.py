"""Work on the same column of all rows of a block at once, with NumPy's indexing and Arrow's buffers."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy
import pyarrow
import pyarrow.compute as pc

from mysql_arrow.errors import GarbledAnswer
from mysql_arrow.numbers import load

_NULL, _TWO_BYTES, _THREE_BYTES, _EIGHT_BYTES, _INVALID = 0xFB, 0xFC, 0xFD, 0xFE, 0xFF


class Cells(NamedTuple):
    """One column of a block's rows, NULL or not.

    Attributes:
        data: The block's bytes.
        starts, ends: Where each cell's value begins and ends in them.
        nulls: Which cells are NULL, or None for none; the value of such a cell is empty.
    """

    data: numpy.ndarray
    starts: numpy.ndarray
    ends: numpy.ndarray
    nulls: numpy.ndarray | None


def find_length_encoded(data: numpy.ndarray, positions: numpy.ndarray, absent: numpy.ndarray | None = None) -> Cells:
    """Return the length-encoded strings that begin at the positions; one that is absent is empty, and takes no byte.

    A first byte below 0xFB is the length; 0xFC, 0xFD and 0xFE say that it stands in the next 2, 3 or 8 bytes; 0xFB is NULL
    (MySQL Source Code Documentation, "Protocol::LengthEncodedInteger" and "Text Resultset Row").
    """
    first = data[positions]
    starts = positions + 1
    if absent is not None:
        first[absent] = 0
        starts -= absent
    if first.max(initial=0) < _NULL:
        return Cells(data, starts, starts + first, None)
    lengths = first.astype(numpy.int64)
    is_null = first == _NULL
    lengths[is_null] = 0
    for mark, width, dtype, mask in (
        (_TWO_BYTES, 2, "<u2", 0xFFFF),
        (_THREE_BYTES, 3, "<u4", 0xFFFFFF),
        (_EIGHT_BYTES, 8, "<u8", 0x7FFFFFFF),  # no row is that long, and a sum cannot overflow
    ):
        rows = numpy.flatnonzero(first == mark)
        if len(rows):
            lengths[rows] = load(data, starts[rows], dtype) & mask
            starts[rows] += width
    if (first == _INVALID).any():
        raise GarbledAnswer("a length begins with 0xFF")
    return Cells(data, starts, starts + lengths, is_null if is_null.any() else None)


def take_bytes(cells: Cells) -> pyarrow.Array:
    """Return the cells' values, copied together, as `binary`. Cells must be in order and within the data: Arrow does not look.

    Arrow describes strings by where each ends and the next begins. Here the cells and the gaps between them are described as one
    such array, of which every second element is taken.
    """
    count = len(cells.starts)
    offsets = numpy.empty(2 * count + 1, numpy.int32)
    offsets[0:-1:2] = cells.starts
    offsets[1::2] = cells.ends
    offsets[-1] = cells.ends[-1]
    buffers = [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(cells.data)]
    cells_and_gaps = pyarrow.Array.from_buffers(pyarrow.binary(), 2 * count, buffers)
    _, compact_offsets, compact = pc.take(cells_and_gaps, _even_numbers(count), boundscheck=False).buffers()
    return pyarrow.Array.from_buffers(pyarrow.binary(), count, [_validity(cells.nulls), compact_offsets, compact])


def make_array(kind: pyarrow.DataType, values: numpy.ndarray, nulls: numpy.ndarray | None) -> pyarrow.Array:
    """Return values of a fixed width as an Arrow array; each element (or row) of `values` has the width of the type."""
    return pyarrow.Array.from_buffers(kind, len(values), [_validity(nulls), pyarrow.py_buffer(numpy.ascontiguousarray(values))])


@lru_cache(maxsize=8)
def _even_numbers(count: int) -> pyarrow.Array:
    return make_array(pyarrow.int32(), numpy.arange(0, 2 * count, 2, dtype=numpy.int32), None)


def _validity(nulls: numpy.ndarray | None) -> pyarrow.Buffer | None:
    """Return Arrow's bitmap, in which a set bit is a value."""
    return None if nulls is None else pyarrow.py_buffer(numpy.packbits(~nulls, bitorder="little"))
