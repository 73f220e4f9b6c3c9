"""A market that one believes: the default of `make run`. The same seed, scale and founding day give the same life, day by day.

A marketplace's own `market` module writes the whole life down, as every row's versions with the moment at which the application
wrote each: what a first load finds is what stands at the end of a day, and what a day changes is the versions of that day. So
an increment goes on where the history ended: stays that were planned then are booked now, and bookings of last week are paid.

About one row in a hundred is wrong on purpose when it is written; some of those are corrected days later.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
import pymysql

from local.marketplace import import_part
from local.marketplace.columns import Columns, Progress, ignore_progress, insert_columns
from local.marketplace.generator import refuse_filled_tables

Values = dict[str, Any]  # a row by the names of its columns
DEFAULT_SCALE = 1.0
HISTORY_DAYS = 730
_FIRST_DAY = datetime(2000, 1, 1)


class Version(NamedTuple):
    """How a row stands from a moment on.

    Attributes:
        written_at: When the application wrote it, in UTC.
        what: What happened, in words that fit a count: `canceled bookings`.
        values: The row, without the stamp that the database gives it.
        is_wrong: Whether it breaks a rule on purpose.
    """

    written_at: datetime
    what: str
    values: Values
    is_wrong: bool = False


Row = list[Version]  # in the order in which they were written


@dataclass(frozen=True)
class Table:
    """All rows that a table has in a market's life.

    Attributes:
        key: The column by which a row is found again; None where rows are only added.
        stamp: The column in which the database notes when it wrote a row; None where there is none.
        rows: The versions of each row.
    """

    key: str | None
    stamp: str | None
    rows: list[Row]


Life = dict[str, Table]  # by table, in the order in which rows are inserted


def live(marketplace: str, scale: float, seed: int, founded: date, until: date, since: date = date.min) -> Life:
    """Write down a market's life.

    Args:
        marketplace: Whose; a folder of sql/.
        scale: 1.0 is the usual size; see the marketplace's `market`.
        founded: The day on which the source is filled; the market opened HISTORY_DAYS before it, or a few days more.
        until: The last day that matters: a later one gives the same versions up to this one.
        since: Rows that do not change from this day on may be left out.

    Raises:
        ValueError: scale is not above 0, or nothing generates data for the marketplace.
    """
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    opened = (founded - timedelta(days=HISTORY_DAYS)).replace(day=1)
    life: Life = import_part(marketplace, "market").live(scale, seed, opened, since, until)
    return life


def stand(life: Life, after: date) -> Iterator[tuple[str, Columns]]:
    """Give each table's rows as they stand when a day begins, with the moments at which they were written."""
    for name, table in life.items():
        standing = [row[known - 1] for row in table.rows if (known := _count_before(row, after))]
        columns = _make_columns([version.values for version in standing])
        if table.stamp:
            columns[table.stamp] = np.array([version.written_at for version in standing], dtype=object)
        yield name, columns


def found_market(
    connection: pymysql.Connection,
    marketplace: str,
    scale: float,
    seed: int,
    founded: date,
    progress: Progress = ignore_progress,
) -> dict[str, int]:
    """Fill the empty tables of the sample schema with a market as it stands when a day begins; return the rows of each.

    Raises:
        SourceNotEmpty: one of the tables has rows.
    """
    refuse_filled_tables(connection, marketplace)
    progress("living two years of the market")
    counts = {}
    connection.begin()
    try:
        for name, columns in stand(live(marketplace, scale, seed, founded, founded), founded):
            counts[name] = insert_columns(connection, name, columns, progress) if columns else 0
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return counts


def live_on(
    connection: pymysql.Connection, marketplace: str, scale: float, seed: int, founded: date, first: date, last: date
) -> dict[str, int]:
    """Let days of the market happen on its source, in one transaction, stamped by the connection's clock.

    Args:
        scale, seed, founded: As it was founded.
        first, last: The days; the source stands as at the beginning of the first one.

    Returns:
        Rows by what happened to them.
    """
    counts: dict[str, int] = {}
    connection.begin()
    try:
        for name, table in live(marketplace, scale, seed, founded, last, since=first).items():
            added = []
            for row in table.rows:
                before, after = _count_before(row, first), _count_before(row, last + timedelta(days=1))
                if before == after:
                    continue
                version = row[after - 1]
                counts[version.what] = counts.get(version.what, 0) + 1
                if before:
                    _change(connection, name, str(table.key), row[before - 1].values, version.values)
                else:
                    added.append(version.values)
            if added:
                insert_columns(connection, name, _make_columns(added))
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return counts


def count_wrong(life: Life, after: date) -> dict[str, tuple[int, int]]:
    """Return by table how many rows are wrong when a day begins, and how many there are."""
    standing = {
        name: [row[known - 1] for row in table.rows if (known := _count_before(row, after))] for name, table in life.items()
    }
    return {name: (sum(version.is_wrong for version in rows), len(rows)) for name, rows in standing.items()}


def draw_from(*what: object) -> random.Random:
    """Return random numbers of their own for what is named: drawing more of one thing leaves the others as they are."""
    return random.Random(" ".join(map(str, what)))


def at_some_time(draw: random.Random, day: int, hours: tuple[int, int] = (7, 23)) -> datetime:
    """Return a moment of a day (its ordinal), between two hours."""
    seconds = 3600 * (hours[0] + draw.random() * (hours[1] - hours[0]))
    return _FIRST_DAY + timedelta(days=day - _FIRST_DAY.toordinal(), seconds=seconds)


def _count_before(row: Row, day: date) -> int:
    """Return how many versions of a row were written before a day."""
    return bisect_left(row, datetime.combine(day, time()), key=lambda version: version.written_at)


def _make_columns(rows: list[Values]) -> Columns:
    columns = {}
    for name in rows[0] if rows else ():
        columns[name] = np.empty(len(rows), dtype=object)
        columns[name][:] = [values[name] for values in rows]
    return columns


def _change(connection: pymysql.Connection, table: str, key: str, old: Values, new: Values) -> None:
    changed = {name: value for name, value in new.items() if old[name] != value}
    if changed:
        assignments = ", ".join(f"`{name}` = %s" for name in changed)
        with connection.cursor() as cursor:
            cursor.execute(f"update `{table}` set {assignments} where `{key}` = %s", [*changed.values(), new[key]])
