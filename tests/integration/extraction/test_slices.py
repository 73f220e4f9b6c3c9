"""Slices: together they hold every row of the window exactly once, whatever the keys look like."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental_pipeline.model.strategies import Append, Merge
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.plan.slices import cut_slices
from rental_pipeline.source.connection import SourceAddress, connect
from rental_pipeline.source.queries import compose_slice_query, from_table, window_condition
from tests.fixtures.mariadb import SourceDatabase

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SKEWED = st.one_of(st.integers(1, 30), st.integers(10**9, 10**9 + 30), INTEGERS)
# Without halves of surrogate pairs; by categories, hypothesis would make a table of all characters first, for seconds.
ANY_CHARACTER = st.characters(min_codepoint=1, max_codepoint=0xD7FF) | st.characters(min_codepoint=0xE000)
TEXTS = st.one_of(st.text("aAbB ä'%\\", max_size=4), st.text(ANY_CHARACTER, max_size=4))
KEYS = {
    "one bigint": (["bigint"], st.tuples(SKEWED)),
    "bigint unsigned": (["bigint unsigned"], st.tuples(st.integers(0, 2**64 - 1))),
    "decimal": (["decimal(20,5)"], st.tuples(st.decimals(-(10**14), 10**14, places=5))),
    "case-insensitive text": (["varchar(10)"], st.tuples(TEXTS)),
    "binary": (["binary(4)"], st.tuples(st.binary(min_size=4, max_size=4))),
    "two numbers": (["int", "int"], st.tuples(st.integers(0, 4), st.integers(-5, 5))),
    "text, day, number": (["varchar(10)", "date", "int"], st.tuples(TEXTS, st.dates(), st.integers(0, 3))),
}
# Times around the window's lower bound, and what has no time.
CURSORS = st.one_of(
    st.none(),
    st.sampled_from(
        ["0000-00-00", "2026-01-01 11:59:59.999999", "2026-01-01 12:00:00", "2026-01-01 12:00:00.000001", "9999-12-31"]
    ),
)
LOWER = "2026-01-01T12:00:00.000000"


@pytest.fixture
def connection(source_database: SourceDatabase) -> Iterator[pymysql.Connection]:
    """The pipeline's own connection."""
    address = SourceAddress(
        "test", source_database.host, source_database.port, source_database.database, source_database.user,
        source_database.password, tls="off",
    )  # fmt: skip
    with closing(connect(address)) as opened:
        yield opened


def keyed_table(name: str, types: list[str], lower: str | None) -> PlannedTable:
    key = tuple(PlannedColumn(f"k{number}", "", f"k{number}", kind.split("(")[0].split()[0]) for number, kind in enumerate(types))
    cursor = PlannedColumn("changed_at", "timestamp", "changed_at", "datetime")
    return PlannedTable(
        name,
        name,
        Merge(tuple(column.name for column in key), "changed_at"),
        (*key, cursor),
        complete=lower is None,
        lower=lower,
    )


