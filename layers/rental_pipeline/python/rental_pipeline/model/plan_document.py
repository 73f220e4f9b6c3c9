"""plan.json: what a run does, decided before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.document import Document
from rental_pipeline.model.table_plan import PlannedTable

Layer = Literal["curated", "presentation"]


@dataclass(frozen=True)
class Rebuild(Document):
    """What is built whole.

    Attributes:
        layers: Each from the layer before it.
        tables: What is made of these raw tables; None: all.
    """

    layers: tuple[Layer, ...]
    tables: tuple[str, ...] | None


@dataclass(frozen=True)
class RawChanges(Document):
    """What must become of raw tables before the load.

    Attributes:
        batch: DDL that may run in a transaction. single: DDL that Redshift allows outside of one only.
    """

    batch: tuple[str, ...]
    single: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlannedTables(Document):
    """What slices, ledger and replays need of a plan, also of an earlier run's, which an earlier version may have written.

    Attributes:
        source_time: The source's clock when the run was planned, UTC, ISO.
        tables: All of the contract, in its order.
    """

    source_time: str
    tables: tuple[PlannedTable, ...]

    def find(self, name: str) -> PlannedTable | None:
        """Return the table of a name."""
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Plan(PlannedTables):
    """The plan of a run.

    Attributes:
        kind: `incremental`, or what the execution's input asks for.
        as_of: The date for which presentation is made, ISO.
        force_deletes: Publish even where suspiciously many rows are gone.
        dry_run: Stop after the plan.
        erased: Tables that are purged and read again.
    """

    marketplace: str
    run_sequence: int
    kind: str
    as_of: str
    force_deletes: bool
    dry_run: bool
    erased: tuple[str, ...]
    rebuild: Rebuild | None
    raw_changes: RawChanges

    def table(self, name: str) -> PlannedTable:
        """Return the table of a name.

        Raises:
            FixConfiguration: the contract has none.
        """
        table = self.find(name)
        if table is None:
            raise FixConfiguration(f"run {self.run_sequence} has no table {name!r} in its plan: it is none of source.yaml")
        return table
