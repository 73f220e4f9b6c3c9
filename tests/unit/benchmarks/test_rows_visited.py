"""Rows visited: which blocks literal predicates exclude, and which tables a statement reads, by examples that can be counted."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.rows_visited import Block, Recorder, TableRead, count_visited, divide_body
from local_redshift.dialect import tokenize_script

ROOT = Path(__file__).parents[3]
BOOKINGS = ("m_raw", "bookings")


def read(sql: str, *before: str, parameters: dict[str, str] | None = None) -> list[TableRead]:
    """Return what the last of a request's statements reads."""
    recorder = Recorder("m_control")
    uses = recorder.read_request([*before, sql], parameters)
    assert recorder.not_understood == []
    return list(uses[-1].reads)


def visit(condition: str, blocks: list[Block]) -> int:
    """Return the rows that a select with a condition visits of a table of these blocks."""
    (only,) = read(f"select count(*) from m_raw.bookings where {condition}", "create temp table known (id bigint)")
    assert only.table == BOOKINGS
    return count_visited(only.predicate, blocks)


def ranges(column: str, *ends: tuple[object, object]) -> list[Block]:
    """Return blocks of 1, 10, 100 … rows, so that a sum tells which were visited."""
    return [Block(10**number, {column: end}) for number, end in enumerate(ends)]


KEYS = ranges("id", (1, 10), (11, 20), (21, 30))
DAYS = ranges("day", (date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28)))
MOMENTS = ranges("at", (datetime(2026, 1, 1), datetime(2026, 1, 31, 23)), (datetime(2026, 2, 1), datetime(2026, 2, 28)))
NAMES = ranges("name", ("aaaa", "bbbb"), ("bbbbbbbb", "cccc"))


@pytest.mark.parametrize(
    ("condition", "blocks", "visited"),
    [
        ("true", KEYS, 111),
        ("id = 15", KEYS, 10),
        ("15 = id", KEYS, 10),
        ("id in (5, 25)", KEYS, 101),
        ("id between 10 and 11", KEYS, 11),
        ("id > 20", KEYS, 100),
        ("id >= 20", KEYS, 110),
        ("20 > id", KEYS, 11),
        ("id < 11 or id > 25", KEYS, 101),
        ("id > 5 and id < 12 and other = 3", KEYS, 11),
        ("id > 25 or other = 3", KEYS, 111),  # the other column's rows may be anywhere
        ("id = -4", KEYS, 0),
        ("id <> 15", KEYS, 111),
        ("not id = 15", KEYS, 111),
        ("id + 0 = 15", KEYS, 111),  # Redshift keeps no ranges of expressions
        ("id in (select id from known)", KEYS, 111),
        ("id = 15.5", ranges("id", (Decimal("15.1"), Decimal("16")), (17, 18)), 1),
        ("id = 'x'", KEYS, 111),  # what cannot be compared excludes nothing
        ("day >= '2026-02-01'", DAYS, 10),
        ("day < cast('2026-02-01' as date)", DAYS, 1),
        ("day >= date '2026-01-31'", DAYS, 11),
        ("at > cast('2026-01-31 22:00:00.000000' as timestamp)", MOMENTS, 11),
        ("at > cast('2026-02-02' as timestamp)", MOMENTS, 10),
        ("extract(year from day) = 2027", DAYS, 11),
        ("name = 'abc'", NAMES, 1),
        ("name > 'bbbbbbbbz'", NAMES, 10),
        ("name = 'bbbbbbbbzzz'", NAMES, 10),  # the same in its first eight bytes
        ("absent = 3", KEYS, 111),
    ],
)
def test_literal_predicates_exclude_blocks(condition: str, blocks: list[Block], visited: int) -> None:
    """By least and greatest values only, and never more than they can."""
    assert visit(condition, blocks) == visited


