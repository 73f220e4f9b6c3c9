"""Tables: definitions, sizes in bytes, keys that are not enforced, changes, the catalog, rights."""

import re

import pytest

from local_redshift.testing import StatementFailed

DEFINITION = """
create table if not exists s.listing (
    id bigint identity(1, 1) encode az64,
    owner_id integer not null distkey,
    title varchar(10) default 'none' encode lzo,
    country char(2),
    body varchar,
    notes text,
    letter char,
    long_text varchar(max),
    price numeric(10, 2),
    whole decimal,
    ratio double precision,
    single real,
    at timestamp without time zone default getdate(),
    seen timestamp with time zone,
    day date default '2000-01-01'::date not null,
    is_active boolean default true,
    primary key (id),
    unique (title)
)
diststyle key
compound sortkey (owner_id, day)
"""


@pytest.fixture
def schema(fresh_warehouse):
    fresh_warehouse.execute("create schema if not exists s")
    return fresh_warehouse


def test_a_table_has_the_types_and_sizes_that_redshift_gives_it(schema):
    """Pages r_CREATE_TABLE_NEW, r_Character_types (VARCHAR is 256, CHAR is 1, MAX is 65535) and r_Numeric_types201 (DECIMAL is
    18,0); SVV_COLUMNS tells them (page r_SVV_COLUMNS)."""
    schema.execute([DEFINITION, DEFINITION])
    columns = schema.query(
        "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable from svv_columns "
        "where table_schema = 's' and table_name = 'listing' order by ordinal_position"
    )
    assert columns == [
        ("id", "bigint", None, 64, 0, "NO"),
        ("owner_id", "integer", None, 32, 0, "NO"),
        ("title", "character varying", 10, None, None, "YES"),
        ("country", "character", 2, None, None, "YES"),
        ("body", "character varying", 256, None, None, "YES"),
        ("notes", "character varying", 256, None, None, "YES"),
        ("letter", "character", 1, None, None, "YES"),
        ("long_text", "character varying", 65535, None, None, "YES"),
        ("price", "numeric", None, 10, 2, "YES"),
        ("whole", "numeric", None, 18, 0, "YES"),
        ("ratio", "double precision", None, 53, None, "YES"),
        ("single", "real", None, 24, None, "YES"),
        ("at", "timestamp without time zone", None, None, None, "YES"),
        ("seen", "timestamp with time zone", None, None, None, "YES"),
        ("day", "date", None, None, None, "NO"),
        ("is_active", "boolean", None, None, None, "YES"),
    ]


def test_defaults_and_identities_fill_what_an_insert_leaves_out(schema):
    """Page r_CREATE_TABLE_NEW: DEFAULT and IDENTITY."""
    schema.execute([DEFINITION, "insert into s.listing (owner_id) values (7), (8)"])
    assert schema.query("select id, owner_id, title, day, is_active, at is not null from s.listing order by id") == [
        (1, 7, "none", "2000-01-01", True, True),
        (2, 8, "none", "2000-01-01", True, True),
    ]


def test_keys_are_not_enforced_and_not_null_is(fresh_warehouse):
    """Page t_Defining_constraints: primary, unique and foreign keys are informational; NOT NULL is enforced."""
    fresh_warehouse.execute("create table t (a int primary key, b int unique, c int references t (a))")
    fresh_warehouse.execute("insert into t values (1, 1, 99), (1, 1, 98)")
    assert fresh_warehouse.query("select count(*) from t") == [(2,)]
    with pytest.raises(StatementFailed, match="null value in column"):
        fresh_warehouse.execute("insert into t values (null, 1, 1)")


def test_sizes_count_bytes(fresh_warehouse):
    """Page r_Character_types: n bytes; too long is an error, unless what is too much is blanks; CHAR takes single bytes only."""
    fresh_warehouse.execute(
        ["create table t (v varchar(4), c char(4))", "insert into t (v) values ('éé'), ('abcd'), ('abcd   ')"]
    )
    for text in ("'éé1'", "'abcde'", "repeat('é', 3)"):
        with pytest.raises(StatementFailed, match=r"value too long for type character varying\(4\)"):
            fresh_warehouse.execute(f"insert into t (v) values ({text})")
    with pytest.raises(StatementFailed, match="too long"):
        fresh_warehouse.execute("update t set v = v || 'é'")
    with pytest.raises(StatementFailed, match="single-byte"):
        fresh_warehouse.execute("insert into t (c) values ('é')")
    fresh_warehouse.execute(["create table u (like t)"])
    with pytest.raises(StatementFailed, match="value too long"):
        fresh_warehouse.execute("insert into u (v) values ('ééé')")


