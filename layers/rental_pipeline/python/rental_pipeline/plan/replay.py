"""Planning a replay: which archived loads make raw again, without asking the source.

Raw is the fold of its committed loads in the order of their runs. What a load did follows from its plan (strategy, key, window,
bounds) and its manifests (rows, gone keys) alone; both stay on S3.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import LOADS, PLAN, SLICES, read_json, replay_key, run_key, write_json
from rental_pipeline.base.settings import PlanSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.raw_tables import (
    RESERVED_COLUMNS,
    add_metadata,
    create_raw_table,
    name_replayed,
    quote_identifier,
    read_catalogue,
    refuse_other_privacy,
)
from rental_pipeline.model.run_request import LAYERS, RunInput
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable

# How many loads one SQL step makes again: each takes seconds, and the step has hours (statemachine/sql_step.asl.yaml).
LOADS_PER_STEP = 200
_THREADS = 16

Json = dict[str, Any]


def plan_replay(settings: PlanSettings, contract: dict[str, TableContract], run_input: RunInput, ledger: Json) -> Json:
    """Write plan.json, and for each table the list of its loads.

    Args:
        settings: The bucket and the marketplace.
        contract: The contract's tables.
        run_input: `tables`, `as_of` and `dry_run` are heeded.
        ledger: ledger.json of the run, with the committed loads in order.

    Returns:
        The summary that docs/architecture.md lists for plan_run.

    Raises:
        FixConfiguration: a table was never loaded, or was loaded with columns that are personal now.
        FixData: a load's plan or list of files is gone, or is that of another run.
        RetryLater: S3 could not be reached.
    """
    run_sequence = ledger["run_sequence"]
    schemas = Schemas(settings.marketplace)
    loads = {name: [load for load in ledger["loads"] if load["table_name"] == name] for name in contract}
    names = run_input.tables or tuple(name for name in contract if loads[name])
    if never := [name for name in names or contract if not loads[name]]:
        raise FixConfiguration(f"nothing was ever loaded of {', '.join(never)}: leave it out, or start a run with {{}}")
    runs = _read_runs(settings, sorted({load["run_sequence"] for name in names for load in loads[name]}))

    catalogue = read_catalogue(ledger, schemas.raw)
    tables, created = [], []
    for name, table in contract.items():
        columns = _list_catalogue(catalogue.get(name, {}))
        if name in catalogue:
            created += add_metadata(schemas.raw, name, catalogue[name])
        if name in names:
            replayed = [_join_load(load, *runs[load["run_sequence"]]) for load in loads[name]]
            columns = _unite_columns(replayed)
            refuse_other_privacy("the archive", table, {column.name: column.type for column in columns})
            write_json(
                settings.bucket,
                replay_key(settings.marketplace, run_sequence, name),
                {
                    "columns": [column.name for column in columns],
                    "definition": create_raw_table(name_replayed(schemas.staging, name), table, columns),
                    "loads": replayed,
                },
            )
            created.append(create_raw_table(f"{schemas.raw}.{quote_identifier(name)}", table, columns))
        tables.append(
            PlannedTable(
                name=name, source_name=name, strategy=table.strategy, key=table.key, cursor=table.cursor, columns=columns
            )
        )
    plan = {
        "marketplace": settings.marketplace,
        "run_sequence": run_sequence,
        "kind": run_input.kind,
        "as_of": _choose_as_of(run_input, ledger, runs).isoformat(),
        "source_time": max(plan["source_time"] for plan, _ in runs.values()),
        "force_deletes": False,
        "dry_run": run_input.dry_run,
        "erased": [],
        "rebuild": {"layers": LAYERS, "tables": None},
        "raw_changes": {"batch": created, "single": []},
        "tables": [table.to_json() for table in tables],
    }
    slices_key = run_key(settings.marketplace, run_sequence, SLICES)
    write_json(settings.bucket, slices_key, [])
    write_json(settings.bucket, run_key(settings.marketplace, run_sequence, PLAN), plan)
    return {
        "run_sequence": run_sequence,
        "continuation": 0,
        "dry_run": run_input.dry_run,
        "slice_count": 0,
        "slices_key": slices_key,
        "tables": [],
        "replays": [
            {"table": name, "first": first, "last": min(first + LOADS_PER_STEP, len(loads[name]))}
            for name in names
            for first in range(0, len(loads[name]), LOADS_PER_STEP)
        ],
    }


def _read_runs(settings: PlanSettings, run_sequences: list[int]) -> dict[int, tuple[Json, Json]]:
    """Read plan.json and loads.json of each run."""

    def read(run_sequence: int) -> tuple[Json, Json]:
        plan, loads = (read_json(settings.bucket, run_key(settings.marketplace, run_sequence, name)) for name in (PLAN, LOADS))
        return plan, loads

    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(zip(run_sequences, threads.map(read, run_sequences), strict=True))


def _join_load(load: Json, plan: Json, loads: Json) -> Json:
    """Put together what one load was made from."""
    name, run_sequence = load["table_name"], load["run_sequence"]
    (table,) = [table for table in plan["tables"] if table["name"] == name]
    totals = loads.get(name)
    if not totals or totals["manifest"] != load["manifest"]:
        raise FixData(
            f"loads.json of run {run_sequence} does not list what the ledger says was loaded of {name} ({load['manifest']}):"
            " the bucket holds another warehouse's runs; without them raw cannot be made again, but the source can be read"
            f' anew: {{"erase": ["{name}"]}}'
        )
    return {
        "run_sequence": run_sequence,
        "source_time": plan["source_time"],
        "table": table,
        # What raw came to then is not compared again: other loads may be missing before it.
        "totals": {name: value for name, value in totals.items() if name != "expected"},
        "rows_added": load["rows_added"],
        "rows_removed": load["rows_removed"],
    }


def _unite_columns(loads: list[Json]) -> tuple[PlannedColumn, ...]:
    """Return every column that a load brought, as the last one brought it: a text only ever grew wider."""
    columns = {column["name"]: column for load in loads for column in load["table"]["columns"]}
    return tuple(PlannedColumn(**column) for column in columns.values())


def _list_catalogue(columns: dict[str, str]) -> tuple[PlannedColumn, ...]:
    return tuple(PlannedColumn(name, kind, name, "") for name, kind in columns.items() if name not in RESERVED_COLUMNS)


def _choose_as_of(run_input: RunInput, ledger: Json, runs: dict[int, tuple[Json, Json]]) -> date:
    """Return the date for which presentation is made: asked for, the last one published, or that of the newest load."""
    published = [position["as_of"] for position in ledger["positions"] if position["layer"] == "presentation"]
    newest = max(datetime.fromisoformat(plan["source_time"]) for plan, _ in runs.values())
    last = max((date.fromisoformat(as_of) for as_of in published if as_of), default=newest.date())
    return run_input.as_of or last
