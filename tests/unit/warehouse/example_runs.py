"""An example marketplace of three tables and its runs, as the steps find them on S3: for docs/sql and its test.

The SQL is that of sql/apartments, of which a part is taken. Run 1 is a first load, run 2 an increment, run 3 reconciles, run 4
makes raw again from its loads, run 5 reloads a table in full.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from rental_pipeline.base.object_store import (
    DIRTY,
    LAKE,
    LEDGER,
    LOADS,
    NEWEST,
    PENDING,
    PLAN,
    SLICES,
    replay_key,
    replayed_loads_key,
    run_key,
    write_json,
)
from rental_pipeline.definitions.marketplace import Marketplace
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.fingerprints import Fingerprint, Span
from rental_pipeline.model.plan_document import Plan, RawChanges
from rental_pipeline.model.strategies import Append, Merge, Snapshot
from rental_pipeline.model.table_plan import Comparison, PlannedColumn, PlannedTable, Slice

MARKETPLACE = "apartments"
BUCKET = "example-bucket"
SQL_ROOT = Path(__file__).parents[3] / "sql"
_FILES = (
    "curated/apartments.sql",
    "curated/bookings.sql",
    "curated/user_viewing.sql",
    "intermediate/booking_made.sql",
    "intermediate/checked_booking.sql",
    "intermediate/confirmed_stay.sql",
    "intermediate/stay_length.sql",
    "presentation/top_listings_weekly.sql",
    "presentation/average_booking_duration_weekly.sql",
    "checks/bookings_fresh.sql",
    "report/length_of_stay.sql",
)
_CONTRACT = """\
tables:
  apartments:
    strategy: snapshot
    key: id
  bookings:
    strategy: merge
    key: booking_id
    cursor: changed_at
  user_viewing:
    strategy: append
    cursor: recorded_at
