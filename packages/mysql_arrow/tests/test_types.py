"""Every type that MySQL can send arrives as the value that the server holds, by either protocol."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow
import pytest

from mysql_arrow import PROTOCOLS, InvalidValue, SchemaMismatch
from packages.mysql_arrow.tests.servers import Database

MICROS = pyarrow.timestamp("us")
TEXT, BYTES = pyarrow.string(), pyarrow.binary()
WIDE = "-12345678.123456789012345678901234567891"
HARD_TEXT = 'tab\t newline\n backslash\\ quote\' "double" nul\0 🏠'
HARD_LITERAL = r"'tab\t newline\n backslash\\ quote\' \"double\" nul\0 🏠'"

# (column definition, SQL literal, Arrow type, expected value)
CASES = [
    ("tinyint(1)", "127", pyarrow.int16(), 127),
    ("tinyint", "-128", pyarrow.int16(), -128),
    ("tinyint unsigned", "255", pyarrow.int16(), 255),
    ("smallint", "-32768", pyarrow.int16(), -32768),
    ("smallint unsigned", "65535", pyarrow.int32(), 65535),
    ("mediumint", "-8388608", pyarrow.int32(), -8388608),
    ("mediumint unsigned", "16777215", pyarrow.int32(), 16777215),
    ("int", "-2147483648", pyarrow.int32(), -2147483648),
    ("int unsigned", "4294967295", pyarrow.int64(), 4294967295),
    ("int(10) unsigned zerofill", "42", pyarrow.int64(), 42),
    ("bigint", "-9223372036854775808", pyarrow.int64(), -9223372036854775808),
    ("bigint", "-1", pyarrow.decimal128(19, 0), Decimal(-1)),
    ("bigint unsigned", "18446744073709551615", pyarrow.decimal128(20, 0), Decimal(18446744073709551615)),
    ("bigint unsigned", "9223372036854775807", pyarrow.int64(), 9223372036854775807),
    ("decimal(38,30)", WIDE, pyarrow.decimal128(38, 30), Decimal(WIDE)),
    ("decimal(38,0)", "9" * 38, pyarrow.decimal128(38, 0), Decimal("9" * 38)),
    ("decimal(18,18)", "-0.000000000000000001", pyarrow.decimal128(18, 18), Decimal("-0.000000000000000001")),
    ("decimal(10,2)", "-99999999.99", pyarrow.decimal128(10, 2), Decimal("-99999999.99")),
    ("decimal(10,2) zerofill", "1.5", pyarrow.decimal128(10, 2), Decimal("1.50")),
    ("double", "1e0/3", pyarrow.float64(), 1 / 3),
    ("double", "-2.2250738585072014e-308", pyarrow.float64(), -2.2250738585072014e-308),
    ("double", "1.7976931348623157e308", pyarrow.float64(), 1.7976931348623157e308),
    ("bit(1)", "b'1'", pyarrow.int64(), 1),
    ("bit(17)", "66051", pyarrow.int64(), 66051),
    ("bit(64)", str(2**64 - 1), pyarrow.decimal128(20, 0), Decimal(2**64 - 1)),
    ("year", "2155", pyarrow.int16(), 2155),
    ("year", "0", pyarrow.int16(), 0),
    ("date", "'9999-12-31'", pyarrow.date32(), date(9999, 12, 31)),
    ("date", "'0001-01-01'", pyarrow.date32(), date(1, 1, 1)),
    ("date", "'1900-02-28'", pyarrow.date32(), date(1900, 2, 28)),
    ("datetime(6)", "'9999-12-31 23:59:59.999999'", MICROS, datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("datetime(6)", "'2024-02-29 00:00:00'", MICROS, datetime(2024, 2, 29)),
    ("datetime", "'1969-12-31 23:59:59'", MICROS, datetime(1969, 12, 31, 23, 59, 59)),
    ("datetime(1)", "'2024-02-29 12:00:00.5'", MICROS, datetime(2024, 2, 29, 12, 0, 0, 500000)),
    ("timestamp(3) null", "'2024-07-01 10:00:00.125'", MICROS, datetime(2024, 7, 1, 10, 0, 0, 125000)),
    ("time", "'-838:59:59'", TEXT, "-838:59:59"),
    ("time", "'00:00:00'", TEXT, "00:00:00"),
    ("time", "'-00:00:01'", TEXT, "-00:00:01"),
    ("time(6)", "'100:00:00.000001'", TEXT, "100:00:00.000001"),
    ("time(6)", "'-09:00:00'", TEXT, "-09:00:00.000000"),
    ("time(2)", "'24:00:00.25'", TEXT, "24:00:00.25"),
    ("char(5)", "'ab '", TEXT, "ab"),
    ("varchar(5)", "'ab '", TEXT, "ab "),
    ("varchar(5)", "''", TEXT, ""),
    ("varchar(300) character set latin1", "repeat('é', 300)", TEXT, "é" * 300),
    ("text", HARD_LITERAL, TEXT, HARD_TEXT),
    ("mediumtext", "repeat('ü', 40000)", TEXT, "ü" * 40000),
    ("enum('small','größer')", "'größer'", TEXT, "größer"),
    ("set('a','b','c')", "'a,c'", TEXT, "a,c"),
    ("json", """'{"a": [1, null, "ü"]}'""", TEXT, '{"a": [1, null, "ü"]}'),
    ("binary(16)", "unhex('00ff112233445566778899aabbccddee')", BYTES, bytes.fromhex("00ff112233445566778899aabbccddee")),
    ("varbinary(10)", "unhex('fffb')", BYTES, b"\xff\xfb"),
    ("blob", "unhex('00')", BYTES, b"\0"),
    ("longblob", "repeat(unhex('fe'), 70000)", BYTES, b"\xfe" * 70000),
]  # fmt: skip
NAMES = [f"c{number}" for number in range(len(CASES))]
SCHEMA = pyarrow.schema([(name, case[2]) for name, case in zip(NAMES, CASES, strict=True)])


@pytest.fixture
def every_type(database: Database) -> Database:
    """A table with a column for each case: values, NULLs, values, and zeros and empty texts where a type has them."""
    columns = ", ".join(f"{name} {definition}" for name, (definition, *_) in zip(NAMES, CASES, strict=True))
    database.execute(f"create table every_type (id int primary key, {columns})")
    for key, row in ((1, [case[1] for case in CASES]), (2, ["null"] * len(CASES)), (3, [case[1] for case in CASES])):
        database.execute(f"insert into every_type values ({key}, {', '.join(row)})")
    return database


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_type_arrives_exactly(every_type: Database, protocol: str) -> None:
    """Type and value of each case, with NULL in between."""
    table, impossible = every_type.read(f"select {', '.join(NAMES)} from every_type order by id", SCHEMA, protocol)
    wrong = {
        (name, case[0]): table[name].to_pylist()
        for name, case in zip(NAMES, CASES, strict=True)
        if table[name].to_pylist() != [case[3], None, case[3]]
    }
    assert wrong == {}
    assert impossible == {}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_float_arrives_as_its_double(database: Database, protocol: str) -> None:
    """All 24 bits of it, and by the text protocol it is refused unless selected as a double."""
    database.execute("create table t (f float)")
    database.execute("insert into t values (0.1), (16777215), (-1e-30), (3.4028234e38)")
    schema = pyarrow.schema([("f", pyarrow.float32())])
    table, _ = database.read("select f + 0e0 from t", schema, protocol)
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select f + 0e0 from t")
        assert table["f"].to_pylist() == [value for (value,) in cursor.fetchall()]
    if protocol == "text":
        with pytest.raises(SchemaMismatch, match="column f: MySQL prints a FLOAT rounded"):
            database.read("select f from t", schema, protocol)
    else:
        assert database.read("select f from t", schema, protocol)[0] == table


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_dates_that_do_not_exist_become_null_and_are_reported(database: Database, protocol: str) -> None:
    """Zero dates, months and days of zero, the 31st of February, the year 0; NULL is not reported."""
    database.execute("create table t (id int, d date, dt datetime(6))")
    with database.connect(sql_mode="ALLOW_INVALID_DATES") as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1, '0000-00-00', '0000-00-00'), (2, '2024-00-10', '2024-02-31 01:02:03')")
        cursor.execute(
            "insert into t values (3, '2023-02-29', '0000-05-05 00:00:00'), (4, null, null), (5, '2024-02-29', '2024-02-29')"
        )
        cursor.execute(
            "insert into t values (6, '0000-00-00', '2000-02-29 23:59:59.000001'), (7, '1900-02-29', '2024-04-00 05:00:00')"
        )
    schema = pyarrow.schema([("d", pyarrow.date32()), ("dt", MICROS)])
    table, impossible = database.read("select d, dt from t order by id", schema, protocol)
    assert table["d"].to_pylist() == [None, None, None, None, date(2024, 2, 29), None, None]
    last = datetime(2000, 2, 29, 23, 59, 59, 1)
    assert table["dt"].to_pylist() == [None, None, None, None, datetime(2024, 2, 29), last, None]
    assert impossible == {
        "d": {"0000-00-00": 2, "2024-00-10": 1, "2023-02-29": 1, "1900-02-29": 1},
        "dt": {"0000-00-00": 1, "2024-02-31": 1, "0000-05-05": 1, "2024-04-00": 1},
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_wanted_type_cannot_hold_is_refused(database: Database, protocol: str) -> None:
    """Too large a number, or digits that would be cut off, name the column and never the value."""
    for definition, value, wanted in (
        ("int", "32768", pyarrow.int16()),
        ("bigint unsigned", "9223372036854775808", pyarrow.int64()),
        ("decimal(12,3)", "1.125", pyarrow.decimal128(12, 2)),
        ("bit(64)", "9223372036854775808", pyarrow.int64()),
    ):
        database.make_table("t", f"odd {definition}")
        database.execute(f"insert into t values ({value}), (null)")
        with pytest.raises(InvalidValue, match="column odd holds a value that is no ") as refusal:
            database.read("select odd from t", pyarrow.schema([("odd", wanted)]), protocol)
        assert value not in str(refusal.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_changed_column_is_refused_by_name(database: Database, protocol: str) -> None:
    """What is sent must fit what is wanted, in number and in kind, before a row is read."""
    database.execute("create table t (a varchar(10), b point)")
    for query, wanted, message in (
        ("select a from t", pyarrow.int32(), "column wanted: the server sends a text, which cannot become int32"),
        ("select b from t", pyarrow.string(), "column wanted: the server sends MySQL's type 255"),
        ("select a, a from t", pyarrow.string(), "the server sends 2 columns where 1 are wanted"),
    ):
        with pytest.raises(SchemaMismatch, match=message):
            database.read(query, pyarrow.schema([("wanted", wanted)]), protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_that_is_not_utf8_is_refused(database: Database, protocol: str) -> None:
    """Bytes of a binary column are no text."""
    database.execute("create table t (a varbinary(10))")
    database.execute("insert into t values ('fine'), (unhex('c328'))")
    with pytest.raises(InvalidValue, match="column a holds text that is not valid UTF-8"):
        database.read("select a from t", pyarrow.schema([("a", TEXT)]), protocol)
