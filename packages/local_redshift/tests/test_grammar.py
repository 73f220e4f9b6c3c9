"""sqlglot reads the SQL of many databases: what no page of Redshift's guide has is refused, and what the guide shows is not."""

import contextlib

import pytest

from local_redshift.refusal import Refused
from local_redshift.translate import translate


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select a, from t", 'near "from": an item is missing'),
        ("select a,", "near the end: an item is missing"),
        ("select a, b, from t where c in (1, 2)", "an item is missing"),
        ("select f(a, ) from t", "an item is missing"),
        ("select a from t group by a, order by a", "an item is missing"),
        ("insert into t values (1, )", "an item is missing"),
        ("select a from t where a == 1", "syntax error"),
        ("select a from t limit 5, 10", "LIMIT takes one number"),
        ("select a rlike 'x' from t", "syntax error"),
        ("select a regexp 'x' from t", "syntax error"),
        ("select a glob 'x' from t", "syntax error"),
        ("select a xor b from t", "syntax error"),
        ("select !a from t", "write NOT"),
        ("select a:b from t", "parameter"),
        ("select $1", r"no parameter \$1"),
        ("create view v as select $1 as a", r"no parameter \$1"),
        ("select ?", "parameter"),
        ("select %(a)s", "parameter"),
        ("select {{ ref('t') }}", "template"),
        ("select a from t {% if b %} where c {% endif %}", "template"),
        ("select a from t where a in ()", "IN needs a value"),
        ("select count(distinct a, b) from t", "one value after DISTINCT"),
        ("select sum(a) over w from t", "no WINDOW clause"),
        ("select a from t left semi join u on t.a = u.a", "SEMI JOIN|syntax error"),
        ("select a from t anti join u on t.a = u.a", "ANTI JOIN"),
        ("select a from t straight_join u", "STRAIGHT_JOIN"),
        ("select a from t join u", "neither ON nor USING"),
        ("select a from t left join u where t.b = 1", "neither ON nor USING"),
        ("select a from (select 1 as a from t join u) x join v on true", "neither ON nor USING"),
        ("select a from t join u join v on true", "neither ON nor USING"),
        ("insert into t set a = 1", "expected VALUES"),
        ("insert into t value (1)", "expected VALUES"),
        ("insert into t (a) value (1)", "expected VALUES"),
        ("with x as (select 1 as a) insert into t select a from x", "WITH stands behind"),
        ("select (1, 2)", "row constructors"),
        ("select f((1, 2)) from t", "row constructors"),
        ("select extract(year, a) from t", "EXTRACT is written"),
        ("select sysdate()", "no parentheses"),
        ("select interval 3 day", "an interval is a text"),
        ("select interval a day from t", "an interval is a text|syntax error"),
        ("update t set u.a = 1 from u", "without its table"),
        ("select a::string from t", "STRING is not Redshift's"),
        ("select cast(a as tinyint) from t", "TINYINT is not Redshift's"),
        ("create table t (a double)", "DOUBLE is not Redshift's"),
        ("create table t (a datetime)", "DATETIME is not Redshift's"),
        ("create table t (a number(10))", "NUMBER"),
        ("create table t (a int, b int, a int)", "more than once"),
        ("create tabel t (a int)", "no statement of Redshift"),
        ("drop tabel t", "no statement of Redshift"),
        ("alter tabel t add a int", "no statement of Redshift"),
        ("call p", "parentheses"),
        ("select a from t union all from u", "begins with SELECT"),
        ("select a from (from t) x", "begins with SELECT"),
    ],
)
def test_the_sql_of_other_databases_is_refused(sql, reason):
    """sqlglot reads each of these, and would write it for PostgreSQL as well as it can."""
    with pytest.raises(Refused, match=reason):
        translate(sql)


