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


@pytest.fixture
def administrator(fresh_warehouse) -> Iterator[psycopg.Connection]:
    with fresh_warehouse.connect() as connection:
        for statement in read_bootstrap("apartments", ROLE):
            connection.execute(statement)
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
    made = {match[1] for sql in read_bootstrap("apartments", ROLE) if (match := re.match(r"create schema (\w+)", sql))}
    assert made == set(Schemas("apartments").all)
