"""The columns of a result: what the server says that it sends, matched with the Arrow types that are wanted.

Sources: MySQL Source Code Documentation, "Column Definition" and "Binary Protocol Resultset"; MariaDB Knowledge Base, "Result Set
Packets". Where the two differ: a JSON column is of type 245 and of the binary character set on MySQL, and a text on MariaDB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import pyarrow
import pyarrow.types
from pymysql.constants import FIELD_TYPE, FLAG

from mysql_arrow.errors import SchemaMismatch


class Definition(Protocol):
    """What the server says of a column: PyMySQL's FieldDescriptorPacket.

    Attributes:
        type_code: MySQL's number of the type (pymysql.constants.FIELD_TYPE).
        flags: pymysql.constants.FLAG.
        scale: Digits behind the point, or behind the second.
    """

    type_code: int
    flags: int
    scale: int


class Kind(Enum):
    """How a column's values are written on the wire."""

    INTEGER = "integer"
    REAL = "floating-point number"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BIT = "bit field"
    TEXT = "text"
    NULL = "NULL"


# Kind, and the bytes of a value in the binary protocol (0: as long as its value says). YEAR is 2 bytes, MEDIUMINT 4.
_KINDS = {
    FIELD_TYPE.TINY: (Kind.INTEGER, 1),
    FIELD_TYPE.SHORT: (Kind.INTEGER, 2),
    FIELD_TYPE.YEAR: (Kind.INTEGER, 2),
    FIELD_TYPE.INT24: (Kind.INTEGER, 4),
    FIELD_TYPE.LONG: (Kind.INTEGER, 4),
    FIELD_TYPE.LONGLONG: (Kind.INTEGER, 8),
    FIELD_TYPE.FLOAT: (Kind.REAL, 4),
    FIELD_TYPE.DOUBLE: (Kind.REAL, 8),
    FIELD_TYPE.DECIMAL: (Kind.DECIMAL, 0),
    FIELD_TYPE.NEWDECIMAL: (Kind.DECIMAL, 0),
    FIELD_TYPE.DATE: (Kind.DATE, 0),
    FIELD_TYPE.NEWDATE: (Kind.DATE, 0),
    FIELD_TYPE.DATETIME: (Kind.DATETIME, 0),
    FIELD_TYPE.TIMESTAMP: (Kind.DATETIME, 0),
    FIELD_TYPE.TIME: (Kind.TIME, 0),
    FIELD_TYPE.BIT: (Kind.BIT, 0),
    FIELD_TYPE.NULL: (Kind.NULL, 0),
    **dict.fromkeys(
        (
            FIELD_TYPE.VARCHAR,
            FIELD_TYPE.VAR_STRING,
            FIELD_TYPE.STRING,
            FIELD_TYPE.ENUM,
            FIELD_TYPE.SET,
            FIELD_TYPE.TINY_BLOB,
            FIELD_TYPE.BLOB,
            FIELD_TYPE.MEDIUM_BLOB,
            FIELD_TYPE.LONG_BLOB,
            FIELD_TYPE.JSON,
        ),
        (Kind.TEXT, 0),
    ),
}


def _is_whole_number(kind: pyarrow.DataType) -> bool:
    return bool(pyarrow.types.is_integer(kind) or (pyarrow.types.is_decimal128(kind) and kind.scale == 0))


# The Arrow types that a kind may become; whether a number fits them is seen value by value.
_CAN_BECOME: dict[Kind, Callable[[pyarrow.DataType], bool]] = {
    Kind.INTEGER: _is_whole_number,
    Kind.REAL: pyarrow.types.is_floating,
    Kind.DECIMAL: pyarrow.types.is_decimal128,
    Kind.DATE: pyarrow.types.is_date32,
    Kind.DATETIME: lambda kind: kind == pyarrow.timestamp("us"),
    Kind.TIME: pyarrow.types.is_string,
    Kind.BIT: _is_whole_number,
    Kind.TEXT: lambda kind: pyarrow.types.is_string(kind) or pyarrow.types.is_binary(kind),
    Kind.NULL: lambda kind: True,
}

_LONGEST_FRACTION = 6  # of a time; where it has none, the server may send another number


@dataclass(frozen=True)
class Column:
    """A column of a result.

    Attributes:
        name: For messages.
        kind: What the server sends.
        width: Bytes of a value in the binary protocol, 0 where they vary.
        unsigned: Whether an integer has no sign.
        fraction: Digits behind the point of a DECIMAL, and behind the second of a TIME.
        type: The Arrow type that it becomes.
    """

    name: str
    kind: Kind
    width: int
    unsigned: bool
    fraction: int
    type: pyarrow.DataType


def match_columns(definitions: Sequence[Definition], schema: pyarrow.Schema, *, is_text_protocol: bool) -> list[Column]:
    """Match what the server sends with what is wanted, by position.

    Raises:
        SchemaMismatch: their number differs, or a type cannot be read exactly as the one that is wanted.
    """
    if len(definitions) != len(schema):
        raise SchemaMismatch(f"the server sends {len(definitions)} columns where {len(schema)} are wanted")
    return [_match(sent, wanted, is_text_protocol) for sent, wanted in zip(definitions, schema, strict=True)]


def _match(sent: Definition, wanted: pyarrow.Field, is_text_protocol: bool) -> Column:
    if sent.type_code not in _KINDS:
        raise SchemaMismatch(f"column {wanted.name}: the server sends MySQL's type {sent.type_code}, which is not read")
    kind, width = _KINDS[sent.type_code]
    if not _CAN_BECOME[kind](wanted.type):
        raise SchemaMismatch(f"column {wanted.name}: the server sends a {kind.value}, which cannot become {wanted.type}")
    if is_text_protocol and sent.type_code == FIELD_TYPE.FLOAT:
        # It prints six digits; a FLOAT can have up to nine (MySQL Reference Manual, "Problems with Floating-Point Values").
        raise SchemaMismatch(f"column {wanted.name}: MySQL prints a FLOAT rounded; select it as a DOUBLE (`{wanted.name} + 0e0`)")
    return Column(
        name=wanted.name,
        kind=kind,
        width=width,
        unsigned=bool(sent.flags & FLAG.UNSIGNED),
        fraction=sent.scale if kind is Kind.DECIMAL or sent.scale <= _LONGEST_FRACTION else 0,
        type=wanted.type,
    )
