"""MySQL type -> Redshift type -> Parquet type: the one table of types.

A type that is not in it is refused by name.

    MySQL                              Redshift                  Parquet (Arrow)            remark
    TINYINT [UNSIGNED], BOOLEAN        smallint                  int16                      a TINYINT(1) may hold 2..127
    SMALLINT / UNSIGNED                smallint / integer        int16 / int32
    MEDIUMINT [UNSIGNED]               integer                   int32
    INT / UNSIGNED                     integer / bigint          int32 / int64
    BIGINT / UNSIGNED                  bigint / decimal(20,0)    int64 / decimal128(20,0)
    DECIMAL(p,s), p <= 38              decimal(p,s)              decimal128(p,s)            wider ones are refused
    FLOAT, DOUBLE                      real, double precision    float32, float64
    BIT(1..63) / BIT(64)               bigint / decimal(20,0)    int64 / decimal128(20,0)   the bits as a number
    YEAR                               smallint                  int16
    DATE                               date                      date32                     impossible dates: NULL, counted
    DATETIME, TIMESTAMP                timestamp                 timestamp[us]              the same; TIMESTAMP in UTC
    TIME                               varchar(17)               string                     beyond a day: no TIME in Redshift
    CHAR(n), VARCHAR(n), ENUM, SET     varchar(4n)               string                     Redshift counts bytes
    TEXT (of all sizes), JSON          varchar(65535)            string
    BINARY(n), VARBINARY(n), BLOBs     varchar(2n)               string                     lower-case hexadecimal

A varchar is at most 65,535 bytes long; a longer value stops the run with the key of its row.

Sources: MySQL 8.0 Reference Manual, "Data Types"; Amazon Redshift Database Developer Guide, "Data types" and "COPY from columnar
data formats" (timestamps in microseconds, decimal widths equal in file and table).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rental_pipeline.errors import FixConfiguration

if TYPE_CHECKING:
    import pyarrow

LONGEST_VARCHAR = 65_535
LARGEST_PRECISION = 38
HASH_TYPE = "varchar(64)"

_INTEGERS = {  # MySQL type: (signed, unsigned)
    "tinyint": ("smallint", "smallint"),
    "smallint": ("smallint", "integer"),
    "mediumint": ("integer", "integer"),
    "int": ("integer", "bigint"),
    "bigint": ("bigint", "decimal(20,0)"),
}
_OTHERS = {
    "float": "real",
    "double": "double precision",
    "year": "smallint",
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "time": "varchar(17)",
    "json": f"varchar({LONGEST_VARCHAR})",
}
_TEXTS = ("char", "varchar", "enum", "set")
_LONG_TEXTS = ("tinytext", "text", "mediumtext", "longtext")
_BINARIES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_UNBOUNDED = ("mediumtext", "longtext", "json")
_UNBOUNDED_BINARIES = ("mediumblob", "longblob")

# Types whose values can be written into a slice's bounds and compared there exactly as the index orders them.
_KEY_TYPES = (*_INTEGERS, "decimal", "year", "date", "datetime", "timestamp", "char", "varchar", "binary", "varbinary")
_CURSOR_TYPES = ("date", "datetime", "timestamp")

_ARROW = {
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "real": "float32",
    "double precision": "float64",
    "date": "date32",
    "timestamp": "timestamp[us]",
}
_SIZED = re.compile(r"(decimal|varchar)\((\d+)(?:,(\d+))?\)")


@dataclass(frozen=True)
class SourceColumn:
    """A column as information_schema describes it.

    Attributes:
        name: As the source spells it.
        data_type: MySQL's type without size, lower case, e.g. `decimal`.
        unsigned: Whether an integer or decimal has no sign.
        length: Characters (bytes for binary types), None where it has no meaning.
        precision, scale: Of a decimal; a BIT's precision is its number of bits.
        fraction: Digits after the second, of times.
        nullable: Whether NULL is allowed.
    """

    name: str
    data_type: str
    unsigned: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fraction: int = 0
    nullable: bool = True


def redshift_type(column: SourceColumn) -> str:
    """Return the Redshift type that holds every value of a source column.

    Raises:
        FixConfiguration: there is none; the message names the column, its type and the way out.
    """
    kind = column.data_type
    if kind in _INTEGERS:
        return _INTEGERS[kind][column.unsigned]
    if kind == "decimal" and column.precision <= LARGEST_PRECISION:
        return f"decimal({column.precision},{column.scale})"
    if kind == "bit":
        return "bigint" if column.precision < 64 else "decimal(20,0)"
    if kind in _OTHERS:
        return _OTHERS[kind]
    if kind in _TEXTS:
        return f"varchar({min(max(4 * column.length, 1), LONGEST_VARCHAR)})"
    if kind in _LONG_TEXTS:
        return f"varchar({LONGEST_VARCHAR})"
    if kind in _BINARIES:
        return f"varchar({min(max(2 * column.length, 1), LONGEST_VARCHAR)})"
    shown = f"decimal({column.precision},{column.scale})" if kind == "decimal" else kind
    raise FixConfiguration(
        f"column {column.name} has the type {shown}, which no Redshift type holds exactly:"
        f" leave it out with `personal: {{{column.name}: drop}}` in source.yaml"
    )


def can_be_key(column: SourceColumn) -> bool:
    """Whether slices can be cut by the column's values, exactly and in the order of its index."""
    return column.data_type in _KEY_TYPES


