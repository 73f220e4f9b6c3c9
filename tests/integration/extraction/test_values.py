"""Every MySQL type arrives in Parquet as exactly the value that the source holds."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pyarrow
import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import LOADS
from rental_pipeline.base.settings import DECODERS
from rental_pipeline.model.column_types import TYPES
from tests.fixtures.aws import Aws
from tests.integration.extraction.conftest import Extraction

# These are in test_mariadb_types.py, since MySQL has none of them.
OF_MARIADB = ("uuid", "inet4", "inet6")

# What a decoder may hand over at once (extract/rows.py).
BATCH_BYTES = 32_000_000

LONG_DECIMAL = "-12345678.123456789012345678901234567891"
UUID = "00112233445566778899aabbccddeeff"
JSON = '{"a": [1, null, "ü"]}'
HARD_TEXT = 'tab\t newline\n backslash\\ quote\' "double" comma, 🏠'
HARD_LITERAL = r"'tab\t newline\n backslash\\ quote\' \"double\" comma, 🏠'"
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999)
MICROS = pyarrow.timestamp("us")

SUMMER = datetime(2024, 7, 1, 10, 0, 0, 125000)

# name: (column definition, SQL literal, Arrow type, expected value)
CASES = {
    "decimal_38_30": ("decimal(38,30)", LONG_DECIMAL, pyarrow.decimal128(38, 30), Decimal(LONG_DECIMAL)),
    "decimal_18_18": ("decimal(18,18)", "0.000000000000000001", pyarrow.decimal128(18, 18), Decimal("0.000000000000000001")),
    "decimal_unsigned": ("decimal(5,1) unsigned", "9999.9", pyarrow.decimal128(5, 1), Decimal("9999.9")),
    "decimal_10_2": ("decimal(10,2)", "-99999999.99", pyarrow.decimal128(10, 2), Decimal("-99999999.99")),
    "tiny_boolean": ("tinyint(1)", "127", pyarrow.int16(), 127),
    "tiny_signed": ("tinyint", "-128", pyarrow.int16(), -128),
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
    "datetime_last": ("datetime(6)", "'9999-12-31 23:59:59.999999'", MICROS, LAST),
    "datetime_seconds": ("datetime", "'2024-02-29 12:00:01'", MICROS, datetime(2024, 2, 29, 12, 0, 1)),
    "datetime_old": ("datetime", "'1000-01-01 00:00:00'", MICROS, datetime(1000, 1, 1)),
    "timestamp_millis": ("timestamp(3) null", "'2024-07-01 10:00:00.125'", MICROS, SUMMER),
    "time_zero": ("time", "'00:00:00'", pyarrow.string(), "00:00:00"),
    "time_negative": ("time", "'-838:59:59'", pyarrow.string(), "-838:59:59"),
    "time_micros": ("time(6)", "'100:00:00.000001'", pyarrow.string(), "100:00:00.000001"),
    "enum_value": ("enum('small','größer')", "'größer'", pyarrow.string(), "größer"),
    "set_value": ("set('a','b','c')", "'a,c'", pyarrow.string(), "a,c"),
    "json_value": ("json", f"'{JSON}'", pyarrow.string(), JSON),
    "char_blank": ("char(5)", "'ab '", pyarrow.string(), "ab"),
    "varchar_blank": ("varchar(5)", "'ab '", pyarrow.string(), "ab "),
    "varchar_empty": ("varchar(5)", "''", pyarrow.string(), ""),
    "varchar_latin": ("varchar(5) character set latin1", "'é'", pyarrow.string(), "é"),
    "text_hard": ("text", HARD_LITERAL, pyarrow.string(), HARD_TEXT),
    "text_tiny": ("tinytext", "repeat('ü', 127)", pyarrow.string(), "ü" * 127),
    "text_longest": ("longtext", "repeat('x', 65535)", pyarrow.string(), "x" * 65535),
    "text_long": ("mediumtext", "repeat('x', 65535)", pyarrow.string(), "x" * 65535),
    "binary_16": ("binary(16)", f"unhex('{UUID}')", pyarrow.string(), UUID),
    "varbinary_value": ("varbinary(10)", "unhex('ff00')", pyarrow.string(), "ff00"),
    "blob_tiny": ("tinyblob", "repeat(unhex('0f'), 255)", pyarrow.string(), "0f" * 255),
    "blob_medium": ("mediumblob", "repeat(unhex('f0'), 32767)", pyarrow.string(), "f0" * 32767),
    "blob_value": ("blob", "unhex('00ff')", pyarrow.string(), "00ff"),
    "long_blob": ("longblob", "unhex('c3')", pyarrow.string(), "c3"),
    "select": ("int", "1", pyarrow.int32(), 1),
    "with space %s": ("int", "2", pyarrow.int32(), 2),
}  # fmt: skip


@pytest.fixture(params=DECODERS)
def decoder(request: pytest.FixtureRequest, set_environment: Callable[..., None]) -> str:
    """Each of the decoders: what holds for one holds for all."""
    set_environment(DECODER=request.param)
    return request.param


@pytest.fixture
def values(extraction: Extraction, decoder: str) -> pyarrow.Table:
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


def test_the_cases_are_those_of_the_table_of_types() -> None:
    """A type that the pipeline takes is one that is tested here."""
    spelt = [re.fullmatch(r"(\w+)(\(.*\))?( unsigned)?.*", definition) for definition, *_ in CASES.values()]
    tested = {"bit(64)" if found[0] == "bit(64)" else f"{found[1]}{found[3] or ''}" for found in spelt}
    assert tested | set(OF_MARIADB) == {*TYPES, "decimal unsigned"}


def test_what_is_no_date_becomes_null_and_is_counted(extraction: Extraction, decoder: str) -> None:
    """Zero dates, and dates that no calendar has, of every date type; NULLs are not counted."""
    extraction.source.execute("create table t (id int primary key, d date, dt datetime(6), ts timestamp null)")
    connection = extraction.source.connect(sql_mode="ALLOW_INVALID_DATES")
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1, '0000-00-00', '0000-00-00', 0), (2, '2024-02-31', '2024-00-10', null)")
        cursor.execute("insert into t values (3, '2024-02-29', '2024-02-29 01:02:03.000004', '2024-02-29')")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.run()
    assert extraction.parquet("t").to_pylist() == [
        {"id": 1, "d": None, "dt": None, "ts": None},
        {"id": 2, "d": None, "dt": None, "ts": None},
        {"id": 3, "d": date(2024, 2, 29), "dt": datetime(2024, 2, 29, 1, 2, 3, 4), "ts": datetime(2024, 2, 29)},
    ]
    assert extraction.read(LOADS)["t"]["zero_dates"] == 5
    assert extraction.result("t", 0)["zero_dates"] == {"d": 2, "dt": 2, "ts": 1}


def test_a_timestamp_arrives_in_utc_whatever_zone_wrote_it(extraction: Extraction, decoder: str) -> None:
    """TIMESTAMP is an instant; the application's session was in Berlin."""
    extraction.source.execute("create table t (id int primary key, ts timestamp(3))")
    connection = extraction.source.connect(init_command="set time_zone = '+02:00'")
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1, '2024-07-01 12:00:00.125')")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.run()
    assert extraction.parquet("t")["ts"].to_pylist() == [datetime(2024, 7, 1, 10, 0, 0, 125000)]


