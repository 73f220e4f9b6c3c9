"""The three decoders give the same table, cell by cell, and it is what was put into the source: for any columns and values."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mysql_arrow import PROTOCOLS, read_batches
from packages.mysql_arrow.tests.wire import time_text
from rental_pipeline.model.column_types import arrow_type, redshift_type, select_expression
from rental_pipeline.source import decode
from rental_pipeline.source.connection import SourceAddress, connect, describe_tables
from tests.fixtures.mariadb import SourceDatabase

PLAIN = "plain"
LONGEST_TIME = timedelta(hours=838, minutes=59, seconds=59)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    """Return all values of a decimal type."""
    unscaled = st.integers(-(10**precision) + 1, 10**precision - 1)
    return unscaled.map(lambda number: Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)))


def whole(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    """Return all values of an integer type."""
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


def times(fraction: int) -> st.SearchStrategy[str]:
    """Return times as MySQL writes them."""
    step = 10 ** (6 - fraction)
    limit = LONGEST_TIME // timedelta(microseconds=1) // step
    return st.integers(-limit, limit).map(lambda count: time_text(timedelta(microseconds=count * step), fraction))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
# MySQL's definition: the values that it can hold, as they arrive.
COLUMNS = {
    "tinyint": whole(8, signed=True),
    "tinyint unsigned": whole(8, signed=False),
    "smallint unsigned": whole(16, signed=False),
    "mediumint": whole(24, signed=True),
    "int": whole(32, signed=True),
    "int unsigned": whole(32, signed=False),
    "bigint": whole(64, signed=True),
    "bigint unsigned": whole(64, signed=False),
    "decimal(10,2)": decimals(10, 2),
    "decimal(18,18)": decimals(18, 18),
    "decimal(38,12)": decimals(38, 12),
    "decimal(3,0)": decimals(3, 0),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bit(1)": st.integers(0, 1),
    "bit(33)": whole(33, signed=False),
    "bit(64)": whole(64, signed=False),
    "year": st.integers(1901, 2155) | st.just(0),
    "date": st.dates(),
    "datetime": st.datetimes().map(lambda value: value.replace(microsecond=0)),
    "datetime(6)": st.datetimes(),
    "timestamp(3) null": st.datetimes(datetime(1970, 1, 2), datetime(2038, 1, 1)).map(
        lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000)
    ),
    "time": times(0),
    "time(3)": times(3),
    "time(6)": times(6),
    "varchar(100)": texts,
    "text": texts | st.integers(250, 66_000 // 4).map("ü".__mul__),
    "char(20)": st.text("abcäß🏠", max_size=20),
    "json": texts.map(lambda text: '{"text": "' + text.encode("unicode_escape").hex() + '"}'),
    "enum('small','größer','')": st.sampled_from(["small", "größer", ""]),
    "set('a','b','c')": st.lists(st.sampled_from("abc"), unique=True).map(lambda chosen: ",".join(sorted(chosen))),
    "binary(4)": st.binary(min_size=4, max_size=4),
    "varbinary(300)": st.binary(max_size=300),
    "blob": st.binary(max_size=300),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[object]]]:
    """Return the types of columns, and rows of values and NULLs."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=10))
    return kinds, draw(st.lists(st.tuples(*(st.none() | COLUMNS[kind] for kind in kinds)).map(list), max_size=25))


def read(
    source: SourceDatabase, query: str, schema: pyarrow.Schema, decoder: str
) -> tuple[pyarrow.Table, dict[str, Counter[str]]]:
    """Return a query's rows by one of the decoders, and the impossible dates by column."""
    impossible: dict[str, Counter[str]] = {}

    def report(column: str, dates: Counter[str]) -> None:
        if dates:
            impossible.setdefault(column, Counter()).update(dates)

    address = SourceAddress("secret", source.host, source.port, source.database, source.user, source.password, tls="off")
    with closing(connect(address, use_unicode=False)) as connection:
        if decoder == PLAIN:
            batches = list(decode.read_batches(connection, query, schema, report_dates=report))
        else:
            batches = list(read_batches(connection, query, schema, protocol=decoder, report_dates=report))
    table = pyarrow.Table.from_batches(batches, schema)
    table.validate(full=True)
    return table, impossible


