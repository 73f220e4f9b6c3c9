"""What judges take and give: rows, versions, rates, verdicts, frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """What the pipeline learned of one row in one run.

    Attributes:
        run_sequence: The run.
        observed_at: The source's clock when that run was planned.
        row: The source's row; None: it was gone.
        compared_at: The source's clock when its whole table was last compared, before that run.
    """

    run_sequence: int
    observed_at: datetime
    row: Row | None
    compared_at: datetime | None = None


def date_version(version: Version, before: Version | None) -> datetime:
    """Return when a version came to be: what its row says (changed_at), or when it was seen.

    It cannot be older than the last moment at which the pipeline saw the row as it was before: such a cursor says nothing.
    """
    changed_at: datetime | None = version.row.get("changed_at") if version.row else None
    otherwise = max(filter(None, (before and before.observed_at, version.compared_at)), default=datetime.min)
    return version.observed_at if changed_at is None or changed_at < otherwise else changed_at


History = dict[str, dict[Any, list[Version]]]
"""By table and key, what the pipeline learned, in the order of the runs."""


@dataclass(frozen=True)
class Rate:
    """Units of the reporting currency for one unit of a currency, from a day until before another."""

    currency: str
    valid_from: date
    valid_to: date
    rate: Decimal


def find_rate(rates: Iterable[Rate], currency: str, day: date) -> Decimal | None:
    found = [rate.rate for rate in rates if rate.currency == currency and rate.valid_from <= day < rate.valid_to]
    return found[0] if found else None


@dataclass
class Verdict:
    """What is accepted and what is not.

    Attributes:
        accepted: Cleaned rows by table name and key; for a table without a key, a number in place of it.
        rejected: The broken rule by table name and key; without a key as above.
        unreadable: Of accepted rows, the columns that only inform and could not be read, by table name and key.
    """

    accepted: dict[str, dict[Any, Row]] = field(default_factory=lambda: defaultdict(dict))
    rejected: dict[str, dict[Any, str]] = field(default_factory=lambda: defaultdict(dict))
    unreadable: dict[str, dict[Any, set[str]]] = field(default_factory=lambda: defaultdict(dict))

    def give(self, table: str, key: Any, row: Row, broken_rule: str | None, unreadable: Collection[str] = ()) -> None:
        if broken_rule:
            self.rejected[table][key] = broken_rule
            return
        self.accepted[table][key] = row
        if unreadable:
            self.unreadable[table][key] = set(unreadable)


def make_frame(rows: list[Row], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns, dtype=object)


def rank(rows: list[Row], value: str, name: str) -> None:
    """Give each row of one period its place: one more than the number of rows above it."""
    for row in rows:
        row[name] = 1 + sum(other[value] > row[value] for other in rows if other["period_start"] == row["period_start"])
