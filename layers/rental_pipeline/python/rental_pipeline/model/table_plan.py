"""What a run plans for each table, and its slices: the objects behind plan.json and slices.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.contract import REFUSE, SET_ASIDE
from rental_pipeline.model.document import FLAT, Document, named
from rental_pipeline.model.fingerprints import Point
from rental_pipeline.model.strategies import Snapshot, Strategy, cursor_of, key_of


@dataclass(frozen=True)
class PlannedColumn(Document):
    """A column that is read.

    Attributes:
        name: In the warehouse (lower case).
        type: Redshift's.
        source_name: As the source spells it.
        source_type: MySQL's type without size.
        is_hashed: Whether only a keyed hash of it leaves the source.
        charset: MySQL's character set of a text.
        compares_blanks: Whether the source tells texts apart by blanks at their ends, and they are read as they are.
    """

    name: str
    type: str
    source_name: str
    source_type: str
    is_hashed: bool = False
    charset: str | None = None
    compares_blanks: bool = False


@dataclass(frozen=True)
class Comparison(Document):
    """What the planner found when it compared the source with raw, range of keys by range (append: day by day).

    Attributes:
        ranges: Ranges (or days) that were compared.
        ranges_different: Those whose count or checksum differ; only these are read.
        source_rows, raw_rows: Rows in the ranges compared, on both sides.
        increments_from: Of a merge table: where the window of the next increment begins. A row that arrives with an older
            cursor is one that no increment finds.
    """

    ranges: int
    ranges_different: int
    source_rows: int
    raw_rows: int
    increments_from: str | None = None


@dataclass(frozen=True)
class PlannedTable(Document):
    """A table of the contract in one run; times are ISO text in the cursor's own clock.

    Attributes:
        name: In the warehouse. source_name: As the source spells it.
        columns: In the order of Parquet and COPY.
        read: False: not part of this run.
        complete: The read covers the whole table.
        cursor_time_zone: As in source.yaml; UTC where the cursor is a TIMESTAMP.
        lower, upper: Window of the cursor, half-open; upper only in a window run.
        next_lower: Where the window of the next run begins, if this one moves the watermark.
        planned_watermark: The watermark that the run begins with. new_watermark: Where it goes; null: it does not move.
        definition_hash: Of what is read (columns, hashing, key, cursor): the load stores it beside the watermark, and where they
            differ, all is read again.
        max_delete_fraction, max_rejected_fraction, bad_rows: As in source.yaml.
        slice_count: How many slices slices.json has of it.
        comparison: Where the table was compared with raw.
        days: Of a compared append table: the days that are read and replaced, each range half-open.
        added: Columns new in raw. is_new: The raw table is new. Both are announced at the end.
    """

    name: str
    source_name: str
    strategy: Strategy = field(metadata=FLAT)
    columns: tuple[PlannedColumn, ...]
    cursor_time_zone: str = "UTC"
    read: bool = False
    complete: bool = False
    lower: str | None = None
    upper: str | None = None
    next_lower: str | None = None
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

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row; events have none."""
        return key_of(self.strategy)

    @property
    def hashes_key(self) -> bool:
        """Whether only a hash of the key leaves the source: it bounds no slice."""
        return any(self.column(name).is_hashed for name in self.key)

    @property
    def cursor(self) -> str | None:
        """The column that tells what is new; a snapshot has none."""
        return cursor_of(self.strategy)

    @property
    def cursor_column(self) -> PlannedColumn:
        """The column that tells what is new; only a table with such a strategy is asked for it."""
        if isinstance(self.strategy, Snapshot):
            raise FixConfiguration(f"table {self.name} has no cursor (strategy {self.strategy.name})")
        return self.column(self.strategy.cursor)

    @property
    def types(self) -> dict[str, str]:
        """Redshift's type of each column, by name."""
        return {column.name: column.type for column in self.columns}


@dataclass(frozen=True)
class Slice(Document):
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
    start: Point | None = field(default=None, metadata=named("from"))
    end: Point | None = field(default=None, metadata=named("to"))
    compared: bool = False
    piece: int = 0
    known: int = 0


def iso_text(moment: datetime) -> str:
    """Return a time as plan.json writes it: ISO text with microseconds, without offset."""
    return moment.isoformat(timespec="microseconds")
