"""ledger.json: what the control schema said when the run was opened."""

from __future__ import annotations

from dataclasses import dataclass

from rental_pipeline.model.column_types import CatalogueColumn
from rental_pipeline.model.document import Document

# The position of what was published last, by whose checks and charts: its layer and name.
AUDIT = ("control", "checks_and_charts")


@dataclass(frozen=True)
class Position(Document):
    """How far a table of a layer is built.

    Attributes:
        layer: raw, curated, presentation, lake, view, control or erased. name: Of its table; of control, archive or AUDIT's.
        run_sequence: The last run that changed it.
        watermark: Of raw: the source watermark, ISO with microseconds, in the cursor's own clock. Of presentation: the first day
            of the newest period that had ended by as_of and has rows, or an earlier one; None: not known.
        as_of: Of presentation: the day it was made for, ISO.
        input_hash: Of what its rows were made with. definition_hash: Of its shape; of raw, of what was read.
        first_run_sequence: Of raw: the first load of the table as it stands.
    """

    layer: str
    name: str
    run_sequence: int
    watermark: str | None = None
    as_of: str | None = None
    input_hash: str | None = None
    definition_hash: str | None = None
    first_run_sequence: int | None = None


@dataclass(frozen=True)
class CommittedLoad(Document):
    """A load that made a raw table what it is; read for a replay only."""

    run_sequence: int
    table_name: str
    manifest: str | None
    rows_added: int
    rows_removed: int


@dataclass(frozen=True)
class Ledger(Document):
    """The positions, and the columns of raw, as they were when the run was opened.

    Attributes:
        execution_id: ARN of the execution that opened the run.
        files_hash: Of the marketplace's SQL: a run goes on with the files it began with, or not at all.
        loads: In the order of runs; of a replay.
    """

    run_sequence: int
    execution_id: str
    files_hash: str
    positions: tuple[Position, ...]
    columns: tuple[CatalogueColumn, ...] = ()
    loads: tuple[CommittedLoad, ...] = ()

    def position(self, layer: str, name: str) -> Position | None:
        """Return how far a table is built; None where it never was."""
        return next((each for each in self.positions if each.layer == layer and each.name == name), None)

    def applied_run(self, layer: str, name: str) -> int:
        """Return the run up to which a layer's table is applied; 0 where it was never built."""
        position = self.position(layer, name)
        return position.run_sequence if position else 0

    def is_made_from(self, layer: str, name: str, input_hash: str) -> bool:
        """Whether the table was last built from inputs of this hash."""
        position = self.position(layer, name)
        return position is not None and position.input_hash == input_hash

    def is_defined_as(self, layer: str, name: str, definition_hash: str) -> bool:
        """Whether the table exists with this definition."""
        position = self.position(layer, name)
        return position is not None and position.definition_hash == definition_hash

    @property
    def published_run(self) -> int:
        """The run that published last; 0 where none did."""
        return max((each.run_sequence for each in self.positions if each.layer == "presentation"), default=0)

    @property
    def as_of(self) -> str | None:
        """The newest day that was published, ISO."""
        return max((each.as_of for each in self.positions if each.layer == "presentation" and each.as_of), default=None)
