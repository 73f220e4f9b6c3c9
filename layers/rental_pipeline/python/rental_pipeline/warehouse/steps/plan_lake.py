"""Plan the lake: which tables, and which parts of them, differ from what it shows; and which slices it does not show yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rental_pipeline.base.object_store import LAKE, address, run_key, write_json
from rental_pipeline.definitions.lake_tables import LAYER, LakeTable, lake_name, list_lake_tables
from rental_pipeline.definitions.sql_files import hash_texts
from rental_pipeline.model.column_types import CatalogueColumn, catalogue_type
from rental_pipeline.model.document import read_rows
from rental_pipeline.model.lake_document import Lake, LakeColumn, ShownLoad, ShownSource, StaleTable
from rental_pipeline.model.raw_tables import RESERVED_COLUMNS
from rental_pipeline.warehouse.steps.open_run import select_columns
from rental_pipeline.warehouse.steps.step import Rows, Step, StepRequest


def compose_plan_lake(request: StepRequest) -> Step:
    """Compose the step; `lake.json` of the run holds what it found."""
    schemas = request.schemas
    control = schemas.control

    def finish(rows: list[Rows]) -> dict[str, Any]:
        stale, catalogue, loads, erased = rows
        columns = read_rows(tuple[CatalogueColumn, ...], catalogue)
        tables = tuple(
            StaleTable(
                name=table.name,
                layer=table.layer,
                table=table.table,
                relation=table.relation,
                divided_by=table.division.unit if table.division else None,
                date_column=table.division.column if table.division else None,
                parts=None if needs_whole_unload(request, table) or not table.division else parts,
                base_run=request.ledger.applied_run(LAYER, table.name),
                definition_hash=_shown_hash(request, table),
                columns=_columns(columns, table.schema, table.table),
            )
            for table in list_lake_tables(request.marketplace)
            if (parts := _stale_parts(stale, table.name)) or needs_whole_unload(request, table)
        )
        plan = Lake(tables, _slices(request, columns, loads, erased))
        write_json(request.settings.bucket, run_key(schemas.marketplace, request.run_sequence, LAKE), plan.to_json())
        return {}

    return Step(
        name=request.statement_name,
        reads=(
            f"select table_name, stale_year from {control}.lake_stale_year group by table_name, stale_year order by 1, 2",
            select_columns(*schemas.all),
            f"select run_sequence, table_name, manifest from {control}.table_load"
            f" where manifest is not null and run_sequence > {_runs_shown(request)} order by 1, 2",
            f"select name, run_sequence from {control}.layer_position"
            f" where layer = 'erased' and run_sequence > {_runs_shown(request)} order by 1",
        ),
        finish=finish,
    )


def is_lake_behind(request: StepRequest, stale_parts: int) -> bool:
    """Whether earlier runs left something for the lake to show: their own lake steps failed, or it was never made."""
    return stale_parts > 0 or any(needs_whole_unload(request, table) for table in list_lake_tables(request.marketplace))


def needs_whole_unload(request: StepRequest, table: LakeTable) -> bool:
    """Whether all of it is unloaded: a rebuild was asked for, or the lake has the table in another shape or not at all."""
    is_shown = request.ledger.is_defined_as(LAYER, table.name, _shown_hash(request, table))
    return not is_shown or request.is_rebuilt(table.layer, table.sources)


def _shown_hash(request: StepRequest, table: LakeTable) -> str:
    """Hash what the lake shows of a table besides its rows: a stack that is made again has another bucket, with nothing in it."""
    return hash_texts(table.definition_hash, request.settings.bucket)


def _stale_parts(stale: Rows, name: str) -> tuple[int, ...]:
    return tuple(row["stale_year"] for row in stale if row["table_name"] == name)


def _runs_shown(request: StepRequest) -> int:
    """The run up to which the lake shows all slices: every run that commits the lake shows what there is by then."""
    positions = [p for p in request.ledger.positions if p.layer == LAYER and p.name.startswith(lake_name("raw", ""))]
    return max((position.run_sequence for position in positions), default=0)


def _slices(request: StepRequest, columns: Sequence[CatalogueColumn], loads: Rows, erased: Rows) -> tuple[ShownSource, ...]:
    """The source tables with committed manifests that the lake does not show, or with slices that were erased."""
    erasures = {row["name"]: row["run_sequence"] for row in erased}
    by_table: dict[str, list[ShownLoad]] = {table: [] for table in erasures}
    for load in loads:
        table, run = load["table_name"], load["run_sequence"]
        # Slices that an earlier stack wrote are in its own bucket, which this one may not read.
        if load["manifest"].startswith(address(request.settings.bucket, "")) and run >= erasures.get(table, 0):
            by_table.setdefault(table, []).append(ShownLoad(run, load["manifest"]))
    return tuple(
        ShownSource(
            name=lake_name("raw", table),
            # Its partitions are the runs that read it.
            partition="_run_sequence" if "run_sequence" in _names(columns, request.schemas.raw, table) else "run_sequence",
            source=table,
            # The pipeline's own columns are in raw only, but for some that the files have, too.
            columns=tuple(c for c in _columns(columns, request.schemas.raw, table) if c.name not in RESERVED_COLUMNS),
            loads=tuple(found),
            erased_before=erasures.get(table),
        )
        for table, found in by_table.items()
    )


def _names(columns: Sequence[CatalogueColumn], schema: str, table: str) -> set[str]:
    return {column.name for column in _columns(columns, schema, table)}


def _columns(columns: Sequence[CatalogueColumn], schema: str, table: str) -> tuple[LakeColumn, ...]:
    return tuple(
        LakeColumn(column.column, catalogue_type(column))
        for column in columns
        if column.schema == schema and column.table == table
    )