def test_a_column_without_values_excludes_nothing() -> None:
    """A block of NULLs has no least value."""
    assert visit("id = 5", [Block(7, {}), Block(9, {"id": (6, 8)})]) == 7


def test_joins_exclude_nothing_but_by_their_literals() -> None:
    """An inner join's literals bound the table they speak of; those of an outer one bound the table that is joined only."""
    touched = "create temp table touched as select 1 as id"
    (joined,) = read("select 1 from m_raw.bookings as b inner join touched on b.id = touched.id and b.id > 20", touched)
    assert count_visited(joined.predicate, KEYS) == 100
    (kept,) = read("select 1 from m_raw.bookings as b left join touched on b.id = touched.id and b.id > 20", touched)
    assert count_visited(kept.predicate, KEYS) == 111
    (outer,) = read("select 1 from touched left join m_raw.bookings as b on b.id = touched.id and b.id > 20", touched)
    assert count_visited(outer.predicate, KEYS) == 100
    (other,) = read("select 1 from m_raw.bookings as b inner join touched on touched.id > 20", touched)
    assert count_visited(other.predicate, KEYS) == 111


def test_a_name_without_a_table_counts_only_where_one_is_read() -> None:
    """With two sources it might be either's."""
    reads = read("select 1 from m_raw.bookings, m_raw.listings where id > 20")
    assert [count_visited(each.predicate, KEYS) for each in reads] == [111, 111]


def test_each_naming_of_a_table_is_a_visit() -> None:
    """Also of the same one, in subqueries and in WITH; WITH's own names and temporary tables are none."""
    sql = """
        insert into m_curated.bookings
        with newest as (select id from m_raw.bookings where id > 20), again as (select id from newest)
        select id from again where exists (select 1 from m_raw.bookings as b where b.id = 3)
        except select id from arrived
    """
    reads = read(sql, "create temp table arrived (id bigint)")
    assert sorted((each.table, count_visited(each.predicate, KEYS)) for each in reads) == [(BOOKINGS, 1), (BOOKINGS, 100)]


def test_deletes_updates_and_unloads_are_visits() -> None:
    """Of what they look for rows in; an insert's target is not looked at."""
    assert [each.table for each in read("delete from m_raw.bookings using m_raw.gone where bookings.id = gone.id")] == [
        BOOKINGS,
        ("m_raw", "gone"),
    ]
    (deleted,) = read("delete from m_raw.bookings where id >= 21")
    assert count_visited(deleted.predicate, KEYS) == 100
    (updated,) = read("update m_raw.bookings set price = 1 where id = 1")
    assert count_visited(updated.predicate, KEYS) == 1
    (unloaded,) = read(
        "unload ('select id from m_raw.bookings where name = ''abc''') to 's3://bucket/x/' iam_role 'arn:aws:iam::1:role/r'"
        " format as parquet"
    )
    assert count_visited(unloaded.predicate, NAMES) == 1
    assert read("insert into m_raw.bookings (id) values (1)") == []


def test_parameters_are_literals() -> None:
    """The Data API sends their values with the statement."""
    (only,) = read("select 1 from m_raw.bookings where id = :key", parameters={"key": "25"})
    assert count_visited(only.predicate, KEYS) == 100


def test_views_and_procedures_are_what_they_read() -> None:
    """Of an earlier request, too; a view's outer conditions do not reach its tables."""
    recorder = Recorder("m_control")
    recorder.read_request(["create or replace view m_control.recent as select id from m_raw.bookings where id > 20"])
    recorder.read_request(
        [
            """create or replace procedure publish(p_run bigint) as $$
            declare v_rows bigint; v_day date;
            begin
                select count(*), max(day) into v_rows, v_day from recent where id = 1;
                if v_rows > 0 and (select count(*) from ledger) > 1 then
                    delete from m_presentation.weeks using dirty where weeks.week = dirty.week;
                end if;
            end;
            $$ language plpgsql"""
        ]
    )
    (use,) = recorder.read_request(["call publish(7)"])
    assert recorder.not_understood == []
    assert [each.table for each in use.reads] == [
        BOOKINGS,
        ("m_control", "ledger"),
        ("m_presentation", "weeks"),
        ("m_control", "dirty"),
    ]
    assert count_visited(use.reads[0].predicate, KEYS) == 100
    assert use.is_write