def can_be_cursor(column: SourceColumn) -> bool:
    """Whether the column is a time that orders by itself; text and numbers are not."""
    return column.data_type in _CURSOR_TYPES


def select_expression(quoted_name: str, data_type: str) -> str:
    """Return the MySQL expression whose text, as the server prints it, is the column's exact value.

    A type that can hold megabytes is cut just past what Redshift's longest VARCHAR holds: such a value is refused anyway, and the
    memory that a row takes stays bounded.
    """
    if data_type == "float":
        return f"{quoted_name} + 0e0"
    if data_type == "bit":
        return f"{quoted_name} + 0"
    if data_type in _UNBOUNDED_BINARIES:
        return f"lower(hex(left({quoted_name}, {LONGEST_VARCHAR + 1})))"
    if data_type in _BINARIES:
        return f"lower(hex({quoted_name}))"
    if data_type in _UNBOUNDED:
        return f"left({quoted_name}, {LONGEST_VARCHAR + 1})"
    return quoted_name


def widest_value(redshift: str) -> int:
    """Return the most bytes that one value of a Redshift type may take on its way, to bound the memory of many."""
    match = _SIZED.fullmatch(redshift)
    return int(match[2]) if match and match[1] == "varchar" else 32


def varchar_length(redshift: str) -> int | None:
    """Return the bytes that a varchar type holds, None for other types."""
    match = _SIZED.fullmatch(redshift)
    return int(match[2]) if match and match[1] == "varchar" else None


def arrow_type(redshift: str) -> pyarrow.DataType:
    """Return the Arrow type whose Parquet form COPY loads into a Redshift type."""
    import pyarrow

    match = _SIZED.fullmatch(redshift)
    if match and match[1] == "decimal":
        return pyarrow.decimal128(int(match[2]), int(match[3]))
    return pyarrow.string() if match else pyarrow.type_for_alias(_ARROW[redshift])


def catalogue_type(column: dict[str, Any]) -> str:
    """Return the type of a column of ledger.json (as the warehouse's catalogue spells it) in this module's spelling."""
    kind = column["type"].lower()
    if kind in ("character varying", "varchar"):
        return f"varchar({column['length']})"
    if kind in ("character", "char", "bpchar"):
        return f"char({column['length']})"
    if kind in ("numeric", "decimal"):
        return f"decimal({column['precision']},{column['scale']})"
    return "timestamp" if kind == "timestamp without time zone" else kind
