"""Columns of generated rows: drawing them, writing dates as each generation does, and inserting them in bulk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pymysql
import pymysql.cursors

Columns = dict[str, np.ndarray]  # column name -> one value per row, None for NULL
Progress = Callable[[str], None]  # takes one line for a person

PROGRESS_SECONDS = 2.0
ROWS_PER_BATCH = 5_000
# Values to draw from, or a function from the row numbers to their new values.
Replacement = tuple[object, ...] | Callable[[np.ndarray], object]
Weights = Sequence[float] | np.ndarray | None

LONGEST_STATEMENT_BYTES = 4_000_000  # well below the 16 MB packet that an untuned MariaDB takes


def ignore_progress(line: str) -> None:
    """The progress of those who do not want any."""


class Spoiler:
    """Puts dirt into columns, never two kinds into one row, and counts it.

    Attributes:
        counts: Rows by kind of dirt.
    """

    def __init__(self, random: np.random.Generator, columns: Columns, rows: np.ndarray) -> None:
        """Take the row numbers that may be spoiled."""
        self._random = random
        self._columns = columns
        self._table_size = count_rows(columns)
        self._rows = random.permutation(rows)
        self.counts: dict[str, int] = {}

    def spoil(self, kind: str, column: str, share: float, replacement: Replacement) -> np.ndarray:
        """Replace the values of a column in a share of the table's rows; return their numbers.

        Two rows at least are spoiled, for a small table must show its dirt too; a share of 0 spoils none.

        Args:
            replacement: Values to draw from, or a function from the row numbers to their new values.
        """
        count = max(2, round(share * self._table_size)) if share else 0
        rows, self._rows = self._rows[:count], self._rows[count:]
        if len(rows):
            new = replacement(rows) if callable(replacement) else draw(self._random, replacement, len(rows))
            self._columns[column][rows] = new
        self.counts[kind] = self.counts.get(kind, 0) + len(rows)
        return rows


def draw(random: np.random.Generator, choices: Sequence[object], count: int, weights: Weights = None) -> np.ndarray:
    """Draw `count` of the choices, as an object column."""
    values = np.empty(len(choices), dtype=object)
    values[:] = choices
    probabilities = None if weights is None else np.asarray(weights) / np.sum(weights)
    return values[random.choice(len(values), size=count, p=probabilities)]


def to_money(cents: np.ndarray) -> np.ndarray:
    """Return whole cents as exact decimals."""
    money = np.empty(len(cents), dtype=object)
    money[:] = [Decimal(number).scaleb(-2) for number in cents.tolist()]
    return money


def write_dates(moments: np.ndarray, european: np.ndarray) -> np.ndarray:
    """Write moments (datetime64[s]) as generation 1 does (2024-05-16 06:56:13) or generation 2 (27/03/2024).

    Args:
        moments: One per row.
        european: True for the rows that are written as generation 2 does.
    """
    days = moments.astype("datetime64[D]")
    distinct_days, day_number = np.unique(days, return_inverse=True)
    iso_days = np.datetime_as_string(distinct_days).astype(object)
    european_days = np.array([f"{text[8:]}/{text[5:7]}/{text[:4]}" for text in iso_days], dtype=object)
    seconds, second_number = np.unique((moments - days).astype(int), return_inverse=True)
    clock = np.array([f" {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds.tolist()], dtype=object)
    return np.where(european, european_days[day_number], iso_days[day_number] + clock[second_number])


def append_rows(columns: Columns, rows: list[dict[str, Any]]) -> Columns:
    """Return the columns with rows added below; a key that a row lacks is NULL."""
    appended = {}
    for name, values in columns.items():
        more = np.empty(len(rows), dtype=object)
        more[:] = [row.get(name) for row in rows]
        appended[name] = np.concatenate([values.astype(object), more])
    return appended


def count_rows(columns: Columns) -> int:
    """Return the number of rows."""
    return len(next(iter(columns.values())))


class LongStatementCursor(pymysql.cursors.Cursor):  # type: ignore[misc]  # PyMySQL is Any (pyproject.toml)
    """A cursor whose `executemany` sends statements of up to LONGEST_STATEMENT_BYTES."""

    max_stmt_length = LONGEST_STATEMENT_BYTES


def insert_columns(connection: pymysql.Connection, table: str, columns: Columns, progress: Progress = ignore_progress) -> int:
    """Insert rows in the connection's transaction, by statements of many rows; return how many."""
    names = ", ".join(f"`{name}`" for name in columns)
    statement = f"insert into `{table}` ({names}) values ({', '.join(['%s'] * len(columns))})"
    total = count_rows(columns)
    told = time.monotonic()
    with connection.cursor(LongStatementCursor) as cursor:
        for first in range(0, total, ROWS_PER_BATCH):
            batch = [values[first : first + ROWS_PER_BATCH].tolist() for values in columns.values()]
            cursor.executemany(statement, list(zip(*batch, strict=True)))
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                progress(f"{table}: {first + len(batch[0]):,} of {total:,} rows")
    return total
