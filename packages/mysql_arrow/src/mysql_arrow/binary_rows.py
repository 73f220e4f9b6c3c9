"""Rows of the binary protocol, which answers prepared statements, made into Arrow columns.

A row is a zero byte, a bitmap of its NULLs, and its other values one after the other: numbers of a fixed width, dates and times
that begin with their length, and length-encoded strings for all else. All rows of a block are decoded together, a column at a
time: `positions` says how far each row has been read.

Sources: MySQL Source Code Documentation, "Binary Protocol Resultset"; MariaDB Knowledge Base, "Result Set Row".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy
import pyarrow

from mysql_arrow.cells import Cells, find_length_encoded, make_array, take_bytes
from mysql_arrow.columns import Column, Kind
from mysql_arrow.dates import LAST_YEAR, ReportDates, count_days, count_texts, format_times
from mysql_arrow.errors import GarbledAnswer
from mysql_arrow.numbers import load
from mysql_arrow.packets import RowBlock
from mysql_arrow.values import make_reals, make_whole_numbers, read_bits, read_decimals, read_text

_DAY_MICROSECONDS = 86_400_000_000
_LONGEST_DATETIME = 11
# Of the first eight bytes of a DATE or DATETIME, those that it has, by its length.
_DATETIME_FIELDS = numpy.zeros(_LONGEST_DATETIME + 1, numpy.int64)
_DATETIME_FIELDS[[4, 7, _LONGEST_DATETIME]] = (1 << 40) - 1, -1, -1
_LONGEST_TIME_DAYS = 34  # a TIME ends at 838:59:59


class _Unread(NamedTuple):
    """One column of a block, of whose cells it is known where they begin.

    Attributes:
        data: The block's bytes.
        positions: Where each row's cell begins.
        nulls: Which cells are NULL and take no bytes, or None for none.
        limits: Where each row ends.
    """

    data: numpy.ndarray
    positions: numpy.ndarray
    nulls: numpy.ndarray | None
    limits: numpy.ndarray

    def skip(self, lengths: numpy.ndarray | int) -> numpy.ndarray:
        """Return where the next column's cells begin, if those of this one are so long."""
        following = self.positions + lengths
        if self.nulls is not None:
            following = numpy.where(self.nulls, self.positions, following)
        return _require_within(following, self.limits)


