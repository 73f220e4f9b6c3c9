"""MySQL results as Arrow record batches, at about the speed of the wire (see README.md).

    results        sends the query over PyMySQL's connection, and reads the column definitions
    columns        matches them with the Arrow types that are wanted
    packets        receives bytes, and finds the rows in them
    receive_ahead  does so in a thread, while the rows before are decoded
    binary_rows    decodes the rows of a prepared statement (the default)
    text_rows      decodes the rows of a plain query (for proxies on which prepared statements pin a session)
    errors         what is raised
    cells, values, dates, numbers   what both decoders need

A row is never a Python object. Two megabytes are received at a time; the rows in them are decoded together, a column at a time.
A handful of such blocks is in memory, whatever the length of the result. Text and binary rows give the same table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import closing

import pyarrow
import pymysql

from mysql_arrow.binary_rows import decode_binary_rows
from mysql_arrow.columns import match_columns
from mysql_arrow.dates import ReportDates
from mysql_arrow.errors import GarbledAnswer, InvalidValue, ReadError, RowTooLong, SchemaMismatch, UnsupportedQuery
from mysql_arrow.packets import RowPackets
from mysql_arrow.receive_ahead import receive_ahead
from mysql_arrow.results import abandon, close_statement, interrupt, open_result
from mysql_arrow.text_rows import decode_text_rows

BINARY, TEXT = "binary", "text"
PROTOCOLS = (BINARY, TEXT)
__all__ = [
    "BINARY",
    "PROTOCOLS",
    "TEXT",
    "GarbledAnswer",
    "InvalidValue",
    "ReadError",
    "ReportDates",
    "RowTooLong",
    "SchemaMismatch",
    "UnsupportedQuery",
    "read_batches",
]


def _ignore_dates(column: str, dates: Counter[str]) -> None:
    pass


def read_batches(
    connection: pymysql.Connection,
    query: str,
    schema: pyarrow.Schema,
    *,
    protocol: str = BINARY,
    report_dates: ReportDates = _ignore_dates,
) -> Generator[pyarrow.RecordBatch]:
    """Run a query and yield its rows. It ends only after the server has said that these were all.

    Args:
        connection: Its session runs in UTC, so that a TIMESTAMP is. It may be used again after the last row; if the iterator is
            closed or fails before that, it is closed as well.
        query: One SELECT, its arguments written into it.
        schema: The types wanted, by position: int16, int32, int64, decimal128, float32, float64, date32, timestamp[us], string
            (also for TIME), binary.
        protocol: BINARY or TEXT.
        report_dates: Is told which dates that do not exist (0000-00-00, 2024-02-31) became NULL.

    Raises:
        ValueError: the protocol is none of the two, or the connection's character set is not UTF-8.
        pymysql.MySQLError: the server refuses or kills the query, or the connection broke.
        GarbledAnswer: the bytes received break the protocol.
        UnsupportedQuery: it returns no rows, or has a parameter mark.
        SchemaMismatch: a column cannot become what is wanted.
        InvalidValue: a value cannot.
        RowTooLong: a row is longer than 128 MiB.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}; found {protocol!r}")
    if connection.encoding != "utf8":
        raise ValueError("the connection's character set must be utf8mb4, in which texts are read")
    decode = {BINARY: decode_binary_rows, TEXT: decode_text_rows}[protocol]
    is_complete = False
    try:
        result = open_result(connection, query, prepared=protocol == BINARY)
        columns = match_columns(result.definitions, schema, is_text_protocol=protocol == TEXT)
        packets = RowPackets(result.receive, result.received, result.sequence, ends_with_ok=result.ends_with_ok)
        with closing(receive_ahead(packets.read_blocks(), lambda: interrupt(connection))) as blocks:
            for block in blocks:
                yield decode(block, columns, schema, report_dates)
        is_complete = True
        close_statement(connection, result)
    finally:
        if not is_complete:
            abandon(connection)
