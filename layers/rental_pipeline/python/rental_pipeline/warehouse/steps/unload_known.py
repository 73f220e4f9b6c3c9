"""What raw knows, key by key, of the ranges that differ from the source: unloaded to S3, where extract_slice compares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from rental_pipeline.base.object_store import SLICES, address, known_prefix, run_key
from rental_pipeline.model.document import read_document
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.table_plan import PlannedTable, Slice
from rental_pipeline.warehouse.steps.newest import select_newest
from rental_pipeline.warehouse.steps.step import StepRequest

_BARE = ("smallint", "integer", "bigint", "decimal")


def unload_known(request: StepRequest) -> list[str]:
    """Return the UNLOADs of what slices of keyed tables are compared with; unloading again writes the same.

    Slices that a large range was cut into share a list, so there are never more than the ranges of a comparison.
    """
    tables = {table.name: table for table in request.plan.tables if table.comparison and table.key}
    if not any(table.slice_count for table in tables.values()):
        return []
    key = run_key(request.schemas.marketplace, request.run_sequence, SLICES)
    parts = [part for part in read_document(tuple[Slice, ...], request.settings.bucket, key) if part.table in tables]
    return [_unload(request, tables[part.table], part) for part in share_lists(parts)]


def share_lists(parts: Iterable[Slice]) -> list[Slice]:
    """Return what the slices come to that are compared with one list: from the first one's start to the last one's end."""
    sharing = [list(group) for _, group in groupby(parts, key=lambda part: (part.table, part.known))]
    return [replace(group[0], end=group[-1].end) for group in sharing]


def _unload(request: StepRequest, table: PlannedTable, part: Slice) -> str:
    key = [(quote_identifier(name), table.types[name]) for name in table.key]
    condition = within(key, part.start, part.end)
    raw = f"{request.schemas.raw}.{quote_identifier(table.name)}"
    known = select_newest(raw, table.key, ["_row_hash"], condition)
    nothing = ", ".join(f"cast(null as {kind})" for _, kind in key)
    # The one row without a key says how many rows the others are: a list that is not whole cannot pass for one, and never is
    # there nothing to unload, of which Redshift would make no file.
    select = f"select * from ({known}) as _rp_known union all select {nothing}, count(*) from ({known}) as _rp_counted"
    prefix = known_prefix(request.schemas.marketplace, request.run_sequence, part.table, part.known)
    return (
        f"unload ({literal(select)}) to {literal(address(request.settings.bucket, prefix))}"
        f" iam_role {literal(request.settings.copy_role_arn)} format as parquet manifest parallel off allowoverwrite"
        f"{request.settings.unload_encryption}"
    )


def within(key: Sequence[tuple[str, str]], start: Sequence[str] | None, end: Sequence[str] | None) -> str:
    """Return the condition on a key, given as quoted names and types, that it lies from `start` to `end`; None is no bound."""
    return " and ".join([*_compare(key, start, ">="), *_compare(key, end, "<")]) or "true"


def _compare(key: Sequence[tuple[str, str]], values: Sequence[str] | None, operator: str) -> list[str]:
    """Compare the key with a bound, by the first column that differs."""
    if values is None:
        return []
    name, kind = key[0]
    bound = _typed(values[0], kind)
    if len(key) == 1:
        return [f"{name} {operator} {bound}"]
    (rest,) = _compare(key[1:], values[1:], operator)
    return [f"({name} {operator[0]} {bound} or ({name} = {bound} and {rest}))"]


def _typed(text: str, kind: str) -> str:
    return text if kind.startswith(_BARE) else f"cast({literal(text)} as {kind})"
