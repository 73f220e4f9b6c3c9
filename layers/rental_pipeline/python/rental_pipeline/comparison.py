"""Comparing a table of the source with raw by fingerprints, so that only what differs is read.

A fingerprint is the number of rows and the sum of their 60-bit row hashes, of a range of keys or of a day of events. Raw's come
from the step `fingerprint`; the source's are computed here, over the same ranges, by the generator of the hashes that raw keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pymysql

from rental_pipeline.errors import FixData
from rental_pipeline.slice_query import FIRST_DATE, Point, compose_day_fingerprints, compose_range_fingerprints
from rental_pipeline.slices import walk_keys
from rental_pipeline.table_plan import Comparison, PlannedTable, Slice

Json = dict[str, Any]
Span = tuple[Point | None, Point | None]


@dataclass(frozen=True)
class Fingerprint:
    """Of a range or a day: rows, and the sum of their hashes."""

    rows: int = 0
    checksum: int = 0


_NOTHING = Fingerprint()


def compare_keys(
    connection: pymysql.Connection, table: PlannedTable, known: list[Json], salt: str, run_sequence: int, slice_rows: int
) -> tuple[Comparison, list[Slice]]:
    """Return the comparison of a keyed table, and slices over the ranges that differ.

    Args:
        known: Raw's ranges in ascending order of their keys' bytes: `{"start": [key as text], "rows", "checksum"}`. The first
            is taken to begin, the last to end, open: every key of the source belongs to one.
        slice_rows: The most rows, on either side, that several ranges in one slice may hold.
    """
    starts: list[Point] = [tuple(each["start"]) for each in known[1:]]
    raw = [Fingerprint(int(each["rows"]), int(each["checksum"])) for each in known] or [_NOTHING]
    with connection.cursor() as cursor:
        cursor.execute(*compose_range_fingerprints(table, starts, salt))
        found = {int(number): Fingerprint(int(rows), int(checksum)) for number, rows, checksum in cursor.fetchall()}
        source = [found.get(number, _NOTHING) for number in range(len(raw))]
        different = [number for number in range(len(raw)) if source[number] != raw[number]]
        bounds: list[Point | None] = [None, *starts, None]
        rows = [max(one.rows, other.rows) for one, other in zip(source, raw, strict=True)]
        points = [
            cut
            for first, last in _gather(different, rows, slice_rows, across_equal=True)
            for cut in _cut_span(cursor, table, (bounds[first], bounds[last + 1]), source[first].rows, slice_rows)
        ]
    slices = [Slice(run_sequence, table.name, number, *span, compared=True) for number, span in enumerate(points)]
    return _sum_up(source, raw, len(different)), slices


def compare_days(
    connection: pymysql.Connection, table: PlannedTable, known: list[Json], salt: str, run_sequence: int, slice_rows: int
) -> tuple[Comparison, list[Slice]]:
    """Return the comparison of an append table's window, and slices over the days that differ.

    Args:
        known: Raw's days: `{"day", "rows", "checksum"}`; those before FIRST_DATE are of events without a usable time.

    Raises:
        FixData: an event's time is a date that does not exist.
    """
    raw = {
        day: Fingerprint(int(each["rows"]), int(each["checksum"]))
        for each in known
        if _is_in_window(day := each["day"] if each["day"] >= FIRST_DATE else "", table)
    }
    with connection.cursor() as cursor:
        cursor.execute(*compose_day_fingerprints(table, salt))
        source = {day or "": Fingerprint(int(rows), int(checksum)) for day, rows, checksum in cursor.fetchall()}
    days = sorted({*source, *raw})
    if impossible := [day for day in days if "-00" in day]:
        raise FixData(
            f"table {table.name}: the event time {table.cursor} holds an impossible date, {impossible[0]}: mend it in the source"
        )
    both = [(source.get(day, _NOTHING), raw.get(day, _NOTHING)) for day in days]
    different = [number for number, (one, other) in enumerate(both) if one != other]
    rows = [max(one.rows, other.rows) for one, other in both]
    slices = [
        Slice(run_sequence, table.name, number, *_bound_days(days[first], days[last]), compared=True)
        for number, (first, last) in enumerate(_gather(different, rows, slice_rows, alone=0 if days[:1] == [""] else None))
    ]
    return _sum_up([one for one, _ in both], [other for _, other in both], len(different)), slices


def _gather(
    different: list[int], rows: list[int], slice_rows: int, alone: int | None = None, across_equal: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of ranges that differ and together hold at most `slice_rows`.

    Args:
        alone: A range that shares a slice with no other.
        across_equal: Whether equal ranges between them may be in the slice. Of a keyed table only their keys are then compared,
            which costs less than a function more; whole days would be read.
    """
    span: list[int] = []
    for number in different:
        is_neighbour = span and (across_equal or number == span[-1] + 1) and span[-1] != alone
        if span and not (is_neighbour and sum(rows[span[0] : number + 1]) <= slice_rows):
            yield span[0], span[-1]
            span = []
        span.append(number)
    if span:
        yield span[0], span[-1]


def _cut_span(cursor: pymysql.cursors.Cursor, table: PlannedTable, span: Span, source_rows: int, slice_rows: int) -> list[Span]:
    """Cut a span whose first range alone has more rows than a slice may."""
    if source_rows <= slice_rows:
        return [span]
    start, end = span
    points = walk_keys(cursor, table, slice_rows, start, end, bytewise=True) or []
    return list(zip([start, *points], [*points, end], strict=True))


def _is_in_window(day: str, table: PlannedTable) -> bool:
    """Whether a day is one that the window reads whole; the events without a usable time ("") are in every window."""
    return not day or ((table.lower or "")[:10] <= day and (table.upper is None or day < table.upper[:10]))


def _bound_days(first: str, last: str) -> tuple[Point | None, Point]:
    if not first:
        return None, (FIRST_DATE,)
    return (first,), ((date.fromisoformat(last) + timedelta(days=1)).isoformat(),)


def _sum_up(source: list[Fingerprint], raw: list[Fingerprint], different: int) -> Comparison:
    return Comparison(len(raw), different, sum(each.rows for each in source), sum(each.rows for each in raw))
