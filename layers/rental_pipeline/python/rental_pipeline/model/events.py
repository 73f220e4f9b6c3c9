"""What the state machine sends to functions, and what a planner answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rental_pipeline.model.document import Document


@dataclass(frozen=True)
class RunEvent(Document):
    """The event of the functions that do one thing for a run."""

    run_sequence: int


@dataclass(frozen=True)
class PlanEvent(Document):
    """The event of plan_run.

    Attributes:
        run_sequence: Null: no run is opened yet, and the source is only asked whether one is needed.
        input: The execution's input, as a person wrote it.
        continuation: 0, or what the call before returned.
    """

    run_sequence: int | None
    input: Any = None
    continuation: int = 0


@dataclass(frozen=True)
class ReplaySpan(Document):
    """Loads of a table that one step makes again, by their places in the table's list; half-open."""

    table: str
    first: int
    last: int


@dataclass(frozen=True)
class ChangeDetection(Document):
    """What plan_run returns where no run is opened yet.

    Attributes:
        status: `unchanged`: nothing is to be done, and the execution ends. `open`: the way over the warehouse.
        reason: Why it is so.
        run_sequence: Of an unchanged one: the last run, whose state it found.
        is_news, subject, message: As of the step `close`; of an unchanged one.
    """

    status: Literal["unchanged", "open"]
    reason: str
    run_sequence: int | None = None
    is_news: bool = False
    subject: str = ""
    message: str = ""


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
