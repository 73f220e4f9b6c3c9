"""Functions and operators give the results that Redshift documents."""

import pytest

from local_redshift.testing import StatementFailed


def value(warehouse, expression):
    return warehouse.query(f"select {expression} as value")[0][0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("datediff(day, '2026-01-01 23:59:00'::timestamp, '2026-01-02 00:01:00'::timestamp)", 1),
        ("datediff(year, '2008-12-31'::date, '2009-01-01'::date)", 1),
        ("datediff(hour, '2009-01-01 08:30:00'::timestamp, '2009-01-01 10:00:00'::timestamp)", 2),
        ("datediff(hour, '2009-01-01 08:59:00'::timestamp, '2009-01-02 09:01:00'::timestamp)", 25),
        ("datediff(qtr, '1998-07-01', date '2008-06-05')", 39),
        ("datediff(month, '2026-01-31'::date, '2026-02-01'::date)", 1),
        ("datediff(mons, '2026-03-01'::date, '2025-12-31'::date)", -3),
        ("datediff(minute, '2026-01-01 00:00:59'::timestamp, '2026-01-01 00:01:00'::timestamp)", 1),
        ("datediff(second, '1969-12-31 23:59:59.9'::timestamp, '1970-01-01 00:00:00.1'::timestamp)", 1),
        ("datediff(ms, '2026-01-01 00:00:00.0009'::timestamp, '2026-01-01 00:00:00.001'::timestamp)", 1),
        ("datediff(us, '2026-01-01'::timestamp, '2026-01-01 00:00:01'::timestamp)", 1_000_000),
        ("datediff(day, null::date, date '2026-01-01')", None),
        ("datediff(day, date '2024-02-01', dateadd(month, 1, date '2024-02-01'))", 29),
    ],
)
def test_datediff_counts_boundaries(warehouse, expression, expected):
    """Page r_DATEDIFF_function: the boundaries of the part that are crossed, not the time elapsed."""
    assert value(warehouse, expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("dateadd(month, 18, '2008-02-28')", "2009-08-28 00:00:00"),
        ("dateadd(month, 1, '2008-04-30')", "2008-05-30 00:00:00"),
        ("dateadd(month, 12, '2016-02-29')", "2017-02-28 00:00:00"),
        ("dateadd(year, 1, '2016-02-29')", "2017-03-01 00:00:00"),
        ("dateadd(year, 4, '2016-02-29')", "2020-02-29 00:00:00"),
        ("dateadd(m, 30, '2008-02-28')", "2008-02-28 00:30:00"),
        ("dateadd(week, -1, date '2026-01-01')", "2025-12-25 00:00:00"),
        ("dateadd(day, 1, date '2024-02-28')::date", "2024-02-29"),
        ("add_months('2008-04-30', 1)", "2008-05-31 00:00:00"),
        ("add_months('2008-01-31', 1)", "2008-02-29 00:00:00"),
        ("date_trunc('week', '2026-11-22 10:00:00'::timestamp)::date", "2026-11-16"),
        ("date_trunc('month', date '2026-11-22')", "2026-11-01 00:00:00"),
        ("trunc('2026-11-22 10:00:00'::timestamp)", "2026-11-22"),
        ("last_day(date '2024-02-10')", "2024-02-29"),
        ("next_day(date '2014-08-20', 'Tuesday')", "2014-08-26"),
        ("next_day(date '2014-08-19', 'Tu')", "2014-08-26"),
        ("convert_timezone('EST', timestamp '2008-08-21 07:23:54')", "2008-08-21 02:23:54"),
        ("convert_timezone('Europe/Berlin', 'UTC', timestamp '2026-07-01 12:00:00')", "2026-07-01 10:00:00"),
        ("to_date('02 Oct 2001', 'DD Mon YYYY')", "2001-10-02"),
        ("to_date('20010631', 'YYYYMMDD', FALSE)", "2001-07-01"),
        ("to_date('31/02/2026', 'DD/MM/YYYY')", "2026-03-03"),
        ("date '2026-03-01' - 1", "2026-02-28"),
        ("date '2026-03-01' - date '2026-02-01'", 28),
        ("timestamp '2026-03-01 00:00:00' + interval '1 day'", "2026-03-02 00:00:00"),
        ("to_char(timestamp '2026-03-01 09:05:00', 'YYYY-MM-DD HH24:MI')", "2026-03-01 09:05"),
    ],
)
def test_dates_move_as_documented(warehouse, expression, expected):
    """Pages r_DATEADD_function, r_ADD_MONTHS, r_DATE_TRUNC, r_LAST_DAY, r_NEXT_DAY, CONVERT_TIMEZONE, r_TO_DATE_function."""
    assert value(warehouse, expression) == expected