def test_a_column_is_added_dropped_and_renamed(fresh_warehouse):
    """Page r_ALTER_TABLE: in a transaction too."""
    fresh_warehouse.execute(["create table t (a int)", "insert into t values (1)"])
    fresh_warehouse.execute(["alter table t add column b varchar(3) default 'x' encode lzo", "alter table t add c int"])
    assert fresh_warehouse.query("select a, b, c from t") == [(1, "x", None)]
    with pytest.raises(StatementFailed, match="already exists"):
        fresh_warehouse.execute("alter table t add column b int")
    with pytest.raises(StatementFailed, match="value too long"):
        fresh_warehouse.execute("insert into t (b) values ('éé')")
    fresh_warehouse.execute(["alter table t drop column c", "alter table t rename column b to d", "alter table t rename to u"])
    assert fresh_warehouse.query("select a, d from u") == [(1, "x")]


def test_a_varchar_grows_and_shrinks_to_what_it_holds(fresh_warehouse):
    """Page r_ALTER_TABLE, ALTER COLUMN TYPE: the size of a VARCHAR, not below its data, not with a default."""
    fresh_warehouse.execute(
        ["create table t (a varchar(3), b varchar(3) default 'x', c int)", "insert into t values ('abc', 'x', 1)"]
    )
    fresh_warehouse.execute("alter table t rename column a to z")
    fresh_warehouse.execute("alter table t alter column z type varchar(6)")
    fresh_warehouse.execute("insert into t (z) values ('ééé')")
    with pytest.raises(StatementFailed, match=r"varying\(6\)"):
        fresh_warehouse.execute("insert into t (z) values ('éééé')")
    with pytest.raises(StatementFailed, match="too long"):
        fresh_warehouse.execute("alter table t alter column z type varchar(4)")
    for column, reason in (("b", "default"), ("c", "VARCHAR"), ("nothing", "does not exist")):
        with pytest.raises(StatementFailed, match=reason):
            fresh_warehouse.execute(f"alter table t alter column {column} type varchar(20)")


def test_tables_are_made_from_queries(fresh_warehouse):
    """Page r_CREATE_TABLE_AS: with storage before AS; temporary by word or by #."""
    fresh_warehouse.execute(["create table t (a int, b varchar(5))", "insert into t values (1, 'x')"])
    fresh_warehouse.execute("create table u diststyle key distkey (a) sortkey (a) as select a, b, nvl(b, '-') as c from t")
    assert fresh_warehouse.query("select * from u") == [(1, "x", "x")]
    batch = [
        "create temp table x distkey(a) as (select a from t)",
        "create table #y as select a from x",
        "select count(*) from #y",
    ]
    fresh_warehouse.execute(batch)
    with pytest.raises(StatementFailed, match="does not exist"):
        fresh_warehouse.query("select * from #y")


def test_views_schemas_and_drops(schema):
    """Pages r_CREATE_VIEW, r_CREATE_SCHEMA, r_DROP_TABLE, r_DROP_SCHEMA."""
    schema.execute(["create table s.t (a int)", "create or replace view s.v as select a, nvl(a, 0) as b from s.t"])
    assert schema.query("select * from s.v") == []
    schema.execute(["drop view s.v", "drop table if exists s.t", "drop table if exists s.t", "drop schema if exists s cascade"])
    with pytest.raises(StatementFailed, match=r'schema "s" does not exist'):
        schema.execute("create table s.t (a int)")


