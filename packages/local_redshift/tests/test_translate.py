"""What Redshift would refuse is refused by name; what it takes comes out as PostgreSQL's."""

import re

import pytest

from local_redshift.dialect import RESERVED_WORDS
from local_redshift.refusal import Refused
from local_redshift.translate import translate


def refuse(sql: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        translate(sql)


@pytest.mark.parametrize(
    "word", ["raw", "user", "new", "old", "tag", "offset", "snapshot", "system", "timestamp", "minus", "top"]
)
def test_a_reserved_word_is_no_bare_name(word):
    """Page r_pg_keywords: reserved words need double quotes as names."""
    refuse(f"create table {word} (a int)", "reserved word|syntax error")
    refuse(f"select a as {word} from t", "reserved word|syntax error")
    refuse(f"select a {word} from t", "reserved word|syntax error")
    refuse(f"select a from t as {word}", "reserved word|syntax error")
    assert translate(f'create table "{word}" (a int)').text == f'create table "{word}" ("a" INT)'


def test_the_reserved_words_are_those_of_the_page():
    """Page r_pg_keywords: its list, first to last."""
    assert len(RESERVED_WORDS) == 156
    assert {"AES128", "AZ64", "RAW", "WALLET", "WITHOUT"} <= RESERVED_WORDS
    assert not {"LEVEL", "START", "CONNECT", "NAME", "SOURCE", "STATUS"} & RESERVED_WORDS


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("insert into t values (1) on conflict do nothing", "ON CONFLICT"),
        ("insert into t values (1) returning a", "RETURNING"),
        ("delete from t where a = 1 returning a", "RETURNING"),
        ("select a from t for update", "FOR UPDATE"),
        ("select count(*) filter (where a > 1) from t", "FILTER"),
        ("select a from t where a is distinct from b", "IS DISTINCT FROM"),
        ("select a from t where a is not distinct from b", "IS NOT DISTINCT FROM"),
        ("select distinct on (a) a, b from t", "DISTINCT ON"),
        ("select * from (values (1), (2)) v", "VALUES"),
        ("select a from t cross join lateral (select 1) s", "LATERAL"),
        ("select generate_series(1, 10)", "leader node"),
        ("select d from generate_series(1, 10) g, t", "generate_series|not offered"),
        ("select array[1, 2]", "array"),
        ("select string_agg(a, ',') from t", "LISTAGG"),
        ("select array_agg(a) from t", "LISTAGG"),
        ("select a ~* 'x' from t", "~"),
        ("select nextval('s')", "sequences"),
        ("create index i on t (a)", "INDEX"),
        ("create unique index i on t (a)", "UNIQUE"),
        ("create sequence s", "SEQUENCE"),
        ("create extension hstore", "EXTENSION"),
        ("create type mood as enum ('a')", "TYPE"),
        ("create trigger x before insert on t execute procedure f()", "TRIGGER"),
        ("do $$ begin null; end $$", "not a statement"),
        ("create table t (a int check (a > 0))", "CHECK"),
        ("create table t (a int, check (a > 0))", "CHECK"),
        ("create table t (a serial)", "not Redshift's|does not exist"),
        ("create table t (a jsonb)", "not Redshift's|does not exist"),
        ("create table t (a uuid)", "not Redshift's|does not exist"),
        ("create table t (a bytea)", "not Redshift's|does not exist"),
        ("create table t (a int[])", "arrays"),
        ("create table t (a int) inherits (u)", "syntax error"),
        ("create table t (a int) partition by range (a)", "syntax error"),
        ("create unlogged table t (a int)", "UNLOGGED"),
        ("create table t (a decimal(39, 2))", "1 to 38"),
        ("create table t (a varchar(65536))", "between 1 and 65535"),
        ("select cast('1' as uuid)", "not Redshift's"),
    ],
)
def test_postgresql_syntax_that_redshift_lacks_is_refused_by_name(sql, reason):
    """Pages c_unsupported-postgresql-features, -datatypes and -functions, and each statement's own syntax page."""
    refuse(sql, reason)


