"""Rows of PostgreSQL as the Data API gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg

from local_redshift.refusal import Refused

MAX_RESULT_BYTES = 500 * 1024 * 1024
MAX_ROW_BYTES = 64 * 1024
_PAGE_BYTES = 1024 * 1024

_BOOLEAN, _LONGS, _DOUBLES = 16, {20, 21, 23}, {700, 701}
# typeName and precision, by PostgreSQL's type number; those of text and decimals come from the type's modifier.
_TYPES: dict[int, tuple[str, int]] = {
    16: ("bool", 1),
    19: ("name", 63),
    20: ("int8", 19),
    21: ("int2", 5),
    23: ("int4", 10),
    700: ("float4", 8),
    701: ("float8", 17),
    1042: ("bpchar", 0),
    1043: ("varchar", 0),
    1082: ("date", 13),
    1083: ("time", 15),
    1114: ("timestamp", 29),
    1184: ("timestamptz", 35),
    1266: ("timetz", 21),
    1700: ("numeric", 0),
}


@dataclass
class ResultSet:
    """Rows kept for 24 hours, as fields of the Data API.

    Attributes:
        columns: ColumnMetadata.
        rows: Lists of Field.
        size: Bytes of all rows' text.
        page_starts: Index of the first row of each page.
    """

    columns: list[dict[str, Any]]
    rows: list[list[dict[str, Any]]]
    size: int
    page_starts: list[int] = field(default_factory=lambda: [0])

    def page(self, token: str | None) -> tuple[list[list[dict[str, Any]]], str | None]:
        """Return one page of rows and the token of the next; raise KeyError for a token that was never given."""
        number = int(token) if token and token.isdigit() else 0 if token is None else -1
        if not 0 <= number < len(self.page_starts):
            raise KeyError(token)
        start = self.page_starts[number]
        last = number + 1 == len(self.page_starts)
        end = len(self.rows) if last else self.page_starts[number + 1]
        return self.rows[start:end], None if last else str(number + 1)


def read_result(cursor: psycopg.Cursor) -> ResultSet:
    """Read all rows of an executed query.

    Raises:
        Refused: a row has over 64 KB or the result over 500 MB (Data API guide, "Considerations when calling the Data API").
    """
    result = cursor.pgresult
    assert result is not None  # psycopg has one after every execution
    oids = [result.ftype(column) for column in range(result.nfields)]
    columns = [_describe(result, column) for column in range(result.nfields)]
    result_set = ResultSet(columns, [], 0)
    page_bytes = 0
    for row in range(result.ntuples):
        fields, row_bytes = [], 0
        for column, oid in enumerate(oids):
            value = result.get_value(row, column)
            row_bytes += len(value or b"")
            fields.append(_field(oid, value))
        if row_bytes > MAX_ROW_BYTES:
            raise Refused("Row size exceeds the maximum of 64 KB that the Data API returns")
        if page_bytes + row_bytes > _PAGE_BYTES:
            result_set.page_starts.append(row)
            page_bytes = 0
        page_bytes += row_bytes
        result_set.size += row_bytes
        if result_set.size > MAX_RESULT_BYTES:
            raise Refused("Query result size exceeds the maximum of 500 MB that the Data API returns")
        result_set.rows.append(fields)
    return result_set


def _field(oid: int, value: bytes | None) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if oid in _LONGS:
        return {"longValue": int(value)}
    if oid in _DOUBLES:
        return {"doubleValue": float(value)}
    if oid == _BOOLEAN:
        return {"booleanValue": value == b"t"}
    return {"stringValue": value.decode()}


def _describe(result: Any, column: int) -> dict[str, Any]:
    oid, modifier = result.ftype(column), result.fmod(column)
    name = result.fname(column).decode()
    kind, precision = _TYPES.get(oid, ("varchar", 0))
    scale, length = 0, 0
    if kind == "numeric":
        precision, scale = ((modifier - 4) >> 16, (modifier - 4) & 0x7FF) if modifier > 0 else (38, 0)
    elif kind in ("varchar", "bpchar"):
        precision = length = modifier - 4 if modifier > 0 else 65535
    return {
        "name": name, "label": name, "typeName": kind, "precision": precision, "scale": scale, "length": length, "nullable": 1,
        "isCaseSensitive": kind in ("varchar", "bpchar"), "isCurrency": False,
        "isSigned": kind in ("int2", "int4", "int8", "float4", "float8", "numeric"), "schemaName": "", "tableName": "",
    }  # fmt: skip