def test_comments_grants_and_groups(schema):
    """Pages r_COMMENT, r_CREATE_GROUP, r_GRANT, r_ALTER_DEFAULT_PRIVILEGES: accepted and kept."""
    schema.execute("create table s.t (a int)")
    schema.execute("create group readers_of_test")
    try:
        schema.execute(
            [
                "grant usage on schema s to group readers_of_test",
                "grant select on all tables in schema s to group readers_of_test",
                "alter default privileges in schema s grant select on tables to group readers_of_test",
                "comment on table s.t is 'what''s in it'",
                "comment on column s.t.a is 'a number'",
                "revoke usage on schema s from group readers_of_test",
            ]
        )
        with schema.connect() as connection:
            found = connection.execute(
                "select has_table_privilege('readers_of_test', 's.t', 'select'),"
                " has_schema_privilege('readers_of_test', 's', 'usage'), obj_description('s.t'::regclass)"
            ).fetchone()
        assert found == (True, False, "what's in it")
    finally:
        schema.execute("drop schema s cascade")
        schema.execute("drop group readers_of_test")


def test_merge_updates_deletes_and_inserts(fresh_warehouse):
    """Page r_MERGE."""
    fresh_warehouse.execute(["create table t (k int, v varchar(5))", "insert into t values (1, 'a'), (2, 'b')"])
    source = ["create temp table s (like t)", "insert into s values (2, 'B'), (3, 'C')"]
    update = (
        "merge into t using s on t.k = s.k when matched then update set v = s.v when not matched then insert values (s.k, s.v)"
    )
    fresh_warehouse.execute([*source, update])
    assert fresh_warehouse.query("select * from t order by k") == [(1, "a"), (2, "B"), (3, "C")]
    delete = (
        "merge into t using s as x on t.k = x.k when matched then delete when not matched then insert (k, v) values (x.k, x.v)"
    )
    fresh_warehouse.execute([*source, delete])
    assert fresh_warehouse.query("select * from t order by k") == [(1, "a")]


def test_two_matches_of_one_row_are_an_error(fresh_warehouse):
    """Page r_MERGE: "Found multiple matches to update the same tuple"; nothing is changed."""
    fresh_warehouse.execute(["create table t (k int, v int)", "insert into t values (1, 0)"])
    merge = (
        "merge into t using s on t.k = s.k when matched then update set v = s.v when not matched then insert values (s.k, s.v)"
    )
    with pytest.raises(StatementFailed, match="Found multiple matches to update the same tuple"):
        fresh_warehouse.execute(["create temp table s (like t)", "insert into s values (1, 1), (1, 2)", merge])
    assert fresh_warehouse.query("select * from t") == [(1, 0)]


def test_rows_change_by_joins(fresh_warehouse):
    """Pages r_UPDATE (FROM) and r_DELETE (USING)."""
    fresh_warehouse.execute(
        ["create table t (k int, v int)", "insert into t values (1, 1), (2, 2)", "create table s as select 1 as k, 9 as v"]
    )
    fresh_warehouse.execute("update t set v = s.v from s where s.k = t.k")
    fresh_warehouse.execute("delete from t using s where s.v + 1 = t.v + 8")
    assert fresh_warehouse.query("select * from t order by k") == [(1, 9)]


def test_nothing_can_be_made_among_redshifts_functions(fresh_warehouse):
    """The schema of the stand-in's own functions is not writable, whatever the search path."""
    with pytest.raises(StatementFailed, match=r"permission denied|no schema has been selected"):
        fresh_warehouse.execute(["set search_path to nowhere", "create table t (a int)"])


