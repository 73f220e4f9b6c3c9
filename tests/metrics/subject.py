"""A marketplace under test: what the engine and the comparison have to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from tests.metrics.records import History, Rate, Row, Verdict

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Subject:
    """One marketplace.

    Attributes:
        marketplace: A folder of sql/.
        keys: The key of each source table, None where there is none; such a table's event time is recorded_at.
        columns: Raw's columns of each, as the sample schema gives them.
        judge_rows: Its judge's verdict over the source's rows and the history of its tables with a key.
        judge: Its judge's metrics: over the same, the rates, the day.
    """

    marketplace: str
    keys: dict[str, str | None]
    columns: dict[str, str]
    judge_rows: Callable[[Tables, History], Verdict]
    judge: Callable[[Tables, History, list[Rate], date], dict[str, pd.DataFrame]]
