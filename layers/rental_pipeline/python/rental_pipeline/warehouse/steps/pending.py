"""Pending: what is left to build and to archive after the loads. Where nothing is, the run goes on to archive and close."""

from __future__ import annotations

from typing import Any

from rental_pipeline.base.object_store import ARCHIVE, PENDING, run_key, write_json
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.model.archive_document import Archive, TableRun
from rental_pipeline.model.arrivals import Pending
from rental_pipeline.model.document import read_rows
from rental_pipeline.model.ledger import AUDIT
from rental_pipeline.warehouse.steps.arrivals import read_arrivals, select_arrivals
from rental_pipeline.warehouse.steps.curated_build import needs_full_build
from rental_pipeline.warehouse.steps.dirty_periods import read_dirty_ranges, select_dirty_ranges
from rental_pipeline.warehouse.steps.plan_lake import is_lake_behind
from rental_pipeline.warehouse.steps.stage import needs_full_stage
from rental_pipeline.warehouse.steps.step import Rows, Step, StepRequest
from rental_pipeline.warehouse.steps.views import list_outdated_views


def compose_pending(request: StepRequest) -> Step:
    """Compose the step; its result is `{"anything", "curated": [tables in build order], "lake_is_behind", "archive": {…}}`.

    Pending is what earlier runs left (a position behind raw, a dirty period, a load that was not archived) as much as what this
    run brought. `archive` is the event of archive_slices; which loads it is about stands in archive.json, as they are without
    bound where runs fail for long, and what passes between two states has at most 256 KB.
    """
    control = request.schemas.control
    archived = request.ledger.applied_run("control", "archive")
    incremental = [table for table in request.marketplace.curated if not needs_full_build(request, table)]

    def finish(rows: list[Rows]) -> dict[str, Any]:
        raw_positions, dirty, stale, loads, erased, arrived, orphans = rows
        curated = list_curated_behind(request, {row["name"]: row["run_sequence"] for row in raw_positions})
        write_json(
            request.settings.bucket,
            run_key(request.schemas.marketplace, request.run_sequence, PENDING),
            Pending(tuple(curated), read_arrivals(incremental, arrived, orphans), read_dirty_ranges(dirty)).to_json(),
        )
        # A reconcile run has its checks look at whole tables, also where it found no difference.
        is_checked = request.plan.kind == "reconcile" and bool(request.marketplace.curated)
        anything = bool(curated) or bool(dirty) or is_presentation_behind(request) or is_checked
        waiting = bool(loads or erased)
        if waiting:
            key = run_key(request.schemas.marketplace, request.run_sequence, ARCHIVE)
            archive = Archive(read_rows(tuple[TableRun, ...], loads), read_rows(tuple[TableRun, ...], erased))
            write_json(request.settings.bucket, key, archive.to_json())
        return {
            "anything": anything,
            "curated": curated,
            "lake_is_behind": is_lake_behind(request, stale[0]["stale_parts"]),
            "archive": {"anything": waiting, "run_sequence": request.run_sequence},
        }

    return Step(
        name=request.statement_name,
        reads=(
            f"select name, run_sequence from {control}.layer_position where layer = 'raw'",
            select_dirty_ranges(request),
            select_stale(control),
            f"select run_sequence, table_name from {control}.table_load"
            f" where run_sequence > {archived} and (manifest is not null or rows_removed > 0) order by run_sequence, table_name",
            f"select name as table_name, run_sequence from {control}.layer_position"
            f" where layer = 'erased' and run_sequence > {archived} order by name",
            *select_arrivals(request, incremental),
        ),
        finish=finish,
    )


def select_dirty(control: str) -> str:
    """Return the select that counts the periods which are to be made again."""
    return f"select count(*) as dirty_periods from {control}.dirty_period"


def select_stale(control: str) -> str:
    """Return the select that counts what the lake is to show anew."""
    return f"select count(*) as stale_parts from {control}.lake_stale_year"


def list_curated_behind(request: StepRequest, raw: dict[str, int]) -> list[str]:
    """Return the curated tables that are to be built, in their order.

    Args:
        raw: The last run that changed each raw table.
    """
    return [table.name for table in request.marketplace.curated if _is_behind(request, table, raw)]


def is_presentation_behind(request: StepRequest) -> bool:
    """Whether a metric or a view is made of what it is not made of any more, or for another day; or by other checks or charts."""
    return (
        any(needs_full_stage(request, metric) for metric in request.marketplace.metrics)
        or bool(list_outdated_views(request))
        or (bool(request.marketplace.metrics) and request.ledger.as_of != request.plan.as_of)
        or (bool(request.marketplace.metrics) and not request.ledger.is_made_from(*AUDIT, request.marketplace.audit_hash))
    )


def is_anything_left(request: StepRequest, dirty_periods: int, stale_parts: int) -> bool:
    """Whether an incremental run by the request's ledger would find something to build or to show."""
    raw = {position.name: position.run_sequence for position in request.ledger.positions if position.layer == "raw"}
    return (
        dirty_periods > 0
        or bool(list_curated_behind(request, raw))
        or is_presentation_behind(request)
        or is_lake_behind(request, stale_parts)
    )


def _is_behind(request: StepRequest, table: CuratedTable, newest: dict[str, int]) -> bool:
    position = request.ledger.applied_run("curated", table.name)
    return needs_full_build(request, table) or any(newest.get(name, 0) > position for name in request.marketplace.sources(table))
