"""The stored tables as Redshift would hold them: blocks of rows by sort key, and what was appended behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.rows_visited import BLOCK_ROWS, TEXT_BYTES, Block, Name

# Of a table's rows, unsorted and deleted ones together: Redshift vacuums and sorts by itself, when it has nothing else to do.
_VACUUMED_SHARE = 0.1

# Types whose least and greatest values exist; a boolean's tell nothing.
_ORDERED = ("smallint", "integer", "bigint", "numeric", "double precision", "real", "date", "timestamp without time zone")
_TEXT = ("character varying", "character", "text")


@dataclass
class _Table:
    """A table at the time of its last sort.

    Attributes:
        oid: Of PostgreSQL; another one means that it was made anew.
        mark: The first transaction after the sort.
        columns: Those with least and greatest values; True where it is text.
        blocks: As sorted. Rows deleted since stay in them, as they do in Redshift until a VACUUM.
    """

    oid: int
    mark: int
    columns: dict[str, bool]
    blocks: list[Block]


@dataclass(frozen=True)
class Difference:
    """How many rows a run wrote to a table, and deleted from it; a row that it both wrote and deleted is not seen."""

    written: int
    deleted: int


@dataclass
class Storage:
    """Follows the tables of some schemas of a stand-in for Redshift.

    A row is *appended* where its transaction began after the table's last sort. Appended rows stand in the order of their
    transactions, and the blocks are those after the run: a statement early in it is charged with rows that came later, which
    are few.

    Attributes:
        connection: To PostgreSQL, autocommitting, of a user who may read everything.
        schemas: Whose tables are followed.
        block_rows: Rows of a block.
    """

    connection: psycopg.Connection[Any]
    schemas: tuple[str, ...]
    block_rows: int = BLOCK_ROWS
    _sorted: dict[Name, _Table] = field(default_factory=dict)

    def sort(self, sort_keys: Mapping[Name, list[str]]) -> list[Name]:
        """Sort, as Redshift does between two runs, the tables with many rows appended or deleted since, and return which.

        A table without a sort key keeps its order, but loses what was deleted.
        """
        stored, tables = self.count_rows(), self._list_tables()
        done = []
        for name, blocks in self.read_blocks().items():
            known = self._sorted.get(name)
            kept = sum(block.rows for block in known.blocks) if known and known.oid == tables[name] else 0
            in_blocks = sum(block.rows for block in blocks)
            appended, deleted = in_blocks - kept, in_blocks - stored[name]
            if not kept or appended + deleted > _VACUUMED_SHARE * stored[name]:
                columns = self._list_columns(tables[name])
                keys = [sql.Identifier(column) for column in sort_keys.get(name) or ["ctid"]]
                mark = self._next_transaction()
                self._sorted[name] = _Table(tables[name], mark, columns, self._measure(name, columns, keys, sql.SQL("true")))
                done.append(name)
        return done

    def read_blocks(self) -> dict[Name, list[Block]]:
        """Return the blocks of every table as it stands now."""
        found = {}
        for name, oid in self._list_tables().items():
            known = self._sorted.get(name)
            columns = self._list_columns(oid)
            is_known = known is not None and known.oid == oid
            appended = sql.SQL("xmin::text::bigint >= {}").format(known.mark) if known and is_known else sql.SQL("true")
            order = [sql.SQL("xmin::text::bigint"), sql.SQL("ctid")]
            blocks = known.blocks if known and is_known else []
            found[name] = [*blocks, *self._measure(name, columns, order, appended)]
        return found

    def count_rows(self) -> dict[Name, int]:
        """Return the rows of every table."""
        return {name: self._ask(sql.SQL("select count(*) from {}").format(_identify(name)))[0][0] for name in self._list_tables()}

    def compare(self, before: Mapping[Name, int], since: int) -> dict[Name, Difference]:
        """Return what was written since a transaction (of `mark`), by the rows that each table had before."""
        found = {}
        for name in self._list_tables():
            query = sql.SQL("select count(*), coalesce(sum(case when xmin::text::bigint >= {} then 1 else 0 end), 0) from {}")
            ((rows, written),) = self._ask(query.format(since, _identify(name)))
            difference = Difference(int(written), before.get(name, 0) + int(written) - rows)
            if difference != Difference(0, 0):
                found[name] = difference
        return found

    def mark(self) -> int:
        """Return what `compare` takes for now."""
        return self._next_transaction()

    def _next_transaction(self) -> int:
        # Its lower half is what a row's xmin shows.
        return int(self._ask(sql.SQL("select pg_current_xact_id()::text::bigint & 4294967295"))[0][0]) + 1

    def _list_tables(self) -> dict[Name, int]:
        rows = self._ask(
            sql.SQL(
                "select n.nspname, c.relname, c.oid::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind = 'r' and n.nspname = any({}) order by 1, 2"
            ).format(list(self.schemas))
        )
        return {(schema, table): oid for schema, table, oid in rows}

    def _list_columns(self, oid: int) -> dict[str, bool]:
        rows = self._ask(
            sql.SQL(
                "select attname, format_type(atttypid, null) from pg_attribute"
                " where attrelid = {} and attnum > 0 and not attisdropped order by attnum"
            ).format(oid)
        )
        return {name: kind in _TEXT for name, kind in rows if kind in _ORDERED + _TEXT}

    def _measure(
        self, name: Name, columns: Mapping[str, bool], order: Iterable[sql.Composable], condition: sql.Composable
    ) -> list[Block]:
        values = [
            sql.SQL("left({}, {}) as {}").format(sql.Identifier(column), TEXT_BYTES, sql.Identifier(column))
            if is_text
            else sql.Identifier(column)
            for column, is_text in columns.items()
        ]
        ends = [sql.SQL("min({0}), max({0})").format(sql.Identifier(column)) for column in columns]
        query = sql.SQL(
            "select {outer} from (select {inner} from {table} where {condition}) as numbered group by _block order by _block"
        ).format(
            outer=sql.SQL(", ").join([sql.SQL("count(*)"), *ends]),
            inner=sql.SQL(", ").join(
                [
                    *values,
                    sql.SQL("(row_number() over (order by {}) - 1) / {} as _block").format(
                        sql.SQL(", ").join(order), self.block_rows
                    ),
                ]
            ),
            table=_identify(name),
            condition=condition,
        )
        return [
            Block(
                rows,
                {
                    column: (least, greatest)
                    for column, least, greatest in zip(columns, found[::2], found[1::2], strict=True)
                    if least is not None
                },
            )
            for rows, *found in self._ask(query)
        ]

    def _ask(self, query: sql.SQL | sql.Composed) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return rows


def _identify(name: Name) -> sql.Identifier:
    return sql.Identifier(*name)
