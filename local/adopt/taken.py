"""What of a source arrives in the warehouse: the contract as it stands, edited or not, beside the source's catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.adopt.catalogue import CatalogueTable
from local.adopt.mapping import Column, MappingFile, MappingRefused, Role
from local_redshift.dialect import RESERVED_WORDS
from rental_pipeline.model.column_types import HASH_TYPE, redshift_type
from rental_pipeline.model.contract import DROP, HASH, TableContract, suggest

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WHOLE_NUMBERS = ("smallint", "integer", "bigint")


@dataclass(frozen=True)
class TakenTable:
    """A table of the contract, and its columns in the source."""

    contract: TableContract
    source: CatalogueTable

    @property
    def types(self) -> dict[str, str]:
        """Raw's type of each column that is taken, by its lower-cased name."""
        personal = self.contract.personal
        return {
            name: HASH_TYPE if personal.get(name) == HASH else redshift_type(column)
            for name, column in self.source.columns.items()
            if personal.get(name) != DROP
        }

    def is_local_time(self, column: str) -> bool:
        """Whether a column shows the time of some clock, and not of UTC."""
        return self.source.columns[column].data_type == "datetime"


def match_tables(contract: Mapping[str, TableContract], catalogue: Mapping[str, CatalogueTable]) -> dict[str, TakenTable]:
    """Return the contract's tables by their names in it; those that the source does not have are left out."""
    by_name = {name.lower(): table for name, table in catalogue.items()}
    found = {}
    for name, table in contract.items():
        wanted = table.source_table or name
        source = catalogue.get(wanted) or by_name.get(wanted.lower())
        if source:
            found[name] = TakenTable(table, source)
    return found


def refuse_unknown(mapping: MappingFile, tables: Mapping[str, TakenTable]) -> None:
    """Refuse a mapping that names what does not arrive in the warehouse.

    Raises:
        MappingRefused: with a line for each column or table.
    """
    mistakes: list[str] = []
    for role in mapping.roles.values():
        mistakes += _judge_role(role, tables)
    listing = mapping.roles.get("listing")
    for referring in [mapping.roles[name] for name in ("stay", "view") if name in mapping.roles]:
        if not listing:
            mistakes.append(f"{referring.name}: it refers to listings, and no listing is mapped")
    if not mistakes:
        mistakes += _judge_parents(mapping, tables)
    if mistakes:
        raise MappingRefused("\n".join(f"mapping.yaml: {mistake}" for mistake in mistakes))


def _judge_parents(mapping: MappingFile, tables: Mapping[str, TakenTable]) -> list[str]:
    """Return which references cannot equal what they refer to: a number and a text, a hash and what was hashed."""
    mistakes = []
    for role in mapping.roles.values():
        parents = {"listing": "listing", "customer": "customer"}
        parents |= {"pickup": "place", "dropoff": "place"} if mapping.is_hourly else {}
        for name, parent in parents.items():
            if name not in role.columns or parent not in mapping.roles:
                continue
            column, other = role.columns[name], mapping.roles[parent]
            child, key = tables[column.table or role.table], other.columns["id"]
            what = f"{role.name}, {name}: {column} and the {parent}'s id"
            # A customer of stays by nights is a text, whatever it was.
            if name != "customer" or mapping.is_hourly:
                mistakes += _judge_kinds(what, child, column, tables[other.table], key)
            mistakes += _judge_hashes(what, child, column, tables[other.table], key)
        for join in role.joins:
            ends = tables[join.left.table or role.table], join.left, tables[join.table], Column(join.to)
            what = f"{role.name}, joins: {join.left} and {join.table}.{join.to}"
            mistakes += [*_judge_kinds(what, *ends), *_judge_hashes(what, *ends)]
    return mistakes


def _judge_kinds(what: str, child: TakenTable, column: Column, other: TakenTable, key: Column) -> list[str]:
    if key_kind(child, column) == key_kind(other, key):
        return []
    return [f"{what} are not of one type: number and text"]


def _judge_hashes(what: str, child: TakenTable, column: Column, other: TakenTable, key: Column) -> list[str]:
    ends = (child, column.name), (other, key.name)
    plain = [f"{table.contract.name}.{name}" for table, name in ends if table.contract.personal.get(name) != HASH]
    if len(plain) != 1:
        return []
    return [
        f"{what} never are equal, as only one of them is hashed: write hash for {plain[0]} too, under `personal` in source.yaml"
    ]


def _judge_role(role: Role, tables: Mapping[str, TakenTable]) -> list[str]:
    named = dict.fromkeys((role.table, *(join.table for join in role.joins)))
    unknown = [
        f"{role.name}: source.yaml has no table {name}{suggest(name, sorted(tables))}" for name in named if name not in tables
    ]
    if unknown:
        return unknown
    mistakes = []
    for field, column in role.list_columns():
        table = tables[column.table or role.table]
        if column.name in table.types:
            continue
        if column.name not in table.source.columns:
            known = sorted(table.source.columns)
            mistakes.append(
                f"{role.name}, {field}: {table.contract.name} has no column {column.name}{suggest(column.name, known)}"
            )
        else:
            undecided = column.name in table.contract.undecided
            mistakes.append(
                f"{role.name}, {field}: {table.contract.name}.{column.name} is not read"
                f" ({'undecided' if undecided else 'drop'} in"
                " source.yaml, under `personal`): take that line out and name it under `requires` if it is nobody's, or leave the"
                " field out here"
            )
    taken = tables[role.table].contract
    if role.key and taken.key and taken.key != tuple(column.name for column in role.key):
        wanted = f"write id: [{', '.join(taken.key)}]" if role.name == "stay" else "a role but stay needs a key of one column"
        mistakes.append(f"{role.name}, id: the key of {taken.name} is {', '.join(taken.key)} in source.yaml; {wanted}")
    return mistakes


def key_kind(table: TakenTable, column: Column) -> str:
    """Return whether a column is compared as a number or as a text."""
    kind = table.types.get(column.name, "")
    return "number" if kind in _WHOLE_NUMBERS or kind.startswith("decimal") else "text"


def curated_type(raw: str) -> str:
    """Return the type of a key in the curated layer: whole numbers are bigint, anything else is as raw has it."""
    return "bigint" if raw in _WHOLE_NUMBERS else raw


def quote(name: str) -> str:
    """Return a column's name as SQL, quoted only where it has to be."""
    return name if _PLAIN.fullmatch(name) and name.upper() not in RESERVED_WORDS else '"' + name.replace('"', '""') + '"'
