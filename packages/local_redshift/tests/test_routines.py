"""Stored procedures in PL/pgSQL and scalar functions in SQL."""

import pytest

from local_redshift.testing import StatementFailed

PROCEDURE = """
create or replace procedure settle(p_key bigint, p_text varchar(20), p_at timestamp)
as $$
declare
    v_count bigint := 0;
    v_row record;
    v_text varchar(10) default 'none';
    v_total decimal(10, 2);
begin
    -- a comment; with a semicolon
    select count(*), max(label) into v_count, v_text from item where k = p_key;
    if v_count = 0 then
        insert into item (k, label, price, at) values (p_key, nvl(p_text, 'it''s; new'), 1.5, dateadd(day, 1, p_at));
    elsif v_count > 0 and v_text is not null then
        update item set label = p_text where k = p_key and datediff(day, at, p_at) < 5;
    else
        raise exception 'ODD ITEM: % has % rows; none named', p_key, v_count;
    end if;
    for v_row in select k, price from item where case when k = p_key then true else false end loop
        v_total := nvl(v_total, 0) + v_row.price;
    end loop;
    for i in 1..2 loop
        continue when i = 1;
        insert into log (message) values ('round ' || i);
    end loop;
    while v_count < 3 loop
        v_count := v_count + 1;
    end loop;
    create temp table seen as select p_key as k;
    insert into log (message) select 'seen ' || count(*) from seen;
    get diagnostics v_count = row_count;
    select into v_text label from item where k = p_key;
    if not found then
        return;
    end if;
    call note(v_text || ' ' || v_total);
end;
$$ language plpgsql
"""
NOTE = """
create procedure note(p_message varchar(100))
as $$
begin
    insert into log (message) values (p_message);
end;
$$ language plpgsql
"""


@pytest.fixture
def items(fresh_warehouse):
    fresh_warehouse.execute(
        [
            "create table item (k bigint, label varchar(20), price decimal(10, 2), at timestamp)",
            "create table log (message varchar(100))",
            NOTE,
            PROCEDURE,
        ]
    )
    return fresh_warehouse


def test_a_procedure_runs_as_written(items):
    """Page c_PLpgSQL-statements: assignment, SELECT INTO, IF, loops, RAISE, PERFORM, nested CALL; the SQL in it is Redshift's."""
    items.execute("call settle(1, null, '2026-01-01'::timestamp)")
    assert items.query("select * from item") == [(1, "it's; new", "1.50", "2026-01-02 00:00:00")]
    items.execute("call settle(:k, :label, :at)", k="1", label="again", at="2026-01-03")
    assert items.query("select label from item") == [("again",)]
    assert items.query("select message from log order by message") == [
        ("again 1.50",),
        ("it's; new 1.50",),
        ("round 2",),
        ("round 2",),
        ("seen 1",),
        ("seen 1",),
    ]


def test_an_exception_in_a_procedure_rolls_the_whole_batch_back(items):
    """Page stored-procedure-trapping-errors: an error not handled ends the transaction; a batch is one."""
    items.execute("insert into item (k) values (5)")
    with pytest.raises(StatementFailed, match=r"Query #2 failed with ERROR: ODD ITEM: 5 has 1 rows; none named"):
        items.execute(["insert into log values ('lost')", "call settle(5, 'x', '2026-01-01'::timestamp)"])
    assert items.query("select count(*) from log") == [(0,)]


def test_a_procedure_joins_the_transaction_of_its_batch(items):
    """Page stored-procedure-transaction-management: in an open transaction its changes are the transaction's."""
    items.execute(["call note('kept')", "select count(*) from log"])
    with pytest.raises(StatementFailed):
        items.execute(["call note('lost')", "select 1/0"])
    assert items.query("select message from log") == [("kept",)]


def test_a_variable_and_a_column_of_one_name_are_an_error(fresh_warehouse):
    """Redshift takes the variable where PostgreSQL may take the column: so it is refused, not guessed."""
    fresh_warehouse.execute(["create table t (a int)", "insert into t values (1)"])
    body = "declare n int; begin select count(*) into n from t where t.a = a; end"
    fresh_warehouse.execute(f"create procedure p(a int) as $$ {body} $$ language plpgsql")
    with pytest.raises(StatementFailed, match="ambiguous"):
        fresh_warehouse.execute("call p(1)")


def test_scalar_functions_compute(fresh_warehouse):
    """Page udf-creating-a-scalar-sql-udf: arguments by number, one SELECT, nested calls, quoted with $$."""
    fresh_warehouse.execute("create schema f")
    fresh_warehouse.execute(
        [
            "create or replace function f.next_month(date) returns date immutable as $$"
            " select add_months($1, 1)::date $$ language sql",
            "create or replace function f.of_two(date, int) returns int stable as $$"
            " select case when $2 > 0 then extract(month from f.next_month($1))::int else null end $$ language sql",
        ]
    )
    assert fresh_warehouse.query("select f.of_two(date '2026-12-31', 1), f.of_two(date '2026-12-31', 0)") == [(1, None)]
    fresh_warehouse.execute("drop function f.of_two(date, int)")


def test_functions_and_procedures_are_found_by_the_search_path(fresh_warehouse):
    """Page r_search_path: an unqualified name is looked up there; Redshift's own functions stay in reach."""
    fresh_warehouse.execute("create schema f")
    fresh_warehouse.execute(
        [
            "set search_path to f",
            "create function half(int) returns int immutable as $$ select nvl($1, 0) / 2 $$ language sql",
            "create table t as select half(5) as a, getdate() as at",
        ]
    )
    assert fresh_warehouse.query("select a from f.t") == [(2,)]
    with pytest.raises(StatementFailed, match="half"):
        fresh_warehouse.query("select half(5)")


def test_a_procedure_without_variables_does_its_statements_in_their_order(items):
    """They are executed as texts; what FOUND asks about, and what a variable is in, is not. An error undoes them all."""
    definitions = [
        "create procedure plain() as $$ begin insert into log (message) values ('it''s one'); delete from item where k = 2;"
        " call note('two'); create temp table seen as select count(*) as n from log;"
        " insert into log (message) select 'seen ' || n from seen; end; $$ language plpgsql",
        "create procedure asking() as $$ begin delete from item where k = 99;"
        " if not found then insert into log (message) values ('none'); end if; end; $$ language plpgsql",
        "create procedure failing() as $$ begin insert into log (message) values ('lost'); drop table missing; end; $$"
        " language plpgsql",
    ]
    items.execute(definitions)
    items.execute(["call plain()", "call asking()"])
    with pytest.raises(StatementFailed, match="missing"):
        items.execute("call failing()")
    assert items.query("select message from log order by message") == [("it's one",), ("none",), ("seen 2",), ("two",)]
    assert items.query("select count(*) from item where k = 2") == [(0,)]
