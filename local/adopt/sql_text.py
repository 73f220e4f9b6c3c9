"""Pieces of a curated file's text, whatever its table is about: columns, rules, lists, comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from local.adopt.mapping import PRESENT, Column
from rental_pipeline.model.sql_literal import literal

WIDTH = 126
_CONTINUED: dict[str, Any] = {"subsequent_indent": "--" + " " * 13, "break_long_words": False, "break_on_hyphens": False}


@dataclass(frozen=True)
class OutputColumn:
    """A column of a curated table.

    Attributes:
        judged: Its expression at the end of `judged`, where that is not its name alone.
        is_cast: Whether `accepted` casts it to its type, as a key is, which `judged` leaves as raw has it.
    """

    name: str
    type: str
    is_required: bool = False
    judged: str = ""
    is_cast: bool = False

    @property
    def definition(self) -> str:
        return f"{self.name} {self.type}{' not null' if self.is_required else ''}"

    @property
    def selected(self) -> str:
        return f"{self.judged} as {self.name}" if self.judged else self.name

    @property
    def accepted(self) -> str:
        return f"cast({self.name} as {self.type}) as {self.name}" if self.is_cast else self.name


@dataclass(frozen=True)
class Rule:
    """A rule of `judged`: in words, the condition of a row that breaks it, and the expression of what breaks it."""

    words: str
    condition: str
    told: str


@dataclass
class Draft:
    """What a file's `judged` and its table are made of, as one field after the other adds to it.

    Attributes:
        texts: Columns of the source, as they came. numbers: Of these, what has to be known before they are parsed.
        parsed: Typed columns.
        rules: The first that a row breaks counts. ignored: The condition of a row that breaks none but the first, if any.
        unreadable: Expressions that tell of fields that only inform.
        columns: Of the table.
        known: The join to parents that are known, if any.
    """

    texts: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    columns: list[OutputColumn] = field(default_factory=list)
    known: str = ""
    ignored: str = ""


def write_header(title: str, lines: dict[str, str], notes: str = "") -> str:
    """Return a file's header; lines without a text are left out."""
    head = "\n".join(
        line
        for name, text in lines.items()
        if text
        for line in wrap(text, WIDTH, initial_indent=f"-- {name + ':':<11} ", **_CONTINUED)
    )
    return (
        f"-- {title}\n--\n{head}\n--\n{notes}"
        "-- Made by `make adopt` from mapping.yaml, with the rules of sql/apartments; what you change here stays.\n"
    )


def write_table(relation: str, columns: Sequence[OutputColumn], distkey: str, sortkey: str) -> str:
    body = ",\n".join(f"    {column.definition}" for column in columns)
    return f"-- name: table\ncreate table if not exists {relation} (\n{body}\n)\ndistkey ({distkey})\nsortkey ({sortkey})\n"


def write_accepted(columns: Sequence[OutputColumn]) -> str:
    selected = indent([column.accepted for column in columns], 4)
    return f"-- name: accepted\nselect\n{selected}\nfrom judged\nwhere broken_rule is null\n"


def write_judged(draft: Draft, ctes: Sequence[str], joined: str) -> str:
    """Return the section `judged` of a draft.

    Args:
        ctes: What stands before it, of joined tables. joined: The joins to them.
    """
    ctes = [*ctes, f"texts as (\n    select\n{indent(draft.texts, 8)}\n    from newest{joined}{draft.known}\n)"]
    rows = "texts"
    if draft.numbers:
        ctes.append(f"numbers as (\n    select\n{indent(['texts.*', *draft.numbers], 8)}\n    from texts\n)")
        rows = "numbers"
    ctes.append(f"parsed as (\n    select\n{indent([f'{rows}.*', *draft.parsed], 8)}\n    from {rows}\n)")
    cases = []
    for number, rule in enumerate(draft.rules):
        line = f"            when {rule.condition} then {rule.told}"
        if len(line) > WIDTH:
            line = f"            when {rule.condition}\n                then {rule.told}"
        cases.append(f"            -- {rule.words}\n{line}")
        if number == 0 and draft.ignored:
            cases.append(f"            when {draft.ignored} then null")
    told = "\n        || ".join(draft.unreadable) or "cast('' as varchar(330))"
    ctes.append(
        "ruled as (\n    select\n        parsed.*,\n"
        "        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.\n"
        f"        case\n{chr(10).join(cases)}\n        end as broken,\n        {told} as unreadable\n    from parsed\n)"
    )
    selected = [
        *(column.selected for column in draft.columns),
        "row_key",
        "split_part(broken, ': ', 1) as broken_rule",
        "substring(broken, position(': ' in broken) + 2) as broken_value",
        "cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value",
    ]
    body = ",\n\n".join(ctes)
    return f"-- name: judged\nwith {body}\n\nselect\n{indent(selected, 4)}\nfrom ruled\n"


def name_alias(column: str, name: str) -> str:
    """Return a column under a name, without saying the name twice."""
    return column if column.rpartition(".")[2] == name else f"{column} as {name}"


def name_one(table: str) -> str:
    """Return the name of the rows of a joined table of which one was chosen for each row."""
    return f"{table}_one"


def name_plainly(column: Column) -> str:
    """Return a column's name for a message in SQL: letters that a literal may hold."""
    return "".join(letter for letter in str(column) if letter.isalnum() or letter in "_.")


def round_to_cents(name: str, rows: str = "ruled") -> str:
    return f"cast(round({rows}.{name}, 2) as decimal(18, 2))"


def indent(lines: Sequence[str], blanks: int) -> str:
    return ",\n".join(" " * blanks + line for line in lines)


def is_among(text: str, values: tuple[str | None, ...]) -> str:
    """Return the condition that a text is one of some values, of which None is NULL and PRESENT anything else."""
    listed = [value for value in values if value not in (None, PRESENT)]
    parts = []
    if listed:
        quoted = ", ".join(literal(str(value)) for value in listed)
        parts.append(f"{text} in ({quoted})")
    parts += [f"{text} is null"] if None in values else []
    parts += [f"{text} is not null"] if PRESENT in values else []
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"