@pytest.mark.parametrize("column", ["super", "varbyte", "geometry", "hllsketch"])
def test_types_not_offered_are_refused_by_name(column):
    """They are Redshift's (page c_Supported_data_types) but have no faithful counterpart here."""
    refuse(f"create table t (a {column})", "not offered|does not exist")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select sum(a) over (partition by b order by c) from t", "require a frame clause"),
        ("select last_value(a) over (partition by b order by c) from t", "require a frame clause"),
        ("select sum(a) over (order by c range between unbounded preceding and current row) from t", "ROWS"),
        ("select row_number() over (order by c rows unbounded preceding) from t", "takes no frame"),
        ("select lag(a) over (partition by b) from t", "ORDER BY"),
        ("select rank() over (partition by 'x' order by a) from t", "constants"),
    ],
)
def test_window_functions_keep_to_redshifts_frames(sql, reason):
    """Page r_Window_function_synopsis: ROWS only; an aggregate with ORDER BY needs a frame; constants are no keys."""
    refuse(sql, reason)
    assert translate("select sum(a) over (order by c rows unbounded preceding), rank() over (order by a) from t")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("merge into t a using s on a.i = s.i when matched then delete when not matched then insert values (1)", "alias"),
        (
            "merge into t using (select 1) s on t.i = s.i when matched then delete when not matched then insert values (1)",
            "not a query",
        ),
        ("merge into t using s on t.i = s.i when matched then delete", "each once|both"),
        ("merge into t using s on t.i = s.i when not matched then insert values (1)", "each once|both"),
        (
            "merge into t using s on t.i = s.i when matched and s.x = 1 then delete when not matched then insert values (1)",
            "condition",
        ),
        ("merge into t using s on t.i > s.i when matched then delete when not matched then insert values (1)", "equality"),
        ("merge into t using t on t.i = t.i when matched then delete when not matched then insert values (1)", "same table"),
    ],
)
def test_merge_has_one_form(sql, reason):
    """Page r_MERGE: both clauses in order, no condition, no alias of the target, a table as source."""
    refuse(sql, reason)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select column_name from svv_columns join t on t.a = svv_columns.column_name", "leader"),
        ("select current_schema(), a from t", "leader|not supported"),
        ("select count(*) from svv_columns where table_schema = current_schema()", "not supported"),
        ("select a from t where exists (select 1 from pg_class)", "leader"),
        ("select table_name from information_schema.tables, t", "leader"),
    ],
)
def test_the_catalog_and_leader_node_functions_do_not_meet_users_tables(sql, reason):
    """Page c_SQL_functions_leader_node_only: such a query runs on the leader node only, or fails."""
    refuse(sql, reason)
    assert translate("select column_name from svv_columns where table_schema = 'x'")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select a from t where not exists (select 1 from u where not exists (select 1 from v where v.a = t.a))", "next one out"),
        ("select a from t where a = (select sum(b) over () from u where u.a = t.a)", "window"),
        ("select a from t left join u on t.a = u.a and u.b = (select max(b) from v where v.a = u.a)", "outer join"),
    ],
)
def test_correlations_that_redshift_cannot_resolve_are_refused(sql, reason):
    """Page r_correlated_subqueries, "patterns that are not supported"."""
    refuse(sql, reason)
    assert translate("select a from t where exists (select 1 from u where u.a = t.a)")


@pytest.mark.parametrize(
    "sql", ["update t set a = s.b from u left join s on s.i = u.i where u.i = t.i", "delete from t x using s where x.a = s.a"]
)
def test_update_and_delete_keep_to_redshifts_forms(sql):
    """Pages r_UPDATE (no outer join in FROM) and r_DELETE (no alias of the target)."""
    refuse(sql, "outer join|alias")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("alter table t add column a int, add column b int", "one change"),
        ("alter table t add column if not exists a int", "IF NOT EXISTS"),
        ("alter table t add column a int not null", "DEFAULT"),
        ("alter table t alter column a type bigint", "size of a VARCHAR"),
        ("alter table t alter column a set not null", "expected TYPE"),
        ("alter table if exists t drop column a", "IF EXISTS"),
        ("alter table t append from s", "transaction block"),
    ],
)
def test_alter_table_makes_few_changes_one_at_a_time(sql, reason):
    """Page r_ALTER_TABLE."""
    refuse(sql, reason)


