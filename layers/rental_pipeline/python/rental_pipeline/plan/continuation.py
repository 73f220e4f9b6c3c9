"""The progress of a plan, kept for the next invocation.

What takes long is done once, and the bounds stay those that were fixed before the first read (I7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rental_pipeline.model.document import Document
from rental_pipeline.model.fingerprints import Span
from rental_pipeline.model.table_plan import PlannedTable, Slice
from rental_pipeline.plan.comparison import Sums
from rental_pipeline.source.safe_watermark import SafeWatermark


class OutOfTime(Exception):
    """The planner has to stop; another goes on."""


@dataclass
class PlannedPart(Document):
    """One table of the plan: its entry, its slices, and what must change in raw for it.

    Attributes:
        equal: Of a compared table, the spans that are not read.
        batch, single: DDL for the raw table, as in `RawTable`.
    """

    table: PlannedTable
    slices: list[Slice] = field(default_factory=list)
    equal: list[Span] = field(default_factory=list)
    batch: list[str] = field(default_factory=list)
    single: list[str] = field(default_factory=list)


@dataclass
class Progress(Document):
    """What is known of a plan.

    Attributes:
        safe_watermark: Fixed before anything was read.
        parts: The tables that are planned.
        comparing: The definition hash of the table that is being compared, whose sums count only while it stays the same.
        sums: What the source has of that one, as far as it was asked.
    """

    safe_watermark: SafeWatermark
    parts: list[PlannedPart] = field(default_factory=list)
    comparing: str | None = None
    sums: Sums = field(default_factory=Sums)

    def begin_sums(self, definition: str) -> Sums:
        """Return what is known of a table's sums; nothing where they are those of another, or by another definition."""
        if self.comparing != definition:
            self.comparing, self.sums = definition, Sums()
        return self.sums


class Deadline:
    """Stops a planner that has little time left; what it began is done all the same, so that each call comes further."""

    def __init__(self, remaining_seconds: Callable[[], float], reserve_seconds: float):
        self._remaining_seconds = remaining_seconds
        self._reserve_seconds = reserve_seconds
        self._has_begun = False

    def require_time(self) -> None:
        """Raise OutOfTime where something was done already, and less than the reserve is left for more."""
        if self._has_begun and self._remaining_seconds() < self._reserve_seconds:
            raise OutOfTime
        self._has_begun = True