@pytest.mark.parametrize("definition", ["mediumtext", "longtext", "json", "longblob"])
def test_a_value_longer_than_redshift_holds_stops_the_slice(extraction: Extraction, definition: str) -> None:
    """65,535 bytes pass, one character of several bytes more does not; the message names table, column and remedy."""
    extraction.source.execute(f"create table t (id int primary key, body {definition}) charset utf8mb4")
    extraction.source.execute("insert into t values (1, concat('\"', repeat('ä', 7000), '\"'))")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.run()
    extraction.source.execute("update t set body = concat('\"', repeat('🏠', 16384), '\"')")
    with pytest.raises(FixData, match=r"table t, slice 0: column body holds .* 65535 bytes.*personal: \{body: drop\}"):
        extraction.run()
    assert extraction.result("t", 0) is None


@pytest.mark.parametrize("definition", ["decimal(65,30)", "point", "geometry"])
def test_a_type_without_an_exact_home_is_refused_before_reading(extraction: Extraction, definition: str) -> None:
    """The column is named with the way out, which works."""
    extraction.source.execute(f"create table t (id int primary key, odd {definition})")
    extraction.source.execute("insert into t (id) values (1)")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    with pytest.raises(FixConfiguration, match=r"table t: column odd .*personal: \{odd: drop\}"):
        extraction.plan()
    extraction.write_contract("  t: {strategy: snapshot, key: id, personal: {odd: drop}}\n")
    extraction.run()
    assert extraction.parquet("t").column_names == ["id"]


