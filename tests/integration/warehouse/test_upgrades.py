"""A control schema that an earlier version made gains what has been added since, and keeps its rows."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.marketplace.generator import fill
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.definitions.sql_files import read_sql_file

SQL_ROOT = Path(__file__).parents[3] / "sql"
# The control tables as they were before the first upgrade; it is never changed.
EARLIEST = Path(__file__).parent / "control_tables_of_2026_11.sql"
SET_PATH = "set search_path to apartments_control"


def execute(warehouse, statements) -> None:
    statements = list(statements)
    for start in range(0, len(statements), 39):
        warehouse.execute([SET_PATH, *statements[start : start + 39]])


def columns(warehouse) -> list[tuple]:
    """Every column of the control schema, with all that a statement can see of it."""
    return warehouse.query(
        "select table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable"
        " from svv_columns where table_schema = 'apartments_control' order by 1, 2"
    )


@pytest.fixture
def earliest(fresh_warehouse):
    """The warehouse with the control tables of the earliest version, and a run in them."""
    fresh_warehouse.execute("create schema apartments_control")
    execute(fresh_warehouse, read_sql_file(EARLIEST).sections.values())
    fresh_warehouse.execute(
        "insert into apartments_control.run (run_sequence, execution_id, kind, run_input, status, started_at)"
        " values (1, 'arn:earlier', 'incremental', '{}', 'succeeded', '2026-11-01')"
    )
    return fresh_warehouse


def test_an_upgraded_schema_is_that_of_a_new_one(earliest):
    """Tables, columns and types are the same, applied once or twice; the earlier run is still there."""
    control = read_marketplace(SQL_ROOT, "apartments").control
    before = columns(earliest)
    for _ in range(2):
        execute(earliest, control)
    upgraded = columns(earliest)
    assert len(upgraded) > len(before)
    assert earliest.query("select run_sequence, execution_id, started_by from apartments_control.run") == [
        (1, "arn:earlier", None)
    ]
    earliest.empty()
    earliest.execute("create schema apartments_control")
    execute(earliest, control)
    assert upgraded == columns(earliest)


def test_a_run_goes_on_from_an_earlier_version(pipeline, source_database, earliest):
    """Opening it upgrades the schema, since the files of sql/control have changed; its number follows the earlier run's."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    result = pipeline.run({"started_by": "the first after the upgrade"})
    assert (result["run_sequence"], result["status"]) == (2, "succeeded")
    assert earliest.query("select run_sequence, started_by from apartments_control.run order by 1") == [
        (1, None),
        (2, "the first after the upgrade"),
    ]