@pytest.mark.parametrize(
    "sql",
    [
        "copy t from 's3://b/m' iam_role 'r' format as parquet",
        "copy t from 's3://b/m' iam_role 'r' manifest",
        "copy t from 's3://b/m' format as parquet manifest",
        "copy t from 's3://b/m' iam_role 'r' format as parquet manifest maxerror 10",
        "copy t from 's3://b/m' iam_role 'r' format as parquet manifest region 'eu-west-1'",
        "copy t from 's3://b/m' iam_role 'r' format as parquet manifest gzip",
        "copy t from 's3://b/m' iam_role 'r' format as parquet manifest timeformat 'auto'",
        "copy t from 's3://b/m' iam_role 'r' format as csv manifest",
        "copy t from :location iam_role 'r' format as parquet manifest",
        "copy t from 's3://b/m' iam_role :role format as parquet manifest",
    ],
)
def test_copy_takes_the_options_of_columnar_formats_only(sql):
    """Page copy-usage_notes-copy-from-columnar; location and role are no parameters (Data API guide)."""
    refuse(sql, "COPY")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("create function f(int) returns int as $$ select $1 $$ language sql", "volatility"),
        ("create function f(int) returns int stable as $$ select $1 from t $$ language sql", "without FROM"),
        ("create function f(int) returns int stable as $$ select $1; select 2 $$ language sql", "multiple|one SELECT"),
        ("create function f(int) returns int stable as $$ return 1 $$ language plpythonu", "SQL only"),
        ("create procedure p() as $$ begin commit; end; $$ language plpgsql", "COMMIT"),
        ("create procedure p() as $$ begin null; exception when others then null; end; $$ language plpgsql", "EXCEPTION"),
        ("create procedure p() as $$ begin execute 'drop table t'; end; $$ language plpgsql", "dynamic SQL"),
        (
            "create procedure p() as $$ begin insert into t values (1) on conflict do nothing; end; $$ language plpgsql",
            "ON CONFLICT",
        ),
        ("create procedure p() as $$ begin truncate t; end; $$ language plpgsql", "TRUNCATE"),
        ("create procedure p() as $$ begin raise exception 'x' using errcode = '1'; end; $$ language plpgsql", "USING"),
        ("create procedure p() as $$ begin perform 1; end; $$ language sql", "PL/pgSQL"),
    ],
)
def test_routines_keep_to_redshifts_forms(sql, reason):
    """Pages udf-creating-a-scalar-sql-udf, c_PLpgSQL-statements and stored-procedure-transaction-management."""
    refuse(sql, reason)


@pytest.mark.parametrize("sql", ["begin", "commit", "rollback", "start transaction", "select 1; select 2", "", " -- nothing\n"])
def test_a_request_is_one_statement_and_no_transaction_control(sql):
    """Data API guide: a batch is a list of single statements in one transaction."""
    with pytest.raises(Refused):
        translate(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select distinct m from (select 'x' as m, a from t) as s",
        "with s as (select null as m from t) select max(m) from s",
        "insert into t select m from (select :m as m) as s",
    ],
)
def test_a_literal_in_an_inner_query_needs_a_type(sql):
    """calogica/dbt-expectations#99, snowplow/dbt-snowplow-attribution#9: "unknown" is converted to nothing further out."""
    refuse(sql, 'conversion function from "unknown"')
    assert translate("select m from (select cast('x' as varchar(5)) as m, 1 as n) as s")
    assert translate("select m from (select 'x' as m union all select 'y') as s where exists (select 'z')")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select datediff(week, a, b) from t", "weeks"),
        ("select datediff(fortnight, a, b) from t", "date part"),
        ("select extract(decade from a) from t", "date part"),
        ("select current_timestamp", "GETDATE"),
        ("select now()", "GETDATE"),
        ("select concat(a, b, c) from t", "two arguments"),
        ("select first_value(a ignore nulls) over (order by b rows unbounded preceding) from t", "IGNORE NULLS"),
        ("select a from t qualify row_number() over (order by a) = 1", "alias"),
        (r"select regexp_replace(a, '\d') from t", "backslash"),
        ("select regexp_substr(a, b) from t", "literal character expression"),
        ("select a from t where a ~ ('x' || b)", "literal character expression"),
    ],
)
def test_what_cannot_be_computed_alike_is_refused_with_the_way_out(sql, reason):
    """Each would run in PostgreSQL with another result, or has none that Redshift documents."""
    refuse(sql, reason)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ('SELECT A."Id" FROM S.T a', 'SELECT "a"."id" FROM "s"."t" AS "a"'),
        ("select nvl(a, 0) from t", 'SELECT coalesce("a", 0) FROM "t"'),
        ("select nvl(nvl(a, b), 0) from t", 'SELECT coalesce(coalesce("a", "b"), 0) FROM "t"'),
        ("delete from t using s where t.a = s.a", 'DELETE FROM "t" USING "s" WHERE "t"."a" = "s"."a"'),
        ("lock a, b.c", "lock a, b.c"),
        ("grant select on all tables in schema s to group analysts", "grant select on all tables in schema s to analysts"),
        ("set search_path to S, public", 'set search_path to "s", "public", redshift, pg_catalog'),
        ("drop table if exists s.t cascade", "drop table if exists s.t cascade"),
        ("vacuum t", ""),
        ("analyze t", ""),
    ],
)
def test_statements_come_out_as_postgresqls(sql, text):
    """Names fold to lower case (page r_names), groups become roles, the search path keeps Redshift's functions first."""
    assert translate(sql).text == text


