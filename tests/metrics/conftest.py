"""An engine over an empty warehouse, for the marketplace of the test's folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

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
def make_engine(subject: Subject, fresh_warehouse, bucket, tmp_path) -> Callable[..., Engine]:
    """Return a function that makes the engine: with raw's columns, with exchange rates of the test's own, in a currency."""

    def make(columns: dict[str, str] | None = None, rates: str | None = None, currency: str = "USD") -> Engine:
        root = SQL_ROOT
        if rates is not None:
            root = tmp_path / "sql"
            shutil.copytree(SQL_ROOT, root, dirs_exist_ok=True)
            (root / "control" / "exchange_rates.csv").write_text(rates, encoding="utf-8")
        return Engine(fresh_warehouse, bucket, subject, columns or subject.columns, root, currency)

    return make
