"""Unload: the lake's stale tables (their stale months or years, or all of them) become Parquet under a prefix of this run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rental_pipeline.base.object_store import LAKE, UNLOADS, address, run_key, unload_folder, write_json
from rental_pipeline.definitions.lake_tables import Division
from rental_pipeline.model.document import read_document
from rental_pipeline.model.lake_document import Lake, StaleTable
from rental_pipeline.model.request_size import MAX_BYTES, MAX_STATEMENTS, count_bytes
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.step import GUARDS, Rows, Step, StepRequest

_LAST_YEAR = 9999  # of a date in MySQL
_MOST_STATEMENTS = MAX_STATEMENTS - GUARDS


def compose_unload(request: StepRequest) -> Step:
    """Compose the step: one transaction for as many tables as a batch holds, whose repetition writes the same again.

    Redshift does not undo an UNLOAD, but what it wrote counts only through its manifest, which it writes last, and through the
    position that commit_lake moves. A query without rows writes no manifest: hence `unloads.json`, which tells the rows.
    """
    control, marketplace, run = request.schemas.control, request.schemas.marketplace, request.run_sequence
    tables = read_document(Lake, request.settings.bucket, run_key(marketplace, run, LAKE)).tables

    def finish(rows: list[Rows]) -> dict[str, Any]:
        counts = {row["table_name"]: row["unloaded_rows"] for row in rows[0]}
        write_json(request.settings.bucket, run_key(marketplace, run, UNLOADS), counts)
        return {}

    return Step(
        name=request.statement_name,
        submissions=tuple(
            request.write(*statements, once=False, label=f"write-{number}")
            for number, statements in enumerate(_divide([_unload(request, table) for table in tables]))
        ),
        reads=(f"select table_name, unloaded_rows from {control}.lake_unload where run_sequence = {run}",),
        finish=finish,
    )


def _divide(tables: list[list[str]]) -> Iterator[list[str]]:
    """Gather the statements of whole tables into batches."""
    batch: list[str] = []
    for statements in tables:
        if batch and (len(batch) + len(statements) > _MOST_STATEMENTS or count_bytes(*batch, *statements) > MAX_BYTES):
            yield batch
            batch = []
        batch = [*batch, *statements]
    if batch:
        yield batch


def _unload(request: StepRequest, table: StaleTable) -> list[str]:
    """Return the statements that unload a table, and note how many rows that were."""
    run, name = request.run_sequence, literal(table.name)
    columns, divided, where = f"{table.table}.*", "", ""
    if table.divided_by and table.date_column:
        part = f"lake_{table.divided_by}"
        columns += f", cast({Division(table.divided_by, table.date_column).number()} as integer) as {part}"
        divided = f" partition by ({part})"
        where = "" if table.parts is None else f" where {_bound_parts(table.divided_by, table.date_column, table.parts)}"
    query = f"select {columns} from {table.relation}{where}"
    prefix = address(request.settings.bucket, unload_folder(request.schemas.marketplace, table.layer, table.table, run))
    return [
        # Not CLEANPATH: files that an attempt left behind are in no manifest, and nobody needs a right to delete.
        f"unload ({literal(query)}) to {literal(prefix)} iam_role {literal(request.settings.copy_role_arn)}"
        f" format as parquet{divided} manifest allowoverwrite{request.settings.unload_encryption}",
        f"call note_unload({run}, {name}, {str(table.parts is None).lower()})",
    ]


def _bound_parts(unit: str, column: str, parts: Sequence[int]) -> str:
    """Return the condition that a row is of some parts (0: of none), in literals, by which Redshift skips the blocks of others.

    Parts that follow each other are one range.
    """
    conditions = [f"{column} is null"] if 0 in parts else []
    ranges: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for part in sorted(filter(None, parts)):
        first = (part, 1) if unit == "year" else divmod(part, 100)
        after = (first[0] + 1, 1) if unit == "year" or first[1] == 12 else (first[0], first[1] + 1)
        if ranges and ranges[-1][1] == first:
            ranges[-1] = (ranges[-1][0], after)
        else:
            ranges.append((first, after))
    for (year, month), (end_year, end_month) in ranges:
        until = f" and {column} < '{end_year:04d}-{end_month:02d}-01'" if end_year <= _LAST_YEAR else ""
        conditions.append(f"({column} >= '{year:04d}-{month:02d}-01'{until})")
    return " or ".join(conditions)
