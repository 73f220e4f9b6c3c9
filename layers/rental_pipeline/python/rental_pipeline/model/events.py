"""What the state machine sends to functions, and what a planner answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rental_pipeline.model.document import Document


@dataclass(frozen=True)
class RunEvent(Document):
    """The event of the functions that do one thing for a run."""

    run_sequence: int


@dataclass(frozen=True)
class PlanEvent(Document):
    """The event of plan_run.

    Attributes:
        input: The execution's input, as a person wrote it.
        continuation: 0, or what the call before returned.
    """

    run_sequence: int
    input: Any = None
    continuation: int = 0


@dataclass(frozen=True)
class ReplaySpan(Document):
    """Loads of a table that one step makes again, by their places in the table's list; half-open."""

    table: str
    first: int
    last: int


@dataclass(frozen=True)
class PlanSummary(Document):
    """What plan_run returns.

    Attributes:
        continuation: 0, or the number with which to call again, where comparing took all the time.
        tables: Those that are read and have something to load.
    """

    run_sequence: int
    dry_run: bool
    slices_key: str
    continuation: int = 0
    slice_count: int = 0
    tables: tuple[str, ...] = ()
    replays: tuple[ReplaySpan, ...] = ()