@pytest.mark.parametrize(
    "sql",
    [
        # Pages c_join_PG_examples and r_COMMENT: a reserved word behind a dot, and `oid`.
        "select p.oid, n.user from pg_class p join pg_namespace n on n.oid = p.relnamespace",
        "select oid from pg_class",
        "delete t where a = 1",  # r_DELETE: FROM is optional
        "delete from t using u join v on u.b = v.b where t.a = u.a",
        "insert into t with x as (select 1 as a) select a from x",
        "select a from t cross join u natural join v, w left join x using (b) where true",
        "select a from (t join u on t.a = u.a) join (select case when b then 1 end as b from v) x on x.b = u.b",
        "select a, count(distinct b), listagg(distinct c, ',') from t group by rollup ((a, d)) limit all",
        "select a from t where (a, b) in (select c, d from u) and a !~ 'x' and b % (2) = 1",
        "select case when a then 1 end % (2), interval '3' day, interval '1 week', ',' || ')' from t",
        "select a::double precision, b::character varying(20), c::timestamp with time zone, d::time without time zone from t",
        "create function f(int) returns int stable as $$ select $1 + 1 $$ language sql",
        "drop role r restrict",
        "call s.p(1, 'a')",
        "select extract(year from a), trim(both 'x' from b), substring(c from 2) from (select * from t) x",
        "select 1_000",  # a label, as in PostgreSQL 8
    ],
)
def test_what_redshift_has_is_taken(sql):
    """Each is near to one that is refused."""
    assert translate(sql)


@pytest.mark.parametrize(
    ("definition", "rows"),
    [
        ("a bigint identity(0, 1)", [(0,), (1,)]),
        ("a int identity(10, 5) not null", [(10,), (15,)]),
        ("a bigint identity(0, -2)", [(0,), (-2,)]),
        ("a bigint identity(-5, 1)", [(-5,), (-4,)]),
        ("a bigint identity", [(1,), (2,)]),  # r_CREATE_TABLE_examples prints so
        ("a bigint generated by default as identity", [(1,), (2,)]),
        ("a bigint generated by default as identity(0, 3)", [(0,), (3,)]),
    ],
)
def test_an_identity_begins_at_its_seed(fresh_warehouse, definition, rows):
    """Page r_CREATE_TABLE_NEW: PostgreSQL's sequences begin at 1, or count down from -1, unless told otherwise."""
    fresh_warehouse.execute(f"create table i ({definition}, b int)")
    for value in (1, 2):
        fresh_warehouse.execute(f"insert into i (b) values ({value})")
    assert fresh_warehouse.query("select a from i order by b") == rows


def test_a_table_has_one_identity_of_each_kind():
    """Page r_CREATE_TABLE_examples has a table of both."""
    assert translate("create table t (a bigint identity, b bigint generated by default as identity)")
    with pytest.raises(Refused, match="one IDENTITY"):
        translate("create table t (a bigint identity, b bigint identity(1, 1))")


@pytest.mark.parametrize(
    "sql",
    [
        "create or replace view v as select a from t",
        "create table t ( a char ( 5 ) default 'x' encode zstd , b int references u ( c ) ) distkey ( a ) sortkey ( b )",
        "create temp table t as select listagg ( a , ',' ) within group ( order by b ) from u",
        "create procedure p ( a in int ) as $$ begin a := 1 ; end $$ language plpgsql",
        "create function f ( int ) returns int stable as $$ select $1 $$ language sql",
        "create user u with password disable",
        "alter table t alter column a type varchar ( 20 )",
        "alter table t add constraint c primary key ( a )",
        "alter default privileges in schema s grant select on tables to group g",
        "drop procedure s . p ( int )",
        "insert into t ( a ) values ( 1 , default )",
        "merge into t using u on t.a = u.a when matched then delete when not matched then insert values ( 1 )",
        "copy t ( a ) from 's3://b/c' iam_role 'r' format as parquet manifest",
        "unload ( 'select 1 as a' ) to 's3://b/c' iam_role default format as parquet partition by ( a ) include",
        "grant select , insert on all tables in schema s to group g",
        "revoke grant option for usage on schema s from u",
        "comment on column t.a is 'x'",
        "vacuum delete only t to 99 percent",
        "analyze t ( a ) predicate columns",
        "lock table s . t , u",
        "set search_path to a , b",
        "explain verbose select a from t",
        "call s . p ( 1 )",
        "truncate table t",
    ],
)
def test_a_statement_that_ends_too_early_is_judged(sql):
    """Cut anywhere, and with any word left out, it is refused or taken: nothing else comes out."""
    words = sql.split(" ")
    for at in range(1, len(words)):
        for shorter in (words[:at], words[:at] + words[at + 1 :]):
            with contextlib.suppress(Refused):
                translate(" ".join(shorter))
