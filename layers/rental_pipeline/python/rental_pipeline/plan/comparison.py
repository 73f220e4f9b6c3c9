"""Comparing a table of the source with raw by fingerprints, so that only what differs is read.

Raw's fingerprints, of ranges of keys or of days of events, come from the step `fingerprint`; the source's are computed here, over
the same ranges, by the generator of the hashes that raw keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pymysql

from rental_pipeline.base.errors import FixData, RetryLater
from rental_pipeline.model.document import Document
from rental_pipeline.model.fingerprints import NOTHING, Fingerprint, KnownDay, KnownRange, Point, Span, add_up
from rental_pipeline.model.raw_tables import FIRST_DATE
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import Comparison, PlannedTable, Slice
from rental_pipeline.plan.slices import walk_keys
from rental_pipeline.source.connection import snapshot
from rental_pipeline.source.queries import (
    Condition,
    compose_count,
    compose_day_fingerprints,
    compose_range_fingerprints,
)

# What raw holds of one table (fingerprints.json).
Known = Sequence[KnownRange | KnownDay]
Bounds = tuple[Point | None, Point | None]

# What one query sums: at 3 µs a row it takes 15 s, and a planner that stops between two queries stops in time.
_QUERY_ROWS = 5_000_000
# Where the source has more rows of a range than that, and not raw's number, they are not summed: they differ.
_MOST_ROWS = 4 * _QUERY_ROWS
_NOT_SUMMED = -1
# Of an append table's days that differ, with others between them.
_MOST_GROUPS = 100


@dataclass
class Sums(Document):
    """What the source was asked of one table, as far as it is known; a planner may go on with that of an earlier one.

    Attributes:
        ranges: How many of the table's ranges were summed.
        found: Fingerprints by label: the number of a range of keys, or a day.
        points: Where ranges are to be cut, by the number of the range; "" is the whole table.
        cut: The ranges of which all points are known.
        judged: How many of the slices hold no key that is refused (`keys.refuse_blank_ends`).
    """

    ranges: int = 0
    found: dict[str, Fingerprint] = field(default_factory=dict)
    points: dict[str, list[Point]] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    judged: int = 0


@dataclass(frozen=True)
class Compared:
    """What a comparison comes to.

    Attributes:
        comparison: Its totals.
        slices: Over the ranges that differ.
        equal: The spans between and beside them, which are not read.
    """

    comparison: Comparison
    slices: list[Slice]
    equal: list[Span]


class Comparer:
    """Compares tables of one source.

    Args:
        salt: Of the row hashes (`queries.hash_row`).
        slice_rows: The most rows, on either side, that several ranges in one slice may hold.
        require_time: Called before each query; raises where there is no time for it.
    """

    def __init__(
        self,
        connection: pymysql.Connection,
        run_sequence: int,
        salt: str,
        slice_rows: int,
        require_time: Callable[[], None] = lambda: None,
    ):
        self._connection = connection
        self._run_sequence = run_sequence
        self._salt = salt
        self._slice_rows = slice_rows
        self._require_time = require_time

    def compare(self, table: PlannedTable, known: Known, sums: Sums) -> Compared:
        """Compare a table with what raw knows of it (fingerprints.json), range by range.

        Args:
            known: Of a keyed table, raw's ranges in ascending order of their keys' bytes; the first is taken to begin, the last
                to end, open, so that every key of the source belongs to one. Of an append table, raw's days.
            sums: What is known already; what is found is added.

        Raises:
            FixData: an event's time is a date that does not exist, or the sums do not belong to their ranges.
            RetryLater: the table changed while it was compared, as only one without transactions can.
        """
        if isinstance(table.strategy, Append):
            return self._compare_days(table, [each for each in known if isinstance(each, KnownDay)], sums)
        return self._compare_keys(table, [each for each in known if isinstance(each, KnownRange)], sums)

    def _compare_keys(self, table: PlannedTable, known: list[KnownRange], sums: Sums) -> Compared:
        starts: list[Point] = [each.start for each in known[1:]]
        raw = [each.held for each in known] or [NOTHING]
        bounds: list[Point | None] = [None, *starts, None]

        def compose(part: Slice, first: int, last: int) -> Condition:
            return compose_range_fingerprints(table, part, starts, first, last, self._salt)

        self._sum_up(table, starts, [each.rows for each in raw], sums, compose)
        source = [sums.found.get(str(number), NOTHING) for number in range(len(raw))]
        different = [number for number in range(len(raw)) if source[number] != raw[number]]
        rows = [max(one.rows, other.rows) for one, other in zip(source, raw, strict=True)]
        slices: list[Slice] = []
        equal: list[Span] = []
        groups = list(_gather(different, rows, self._slice_rows, across_equal=True))
        for number, (before, first, last) in enumerate(_with_gaps(groups, len(raw))):
            if before < first:
                equal.append(Span(bounds[before], bounds[first], add_up(source[before:first]), len(slices)))
            if first <= last:
                source_rows = source[first].rows if first == last else 0
                for bound in self._cut(table, (bounds[first], bounds[last + 1]), source_rows, str(first), sums):
                    slices.append(Slice(self._run_sequence, table.name, len(slices), *bound, compared=True, known=number))
        return Compared(_describe(source, raw, len(different)), slices, equal)

    def _compare_days(self, table: PlannedTable, known: list[KnownDay], sums: Sums) -> Compared:
        raw = {day: each.held for each in known if _is_in_window(day := each.day if each.day >= FIRST_DATE else "", table)}
        known_days = sorted(day for day in raw if day)

        def compose(part: Slice, _first: int, _last: int) -> Condition:
            return compose_day_fingerprints(table, part, self._salt)

        rows = [raw[day].rows for day in known_days] or [0]
        self._sum_up(table, [(day,) for day in known_days[1:]], rows, sums, compose)
        source = sums.found
        days = sorted({*source, *raw})
        if impossible := [day for day in days if "-00" in day]:
            raise FixData(
                f"table {table.name}: the event time {table.cursor} holds an impossible date, {impossible[0]}: mend it in the"
                " source"
            )
        both = [(source.get(day, NOTHING), raw.get(day, NOTHING)) for day in days]
        different = [number for number, (one, other) in enumerate(both) if one != other]
        rows = [max(one.rows, other.rows) for one, other in both]
        slices: list[Slice] = []
        equal: list[Span] = []
        alone = 0 if days[:1] == [""] else None
        groups = list(_gather(different, rows, self._slice_rows, alone))
        if len(groups) > _MOST_GROUPS:
            # Each gap between them is named by the load: with so many, the days between are read, too.
            groups = list(_gather(list(range(different[0], different[-1] + 1)), rows, self._slice_rows, alone))
        for before, first, last in _with_gaps(groups, len(days)):
            if before < first:
                expected = add_up(one for one, _ in both[before:first])
                equal.append(Span(*_bound_days(days[before], days[first - 1]), expected, len(slices)))
            if first <= last:
                bound = _bound_days(days[first], days[last])
                slices.append(Slice(self._run_sequence, table.name, len(slices), *bound, compared=True))
        return Compared(_describe([one for one, _ in both], [other for _, other in both], len(different)), slices, equal)

    def _sum_up(
        self,
        table: PlannedTable,
        starts: Sequence[Point],
        rows: Sequence[int],
        sums: Sums,
        compose: Callable[[Slice, int, int], Condition],
    ) -> None:
        """Have the source sum up its ranges, several in one query.

        Args:
            starts: Where each range but the first begins.
            rows: How many rows raw has of each.
            compose: Composes the query of a part of the table, which is the ranges from one number to another.
        """
        bounds: list[Point | None] = [None, *starts, None]
        with self._connection.cursor() as cursor:
            while (first := sums.ranges) < len(rows):
                last = first
                while last + 1 < len(rows) and sum(rows[first : last + 2]) <= _QUERY_ROWS:
                    last += 1
                self._require_time()
                with snapshot(self._connection):
                    while True:
                        part = Slice(self._run_sequence, table.name, 0, bounds[first], bounds[last + 1], compared=True)
                        cursor.execute(*compose_count(table, part))
                        ((counted,),) = cursor.fetchall()
                        if int(counted) <= _MOST_ROWS or last == first:
                            break
                        last = (first + last) // 2
                    if table.key and int(counted) > _MOST_ROWS and int(counted) != rows[first]:
                        sums.found[str(first)] = Fingerprint(int(counted), _NOT_SUMMED)
                    else:
                        cursor.execute(*compose(part, first, last))
                        sums.found |= _check_groups(table, cursor.fetchall(), int(counted))
                sums.ranges = last + 1

    def _cut(self, table: PlannedTable, bounds: Bounds, source_rows: int, label: str, sums: Sums) -> list[Bounds]:
        """Cut a range that alone has more rows than a slice may."""
        if source_rows <= self._slice_rows:
            return [bounds]
        start, end = bounds
        points = sums.points.setdefault(label, [])
        if label not in sums.cut:
            with self._connection.cursor() as cursor:
                walk_keys(cursor, table, self._slice_rows, start, end, True, points, self._require_time)
            sums.cut.append(label)
        cuts = points[1:]
        return list(zip([start, *cuts], [*cuts, end], strict=True))


def _check_groups(table: PlannedTable, groups: Sequence[tuple[str, str, str, str]], counted: int) -> dict[str, Fingerprint]:
    """Return fingerprints by label, once it is certain that each is of its label, and that no row is in none.

    Raises:
        FixData: rows of two ranges were summed together, or those of one in two parts.
        RetryLater: the parts are not as many rows as the whole.
    """
    found = {low: Fingerprint(int(rows), int(checksum)) for low, _, rows, checksum in groups}
    if mixed := [(low, high) for low, high, _, _ in groups if low != high]:
        raise FixData(
            f"STILL DIFFERENT: table {table.name}: the source sums {mixed[0][0]} and {mixed[0][1]} as one range: {_REPORT}"
        )
    if len(found) != len(groups):
        raise FixData(f"STILL DIFFERENT: table {table.name}: the source sums one range in several parts: {_REPORT}")
    summed = sum(each.rows for each in found.values())
    if summed != counted:
        raise RetryLater(
            f"table {table.name}: its ranges have {summed} rows together, the table has {counted}: it changes while it is"
            " compared, and is not of InnoDB"
        )
    return found


_REPORT = "the comparison cannot be trusted, please report this"


def _with_gaps(groups: list[tuple[int, int]], end: int) -> Iterator[tuple[int, int, int]]:
    """Yield for each group (where the gap before it begins, its first, its last); and at last what is behind the last one."""
    before = 0
    for first, last in groups:
        yield before, first, last
        before = last + 1
    yield before, end, end - 1


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


def _is_in_window(day: str, table: PlannedTable) -> bool:
    """Whether a day is one that the window reads whole; the events without a usable time ("") are in every window."""
    return not day or ((table.lower or "")[:10] <= day and (table.upper is None or day < table.upper[:10]))


def _bound_days(first: str, last: str) -> Bounds:
    end = (date.fromisoformat(last) + timedelta(days=1)).isoformat() if last else FIRST_DATE
    return (first,) if first else None, (end,)


def _describe(source: list[Fingerprint], raw: list[Fingerprint], different: int) -> Comparison:
    return Comparison(len(raw), different, sum(each.rows for each in source), sum(each.rows for each in raw))