def test_a_strict_date_does_not_overflow(warehouse):
    """Page r_TO_DATE_function: with TRUE, a day that its month lacks is an error."""
    with pytest.raises(StatementFailed, match="out of range"):
        value(warehouse, "to_date('20010631', 'YYYYMMDD', TRUE)")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("extract(sec from timestamp '2009-09-21 11:10:03.189717')", 3),
        ("date_part(sec, timestamp '2009-09-21 11:10:03.189717')", 3.189717),
        ("extract(ms from timestamp '2009-09-09 12:08:43.101')", 101),
        ("extract(week from timestamp '2027-01-01')", 53),
        ("extract(dow from date '2026-11-22')", 0),
        ("extract(epoch from timestamp '1970-01-02')", 86400),
        ("date_part(year, date '2026-11-22')", 2026.0),
        ("date_part('month', date '2026-11-22')", 11.0),
    ],
)
def test_parts_of_dates(warehouse, expression, expected):
    """Page r_Dateparts_for_datetime_functions: EXTRACT gives integers of one part, DATE_PART seconds with their fraction."""
    assert value(warehouse, expression) == expected


def test_months_between(warehouse):
    """Page r_MONTHS_BETWEEN_function: whole for the same day or two last days, else by months of 31 days."""
    assert value(warehouse, "months_between('1969-01-18', '1969-03-18')") == -2
    assert value(warehouse, "months_between('2014-08-31', '2014-09-30')") == -1
    assert value(warehouse, "months_between('2008-12-25 15:00:00', '2008-01-21 19:30:00')") == pytest.approx(11.12, abs=0.005)


