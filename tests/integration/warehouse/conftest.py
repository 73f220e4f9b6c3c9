"""A control schema, set up as the open step does, without a marketplace around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.sql_literal import literal

SQL_ROOT = Path(__file__).parents[3] / "sql"


@pytest.fixture
def control(fresh_warehouse):
    """The warehouse with an empty control schema."""
    statements = ["set search_path to apartments_control", *read_marketplace(SQL_ROOT, "apartments").control]
    fresh_warehouse.execute("create schema if not exists apartments_control")
    for start in range(0, len(statements), 39):
        fresh_warehouse.execute(["set search_path to apartments_control", *statements[start : start + 39]])
    return fresh_warehouse


@pytest.fixture
def call(control) -> Callable[..., None]:
    """Call a procedure as a guarded batch does: behind the lock on the lease; further statements may follow."""

    def call_procedure(procedure: str, *arguments: object, then: tuple[str, ...] = ()) -> None:
        control.execute(
            [
                "set search_path to apartments_control",
                "lock lease",
                f"call {procedure}({', '.join(literal(argument) for argument in arguments)})",
                *then,
            ]
        )

    return call_procedure
