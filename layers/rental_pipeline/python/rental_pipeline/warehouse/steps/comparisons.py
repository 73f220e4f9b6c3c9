"""What the planner found where it compared a table with raw, in the ledger's table `reconciliation`."""

from __future__ import annotations

from collections.abc import Iterable

from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Merge
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.step import StepRequest, insert_rows


def is_recorded_before_its_load(request: StepRequest, table: PlannedTable) -> bool:
    """Whether `prepare` records a table's comparison; else its load does, which saves a transaction.

    It does where there is no load, and in a run that is there to compare: what that found is told also where a load fails.
    """
    return table.is_idle or request.plan.kind == "reconcile"


def record_comparisons(request: StepRequest, tables: Iterable[PlannedTable]) -> list[str]:
    """Note what the planner has found; of a table that differs, its load notes what stands at the end (steps/verify_load.py)."""
    rows = []
    compared_at = f"cast({literal(request.plan.source_time.replace('T', ' '))} as timestamp)"
    for table in tables:
        if table.comparison is None:
            continue
        found, is_whole = table.comparison, str(table.lower is None).lower()
        counts = found.ranges, found.ranges_different, found.source_rows, found.raw_rows
        after = (found.source_rows, found.raw_rows) if table.is_idle else (None, None)
        unmoved = (0, 0) if table.is_idle and isinstance(table.strategy, Merge) else (None, None)
        values = ", ".join(map(literal, (*counts, *after, *unmoved)))
        rows.append(f"({request.run_sequence}, {literal(table.name)}, {is_whole}, {values}, {compared_at})")
    return insert_rows(
        f"{request.schemas.control}.reconciliation (run_sequence, table_name, is_whole, ranges, ranges_different,"
        " source_rows, raw_rows, source_rows_after, raw_rows_after, rows_unmoved, rows_backdated, compared_at)",
        rows,
    )
