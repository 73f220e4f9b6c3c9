"""Planning a replay: which archived loads make raw again, without asking the source.

Raw is the fold of its committed loads in the order of their runs. What a load did follows from its plan (strategy, key, window,
bounds) and its manifests (rows, gone keys) alone; both stay on S3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import LOADS, PLAN, SLICES, replay_key, run_key, write_json
from rental_pipeline.base.settings import PlanSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.document import read_document
from rental_pipeline.model.events import PlanSummary, ReplaySpan
from rental_pipeline.model.ledger import CommittedLoad, Ledger
from rental_pipeline.model.load_document import LoadTotals, Replay, ReplayedLoad
from rental_pipeline.model.plan_document import Plan, PlannedTables, RawChanges, Rebuild
from rental_pipeline.model.raw_tables import (
    add_metadata,
    create_raw_table,
    list_raw_columns,
    name_replayed,
    quote_identifier,
    read_catalogue,
    refuse_other_privacy,
)
from rental_pipeline.model.run_request import LAYERS, RunInput
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable
from rental_pipeline.source.table_match import list_table

# How many loads one SQL step makes again: each takes seconds, and the step has hours (statemachine/sql_step.asl.yaml).
LOADS_PER_STEP = 200
_THREADS = 16

Run = tuple[PlannedTables, dict[str, LoadTotals]]


def plan_replay(settings: PlanSettings, contract: dict[str, TableContract], run_input: RunInput, ledger: Ledger) -> PlanSummary:
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
    run_sequence = ledger.run_sequence
    schemas = Schemas(settings.marketplace)
    loads = {name: [load for load in ledger.loads if load.table_name == name] for name in contract}
    names = run_input.tables or tuple(name for name in contract if loads[name])
    if never := [name for name in names or contract if not loads[name]]:
        raise FixConfiguration(f"nothing was ever loaded of {', '.join(never)}: leave it out, or start a run with {{}}")
    runs = _read_runs(settings, [load for name in names for load in loads[name]])

    catalogue = read_catalogue(ledger.columns, schemas.raw)
    tables: list[PlannedTable] = []
    created: list[str] = []
    for name, table in contract.items():
        columns = list_raw_columns(catalogue.get(name, {}))
        if name in catalogue:
            created += add_metadata(schemas.raw, name, catalogue[name])
        if name in names:
            replayed = tuple(_join_load(load, *runs[load.run_sequence]) for load in loads[name])
            columns = _unite_columns(replayed)
            refuse_other_privacy("the archive", table, {column.name: column.type for column in columns})
            write_json(
                settings.bucket,
                replay_key(settings.marketplace, run_sequence, name),
                Replay(
                    columns=tuple(column.name for column in columns),
                    definition=create_raw_table(name_replayed(schemas.staging, name), table, columns),
                    loads=replayed,
                ).to_json(),
            )
            created.append(create_raw_table(f"{schemas.raw}.{quote_identifier(name)}", table, columns))
        tables.append(list_table(table, name, columns))
    plan = Plan(
        marketplace=settings.marketplace,
        run_sequence=run_sequence,
        kind=run_input.kind,
        as_of=_choose_as_of(run_input, ledger, runs).isoformat(),
        source_time=max(plan.source_time for plan, _ in runs.values()),
        force_deletes=False,
        dry_run=run_input.dry_run,
        erased=(),
        rebuild=Rebuild(LAYERS, None),
        raw_changes=RawChanges(batch=tuple(created), single=()),
        tables=tuple(tables),
    )
    slices_key = run_key(settings.marketplace, run_sequence, SLICES)
    write_json(settings.bucket, slices_key, [])
    write_json(settings.bucket, run_key(settings.marketplace, run_sequence, PLAN), plan.to_json())
    spans = tuple(
        ReplaySpan(name, first, min(first + LOADS_PER_STEP, len(loads[name])))
        for name in names
        for first in range(0, len(loads[name]), LOADS_PER_STEP)
    )
    return PlanSummary(run_sequence, run_input.dry_run, slices_key, replays=spans)


def _read_runs(settings: PlanSettings, loads: Sequence[CommittedLoad]) -> dict[int, Run]:
    """Read plan.json and loads.json of each run that loaded any of the tables."""
    tables: dict[int, list[str]] = {}
    for load in loads:
        tables.setdefault(load.run_sequence, []).append(load.table_name)

    def read(run_sequence: int) -> Run:
        plan, loaded = (run_key(settings.marketplace, run_sequence, name) for name in (PLAN, LOADS))
        names = tables[run_sequence]
        way_out = f"what run {run_sequence} loaded of {', '.join(names)} cannot be made again. {_advise_erasing(names)}"
        return (
            read_document(PlannedTables, settings.bucket, plan, way_out),
            read_document(dict[str, LoadTotals], settings.bucket, loaded, way_out),
        )

    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(zip(sorted(tables), threads.map(read, sorted(tables)), strict=True))


def _advise_erasing(tables: Sequence[str]) -> str:
    return f'The source can be read again instead: {{"erase": {json.dumps(list(tables))}}}'


def _join_load(load: CommittedLoad, plan: PlannedTables, loads: dict[str, LoadTotals]) -> ReplayedLoad:
    """Put together what one load was made from; what raw came to then is not compared again: loads may be missing before it."""
    name, run_sequence = load.table_name, load.run_sequence
    table, totals = plan.find(name), loads.get(name)
    if table is None or totals is None or totals.manifest != load.manifest:
        raise FixData(
            f"loads.json of run {run_sequence} does not list what the ledger says was loaded of {name} ({load.manifest}):"
            f" the bucket holds another warehouse's runs, and without its own raw cannot be made again. {_advise_erasing([name])}"
        )
    return ReplayedLoad(run_sequence, plan.source_time, table, totals, load.rows_added, load.rows_removed)


def _unite_columns(loads: Sequence[ReplayedLoad]) -> tuple[PlannedColumn, ...]:
    """Return every column that a load brought, as the last one brought it: a text only ever grew wider."""
    return tuple({column.name: column for load in loads for column in load.table.columns}.values())


def _choose_as_of(run_input: RunInput, ledger: Ledger, runs: dict[int, Run]) -> date:
    """Return the date for which presentation is made: asked for, the last one published, or that of the newest load."""
    newest = max(datetime.fromisoformat(plan.source_time) for plan, _ in runs.values())
    return run_input.as_of or (date.fromisoformat(ledger.as_of) if ledger.as_of else newest.date())
