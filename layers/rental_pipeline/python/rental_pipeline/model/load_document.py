"""What was read of a table: the result of each slice, and loads.json, which adds them up."""

from __future__ import annotations

from dataclasses import dataclass, field

from rental_pipeline.model.document import IF_SET, Document, named
from rental_pipeline.model.fingerprints import NOTHING, Fingerprint, Point, Span
from rental_pipeline.model.table_plan import PlannedTable, Slice


@dataclass(frozen=True)
class WrittenFile(Document):
    """A Parquet file of the bucket, with its size and its rows.

    Attributes:
        least_key, greatest_key: Of the first column of the keys, where that is a whole number.
    """

    key: str
    bytes: int
    rows: int
    least_key: int | None = field(default=None, metadata=IF_SET)
    greatest_key: int | None = field(default=None, metadata=IF_SET)


@dataclass(frozen=True, kw_only=True)
class SliceResult(Document):
    """What became of a slice, or of a piece of one; the attempt that wins writes it last.

    Attributes:
        start: Where the piece begins.
        rest: What was handed on for want of time: the next piece, which begins where this one ended.
        attempt: Part of the files' keys.
        source_time: Of the plan it was read by.
        seconds: It took.
        expected: What raw must hold of this piece; of a compared one counted and summed by the source in the snapshot it was
            read in.
        ahead: Of the rows that were read, those that the next run looks at again (of its window); of a compared piece all.
        parts: The files of the rows. deleted: The file of the keys that raw has and the source has not.
        zero_dates: By column, how many dates that do not exist became NULL.
    """

    table: str
    slice: int
    piece: int
    start: Point | None = field(metadata=named("from"))
    rest: Slice | None
    attempt: str
    source_time: str
    seconds: float
    rows_read: int
    rows_in_parquet: int
    expected: Fingerprint
    parts: tuple[WrittenFile, ...]
    deleted: WrittenFile | None
    zero_dates: dict[str, int]
    rows_set_aside: int
    ahead: Fingerprint = NOTHING


@dataclass(frozen=True, kw_only=True)
class LoadTotals(Document):
    """What was read of a table, in all. What decides which rows a load brings has no default: its absence is no answer.

    Attributes:
        manifest: The s3:// address of the rows' COPY manifest. deleted_manifest: That of the deleted keys.
        seconds: Of all slices together.
        least_key, greatest_key: Of the first column of all keys, deleted ones too; None where it is no whole number in each file.
    """

    manifest: str | None
    deleted_manifest: str | None
    rows_read: int
    rows_in_parquet: int
    rows_deleted: int
    rows_set_aside: int
    slices: int = 0
    pieces: int = 0
    parts: int = 0
    bytes: int = 0
    zero_dates: int = 0
    seconds: float = 0.0
    least_key: int | None = field(default=None, metadata=IF_SET)
    greatest_key: int | None = field(default=None, metadata=IF_SET)


# Of a table in which there was nothing to read.
NOTHING_READ = LoadTotals(manifest=None, deleted_manifest=None, rows_read=0, rows_in_parquet=0, rows_deleted=0, rows_set_aside=0)


@dataclass(frozen=True)
class ListedFile(Document):
    """A file of a COPY manifest, by its s3:// address."""

    url: str


@dataclass(frozen=True)
class CopyManifest(Document):
    """A COPY manifest, as far as its files are asked for (Redshift, "Using a manifest to specify data files")."""

    entries: tuple[ListedFile, ...]


@dataclass(frozen=True, kw_only=True)
class TableLoad(LoadTotals):
    """A table's entry of loads.json.

    Attributes:
        expected: What raw must hold after the load, by at most 100 spans in the order of keys (or days): of a compared table its
            slices and the equal spans between them (in a reconcile run all of it), of a table or window that was read whole all
            that was read; nothing of a keyed table's window.
        rows_apart: Rows of equal spans that are not looked at again.
        ahead: As of the slices, of all of them.
    """

    expected: tuple[Span, ...]
    rows_apart: int
    ahead: Fingerprint = NOTHING


@dataclass(frozen=True)
class ReplayedLoad(Document):
    """A committed load of an earlier run, and what it was made from."""

    run_sequence: int
    source_time: str
    table: PlannedTable
    totals: LoadTotals
    rows_added: int
    rows_removed: int


@dataclass(frozen=True)
class Replay(Document):
    """What is the same for all loads of one table; the loads stand in objects of their own, one for each step.

    Attributes:
        columns: Of the table, in the order of its definition.
        definition: Creates the table beside raw in which the loads are made.
        loads: How many there are.
    """

    columns: tuple[str, ...]
    definition: str
    loads: int
