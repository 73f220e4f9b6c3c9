"""One curated table, as its file in curated/ says it: what it is made from, its key, its parents, its rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.sql_files import SqlFile

# A column of a source may have blanks and dashes in its name.
_RAW = r"\w(?:[\w -]*?\w)?"
_REFERENCE = re.compile(rf"^(?P<column>{_RAW})(?: +as +(?P<curated>\w+))? *-> *(?P<parent>\w+)\.(?P<parent_key>{_RAW})$")
_JOIN = re.compile(rf"^(?:(?P<left>\w+)\.)?(?P<column>{_RAW}) *-> *(?P<table>\w+)\.(?P<to>{_RAW})$")
# A rule of a curated table: a line of words, the condition, and its name before what breaks it.
_RULE = re.compile(r"^ *-- (\S.*)\n *when (?:(?!\bwhen\b)[^;])*?\bthen\s+(?:\w+\.tell_broken\(\s*)?'([a-z_]+): ", re.MULTILINE)
# A text that is NULL where its value is: the row would then break no rule.
_NULL_RULE = re.compile(r"\bthen\s+'([a-z_]+): [^']*'\s*\|\|")


@dataclass(frozen=True)
class Amount:
    """What a row is worth.

    Attributes:
        amount: A decimal column of the table and of its `judged` rows.
        currency: The same, of a currency's three letters; None: the marketplace's reporting currency.
    """

    amount: str
    currency: str | None = None


@dataclass(frozen=True)
class Reference:
    """A child column that names a row of a parent table: rows are judged again when their parent is there for the first time.

    Attributes:
        column: The child's column in raw.
        parent: The parent, a curated table.
        parent_key: The parent's key column in raw.
        curated_column: The child's column in the curated table.
    """

    column: str
    parent: str
    parent_key: str
    curated_column: str


@dataclass(frozen=True)
class Join:
    """Another raw table that a curated table's rows are made from, too.

    Attributes:
        left: The joined table that leads to it; None: the curated table's own raw table.
        column: Of `left`, in raw.
        table: The raw table.
        to: Its column, in raw, that equals `column`.
    """

    left: str | None
    column: str
    table: str
    to: str


@dataclass(frozen=True)
class CuratedTable:
    """One file of curated/: a table, the raw table it is made from, and its parents."""

    file: SqlFile

    @property
    def name(self) -> str:
        return self.file.name

    @cached_property
    def source(self) -> str:
        """The raw table whose rows are judged."""
        return self.file.header_line("source")

    @cached_property
    def is_derived(self) -> bool:
        """Whether the table is made from all versions of accepted rows and so rejects nothing itself."""
        kind = self.file.header_line("input")
        if kind not in ("newest", "versions"):
            raise FixConfiguration(f"{self.file.path}: input is {kind!r}; it is either newest or versions")
        return kind == "versions"

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The curated columns that hold the raw key, in its order; of an append table, event_day."""
        return tuple(part.strip() for part in self.file.header.get("key", "event_day").split(","))

    @cached_property
    def keeps_removed(self) -> bool:
        """Whether a row that the source deleted keeps its last values here, for the facts that refer to it."""
        text = self.file.header.get("removed", "leave")
        if text not in ("kept", "leave"):
            raise FixConfiguration(f"{self.file.path}: removed is {text!r}; it is kept, or leave (also without the line)")
        return text == "kept"

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns, in their order, by its definition."""
        return self.file.table_columns

    def type_of(self, column: str) -> str:
        """Return the type of a column by the table's definition, in lower case and without its size; empty where it has none."""
        defined = re.search(rf'^\s*"?{re.escape(column)}"?\s+(\w+)', self.file.section("table"), re.IGNORECASE | re.MULTILINE)
        return defined[1].lower() if defined else ""

    @cached_property
    def personal(self) -> frozenset[str]:
        """The columns whose values no message shows, by the header's line `personal`."""
        return frozenset(part.strip() for part in self.file.header.get("personal", "").split(",") if part.strip())

    @cached_property
    def amount(self) -> Amount | None:
        """The columns that say what a row is worth; None where rows carry no money."""
        text = self.file.header.get("amount")
        if text is None:
            return None
        if self.is_derived:
            raise FixConfiguration(f"{self.file.path}: amount is for tables that judge rows; input: versions judges none")
        columns = [part.strip() for part in text.split(",")]
        if len(columns) > 2 or not all(column.isidentifier() for column in columns):
            raise FixConfiguration(
                f"{self.file.path}: amount says {text!r}; write `amount column` or `amount column, currency column`"
            )
        return Amount(*columns)

    @cached_property
    def rules(self) -> dict[str, str]:
        """What breaks each of the table's rules, in words, by the rule's name."""
        judged = self.file.sections.get("judged", "")
        if null := _NULL_RULE.search(judged):
            raise FixConfiguration(
                f"{self.file.path}: the rule {null[1]} joins its value by ||, which is NULL where the value is, and the row would"
                f" be accepted; write <marketplace>_control.tell_broken('{null[1]}: column=', value)"
            )
        return {name: words for words, name in _RULE.findall(judged)}

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        text = self.file.header.get("references", "none")
        if text == "none":
            return ()
        references = []
        for part in text.split(","):
            match = _REFERENCE.match(part.strip())
            if not match:
                raise FixConfiguration(
                    f"{self.file.path}: references says {part.strip()!r}; write `column -> table.column`,"
                    " `column as curated_column -> table.column`, or none"
                )
            column = match["column"]
            references.append(Reference(column, match["parent"], match["parent_key"], match["curated"] or column))
        return tuple(references)

    @cached_property
    def joins(self) -> tuple[Join, ...]:
        """The other raw tables that its rows are made from, each behind the one that leads to it."""
        text = self.file.header.get("joins", "none")
        joins: list[Join] = []
        for part in [] if text == "none" else text.split(","):
            match = _JOIN.match(part.strip())
            if not match:
                raise FixConfiguration(
                    f"{self.file.path}: joins says {part.strip()!r}; write `column -> raw_table.column`, or"
                    " `joined_raw_table.column -> raw_table.column` where another joined table leads to it"
                )
            join = Join(match["left"], match["column"], match["table"], match["to"])
            if join.left and join.left not in [before.table for before in joins]:
                raise FixConfiguration(f"{self.file.path}: joins leads from {join.left}, which no join before it names")
            if join.table in [self.source, *(before.table for before in joins)]:
                raise FixConfiguration(f"{self.file.path}: joins names {join.table} twice, or it is the table's own source")
            joins.append(join)
        if joins and self.is_derived:
            raise FixConfiguration(f"{self.file.path}: joins is for tables that judge rows; input: versions judges none")
        return tuple(joins)