def test_trailing_blanks_do_not_count_in_comparisons(fresh_warehouse):
    """Page r_Character_types: insignificant when values of VARCHAR or CHAR are compared, in whatever way."""
    fresh_warehouse.execute(
        [
            "create table t (v varchar(5), c char(5), n int)",
            "insert into t values ('a', 'a', 1), ('a  ', 'a', 2), ('b', 'b', 3), (' a', 'a', 4), ('a' || chr(9), 'a', 5)",
        ]
    )
    assert fresh_warehouse.query("select n from t where v = 'a' order by n") == [(1,), (2,)]
    assert fresh_warehouse.query("select n from t where v in ('a ', 'x') and v = c order by n") == [(1,), (2,)]
    assert fresh_warehouse.query("select count(*) from (select distinct v from t) as d") == [(4,)]
    assert fresh_warehouse.query("select count(*), max(n) from t group by v order by max(n)") == [(2, 2), (1, 3), (1, 4), (1, 5)]
    assert fresh_warehouse.query("select a.n, b.n from t a join t b on a.v = b.v and a.n < b.n") == [(1, 2)]
    assert fresh_warehouse.query("select n from t where v = 'a' and n < 9 order by v, n desc") == [(2,), (1,)]
    assert fresh_warehouse.query("select v from t where n = 2 except select v from t where n = 1") == []
    ranks = "select n from (select n, row_number() over (partition by v order by n) as place from t) as r where place = 2"
    assert fresh_warehouse.query(ranks) == [(2,)]
    assert fresh_warehouse.query("select len(v), len(c) from t where n = 2") == [(3, 1)]
    assert fresh_warehouse.query("select case v when 'a' then 1 else 0 end, nullif(v, 'a') from t where n = 2") == [(1, None)]
    assert fresh_warehouse.query("select n from t where v like 'a' order by n") == [(1,)]


@pytest.mark.parametrize("statement", ["insert into v values (1)", "update v set a = 1", "delete from v", "lock v", "truncate v"])
def test_views_are_read_only(fresh_warehouse, statement):
    """Pages r_CREATE_VIEW, r_LOCK, r_TRUNCATE: what changes rows, or keeps others from it, names a table."""
    fresh_warehouse.execute(["create table t (a int)", "create view v as select a from t"])
    with pytest.raises(StatementFailed, match=r"is a view.*\(page r_"):
        fresh_warehouse.execute(statement)
    fresh_warehouse.execute(re.sub(r"\bv\b", "t", statement))


@pytest.mark.parametrize("statement", ["vacuum nowhere", "analyze nowhere", "analyze t (zzz)", "vacuum v", "analyze v"])
def test_what_is_vacuumed_or_analyzed_exists(fresh_warehouse, statement):
    """Pages r_VACUUM_command and r_ANALYZE: a table, and columns of it."""
    fresh_warehouse.execute(["create table t (a int)", "create view v as select a from t"])
    with pytest.raises(StatementFailed, match=r"(does not exist|is a view).*\(page r_(VACUUM_command|ANALYZE)\)"):
        fresh_warehouse.execute(statement)
    fresh_warehouse.execute("analyze t (a)")
    fresh_warehouse.execute("vacuum delete only t to 75 percent")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("alter table t drop column d", "distkey"),
        ("alter table t drop column s", "sortkey"),
        ("alter table t drop column p", "a key depends on it"),
        ("alter table one drop column a", "last column"),
        ("alter table t alter column p type varchar(20)", "PRIMARY KEY"),
        ("alter table t alter column u type varchar(20)", "UNIQUE"),
        ("alter table t alter column e type varchar(20)", "BYTEDICT"),
        ("alter table t alter column e encode bytedict", "already"),
        ("alter table t alter column n encode text255", "does not suit"),
        ("alter table t alter column zzz encode raw", "does not exist"),
        ("alter table t alter distkey zzz", "does not exist"),
        ("alter table t alter sortkey (n, zzz)", "does not exist"),
        ("alter table t add primary key (n)", "multiple primary keys"),
        ("alter table one add primary key (a)", "nullable"),
        ("alter table t add unique (zzz)", "does not exist"),
        ("alter table t add foreign key (n) references one (a)", "no unique constraint"),
        ("alter table t drop constraint nothing", "does not exist"),
        ("alter table i alter distkey a", "interleaved"),
        ("create table x (a int references t (n))", "no unique constraint"),
        ("create table x (a int references nowhere)", "does not exist"),
        ("create table x distkey (zzz) as select 1 as a", "does not exist"),
    ],
)
def test_columns_are_changed_by_what_they_are_for(fresh_warehouse, statement, reason):
    """Pages r_ALTER_TABLE, r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS: keys, distribution, sorting and encodings stand in the way."""
    keys = "primary key (p), constraint k unique (u)"
    fresh_warehouse.execute(
        f"create table t (d int distkey, s int sortkey, p varchar(9), u varchar(9), e varchar(9) encode bytedict, n int, {keys})"
    )
    fresh_warehouse.execute(["create table one (a int)", "create table i (a int, b int) interleaved sortkey (a, b)"])
    fresh_warehouse.execute("alter table t rename column d to d2")
    fresh_warehouse.execute("alter table t rename column d2 to d")
    with pytest.raises(StatementFailed, match=reason + r".*\(page "):
        fresh_warehouse.execute(statement)


