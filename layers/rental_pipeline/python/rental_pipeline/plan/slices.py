"""Cutting what a run reads of a table into slices of at most so many rows (docs/decisions/0001-cut-by-key.md)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pymysql

from rental_pipeline.model.fingerprints import Point
from rental_pipeline.model.own_names import own
from rental_pipeline.model.raw_tables import FIRST_DATE
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable, Slice
from rental_pipeline.source.queries import (
    Condition,
    at_least,
    below,
    cursor_in_window,
    cursor_is_missing,
    from_table,
    name_column,
    order_by_key,
    select_text,
    window_condition,
)


def cut_slices(
    connection: pymysql.Connection,
    table: PlannedTable,
    run_sequence: int,
    slice_rows: int,
    points: list[Point] | None = None,
    require_time: Callable[[], None] = lambda: None,
) -> list[Slice]:
    """Return the slices of a table's window: together they hold each of its rows exactly once; none for an empty window.

    Keyed tables are cut by key. A slice holds `slice_rows` rows as they are now, except the days of an append table, which are
    never divided. The first slice begins, and the last ends, open: rows that come after the cut have a slice too.

    A table whose key is hashed is one slice: the bounds of several would be values of its key, in the clear.

    `points` and `require_time` are those of `walk_keys`.
    """
    with connection.cursor() as cursor:
        if table.hashes_key:
            require_time()
            condition, arguments = window_condition(table)
            cursor.execute(f"select 1 {from_table(table)} where {condition} limit 1", arguments)
            cuts: list[Point] | None = [] if cursor.fetchone() else None
        elif isinstance(table.strategy, Append):
            require_time()
            cuts = _find_days(cursor, table, slice_rows)
        elif table.complete:
            cuts = walk_keys(cursor, table, slice_rows, points=points, require_time=require_time)
        else:
            require_time()
            cuts = _number_keys(cursor, table, slice_rows)
    if cuts is None:
        return []
    bounds: list[Point | None] = [None, *cuts, None]
    return [Slice(run_sequence, table.name, number, start, end) for number, (start, end) in enumerate(pairwise(bounds))]


def walk_keys(
    cursor: pymysql.cursors.Cursor,
    table: PlannedTable,
    slice_rows: int,
    start: Point | None = None,
    end: Point | None = None,
    bytewise: bool = False,
    points: list[Point] | None = None,
    require_time: Callable[[], None] = lambda: None,
) -> list[Point] | None:
    """Step through the keys from `start` to `end` and return each `slice_rows`-th; None where there are none.

    In the order of the key's index this reads each entry once and sorts nothing; the order of bytes sorts texts each time.

    Args:
        points: What an earlier walk found that ran out of time; what is found is added.
        require_time: Called before each step; raises where there is no time for it.
    """
    points = [] if points is None else points
    key = [table.column(name) for name in table.key]
    selected = ", ".join(select_text(column) for column in key)
    ordered = order_by_key(table, bytewise)
    below_end, end_arguments = below(key, end, bytewise)
    while True:
        require_time()
        from_here, arguments = at_least(key, points[-1] if points else start, bytewise)
        cursor.execute(
            f"select {selected} {from_table(table)} where {from_here} and {below_end} order by {ordered} limit 1 offset %s",
            [*arguments, *end_arguments, slice_rows if points else 0],
        )
        row = cursor.fetchone()
        if row is None:
            return points[1:] if points else None
        points.append(row)


def _number_keys(cursor: pymysql.cursors.Cursor, table: PlannedTable, slice_rows: int) -> list[Point] | None:
    """Sort the keys of the window's rows, which the cursor's index finds, and take each `slice_rows`-th."""
    key = [table.column(name) for name in table.key]
    names = [own(f"key_{number}") for number in range(len(key))]
    place, numbered = own("place"), own("numbered")
    selected = ", ".join(f"{select_text(column)} as {name}" for column, name in zip(key, names, strict=True))
    ordered = order_by_key(table, bytewise=False)
    condition, arguments = window_condition(table)
    cursor.execute(
        f"select {', '.join(names)} from ("
        f"select {selected}, row_number() over (order by {ordered}) as {place} {from_table(table)} where {condition}"
        f") as {numbered} where mod({place} - 1, %s) = 0 order by {place}",
        [*arguments, slice_rows],
    )
    points = list(cursor.fetchall())
    return points[1:] if points else None


def _find_days(cursor: pymysql.cursors.Cursor, table: PlannedTable, slice_rows: int) -> list[Point] | None:
    """Count the window's rows per day, and start a slice on each day that would fill the one before beyond its budget."""
    days = _count_days(cursor, table, cursor_in_window(table))
    missing, arguments = cursor_is_missing(table)
    cursor.execute(f"select 1 {from_table(table)} where {missing} limit 1", arguments)
    if not days and not cursor.fetchone():
        return None
    points: list[Point] = []
    filled = 0
    for day, rows in days:
        # Days before FIRST_DATE are with the missing ones in the first slice. An impossible date (2024-02-00) bounds nothing;
        # extract_slice refuses it by name.
        if filled and filled + rows > slice_rows and day > FIRST_DATE and "-00" not in day:
            points.append((day,))
            filled = 0
        filled += rows
    return points


def _count_days(cursor: pymysql.cursors.Cursor, table: PlannedTable, condition: Condition) -> list[tuple[str, int]]:
    name = name_column(table.cursor_column)
    cursor.execute(
        f"select cast(date({name}) as char), count(*) {from_table(table)} where {condition[0]} group by 1 order by 1",
        condition[1],
    )
    return [(day, int(rows)) for day, rows in cursor.fetchall() if day is not None]
