"""Values that both protocols write alike (text, decimals, bits), and whole numbers, as the Arrow types that are wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pyarrow
import pyarrow.types

from mysql_arrow.cells import Cells, make_array, take_bytes
from mysql_arrow.columns import Column
from mysql_arrow.errors import GarbledAnswer, InvalidValue

_LONGEST_BIT = 8  # bytes
# Digits of which a floating-point number of 64 bits holds any (DBL_DIG of C's float.h).
_DIGITS_OF_DOUBLE = 15


def read_text(column: Column, cells: Cells) -> pyarrow.Array:
    """Return strings whose UTF-8 was checked, or bytes where those are wanted.

    Raises:
        InvalidValue: a text is not valid UTF-8.
    """
    content = take_bytes(cells)
    if pyarrow.types.is_binary(column.type):
        return content
    if _is_ascii(content):
        return content.view(pyarrow.string())
    try:
        return content.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        raise InvalidValue(f"column {column.name} holds text that is not valid UTF-8") from None


def _is_ascii(content: pyarrow.Array) -> bool:
    """Whether it is, and so is valid UTF-8, which takes a fraction of the time of checking that."""
    return bool(numpy.frombuffer(content.buffers()[2], numpy.uint8).max(initial=0) < 0x80)


def parse_text(column: Column, cells: Cells) -> pyarrow.Array:
    """Return what the cells' text says in the wanted type; Arrow's parser takes no value that it would have to change."""
    return _parse(column, column.type, cells)


def read_decimals(column: Column, cells: Cells) -> pyarrow.Array:
    """Return decimals.

    Those of up to 15 digits are read as floating-point numbers, in half the time and exactly: parsing one and moving its point
    each change it by at most an eighth of its last digit (10^15 is below 2^50, and half of the last of 53 bits may be lost).

    Raises:
        InvalidValue: one of them does not fit the wanted type.
    """
    if column.type.precision > _DIGITS_OF_DOUBLE or column.fraction != column.type.scale:
        return parse_text(column, cells)
    reals = _parse(column, pyarrow.float64(), cells)
    numbers = numpy.frombuffer(reals.buffers()[1], numpy.float64, len(reals)) * 10.0**column.type.scale
    if cells.nulls is not None:
        numbers[cells.nulls] = 0
    if not (numpy.abs(numbers) < 10.0**column.type.precision).all():
        raise _does_not_fit(column)
    return make_whole_numbers(column, numpy.rint(numbers).astype(numpy.int64), cells.nulls)


def read_bits(column: Column, cells: Cells) -> pyarrow.Array:
    """Return bit fields as the numbers that they are: their bytes come highest first."""
    lengths = cells.ends - cells.starts
    if lengths.max(initial=0) > _LONGEST_BIT:
        raise GarbledAnswer("a BIT has more than 64 bits")
    numbers = numpy.zeros(len(lengths), numpy.uint64)
    for place in range(_LONGEST_BIT):
        rows = numpy.flatnonzero(lengths > place)
        numbers[rows] = (numbers[rows] << numpy.uint64(8)) | cells.data[cells.starts[rows] + place]
    return make_whole_numbers(column, numbers, cells.nulls)


def make_whole_numbers(column: Column, numbers: numpy.ndarray, nulls: numpy.ndarray | None) -> pyarrow.Array:
    """Return integers in the wanted integer or decimal type.

    Raises:
        InvalidValue: one of them is too large or too small for it.
    """
    if pyarrow.types.is_decimal128(column.type):
        most = 10**column.type.precision - 1
        _require_between(column, numbers, nulls, -most, most)
        # A decimal128 is a number of 128 bits in two's complement, low half first.
        halves = numpy.empty((len(numbers), 2), numpy.int64)
        halves[:, 0] = numbers.astype(numpy.int64)
        halves[:, 1] = 0 if numbers.dtype.kind == "u" else halves[:, 0] >> 63
        return make_array(column.type, halves, nulls)
    wanted = numpy.dtype(column.type.to_pandas_dtype())
    limits = numpy.iinfo(wanted)
    _require_between(column, numbers, nulls, int(limits.min), int(limits.max))
    return make_array(column.type, numbers.astype(wanted, copy=False), nulls)


def _require_between(column: Column, numbers: numpy.ndarray, nulls: numpy.ndarray | None, least: int, most: int) -> None:
    limits = numpy.iinfo(numbers.dtype)
    if least <= limits.min and limits.max <= most:
        return
    present = numbers if nulls is None else numbers[~nulls]  # what stands in the place of a NULL is of no account
    if len(present) and not least <= int(present.min()) <= int(present.max()) <= most:
        raise _does_not_fit(column)


def read_reals(column: Column, cells: Cells) -> pyarrow.Array:
    """Return floating-point numbers from their text (raises as `make_reals`)."""
    reals = _parse(column, pyarrow.float64(), cells)
    return make_reals(column, numpy.frombuffer(reals.buffers()[1], numpy.float64, len(reals)), cells.nulls)


def make_reals(column: Column, numbers: numpy.ndarray, nulls: numpy.ndarray | None) -> pyarrow.Array:
    """Return floating-point numbers in the wanted type. A FLOAT that was selected as a DOUBLE fits into 32 bits again.

    Raises:
        InvalidValue: one of them would be rounded, or is too large for it.
    """
    with numpy.errstate(over="ignore", invalid="ignore"):  # of what stands in the place of a NULL
        reals = numbers.astype(f"f{column.type.bit_width // 8}")
        is_lost = reals != numbers
    if (is_lost if nulls is None else is_lost & ~nulls).any():
        raise _does_not_fit(column)
    return make_array(column.type, reals, nulls)


def _parse(column: Column, kind: pyarrow.DataType, cells: Cells) -> pyarrow.Array:
    text = read_text(replace(column, type=pyarrow.string()), cells)
    try:
        return text.cast(kind)
    except pyarrow.ArrowInvalid:
        # Arrow's message has the value in it, which belongs in no log.
        raise _does_not_fit(column) from None


def _does_not_fit(column: Column) -> InvalidValue:
    return InvalidValue(f"column {column.name} holds a value that is no {column.type}")