def test_personal_columns_leave_the_source_only_hashed_or_not_at_all(
    extraction: Extraction, decoder: str, set_environment: Callable[..., None], aws: Aws
) -> None:
    """The hash is HMAC-SHA256 of the value's text, so that equal values stay equal; NULL stays NULL."""
    aws.client("secretsmanager").create_secret(Name=f"hash-{extraction.bucket}", SecretString="pepper")
    extraction.source.execute("create table t (id int primary key, email varchar(50), phone bigint, name varchar(50))")
    extraction.source.execute("insert into t values (1, 'ä@example.com', 491234, 'Ann'), (2, null, 491234, 'Bob')")
    extraction.write_contract("  t: {strategy: snapshot, key: id, personal: {email: hash, phone: hash, name: drop}}\n")
    with pytest.raises(FixConfiguration, match="HASH_SECRET_ARN"):
        extraction.plan()
    set_environment(HASH_SECRET_ARN=f"hash-{extraction.bucket}")
    extraction.run()
    email, phone = (hmac.digest(b"pepper", text.encode(), "sha256").hex() for text in ("ä@example.com", "491234"))
    assert extraction.parquet("t").to_pylist() == [
        {"id": 1, "email": email, "phone": phone},
        {"id": 2, "email": None, "phone": phone},
    ]


def test_an_empty_table_has_no_slice_and_no_manifest(extraction: Extraction) -> None:
    """It is part of the run all the same: its load moves the watermark."""
    extraction.source.execute("create table t (id int primary key)")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    plan = extraction.run()
    assert plan["tables"][0]["read"] and plan["tables"][0]["slice_count"] == 0
    assert extraction.read(LOADS)["t"] == {
        "manifest": None, "deleted_manifest": None, "rows_deleted": 0, "rows_read": 0, "rows_in_parquet": 0, "bytes": 0,
        "parts": 0, "slices": 0, "pieces": 0, "zero_dates": 0, "rows_set_aside": 0, "seconds": 0, "rows_apart": 0,
        "expected": [{"from": None, "to": None, "rows": 0, "checksum": "0"}], "ahead": {"rows": 0, "checksum": "0"},
    }  # fmt: skip


def test_parts_are_bounded_by_rows_and_by_bytes(
    extraction: Extraction, decoder: str, set_environment: Callable[..., None]
) -> None:
    """A slice of many rows is several files, none above its bounds, and together all rows."""
    extraction.source.execute("create table t (id int primary key, body text)")
    extraction.source.execute("insert into t select seq, repeat('x', 60000) from seq_1_to_600")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    set_environment(SLICE_ROWS=10_000, PART_ROWS=100_000, PART_BYTES=8_000_000)
    extraction.run()
    rows = [part["rows"] for part in extraction.result("t", 0)["parts"]]
    assert len(rows) > 1 and all(count * 60_000 < 8_000_000 + BATCH_BYTES for count in rows)
    assert sorted(extraction.parquet("t")["id"].to_pylist()) == list(range(1, 601))
    set_environment(PART_ROWS=1)
    extraction.run()
    assert len(extraction.result("t", 0)["parts"]) >= len(rows)
    assert sorted(extraction.parquet("t")["id"].to_pylist()) == list(range(1, 601))