def read(connection: pymysql.Connection, query: str, arguments: object = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return list(cursor.fetchall())


def fill(source: SourceDatabase, name: str, rows: list[tuple]) -> None:
    if rows:
        marks = ", ".join(["%s"] * len(rows[0]))
        with closing(source.connect(sql_mode="")) as writer, writer.cursor() as cursor:
            cursor.executemany(f"insert ignore into {name} values ({marks})", rows)


@pytest.mark.parametrize("lower", [None, LOWER], ids=["whole table", "window"])
@pytest.mark.parametrize("case", KEYS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_keyed_slices_hold_each_row_of_the_window_once(
    case: str, lower: str | None, data: st.DataObject, source_database: SourceDatabase, connection: pymysql.Connection
) -> None:
    """Equal cursors, missing cursors, skewed, composite, case-insensitive and binary keys; every slice keeps its budget."""
    types, keys = KEYS[case]
    slice_rows = data.draw(st.integers(1, 4), "slice_rows")
    rows = data.draw(st.lists(st.tuples(keys, CURSORS), max_size=25), "rows")
    name = f"t_{uuid.uuid4().hex}"
    table = keyed_table(name, types, lower)
    columns = ", ".join(f"k{number} {kind} not null" for number, kind in enumerate(types))
    source_database.execute(
        f"create table {name} ({columns}, changed_at datetime(6), primary key ({', '.join(table.key)}), key (changed_at))"
        " charset utf8mb4"
    )
    fill(source_database, name, [(*key, cursor) for key, cursor in rows])

    slices = cut_slices(connection, table, 1, slice_rows)
    per_slice = [read(connection, *compose_slice_query(table, part, "")) for part in slices]
    whole = Slice(1, name, 0)
    expected = Counter(read(connection, *compose_slice_query(table, whole, "")))
    assert sum((Counter(each) for each in per_slice), Counter()) == expected
    assert all(0 < len(each) <= slice_rows for each in per_slice)
    if lower:
        cursors = [cursor for (cursor,) in read(connection, f"select changed_at from {name}")]
        in_window = [at for at in cursors if at is None or at.startswith("0000") or at >= LOWER.replace("T", " ")]
        assert len(in_window) == sum(expected.values())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    slice_rows=st.integers(1, 5),
    days=st.lists(
        st.one_of(st.none(), st.just("0000-00-00"), st.datetimes(), st.sampled_from(["2026-01-02 10:00", "2026-01-03"]))
    ),
    lower=st.sampled_from([None, "2026-01-02T00:00:00.000000"]),
    upper=st.sampled_from([None, "2026-01-03T00:00:00.000000"]),
)
def test_append_slices_hold_each_row_of_the_window_once_and_whole_days(
    slice_rows: int,
    days: list,
    lower: str | None,
    upper: str | None,
    source_database: SourceDatabase,
    connection: pymysql.Connection,
) -> None:
    """Events have no key: equal rows stay as many, and those without a time are in the first slice."""
    name = f"t_{uuid.uuid4().hex}"
    source_database.execute(f"create table {name} (user_id int, at datetime(6), key (at))")
    fill(source_database, name, [(1, day) for day in days])
    columns = (PlannedColumn("user_id", "integer", "user_id", "int"), PlannedColumn("at", "timestamp", "at", "datetime"))
    table = PlannedTable(name, name, Append("at"), columns, complete=lower is None and upper is None, lower=lower, upper=upper)

    slices = cut_slices(connection, table, 1, slice_rows)
    per_slice = [[row[:2] for row in read(connection, *compose_slice_query(table, part, ""))] for part in slices]
    condition, arguments = window_condition(table)
    expected = Counter(read(connection, f"select user_id, at {from_table(table)} where {condition}", arguments))
    assert sum((Counter(each) for each in per_slice), Counter()) == expected
    places = [{at[:10] for _, at in each if at is not None and at >= "1000"} for each in per_slice]
    assert sum(len(place) for place in places) == len(set().union(*places)), "a day is in two slices"


def test_rows_that_arrive_after_the_cut_have_a_slice(source_database: SourceDatabase, connection: pymysql.Connection) -> None:
    """Below the first key, above the last, and in between."""
    source_database.execute("create table t (k0 int primary key, changed_at datetime(6))")
    fill(source_database, "t", [(key, "2026-01-01 12:00:00") for key in (100, 200, 300)])
    table = keyed_table("t", ["int"], None)
    slices = cut_slices(connection, table, 1, 1)
    fill(source_database, "t", [(key, "2026-01-01 12:00:00") for key in (-5, 150, 999)])
    rows = [row[0] for part in slices for row in read(connection, *compose_slice_query(table, part, ""))]
    assert sorted(map(int, rows)) == [-5, 100, 150, 200, 300, 999]


def test_the_cut_of_a_window_uses_the_cursor_s_index_and_a_slice_the_key_s(source_database: SourceDatabase) -> None:
    """The conditions are ones that the optimiser can use, also for a composite key."""
    source_database.execute("create table t (k0 int, k1 int, changed_at datetime(6), primary key (k0, k1), key (changed_at))")
    source_database.execute("insert into t select seq % 100, seq, '2025-01-01' from seq_1_to_20000")
    source_database.execute("insert into t select seq % 100, seq, '2026-02-01' from seq_20001_to_20020")
    source_database.execute("analyze table t")
    table = keyed_table("t", ["int", "int"], LOWER)
    condition, arguments = window_condition(table)
    (plan,) = source_database.query_rows(f"explain select k0, k1 {from_table(table)} where {condition}", arguments)
    assert (plan["type"], plan["key"]) == ("range", "changed_at")
    query, arguments = compose_slice_query(replace(table, lower=None), Slice(1, "t", 1, ("50", "60"), ("51", "3")), "")
    (plan,) = source_database.query_rows(f"explain {query}", arguments)
    assert (plan["type"], plan["key"]) == ("range", "PRIMARY")
    assert int(plan["rows"]) < 2_000
