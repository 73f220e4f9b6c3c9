"""Prepare: bring raw tables, curated tables and exchange rates to what this run's plan and files say.

What the planner has found is recorded, and what raw knows of the ranges that differ is laid out for extract_slice.
"""

from __future__ import annotations

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.model.load_document import NOTHING_READ
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.steps.comparisons import is_recorded_before_its_load, record_comparisons
from rental_pipeline.warehouse.steps.curated_build import is_forgotten, is_reshaped
from rental_pipeline.warehouse.steps.load import Load
from rental_pipeline.warehouse.steps.rates import replace_rates
from rental_pipeline.warehouse.steps.step import Step, StepRequest, divide_statements
from rental_pipeline.warehouse.steps.unload_known import unload_known
from rental_pipeline.warehouse.steps.views import drop_views


def compose_prepare(request: StepRequest) -> Step:
    """Compose the step.

    Raises:
        FixConfiguration: exchange_rates.csv holds what is no rate.
    """
    changes = request.plan.raw_changes
    set_path = f"set search_path to {request.schemas.control}"
    submissions = [_erase(request, table) for table in request.plan.erased]
    submissions += [*divide_statements("raw-tables", set_path, changes.batch)]
    # ALTER COLUMN TYPE may not stand in a transaction block (Redshift, "ALTER TABLE"): one request each.
    submissions += [Submission(f"widen-{position}", (sql,)) for position, sql in enumerate(changes.single)]
    reshaped = [table for table in request.marketplace.curated if is_reshaped(request, table)]
    if reshaped and (dropped := drop_views(request)):
        # A table that a view is bound to cannot be dropped (Redshift, "DROP TABLE"); publish makes the views again.
        submissions.append(request.write(*dropped, once=False, label="views"))
    submissions += [_define_curated(request, table) for table in reshaped]
    submissions += replace_rates(request)
    compared = [table for table in request.plan.tables if is_recorded_before_its_load(request, table)]
    if found := [*record_comparisons(request, compared), *_commit_idle_tables(request)]:
        submissions += request.write_all(*found, label="found", title="found")
    submissions += divide_statements("known", set_path, unload_known(request))
    return Step(request.statement_name, tuple(submissions))


def _commit_idle_tables(request: StepRequest) -> list[str]:
    """End the load of the tables in which the planner found nothing to load: their watermarks move."""
    return [sql for table in request.plan.tables if table.is_idle for sql in Load(request, table, NOTHING_READ).commit_nothing()]


def _erase(request: StepRequest, table: str) -> Submission:
    """Drop a raw table, which the next submission makes again, so that not one of its versions stays; once in a run.

    The curated tables that are judged by it are built whole; they keep their rows until then, whose periods become dirty when
    they go. `archive` deletes the files it was loaded from, after the load.
    """
    positions = f"{request.schemas.control}.layer_position"
    curated = [each.name for each in request.marketplace.curated if is_forgotten(request, each)]
    return request.write(
        f"drop table if exists {request.schemas.raw}.{quote_identifier(table)}",
        f"update {positions} set first_run_sequence = null, watermark = null where layer = 'raw' and name = {literal(table)}",
        f"update {positions} set run_sequence = 0, input_hash = null"
        f" where layer = 'curated' and name in ({', '.join(map(literal, [*curated, '']))})",
        f"delete from {positions} where layer = 'erased' and name = {literal(table)}",
        f"insert into {positions} (layer, name, run_sequence) values ('erased', {literal(table)}, {request.run_sequence})",
        label=f"erase-{table}",
        title=f"erase {table}",
    )


def _define_curated(request: StepRequest, table: CuratedTable) -> Submission:
    """Make a curated table in its present shape, empty and without a position, so that it is built whole.

    All of them stand before the first is built, because a metric may follow a changed row into a table that is built later.
    """
    return request.write(
        f"drop table if exists {request.schemas.curated}.{table.name}",
        table.file.section("table"),
        f"delete from {request.schemas.control}.layer_position where layer = 'curated' and name = {literal(table.name)}",
        once=False,
        label=f"define-{table.name}",
    )
