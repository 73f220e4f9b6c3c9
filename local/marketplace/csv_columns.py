"""What the columns of a table can hold, and how a text from a CSV file becomes their value, exactly or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal

import pymysql

# What programs write where a number is missing (databases, Python, R, MySQL's own exports). In a text column they stay text.
WORDS_FOR_NO_NUMBER = frozenset({"", "null", "none", "na", "nan", "\\n"})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
EXPONENT = re.compile(r"\d(\.\d+)?E\+\d{1,3}")  # as spreadsheets write it; an identifier such as 12e5 is left alone
BOOLEANS = {"true": "1", "false": "0"}
INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
CHARACTER_TYPES = frozenset({"char", "varchar"})
LONG_TEXT_TYPES = frozenset({"tinytext", "text", "mediumtext", "longtext"})
# Beyond this a text is shortened in a reason.
LONGEST_QUOTED_TEXT = 40
WIDE = Context(prec=100)  # MySQL's decimals have up to 65 digits


class ValueRefused(Exception):
    """The column cannot hold the text; the message is the reason, for the list of refused rows."""


@dataclass(frozen=True)
class Column:
    """A column of a table as the database describes it.

    Attributes:
        name: As in the table.
        data_type: MySQL's, in lower case, without length: varchar, decimal, bigint.
        length: Characters of char and varchar, bytes of the text types.
        precision, scale: Of decimals.
        is_unsigned: Of integers.
        is_nullable: Whether NULL fits.
        is_key: Part of the primary key.
        is_stamp: The database writes its own clock into it.
    """

    name: str
    data_type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    is_unsigned: bool = False
    is_nullable: bool = True
    is_key: bool = False
    is_stamp: bool = False

    @property
    def is_identifier(self) -> bool:
        """Whether its texts identify rows, of this table or of another."""
        return self.is_key or self.name.lower().endswith("_id")

    @property
    def is_text(self) -> bool:
        """Whether its values are compared byte by byte."""
        return self.data_type in CHARACTER_TYPES | LONG_TEXT_TYPES


@dataclass
class Converter:
    """Turns the texts of one column into its values.

    Attributes:
        rounded: How many numbers had more decimals than the column and were rounded, as the database would do.
    """

    column: Column
    rounded: int = 0
    _convert: Callable[[str], object] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Choose the conversion once, not per value."""
        if self.column.data_type in INTEGER_BITS:
            self._convert = self._to_integer
        elif self.column.data_type == "decimal":
            self._convert = self._to_decimal
        elif self.column.is_text:
            self._convert = self._to_text
        else:  # dates and the like: the database judges them when the row is staged
            self._convert = _to_optional_text

    def convert(self, text: str) -> object:
        """Return the value for the database, None for NULL.

        An empty field is NULL. The words null, none, NA and NaN are NULL in a column of numbers and text in one of text;
        true and false are 1 and 0 in a TINYINT.

        Raises:
            ValueRefused: the column cannot hold it.
        """
        value = self._convert(text)
        if value is None and not self.column.is_nullable:
            raise ValueRefused(f"{self.column.name} is missing")
        return value

    def _to_integer(self, text: str) -> int | None:
        if self.column.data_type == "tinyint":  # which is what MySQL makes of BOOLEAN
            text = BOOLEANS.get(text.strip().lower(), text)
        number = _to_number(text, self.column.name, "a whole number")
        if number is None:
            return None
        if number != number.to_integral_value():
            raise ValueRefused(f"{self.column.name} is not a whole number: {_quote(text)}")
        bits = INTEGER_BITS[self.column.data_type]
        lowest, highest = (0, 2**bits - 1) if self.column.is_unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if not lowest <= number <= highest:
            raise ValueRefused(f"{self.column.name} is beyond {self.column.data_type}: {_quote(text)}")
        return int(number)

    def _to_decimal(self, text: str) -> Decimal | None:
        number = _to_number(text, self.column.name, "a number")
        if number is None:
            return None
        precision, scale = self.column.precision, self.column.scale
        assert precision is not None and scale is not None  # MySQL's catalogue gives both for every DECIMAL
        if abs(number) >= Decimal(10) ** (precision - scale):
            raise ValueRefused(f"{self.column.name} is beyond decimal({precision}, {scale}): {_quote(text)}")
        rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, WIDE)
        self.rounded += rounded != number
        return rounded

    def _to_text(self, text: str) -> str | None:
        if not text:
            return None
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueRefused(f"{self.column.name} has bytes that are not of the file's encoding")
        if "\0" in text:
            raise ValueRefused(f"{self.column.name} holds a NUL character, which no text of the warehouse can")
        if self.column.is_identifier and EXPONENT.fullmatch(text.strip()):
            _refuse_lost_digits(text.strip(), self.column.name)
        measured = len(text) if self.column.data_type in CHARACTER_TYPES else len(text.encode())
        assert self.column.length is not None  # and a length for every text
        if measured > self.column.length:
            raise ValueRefused(f"{self.column.name} is longer than {self.column.data_type}({self.column.length}): {_quote(text)}")
        return text


def read_columns(connection: pymysql.Connection, table: str) -> list[Column]:
    """Return the columns of a table of the connection's database, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select column_name, lower(data_type), character_maximum_length, numeric_precision, numeric_scale,"
            " lower(column_type) like '%%unsigned%%', is_nullable = 'YES', column_key = 'PRI',"
            " lower(coalesce(column_default, '')) like 'current_timestamp%%'"
            " from information_schema.columns where table_schema = database() and table_name = %s order by ordinal_position",
            (table,),
        )
        return [Column(*row[:5], *(bool(flag) for flag in row[5:])) for row in cursor.fetchall()]


def _to_number(text: str, column: str, expected: str) -> Decimal | None:
    text = text.strip()
    if text.lower() in WORDS_FOR_NO_NUMBER:
        return None
    if not NUMBER.fullmatch(text) or not text.isascii():
        raise ValueRefused(f"{column} is not {expected}: {_quote(text)}")
    _refuse_lost_digits(text, column)
    return Decimal(text)


def _refuse_lost_digits(text: str, column: str) -> None:
    """Refuse what a spreadsheet makes of a long number: 6.88258E+17 stands for any of a thousand billion whole numbers.

    An exponent that only moves the point (1.39001e3, 5e-2) loses nothing.

    Raises:
        ValueRefused: digits before the point were replaced by the exponent.
    """
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and int(exponent) > len(mantissa.partition(".")[2]):
        raise ValueRefused(
            f"{column} is in exponent notation, whose last digits are lost (a spreadsheet did that): {_quote(text)};"
            " export the column as a plain number or as text"
        )


def _to_optional_text(text: str) -> str | None:
    return None if text.strip().lower() in WORDS_FOR_NO_NUMBER else text


def _quote(text: str) -> str:
    return repr(text if len(text) <= LONGEST_QUOTED_TEXT else text[:LONGEST_QUOTED_TEXT] + "…")