def test_clocks_are_utc_and_getdate_has_whole_seconds(warehouse):
    """Pages r_GETDATE and r_SYSDATE: GETDATE is the statement's, to the second; SYSDATE the transaction's."""
    now, start, same = warehouse.query("select getdate(), sysdate, sysdate = sysdate")[0]
    assert len(now) == 19 and start[:14] == now[:14] and same is True


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("len('français')", 8),
        ("octet_length('français')", 9),
        ("concat('a', null)", None),
        ("concat('a', 1)", "a1"),
        ("'a' || null", None),
        ("nvl(null, 'x')", "x"),
        ("nvl2(null, 'a', 'b')", "b"),
        ("decode(2, 1, 'one', 2, 'two', 'many')", "two"),
        ("decode(null, null, 'none', 'some')", "none"),
        ("coalesce(null, null, 3)", 3),
        ("greatest(1, null, 3)", 3),
        ("least(null, 2)", 2),
        ("greatest(null, null)", None),
        ("regexp_substr('a@b.c', '@[^.]*')", "@b"),
        ("regexp_substr('abc', 'x')", ""),
        ("regexp_replace('a-b-c', '-', '+')", "a+b+c"),
        ("regexp_count('abcabc', 'b')", 2),
        ("regexp_instr('abc', 'c')", 3),
        ("'abc' ~ '^a.c$'", True),
        ("'abc' !~ 'B'", True),
        ("'ABC' ilike 'a%'", True),
        ("split_part('a,b,c', ',', 2)", "b"),
        ("strtol('ff', 16)", 255),
        ("strtol('0000000000000', 2)", 0),
        ("strtol(left(md5('x'), 15), 16)", int("9dd4e461268c8034"[:15], 16)),
        ("md5('x')", "9dd4e461268c8034f5c8564e155c67a6"),
        ("charindex('c', 'abc')", 3),
        ("replicate('ab', 2)", "abab"),
        ("initcap('new york')", "New York"),
        ("upper('é')", "É"),
        ("'Z' < 'a'", True),
        ("trim(both 'x' from 'xax')", "a"),
        ("position('b' in 'abc')", 2),
        ("substring('abcdef', 2, 3)", "bcd"),
        (r"'a\\b'", "a\\b"),
        (r"'it\'s'", "it's"),
        (r"'a1' ~ '\\d'", True),
    ],
)
def test_text(warehouse, expression, expected):
    """Pages of the string functions; r_CONCAT: NULL if either is; r_GREATEST_LEAST: NULLs are ignored; bytes decide the order."""
    assert value(warehouse, expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 % 3", 1),
        ("7.0::double precision / 2", 3.5),
        ("1::float / 3", pytest.approx(1 / 3)),
        ("2 ^ 3", 8.0),
        ("round(28.05, 1)", "28.1"),
        ("round(28.05::double precision, 1)", 28.1),
        ("round(2.5::double precision)", 2.0),
        ("trunc(2.99)", "2"),
        ("12.50::decimal(10,2) * 3", "37.50"),
        ("cast(5 as decimal)", "5"),
        ("cast(109.652 as decimal(4,1))", "109.7"),
        ("cast(2.00 as integer)", 2),
        ("ceil(2.1::double precision)", 3.0),
        ("mod(7, 3)", 1),
        ("abs(-3)", 3),
    ],
)
def test_numbers(warehouse, expression, expected):
    """Pages r_numeric_computations201 and r_CAST_function: integers divide to integers; DECIMAL is DECIMAL(18,0)."""
    assert value(warehouse, expression) == expected


def test_averages_are_computed_as_redshift_does_or_refused(fresh_warehouse):
    """Page r_AVG: of integers a BIGINT, cut; of decimals one with the argument's scale (refused: how it rounds is not said)."""
    fresh_warehouse.execute(["create table t (s smallint, i int, b bigint, f float, d decimal(10, 2))"])
    fresh_warehouse.execute("insert into t values (1, 1, 1, 1, 1), (2, 2, 2, 2, 2), (null, null, null, null, null)")
    assert fresh_warehouse.query("select avg(s), avg(i), avg(b), avg(f), avg(cast(d as double precision)) from t") == [
        (1, 1, 1, 1.5, 1.5)
    ]
    assert fresh_warehouse.query("select avg(i) from t where i > 5") == [(None,)]
    assert fresh_warehouse.query("select avg(i) over () from t limit 1") == [(1,)]
    assert fresh_warehouse.query("select avg(distinct i) from t") == [(1,)]
    with pytest.raises(StatementFailed, match="AVG of a decimal"):
        fresh_warehouse.query("select avg(d) from t")


def test_quotients_of_decimals_are_refused(fresh_warehouse):
    """Page r_numeric_computations201: their scale follows from declared precisions; the message names the cast that avoids it."""
    fresh_warehouse.execute(["create table t (d decimal(10, 2), n int)", "insert into t values (10, 3)"])
    for expression in ("d / n", "n / d", "sum(d) / count(*)", "d / 3.0"):
        with pytest.raises(StatementFailed, match="cast one side to double precision"):
            fresh_warehouse.query(f"select {expression} from t group by d, n")
    assert fresh_warehouse.query("select cast(d as double precision) / n from t") == [(pytest.approx(10 / 3),)]


