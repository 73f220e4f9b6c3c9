"""MySQL type -> Redshift type -> Parquet type: the one table of types (`TYPES`), which docs/reference/types.md shows.

A type that is not in it is refused by name.

Sources: MySQL 8.0 Reference Manual, "Data Types"; Amazon Redshift Database Developer Guide, "Data types" and "COPY from columnar
data formats" (timestamps in microseconds, decimal widths equal in file and table).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.document import Document

if TYPE_CHECKING:
    import pyarrow

LONGEST_VARCHAR = 65_535
LARGEST_PRECISION = 38
# One byte more than the 64 digits: no type of the table makes a text of this length, so raw's catalogue tells hashed columns.
HASH_TYPE = "varchar(65)"

# A type that can hold megabytes is cut just past what Redshift's longest VARCHAR holds: such a value is refused anyway, and the
# memory that a row takes stays bounded.
_CUT = f"left({{}}, {LONGEST_VARCHAR + 1})"
_LONG_TEXT = f"varchar({LONGEST_VARCHAR})"


@dataclass(frozen=True)
class TypeRule:
    """What becomes of a MySQL type.

    Attributes:
        redshift: The Redshift type; p and s stand for precision and scale, 4n and 2n for the bytes that n characters or bytes
            need (Redshift counts bytes; four are the most of a character, and two write a byte in hexadecimal).
        remark: What a reader of the documentation should know.
        expression: The MySQL expression that is read, whose text is the column's exact value; {} is the column.
        is_key: Whether slices can be cut by its values, exactly and in the order of its index.
        is_cursor: Whether it is a time that orders by itself.
    """

    redshift: str
    remark: str = ""
    expression: str = "{}"
    is_key: bool = False
    is_cursor: bool = False


def _integer(redshift: str, remark: str = "") -> TypeRule:
    return TypeRule(redshift, remark, is_key=True)


def _time(redshift: str, remark: str) -> TypeRule:
    return TypeRule(redshift, remark, is_key=True, is_cursor=True)


_HEX = "lower-case hexadecimal"
_IMPOSSIBLE = "zero and impossible dates: NULL, counted"

# By information_schema's DATA_TYPE, with `unsigned` and the widest BIT apart where they need another type in Redshift.
# A new type also needs: `_ARROW` and `_GLUE` below, where its Redshift type is new; the lists at the head of source/queries.py,
# where it may be a key; mysql_arrow's columns.py, where the wire's type is new; and local/marketplace/csv_columns.py.
TYPES = {
    "tinyint": _integer("smallint", "also BOOLEAN, that is TINYINT(1), which may hold any of -128 to 127"),
    "tinyint unsigned": _integer("smallint"),
    "smallint": _integer("smallint"),
    "smallint unsigned": _integer("integer"),
    "mediumint": _integer("integer"),
    "mediumint unsigned": _integer("integer"),
    "int": _integer("integer"),
    "int unsigned": _integer("bigint"),
    "bigint": _integer("bigint"),
    "bigint unsigned": _integer("decimal(20,0)"),
    "decimal": _integer("decimal(p,s)", f"a precision above {LARGEST_PRECISION} is refused"),
    "float": TypeRule("real", "read as a DOUBLE: MySQL prints a FLOAT rounded", "{} + 0e0"),
    "double": TypeRule("double precision"),
    "bit": TypeRule("bigint", "the bits as a number", "{} + 0"),
    "bit(64)": TypeRule("decimal(20,0)", "the bits as a number", "{} + 0"),
    "year": _integer("smallint"),
    "date": _time("date", _IMPOSSIBLE),
    "datetime": _time("timestamp", f"as written, in the cursor's own clock; {_IMPOSSIBLE}"),
    "timestamp": _time("timestamp", f"in UTC, whatever zone wrote it; {_IMPOSSIBLE}"),
    "time": TypeRule("varchar(17)", "as text: it may be negative or beyond a day, which Redshift's TIME may not"),
    "char": TypeRule("varchar(4n)", is_key=True),
    "varchar": TypeRule("varchar(4n)", is_key=True),
    "uuid": TypeRule("varchar(36)", "MariaDB's, as text", "cast({} as char)", is_key=True),
    "inet4": TypeRule("varchar(15)", "MariaDB's, as text", "cast({} as char)", is_key=True),
    "inet6": TypeRule("varchar(39)", "MariaDB's, as text", "cast({} as char)", is_key=True),
    "enum": TypeRule("varchar(4n)", "the value's text"),
    "set": TypeRule("varchar(4n)", "the values' texts, joined by commas"),
    "tinytext": TypeRule(_LONG_TEXT),
    "text": TypeRule(_LONG_TEXT),
    "mediumtext": TypeRule(_LONG_TEXT, expression=_CUT),
    "longtext": TypeRule(_LONG_TEXT, "also MariaDB's JSON", _CUT),
    "json": TypeRule(_LONG_TEXT, "the document as the server prints it", _CUT),
    "binary": TypeRule("varchar(2n)", _HEX, "lower(hex({}))", is_key=True),
    "varbinary": TypeRule("varchar(2n)", _HEX, "lower(hex({}))", is_key=True),
    "tinyblob": TypeRule("varchar(2n)", _HEX, "lower(hex({}))"),
    "blob": TypeRule("varchar(2n)", _HEX, "lower(hex({}))"),
    "mediumblob": TypeRule("varchar(2n)", _HEX, f"lower(hex({_CUT}))"),
    "longblob": TypeRule("varchar(2n)", _HEX, f"lower(hex({_CUT}))"),
}

KEY_TYPES = tuple(kind for kind, rule in TYPES.items() if rule.is_key and not rule.is_cursor and " " not in kind)

_ARROW = {
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "real": "float32",
    "double precision": "float64",
    "date": "date32",
    "timestamp": "timestamp[us]",
}
_GLUE = {
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double precision": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
# In these every byte that a column can hold is a character that UTF-8 has.
_WHOLE_CHARSETS = ("utf8mb4", "utf8mb3", "utf8", "latin1", "ucs2", "utf16", "utf16le", "utf32", "binary")
_SIZED = re.compile(r"(decimal|varchar)\((\d+)(?:,(\d+))?\)")
_BYTES_EACH = re.compile(r"varchar\((\d)n\)")


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
        collation: Of a text, by which the source compares it.
        charset: Of a text; None where it has no meaning.
    """

    name: str
    data_type: str
    unsigned: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fraction: int = 0
    nullable: bool = True
    charset: str | None = None
    collation: str | None = None

    @property
    def ignores_case(self) -> bool:
        """Whether the source takes texts for equal that differ in bytes: in case, perhaps in accents."""
        return self.collation is not None and self.collation.endswith("_ci")

    @property
    def compares_blanks(self) -> bool:
        """Whether the source tells texts apart by blanks at their ends.

        MySQL's collations of Unicode 9 do, whose names have 0900 in them ("Trailing Space Handling in Comparisons": NO PAD), and
        MariaDB's that say nopad. Redshift never does ("Significance of trailing blanks").
        """
        return self.collation is not None and ("_0900_" in self.collation or "nopad" in self.collation)


