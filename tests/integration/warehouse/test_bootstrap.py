"""sql/bootstrap.sql, run on the stand-in's PostgreSQL: what the pipeline's user may do after it, and what analysts may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local_redshift.translate import translate
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.definitions.read_marketplace import read_marketplace
from tests.fixtures.bootstrap import read_bootstrap

SQL = Path(__file__).parents[3] / "sql"
ROLE, ANALYSTS = "stack-WarehouseRole-1", "apartments_analysts"
USER = f"IAMR:{ROLE}"


@pytest.fixture(params=["first", "after a login", "twice"])
def administrator(request, fresh_warehouse) -> Iterator[psycopg.Connection]:
    """The script was run: before the role's first login, after that had made the user, or for the second time."""
    with fresh_warehouse.connect() as connection:
        if request.param == "after a login":
            connection.execute(f'create user "{USER}"')
        for statement in read_bootstrap("apartments", ROLE) * (1 + (request.param == "twice")):
            try:
                connection.execute(statement)
            except psycopg.errors.DuplicateObject:
                assert request.param != "first" and statement.startswith("create ")
        connection.execute("create user analyst")
        connection.execute(f"alter group {ANALYSTS} add user analyst")
        yield connection
        connection.execute("reset session authorization")
        for role in (USER, ANALYSTS, "analyst"):
            connection.execute(f'drop owned by "{role}" cascade')
            connection.execute(f'drop role "{role}"')


def test_the_pipelines_user_makes_what_a_run_makes(administrator):
    """The statements with which a run begins, and a metric's table, need nothing more than the script grants."""
    administrator.execute(f'set session authorization "{USER}"')
    schemas = Schemas("apartments")
    for schema in schemas.all:
        administrator.execute(f"create schema if not exists {schema}")
        administrator.execute(f"create table {schema}.made (id bigint)")
    tables = [sql for sql in read_marketplace(SQL, "apartments").control if "\ncreate table" in sql]
    assert tables
    administrator.execute(f"set search_path to {schemas.control}")
    for sql in tables:
        administrator.execute(translate(sql).text)


def test_analysts_read_metrics_and_nothing_else(administrator):
    """Also those that the pipeline creates later."""
    administrator.execute(f'set session authorization "{USER}"')
    for schema in Schemas("apartments").all:
        administrator.execute(f"create table {schema}.made (id bigint)")
    administrator.execute("set session authorization analyst")
    assert administrator.execute("select * from apartments_presentation.made").fetchall() == []
    for statement in (
        "select * from apartments_curated.made",
        "select * from apartments_raw.made",
        "select * from apartments_control.made",
        "insert into apartments_presentation.made values (1)",
        "create table apartments_presentation.mine (id bigint)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            administrator.execute(statement)


def test_all_schemas_are_made():
    """Those that the pipeline uses."""
    made = {
        match[1] for sql in read_bootstrap("apartments", ROLE) if (match := re.match(r"create schema if not exists (\w+)", sql))
    }
    assert made == set(Schemas("apartments").all)


def test_another_user_takes_over_what_an_earlier_one_made(fresh_warehouse):
    """sql/change_owner.sql names every statement that it needs: for schemas, tables, views, procedures and functions."""
    text = (SQL / "change_owner.sql").read_text().replace("{marketplace}", "apartments").replace("{warehouse_role}", "new-Role")
    assert sorted(set(re.findall(r"'(apartments_\w+)'", text))) == sorted(Schemas("apartments").all)
    control = Schemas("apartments").control
    with fresh_warehouse.connect() as connection:
        connection.execute('create user "IAMR:new-Role"')
        for schema in Schemas("apartments").all:
            connection.execute(f"create schema {schema}")
            connection.execute(f'create table {schema}."Made" (id bigint)')
        connection.execute(f"create view {control}.seen as select 1 as one")
        connection.execute(f"create procedure {control}.done(a bigint, b varchar) language plpgsql as 'begin end'")
        connection.execute(f"create function {control}.computed(a bigint) returns bigint language sql as 'select 1::bigint'")
        # Redshift's catalogue of procedures, which PostgreSQL has not.
        connection.execute("create temporary view pg_proc_info as select oid as prooid, * from pg_proc")
        for (statement,) in connection.execute(text).fetchall():
            connection.execute(statement)
        owners = connection.execute(
            "select distinct pg_get_userbyid(owner) from (select relowner as owner, relnamespace as inside from pg_class"
            " union all select proowner, pronamespace from pg_proc union all select nspowner, oid from pg_namespace) as object"
            f" where inside in (select oid from pg_namespace where nspname in {Schemas('apartments').all})"
        ).fetchall()
        assert owners == [("IAMR:new-Role",)]
        connection.execute('drop owned by "IAMR:new-Role" cascade')
        connection.execute('drop user "IAMR:new-Role"')
