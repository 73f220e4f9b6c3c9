"""What a file of each folder may say: the keys of its header, and its sections.

What nothing reads is a mistake and not an extension: a misspelled `dirty_from_bookings` leaves figures stale, and a misspelled
`holds` or `personal` takes a protection away.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.sql_files import SqlFile

DIRTY, DIRTY_DAYS = "dirty_from_", "dirty_days_from_"
# Beside curated tables, what can make periods stale (steps/rates.py).
_RATES = "exchange_rate"
_TOLD = ("grain", "reads", "writes", "parameters", "rerun", "storage")
_KEYS = {
    "curated": (
        *_TOLD,
        *(
            "source",
            "input",
            "key",
            "references",
            "joins",
            "lake",
            "removed",
            "amount",
            "unique_key",
            "holds",
            "days",
            "personal",
        ),
    ),
    "intermediate": ("grain", "reads", "parameters", "kept_by"),
    "presentation": (*_TOLD, "period", "unique_key", "holds", "days", "personal", "rank", "lookback", "lake"),
    "checks": ("severity", "touched", "reads", "parameters"),
    "views": _TOLD,
    "report": (
        *("place", "title", "reading", "matters", "matures", "chart", "columns", "drawn", "empty", "unknown"),
        *("reads", "parameters", "lookback"),
    ),
}
_SECTIONS = {
    "curated": ("table", "judged", "accepted"),
    "intermediate": ("rows",),
    "presentation": ("table", "rows"),
    "checks": ("violations",),
    "views": ("view",),
    "report": ("query",),
}
# Of an intermediate table of which some rows are kept for the next run.
_KEPT = ("table", "kept")


def judge_shape(file: SqlFile, folder: str, curated: Collection[str] = ()) -> None:
    """Refuse a file that says what nothing reads, or lacks a section.

    Args:
        folder: Of the marketplace, in which the file stands.
        curated: The names of the curated tables, whose changes can make periods stale.

    Raises:
        FixConfiguration: it names the file, the word, and those that are known.
    """
    if unknown := [key for key in file.header if key not in _KEYS[folder]]:
        raise FixConfiguration(
            f"{file.path}: the header has a line `-- {unknown[0]}: …`, which nothing reads; it may have:"
            f" {', '.join(_KEYS[folder])}"
        )
    sections = [name for name in _SECTIONS[folder] if name != "judged" or file.header.get("input") != "versions"]
    if "kept_by" in file.header:
        sections += _KEPT
    for name in sections:
        file.section(name)
    prefixes = {"intermediate": (DIRTY_DAYS,), "presentation": (DIRTY, DIRTY_DAYS)}.get(folder, ())
    known = {*sections, *(prefix + table for prefix in prefixes for table in (*curated, _RATES))}
    if nothing := [name for name in file.sections if name not in known]:
        of_tables = [f"{prefix}<table>" for prefix in prefixes]
        tables = f"; a <table> is one of: {', '.join([*sorted(curated), _RATES])}" if prefixes else ""
        raise FixConfiguration(
            f"{file.path} has a section `-- name: {nothing[0]}`, which nothing reads; it may have:"
            f" {', '.join([*sections, *of_tables])}{tables}"
        )


def read_days(file: SqlFile, key: str) -> int:
    """Return a number of days that a header line says as `29 days`."""
    text = file.header_line(key)
    if not (found := re.fullmatch(r"(\d{1,4}) days", text)):
        raise FixConfiguration(f"{file.path}: {key} is {text!r}; write it as `29 days`")
    return int(found[1])


def list_read(sql: str, schema: str) -> set[str]:
    """Return the tables of a schema that a statement names."""
    return set(re.findall(rf"\b{re.escape(schema)}\.(\w+)", re.sub(r"--.*", "", sql)))
