"""An engine over an empty warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.metrics.engine import SQL_ROOT, TEXT_COLUMNS, Engine


@pytest.fixture
def make_engine(fresh_warehouse, bucket, tmp_path) -> Callable[..., Engine]:
    """Return a function that makes the engine: with raw's columns, and with exchange rates of the test's own."""

    def make(columns: dict[str, str] = TEXT_COLUMNS, rates: str | None = None) -> Engine:
        root = SQL_ROOT
        if rates is not None:
            root = tmp_path / "sql"
            shutil.copytree(SQL_ROOT, root, dirs_exist_ok=True)
            (root / "control" / "exchange_rates.csv").write_text(rates, encoding="utf-8")
        return Engine(fresh_warehouse, bucket, columns, root)

    return make
