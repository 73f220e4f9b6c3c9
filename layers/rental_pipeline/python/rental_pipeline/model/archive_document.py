"""archive.json: which committed loads are to be tagged, and which erased tables' files are to go."""

from __future__ import annotations

from dataclasses import dataclass

from rental_pipeline.model.document import Document


@dataclass(frozen=True)
class TableRun(Document):
    """A run, and one of the tables that it loaded or erased."""

    run_sequence: int
    table_name: str


@dataclass(frozen=True)
class Archive(Document):
    """What archive_slices has to do.

    Attributes:
        loads: Committed, and not tagged yet.
        erased: Tables of which no file of an earlier run may stay.
    """

    loads: tuple[TableRun, ...]
    erased: tuple[TableRun, ...]
