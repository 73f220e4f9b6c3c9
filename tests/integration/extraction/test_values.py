"""Every MySQL type arrives in Parquet as exactly the value that the source holds."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow
import pytest

from tests.integration.extraction.conftest import Extraction

# (column definition, SQL literal, Arrow type, expected value)
CASES = {
    "decimal_38_30": ("decimal(38,30)", "-12345678.123456789012345678901234567891", pyarrow.decimal128(38, 30), Decimal("-12345678.123456789012345678901234567891")),
    "decimal_18_18": ("decimal(18,18)", "0.000000000000000001", pyarrow.decimal128(18, 18), Decimal("0.000000000000000001")),
    "decimal_10_2": ("decimal(10,2)", "-99999999.99", pyarrow.decimal128(10, 2), Decimal("-99999999.99")),
    "tiny_boolean": ("tinyint(1)", "127", pyarrow.int16(), 127),
    "tiny_unsigned": ("tinyint unsigned", "255", pyarrow.int16(), 255),
    "small": ("smallint", "-32768", pyarrow.int16(), -32768),
    "small_unsigned": ("smallint unsigned", "65535", pyarrow.int32(), 65535),
    "medium": ("mediumint", "-8388608", pyarrow.int32(), -8388608),
    "medium_unsigned": ("mediumint unsigned", "16777215", pyarrow.int32(), 16777215),
    "int_signed": ("int", "-2147483648", pyarrow.int32(), -2147483648),
    "int_unsigned": ("int unsigned", "4294967295", pyarrow.int64(), 4294967295),
    "big": ("bigint", "-9223372036854775808", pyarrow.int64(), -9223372036854775808),
    "big_unsigned": ("bigint unsigned", "18446744073709551615", pyarrow.decimal128(20, 0), Decimal(18446744073709551615)),
    "float_exact": ("float", "16777217e0", pyarrow.float32(), 16777216.0),
    "float_fraction": ("float", "0.1", pyarrow.float32(), 0.10000000149011612),
    "double_fraction": ("double", "0.1", pyarrow.float64(), 0.1),
    "double_small": ("double", "2.2250738585072014e-308", pyarrow.float64(), 2.2250738585072014e-308),
    "double_third": ("double", "1e0/3", pyarrow.float64(), 1 / 3),
    "bit_1": ("bit(1)", "b'1'", pyarrow.int64(), 1),
    "bit_63": ("bit(63)", str(2**63 - 1), pyarrow.int64(), 2**63 - 1),
    "bit_64": ("bit(64)", str(2**64 - 1), pyarrow.decimal128(20, 0), Decimal(2**64 - 1)),
    "year_4": ("year", "2155", pyarrow.int16(), 2155),
    "date_last": ("date", "'9999-12-31'", pyarrow.date32(), date(9999, 12, 31)),
    "datetime_last": ("datetime(6)", "'9999-12-31 23:59:59.999999'", pyarrow.timestamp("us"), datetime(9999, 12, 31, 23, 59, 59, 999999)),
    "datetime_seconds": ("datetime", "'2024-02-29 12:00:01'", pyarrow.timestamp("us"), datetime(2024, 2, 29, 12, 0, 1)),
    "datetime_old": ("datetime", "'1000-01-01 00:00:00'", pyarrow.timestamp("us"), datetime(1000, 1, 1)),
    "timestamp_millis": ("timestamp(3) null", "'2024-07-01 10:00:00.125'", pyarrow.timestamp("us"), datetime(2024, 7, 1, 10, 0, 0, 125000)),
    "time_negative": ("time", "'-838:59:59'", pyarrow.string(), "-838:59:59"),
    "time_micros": ("time(6)", "'100:00:00.000001'", pyarrow.string(), "100:00:00.000001"),
    "enum_value": ("enum('small','größer')", "'größer'", pyarrow.string(), "größer"),
    "set_value": ("set('a','b','c')", "'a,c'", pyarrow.string(), "a,c"),
    "json_value": ("json", """'{"a": [1, null, "ü"]}'""", pyarrow.string(), '{"a": [1, null, "ü"]}'),
    "char_blank": ("char(5)", "'ab '", pyarrow.string(), "ab"),
    "varchar_blank": ("varchar(5)", "'ab '", pyarrow.string(), "ab "),
    "varchar_empty": ("varchar(5)", "''", pyarrow.string(), ""),
    "varchar_latin": ("varchar(5) character set latin1", "'é'", pyarrow.string(), "é"),
    "text_hard": ("text", r"'tab\t newline\n backslash\\ quote\' \"double\" comma, 🏠'", pyarrow.string(), "tab\t newline\n backslash\\ quote' \"double\" comma, 🏠"),
    "text_longest": ("mediumtext", "repeat('x', 65535)", pyarrow.string(), "x" * 65535),
    "binary_16": ("binary(16)", "unhex('00112233445566778899aabbccddeeff')", pyarrow.string(), "00112233445566778899aabbccddeeff"),
    "varbinary_value": ("varbinary(10)", "unhex('ff00')", pyarrow.string(), "ff00"),
    "blob_value": ("blob", "unhex('00ff')", pyarrow.string(), "00ff"),
    "long_blob": ("longblob", "unhex('c3')", pyarrow.string(), "c3"),
    "select": ("int", "1", pyarrow.int32(), 1),
    "with space %s": ("int", "2", pyarrow.int32(), 2),
}  # fmt: skip


@pytest.fixture
def values(extraction: Extraction) -> pyarrow.Table:
    """A table of all types: one row of values, one of NULLs, and one of values again."""
    columns = ", ".join(f"`{name}` {definition}" for name, (definition, *_) in CASES.items())
    extraction.source.execute(f"create table every_type (id int primary key, {columns}) charset utf8mb4")
    literals = ", ".join(literal.replace("%", "%%") for _, literal, *_ in CASES.values())
    nulls = ", ".join("null" for _ in CASES)
    names = ", ".join(f"`{name}`" for name in CASES)
    for key, row in ((1, literals), (2, nulls), (3, literals)):
        extraction.source.execute(f"insert into every_type (id, {names}) values ({key}, {row})")
    extraction.write_contract("  every_type: {strategy: snapshot, key: id}\n")
    extraction.run()
    return extraction.parquet("every_type")


def test_every_type_arrives_exactly(values: pyarrow.Table) -> None:
    """Type and value of each case, with NULLs in some rows."""
    wrong = {}
    for name, (_, _, kind, expected) in CASES.items():
        if values.schema.field(name.lower()).type != kind:
            wrong[name] = values.schema.field(name.lower()).type
        elif values[name.lower()].to_pylist() != [expected, None, expected]:
            wrong[name] = values[name.lower()].to_pylist()
    assert wrong == {}