@pytest.mark.parametrize(
    ("sql", "is_write"),
    [
        ("select 1", False),
        ("set search_path to m_control", False),
        ("create temp table t as select 1 as id", False),
        ("insert into staged (id) values (1)", False),
        ("delete from staged", False),
        ("insert into lasting (id) values (1)", True),
        ("create table m_raw.t (id bigint) sortkey (id)", True),
        ("drop table if exists m_raw.t", True),
        ("drop table staged", False),
        ("copy staged from 's3://b/m' iam_role 'r' format as parquet manifest", False),
        ("copy m_raw.t from 's3://b/m' iam_role 'r' format as parquet manifest", True),
    ],
)
def test_a_write_is_what_outlasts_the_session(sql: str, is_write: bool) -> None:
    """Temporary tables do not."""
    assert Recorder("m_control").read_request(["create temp table staged (id bigint)", sql])[-1].is_write is is_write


def test_sort_keys_are_those_of_the_statement_that_made_the_table() -> None:
    """Of CREATE TABLE, and of CREATE TABLE AS."""
    recorder = Recorder("m_control")
    recorder.read_request(
        [
            'create table if not exists m_raw.bookings ("id" bigint, day date) distkey ("id") sortkey ("id", day)',
            "create table m_curated.weeks diststyle all compound sortkey (week) as select day as week from m_raw.bookings",
        ]
    )
    assert recorder.not_understood == []
    assert recorder.sort_keys == {BOOKINGS: ["id", "day"], ("m_curated", "weeks"): ["week"]}


def test_what_cannot_be_read_is_told() -> None:
    """Rather than left out in silence."""
    recorder = Recorder("m_control")
    assert recorder.read_request(["select from where"])[0].reads == ()
    assert len(recorder.not_understood) == 1


def test_a_body_is_divided_into_its_statements() -> None:
    """Conditions are selects; what raises, returns or declares reads nothing."""
    body = """
    declare v_rows bigint;
    begin
        v_rows := (select count(*) from a);
        for v_each in select id from b loop
            insert into c select id from d;
        end loop;
        if exists (select 1 from e) then raise exception 'no; %', v_rows; end if;
        return;
    end;
    """
    assert [" ".join(each.split()) for each in divide_body(body)] == [
        "select (select count(*) from a)",
        "select id from b",
        "insert into c select id from d",
        "select exists (select 1 from e)",
    ]


def test_every_statement_that_the_pipeline_sends_can_be_read() -> None:
    """docs/sql has them all; what stands there shortened is none."""
    recorder = Recorder("apartments_control")
    for file in sorted((ROOT / "sql" / "control").glob("*.sql")):
        sections = re.split(r"^-- name: .*$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        for section in sections:
            recorder.read_request([section.strip()])
    statements = 0
    for file in sorted((ROOT / "docs" / "sql").glob("*.sql")):
        for batch in re.split(r"^-- (?:=+|batch .*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE):
            texts = [text for text in cut_statements(batch) if "(…)" not in text and ": see above)" not in text]
            recorder.read_request(texts)
            statements += len(texts)
    assert statements > 300
    assert recorder.not_understood == []


def cut_statements(script: str) -> list[str]:
    """Cut a script at its semicolons."""
    tokens = tokenize_script(script)
    ends = [number for number, token in enumerate(tokens) if token.text == ";"]
    starts = [0, *(end + 1 for end in ends)]
    return [
        script[tokens[start].start : tokens[end - 1].end + 1]
        for start, end in zip(starts, [*ends, len(tokens)], strict=True)
        if end > start
    ]