def test_casts_that_lose_digits_are_refused_unless_the_value_is_a_literal(fresh_warehouse):
    """Page r_Numeric_types201: "results of explicit casts of values selected from tables are not rounded"; r_CAST_function rounds
    a literal. ROUND or TRUNC says which is meant."""
    fresh_warehouse.execute(["create table t (d decimal(10, 4), f float)", "insert into t values (1.2345, 2.5)"])
    for expression in ("cast(d as decimal(10, 2))", "d::int", "cast(f as bigint)", "f::decimal(10, 0)", "d::int::float"):
        with pytest.raises(StatementFailed, match="ROUND or TRUNC"):
            fresh_warehouse.query(f"select {expression} from t")
    assert fresh_warehouse.query(
        "select cast(round(d, 2) as decimal(10, 2)), cast(trunc(f) as int), d::decimal(12, 4) from t"
    ) == [("1.23", 2, "1.2345")]


def test_booleans_and_texts_are_not_cast_to_each_other(fresh_warehouse):
    """dbt-labs/dbt-utils#1016 and datafold/data-diff#280 show the error; literals are cast (page r_Boolean_type)."""
    fresh_warehouse.execute(["create table t (b boolean, v varchar(5), n int)", "insert into t values (true, 'true', 1)"])
    with pytest.raises(StatementFailed, match="cannot cast type boolean to character varying"):
        fresh_warehouse.query("select cast(b as varchar(5)) from t")
    with pytest.raises(StatementFailed, match="cannot cast type character varying to boolean"):
        fresh_warehouse.query("select v::boolean from t")
    assert fresh_warehouse.query("select 't'::boolean, n::boolean, b::int, n::varchar(3) from t") == [(True, True, 1, "1")]


def test_casts_to_text_cut_at_bytes(warehouse):
    """Page r_Character_types: sizes are bytes; an explicit cast cuts, and never within a character."""
    assert warehouse.query(
        "select cast('abcdef' as varchar(3)), cast('éé' as varchar(3)), 'abc'::char(2), cast(2008 as char(4))"
    ) == [("abc", "é", "ab", "2008")]
    assert warehouse.query("select cast(repeat('x', 300) as varchar)")[0][0] == "x" * 300


def test_aggregates_of_text_and_medians(fresh_warehouse):
    """Pages r_LISTAGG and r_MEDIAN."""
    fresh_warehouse.execute("create table t (g int, v varchar(5), n int)")
    fresh_warehouse.execute("insert into t values (1, 'b', 4), (1, 'a', 1), (1, 'a', 10), (2, 'c', 9), (2, null, 9)")
    assert fresh_warehouse.query(
        "select g, listagg(v, '|') within group (order by v desc), listagg(distinct v) within group (order by v),"
        " listagg(distinct n, ',') within group (order by n), median(n) from t group by g order by g"
    ) == [(1, "b|a|a", "ab", "1,4,10", 4.0), (2, "c", "c", "9", 9.0)]
    assert fresh_warehouse.query("select listagg(distinct v) from t where v is null") == [(None,)]


def test_qualify_filters_by_window_functions(fresh_warehouse):
    """Page r_QUALIFY_clause: after windows, by expression or alias; `*` gives the table's columns and no others."""
    fresh_warehouse.execute(["create table t (k int, v int)", "insert into t values (1, 1), (1, 2), (2, 3)"])
    expected = [(1, 2), (2, 3)]
    newest = "row_number() over (partition by k order by v desc)"
    assert fresh_warehouse.query(f"select k, v from t as x qualify {newest} = 1 order by k") == expected
    assert fresh_warehouse.query(f"select * from t as x qualify {newest} = 1 order by k") == expected
    assert fresh_warehouse.query(f"select x.* from t as x where v > 0 qualify {newest} = 1 order by 1") == expected
    assert fresh_warehouse.query(f"select k, v, {newest} as n from t where v > 0 qualify n = 1 order by k") == [
        (1, 2, 1),
        (2, 3, 1),
    ]
    assert fresh_warehouse.query(f"with y as (select * from t) select k from y where k > 1 qualify {newest} = 1") == [(2,)]
    assert fresh_warehouse.query(f"select count(*) from (select * from t as x qualify {newest} = 1) as z") == [(2,)]
    fresh_warehouse.execute(f"create table u as select k, v from t as x qualify {newest} = 1")
    fresh_warehouse.execute(f"insert into u select * from t as x qualify {newest} = 2")
    assert fresh_warehouse.query("select k, v from u order by k, v") == [(1, 1), (1, 2), (2, 3)]


