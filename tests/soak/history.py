"""What the source held, change by change: the model that the layers are compared with, made of plain SELECTs alone.

A key's states are listed in the order in which they were committed. An append table has days for keys, and all rows of a day for
a state. A change is *owed* to the next good run where the design promises it (I1): the cursor moved forward, or is
missing, or the table is compared whole. Other changes may arrive with any run, and are owed to the next reconcile run; so is
all that they have written over before a run looked: the source has it no more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.fixtures.mariadb import SourceDatabase
from tests.fixtures.world import OVERLAP_SECONDS

Row = dict[str, Any]
BAD_COLUMNS = "_bad_columns"  # of raw: what could not be held
KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id"}
EVENTS, EVENT_TIME = "user_viewing", "recorded_at"
TABLES = (*KEYS, EVENTS)
_MERGED = ("apartments", "bookings")
_CURSORS = ("changed_at", EVENT_TIME)
_OVERLAP = timedelta(seconds=OVERLAP_SECONDS)
_EVENT_OVERLAP = timedelta(days=3)


@dataclass(frozen=True)
class State:
    """What a key held from one commit on.

    Attributes:
        content: The row (an event day: its rows); None where the source has none.
        change: The number of the change, over all tables.
        is_owed: Whether the next good run must bring it.
    """

    content: Any
    change: int
    is_owed: bool


@dataclass
class History:
    """The source's past.

    Attributes:
        changes: How many changes were seen.
        rows_offered: How many rows were put, changed or taken away.
        states: By table and key.
    """

    source: SourceDatabase
    changes: int = 0
    rows_offered: int = 0
    states: dict[str, dict[Any, list[State]]] = field(default_factory=lambda: {table: {} for table in TABLES})

    def observe(self, is_owed: bool | None = None) -> None:
        """Look at the source and note what has changed since the last look.

        Args:
            is_owed: What the caller knows of the changes; None: judge by their cursors.
        """
        self.changes += 1
        (now,) = self.source.query("select now(6)")[0]
        for table in TABLES:
            current = self._read(table)
            states = self.states[table]
            for key in current.keys() | states.keys():
                content = current.get(key)
                known = states[key][-1].content if key in states else None
                if content == known:
                    continue
                self.rows_offered += _count_difference(known, content)
                owed = _is_owed(table, key, content, now) if is_owed is None else is_owed
                states.setdefault(key, []).append(State(content, self.changes, owed))

    def owe_everything(self, table: str) -> None:
        """All of a table is read whole by the next good run."""
        self.changes += 1
        for states in self.states[table].values():
            states.append(State(states[-1].content, self.changes, True))

    def _read(self, table: str) -> dict[Any, Any]:
        rows = [_as_raw_holds(row) for row in self.source.query_rows(f"select * from {table}")]
        if table != EVENTS:
            return {row[KEYS[table]]: row for row in rows}
        days: dict[date | None, Counter] = {}
        for row in rows:
            moment = row[EVENT_TIME]
            days.setdefault(moment and moment.date(), Counter())[tuple(sorted(row.items(), key=str))] += 1
        return days


def _is_owed(table: str, key: Any, content: Any, now: datetime) -> bool:
    if table == EVENTS:
        return key is None or key >= (now - _EVENT_OVERLAP).date()
    if table not in _MERGED:
        return True
    if content is None:
        return False
    cursor = content["changed_at"]
    return cursor is None or cursor >= now - _OVERLAP


def _count_difference(known: Any, content: Any) -> int:
    if isinstance(known, Counter) or isinstance(content, Counter):
        known, content = known or Counter(), content or Counter()
        return (known - content).total() + (content - known).total()
    return 1


def _as_raw_holds(row: Row) -> Row:
    """Return a row as raw can hold it: NULL for a zero date as cursor, and for a text with a NUL, whose column is then named."""
    held = {name: None if name in _CURSORS and isinstance(value, str) else value for name, value in row.items()}
    bad = [name for name, value in held.items() if isinstance(value, str) and "\0" in value]
    return held | dict.fromkeys(bad) | ({BAD_COLUMNS: ", ".join(bad)} if bad else {})
