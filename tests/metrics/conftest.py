"""An engine over an empty warehouse, for the marketplace of the test's folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rental_pipeline.definitions.read_marketplace import read_marketplace
from tests.fixtures.warehouse import Warehouse, forget_runs
from tests.metrics.engine import SQL_ROOT, Engine
from tests.metrics.subject import Subject


@pytest.fixture(scope="module")
def sql_root() -> Path:
    """All metrics."""
    return SQL_ROOT


@pytest.fixture
def marketplace(subject: Subject) -> str:
    return subject.marketplace


@pytest.fixture
def make_engine(subject: Subject, warehouse, bucket, tmp_path) -> Callable[..., Engine]:
    """Return a function that makes the engine: with raw's columns, with exchange rates of the test's own, in a currency."""

    def make(columns: dict[str, str] | None = None, rates: str | None = None, currency: str = "USD") -> Engine:
        root = SQL_ROOT
        if rates is not None:
            root = tmp_path / "sql"
            shutil.copytree(SQL_ROOT, root, dirs_exist_ok=True)
            (root / "control" / "exchange_rates.csv").write_text(rates, encoding="utf-8")
        _begin_anew(warehouse, root, subject.marketplace, currency)
        return Engine(warehouse, bucket, subject, columns or subject.columns, root, currency)

    return make


def _begin_anew(warehouse: Warehouse, root: Path, marketplace: str, currency: str) -> None:
    """Empty the warehouse; a control schema that these files would make stays."""
    files, control = read_marketplace(root, marketplace, currency), f"{marketplace}_control"
    with warehouse.connect() as connection:
        found = "select 1 from pg_tables where schemaname = %s and tablename = 'layer_position'"
        positions = (
            connection.execute(found, [control]).fetchall()
            and connection.execute(f"select name, input_hash from {control}.layer_position where layer = 'control'").fetchall()
        )
    if dict(positions) == {"setup": files.control_hash, "exchange_rate": files.exchange_rate_hash}:
        forget_runs(warehouse, marketplace)
    else:
        warehouse.empty()