@pytest.mark.parametrize(
    "storage",
    [
        "",
        "diststyle even",
        "diststyle auto sortkey auto",
        "diststyle key distkey (a) compound sortkey (a, b)",
        "distkey(a) sortkey(a)",
        "diststyle all interleaved sortkey (a, b)",
        "backup no diststyle all encode auto",
    ],
)
def test_how_a_table_is_stored_falls_away(storage):
    """Page r_CREATE_TABLE_NEW, table attributes: of them only true checks stay, by which later statements are judged."""
    text = translate(f"create table t (a int, b date) {storage}").text
    assert re.sub(r', constraint "redshift_[^"]+" check \(\(.*?\) or true\)', "", text) == (
        'create table "t" ("a" INT, "b" pg_catalog.date)'
    )
    assert ("check" in text) == ("key" in storage and storage != "diststyle auto sortkey auto")


def test_keys_of_a_table_are_read_and_not_enforced_but_primary_ones_are_not_null():
    """Page t_Defining_constraints: informational only; page r_CREATE_TABLE_NEW: a primary key is not null."""
    keys = "constraint p primary key (a, c), constraint k unique (a, b), foreign key (b) references u"
    definition = translate(f"create table t (a int distkey, b int references u (x), c int, {keys})")
    assert definition.text == (
        'create table "t" ("a" INT not null, "b" INT, "c" INT not null, '
        'constraint "redshift_distkey_1" check (("a" is null) or true), '
        'constraint "redshift_foreign_1" check (("b" is null) or true), '
        'constraint "redshift_primary_1:p" check (("a" is null and "c" is null) or true), '
        'constraint "redshift_unique_1:k" check (("a" is null and "b" is null) or true), '
        'constraint "redshift_foreign_2" check (("b" is null) or true))'
    )
    assert len(definition.before) == 2


@pytest.mark.parametrize("sql", ["vacuum t", "truncate t", "truncate table s.t", "alter table t alter column a type varchar(9)"])
def test_what_cannot_stand_in_a_transaction_says_so(sql):
    """Pages r_VACUUM_command, r_TRUNCATE and r_ALTER_TABLE."""
    assert translate(sql).alone


def test_a_translation_is_made_once():
    """Fifteen small statements are to take milliseconds: parsing is remembered by the statement's text."""
    assert translate("select 1 as once") is translate("select 1 as once")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select sum(a) over w from t window w as (order by a rows unbounded preceding)", "no WINDOW clause"),
        ("select sum(a) over (order by a rows unbounded preceding exclude current row) from t", "no EXCLUDE"),
        ("select lag(a, 1, 0) over (order by a) from t", "no default.*r_WF_LAG"),
        ("select lead(a, 1, 0) over (order by a) from t", "no default.*r_WF_LEAD"),
        ("select a from t intersect all select a from u", "INTERSECT ALL.*r_UNION"),
        ("select a from t except all select a from u", "EXCEPT ALL.*r_UNION"),
        ("select xmin from t", "system column"),
        ("select t.ctid from t", "system column"),
        ("select a from t where b @@ 'x'", "text search"),
        ("insert into t (a) values ((select 1)), ((select 2))", "subqueries in multi-row VALUES"),
        ("with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select i from n", "list of columns"),
        ("with recursive n (i) as (select 1 union select i + 1 from n where i < 3) select i from n", "UNION ALL"),
        ("with recursive n (i) as (select 1 union all (select i + 1 from n where i < 3 limit 1)) select i from n", "LIMIT"),
    ],
)
def test_queries_keep_to_redshifts_syntax(sql, reason):
    """Pages r_SELECT_synopsis, r_Window_function_synopsis, r_WF_LEAD, r_UNION, r_WITH_clause, c_Examples_of_INSERT_30."""
    refuse(sql, reason)


