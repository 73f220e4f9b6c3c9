"""Rows of the text protocol, which answers plain queries, made into Arrow columns.

A row is its values one after the other, each a length-encoded string as MySQL prints it, or the byte 0xFB for NULL.

Source: MySQL Source Code Documentation, "Text Resultset Row".
"""

from __future__ import annotations

import numpy
import pyarrow

from mysql_arrow.cells import Cells, find_length_encoded
from mysql_arrow.columns import Column, Kind
from mysql_arrow.dates import ReportDates, count_days, count_texts
from mysql_arrow.errors import GarbledAnswer
from mysql_arrow.packets import RowBlock
from mysql_arrow.values import parse_text, read_bits, read_decimals, read_reals, read_text

_DATE_LENGTH = len("2026-11-21")
_ZERO, _DASH = ord("0"), ord("-")


def decode_text_rows(
    block: RowBlock, columns: list[Column], schema: pyarrow.Schema, report_dates: ReportDates
) -> pyarrow.RecordBatch:
    """Return a block's rows.

    Raises:
        GarbledAnswer: a row is not what the protocol allows; above all, it must end exactly where its packet does.
        InvalidValue: a value does not fit the wanted type.
    """
    positions = block.starts
    arrays = []
    for column in columns:
        cells = find_length_encoded(block.data, positions)
        if (cells.ends > block.ends).any():
            raise GarbledAnswer("a value is longer than its row")
        if column.kind is Kind.BIT:
            array = read_bits(column, cells)
        elif column.kind is Kind.DECIMAL:
            array = read_decimals(column, cells)
        elif column.kind is Kind.REAL:
            array = read_reals(column, cells)
        elif column.kind in (Kind.TEXT, Kind.TIME):
            array = read_text(column, cells)
        else:
            if column.kind in (Kind.DATE, Kind.DATETIME):
                cells = _drop_impossible_dates(column, cells, report_dates)
            array = parse_text(column, cells)
        arrays.append(array)
        positions = cells.ends
    if not numpy.array_equal(positions, block.ends):
        raise GarbledAnswer("a row does not end with its packet")
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def _drop_impossible_dates(column: Column, cells: Cells, report_dates: ReportDates) -> Cells:
    """Report the dates that do not exist, and return the cells with NULL for them: Arrow's parser would refuse them all."""
    rows = numpy.arange(len(cells.starts)) if cells.nulls is None else numpy.flatnonzero(~cells.nulls)
    if (cells.ends[rows] - cells.starts[rows] < _DATE_LENGTH).any():
        raise GarbledAnswer("a date is too short")
    characters = cells.data[cells.starts[rows, numpy.newaxis] + numpy.arange(_DATE_LENGTH)]
    digits = characters - _ZERO
    if (numpy.delete(digits, (4, 7), axis=1) > 9).any() or (characters[:, (4, 7)] != _DASH).any():
        raise GarbledAnswer("a date is not written in digits")
    years = digits[:, 0:4] @ numpy.array((1000, 100, 10, 1), numpy.int32)
    months, days = (digits[:, place] * 10 + digits[:, place + 1] for place in (5, 8))
    if months.max(initial=0) > 12:
        raise GarbledAnswer("a date is out of range")
    _, is_lost = count_days(years, months, days)
    if not is_lost.any():
        return cells
    report_dates(column.name, count_texts(years[is_lost], months[is_lost], days[is_lost]))
    nulls = numpy.zeros(len(cells.starts), bool) if cells.nulls is None else cells.nulls
    nulls[rows[is_lost]] = True
    return cells._replace(nulls=nulls)
