"""What the layers are: curated = f(raw's newest, rule), presentation = g(curated, week, formula) (I2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.model.state import CHILDREN, PARENTS, Items, Key, Period, Version

WEEKS_OF_CHILDREN = (0, 1)


def find_newest(raw: Iterable[Version], by_sequence: bool = True) -> dict[Key, Version]:
    """Return the newest version of each key, tombstones too."""
    newest: dict[Key, Version] = {}
    for version in raw:  # in the order in which they were committed
        known = newest.get(version.key)
        if known is None or (version.run >= known.run if by_sequence else version.cursor >= known.cursor):
            newest[version.key] = version
    return newest


def judge(key: Key, content: Any, has_parent: bool) -> str | None:
    """Return why a row is rejected, None where it is accepted."""
    table = key[0]
    if (content[0] if table == PARENTS else content[1]) == "broken":
        return "broken"
    return "orphan" if table == CHILDREN and not has_parent else None


def had_parent(raw: Iterable[Version]) -> bool:
    """Whether raw has or ever had a parent: one that went, or is broken, takes no child along."""
    return any(version.key[0] == PARENTS and version.content is not None for version in raw)


def curate_all(raw: Iterable[Version], rule: int) -> tuple[dict[Key, Any], dict[Key, str]]:
    """Return curated and rejected rows, made at once; the rule is a part of every curated value."""
    newest, has_parent = find_newest(raw), had_parent(raw)
    curated: dict[Key, Any] = {}
    rejected: dict[Key, str] = {}
    for key in newest:
        content = newest[key].content
        if content is None:
            continue
        reason = judge(key, content, has_parent)
        if reason:
            rejected[key] = reason
        else:
            curated[key] = (content, rule)
    return curated, rejected


def measure(period: Period, curated: Items, week: int, formula: int) -> int | None:
    """Return a metric's row for a period, None where it has none.

    `children` counts those of a week, `parents` all that there are, for each week so far; a week without any has no row.
    """
    metric, number = period
    if metric == CHILDREN:
        return formula * sum(1 for key, value in curated if key[0] == CHILDREN and value[0][0] == number) or None
    return (formula * sum(1 for key, _ in curated if key[0] == PARENTS) or None) if number <= week else None


def all_periods(week: int) -> set[Period]:
    """Return every period that may have a row up to a week."""
    return {(CHILDREN, number) for number in WEEKS_OF_CHILDREN} | {(PARENTS, number) for number in range(week + 1)}


def touch_periods(key: Key, value: Any, week: int) -> set[Period]:
    """Return the periods in which a curated row counts."""
    if key[0] == CHILDREN:
        return {(CHILDREN, value[0][0])}
    return {(PARENTS, number) for number in range(week + 1)}


def publish_all(curated: Items, week: int, formula: int) -> dict[Period, int]:
    """Return the whole presentation layer, made at once."""
    rows = {period: measure(period, curated, week, formula) for period in all_periods(week)}
    return {period: value for period, value in rows.items() if value is not None}
