"""How a table is read: what tells its rows apart, and what tells which of them are new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rental_pipeline.model.document import Document, named


@dataclass(frozen=True)
class Merge(Document):
    """Rows with a key and the time of their last change: a run reads what changed, and adds a version of each.

    Attributes:
        key: The columns that identify a row.
        cursor: The column of the time.
    """

    name: Literal["merge"] = field(default="merge", init=False, metadata=named("strategy"))
    key: tuple[str, ...]
    cursor: str


@dataclass(frozen=True)
class Append(Document):
    """Events without a key, which stay as they are: a run reads the last days, and replaces those that differ, whole.

    Attributes:
        cursor: The column of the event's time.
    """

    name: Literal["append"] = field(default="append", init=False, metadata=named("strategy"))
    cursor: str


@dataclass(frozen=True)
class Snapshot(Document):
    """Rows with a key and no time of change: counts and checksums are compared with raw's, and the ranges that differ are read.

    Attributes:
        key: The columns that identify a row.
    """

    name: Literal["snapshot"] = field(default="snapshot", init=False, metadata=named("strategy"))
    key: tuple[str, ...]


Strategy = Merge | Append | Snapshot
STRATEGIES = (Merge.name, Append.name, Snapshot.name)


# A table of up to so many rows is better compared whole in each run, which is some seconds of one sequential read at the source,
# than read by a cursor that the source does not keep.
MOST_COMPARED_ROWS = 500_000


def advise_on_cursor(cursor: str, rows: int) -> str:
    """Return what to do about a merge table of so many rows, some of which change without their cursor's telling it."""
    if rows <= MOST_COMPARED_ROWS:
        return "increments miss such rows; take strategy: snapshot in source.yaml, which compares the table in each run"
    return (
        f"increments miss such rows; have the source move {cursor} itself (ON UPDATE CURRENT_TIMESTAMP), or start a run with"
        ' {"reconcile": true} daily'
    )


def key_of(strategy: Strategy) -> tuple[str, ...]:
    """Return the columns that identify a row; events have none."""
    return () if isinstance(strategy, Append) else strategy.key


def cursor_of(strategy: Strategy) -> str | None:
    """Return the column that tells what is new; a snapshot has none."""
    return None if isinstance(strategy, Snapshot) else strategy.cursor
