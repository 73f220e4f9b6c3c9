"""A marketplace under test: what the engine and the comparison have to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from tests.metrics.records import Rate, Row, Verdict, Version

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Subject:
    """One marketplace.

    Attributes:
        marketplace: A folder of sql/.
        keys: The key of each source table, None where there is none; such a table's event time is recorded_at.
        columns: Raw's columns of each, as the sample schema gives them.
        judge_rows: Its judge's verdict over the source's rows.
        judge: Its judge's metrics: over the source's rows, the versions of those of `versioned` by key, the rates, the day.
        versioned: The table whose history the judge needs.
    """

    marketplace: str
    keys: dict[str, str | None]
    columns: dict[str, str]
    judge_rows: Callable[[Tables], Verdict]
    judge: Callable[[Tables, dict[Any, list[Version]], list[Rate], date], dict[str, pd.DataFrame]]
    versioned: str | None = None
