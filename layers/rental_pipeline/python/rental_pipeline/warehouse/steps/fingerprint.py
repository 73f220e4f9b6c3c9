"""Fingerprint: what raw holds of the tables that are compared with the source, counted and summed by range of keys or by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rental_pipeline.base.object_store import FINGERPRINTS, run_key, write_json
from rental_pipeline.model.contract import TableContract, read_contract
from rental_pipeline.model.document import write
from rental_pipeline.model.fingerprints import Fingerprint, KnownDay, KnownRange
from rental_pipeline.model.raw_tables import FIRST_DATE, quote_identifier, read_catalogue
from rental_pipeline.model.run_request import RunInput, read_run_input
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append, Merge
from rental_pipeline.warehouse.steps.newest import select_newest
from rental_pipeline.warehouse.steps.step import Rows, Step, StepRequest

# At most: few enough for one statement that finds each key's range, enough for a range to be a small part of a table.
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
    loaded = read_catalogue(request.ledger.columns, request.schemas.raw)
    tables = [table for table in contract.values() if table.name in loaded and _is_compared(table, run_input)]

    def finish(rows: list[Rows]) -> dict[str, Any]:
        fingerprints = {table.name: _read_fingerprints(table, found) for table, found in zip(tables, rows, strict=True)}
        write_json(
            request.settings.bucket, run_key(request.schemas.marketplace, request.run_sequence, FINGERPRINTS), write(fingerprints)
        )
        return {"tables": list(fingerprints)}

    selects = (_select(request, table, run_input, loaded[table.name]) for table in tables)
    return Step(request.statement_name, reads=tuple(selects), finish=finish)


def _is_compared(table: TableContract, run_input: RunInput) -> bool:
    if run_input.rebuild or run_input.replay or run_input.window or (run_input.tables and table.name not in run_input.tables):
        return False
    # Raw's ranges of a hashed key are none of the source's.
    return (run_input.reconcile or not isinstance(table.strategy, Merge)) and not table.hashes_key


def _select(request: StepRequest, table: TableContract, run_input: RunInput, types: dict[str, str]) -> str:
    if isinstance(table.strategy, Append):
        return _select_days(request, table, None if run_input.reconcile else _find_first_day(request, table))
    return _select_ranges(request, table, types)


def _find_first_day(request: StepRequest, table: TableContract) -> str | None:
    """The first day that an incremental run reads again; the planner's window begins on it, or later."""
    position = request.ledger.position("raw", table.name)
    if not position or not position.watermark:
        return None
    return (datetime.fromisoformat(position.watermark) - table.overlap).date().isoformat()


def _select_days(request: StepRequest, table: TableContract, first_day: str | None) -> str:
    # Events without a usable time stand before all days, and are compared in every run.
    since = f" where _event_day >= {literal(first_day)} or _event_day < '{FIRST_DATE}'" if first_day else ""
    return (
        "select cast(_event_day as varchar(10)) as _rp_day, count(*) as _rp_rows,"
        f" cast(sum(cast(_row_hash as decimal(38, 0))) as varchar(40)) as _rp_checksum"
        f" from {request.schemas.raw}.{quote_identifier(table.name)}{since} group by _event_day order by 1"
    )


def _select_ranges(request: StepRequest, table: TableContract, types: dict[str, str]) -> str:
    key = [quote_identifier(column) for column in table.key]
    raw = f"{request.schemas.raw}.{quote_identifier(table.name)}"
    number, ends = _number_range(key, types.get(table.key[0], ""))
    newest, ranged = (", ".join(f"{alias}.{column}" for column in key) for alias in ("_rp_newest", "_rp_ranged"))
    starts = ", ".join(
        f"max(case when _rp_placed._rp_place = 1 then cast(_rp_placed.{column} as varchar(65535)) end) as _rp_start_{number}"
        for number, column in enumerate(key)
    )
    current = select_newest(raw, table.key, ["_row_hash"])
    # The current rows serve for the ends of the keys, too. Where it can, Redshift evaluates what is named twice once (Database
    # Developer Guide, "WITH clause").
    return f"""
    with _rp_newest as ({current})
    select {starts}, count(*) as _rp_rows, cast(sum(cast(_rp_placed._row_hash as decimal(38, 0))) as varchar(40)) as _rp_checksum
    from (
        select {ranged}, _rp_ranged._row_hash, _rp_ranged._rp_key_range,
            row_number() over (partition by _rp_ranged._rp_key_range order by {ranged}) as _rp_place
        from (
            select {newest}, _rp_newest._row_hash, {number} as _rp_key_range
            from _rp_newest{ends}
        ) as _rp_ranged
    ) as _rp_placed
    group by _rp_placed._rp_key_range
    order by _rp_placed._rp_key_range
    """


def _number_range(key: Sequence[str], kind: str) -> tuple[str, str]:
    """Return the expression of the range of a key of `_rp_newest`, greater for greater keys, and the join that it needs.

    Whole numbers are divided by value, which each slice of the warehouse does for its own rows. Ranges of other keys have equally
    many rows, for which all are sorted on one slice (Database Developer Guide, NTILE without PARTITION BY).
    """
    if not kind.startswith(("smallint", "integer", "bigint")):
        newest = ", ".join(f"_rp_newest.{column}" for column in key)
        return f"ntile({_KEY_RANGES}) over (order by {newest})", ""
    least, greatest = (f"cast({edge}({key[0]}) as double precision)" for edge in ("min", "max"))
    ends = f" cross join (select {least} as _rp_least, {greatest} as _rp_greatest from _rp_newest) as _rp_ends"
    # In floating point no product is too large, and what is rounded stays in its order.
    place = f"(cast(_rp_newest.{key[0]} as double precision) - _rp_ends._rp_least)"
    return f"cast(floor({place} / (_rp_ends._rp_greatest - _rp_ends._rp_least + 1) * {_KEY_RANGES}) as integer)", ends


def _read_fingerprints(table: TableContract, rows: Rows) -> list[KnownRange] | list[KnownDay]:
    held = [Fingerprint.from_row(row["_rp_rows"], row["_rp_checksum"]) for row in rows]
    if isinstance(table.strategy, Append):
        return [KnownDay(row["_rp_day"], each) for row, each in zip(rows, held, strict=True)]
    starts = [tuple(row[f"_rp_start_{number}"] for number in range(len(table.key))) for row in rows]
    return [KnownRange(start, each) for start, each in zip(starts, held, strict=True)]
