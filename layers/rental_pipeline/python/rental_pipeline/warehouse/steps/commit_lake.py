"""Commit the lake: once the catalogue shows this run, the lake's positions say so, and its stale years are done with."""

from __future__ import annotations

from rental_pipeline.base.object_store import LAKE, run_key
from rental_pipeline.definitions.lake_tables import LAYER
from rental_pipeline.model.document import read_document
from rental_pipeline.model.lake_document import Lake
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.step import Step, StepRequest, insert_rows


def compose_commit_lake(request: StepRequest) -> Step:
    """Compose the step; one transaction."""
    control, run = request.schemas.control, request.run_sequence
    plan = read_document(Lake, request.settings.bucket, run_key(request.schemas.marketplace, run, LAKE))
    shown: list[tuple[str, str | None]] = [(table.name, table.definition_hash) for table in plan.tables]
    shown += [(table.name, None) for table in plan.slices]
    if not shown:
        return Step(request.statement_name)
    names = ", ".join(literal(name) for name, _ in shown)
    positions = [f"('{LAYER}', {literal(name)}, {run}, {literal(definition)})" for name, definition in shown]
    return Step(
        request.statement_name,
        request.write_all(
            f"delete from {control}.layer_position where layer = '{LAYER}' and name in ({names})",
            *insert_rows(f"{control}.layer_position (layer, name, run_sequence, definition_hash)", positions),
            # Nobody can have added any since the lake was planned: this run holds the lease.
            f"delete from {control}.lake_stale_year where table_name in ({names})",
        ),
    )
