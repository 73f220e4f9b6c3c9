"""Fingerprint: what raw holds of the tables that are compared with the source, counted and summed by range of keys or by day."""

from __future__ import annotations

from datetime import datetime

from rental_pipeline.contract import APPEND, MERGE, TableContract, read_contract
from rental_pipeline.object_store import FINGERPRINTS, run_key, write_json
from rental_pipeline.raw_tables import quote_identifier, read_catalogue
from rental_pipeline.run_input import RunInput, read_run_input
from rental_pipeline.steps.newest import select_newest
from rental_pipeline.steps.step import Rows, Step, StepRequest, literal

# Few enough for one statement that finds each key's range, enough for a range to be a small part of a table.
_KEY_RANGES = 256


def compose_fingerprint(request: StepRequest) -> Step:
    """Compose the step; it changes nothing, and leaves `fingerprints.json` for the planner.

    Compared are snapshot tables and the latest days of append tables; in a reconcile run all tables, whole. A table without a
    raw table, or whose days are replaced without comparison (window), has no entry.

    Raises:
        FixConfiguration: the contract or the execution's input is wrong.
    """
    contract = read_contract(request.settings.sql_root / request.schemas.marketplace / "source.yaml")
    run_input = read_run_input(request.run_input, contract)
    loaded = read_catalogue(request.ledger_file, request.schemas.raw)
    tables = [table for table in contract.values() if table.name in loaded and _is_compared(table, run_input)]

    def finish(rows: list[Rows]) -> dict:
        fingerprints = {table.name: _read_fingerprints(table, found) for table, found in zip(tables, rows, strict=True)}
        write_json(
            request.settings.bucket, run_key(request.schemas.marketplace, request.run_sequence, FINGERPRINTS), fingerprints
        )
        return {"tables": list(fingerprints)}

    return Step(request.statement_name, reads=tuple(_select(request, table, run_input) for table in tables), finish=finish)


def _is_compared(table: TableContract, run_input: RunInput) -> bool:
    if run_input.rebuild or run_input.replay or run_input.window or (run_input.tables and table.name not in run_input.tables):
        return False
    return run_input.reconcile or table.strategy != MERGE


def _select(request: StepRequest, table: TableContract, run_input: RunInput) -> str:
    if table.strategy == APPEND:
        return _select_days(request, table, None if run_input.reconcile else _find_first_day(request, table))
    return _select_ranges(request, table)


def _find_first_day(request: StepRequest, table: TableContract) -> str | None:
    """The first day that an incremental run reads again; the planner's window begins on it, or later."""
    position = request.ledger.position("raw", table.name)
    if not position or not position["watermark"]:
        return None
    return (datetime.fromisoformat(position["watermark"]) - table.overlap).date().isoformat()


def _select_days(request: StepRequest, table: TableContract, first_day: str | None) -> str:
    # Events without a usable time stand before all days, and are compared in every run.
    since = f" where _event_day >= {literal(first_day)} or _event_day < '1000-01-01'" if first_day else ""
    return (
        "select cast(_event_day as varchar(10)) as event_day, count(*) as row_count,"
        f" cast(sum(cast(_row_hash as decimal(38, 0))) as varchar(40)) as checksum"
        f" from {request.schemas.raw}.{quote_identifier(table.name)}{since} group by _event_day order by event_day"
    )


def _select_ranges(request: StepRequest, table: TableContract) -> str:
    keys = ", ".join(quote_identifier(column) for column in table.key)
    starts = ", ".join(
        f"max(case when place = 1 then cast({quote_identifier(column)} as varchar(65535)) end) as start_{number}"
        for number, column in enumerate(table.key)
    )
    return f"""
    select {starts}, count(*) as row_count, cast(sum(cast(_row_hash as decimal(38, 0))) as varchar(40)) as checksum
    from (
        select {keys}, _row_hash, key_range, row_number() over (partition by key_range order by {keys}) as place
        from (
            select {keys}, _row_hash, ntile({_KEY_RANGES}) over (order by {keys}) as key_range
            from ({select_newest(f"{request.schemas.raw}.{quote_identifier(table.name)}", table.key, ["_row_hash"])}) as newest
        ) as ranged
    ) as placed
    group by key_range
    order by key_range
    """


def _read_fingerprints(table: TableContract, rows: Rows) -> list[dict]:
    if table.strategy == APPEND:
        return [{"day": row["event_day"], "rows": row["row_count"], "checksum": row["checksum"]} for row in rows]
    return [
        {
            "start": [row[f"start_{number}"] for number in range(len(table.key))],
            "rows": row["row_count"],
            "checksum": row["checksum"],
        }
        for row in rows
    ]
