"""Manifests: the results of all slices become, per table, the exact list of files that COPY loads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import (
    COMPARED,
    LOADS,
    PLAN,
    SLICES,
    address,
    deleted_manifest_key,
    list_sizes,
    manifest_key,
    raw_prefix,
    run_key,
    write_copy_manifest,
    write_json,
)
from rental_pipeline.base.settings import BucketSettings, read_settings
from rental_pipeline.base.telemetry import count, logger
from rental_pipeline.extract.results import find_result
from rental_pipeline.model.document import find_document, read_document, read_event, write
from rental_pipeline.model.events import RunEvent
from rental_pipeline.model.fingerprints import NOTHING, Fingerprint, Span, add_up, join_spans
from rental_pipeline.model.load_document import SliceResult, TableLoad, WrittenFile
from rental_pipeline.model.plan_document import Plan
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable, Slice

_THREADS = 32  # as many as the S3 client has connections: of 100,000 results each is a request

Json = dict[str, Any]


def write_manifests(event: Json) -> Json:
    """Check that every slice of a run was read, and write its COPY manifests and loads.json.

    Args:
        event: `run_sequence` (int).

    Returns:
        `run_sequence` and `rows_read`, the sum over all tables.

    Raises:
        FixData: a slice has no result, lost rows between the source and its files, or misses a file.
        RetryLater: S3 could not be reached.
    """
    settings = read_settings(BucketSettings)
    run_sequence = read_event(RunEvent, event).run_sequence
    plan = read_document(Plan, settings.bucket, run_key(settings.marketplace, run_sequence, PLAN))
    slices = read_document(list[Slice], settings.bucket, run_key(settings.marketplace, run_sequence, SLICES))
    with ThreadPoolExecutor(_THREADS) as threads:
        pieces = threads.map(lambda part: list(_read_pieces(settings, part, plan.source_time)), slices)
        results = [result for each in pieces for result in each]
    by_table: dict[str, list[SliceResult]] = {}
    for result in results:
        by_table.setdefault(result.table, []).append(result)
    comparisons = run_key(settings.marketplace, run_sequence, COMPARED)
    compared = find_document(dict[str, list[Span]], settings.bucket, comparisons) or {}
    loads: dict[str, TableLoad] = {}
    for table in [table for table in plan.tables if table.read]:
        found = by_table.get(table.name, [])
        _check_sizes(settings, run_sequence, table.name, found)
        parts = [part for part in slices if part.table == table.name]
        spans, apart = expect_spans(table, parts, found, compared.get(table.name, []), plan.kind == "reconcile")
        load = loads[table.name] = _write_manifests(settings, run_sequence, table.name, found, tuple(spans), apart)
        if plan.kind == "reconcile":
            different = load.rows_read + load.rows_deleted
            count("RowsDifferent", different, marketplace=settings.marketplace, table=table.name)
    write_json(settings.bucket, run_key(settings.marketplace, run_sequence, LOADS), write(loads))
    return {"run_sequence": run_sequence, "rows_read": sum(load.rows_read for load in loads.values())}


def expect_spans(
    table: PlannedTable, slices: list[Slice], results: list[SliceResult], equal: list[Span], is_whole: bool
) -> tuple[list[Span], int]:
    """Return what raw must hold of a table once its rows are loaded, in the order of keys, and the rows of the spans left out.

    What a window of a keyed table brings says nothing of other keys: of that, nothing is expected. A comparison says all.

    Args:
        equal: The spans of a comparison that were not read.
        is_whole: Whether to look also at what lies before the first slice, and behind the last.
    """
    by_slice: dict[int, Fingerprint] = {}
    for result in results:
        by_slice[result.slice] = by_slice.get(result.slice, NOTHING) + result.expected
    if table.comparison is None:
        if isinstance(table.strategy, Append):
            return join_spans([Span(part.start, part.end, by_slice[part.slice]) for part in slices]), 0
        # Cut in the order of the source's collation, which is not the warehouse's.
        return ([Span(None, None, add_up(by_slice.values()))] if table.complete else []), 0
    apart = 0
    if table.key and not is_whole:
        outside = [span for span in equal if span.follows in (0, len(slices))]
        apart = sum(span.expected.rows for span in outside)
        equal = [span for span in equal if span not in outside]
    read = [(number, 1, Span(part.start, part.end, by_slice[part.slice])) for number, part in enumerate(slices)]
    placed = sorted([*read, *((span.follows, 0, span) for span in equal)], key=lambda each: each[:2])
    return join_spans([span for _, _, span in placed]), apart


def _read_pieces(settings: BucketSettings, part: Slice, source_time: str) -> Iterator[SliceResult]:
    """Yield the results of all pieces of a slice: each says where it left off, and there the next one must begin."""
    rest: Slice | None = part
    while rest:
        result = _read_result(settings, rest, source_time)
        yield result
        rest = result.rest


def _read_result(settings: BucketSettings, part: Slice, source_time: str) -> SliceResult:
    result = find_result(settings.bucket, settings.marketplace, part, source_time)
    if result is None:
        piece = f", from its piece {part.piece} on," if part.piece else ""
        raise FixData(
            f"slice {part.slice} of {part.table}{piece} has no result of this plan of run {part.run_sequence}: its extract_slice"
            " failed; see the map run for the cause, then start a new execution"
        )
    in_parts = sum(each.rows for each in result.parts)
    if not result.rows_read == result.rows_in_parquet == in_parts:
        raise FixData(
            f"slice {part.slice} of {part.table} read {result.rows_read} rows, but its Parquet files hold {in_parts}:"
            " start a new execution"
        )
    return result


def _list_deleted(result: SliceResult) -> list[WrittenFile]:
    return [result.deleted] if result.deleted else []


def _check_sizes(settings: BucketSettings, run_sequence: int, table: str, results: list[SliceResult]) -> None:
    """Compare the files of a table with what S3 lists of the run, which costs a request for a thousand of them."""
    files = [file for each in results for file in [*each.parts, *_list_deleted(each)]]
    sizes = list_sizes(settings.bucket, raw_prefix(settings.marketplace, table, run_sequence)) if files else {}
    for file in files:
        if (size := sizes.get(file.key)) != file.bytes:
            found = "does not exist" if size is None else f"is {size} bytes long"
            raise FixData(
                f"{address(settings.bucket, file.key)} {found}, was written with {file.bytes} bytes: start a new execution"
            )


def _write_manifests(
    settings: BucketSettings,
    run_sequence: int,
    table: str,
    results: list[SliceResult],
    expected: tuple[Span, ...],
    rows_apart: int,
) -> TableLoad:
    """Write the manifests of one table, of its rows and of its deleted keys, and return its entry of loads.json."""
    parts = [part for result in results for part in result.parts]
    deleted = [file for result in results for file in _list_deleted(result)]
    zero_dates = sum(sum(result.zero_dates.values()) for result in results)
    if zero_dates:
        columns = sorted({column for result in results for column in result.zero_dates})
        logger.warning("impossible dates became NULL", extra={"table": table, "columns": columns, "values": zero_dates})
        count("ImpossibleDates", zero_dates, marketplace=settings.marketplace, table=table)
    rows_set_aside = sum(result.rows_set_aside for result in results)
    if rows_set_aside:
        logger.warning("rows with values that cannot be held were set aside", extra={"table": table, "rows": rows_set_aside})
        count("RowsSetAside", rows_set_aside, marketplace=settings.marketplace, table=table)
    ends = [(each.least_key, each.greatest_key) for each in (*parts, *deleted)]
    least = [end for end, _ in ends if end is not None]
    greatest = [end for _, end in ends if end is not None]
    are_known = bool(ends) and len(least) == len(greatest) == len(ends)
    bucket, name = settings.bucket, manifest_key(settings.marketplace, run_sequence, table)
    deleted_name = deleted_manifest_key(settings.marketplace, run_sequence, table)
    return TableLoad(
        manifest=write_copy_manifest(bucket, name, [(part.key, part.bytes) for part in parts]) if parts else None,
        deleted_manifest=write_copy_manifest(bucket, deleted_name, [(file.key, file.bytes) for file in deleted])
        if deleted
        else None,
        slices=sum(result.piece == 0 for result in results),
        pieces=len(results),
        parts=len(parts),
        bytes=sum(part.bytes for part in parts),
        rows_read=sum(result.rows_read for result in results),
        rows_in_parquet=sum(result.rows_in_parquet for result in results),
        rows_deleted=sum(file.rows for file in deleted),
        rows_set_aside=rows_set_aside,
        zero_dates=zero_dates,
        seconds=round(sum(result.seconds for result in results), 3),
        least_key=min(least) if are_known else None,
        greatest_key=max(greatest) if are_known else None,
        expected=expected,
        rows_apart=rows_apart,
        ahead=add_up(result.ahead for result in results),
    )
