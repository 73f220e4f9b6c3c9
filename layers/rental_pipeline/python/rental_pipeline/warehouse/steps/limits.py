"""What a curated table's columns hold, and which accepted values they do not: raw's texts may grow, numbers be of any size."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.model.column_types import LONGEST_VARCHAR
from rental_pipeline.model.raw_tables import quote_identifier

_COLUMN = re.compile(
    r'^\s*"?(?P<name>\w+)"?\s+(?P<kind>varchar|char|decimal|numeric|smallint|integer|int|bigint|real)\b'
    r"(?:\(\s*(?P<size>\d+)\s*(?:,\s*(?P<scale>\d+)\s*)?\))?(?P<required>[^,]*\bnot\s+null)?",
    re.IGNORECASE | re.MULTILINE,
)
_WHOLE = {"smallint": 2**15, "integer": 2**31, "int": 2**31, "bigint": 2**63}
_LARGEST_REAL = 3.4028e38
# Letters of a value that is told; four bytes each, and the name, stay below the 1,024 bytes that the texts of a verdict hold.
_LETTERS_TOLD = 200
_LETTERS = 240


@dataclass(frozen=True)
class Limit:
    """A column of which rows may have a value that the table does not hold.

    Attributes:
        rows: The table of those rows.
        is_required: Whether the table takes no NULL.
        exceeds: The condition on one of the rows.
    """

    rows: str
    column: str
    is_required: bool
    exceeds: str

    @property
    def told(self) -> str:
        """Return the text `column=value`, the value cut."""
        shown = f"left(cast({self.rows}.{self.column} as varchar({LONGEST_VARCHAR})), {_LETTERS_TOLD})"
        return f"'{self.column}=' || {shown}"


def read_limits(table: CuratedTable, rows: str) -> list[Limit]:
    """Return the limits of a table's columns on their way into it.

    Args:
        rows: `judged`: of those columns that the section `accepted` takes from it, as they are, rounded or in a cast.
            Of a derived table, what `accepted` gave: all columns, by the table's names.
    """
    accepted = table.file.section("accepted")
    limits = []
    for found in _COLUMN.finditer(table.file.section("table")):
        column = quote_identifier(found["name"]) if not found["name"].islower() else found["name"]
        taken = rf'^\s*(cast\()?(round\()?(judged\.)?"?{re.escape(found["name"])}"?(\s*[,)]|\s*$|\s+as\s)'
        if not table.is_derived and not re.search(taken, accepted, re.IGNORECASE | re.MULTILINE):
            continue
        if exceeds := _exceeds(f"{rows}.{column}", found["kind"].lower(), found["size"], found["scale"]):
            limits.append(Limit(rows, column, bool(found["required"]), exceeds))
    return limits


def describe_all(limits: list[Limit]) -> str:
    """Return the text that tells which of the values a row exceeds, several joined by `; `."""
    texts = " || ".join(f"case when {limit.exceeds} then {limit.told} || '; ' else '' end" for limit in limits)
    return f"cast(rtrim(left({texts}, {_LETTERS}), '; ') as varchar(1024))"


def _exceeds(value: str, kind: str, size: str | None, scale: str | None) -> str | None:
    """Return the condition that a value is too large for a type; None where none is, or the type has no limit of its own."""
    if kind in ("varchar", "char"):
        # Both count bytes (Redshift, "Character types"), and without a length hold 256 and 1.
        length = int(size or (256 if kind == "varchar" else 1))
        return f"octet_length(cast({value} as varchar({LONGEST_VARCHAR}))) > {length}" if length < LONGEST_VARCHAR else None
    # In floating point, because the other numbers have limits of their own.
    double = f"abs(cast({value} as double precision))"
    if kind in _WHOLE:
        largest = _WHOLE[kind]
        near = float(largest - 1), float(largest + 1)
        as_decimal = f"cast(case when {double} <= {near[1]!r} then {value} end as decimal(38, 4))"
        is_beyond = f"round({as_decimal}, 0) not between {-largest} and {largest - 1}"
        return f"({double} > {near[1]!r} or ({double} >= {near[0]!r} and {is_beyond}))"
    if kind == "real":
        return f"{double} > {_LARGEST_REAL!r}"
    # What rounds to the limit counts as beyond it.
    largest_decimal, half = 10.0 ** (int(size or 18) - int(scale or 0)), 0.5 * 10.0 ** -int(scale or 0)
    return f"{double} >= {largest_decimal - half!r}"
