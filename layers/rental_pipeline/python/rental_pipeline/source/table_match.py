"""One table of the contract, matched with the source and with raw: what a run refuses before it reads, the doctor finds too.

The catalogue shows nothing of what a user may not read, as if it did not exist. So before something is called missing or dropped,
the source is asked: it tells a lack of privilege (1142 for a table, 1143 for a column) from a name that it does not have (1146,
1054; MySQL Error Message Reference).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.raw_tables import RESERVED_COLUMNS, RawTable, plan_raw_table
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.source.columns import find_source_table, plan_columns
from rental_pipeline.source.connection import SourceTable, describe_tables
from rental_pipeline.source.queries import compose_slice_query, quote_name

_TABLE_DENIED, _COLUMN_DENIED = 1142, 1143


@dataclass(frozen=True)
class MatchedTable:
    """A table that a run can take.

    Attributes:
        source: As the source describes it.
        columns: What the source offers to read.
        raw: The raw table after the run's changes, with the columns that the run reads.
    """

    source: SourceTable
    columns: tuple[PlannedColumn, ...]
    raw: RawTable


class TableMatcher:
    """Matches tables over one connection.

    Args:
        path: The contract's, for messages.
        raw_schema: The raw schema's name.
    """

    def __init__(self, connection: pymysql.Connection, path: Path, raw_schema: str):
        self._connection = connection
        self._path = path
        self._raw_schema = raw_schema
        self._sources = describe_tables(connection)

    def match(self, contract: TableContract, existing: dict[str, str] | None, may_evolve: bool) -> MatchedTable:
        """Return the table, of which everything was found that can be found without reading a row.

        Args:
            existing: The raw table's columns and types; None where there is none.
            may_evolve: As for `plan_raw_table`.

        Raises:
            FixConfiguration: a name, a privilege, a type, the key, the cursor or raw is not as the contract says.
            pymysql.MySQLError: the source refuses the query that would read the table.
        """
        self._refuse_denied_table(contract)
        source = find_source_table(self._sources, contract, self._path)
        self._refuse_denied_columns(contract, source, existing or {})
        columns = plan_columns(source, contract, self._path)
        raw = plan_raw_table(self._raw_schema, contract, columns, existing, may_evolve)
        self._probe(contract, source, raw.columns)
        return MatchedTable(source, columns, raw)

    def _refuse_denied_table(self, contract: TableContract) -> None:
        wanted = contract.source_table or contract.name
        if any(name.lower() == wanted.lower() for name in self._sources):
            return
        if self._find_refusal(f"select 1 from {quote_name(wanted)} limit 0") == _TABLE_DENIED:
            user, database = self._find_user()
            raise FixConfiguration(
                f"{self._path}: table {contract.name}: {user} may not read it, if it is there (the source does not tell):"
                f" grant select on {quote_name(database)}.{quote_name(wanted)} to {user}, or correct the name"
            )

    def _refuse_denied_columns(self, contract: TableContract, source: SourceTable, existing: Iterable[str]) -> None:
        """Stop where a column that the contract or raw knows is there, and may not be read (any more)."""
        offered = {column.name.lower() for column in source.columns}
        wanted = dict.fromkeys((*contract.requires, *contract.personal, *existing))
        hidden = [name for name in wanted if name not in offered and name not in RESERVED_COLUMNS]
        refusals = {
            name: self._find_refusal(f"select {quote_name(name)} from {quote_name(source.name)} limit 0") for name in hidden
        }
        self._refuse_reading(
            contract, source, [name for name, number in refusals.items() if number in (_COLUMN_DENIED, _TABLE_DENIED)]
        )

    def _probe(self, contract: TableContract, source: SourceTable, columns: tuple[PlannedColumn, ...]) -> None:
        """Ask the very query that reads the table, for no row: the server parses it, and looks at names and privileges."""
        query, arguments = compose_slice_query(list_table(contract, source.name, columns), Slice(0, contract.name, 0), "")
        try:
            self._ask(f"{query} limit 0", arguments)
        except pymysql.MySQLError as error:
            if error.args[0] != _COLUMN_DENIED:
                raise
            # The catalogue shows a column to who may do anything with it, such as write it; the error names the first only.
            names = [column.source_name for column in columns]
            refusals = [self._find_refusal(f"select {quote_name(name)} from {quote_name(source.name)} limit 0") for name in names]
            self._refuse_reading(contract, source, [name for name, number in zip(names, refusals, strict=True) if number])
            raise

    def _refuse_reading(self, contract: TableContract, source: SourceTable, denied: list[str]) -> None:
        if denied:
            user, database = self._find_user()
            raise FixConfiguration(
                f"{self._path}: table {contract.name}: {user} may not read the column{'s' if denied[1:] else ''}"
                f" {', '.join(denied)}, which the source has (the privilege was revoked, or never given). Nothing was read."
                f" grant select ({', '.join(map(quote_name, denied))})"
                f" on {quote_name(database)}.{quote_name(source.name)} to {user}"
            )

    def _find_user(self) -> tuple[str, str]:
        """Return the account that the privileges are of, as a grant names it, and the database."""
        with self._connection.cursor() as cursor:
            cursor.execute("select current_user(), database()")
            account, database = cursor.fetchone()
        user, _, host = account.rpartition("@")
        return f"'{user}'@'{host}'", database

    def _find_refusal(self, query: str) -> int | None:
        """Return the number of the error that a query meets, None where it would be answered."""
        try:
            self._ask(query, None)
        except pymysql.MySQLError as error:
            return int(error.args[0])
        return None

    def _ask(self, query: str, arguments: list[Any] | None) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(query, arguments)


def list_table(contract: TableContract, source_name: str, columns: tuple[PlannedColumn, ...]) -> PlannedTable:
    """Return a table of the plan of which nothing is read yet."""
    return PlannedTable(
        name=contract.name,
        source_name=source_name,
        strategy=contract.strategy,
        columns=columns,
        cursor_time_zone=contract.cursor_time_zone,
        max_delete_fraction=contract.max_delete_fraction,
        max_rejected_fraction=contract.max_rejected_fraction,
        bad_rows=contract.bad_rows,
    )