def test_set_operations_and_nulls(warehouse):
    """Pages r_UNION (UNION, INTERSECT, EXCEPT) and r_ORDER_BY_clause: NULLs last when ascending, first when descending."""
    assert warehouse.query("select 1 as a union all select 1 except select 2") == [(1,)]
    assert warehouse.query("select null::int as a union select 1 order by a") == [(1,), (None,)]
    assert warehouse.query("select null::int as a union select 1 order by a desc") == [(None,), (1,)]


def test_a_function_of_postgresql_alone_does_not_exist(warehouse):
    """Page c_unsupported-postgresql-functions."""
    for call in (
        "make_date(2026, 1, 1)",
        "gen_random_uuid()",
        "to_jsonb(1)",
        "clock_timestamp()",
        "pg_sleep(1)",
        "format('%s', 1)",
    ):
        with pytest.raises(StatementFailed, match=r"does not exist( in Redshift|: it is PostgreSQL's)"):
            warehouse.query(f"select {call}")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("regexp_substr('one two three', '[a-z]+', 4)", "two"),
        ("regexp_substr('one two three', '[a-z]+', 1, 3)", "three"),
        ("regexp_substr('one TWO', 't[a-z]+', -5, 1, 'i')", "TWO"),
        ("regexp_substr('id=7; id=8', 'id=([0-9])', 1, 2, 'e')", "8"),
        ("regexp_substr('id=7', 'id=[0-9]', 1, 1, 'e')", "id=7"),
        ("regexp_substr('one', '[a-z]+', 9)", ""),
        ("regexp_substr('one', '[a-z]+', 1, 0)", None),
        ("regexp_instr('one two', '[a-z]+', 2)", 2),
        ("regexp_instr('one two', '[a-z]+', 1, 2)", 5),
        ("regexp_instr('one two', '[a-z]+', 1, 1, 1)", 4),
        ("regexp_instr('one two', 'T[A-Z]+', 1, 1, 0, 'i')", 5),
        ("regexp_count('one two', 'o')", 2),
        ("regexp_count('one two', 'o', 2)", 1),
        ("regexp_count('one two', 'O', 1, 'i')", 2),
        ("regexp_replace('one two', 'o', '0', 2)", "one tw0"),
        ("regexp_replace('One two', 'O', '0', 1, 'i')", "0ne tw0"),
        ("strtol('0x1f', 16)", 31),
        ("strtol('-ff', 16)", -255),
        ("split_part('a,b', ',', 2)", "b"),
        ("to_char(timestamp '2026-01-02 03:04:05', 'HH24:MI TZ')", "03:04 UTC"),
        ("date_part(month, date '2026-03-04')", 3.0),
    ],
)
def test_functions_count_and_cut_as_documented(warehouse, expression, expected):
    """Pages REGEXP_SUBSTR, REGEXP_INSTR, REGEXP_COUNT, REGEXP_REPLACE, r_STRTOL, SPLIT_PART, r_TO_CHAR, r_DATE_PART_function."""
    assert value(warehouse, expression) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("regexp_substr('a', '(?=a)', 1, 1, 'p')", "Perl"),
        ("regexp_count('a', 'a', 1, 'x')", "not c, i, e or p"),
        ("split_part('a,b', ',', -1)", "greater than zero"),
        ("split_part('a,b', ',', 1 - 2)", "greater than zero"),
        ("date_part(ms, timestamp '2026-01-02 03:04:05.678')", "r_DATE_PART_function"),
        ("to_timestamp('2026-01-02 25:00:00', 'YYYY-MM-DD HH24:MI:SS')", "r_TO_TIMESTAMP"),
        ("soundex('a')", "c_SQL_functions"),
        ("dateadd(hour, 1, time '10:00')", "c_SQL_functions"),
        ("date '2026-01-01' + true", "c_Supported_data_types"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(warehouse, expression, reason):
    """Each names the function or operator, and the page."""
    with pytest.raises(StatementFailed, match=reason):
        value(warehouse, expression)


def test_the_search_path_shows_no_schema_of_the_stand_in(warehouse):
    """Page r_CURRENT_SCHEMAS; r_VERSION."""
    assert value(warehouse, "current_schemas(true)") == "{pg_catalog,public}"
    assert value(warehouse, "current_schemas(false)") == "{public}"
    assert "Redshift" in value(warehouse, "version()")


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("dateadd(day, 1, date '2026-01-01')", "date_add"),  # r_DATEADD_function
        ("datediff(day, '2026-01-01', '2026-01-02')", "date_diff"),  # r_DATEDIFF_function
        ("date_part(year, date '2026-01-01')", "pgdate_part"),  # r_DATE_PART_function
        ("extract(year from date '2026-01-01')", "date_part"),  # r_EXTRACT_function
        ("listagg('a', ',')", "listagg"),  # r_LISTAGG
        ("listagg(distinct a, ',') within group (order by a)", "listagg"),
        ("concat('a', 'b')", "concat"),  # r_CONCAT
        ("median(1)", "median"),
        ("position('a' in 'ab')", "position"),  # r_POSITION
        ("current_date", "date"),  # r_CURRENT_DATE_function
        ("sysdate", "timestamp"),  # r_SYSDATE
        ("date_trunc('week', date '2026-01-01')", "date_trunc"),  # r_DATE_TRUNC
        ("current_user", "current_user"),  # r_CURRENT_USER
        ("count(*)", "count"),
        ("datediff(day, '2026-01-01', '2026-01-02') as days", "days"),
    ],
)
def test_a_column_without_a_name_takes_redshifts(fresh_warehouse, expression, name):
    """As the headings of the guide's examples print them; the name holds further out, and in a table made of it."""
    source = "from (select 'a'::varchar as a) s" if " a" in expression else ""
    fresh_warehouse.execute(f"create table made as select {expression} {source}")
    client = fresh_warehouse.client()
    for sql in (f"select {expression} {source}", f"select * from (select {expression} {source}) x", "select * from made"):
        result = client.get_statement_result(Id=fresh_warehouse.execute(sql)["Id"])
        assert [column["name"] for column in result["ColumnMetadata"]] == [name]


@pytest.mark.parametrize(
    "sql",
    [
        "select percentile_cont(0.5) within group (order by a) over (partition by a) from s",  # r_WF_PERCENTILE_CONT
        "select median(a) over (partition by a) from s",  # r_WF_MEDIAN
        "select listagg(a::varchar) within group (order by a) over () from s",  # r_WF_LISTAGG
        "select listagg(distinct a::varchar, ',') within group (order by b desc) from s",
    ],
)
def test_what_postgresql_cannot_is_not_offered_by_name(fresh_warehouse, sql):
    """Redshift can: the error says which of the two it was."""
    fresh_warehouse.execute("create table s (a int, b int)")
    with pytest.raises(StatementFailed, match=r"not offered here \(page "):
        fresh_warehouse.query(sql)


def test_a_search_path_may_name_the_user(warehouse):
    """Page r_search_path: '$user' in quotes."""
    warehouse.execute(["set search_path to '$user', public", "select 1"])


def test_a_function_of_postgresql_is_refused_with_its_page(warehouse):
    """What is Redshift's stands on one page."""
    with pytest.raises(StatementFailed, match=r"to_hex.*\(page c_SQL_functions\)"):
        warehouse.query("select to_hex(255)")
