"""The doctor says which cursors have missed changes, as comparisons measured it, and what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.operate.doctor.warehouse_checks import _check_cursors
from rental_pipeline.warehouse.data_api import StatementFailed

SETTINGS: Any = SimpleNamespace(marketplace="apartments", sql_root=Path(__file__).parents[3] / "sql")


def measured(table: str, rows: int) -> dict[str, Any]:
    return {"table_name": table, "rows_unmoved": 14, "rows_backdated": 2, "source_rows": rows, "comparisons": 3}


def look(*rows: dict[str, Any], failure: str = "") -> list[str]:
    """Return what the doctor says where the warehouse answers with these rows."""

    def query(_name: str, sql: str) -> list[dict[str, Any]]:
        assert "apartments_control.reconciliation" in sql
        if failure:
            raise StatementFailed(failure)
        return list(rows)

    report = Report()
    _check_cursors(report, SimpleNamespace(query=query), "name", SETTINGS)  # type: ignore[arg-type]
    assert all(finding.status == "warn" for finding in report.findings)
    return [f"{finding.check}: {finding.says}" for finding in report.findings]


@pytest.mark.parametrize(
    ("rows", "advice"), [(9_000, "take strategy: snapshot"), (2_000_000, '{"reconcile": true} daily')], ids=["small", "large"]
)
def test_a_cursor_that_misses_changes_is_told_with_advice(rows, advice):
    """By how large the table is; a table that is no longer read by a cursor is left out."""
    (says,) = look(measured("bookings", rows), measured("apartment_attributes", 5), measured("gone", 5))
    assert (
        says.startswith("table bookings: 3 comparisons") and "14 rows that changed without moving the cursor changed_at" in says
    )
    assert "2 that came with an older one" in says and advice in says


def test_before_the_first_run_nothing_is_said():
    assert look(failure='relation "apartments_control.reconciliation" does not exist') == []
    with pytest.raises(StatementFailed):
        look(failure="permission denied")