def test_what_keys_and_storage_allow_goes_on(fresh_warehouse):
    """Page r_ALTER_TABLE: once a key, a sort key or an encoding is gone, its column is free; LIKE takes storage, not keys."""
    fresh_warehouse.execute(
        [
            "create table t (d int distkey, s int sortkey, p varchar(9) primary key, u varchar(9), e varchar(9) encode bytedict)",
            "alter table t add constraint k unique (u)",
            "create table c (like t)",
            "create table r (p varchar(9) references t, u varchar(9) references t (u))",
        ]
    )
    kept = "select \"column\", distkey, sortkey from pg_table_def where tablename = 'c' and (distkey or sortkey <> 0) order by 1"
    assert fresh_warehouse.query(kept) == [("d", True, 0), ("s", False, 1)]
    fresh_warehouse.execute("alter table c alter column p type varchar(20)")
    fresh_warehouse.execute("alter table t alter sortkey (u, s), alter distkey u")
    assert fresh_warehouse.query(kept.replace("'c'", "'t'")) == [("s", False, 2), ("u", True, 1)]
    fresh_warehouse.execute(["alter table t drop constraint k cascade", "alter table t alter sortkey none"])
    fresh_warehouse.execute("alter table t alter diststyle even")
    fresh_warehouse.execute("alter table t alter column u type varchar(20)")
    fresh_warehouse.execute("alter table t alter column e encode zstd")
    fresh_warehouse.execute("alter table t alter column e type varchar(20)")
    fresh_warehouse.execute("alter table t drop column s")
    assert fresh_warehouse.query("select encoding from pg_table_def where tablename = 't' and \"column\" = 'e'") == [("zstd",)]
    with pytest.raises(StatementFailed, match="r_PG_TABLE_DEF"):
        fresh_warehouse.query("select encoding from pg_table_def where tablename = 't'")


def test_a_tables_name_is_no_value(fresh_warehouse):
    """Page c_unsupported-postgresql-datatypes: composite types; a column of its table's name is a column."""
    fresh_warehouse.execute(["create table t (a int)", "create table same (same int)", "insert into same values (7)"])
    for query in ("select t from t", "select x from t as x", "select count(t) from t", "select a from t where t is not null"):
        with pytest.raises(StatementFailed, match=r"row value.*c_unsupported-postgresql-datatypes"):
            fresh_warehouse.query(query)
    assert fresh_warehouse.query("select same from same") == [(7,)]
    assert fresh_warehouse.query("with t as (select a as t from t), n as (select 1 as n) select t, n from t, n") == []


def test_a_table_may_be_called_like_a_type(fresh_warehouse):
    """The guide's sample database has a table DATE: casts to the type go on."""
    fresh_warehouse.execute(["create table date (day date, text varchar(5))", "create table text (a int)"])
    fresh_warehouse.execute("insert into date values ('2026-01-31', 'x')")
    found = fresh_warehouse.query(
        "select add_months(day, 1)::date, datediff(day, day, '2026-03-01'::date), text || 'y' from date"
    )
    assert found == [("2026-02-28", 29, "xy")]
    assert fresh_warehouse.query("select cast('2026-01-31' as date), last_day('2026-02-01'::date), strtol('ff', 16)") == [
        ("2026-01-31", "2026-02-28", 255)
    ]


def test_default_is_a_value_of_insert_and_update(fresh_warehouse):
    """Pages r_INSERT_30 and r_UPDATE."""
    fresh_warehouse.execute(["create table t (a int default 7, b int)", "insert into t values (default, 1), (2, default)"])
    fresh_warehouse.execute("update t set a = default where b is null")
    assert fresh_warehouse.query("select a, b from t order by b") == [(7, 1), (7, None)]
