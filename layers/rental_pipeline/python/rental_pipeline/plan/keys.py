"""The keys that a run is about to read, judged before it reads a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pymysql

from rental_pipeline.base.errors import FixData
from rental_pipeline.model.table_plan import PlannedTable, Slice
from rental_pipeline.plan.comparison import Sums
from rental_pipeline.source.queries import compose_blank_ends

_KEYS_SHOWN, _CHARACTERS_SHOWN = 3, 100


def refuse_blank_ends(
    connection: pymysql.Connection,
    table: PlannedTable,
    slices: Sequence[Slice],
    sums: Sums,
    require_time: Callable[[], None] = lambda: None,
) -> None:
    """Stop before a run would take two keys of the source for one.

    Redshift compares no blanks at the end of a text ("Significance of trailing blanks"). A source that does
    (`PlannedColumn.compares_blanks`) may hold both `a` and `a `, or get the other later, so no key of it may end with a blank.
    One that comes after this look is refused where it is read (extract/rows.py), and so is one of a table whose key is hashed:
    here it would be shown in the clear.

    Args:
        slices: What will be read; one query looks at one of them, of which planning has just found the bounds.
        sums: Says how many of them an earlier planner has looked at; is moved on.
        require_time: Called before each query; raises where there is no time for it.

    Raises:
        FixData: by the first such keys.
    """
    if table.hashes_key or not any(table.column(name).compares_blanks for name in table.key):
        return
    for part in slices[sums.judged :]:
        require_time()
        with connection.cursor() as cursor:
            cursor.execute(*compose_blank_ends(table, part, _KEYS_SHOWN + 1))
            found = cursor.fetchall()
        if found:
            shown = "; ".join([*(_show(table, key) for key in found[:_KEYS_SHOWN]), *("…" for _ in found[_KEYS_SHOWN:])])
            raise FixData(
                f"keys of {table.name} end with a blank ({shown}): the source tells such keys from those without it, Redshift"
                ' does not ("Significance of trailing blanks"), and two rows would be one. Take the blanks away in the source,'
                " and from what refers to the keys"
            )
        sums.judged += 1


def _show(table: PlannedTable, key: Sequence[str]) -> str:
    return ", ".join(f"{name}={_cut(value)!r}" for name, value in zip(table.key, key, strict=True))


def _cut(text: str) -> str:
    """Return a key as it is shown, with its end, which is what it is about."""
    return text if len(text) <= _CHARACTERS_SHOWN else f"…{text[-_CHARACTERS_SHOWN:]}"