def redshift_type(column: SourceColumn) -> str:
    """Return the Redshift type that holds every value of a source column.

    Raises:
        FixConfiguration: there is none; the message names the column and its type.
    """
    rule = _find_rule(column)
    if rule is None or (column.data_type == "decimal" and _known(column, column.precision) > LARGEST_PRECISION):
        kind = column.data_type
        shown = f"decimal({column.precision},{column.scale})" if kind == "decimal" else kind
        raise FixConfiguration(f"column {column.name} has the type {shown}, which no Redshift type holds exactly")
    if each := _BYTES_EACH.fullmatch(rule.redshift):
        return f"varchar({min(max(int(each[1]) * _known(column, column.length), 1), LONGEST_VARCHAR)})"
    if rule.redshift == "decimal(p,s)":
        return f"decimal({column.precision},{column.scale})"
    return rule.redshift


def _known(column: SourceColumn, size: int | None) -> int:
    """Return a length or precision, which the source's catalogue gives for every type that has one."""
    if size is None:
        raise FixConfiguration(f"column {column.name}: the source's catalogue gives no size of its type {column.data_type}")
    return size


def can_be_key(column: SourceColumn) -> bool:
    """Whether slices can be cut by the column's values, exactly and in the order of its index."""
    rule = _find_rule(column)
    return rule is not None and rule.is_key


def can_be_cursor(column: SourceColumn) -> bool:
    """Whether the column is a time that orders by itself; text and numbers are not."""
    rule = _find_rule(column)
    return rule is not None and rule.is_cursor


def select_expression(quoted_name: str, data_type: str) -> str:
    """Return the MySQL expression whose text, as the server prints it, is the column's exact value."""
    return TYPES[data_type].expression.format(quoted_name)


def select_whole(quoted_name: str, data_type: str) -> str:
    """Return the MySQL expression of a value's whole text, however long it is."""
    return TYPES[data_type].expression.replace(_CUT, "{}").format(quoted_name)


def is_unbounded(data_type: str) -> bool:
    """Whether a value may be megabytes long, and is cut where it is not hashed."""
    return _CUT in TYPES[data_type].expression


def is_character(data_type: str) -> bool:
    """Whether the type's values are texts in a character set, of at most a row's 65,535 bytes together."""
    return data_type in ("char", "varchar", "enum", "set")


def may_lose_bytes(charset: str | None) -> bool:
    """Whether a text in this character set may hold bytes that stand for no character: MySQL reads them as ? or as U+FFFD."""
    return charset is not None and charset not in _WHOLE_CHARSETS


def is_long(data_type: str) -> bool:
    """Whether the type's values lie outside of the row, where each may be longer than a packet."""
    return data_type.endswith(("text", "blob")) or data_type == "json"


def _find_rule(column: SourceColumn) -> TypeRule | None:
    kind = column.data_type
    if kind == "bit" and column.precision == 64:
        return TYPES["bit(64)"]
    # Reals and decimals without a sign have no rule of their own: they fit where the others do.
    return (TYPES.get(f"{kind} unsigned") if column.unsigned else None) or TYPES.get(kind)


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


def glue_type(redshift: str) -> str:
    """Return the Glue Data Catalog's type of a column that UNLOAD (or a slice) wrote as `arrow_type` says."""
    match = _SIZED.fullmatch(redshift)
    if match and match[1] == "decimal":
        return redshift
    return _GLUE.get(redshift, "string")


@dataclass(frozen=True)
class CatalogueColumn(Document):
    """A column of a table in the warehouse, as its catalogue spells it."""

    schema: str
    table: str
    column: str
    type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


def catalogue_type(column: CatalogueColumn) -> str:
    """Return the type of a column in this module's spelling."""
    kind = column.type.lower()
    if kind in ("character varying", "varchar"):
        return f"varchar({column.length})"
    if kind in ("character", "char", "bpchar"):
        return f"char({column.length})"
    if kind in ("numeric", "decimal"):
        return f"decimal({column.precision},{column.scale})"
    return "timestamp" if kind == "timestamp without time zone" else kind
