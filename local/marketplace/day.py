"""A day of marketplace life, played on a live source at once: what an increment has to find.

Everything is written by the server's clock, now; only what commits late carries an older stamp. Which rows are touched depends on
the seed, on the number of the day and on what the source holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pymysql

from local.marketplace import import_part
from local.marketplace.period import Period

HISTORY_DAYS = Period.days  # a day's share of the rows, as in the generated history


@dataclass(frozen=True)
class Day:
    """One day on one source: the connection's transaction, the day's own random numbers, and the server's time."""

    connection: pymysql.Connection
    random: np.random.Generator
    now: datetime

    def query(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the rows of a select."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return list(cursor.fetchall())

    def execute(self, sql: str, *arguments: object) -> int:
        """Run a statement; return the number of rows affected."""
        with self.connection.cursor() as cursor:
            rows: int = cursor.execute(sql, arguments or None)
            return rows

    def choose(self, select: str, count: int) -> list[tuple[Any, ...]]:
        """Choose `count` rows, or what there are, of a select without an order; the same draw chooses the same rows."""
        return self.query(f"{select} order by rand({self.random.integers(2**31)}) limit {count}")


def play_day(connection: pymysql.Connection, seed: int, day_number: int, marketplace: str = "apartments") -> dict[str, int]:
    """Play one day on a source that has been filled, in one transaction.

    Args:
        connection: Its database holds the sample schema of the marketplace.
        seed, day_number: Say which rows are drawn; another number plays another day.
        marketplace: Whose; a folder of sql/.

    Returns:
        Rows by kind of change, the kinds in the order in which they happened.

    Raises:
        ValueError: there is nothing to live on yet.
    """
    life = import_part(marketplace, "day")
    with connection.cursor() as cursor:
        cursor.execute("select utc_timestamp(6)")
        ((now,),) = cursor.fetchall()
    day = life.begin_day(connection, np.random.default_rng([seed, 1_000 + day_number]), now)
    counts: dict[str, int] = {}
    connection.begin()
    try:
        for kind, live in life.HAPPENINGS.items():
            counts[kind] = live(day)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return counts
