"""What a run plans for each table, and its slices: the objects behind plan.json and slices.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rental_pipeline.model.contract import REFUSE, SET_ASIDE

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
        charset: MySQL's character set of a text.
    """

    name: str
    type: str
    source_name: str
    source_type: str
    is_hashed: bool = False
    charset: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What the planner found when it compared the source with raw, range of keys by range (append: day by day).

    Attributes:
        ranges: Ranges (or days) that were compared.
        ranges_different: Those whose count or checksum differ; only these are read.
        source_rows, raw_rows: Rows in the ranges compared, on both sides.
    """

    ranges: int
    ranges_different: int
    source_rows: int
    raw_rows: int


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
    max_rejected_fraction: float = 0.05
    bad_rows: str = REFUSE  # a plan.json that was written before there was a choice says nothing of it
    slice_count: int = 0
    comparison: Comparison | None = None
    days: tuple[tuple[str | None, str], ...] | None = None
    added: tuple[str, ...] = ()
    is_new: bool = False

    @property
    def sets_aside(self) -> bool:
        """Whether a row with a value that cannot be held is kept without it, and its Parquet files say which."""
        return self.bad_rows == SET_ASIDE

    @property
    def is_idle(self) -> bool:
        """Whether the planner found nothing to read and nothing gone."""
        return self.read and not self.complete and not self.slice_count

    def column(self, name: str) -> PlannedColumn:
        """Return a column by its name in the warehouse."""
        return next(column for column in self.columns if column.name == name)

    def to_json(self) -> Json:
        """Return the entry of plan.json."""
        return {**asdict(self), "is_idle": self.is_idle}

    @classmethod
    def from_json(cls, entry: Json) -> PlannedTable:
        """Return the table that an entry of plan.json describes."""
        columns = tuple(PlannedColumn(**column) for column in entry["columns"])
        comparison = Comparison(**entry["comparison"]) if entry["comparison"] else None
        given = {name: value for name, value in entry.items() if name != "is_idle"}
        given["added"] = tuple(entry["added"])
        return cls(**{**given, "key": tuple(entry["key"]), "columns": columns, "comparison": comparison})


@dataclass(frozen=True)
class Slice:
    """A range of a table that one extract_slice reads; one item of slices.json.

    Attributes:
        start, end: Values of the key (append: one day of the cursor) as text, half-open; None is open-ended.
        piece: 0, and one more each time that the rest of the slice was handed on for want of time.
        compared: Whether the range is known to differ from raw. Of a keyed table, only the rows that differ are then read.
        known: Of a keyed table that is compared: the number of the list that holds what raw knows of it (known_prefix).
    """

    run_sequence: int
    table: str
    slice: int
    start: tuple[str, ...] | None = None
    end: tuple[str, ...] | None = None
    compared: bool = False
    piece: int = 0
    known: int = 0

    def to_json(self) -> Json:
        """Return the item of slices.json."""
        return {
            "run_sequence": self.run_sequence,
            "table": self.table,
            "slice": self.slice,
            "from": list(self.start) if self.start else None,
            "to": list(self.end) if self.end else None,
            "compared": self.compared,
            "piece": self.piece,
            "known": self.known,
        }

    @classmethod
    def from_json(cls, item: Json) -> Slice:
        """Return the slice that an item of slices.json describes."""
        start, end = (tuple(item[name]) if item[name] else None for name in ("from", "to"))
        return cls(
            item["run_sequence"],
            item["table"],
            item["slice"],
            start,
            end,
            item.get("compared", False),
            item.get("piece", 0),
            item.get("known", 0),
        )


def iso_text(moment: datetime | None) -> str | None:
    """Return a time as plan.json writes it: ISO text with microseconds, without offset."""
    return moment.isoformat(timespec="microseconds") if moment else None