def expected(value: object, kind: str, wanted: pyarrow.DataType) -> object:
    """Return a value as the contract of types says that it arrives."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and pyarrow.types.is_decimal(wanted):
        return Decimal(value)
    return value


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table=tables())
def test_all_decoders_give_what_the_source_holds(source_database: SourceDatabase, table) -> None:
    """With the types and expressions of the pipeline's own contract."""
    kinds, rows = table
    columns = ", ".join(f"c{place} {kind}" for place, kind in enumerate(kinds))
    source_database.make_table("t", f"id int primary key auto_increment, {columns}")
    with closing(source_database.connect(sql_mode="STRICT_ALL_TABLES")) as connection, connection.cursor() as cursor:
        for row in rows:
            cursor.execute(f"insert into t values (null, {', '.join(['%s'] * len(row))})", row)
        described = describe_tables(connection)["t"].columns[1:]
    schema = pyarrow.schema([(column.name, arrow_type(redshift_type(column))) for column in described])
    query = f"select {', '.join(select_expression(column.name, column.data_type) for column in described)} from t order by id"

    plain, impossible = read(source_database, query, schema, PLAIN)
    assert impossible == {}
    for place, kind in enumerate(kinds):
        wanted = schema.field(place).type
        assert plain.column(place).to_pylist() == [expected(row[place], kind, wanted) for row in rows], kind
    for protocol in PROTOCOLS:
        assert read(source_database, query, schema, protocol) == (plain, {})


DATE_FIELDS = st.tuples(st.sampled_from([0, 1, 1900, 2000, 2023, 2024, 9999]), st.integers(0, 12), st.integers(0, 31))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dates=st.lists(st.none() | DATE_FIELDS, min_size=1, max_size=30), midnight=st.booleans())
def test_all_decoders_agree_on_dates_that_do_not_exist(source_database: SourceDatabase, dates, midnight: bool) -> None:
    """Any year, month and day that MySQL stores without its checks: which become NULL, and what is reported of them."""
    source_database.make_table("t", "id int primary key auto_increment, d date, dt datetime(6)")
    texts = [None if each is None else "{:04}-{:02}-{:02}".format(*each) for each in dates]
    with closing(source_database.connect(sql_mode="ALLOW_INVALID_DATES")) as connection, connection.cursor() as cursor:
        for text in texts:
            cursor.execute("insert into t (d, dt) values (%s, concat(%s, %s))", (text, text, "" if midnight else " 12:34:56.789"))
        cursor.execute("select cast(d as char), left(cast(dt as char), 10) from t order by id")
        stored = list(cursor.fetchall())
    schema = pyarrow.schema([("d", pyarrow.date32()), ("dt", pyarrow.timestamp("us"))])
    query = "select d, dt from t order by id"
    plain, reported = read(source_database, query, schema, PLAIN)
    for place, name in enumerate(schema.names):
        lost = Counter(row[place] for row in stored if row[place] is not None and not is_date(row[place]))
        assert reported.get(name, Counter()) == lost
        assert plain[name].null_count == lost.total() + sum(row[place] is None for row in stored)
    for protocol in PROTOCOLS:
        assert read(source_database, query, schema, protocol) == (plain, reported)


def is_date(text: str) -> bool:
    """Whether a calendar has the date."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("definition", ["bit(8)", "bit(63)", "bit(64)", "bigint unsigned"])
def test_whole_numbers_at_their_ends(source_database: SourceDatabase, definition: str) -> None:
    """0 and the largest, by the contract's expression, by every decoder."""
    largest = {"bit(8)": 2**8 - 1, "bit(63)": 2**63 - 1}.get(definition, 2**64 - 1)
    source_database.make_table("t", f"n {definition}")
    source_database.execute("insert into t values (0), (%s)", (largest,))
    with closing(source_database.connect()) as connection:
        column = describe_tables(connection)["t"].columns[0]
    schema = pyarrow.schema([("n", arrow_type(redshift_type(column)))])
    query = f"select {select_expression('n', column.data_type)} from t order by 1"
    plain, _ = read(source_database, query, schema, PLAIN)
    assert [int(number) for number in plain["n"].to_pylist()] == [0, largest]
    assert all(read(source_database, query, schema, protocol) == (plain, {}) for protocol in PROTOCOLS)
