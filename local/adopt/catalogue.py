"""What a database says of itself: its tables, columns, keys and indexes, and small samples of its texts. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymysql

from rental_pipeline.model.column_types import SourceColumn, is_character, is_long
from rental_pipeline.source.connection import SourceTable, describe_tables
from rental_pipeline.source.queries import quote_name

SAMPLED_ROWS = 200
_SAMPLED_CHARACTERS = 200
_VIEW = "VIEW"


@dataclass(frozen=True)
class CatalogueTable:
    """One table.

    Attributes:
        source: Columns and keys, as a run sees them.
        keys: The columns of each unique index over whole NOT NULL columns, lower-cased, in its order; the primary key first.
        moves_itself: Lower-cased columns that the server sets at each change (ON UPDATE CURRENT_TIMESTAMP).
        parents: Table and column that a lower-cased column refers to, by its foreign keys.
        rows: About how many rows; the server estimates.
        is_view: Whether it is a view.
        samples: Some values of a lower-cased text column.
    """

    source: SourceTable
    keys: tuple[tuple[str, ...], ...] = ()
    moves_itself: frozenset[str] = frozenset()
    parents: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows: int = 0
    is_view: bool = False
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def columns(self) -> dict[str, SourceColumn]:
        """Its columns by their lower-cased names."""
        return {column.name.lower(): column for column in self.source.columns}


def read_catalogue(connection: pymysql.Connection) -> dict[str, CatalogueTable]:
    """Return the tables and views of the connection's database by name, with samples of their texts."""
    described = describe_tables(connection)
    keys: dict[str, dict[str, list[str]]] = {}
    for table, index, column in _ask(
        connection,
        "select table_name, index_name, lower(column_name) from information_schema.statistics where table_schema = database()"
        " and non_unique = 0 order by table_name, index_name <> 'PRIMARY', index_name, seq_in_index",
    ):
        keys.setdefault(table, {}).setdefault(index, []).append(column or "")
    moving: dict[str, set[str]] = {}
    for table, column in _ask(
        connection,
        "select table_name, lower(column_name) from information_schema.columns where table_schema = database()"
        " and lower(extra) like '%on update%'",
    ):
        moving.setdefault(table, set()).add(column)
    parents: dict[str, dict[str, tuple[str, str]]] = {}
    for table, column, parent, parent_column in _ask(
        connection,
        "select table_name, lower(column_name), referenced_table_name, lower(referenced_column_name)"
        " from information_schema.key_column_usage where table_schema = database() and referenced_table_schema = database()"
        " and position_in_unique_constraint = 1",
    ):
        parents.setdefault(table, {})[column] = (parent, parent_column)
    sizes = _ask(
        connection,
        "select table_name, table_type, coalesce(table_rows, 0) from information_schema.tables where table_schema = database()",
    )
    return {
        name: CatalogueTable(
            source=described[name],
            keys=_order_keys(described[name], keys.get(name, {}).values()),
            moves_itself=frozenset(moving.get(name, ())),
            parents=parents.get(name, {}),
            rows=int(rows),
            is_view=kind.endswith(_VIEW),
            samples={} if kind.endswith(_VIEW) else _sample(connection, described[name]),
        )
        for name, kind, rows in sizes
        if name in described
    }


def count_values(connection: pymysql.Connection, table: str, column: str) -> dict[str, int]:
    """Return how many rows have each value of a column, the most frequent hundred first; NULL is the text `null`."""
    counted = _ask(
        connection,
        f"select coalesce(cast({quote_name(column)} as char), 'null') as _rp_value, count(*) as _rp_rows from {quote_name(table)}"
        " group by _rp_value order by _rp_rows desc, _rp_value limit 100",
    )
    return {str(value): int(rows) for value, rows in counted}


def list_pairs(connection: pymysql.Connection, table: str, key: str, value: str) -> dict[str, str]:
    """Return a column's values by those of another, of a table of few rows."""
    pairs = _ask(
        connection,
        f"select cast({quote_name(key)} as char), cast({quote_name(value)} as char) from {quote_name(table)} limit 100",
    )
    return {str(one): str(other) for one, other in pairs if one is not None and other is not None}


def read_time_zone(connection: pymysql.Connection) -> str:
    """Return the zone in which the server's own clock shows the time, as it calls it."""
    ((zone, system),) = _ask(connection, "select @@global.time_zone, @@global.system_time_zone")
    return str(system if zone == "SYSTEM" else zone)


def _order_keys(source: SourceTable, indexes: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return those of the unique indexes that tell rows apart, in the order they come in."""
    return tuple(tuple(columns) for columns in indexes if frozenset(columns) in source.unique_keys)


def _sample(connection: pymysql.Connection, source: SourceTable) -> dict[str, tuple[str, ...]]:
    """Return some values of each text column, from the first rows that the server finds."""
    texts = [column.name for column in source.columns if is_character(column.data_type) or is_long(column.data_type)]
    if not texts:
        return {}
    selected = ", ".join(f"left({quote_name(name)}, {_SAMPLED_CHARACTERS})" for name in texts)
    rows = _ask(connection, f"select {selected} from {quote_name(source.name)} limit {SAMPLED_ROWS}")
    return {
        name.lower(): tuple(_as_text(row[number]) for row in rows if row[number] not in (None, "", b""))
        for number, name in enumerate(texts)
    }


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _ask(connection: pymysql.Connection, sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