@pytest.mark.parametrize(
    "sql",
    [
        "select lag(a, 1) over (order by a) from t",
        "select a from t intersect select a from u except select a from v",
        "insert into t (a) values ((select 1))",
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3) select i from n order by i limit 2",
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3), o as (select 1 as a) select i from n, o",
        "create table t (a bigint identity(1, 1), b varchar(3) encode zstd distkey) diststyle key compound sortkey (a, b)",
        "create table t (a int primary key, b int, unique (b), constraint c foreign key (b) references u (a)) diststyle all",
        "alter table t add column distkey_name varchar(3) default 'identity' encode raw",
    ],
)
def test_their_lawful_neighbours_are_taken(sql):
    """The rules above and below refuse no more than they say."""
    translate(sql)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("create table t (a int distkey, b int distkey)", "one DISTKEY"),
        ("create table t (a int distkey, b int) distkey (b)", "one DISTKEY"),
        ("create table t (a int) diststyle key", "needs a DISTKEY"),
        ("create table t (a int distkey) diststyle even", "DISTSTYLE EVEN"),
        ("create table t (a int) distkey (b)", "does not exist"),
        ("create table t (a int) sortkey (a, b)", "does not exist"),
        (
            "create table t (a int, b int, c int, d int, e int, f int, g int, h int, i int) "
            "interleaved sortkey (a, b, c, d, e, f, g, h, i)",
            "8",
        ),
        ("create table t (a int identity(1, 1), b int identity(1, 1))", "one IDENTITY"),
        ("create table t (a varchar(3) identity(1, 1))", "INT or BIGINT"),
        ("create table t (a int encode nonsense)", "compression encoding"),
        ("alter table t add column b int unique", "no UNIQUE"),
        ("alter table t add column b int references u (a)", "no REFERENCES"),
        ("alter table t add column b int identity(1, 1)", "no IDENTITY"),
        ("alter table t add column b int distkey", "no DISTKEY"),
        ("truncate t restart identity", "no option"),
        ("truncate only t", "no option"),
        ("lock table only t", "names tables only"),
        ("create view v with (security_barrier) as select 1 as a", "neither options"),
        ("create view if not exists v as select 1 as a", "neither options"),
        (
            "merge into t using s on t.a = s.a when matched then do nothing when not matched then insert values (s.a)",
            "UPDATE or DELETE",
        ),
        (
            "merge into t using s on t.a = s.a when matched then update set t.b = s.b when not matched then insert values (s.a)",
            "without its table",
        ),
    ],
)
def test_definitions_keep_to_redshifts_syntax(sql, reason):
    """Pages r_CREATE_TABLE_NEW, c_Compression_encodings, r_ALTER_TABLE, r_TRUNCATE, r_LOCK, r_CREATE_VIEW, r_MERGE."""
    refuse(sql, reason)


