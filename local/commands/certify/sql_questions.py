"""What SQL the warehouse takes and refuses, and what comes of it: each construct that the product's SQL uses is among these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.commands.certify.account import NAME, Account, as_text
from local.commands.certify.question import Question, guide
from local_redshift.parameters import find_parameters
from rental_pipeline.definitions.sql_files import read_sql_file

_CONTROL = Path(__file__).parents[3] / "sql" / "control"

_FIGURES = "Figures of SQL that uses it are not those that this machine's tests show: look for it in sql/ before the first run."
_STRICTER = "The local Redshift is stricter than yours: nothing breaks, and its rule may go (packages/local_redshift)."
_BREAKS = "The pipeline's own statements use it: runs would fail."
_GUARDS = "The pipeline relies on this refusal to notice a fault: without it, a fault would stay unseen."


def _ask_rows(sql: str | list[str]) -> Callable[[Account], str]:
    """Of a statement, or of the last query of a batch."""

    def ask(account: Account) -> str:
        outcome = account.run(sql)
        return f"refused: {outcome.error}" if outcome.error else as_text(outcome.results[-1] if outcome.results else [])

    return ask


def _ask_refused(*statements: str) -> Callable[[Account], str]:
    def ask(account: Account) -> str:
        return "refused" if account.run(statements[0] if len(statements) == 1 else list(statements)).error else "taken"

    return ask


def _gives(expression: str, expected: Any, page: str, asks: str = "", meaning: str = _FIGURES) -> Question:
    """An expression over no table, or a whole query; the rows that come of it."""
    sql = expression if expression.startswith(("select ", "with ")) else f"select {expression}"
    rows = expected if sql is expression else [[expected]]
    return Question(
        f"gives {expression}", asks or f"what {expression} gives", as_text(rows), guide(page), meaning, _ask_rows(sql)
    )


def _takes(name: str, statements: tuple[str, ...], expected: Any, page: str, meaning: str = _BREAKS) -> Question:
    """Statements in one transaction; the rows of the last query among them."""
    return Question(
        f"takes {name}", f"whether it takes {name}", as_text(expected), guide(page), meaning, _ask_rows(list(statements))
    )


def _refuses(name: str, *statements: str, page: str, meaning: str = _STRICTER) -> Question:
    return Question(f"refuses {name}", f"whether it refuses {name}", "refused", guide(page), meaning, _ask_refused(*statements))


FUNCTIONS = (
    _gives("coalesce(null, 2)", 2, "r_NVL_function"),
    _gives("nullif('a', 'a ')", None, "r_NULLIF_function"),
    _gives("greatest(1, null, 3)", 3, "r_GREATEST_LEAST"),
    _gives("least(1, null, 3)", 1, "r_GREATEST_LEAST"),
    _gives("abs(-2)", 2, "r_ABS"),
    _gives("floor(2.7)", "2", "r_FLOOR"),
    _gives("mod(7, 3)", 1, "r_MOD"),
    _gives("round(2.345, 2)", "2.35", "r_ROUND"),
    _gives("left('abc', 2)", "ab", "r_LEFT"),
    _gives("lower('ÄB')", "äb", "r_LOWER"),
    _gives("octet_length('ä')", 2, "r_OCTET_LENGTH"),
    _gives("rtrim('a  ')", "a", "r_RTRIM"),
    _gives("trim('  a ')", "a", "r_TRIM"),
    _gives("replace('aba', 'a', 'c')", "cbc", "r_REPLACE"),
    _gives("translate('abc', 'ab', 'x')", "xc", "r_TRANSLATE"),
    _gives("split_part('a,b', ',', 2)", "b", "SPLIT_PART"),
    _gives("split_part('a,b', ',', 3)", "", "SPLIT_PART"),
    _gives("substring('abc', 2, 1)", "b", "r_SUBSTRING"),
    _gives("position('b' in 'abc')", 2, "r_POSITION"),
    _gives("strpos('abc', 'c')", 3, "r_STRPOS"),
    _gives("chr(9)", "\t", "r_CHR"),
    _gives("md5('a')", "0cc175b9c0f1b6a831c399e269772661", "r_MD5"),
    _gives("strtol('ff', 16)", 255, "r_STRTOL"),
    _gives("regexp_replace('a1b2', '[0-9]', '')", "ab", "REGEXP_REPLACE"),
    _gives("regexp_substr('abc', '[0-9]+')", "", "REGEXP_SUBSTR"),
    _gives("regexp_substr('a12', '[0-9]+')", "12", "REGEXP_SUBSTR"),
    _gives("to_char(date '2026-01-02', 'YYYY-MM')", "2026-01", "r_TO_CHAR"),
    _gives("date_trunc('week', date '2026-01-01')", "2025-12-29 00:00:00", "r_DATE_TRUNC"),
    _gives("dateadd(day, 1, date '2026-02-28')", "2026-03-01 00:00:00", "r_DATEADD_function"),
    _gives("datediff(day, timestamp '2026-01-01 23:59', timestamp '2026-01-02 00:01')", 1, "r_DATEDIFF_function"),
    _gives("date_diff('month', date '2026-01-31', date '2026-02-01')", 1, "r_DATEDIFF_function"),
    _gives("extract(dow from timestamp '2026-01-04 00:00:00')", 0, "r_EXTRACT_function"),
    _gives("getdate() > '2020-01-01'", True, "r_GETDATE"),
    _gives("datediff(day, sysdate, getdate()) between -1 and 1", True, "r_SYSDATE"),
)
ARITHMETIC = (
    _gives("7 / 2", 3, "r_OPERATOR_SYMBOLS", meaning="Integers would no longer be divided whole; ratios of sql/ cast first."),
    _gives("select avg(n) from probe.digit", [[4]], "r_AVG", "whether AVG of integers is cut to an integer"),
    _gives("select avg(n::double precision) from probe.digit", [[4.5]], "r_AVG", "what the pipeline's averages are computed on"),
    _gives("select median(n::double precision) from probe.digit", [[4.5]], "r_MEDIAN", "what the median of an even number is"),
    _gives("select sum(price) from probe.t", [["3.75"]], "r_SUM", "whether a sum of decimals is exact"),
    _gives("cast(2.5 as double precision) / 2", 1.25, "r_numeric_computations201"),
    _gives("cast('1.005' as decimal(10, 2))", "1.01", "r_CAST_function", "how a text is rounded to a decimal"),
    _gives("0.1::double precision + 0.2::double precision > 0.3", True, "r_Numeric_types201"),
)
TEXTS = (
    _gives(
        "'a' = 'a '", True, "r_Character_types", "whether trailing blanks count", "Keys that differ in them alone are one key."
    ),
    _gives(
        "select count(*) from (select distinct name from probe.t) as d",
        [[2]],
        "r_Character_types",
        "whether DISTINCT counts them",
    ),
    _gives("select len(name) from probe.t where id = 2", [[2]], "r_LEN", "whether a VARCHAR keeps its trailing blanks"),
    _gives("'' is null", False, "r_Character_types", "whether an empty text is NULL"),
    _gives("'a' < 'B'", False, "c_collation_sequences", "whether texts are compared by their bytes"),
    _gives("'a' like 'A'", False, "r_patternmatching_condition_like"),
    _gives("'Straße' || 'ñ'", "Straßeñ", "r_concat_op"),
    _gives("null || 'a'", None, "r_concat_op"),
)
TYPES = tuple(
    _gives(f"cast({value} as {kind})", expected, "c_Supported_data_types", f"how the Data API gives a {kind}")
    for value, kind, expected in (
        ("'32767'", "smallint", 32767),
        ("'2147483647'", "int", 2147483647),
        ("'9223372036854775807'", "bigint", 9223372036854775807),
        ("'12345678901234567890123456789012345.678'", "decimal(38, 3)", "12345678901234567890123456789012345.678"),
        ("'1.5'", "real", 1.5),
        ("'0.1'", "double precision", 0.1),
        ("'ä'", "varchar(2)", "ä"),
        ("'a'", "char(3)", "a  "),
        ("'2026-01-02'", "date", "2026-01-02"),
        ("'2026-01-02 03:04:05.000006'", "timestamp", "2026-01-02 03:04:05.000006"),
        ("'2026-01-02 03:04:05'", "timestamp", "2026-01-02 03:04:05"),
        ("null", "varchar(1)", None),
    )
)
_RUNNING = "order by n rows unbounded preceding"
QUERIES = (
    _takes(
        "windows",
        (
            f"select sum(n) over ({_RUNNING}), row_number() over (order by n), rank() over (order by n), ntile(2) over "
            f"(order by n), lag(n) over (order by n), lead(n) over (order by n), first_value(n) over ({_RUNNING}) "
            "from probe.digit order by n limit 1",
        ),
        [[0, 1, 1, 1, None, 1, 0]],
        "c_Window_functions",
    ),
    _takes(
        "WITH, UNION ALL and EXCEPT",
        (
            "with a as (select n from probe.digit union all select 10), b as (select n from a except "
            "select n from probe.digit) select n from b",
        ),
        [[10]],
        "r_WITH_clause",
    ),
    _takes(
        "GROUP BY with HAVING",
        ("select n % 2 as rest, count(*), min(n), max(n) from probe.digit group by n % 2 having sum(n) > 20",),
        [[1, 5, 1, 9]],
        "r_GROUP_BY_clause",
    ),
    _takes(
        "CASE, BETWEEN, IN, LIKE and NOT",
        (
            "select case when n between 2 and 3 and n not in (3) and 'ab' like 'a%' then 'x' else "
            "'y' end from probe.digit where not n < 2 order by n limit 2",
        ),
        [["x"], ["y"]],
        "r_CASE_function",
    ),
    _takes(
        "EXISTS of a correlated query",
        ("select id from probe.t where exists (select 1 from probe.u where u.id = t.id)",),
        [[1]],
        "r_correlated_subqueries",
    ),
    _takes(
        "outer joins",
        ("select t.id, u.name from probe.t left join probe.u on u.id = t.id and u.name <> 'y' order by t.id",),
        [[1, "x"], [2, None], [3, None]],
        "r_Join_examples",
    ),
    _takes(
        "count(distinct) beside NULL",
        ("select count(distinct id), count(name), sum(id) from probe.t where id > 9",),
        [[0, 0, None]],
        "r_COUNT",
    ),
)
CHANGES = (
    _takes(
        "CREATE TEMP TABLE AS and INSERT of it",
        ("create temp table s as select n from probe.digit where n > 7", "insert into s values (99)", "select count(*) from s"),
        [[3]],
        "r_CREATE_TABLE_AS",
    ),
    _takes(
        "DELETE with USING",
        ("create temp table d as select id from probe.u", "delete from d using probe.t where d.id = t.id", "select id from d"),
        [[4]],
        "r_DELETE",
    ),
    _takes(
        "UPDATE with FROM",
        (
            "create temp table d as select id, 0 as seen from probe.t",
            "update d set seen = 1 from probe.u where u.id = d.id",
            "select sum(seen) from d",
        ),
        [[1]],
        "r_UPDATE",
    ),
    _takes(
        "DROP TABLE IF EXISTS of what is not there", ("drop table if exists probe.nothing", "select 1"), [[1]], "r_DROP_TABLE"
    ),
    _takes(
        "CREATE TABLE with distribution and sort keys",
        (
            "create table if not exists probe.k (a bigint, b varchar(9) not null, "
            "c decimal(38, 2), primary key (a, b)) diststyle key distkey (a) compound sortkey (b, a)",
            "select \"column\", distkey, sortkey from pg_table_def where tablename = 'nothing'",
        ),
        [],
        "r_CREATE_TABLE_NEW",
    ),
    _takes(
        "keys that are not enforced",
        (
            "create table probe.twice (a int primary key)",
            "insert into probe.twice values (1), (1)",
            "select count(*) from probe.twice",
        ),
        [[2]],
        "t_Defining_constraints",
    ),
    _takes(
        "ADD COLUMN in a transaction",
        (
            "create table probe.wide (a int)",
            "alter table probe.wide add column b int",
            "insert into probe.wide values (1, 2)",
            "select b from probe.wide",
        ),
        [[2]],
        "r_ALTER_TABLE",
    ),
    _takes(
        "a view that is made anew",
        ("create or replace view probe.w as select id from probe.t", "select count(*) from probe.w"),
        [[3]],
        "r_CREATE_VIEW",
    ),
    _takes(
        "an SQL function",
        (
            "create or replace function probe.f_twice(int) returns int stable as $$ select $1 * 2 $$ language sql",
            "select probe.f_twice(n) from probe.digit where n = 4",
        ),
        [[8]],
        "udf-creating-a-scalar-sql-udf",
    ),
    _takes(
        "a procedure that counts and decides",
        (
            "create or replace procedure probe.p_count(p_most bigint) as $$ declare v_rows bigint; "
            "begin select count(*) into v_rows from probe.digit; if v_rows > p_most then raise exception 'TOO MANY: %', v_rows; "
            "end if; end; $$ language plpgsql",
            "call probe.p_count(10)",
            "select 1",
        ),
        [[1]],
        "c_PLpgSQL-statements",
    ),
    _takes("ANALYZE in a transaction", ("analyze probe.t", "select 1"), [[1]], "r_ANALYZE"),
    _takes("LOCK before anything else", ("lock probe.t", "select count(*) from probe.t"), [[3]], "r_LOCK"),
    _takes(
        "the search path for a transaction",
        (f"set search_path to {NAME}", "select count(*) from t"),
        [[3]],
        "r_search_path",
    ),
)
GUARDS = (
    _refuses(
        "a procedure's exception",
        "create or replace procedure probe.p_fail() as $$ begin raise exception 'NO'; end; $$ language plpgsql",
        "call probe.p_fail()",
        page="c_PLpgSQL-statements",
        meaning=_GUARDS,
    ),
    _refuses(
        "a text longer than its column, in bytes",
        "insert into probe.u values (1, 'ääääääääääa')",
        page="r_Character_types",
        meaning=_GUARDS,
    ),
    _refuses(
        "NULL in a column that is NOT NULL",
        "create table probe.nn (a int not null)",
        "insert into probe.nn values (null)",
        page="r_CREATE_TABLE_NEW",
        meaning=_GUARDS,
    ),
    _refuses(
        "a decimal past its precision",
        "insert into probe.t (price) values (123456789.00)",
        page="r_Numeric_types201",
        meaning=_GUARDS,
    ),
    _refuses("a text that is no number", "select cast('a' || name as int) from probe.u", page="r_CAST_function", meaning=_GUARDS),
    _refuses("a reserved word as a name", "create table probe.raw2 (raw int)", page="r_pg_keywords"),
    _refuses(
        "leader-node functions beside a table",
        "select current_schema(), id from probe.t",
        page="c_SQL_functions_leader_node_only",
    ),
    _refuses(
        "CURRENT_SCHEMA beside an SVV view",
        "select count(*) from svv_columns where table_schema = current_schema()",
        page="c_SQL_functions_leader_node_only",
    ),
    _refuses(
        "GENERATE_SERIES beside a table",
        "insert into probe.u (id) select generate_series(1, 3) from probe.u",
        page="c_unsupported-postgresql-functions",
    ),
)
REFUSALS = (
    _refuses("DISTINCT ON", "select distinct on (id) id from probe.u", page="r_SELECT_synopsis"),
    _refuses("ON CONFLICT", "insert into probe.u values (1, 'x') on conflict do nothing", page="r_INSERT_30"),
    _refuses("RETURNING", "delete from probe.u where id = 99 returning id", page="r_DELETE"),
    _refuses("FILTER", "select count(*) filter (where id > 1) from probe.u", page="r_SELECT_synopsis"),
    _refuses("IS DISTINCT FROM", "select id from probe.u where id is distinct from 1", page="c_unsupported-postgresql-functions"),
    _refuses("VALUES as a table", "select * from (values (1), (2)) as x (a)", page="c_unsupported-postgresql-features"),
    _refuses(
        "RANGE frames",
        "select sum(n) over (order by n range unbounded preceding) from probe.digit",
        page="r_Window_function_synopsis",
    ),
    _refuses(
        "an ordered sum without a frame", "select sum(n) over (order by n) from probe.digit", page="r_Window_function_synopsis"
    ),
    _refuses(
        "a WINDOW clause",
        "select sum(n) over w from probe.digit window w as (order by n rows unbounded preceding)",
        page="r_SELECT_synopsis",
    ),
    _refuses("LEAD with a default", "select lead(n, 1, 0) over (order by n) from probe.digit", page="r_WF_LEAD"),
    _refuses("STRING_AGG", "select string_agg(name, ',') from probe.u", page="c_unsupported-postgresql-functions"),
    _refuses("arrays", "select array_agg(id) from probe.u", page="c_unsupported-postgresql-functions"),
    _refuses("LATERAL", "select x.b from probe.u cross join lateral (select u.id as b) as x", page="r_FROM_clause30"),
    _refuses("row values", "select id from probe.u where (id, name) > (1, 'a')", page="c_unsupported-postgresql-features"),
    _refuses("system columns", "select ctid from probe.u", page="c_unsupported-postgresql-features"),
    _refuses(
        "skip-level correlation",
        "select id from probe.t where not exists (select 1 from probe.u where not exists (select 1 from "
        "probe.digit where digit.n = t.id))",
        page="r_correlated_subqueries",
    ),
    _refuses("INTERSECT ALL", "select id from probe.t intersect all select id from probe.u", page="r_UNION"),
    _refuses("a changed view", "insert into probe.v values (1, 'a')", page="r_CREATE_VIEW"),
    _refuses("a locked view", "lock probe.v", page="r_LOCK"),
    _refuses(
        "MERGE of a query",
        "merge into probe.t using (select 1 as id) as s on t.id = s.id when matched then delete when not matched "
        "then insert (id) values (s.id)",
        page="r_MERGE",
    ),
    _refuses("an alias of DELETE's target", "delete from probe.u as x where x.id = 99", page="r_DELETE"),
    _refuses("JSONB", "create table probe.j (a jsonb)", page="c_unsupported-postgresql-datatypes"),
    _refuses("SERIAL", "create table probe.j (a serial)", page="c_unsupported-postgresql-datatypes"),
    _refuses("CHECK", "create table probe.j (a int check (a > 0))", page="c_unsupported-postgresql-features"),
    _refuses("an index", "create index i on probe.u (id)", page="c_unsupported-postgresql-features"),
    _refuses("two DISTKEYs", "create table probe.j (a int distkey, b int distkey)", page="r_CREATE_TABLE_NEW"),
    _refuses("AZ64 of a text", "create table probe.j (a varchar(9) encode az64)", page="az64-encoding"),
    _refuses("two columns added at once", "alter table probe.u add column x int, add column y int", page="r_ALTER_TABLE"),
    _refuses("ADD COLUMN IF NOT EXISTS", "alter table probe.u add column if not exists id int", page="r_ALTER_TABLE"),
    _refuses("another type of a column", "alter table probe.u alter column id type bigint", page="r_ALTER_TABLE"),
    _refuses(
        "a longer text in a transaction",
        "alter table probe.u alter column name type varchar(30)",
        "select 1",
        page="r_ALTER_TABLE",
    ),
    _refuses("VACUUM in a transaction", "vacuum probe.u", "select 1", page="r_VACUUM_command"),
    _refuses("TRUNCATE with options", "truncate probe.u restart identity", page="r_TRUNCATE"),
    _refuses(
        "PERL patterns that are columns", "select id from probe.u where name ~ name", page="pattern-matching-conditions-posix"
    ),
    _refuses(
        "a literal without a type further out",
        "select distinct m from (select 'x' as m, id from probe.u) as s",
        page="r_Character_types",
    ),
    _refuses(
        "a function without volatility",
        "create function probe.f_x(int) returns int as $$ select $1 $$ language sql",
        page="r_CREATE_FUNCTION",
    ),
)


def _read_control(name: str) -> tuple[str, ...]:
    """Return the statements of a file of the control schema, but those that a step gives values to."""
    sections = read_sql_file(_CONTROL / f"{name}.sql").sections.values()
    return tuple(sql for sql in sections if not find_parameters(sql))


# The files themselves, in the order in which a first run sends them.
CONTROL = tuple(
    _takes(f"sql/control/{name}.sql", (f"set search_path to {NAME}", *_read_control(name), "select 1"), [[1]], page)
    for name, page in (
        ("tables", "r_CREATE_TABLE_NEW"),
        ("functions", "udf-creating-a-scalar-sql-udf"),
        ("procedures", "r_CREATE_PROCEDURE"),
        ("views", "r_CREATE_VIEW"),
    )
)
SQL_QUESTIONS = (*CONTROL, *FUNCTIONS, *ARITHMETIC, *TEXTS, *TYPES, *QUERIES, *CHANGES, *GUARDS, *REFUSALS)
