"""How each table is taken: its name, key, strategy, cursor and drift, each with its reason; or why it is not taken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.adopt import words
from local.adopt.catalogue import CatalogueTable
from local.adopt.personal import Decision, Policy, decide_all_columns, is_of_persons
from local.adopt.words import leave_accents
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.column_types import can_be_cursor, can_be_key, redshift_type
from rental_pipeline.model.own_names import explain_reserved
from rental_pipeline.model.raw_tables import RESERVED_COLUMNS
from rental_pipeline.model.strategies import MOST_COMPARED_ROWS
from rental_pipeline.source.queries import quote_name

_LONGEST_TABLE_NAME = 100
_LONGEST_COLUMN_NAME = 127
_PREFIXED_SHARE = 0.8
_CHANGED = re.compile(
    r"(date|time|datetime|ts|timestamp|dt)?_?(of_)?(last_)?(updated|update|upd|modified|modification|modify|mod|changed|change|edited)"
    r"_?(at|on|date|time|datetime|timestamp|ts|utc|gmt)?|mtime|last_modified_(timestamp|date|at)|geaendert_am|date_modification"
    r"|row_?version|post_modified_gmt|fecha_actualizacion|aktualisiert_am|last_activity_at"
)


@dataclass(frozen=True)
class TableDecision:
    """What is decided on one table.

    Attributes:
        source: The table in the source.
        name: Its name in the warehouse; empty where it is left out.
        left_out: Why it is not taken; empty where it is.
        key, key_reason: The columns that tell rows apart, and why these.
        strategy, strategy_reason: merge or snapshot.
        cursor: The column by which merge finds changes; None for snapshot.
        zone_matters: Whether the cursor is a DATETIME, whose zone the contract has to say.
        drift, drift_reason: evolve or freeze.
        columns: The decision on each column, by its lower-cased name.
        advice: What would be better in the source, or has to be known; one sentence each.
    """

    source: CatalogueTable
    name: str = ""
    left_out: str = ""
    key: tuple[str, ...] = ()
    key_reason: str = ""
    strategy: str = ""
    strategy_reason: str = ""
    cursor: str | None = None
    zone_matters: bool = False
    drift: str = ""
    drift_reason: str = ""
    columns: Mapping[str, Decision] = field(default_factory=dict)
    advice: tuple[str, ...] = ()

    def is_taken(self, column: str) -> bool:
        """Whether a column, by its lower-cased name, arrives in the warehouse, be it hashed."""
        return column in self.columns and self.columns[column].policy in (Policy.TAKE, Policy.HASH)


def decide_tables(catalogue: Mapping[str, CatalogueTable]) -> list[TableDecision]:
    """Return the decision on every table of a catalogue, in the order of their names."""
    names = name_tables([name for name, table in catalogue.items() if not table.is_view])
    personal = decide_all_columns(catalogue)
    return [_decide(table, names.get(name, ""), personal[name]) for name, table in sorted(catalogue.items())]


def name_tables(sources: list[str]) -> dict[str, str]:
    """Return the warehouse's name of each table: lower case, other characters as _, a prefix that nearly all have left out.

    Tables whose names would be equal are numbered, in the order of their names.
    """
    prefix = find_prefix(sources)
    named: dict[str, str] = {}
    taken: set[str] = set()
    for source in sorted(sources):
        plain = re.sub(r"[^a-z0-9]+", "_", leave_accents(source).lower().removeprefix(prefix)).strip("_")[:_LONGEST_TABLE_NAME]
        if not plain or not plain[0].isalpha():
            plain = f"t_{plain}"[:_LONGEST_TABLE_NAME].rstrip("_")
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain[: _LONGEST_TABLE_NAME - 4]}_{number}"
        taken.add(name)
        named[source] = name
    return named


def find_prefix(sources: list[str]) -> str:
    """Return the beginning, up to an underscore, that nearly all names share; none for a handful of tables."""
    begun = Counter(name.lower().split("_")[0] + "_" for name in sources if "_" in name.strip("_"))
    if len(sources) < 5 or not begun:
        return ""
    prefix, count = begun.most_common(1)[0]
    return prefix if count >= _PREFIXED_SHARE * len(sources) else ""


def _decide(table: CatalogueTable, name: str, personal: Mapping[str, Decision]) -> TableDecision:
    if table.is_view:
        return TableDecision(table, left_out="a view: it has no key of its own; take the tables that it is made of")
    if words.FRAMEWORK_TABLES.fullmatch(table.name.lower()):
        return TableDecision(table, left_out="a framework's own books, of which no figure is made")
    columns = {**personal, **_refuse_columns(table)}
    key, key_reason = choose_key(table, columns)
    if not key:
        return TableDecision(table, left_out=key_reason, columns=columns)
    for column in key:
        if columns[column].policy is not Policy.HASH:
            columns[column] = Decision(Policy.TAKE, "part of the key")
    cursor, strategy_reason, advice = choose_strategy(table)
    if cursor:
        columns[cursor] = Decision(Policy.TAKE, "the cursor")
    kept_back = [column for column, decision in columns.items() if decision.policy is not Policy.TAKE]
    drift, drift_reason = "evolve", "no column of it looks personal: a new one is taken, and announced"
    if kept_back or is_of_persons(table):
        drift, drift_reason = "freeze", "of persons, or with texts kept back: a new column waits until somebody has decided on it"
    return TableDecision(
        table,
        name=name,
        key=key,
        key_reason=key_reason,
        strategy="merge" if cursor else "snapshot",
        strategy_reason=strategy_reason,
        cursor=cursor,
        zone_matters=bool(cursor) and table.columns[str(cursor)].data_type == "datetime",
        drift=drift,
        drift_reason=drift_reason,
        columns=columns,
        advice=advice,
    )


def choose_key(table: CatalogueTable, columns: Mapping[str, Decision]) -> tuple[tuple[str, ...], str]:
    """Return the columns that tell rows apart, and why these; none, and why, where there are none.

    The primary key, else the unique index of the fewest columns over NOT NULL ones; neither personal, nor of a type by which
    slices cannot be cut. Where all are personal, one of which only a hash leaves the source, unless the table is too large to
    be read in one slice.
    """
    if not table.keys:
        return (), (
            "it has no primary key, and no unique index over NOT NULL columns: add one there, or take it by strategy append, if"
            " it has a time of the event and its rows never change"
        )
    refused, hashed = [], []
    for number, key in enumerate([table.keys[0], *sorted(table.keys[1:], key=len)]):
        personal = [name for name in key if name in columns and columns[name].policy in (Policy.DROP, Policy.HASH)]
        unfit = [name for name in key if not can_be_key(table.columns[name])]
        reserved = [name for name in key if explain_reserved(name, RESERVED_COLUMNS)]
        shown = ", ".join(key)
        if personal:
            if table.rows <= MOST_COMPARED_ROWS and not unfit and not reserved and _may_be_hashed(key, columns):
                hashed.append(key)
            refused.append(f"({shown}) holds {', '.join(personal)}, which looks personal")
        elif unfit:
            refused.append(f"({shown}) holds {unfit[0]}, by whose type {table.columns[unfit[0]].data_type} slices cannot be cut")
        elif reserved:
            refused.append(f"({shown}) holds {reserved[0]}, which {explain_reserved(reserved[0], RESERVED_COLUMNS)}")
        else:
            kind = "the primary key" if number == 0 and not refused else "a unique index over NOT NULL columns"
            return key, f"{kind}{'; ' + '; '.join(refused) if refused else ''}"
    if hashed:
        return hashed[
            0
        ], "personal, as are all of its unique keys; hashed before anything is written, so that references stay equal"
    return (), f"none of its unique keys can be used: {'; '.join(refused)}"


def _may_be_hashed(key: tuple[str, ...], columns: Mapping[str, Decision]) -> bool:
    """Whether no part of a key is a secret, or kept back for another reason than that equal values should stay equal."""
    return all(columns[name].policy in (Policy.TAKE, Policy.HASH) for name in key if name in columns)


def choose_strategy(table: CatalogueTable) -> tuple[str | None, str, tuple[str, ...]]:
    """Return the cursor (None: snapshot), why, and what to know.

    Merge only where the server itself moves the cursor. One that the application keeps is gone around by bulk updates and
    counters, so the table is compared whole while it is small.
    """
    cursors = [name for name, column in table.columns.items() if can_be_cursor(column)]
    moving = [name for name in cursors if name in table.moves_itself and table.columns[name].data_type != "date"]
    kept = [name for name in cursors if _CHANGED.fullmatch(name) and table.columns[name].data_type != "date"]
    rows = f"about {table.rows:,} rows"
    if moving:
        cursor = next((name for name in kept if name in moving), moving[0])
        return cursor, f"the server moves {cursor} at each change (ON UPDATE CURRENT_TIMESTAMP)", _advise(table, cursor)
    if table.rows <= MOST_COMPARED_ROWS:
        why = f"only the application keeps {kept[0]}" if kept else "no column says when a row changed"
        return None, f"{why}; compared whole while it is small ({rows})", ()
    if kept:
        advice = (
            f"{kept[0]} is maintained by the application: what goes around it is found by a daily reconcile run only"
            ' ({"reconcile": true})',
            *_advise(table, kept[0]),
        )
        return kept[0], f"too large to be compared in each run ({rows}); {kept[0]} is maintained by the application", advice
    return (
        None,
        f"no column says when a row changed; compared whole, though it is large ({rows})",
        (
            f"each run reads all of it at the source: ALTER TABLE {quote_name(table.name)} ADD COLUMN changed_at DATETIME(6)"
            " NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), ADD INDEX (changed_at); then strategy merge",
        ),
    )


def _advise(table: CatalogueTable, cursor: str) -> tuple[str, ...]:
    advice = []
    column = table.columns[cursor]
    if cursor not in table.source.indexed:
        advice.append(
            f"no index begins with {cursor}, so each run scans the table:"
            f" ALTER TABLE {quote_name(table.name)} ADD INDEX ({quote_name(column.name)})"
        )
    if column.nullable:
        advice.append(f"{cursor} may be NULL, and every run reads the rows where it is: make it NOT NULL")
    return tuple(advice)


def _refuse_columns(table: CatalogueTable) -> dict[str, Decision]:
    """Return the columns that the warehouse cannot have: by a reserved name, or a type that it does not hold."""
    refused = {}
    for name, column in table.columns.items():
        reserved = explain_reserved(name, RESERVED_COLUMNS)
        if reserved or len(name.encode()) > _LONGEST_COLUMN_NAME:
            refused[name] = Decision(Policy.DROP, f"its name {reserved or 'is too long for the warehouse'}: rename it to take it")
            continue
        try:
            redshift_type(column)
        except FixConfiguration:
            refused[name] = Decision(Policy.DROP, f"of type {column.data_type}, which no type of the warehouse holds exactly")
    return refused