@pytest.mark.parametrize("sql", ["select t.a from t, u where t.a = u.a(+)", "select * from t pivot (sum(a) for b in ('x'))"])
def test_what_sqlglot_would_leave_out_is_refused(sql):
    """Pages r_WHERE_oracle_outer and r_FROM_clause-pivot-unpivot-examples: a statement without them would give other rows."""
    refuse(sql, "not offered here")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        # page c_unsupported-postgresql-functions, and its operators
        ("select current_catalog", "CURRENT_CATALOG"),
        ("select a && b from t", "array operators"),
        ("select a <@ b from t", "array operators"),
        ("select a[1:2] from t", "not offered|subscripts"),
        ("select a from t where a = any('{1,2}')", "of an array"),
        ("select a from t where a = all('{1,2}')", "of arrays"),
        ("select width_bucket(a, 1, 2, 3) from t", "PostgreSQL's"),
        ("select array_length(a, 1) from t", "arrays"),
        # page c_SQL_functions_leader_node_only
        ("select substr(a, 1, 2) from t", "substr.*leader"),
        ("select has_schema_privilege(s, 'usage') from svl_qlog", "leader"),
        ("select current_timestamp, a from t", "leader|not supported"),
        ("select now() from stv_slices", "leader"),
        # pages c_unsupported-postgresql-datatypes and -features: rows as values
        ("select (t).a from t", "row value"),
        ("select count(t.*) from t", "row value"),
        ("select a from t where (a, b) >= (1, 2)", "row constructors"),
        ("select row(a, b) from t", "row constructors"),
        ("select a from only t", "ONLY"),
        ("select x from json_each(a) x", "table functions"),
        ("select max(a order by b) from t", "WITHIN GROUP"),
        ("select a from t where a between symmetric 2 and 1", "SYMMETRIC"),
        ('select a collate "C" from t', "collations"),
        ("select a from t limit (select 1)", "take a number"),
        ("select a from t offset b", "take a number"),
        # page r_WITH_clause
        (
            "select * from (with recursive n (i) as (select 1 union all select i + 1 from n where i < 3) select i from n) x",
            "subquery",
        ),
        ("with x as (with y as (select 1 as a) select a from y) select a from x", "inside a WITH"),
        # page r_correlated_subqueries
        ("select a, (select max(b) from u where u.a = t.a) as m from t group by m, a", "GROUP BY"),
        ("select (select max(b) from u where u.a = t.a) from t group by 1", "GROUP BY"),
        ("select a from t where a in (select sum(b) from u where u.c = t.c group by u.d)", "connected by IN"),
        # rows that change
        ("update t set (a, b) = (1, 2)", "one column"),
        ("insert into t as x (a) values (1)", "no alias"),
        # page r_CREATE_TABLE_NEW and what it refers to
        ("create temp table s.t (a int)", "no schema"),
        ("create table t (a int, unique (b))", "does not exist"),
        ("create table t (a int primary key, primary key (a))", "one primary key"),
        ("create table t (a int unique, unique (a))", "columns of its own"),
        ("create table t (a int sortkey, b int sortkey)", "behind the list"),
        ("create table t (a varchar(9) encode az64)", "does not suit"),
        ("create table t (a boolean encode lzo)", "does not suit"),
        ("create table t (a smallint encode mostly32)", "does not suit"),
        ("create table t (a int encode text255)", "does not suit"),
        ("create table t (like u) diststyle all", "LIKE"),
        ("create table t (like u including all)", "LIKE"),
        ("create table t (a timestamp(3))", "precision"),
        ("create table t (a float(60))", "REAL"),
        ("create table t (a int default f(1))", "user-defined"),
        ("create table t (a int default (select 1))", "no subquery"),
        ("create table t (a int default b, b int)", "no column"),
        ("create table t (" + ", ".join(f"c{i} int" for i in range(1601)) + ")", "1600"),
        ("create table t (" + ", ".join(f"c{i} char(4096)" for i in range(16)) + ")", "65535"),
        ("create table t (a int, exclude using btree (a with =))", "EXCLUDE"),
        # page r_CREATE_TABLE_AS
        ("create table t (a encode raw) as select 1", "names only"),
        ("create table if not exists t as select 1 as a", "IF NOT EXISTS"),
        ("create table t as select a, a from u", "more than once"),
        ("create table t diststyle key as select 1 as a", "needs a DISTKEY"),
        # pages r_GRANT, r_CREATE_USER, r_DROP_GROUP, r_DROP_FUNCTION, r_DROP_PROCEDURE, r_COMMENT, r_EXPLAIN
        ("grant select on all sequences in schema s to public", "sequences"),
        ("grant trigger on t to public", "trigger"),
        ("grant select on t to group g with grant option", "GRANT OPTION"),
        ("create user u", "PASSWORD"),
        ("drop group if exists g", "exists"),
        ("drop procedure p", "parentheses"),
        ("drop function if exists f(int)", "no IF EXISTS"),
        ("comment on function f(int) is 'x'", "COMMENT ON"),
        ("explain analyze select 1", "VERBOSE"),
        # pages r_CREATE_PROCEDURE, r_CREATE_FUNCTION, stored-procedure-constraints, c_PLpgSQL-statements
        ("create procedure p(a int default 1) as $$ begin null; end; $$ language plpgsql", "no default"),
        ("create procedure p(variadic a int) as $$ begin null; end; $$ language plpgsql", "VARIADIC"),
        ("create procedure p(a uuid) as $$ begin null; end; $$ language plpgsql", "UUID"),
        (
            "create procedure p(" + ", ".join(f"a{i} int" for i in range(33)) + ") as $$ begin null; end; $$ language plpgsql",
            "32",
        ),
        ("create procedure p() as $$ declare a int[]; begin null; end; $$ language plpgsql", "arrays"),
        ("create procedure p() as $$ declare a inet; begin null; end; $$ language plpgsql", "INET"),
        ("create procedure p() as $$ begin return 1; end; $$ language plpgsql", "no value"),
        ("create procedure p() as $$ begin get stacked diagnostics a = message_text; end; $$ language plpgsql", "STACKED"),
        ("create procedure p() as $$ begin perform 1; end; $$ language plpgsql", "PERFORM"),
        ("create function f() returns table (a int) stable as $$ select 1 $$ language sql", "RETURNS TABLE"),
        ("create function f() returns setof int stable as $$ select 1 $$ language sql", "RETURNS SETOF"),
        ("create function f(a int) returns int stable as $$ select a $$ language sql", "no names"),
        ("create function f(jsonb) returns int stable as $$ select 1 $$ language sql", "JSONB"),
        ("create function f(int) returns int[] stable as $$ select $1 $$ language sql", "arrays"),
        # of what sqlglot knows from elsewhere
        ("select * exclude (a) from t", "not offered"),
        ("select a[1] from t", "BRACKET is not offered"),
        ("select a from t start with a = 1 connect by prior a = b", "not offered|syntax error"),
        ("select constraint_name from information_schema.table_constraints", "constraints"),
    ],
)
def test_further_kinds_that_redshift_lacks_are_refused_by_name(sql, reason):
    """Each kind by the page that stands above it."""
    refuse(sql, reason)


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t where (a, b) in (select a, b from u)",
        "select a, (select max(b) from u where u.a = t.a) as m from t order by m",
        "select a, (select max(b) from u) as m from t group by a, m",
        "select a from t where a > all (select b from u)",
        "select a from t natural join u limit all",
        "select a from t order by a nulls first limit 3 offset 1",
        "select |/ 25, a % 2, a ^ 2, ~ 1 from t",
        "insert into t with x as (select 1 as a) select a from x",
        "create table t (a int primary key, b int unique references u (b), c varchar(9) encode text255 default 'x' distkey)",
        "create table t (a timestamp encode az64 sortkey, b boolean encode zstd, c char(4096), d decimal(38, 2) encode delta32k)",
        "create table t distkey (a) sortkey (a, b) as select a, b from u",
        "create table t distkey (1) as select a from u",
        "create table t (like u including defaults)",
        "alter table t alter sortkey (a, b), alter distkey a",
        "alter table t alter column a encode lzo, alter column b encode zstd",
        "alter table t add constraint k foreign key (a) references u (b)",
        "analyze verbose t (a, b)",
        "analyze t predicate columns",
        "vacuum full t to 75 percent boost",
        "grant select (a, b) on s.t to public",
        "grant execute on procedure p(int) to group g",
        "revoke grant option for select on t from u",
        "create user u with password disable",
        "drop user if exists a, b",
        "drop procedure p(a int)",
        "drop function s.f(double precision, varchar) cascade",
        "create procedure p(in a int, b varchar(9), c timestamp without time zone, decimal(10, 2)) as $$ begin null; end; $$ "
        "language plpgsql",
        "create procedure p() as $$ declare a constant int := 3; b t.c%type; r record; d varchar(9) not null := 'x'; begin null; "
        "end; $$ language plpgsql",
        "create function f(double precision, varchar(9)) returns numeric(10, 2) immutable as $$ select $1 $$ language sql",
    ],
)
def test_their_lawful_neighbours_are_taken_too(sql):
    """The same pages' own syntax."""
    translate(sql)
