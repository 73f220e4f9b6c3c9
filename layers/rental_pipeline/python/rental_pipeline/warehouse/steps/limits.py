"""What a curated table's columns hold, and which accepted values they do not: raw's texts may grow, numbers be of any size."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rental_pipeline.definitions.marketplace import CuratedTable
from rental_pipeline.model.column_types import LONGEST_VARCHAR
from rental_pipeline.model.raw_tables import quote_identifier

_COLUMN = re.compile(
    r'^\s*"?(?P<name>\w+)"?\s+(?P<kind>varchar|decimal|numeric|smallint|integer|int|bigint)'
    r"(?:\(\s*(?P<size>\d+)\s*(?:,\s*(?P<scale>\d+)\s*)?\))?(?P<required>[^,]*\bnot\s+null)?",
    re.IGNORECASE | re.MULTILINE,
)
_WHOLE = {"smallint": 2.0**15, "integer": 2.0**31, "int": 2.0**31, "bigint": 2.0**63}
# Letters of a value that is told; four bytes each, and the name, stay below the 1,024 bytes that the texts of a verdict hold.
_LETTERS_TOLD = 200
_LETTERS = 240


@dataclass(frozen=True)
class Limit:
    """A column of which `judged` may give a value that the table does not hold.

    Attributes:
        is_required: Whether the table takes no NULL.
        exceeds: The condition on a row of `judged`.
    """

    column: str
    is_required: bool
    exceeds: str

    @property
    def told(self) -> str:
        """Return the text `column=value`, the value cut."""
        shown = f"left(cast(judged.{self.column} as varchar({LONGEST_VARCHAR})), {_LETTERS_TOLD})"
        return f"'{self.column}=' || {shown}"


def read_limits(table: CuratedTable) -> list[Limit]:
    """Return the limits of the columns that the section `accepted` takes from `judged`, as they are, rounded or in a cast."""
    accepted = table.file.section("accepted")
    limits = []
    for found in _COLUMN.finditer(table.file.section("table")):
        column = quote_identifier(found["name"]) if not found["name"].islower() else found["name"]
        name = re.escape(found["name"])
        if not re.search(
            rf'^\s*(cast\()?(round\()?(judged\.)?"?{name}"?(\s*[,)]|\s*$|\s+as\s)', accepted, re.IGNORECASE | re.MULTILINE
        ):
            continue
        if exceeds := _exceeds(f"judged.{column}", found["kind"].lower(), found["size"], found["scale"]):
            limits.append(Limit(column, bool(found["required"]), exceeds))
    return limits


def tell_all(limits: list[Limit]) -> str:
    """Return the text that tells which of the values a row exceeds, several joined by `; `."""
    texts = " || ".join(f"case when {limit.exceeds} then {limit.told} || '; ' else '' end" for limit in limits)
    return f"cast(rtrim(left({texts}, {_LETTERS}), '; ') as varchar(1024))"


def _exceeds(value: str, kind: str, size: str | None, scale: str | None) -> str | None:
    """Return the condition that a value is too large for a type; None where none is, or the type has no limit of its own."""
    if kind == "varchar":
        # A VARCHAR counts bytes (Redshift, "Character types").
        length = int(size or 256)
        return f"octet_length(cast({value} as varchar({LONGEST_VARCHAR}))) > {length}" if length < LONGEST_VARCHAR else None
    largest = _WHOLE.get(kind) or 10.0 ** (int(size or 18) - int(scale or 0))
    # In floating point, because the other numbers have limits of their own. What rounds to the limit counts as beyond it.
    half = 0.5 if kind in _WHOLE else 0.5 * 10.0 ** -int(scale or 0)
    return f"abs(cast({value} as double precision)) >= {largest - half!r}"
