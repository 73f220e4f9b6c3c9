"""pending.json and dirty.json: what has changed, in bounds that a step can write as literals, so that it reads little else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rental_pipeline.model.document import Document

# Texts that mean the same to every reader of a literal, and sort by their bytes.
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9_.:@+-]{1,200}")
_NUMBER = re.compile(r"-?\d{1,38}")


@dataclass(frozen=True, kw_only=True)
class JoinedArrivals(Document):
    """What raw has above the position of a curated table in a raw table that it joins.

    Attributes:
        rows: Versions.
        least, greatest: Of the first column of their keys, as text.
        referred_least, referred_greatest: Of the column that leads there, in the curated table's own raw rows above the position;
            None where another joined table leads there, or none does.
    """

    rows: int = 0
    least: str | None = None
    greatest: str | None = None
    referred_least: str | None = None
    referred_greatest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Arrivals(Document):
    """What raw has above the position of a curated table.

    Attributes:
        rows: Versions; of an append table also the days that were replaced.
        least, greatest: Of the first column of the keys, as text; of an append table, of the days. None: no row has one.
        removed: Versions that say that a key is gone.
        orphans: Rows without a parent, of which a parent has come since.
        orphans_accepted: Those of them that are in the curated table all the same.
        orphans_since: The least run sequence of those rows in raw; None where there is none.
        orphan_parents: Hashes of the keys of the parents that have come; empty where they are too many for a statement.
        joined: Versions in the raw tables that it joins, which may touch any key.
        joins: The same by joined table, with bounds; of one that it does not name, nothing is known.
    """

    rows: int
    least: str | None = None
    greatest: str | None = None
    removed: int = 0
    orphans: int = 0
    orphans_accepted: int = 0
    orphans_since: int | None = None
    orphan_parents: tuple[str, ...] = ()
    joined: int = 0
    joins: dict[str, JoinedArrivals] = field(default_factory=dict)


@dataclass(frozen=True)
class PeriodRange(Document):
    """The first and the last of a metric's dirty periods, by their first days, ISO."""

    first_period: str
    last_period: str


@dataclass(frozen=True)
class Pending(Document):
    """What is left to build.

    Attributes:
        curated: Tables, in build order; the step of the last one writes dirty.json.
        arrivals: By curated table, of those that are not built whole.
        dirty: By metric, before any curated table is built.
    """

    curated: tuple[str, ...]
    arrivals: dict[str, Arrivals]
    dirty: dict[str, PeriodRange]


def write_bounds(column: str, kind: str, least: str | None, greatest: str | None) -> str:
    """Return the condition, in literals, that a column lies between two of its values: Redshift skips blocks by literals only.

    Args:
        column: Qualified, in SQL.
        kind: Its type in Redshift.
        least, greatest: As text; None, or what cannot be written as a literal without doubt, is open-ended.
    """
    bounds = [(">=", _write_literal(kind, least)), ("<=", _write_literal(kind, greatest))]
    return " and ".join(f"{column} {sign} {text}" for sign, text in bounds if text) or "true"


def sorts_as(kind: str) -> str:
    """Return what values of one of Redshift's types are ordered as."""
    if kind.startswith(("smallint", "int", "bigint", "decimal", "numeric")):
        return "number"
    return "text" if kind.startswith(("varchar", "char")) else kind.partition("(")[0]


def _write_literal(kind: str, value: str | None) -> str | None:
    if value is None:
        return None
    if kind.startswith(("smallint", "integer", "bigint")) or re.fullmatch(r"decimal\(\d+, ?0\)", kind):
        return value if _NUMBER.fullmatch(value) else None
    if kind.startswith("date"):
        return f"'{value}'" if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None
    if kind.startswith(("varchar", "char")):
        return f"'{value}'" if _PLAIN_TEXT.fullmatch(value) else None
    return None
