"""lake.json: what a run brings to the lake."""

from __future__ import annotations

from dataclasses import dataclass

from rental_pipeline.model.document import Document


@dataclass(frozen=True)
class LakeColumn(Document):
    """A column, with Redshift's type."""

    name: str
    type: str


@dataclass(frozen=True)
class StaleTable(Document):
    """A table of the lake that differs from the warehouse's.

    Attributes:
        name: In the lake's database.
        layer, table: The warehouse's. relation: Its qualified name.
        divided_by: month or year, by which its files are divided; null: they are not.
        date_column: The column of whose; null as well.
        parts: Those that are unloaded, as 202611 or 2026, 0 of the rows without a date; null: all.
        base_run: The run whose list of files is continued.
        definition_hash: Of its shape, and of the bucket.
    """

    name: str
    layer: str
    table: str
    relation: str
    divided_by: str | None
    date_column: str | None
    parts: tuple[int, ...] | None
    base_run: int
    definition_hash: str
    columns: tuple[LakeColumn, ...]


@dataclass(frozen=True)
class ShownLoad(Document):
    """A committed load whose files the lake does not show yet."""

    run_sequence: int
    manifest: str


@dataclass(frozen=True)
class ShownSource(Document):
    """What was read of a source table, and the lake does not show yet.

    Attributes:
        name: In the lake's database.
        partition: The column of the run that read it.
        source: The table's name in raw.
        erased_before: The run that erased what earlier ones had read; null: none.
    """

    name: str
    partition: str
    source: str
    columns: tuple[LakeColumn, ...]
    loads: tuple[ShownLoad, ...]
    erased_before: int | None


@dataclass(frozen=True)
class Lake(Document):
    """What differs between the lake and the warehouse, and which slices it does not show yet."""

    tables: tuple[StaleTable, ...]
    slices: tuple[ShownSource, ...]
