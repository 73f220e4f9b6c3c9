"""What a run plans for each table, and its slices: the objects behind plan.json and slices.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class PlannedColumn:
    """A column that is read.

    Attributes:
        name: In the warehouse (lower case).
        type: Redshift's.
        source_name: As the source spells it.
        source_type: MySQL's type without size.
        is_hashed: Whether only a keyed hash of it leaves the source.
    """

    name: str
    type: str
    source_name: str
    source_type: str
    is_hashed: bool = False


@dataclass(frozen=True)
class PlannedTable:
    """One entry of plan.json's `tables`, as docs/architecture.md explains it; times are ISO text in the cursor's own clock."""

    name: str
    source_name: str
    strategy: str
    key: tuple[str, ...]
    cursor: str | None
    columns: tuple[PlannedColumn, ...]
    read: bool = False
    complete: bool = False
    lower: str | None = None
    upper: str | None = None
    planned_watermark: str | None = None
    new_watermark: str | None = None
    definition_hash: str | None = None
    max_delete_fraction: float = 0.5
    slice_count: int = 0

    def column(self, name: str) -> PlannedColumn:
        """Return a column by its name in the warehouse."""
        return next(column for column in self.columns if column.name == name)

    def to_json(self) -> Json:
        """Return the entry of plan.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: Json) -> PlannedTable:
        """Return the table that an entry of plan.json describes."""
        columns = tuple(PlannedColumn(**column) for column in entry["columns"])
        return cls(**{**entry, "key": tuple(entry["key"]), "columns": columns})


@dataclass(frozen=True)
class Slice:
    """A range of a table that one extract_slice reads; one item of slices.json.

    Attributes:
        start, end: Values of the key (append: one day of the cursor) as text, half-open; None is open-ended.
    """

    run_sequence: int
    table: str
    slice: int
    start: tuple[str, ...] | None = None
    end: tuple[str, ...] | None = None

    def to_json(self) -> Json:
        """Return the item of slices.json."""
        return {
            "run_sequence": self.run_sequence,
            "table": self.table,
            "slice": self.slice,
            "from": list(self.start) if self.start else None,
            "to": list(self.end) if self.end else None,
        }

    @classmethod
    def from_json(cls, item: Json) -> Slice:
        """Return the slice that an item of slices.json describes."""
        start, end = (tuple(item[name]) if item[name] else None for name in ("from", "to"))
        return cls(item["run_sequence"], item["table"], item["slice"], start, end)


def iso_text(moment: datetime | None) -> str | None:
    """Return a time as plan.json writes it: ISO text with microseconds, without offset."""
    return moment.isoformat(timespec="microseconds") if moment else None
