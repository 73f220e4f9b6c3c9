"""Open: make sure the control schema is there, take the lease and the run's sequence, read the ledger."""

from __future__ import annotations

import json
from typing import Any

from rental_pipeline.base.object_store import LEDGER, run_key, write_json
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.column_types import CatalogueColumn
from rental_pipeline.model.document import read_rows
from rental_pipeline.model.ledger import CommittedLoad, Ledger, Position
from rental_pipeline.model.run_request import STARTED_BY_LENGTH
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.settled_state import find_kept_run, void_state
from rental_pipeline.warehouse.steps.step import OpenRequest, Rows, Step, divide_statements


def compose_open(request: OpenRequest) -> Step:
    """Compose the step; its result names the run, and `ledger.json` of the run holds what was read.

    The warehouse raises `RUN IN PROGRESS` when another run holds the lease, and `WAREHOUSE RESTORED` when the bucket has a later
    run than the ledger.
    """
    schemas = request.schemas
    execution_id = request.execution_id
    set_path = f"set search_path to {schemas.control}"
    run_input = json.dumps(request.run_input, sort_keys=True)[:4096]
    label, guards = _guard_numbers(request)
    opening = Submission(
        label=label,
        statements=(
            set_path,
            "lock lease",
            *guards,
            f"call open_run({literal(execution_id)}, {literal(_name_kind(request.run_input))}, {literal(run_input)},"
            f" {request.settings.lease_seconds})",
            f"update run set started_by = {literal(_name_starter(request.run_input))}"
            f" where execution_id = {literal(execution_id)}",
        ),
    )
    setup = [
        *(f"create schema if not exists {schema}" for schema in schemas.all),
        *request.marketplace.control,
        *_quarantine_tables(schemas.curated),
        *_upgrade_rejected_rows(schemas),
        "delete from layer_position where layer = 'control' and name = 'setup'",
        "insert into layer_position (layer, name, run_sequence, input_hash)"
        f" values ('control', 'setup', 0, {literal(request.marketplace.control_hash)})",
    ]
    is_set_up = (
        f"select 1 as is_set_up from {schemas.control}.layer_position"
        f" where layer = 'control' and name = 'setup' and input_hash = {literal(request.marketplace.control_hash)}"
    )

    def finish(rows: list[Rows]) -> dict[str, Any]:
        (run,), positions, columns, *loads = rows
        sequence = run["run_sequence"]
        # Before the ledger is there, by which alone the run's next steps can write.
        void_state(request.settings, sequence, execution_id)
        write_json(
            request.settings.bucket,
            run_key(schemas.marketplace, sequence, LEDGER),
            Ledger(
                run_sequence=sequence,
                execution_id=execution_id,
                files_hash=request.marketplace.files_hash,
                positions=read_rows(tuple[Position, ...], positions),
                columns=read_rows(tuple[CatalogueColumn, ...], columns),
                loads=read_rows(tuple[CommittedLoad, ...], loads[0] if loads else []),
            ).to_json(),
        )
        return {"outcome": "opened", "run_sequence": sequence}

    return Step(
        name=request.statement_name,
        submissions=(*divide_statements("setup", set_path, setup, skip_if=is_set_up), opening),
        reads=(
            f"select run_sequence from {schemas.control}.run where execution_id = {literal(execution_id)}",
            select_positions(schemas.control),
            select_columns(schemas.raw),
            *([_select_loads(schemas.control)] if request.run_input.get("replay") else []),
        ),
        finish=finish,
    )


def select_positions(control: str) -> str:
    """Return the select of all positions, as `Position` takes them."""
    return f"""
    select
        layer,
        name,
        run_sequence,
        to_char(watermark, 'YYYY-MM-DD"T"HH24:MI:SS.US') as watermark,
        to_char(as_of, 'YYYY-MM-DD') as as_of,
        input_hash,
        definition_hash,
        first_run_sequence
    from {control}.layer_position
    """