def decode_binary_rows(
    block: RowBlock, columns: list[Column], schema: pyarrow.Schema, report_dates: ReportDates
) -> pyarrow.RecordBatch:
    """Return a block's rows.

    Raises:
        GarbledAnswer: a row is not what the protocol allows; above all, it must end exactly where its packet does.
        InvalidValue: a value does not fit the wanted type.
    """
    data = block.data
    positions = _require_within(block.starts + 1 + (len(columns) + 9) // 8, block.ends)
    bits = load(data, block.starts, "<u8")
    if (bits & 0xFF).any():
        raise GarbledAnswer("a row does not begin with zero")
    arrays = []
    for place, column in enumerate(columns, start=10):  # behind the first byte, and two bits that are not used
        if place % 64 == 0:
            bits = load(data, block.starts + place // 8, "<u8")
        if place % 64 == 0 or place == 10:
            has_nulls = numpy.bitwise_or.reduce(bits)
        bit = 1 << place % 64
        nulls = (bits & bit) != 0 if has_nulls & bit else None
        unread = _Unread(data, positions, nulls, block.ends)
        if column.kind is Kind.INTEGER:
            array, positions = _read_integers(column, unread)
        elif column.kind is Kind.REAL:
            array, positions = _read_reals(column, unread)
        elif column.kind in (Kind.DATE, Kind.DATETIME):
            array, positions = _read_dates(column, unread, report_dates)
        elif column.kind is Kind.TIME:
            array, positions = _read_times(column, unread)
        elif column.kind is Kind.NULL:
            array = pyarrow.nulls(len(positions), column.type)
        else:
            array, positions = _read_strings(column, unread)
        arrays.append(array)
    if not numpy.array_equal(positions, block.ends):
        raise GarbledAnswer("a row does not end with its packet")
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def _read_integers(column: Column, unread: _Unread) -> tuple[pyarrow.Array, numpy.ndarray]:
    following = unread.skip(column.width)
    numbers = load(unread.data, unread.positions, f"<{'u' if column.unsigned else 'i'}{column.width}")
    return make_whole_numbers(column, numbers, unread.nulls), following


def _read_reals(column: Column, unread: _Unread) -> tuple[pyarrow.Array, numpy.ndarray]:
    following = unread.skip(column.width)
    numbers = load(unread.data, unread.positions, f"<f{column.width}")
    return make_reals(column, numbers, unread.nulls), following


def _read_strings(column: Column, unread: _Unread) -> tuple[pyarrow.Array, numpy.ndarray]:
    strings = find_length_encoded(unread.data, unread.positions, unread.nulls)
    if strings.nulls is not None:
        raise GarbledAnswer("a NULL stands outside of the bitmap")
    _require_within(strings.ends, unread.limits)
    read = {Kind.BIT: read_bits, Kind.DECIMAL: read_decimals}.get(column.kind, read_text)
    return read(column, strings._replace(nulls=unread.nulls)), strings.ends


def _read_dates(column: Column, unread: _Unread, report_dates: ReportDates) -> tuple[pyarrow.Array, numpy.ndarray]:
    """Read length, year (2 bytes), month, day, hour, minute, second, microsecond (4); what is left out at the end is zero.

    So the zero date has the length 0, midnight 4, and a whole second 7.
    """
    fields = load(unread.data, unread.positions, "<i8")  # all but the microseconds
    lengths = _check_lengths(fields & 0xFF, unread, (0, 4, 7, 11))
    following = unread.skip(lengths + 1)
    if lengths.min(initial=_LONGEST_DATETIME) < 7:
        fields &= _DATETIME_FIELDS[lengths]
    years, months, days = fields >> 8 & 0xFFFF, fields >> 24 & 0xFF, fields >> 32 & 0xFF
    if years.max(initial=0) > LAST_YEAR or months.max(initial=0) > 12:
        raise GarbledAnswer("a date is out of range")
    numbers, is_lost = count_days(years, months, days)
    if column.kind is Kind.DATETIME:
        microseconds = _load_if(lengths == _LONGEST_DATETIME, unread, 8)
        numbers = numbers.astype(numpy.int64) * _DAY_MICROSECONDS + _count_microseconds(fields >> 40, microseconds)
    if unread.nulls is not None:
        is_lost &= ~unread.nulls
    nulls = unread.nulls
    if is_lost.any():
        report_dates(column.name, count_texts(years[is_lost], months[is_lost], days[is_lost]))
        nulls = is_lost if nulls is None else is_lost | nulls
    return make_array(column.type, numbers, nulls), following


def _read_times(column: Column, unread: _Unread) -> tuple[pyarrow.Array, numpy.ndarray]:
    """Read length, sign, days (4 bytes), hour, minute, second, microsecond (4); zero has the length 0, a whole second 8."""
    lengths = _check_lengths(unread.data[unread.positions], unread, (0, 8, 12))
    following = unread.skip(lengths + 1)
    is_negative = (unread.data[unread.positions + 1] != 0) & (lengths > 0)
    days = _load_if(lengths >= 8, unread, 2)
    times = _load_if(lengths >= 8, unread, 6)
    microseconds = _load_if(lengths == 12, unread, 9)
    if days.max(initial=0) > _LONGEST_TIME_DAYS:
        raise GarbledAnswer("a time is out of range")
    hours = days.astype(numpy.int64) * 24 + (times & 0xFF)
    _count_microseconds(times, microseconds)
    texts, first = format_times(is_negative, hours, times >> 8 & 0xFF, times >> 16 & 0xFF, microseconds, column.fraction)
    rows = numpy.arange(len(texts), dtype=numpy.int64) * texts.shape[1]
    written = Cells(texts.reshape(-1), rows + first, rows + texts.shape[1], unread.nulls)
    return take_bytes(written).cast(pyarrow.string()), following


def _check_lengths(lengths: numpy.ndarray, unread: _Unread, allowed: tuple[int, ...]) -> numpy.ndarray:
    """Return the byte that each value begins with: how many more follow; 0 for NULL."""
    if unread.nulls is not None:
        lengths[unread.nulls] = 0
    is_allowed = numpy.zeros(256, bool)
    is_allowed[list(allowed)] = True
    if not is_allowed[lengths].all():
        raise GarbledAnswer("a date or time has an impossible length")
    return lengths


def _load_if(is_there: numpy.ndarray, unread: _Unread, offset: int) -> numpy.ndarray:
    """Return the four bytes at an offset within each cell as one number, 0 where they are not there."""
    fields = load(unread.data, unread.positions + offset, "<u4")
    if not is_there.all():
        fields[~is_there] = 0
    return fields


def _count_microseconds(times: numpy.ndarray, microseconds: numpy.ndarray) -> numpy.ndarray:
    """Return the time of day; hour, minute and second are the three lowest bytes of `times`."""
    hours, minutes, seconds = times & 0xFF, times >> 8 & 0xFF, times >> 16 & 0xFF
    for field, limit in ((hours, 24), (minutes, 60), (seconds, 60), (microseconds, 1_000_000)):
        if field.max(initial=0) >= limit:
            raise GarbledAnswer("a time is out of range")
    total: numpy.ndarray = (hours * 3600 + minutes * 60 + seconds).astype(numpy.int64) * 1_000_000 + microseconds
    return total


def _require_within(positions: numpy.ndarray, limits: numpy.ndarray) -> numpy.ndarray:
    """Return the positions, if none is behind the end of its row: nothing may be read on from there."""
    if (positions > limits).any():
        raise GarbledAnswer("a value is longer than its row")
    return positions