"""
_RATES = "rate_date,currency,usd_per_unit\n2026-10-01,EUR,1.10\n2026-11-01,EUR,1.12\n"
# What `pending` of run 2 finds: a listing that is gone; and bookings and viewings of one that has come late.
_ARRIVED = {"rows": 2, "least": "8999", "greatest": "9010", "removed": 1}
_VIEWED = {
    "rows": 2,
    "least": "2026-11-20",
    "greatest": "2026-11-21",
    "orphans": 2,
    "orphans_since": 1,
    "orphan_parents": ["2b44928ae11fb9384c4cf38708677c48"],
}
_DAY = {1: "2026-11-20", 2: "2026-11-21", 3: "2026-11-22", 4: "2026-11-23", 5: "2026-11-24"}


def copy_sql(folder: Path) -> Path:
    """Make a folder like sql/ with the example marketplace, and return it."""
    shutil.copytree(SQL_ROOT / "control", folder / "control")
    (folder / "control" / "exchange_rates.csv").write_text(_RATES)
    for name in _FILES:
        (folder / MARKETPLACE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SQL_ROOT / MARKETPLACE / name, folder / MARKETPLACE / name)
    (folder / MARKETPLACE / "source.yaml").write_text(_CONTRACT)
    return folder


def write_runs(sql_root: Path) -> None:
    """Write what the steps of the five runs read."""
    warehouse = read_marketplace(sql_root, MARKETPLACE)
    first = [_plan(APARTMENTS, complete=True, is_new=True), _plan(BOOKINGS, complete=True, is_new=True)]
    first.append(_plan(VIEWINGS, complete=True, is_new=True))
    increment = [
        _plan(APARTMENTS, slice_count=0, comparison=Comparison(256, 0, 1000, 1000)),
        _plan(BOOKINGS, lower="2026-11-20T02:49:00.000000"),
        _plan(
            VIEWINGS,
            lower="2026-11-17T00:00:00.000000",
            days=(("2026-11-20", "2026-11-22"),),
            comparison=Comparison(4, 2, 80, 70),
        ),
    ]
    reconcile = [
        _plan(APARTMENTS, comparison=Comparison(256, 1, 1000, 1001)),
        _plan(BOOKINGS, comparison=Comparison(256, 0, 9000, 9000), slice_count=0),
        _plan(VIEWINGS, days=(), comparison=Comparison(700, 0, 50_000, 50_000), slice_count=0),
    ]
    nothing = [_plan(table, read=False, slice_count=0) for table in (APARTMENTS, BOOKINGS, VIEWINGS)]
    again = [nothing[0], _plan(BOOKINGS, complete=True), nothing[2]]
    made = {1: "incremental", 2: "incremental", 3: "reconcile", 4: "replay", 5: "erase"}
    for run, tables in {1: first, 2: increment, 3: reconcile, 4: nothing, 5: again}.items():
        _write_run(warehouse, run, made[run], tables)
    arrivals = {"bookings": _ARRIVED, "apartments": _ARRIVED, "user_viewing": _VIEWED}
    metrics = "top_listings_weekly", "average_booking_duration_weekly"
    for run in made:
        _write(run, PENDING, {"curated": ["apartments", "bookings", "user_viewing"], "arrivals": arrivals, "dirty": {}})
        dirty = {"first_period": "2026-11-16", "last_period": "2026-11-16"}
        _write(run, DIRTY, dict.fromkeys(metrics, dirty))
        _write(run, NEWEST, dict.fromkeys(metrics, "2026-11-16"))
    _write(2, LAKE, _lake())
    (known,) = [Slice(3, "apartments", 0, ("100",), ("200",), compared=True)]
    _write(3, SLICES, [known.to_json()])
    replayed = {
        "columns": [column.name for column in BOOKINGS.columns],
        "definition": "create table apartments_staging.replayed_bookings (…)",
        "loads": 1,
    }
    load = {
        "run_sequence": 1,
        "source_time": "2026-11-20T03:00:00.000000",
        "table": first[1].to_json(),
        "totals": _totals(1, first[1]),
        "rows_added": 9000,
        "rows_removed": 0,
    }
    write_json(BUCKET, replay_key(MARKETPLACE, 4, "bookings"), replayed)
    write_json(BUCKET, replayed_loads_key(MARKETPLACE, 4, "bookings", 0), [load])


def _column(name: str, kind: str, source_type: str, charset: str | None = None) -> PlannedColumn:
    return PlannedColumn(name, kind, name, source_type, charset=charset)


APARTMENTS = PlannedTable(
    "apartments",
    "apartments",
    Snapshot(("id",)),
    (
        _column("id", "bigint", "bigint"),
        _column("title", "varchar(1020)", "varchar", "utf8mb4"),
        _column("price", "decimal(10,2)", "decimal"),
        _column("changed_at", "timestamp", "datetime"),
    ),
)
BOOKINGS = PlannedTable(
    "bookings",
    "bookings",
    Merge(("booking_id",), "changed_at"),
    (
        _column("booking_id", "bigint", "bigint"),
        _column("apartment_id", "bigint", "bigint"),
        _column("total_price", "decimal(10,2)", "decimal"),
        _column("changed_at", "timestamp", "datetime"),
    ),
    planned_watermark="2026-11-20T02:59:00.000000",
    new_watermark="2026-11-21T02:59:00.000000",
)
VIEWINGS = PlannedTable(
    "user_viewing",
    "user_viewing",
    Append("recorded_at"),
    (
        _column("user_id", "varchar(144)", "varchar", "utf8mb4"),
        _column("apartment_id", "bigint", "bigint"),
        _column("recorded_at", "timestamp", "datetime"),
    ),
    bad_rows="set_aside",
)


def _plan(table: PlannedTable, **changes: Any) -> PlannedTable:
    return replace(table, **{"read": True, "slice_count": 1, "definition_hash": "d" * 64, **changes})


def plan_a_run(run: int, tables: tuple[PlannedTable, ...] = (), **asked: Any) -> Plan:
    """Return the plan of a run of which all is as usual but for what is asked."""
    usual = {
        "marketplace": MARKETPLACE,
        "kind": "incremental",
        "as_of": "2026-11-21",
        "source_time": "2026-11-21T03:00:00.000000",
        "force_deletes": False,
        "dry_run": False,
        "erased": (),
        "rebuild": None,
        "raw_changes": RawChanges((), ()),
    }
    return Plan(run_sequence=run, tables=tables, **(usual | asked))


def _write_run(warehouse: Marketplace, run: int, kind: str, tables: list[PlannedTable]) -> None:
    _write(run, LEDGER, _ledger(warehouse, run))
    changes = RawChanges(
        batch=("create table if not exists apartments_raw.bookings (…)",) if run == 1 else (),
        single=("alter table apartments_raw.apartments alter column title type varchar(2040)",) if run == 2 else (),
    )
    erased = ("bookings",) if kind == "erase" else ()
    plan = plan_a_run(run, tuple(tables), kind=kind, as_of=_DAY[run], erased=erased, raw_changes=changes)
    _write(run, PLAN, replace(plan, source_time=f"{_DAY[run]}T03:00:00.000000").to_json())
    _write(run, LOADS, {table.name: _totals(run, table) for table in tables if table.slice_count})


def _totals(run: int, table: PlannedTable) -> dict[str, Any]:
    expected = []
    if table.comparison or table.complete:
        bounds = [None, ("2026-11-21",), None] if isinstance(table.strategy, Append) else [None, ("500",), None]
        spans = pairwise(bounds)
        expected = [Span(start, end, Fingerprint(40, 123456789)).to_json() for start, end in spans]
    manifests = f"s3://{BUCKET}/{MARKETPLACE}/runs/{run:06d}/manifests/{table.name}"
    return {
        "manifest": f"{manifests}.json",
        "deleted_manifest": f"{manifests}-deleted.json" if table.comparison and table.key else None,
        "rows_deleted": 1 if table.comparison and table.key else 0,
        "rows_read": 80,
        "rows_in_parquet": 80,
        "bytes": 4096,
        "parts": 1,
        "slices": 1,
        "zero_dates": 0,
        "rows_set_aside": 0,
        "seconds": 1.5,
        **({"least_key": 8999, "greatest_key": 9010} if table.key else {}),
        "expected": expected,
        "rows_apart": 0,
    }


def _ledger(warehouse: Marketplace, run: int) -> dict[str, Any]:
    """What the open step of a run read: before the first one nothing, later that all was built by the run before."""
    columns = [
        {
            "schema": "apartments_raw",
            "table": table.name,
            "column": column.name,
            "type": column.type.partition("(")[0],
            "length": 1020,
            "precision": 10,
            "scale": 2,
        }
        for table in (APARTMENTS, BOOKINGS, VIEWINGS)
        for column in table.columns
    ]
    made = [
        *(("raw", table.name, None, None) for table in (APARTMENTS, BOOKINGS, VIEWINGS)),
        *(("curated", t.name, warehouse.curated_hash(t), warehouse.definition_hash(t.file)) for t in warehouse.curated),
        *(("presentation", m.name, warehouse.metric_hash(m), warehouse.definition_hash(m.file)) for m in warehouse.metrics),
        ("control", "exchange_rate", warehouse.exchange_rate_hash, None),
    ]
    positions = [
        {
            "layer": layer,
            "name": name,
            "run_sequence": run - 1,
            "watermark": f"{_DAY[run - 1]}T02:59:00.000000" if layer == "raw" else None,
            "as_of": _DAY[run - 1] if layer == "presentation" else None,
            "input_hash": inputs,
            "definition_hash": definition,
            "first_run_sequence": 1 if layer == "raw" else None,
        }
        for layer, name, inputs, definition in (made if run > 1 else [])
    ]
    return {
        "run_sequence": run,
        "execution_id": f"arn:aws:states:eu-west-1:123456789012:execution:run:{run}",
        "files_hash": warehouse.files_hash,
        "positions": positions,
        "columns": columns if run > 1 else [],
        "loads": [],
    }


def _lake() -> dict[str, Any]:
    bookings = {
        "name": "curated_bookings",
        "layer": "curated",
        "table": "bookings",
        "relation": "apartments_curated.bookings",
        "divided_by": "month",
        "date_column": "booking_date",
        "parts": [202610, 202611, 202701],
        "base_run": 1,
        "definition_hash": "d" * 64,
        "columns": [{"name": "booking_id", "type": "bigint"}],
    }
    slices = {"name": "raw_bookings", "partition": "run_sequence", "source": "bookings", "columns": [], "loads": []}
    return {"tables": [bookings], "slices": [{**slices, "erased_before": None}]}


def _write(run: int, name: str, content: Any) -> None:
    write_json(BUCKET, run_key(MARKETPLACE, run, name), content)