def select_columns(*schemas: str) -> str:
    """Return the select of the columns of some schemas' tables, as `raw_tables.read_catalogue` takes them."""
    return f"""
    select
        table_schema as "schema",
        table_name as "table",
        column_name as "column",
        data_type as "type",
        character_maximum_length as "length",
        numeric_precision as "precision",
        numeric_scale as "scale"
    from svv_columns
    where table_schema in ({", ".join(map(literal, schemas))})
    order by table_schema, table_name, ordinal_position
    """


def _guard_numbers(request: OpenRequest) -> tuple[str, list[str]]:
    """Return the statement by which no run gets the number of another that a restored warehouse has lost, and the request's name.

    It is named by what the bucket has: a later attempt finds this run's own mark there, and a token may not come back with other
    SQL (Data API, ClientToken). Opened a second time, an execution has the run that it has.
    """
    if not (kept := find_kept_run(request.settings)):
        return "open", []
    run, written = kept
    call = f"call refuse_restored({run}, cast({literal(written.isoformat(sep=' '))} as timestamp))"
    if request.run_input.get("after_restore") is True:
        call = f"call skip_lost_runs({run})"
    return f"open-{run}-{written:%Y%m%dT%H%M%S%f}", [call]


def _name_kind(run_input: dict[str, Any]) -> str:
    if run_input.get("after_restore"):
        return "reconcile"
    for kind in ("dry_run", "rebuild", "window", "reconcile", "erase", "replay"):
        if run_input.get(kind):
            return kind
    return "incremental"


def _select_loads(control: str) -> str:
    """The committed loads that made the raw tables what they are; those that changed nothing are left out."""
    return f"""
    select table_load.run_sequence, table_load.table_name, table_load.manifest, table_load.rows_added, table_load.rows_removed
    from {control}.table_load
    inner join {control}.layer_position
        on layer_position.layer = 'raw' and table_load.table_name = layer_position.name
    where table_load.run_sequence >= layer_position.first_run_sequence
        and table_load.rows_added + table_load.rows_removed > 0
    order by table_load.table_name, table_load.run_sequence
    """


def _name_starter(run_input: dict[str, Any]) -> str | None:
    """Return who started the run as far as its input says; plan_run is yet to check the input."""
    starter = run_input.get("started_by")
    return starter[:STARTED_BY_LENGTH] if isinstance(starter, str) else None


def _quarantine_tables(curated: str) -> list[str]:
    """Return the statements that make the tables of what is not taken over: whole rows, and single values of accepted rows."""
    return [
        f"""
        create table if not exists {curated}.rejected_rows (
            table_name varchar(127) not null,
            row_key varchar(1024),
            event_day date,
            broken_rule varchar(127) not null,
            broken_value varchar(1024),
            amount decimal(38, 2),
            currency varchar(3)
        )
        """,
        f"""
        create table if not exists {curated}.unreadable_values (
            table_name varchar(127) not null,
            row_key varchar(1024),
            event_day date,
            unreadable_value varchar(1024) not null
        )
        """,
    ]


def _upgrade_rejected_rows(schemas: Schemas) -> list[str]:
    """Give a rejected_rows of an earlier version its amounts; what it holds was set aside before anybody counted (run 0)."""
    rejected = f"{schemas.curated}.rejected_rows"
    return [
        f"""
        create or replace procedure upgrade_rejected_rows()
        as $$
        declare
            v_columns bigint;
        begin
            select count(*) into v_columns from svv_columns
            where table_schema = {literal(schemas.curated)} and table_name = 'rejected_rows' and column_name = 'amount';
            if v_columns = 0 then
                alter table {rejected} add column amount decimal(38, 2);
                alter table {rejected} add column currency varchar(3);
                insert into set_aside_row (table_name, row_key, event_day, run_sequence, is_accepted_before)
                select table_name, row_key, event_day, 0, false from {rejected};
            end if;
        end;
        $$ language plpgsql
        """,
        "call upgrade_rejected_rows()",
    ]
