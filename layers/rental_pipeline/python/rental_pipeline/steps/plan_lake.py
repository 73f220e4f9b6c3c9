"""Plan the lake: which tables, and which of their years, differ from what it shows; and which slices it does not show yet."""

from __future__ import annotations

from typing import Any

from rental_pipeline.column_types import catalogue_type
from rental_pipeline.lake_tables import LAYER, LakeTable, lake_name, list_lake_tables
from rental_pipeline.object_store import LAKE, run_key, write_json
from rental_pipeline.steps.step import Rows, Step, StepRequest, literal


def compose_plan_lake(request: StepRequest) -> Step:
    """Compose the step; `lake.json` of the run holds what it found."""
    schemas = request.schemas
    control = schemas.control

    def finish(rows: list[Rows]) -> dict:
        stale, columns, loads = rows
        tables = [
            {
                "name": table.name,
                "layer": table.layer,
                "table": table.table,
                "relation": table.relation,
                "year_of": table.year_of,
                "years": None if needs_whole_unload(request, table) or not table.year_of else years,
                "base_run": request.ledger.run_sequence(LAYER, table.name),
                "definition_hash": table.definition_hash,
                "columns": _columns(columns, table.schema, table.table),
            }
            for table in list_lake_tables(request.warehouse)
            if (years := _stale_years(stale, table.name)) or needs_whole_unload(request, table)
        ]
        plan = {"tables": tables, "slices": _slices(request, columns, loads)}
        write_json(request.settings.bucket, run_key(schemas.marketplace, request.run_sequence, LAKE), plan)
        return {}

    return Step(
        name=request.statement_name,
        reads=(
            f"select table_name, stale_year from {control}.lake_stale_year group by table_name, stale_year order by 1, 2",
            f"""
            select
                table_schema as "schema",
                table_name as "table",
                column_name as "column",
                data_type as "type",
                character_maximum_length as "length",
                numeric_precision as "precision",
                numeric_scale as "scale"
            from svv_columns
            where table_schema in ({", ".join(map(literal, schemas.all))})
            order by table_schema, table_name, ordinal_position
            """,
            f"select run_sequence, table_name, manifest from {control}.table_load where manifest is not null order by 1, 2",
        ),
        finish=finish,
    )


def is_lake_behind(request: StepRequest, stale_years: int) -> bool:
    """Whether earlier runs left something for the lake to show: their own lake steps failed, or it was never made."""
    return stale_years > 0 or any(needs_whole_unload(request, table) for table in list_lake_tables(request.warehouse))


def needs_whole_unload(request: StepRequest, table: LakeTable) -> bool:
    """Whether all years are unloaded: a rebuild was asked for, or the lake has the table in another shape or not at all."""
    return request.is_rebuild or not request.ledger.is_defined_as(LAYER, table.name, table.definition_hash)


def _stale_years(stale: Rows, name: str) -> list[int]:
    return [row["stale_year"] for row in stale if row["table_name"] == name]


def _slices(request: StepRequest, columns: Rows, loads: Rows) -> list[dict[str, Any]]:
    """The source tables with committed manifests that the lake does not show; after a rebuild, with all of them."""
    found = []
    for table in sorted({load["table_name"] for load in loads}):
        name = lake_name("raw", table)
        shown = 0 if request.is_rebuild else request.ledger.run_sequence(LAYER, name)
        missing = [
            {"run_sequence": load["run_sequence"], "manifest": load["manifest"]}
            for load in loads
            if load["table_name"] == table and load["run_sequence"] > shown
        ]
        if missing:
            # What begins with _ is the pipeline's own and in raw only.
            own = [column for column in _columns(columns, request.schemas.raw, table) if not column["name"].startswith("_")]
            found.append({"name": name, "source": table, "columns": own, "loads": missing})
    return found


def _columns(columns: Rows, schema: str, table: str) -> list[dict[str, str]]:
    return [
        {"name": column["column"], "type": catalogue_type(column)}
        for column in columns
        if column["schema"] == schema and column["table"] == table
    ]
