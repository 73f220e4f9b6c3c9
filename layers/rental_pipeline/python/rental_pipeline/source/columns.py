"""Matching a table's contract with the live schema: every rule that the source breaks is found before anything is read."""

from __future__ import annotations

from pathlib import Path

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.column_types import HASH_TYPE, KEY_TYPES, SourceColumn, can_be_cursor, can_be_key, redshift_type
from rental_pipeline.model.contract import DROP, HASH, TableContract, suggest
from rental_pipeline.model.own_names import explain_reserved
from rental_pipeline.model.raw_tables import RESERVED_COLUMNS
from rental_pipeline.model.table_plan import PlannedColumn
from rental_pipeline.source.connection import SourceTable

_LONGEST_NAME = 127  # bytes; Redshift, "Names and identifiers"


def find_source_table(sources: dict[str, SourceTable], contract: TableContract, path: Path) -> SourceTable:
    """Return the source's table that the contract's `source_table` names, or its own name does; in any case of letters.

    Raises:
        FixConfiguration: there is none, or there are several of other cases.
    """
    wanted = contract.source_table or contract.name
    found = [sources[wanted]] if wanted in sources else []
    found = found or [table for name, table in sources.items() if name.lower() == wanted.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(table.name for table in found)
        raise FixConfiguration(f"{path}: table {contract.name} could be {names}: say which by source_table")
    raise FixConfiguration(
        f"{path}: the source has no table {wanted}{suggest(wanted, sorted(sources))}: correct the name, or say source_table where"
        " the source calls it otherwise"
    )


def plan_columns(source: SourceTable, contract: TableContract, path: Path) -> tuple[PlannedColumn, ...]:
    """Return the columns to read, in the source's order.

    Raises:
        FixConfiguration: a column is missing or cannot be taken as the contract says; one line for each.
    """
    offered = {column.name.lower(): column for column in source.columns}
    if len(offered) < len(source.columns):
        twice = [column.name for column in source.columns if offered[column.name.lower()] is not column]
        raise FixConfiguration(
            f"{path}: table {contract.name}: the column {twice[0]} has another's name but for its case of letters, which Redshift"
            " does not tell apart: rename one in the source"
        )
    missing = [name for name in (*contract.requires, *contract.personal) if name not in offered]
    mistakes = [f"the source has no column {name}{suggest(name, sorted(offered))}" for name in dict.fromkeys(missing)]
    if not mistakes:
        mistakes += _check_key([offered[name] for name in contract.key], source)
        mistakes += _check_cursor(offered[contract.cursor], contract) if contract.cursor else []
    planned = []
    for name, column in offered.items():
        if contract.personal.get(name) == DROP:
            continue
        if why := _explain_name(name):
            rename = "" if name in (*contract.key, contract.cursor) else ", or rename it in the source"
            mistakes.append(f"column {column.name} {why}: {_find_way_out(name, contract)}{rename}")
            continue
        try:
            kind = redshift_type(column)
        except FixConfiguration as error:
            is_refused_key = name in contract.key and not can_be_key(column)
            is_refused_cursor = name == contract.cursor and not can_be_cursor(column)
            if not is_refused_key and not is_refused_cursor:  # of which is said above what they must be
                mistakes.append(f"{error}: {_find_way_out(name, contract)}")
            continue
        is_hashed = contract.personal.get(name) == HASH
        planned.append(
            PlannedColumn(
                name=name,
                type=HASH_TYPE if is_hashed else kind,
                source_name=column.name,
                source_type=column.data_type,
                is_hashed=is_hashed,
                charset=column.charset,
                compares_blanks=column.compares_blanks and not is_hashed,
            )
        )
    if mistakes:
        raise FixConfiguration("\n".join(f"{path}: table {contract.name}: {mistake}" for mistake in mistakes))
    return tuple(planned)


def _find_way_out(name: str, contract: TableContract) -> str:
    """Return what to do about a column that cannot be taken; what the contract itself needs cannot simply be left out."""
    if name in contract.key or name == contract.cursor:
        return f"it is the table's {'key' if name in contract.key else 'cursor'}: choose another, or rename it in the source"
    leave_out = f"leave it out with `personal: {{{name}: drop}}` in source.yaml"
    return f"take it out of `requires`, and {leave_out}" if name in contract.requires else leave_out


def _explain_name(name: str) -> str | None:
    if len(name.encode()) > _LONGEST_NAME:
        return f"has a name of more than {_LONGEST_NAME} bytes, the most that Redshift takes"
    return explain_reserved(name, RESERVED_COLUMNS)


def _check_key(key: list[SourceColumn], source: SourceTable) -> list[str]:
    mistakes = [
        f"key column {column.name} is of type {column.data_type}, which cannot bound a slice exactly: choose another unique key,"
        f" change its type ({', '.join(KEY_TYPES)}), or take the table by strategy append, without a key, where it has a time of"
        " the event and its rows never change"
        for column in key
        if not can_be_key(column)
    ]
    names = {column.name.lower() for column in key}
    if key and not any(unique <= names for unique in source.unique_keys):
        mistakes.append(
            f"the key ({', '.join(column.name for column in key)}) is not unique in the source: no primary key and no unique"
            f" index over NOT NULL columns is within it, and rows that share a key would be lost. {_list_keys(source)}"
        )
    return mistakes


def _list_keys(source: SourceTable) -> str:
    """Say which keys would do: those over columns by which slices can be cut."""
    fit = {column.name.lower() for column in source.columns if can_be_key(column)}
    usable = sorted(", ".join(sorted(key)) for key in source.unique_keys if key <= fit)
    if usable:
        return f"The source keeps unique: {'; '.join(f'key: [{key}]' for key in usable)}"
    return "It keeps nothing unique that can be a key: add a primary key there, or take the table by strategy append"


def _check_cursor(cursor: SourceColumn, contract: TableContract) -> list[str]:
    if not can_be_cursor(cursor):
        return [
            f"cursor {cursor.name} is of type {cursor.data_type}; only DATE, DATETIME and TIMESTAMP order by time"
            " (text such as 21/11/2026 does not): choose another cursor, or strategy snapshot"
        ]
    if cursor.data_type == "timestamp" and contract.cursor_time_zone != "UTC":
        return [f"cursor {cursor.name} is a TIMESTAMP, which is read in UTC: leave out cursor_time_zone"]
    return []
