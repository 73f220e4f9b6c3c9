"""Planning a replay: which archived loads make raw again, without asking the source.

Raw is the fold of its committed loads in the order of their runs. What a load did follows from its plan (strategy, key, window,
bounds) and its manifests (rows, gone keys) alone; both stay on S3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import LOADS, PLAN, SLICES, replay_key, replayed_loads_key, run_key, write_json
from rental_pipeline.base.settings import PlanSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.document import read_document, write
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
_RUNS_AT_ONCE = 200  # of which plans and totals are in memory

Run = tuple[PlannedTables, dict[str, LoadTotals]]


def plan_replay(settings: PlanSettings, contract: dict[str, TableContract], run_input: RunInput, ledger: Ledger) -> PlanSummary:
    """Write plan.json, and for each table the lists of its loads.

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
    lists = {name: _LoadList(settings, run_sequence, name) for name in names}
    newest_source_time = _list_loads(settings, [load for name in names for load in loads[name]], lists)

    catalogue = read_catalogue(ledger.columns, schemas.raw)
    tables: list[PlannedTable] = []
    created: list[str] = []
    for name, table in contract.items():
        columns = list_raw_columns(catalogue.get(name, {}))
        if name in catalogue:
            created += add_metadata(schemas.raw, name, catalogue[name])
        if name in names:
            columns = lists[name].columns
            refuse_other_privacy("the archive", table, {column.name: column.type for column in columns})
            lists[name].end(create_raw_table(name_replayed(schemas.staging, name), table, columns))
            created.append(create_raw_table(f"{schemas.raw}.{quote_identifier(name)}", table, columns))
        tables.append(list_table(table, name, columns))
    plan = Plan(
        marketplace=settings.marketplace,
        run_sequence=run_sequence,
        kind=run_input.kind,
        as_of=_choose_as_of(run_input, ledger, newest_source_time).isoformat(),
        source_time=newest_source_time,
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
    spans = tuple(span for name in names for span in lists[name].spans)
    return PlanSummary(run_sequence, run_input.dry_run, slices_key, replays=spans)


class _LoadList:
    """The loads of one table, as they are found: written in pieces of one step each, so that none grows with history.

    Attributes:
        spans: Of each piece.
        columns: Every column that a load brought, as the last one brought it: a text only ever grew wider.
    """

    def __init__(self, settings: PlanSettings, run_sequence: int, table: str) -> None:
        self._bucket, self._place = settings.bucket, (settings.marketplace, run_sequence, table)
        self._table = table
        self._waiting: list[ReplayedLoad] = []
        self._columns: dict[str, PlannedColumn] = {}
        self.spans: list[ReplaySpan] = []

    @property
    def columns(self) -> tuple[PlannedColumn, ...]:
        return tuple(self._columns.values())

    def add(self, load: ReplayedLoad) -> None:
        self._columns |= {column.name: column for column in load.table.columns}
        self._waiting.append(load)
        if len(self._waiting) == LOADS_PER_STEP:
            self._write()

    def end(self, definition: str) -> None:
        """Write what is left, and what is the same for all."""
        if self._waiting:
            self._write()
        columns = tuple(column.name for column in self.columns)
        write_json(self._bucket, replay_key(*self._place), Replay(columns, definition, self._count).to_json())

    @property
    def _count(self) -> int:
        return self.spans[-1].last if self.spans else 0

    def _write(self) -> None:
        first = self._count
        write_json(self._bucket, replayed_loads_key(*self._place, first), write(self._waiting))
        self.spans.append(ReplaySpan(self._table, first, first + len(self._waiting)))
        self._waiting = []


def _list_loads(settings: PlanSettings, loads: Sequence[CommittedLoad], lists: Mapping[str, _LoadList]) -> str:
    """Give each table's loads to its list, in the order of their runs, some runs at a time; return the source's newest clock."""
    of_run: dict[int, list[CommittedLoad]] = {}
    for load in loads:
        of_run.setdefault(load.run_sequence, []).append(load)
    order, newest = sorted(of_run), ""
    for start in range(0, len(order), _RUNS_AT_ONCE):
        some = order[start : start + _RUNS_AT_ONCE]
        for run_sequence, read in _read_runs(settings, [load for run in some for load in of_run[run]]).items():
            newest = max(newest, read[0].source_time)
            for load in of_run[run_sequence]:
                lists[load.table_name].add(_join_load(load, *read))
    return newest


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


def _choose_as_of(run_input: RunInput, ledger: Ledger, newest_source_time: str) -> date:
    """Return the date for which presentation is made: asked for, the last one published, or that of the newest load."""
    newest = datetime.fromisoformat(newest_source_time)
    return run_input.as_of or (date.fromisoformat(ledger.as_of) if ledger.as_of else newest.date())
