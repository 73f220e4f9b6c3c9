"""Load one CSV file into one table of a MySQL, MariaDB or Aurora database, all of it or nothing.

The rows of a table with a key replace those of the same key; the database stamps a row (`changed_at`) only if it really
differs, so loading a file again changes nothing and the pipeline sees exactly what is new. In a table without a key equal
rows are separate events: the file and the table are compared as multisets, and of each row as many are added as the table
has fewer than the file. Loading a file again therefore adds nothing; two files that hold the same event count it once.

Columns that the file lacks are NULL in new rows and stay as they are in existing ones. Nothing is deleted.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pymysql

from local.marketplace.columns import PROGRESS_SECONDS, ROWS_PER_BATCH, LongStatementCursor, Progress
from local.marketplace.csv_columns import Column, Converter, ValueRefused
from local.marketplace.csv_file import Header, Row

# MySQL's errors about a value of a row, as opposed to the statement or the connection: NULL not allowed, duplicate, out of
# range, truncated, wrong date, wrong characters, too long, wrong time, JSON, check constraint (MySQL's and MariaDB's).
ERRORS_OF_A_ROW = frozenset({1048, 1062, 1264, 1265, 1292, 1366, 1406, 1411, 3140, 3819, 4025})


@dataclass
class TableReport:
    """What became of one file.

    Attributes:
        rows_read: Rows below the header: refused + repeated + added + changed + unchanged.
        refused: Rows the table cannot hold; they are in `refused_file`.
        repeated: Rows whose key comes again further down; the last one counts.
        added, changed, unchanged: Rows by what they did to the table.
        ignored_columns: Columns of the file that the table does not have, or that the database writes itself.
        missing_columns: Columns of the table that the file does not have.
        rounded: Numbers with more decimals than their column, by column.
        note: How the file is written, where that was found and is not as usual.
    """

    file: str
    rows_read: int = 0
    refused: int = 0
    repeated: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    missing_columns: list[str] = field(default_factory=list)
    rounded: dict[str, int] = field(default_factory=dict)
    refused_file: str | None = None
    note: str | None = None

    def describe(self) -> str:
        """Say it in a line or a few."""
        lines = [
            f"{self.file}: {self.rows_read:,} rows: {self.added:,} added, {self.changed:,} changed, {self.unchanged:,} unchanged,"
            f" {self.repeated:,} repeated, {self.refused:,} refused"
        ]
        if self.note:
            lines.append(f"    {self.note}")
        if self.refused_file:
            lines.append(f"    refused rows, with line and reason: {self.refused_file}")
        if self.ignored_columns:
            lines.append(f"    ignored columns: {', '.join(self.ignored_columns)}")
        if self.missing_columns:
            lines.append(f"    columns not in the file, NULL in new rows: {', '.join(self.missing_columns)}")
        for column, count in self.rounded.items():
            lines.append(f"    {column}: {count:,} numbers rounded to the column's decimals")
        return "\n".join(lines)


class TableLoad:
    """One file on its way into one table: created for it, run once."""

    def __init__(
        self,
        connection: pymysql.Connection,
        table: str,
        columns: list[Column],
        header: Header,
        refused_path: Path,
        progress: Progress,
    ) -> None:
        self.connection = connection
        self.table = table
        self.stage, self.new_events = f"csv_{table}", f"csv_{table}_new"
        self.header = header
        self.refused_path = refused_path
        self.progress = progress
        self.columns = [column for column in columns if column.name in header.positions]
        self.converters = [Converter(column) for column in self.columns]
        self.key = [column.name for column in columns if column.is_key]
        self._refused_file: TextIO | None = None
        self._refused_rows: Any = None  # csv has no name for its writers' type

    def run(self, path: Path, rows: Iterator[Row]) -> TableReport:
        """Stage the rows, take them over in one transaction, and return what became of them; refused ones are written down."""
        self.report = TableReport(
            str(path),
            ignored_columns=self.header.ignored,
            missing_columns=self.header.missing,
            note=self.header.format.note,
        )
        self.refused_path.unlink(missing_ok=True)
        self._drop_stages()
        # Before the transaction that writes: a replicating MySQL may refuse to create them inside one.
        for stage in (self.stage,) if self.key else (self.stage, self.new_events):
            self._execute(f"create temporary table {stage} like {self.table}")
            if not self.key:
                self._execute(f"alter table {stage} add column csv_row bigint auto_increment primary key")
        try:
            self._stage_rows(rows)
            self.connection.begin()
            try:
                self._merge() if self.key else self._append()
                self.connection.commit()
            except BaseException:
                self.connection.rollback()
                raise
        finally:
            if self._refused_file:
                self._refused_file.close()
            with suppress(pymysql.MySQLError):  # a lost connection has dropped them already
                self._drop_stages()
        self.report.rounded = {c.column.name: c.rounded for c in self.converters if c.rounded}
        return self.report

    def _stage_rows(self, rows: Iterator[Row]) -> None:
        batch: list[tuple[Row, tuple[Any, ...]]] = []
        began = told = time.monotonic()
        for row in rows:
            self.report.rows_read += 1
            try:
                batch.append((row, self._convert(row)))
            except ValueRefused as refused:
                self._refuse(row, str(refused))
            if len(batch) == ROWS_PER_BATCH:
                self._stage_batch(batch)
                batch = []
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                self.progress(f"{self.report.file}: {self.report.rows_read:,} rows")
        self._stage_batch(batch)
        if time.monotonic() - began > PROGRESS_SECONDS:
            self.progress(f"{self.report.file}: {self.report.rows_read:,} rows read, comparing them with the table")

    def _convert(self, row: Row) -> tuple[Any, ...]:
        if row.broken:
            raise ValueRefused(row.broken)
        values = []
        for converter in self.converters:
            first, *others = self.header.positions[converter.column.name]
            if any(row.fields[other] != row.fields[first] for other in others):
                raise ValueRefused(f"{converter.column.name} stands in the file more than once, and differs")
            values.append(converter.convert(row.fields[first]))
        return tuple(values)

    def _stage_batch(self, batch: list[tuple[Row, tuple[Any, ...]]]) -> None:
        """Insert rows into the stage, a key's later row over its earlier one; what the database will not have is refused."""
        if not batch:
            return
        names = ", ".join(f"`{column.name}`" for column in self.columns)
        verb = "replace" if self.key else "insert"
        statement = f"{verb} into {self.stage} ({names}) values ({', '.join(['%s'] * len(self.columns))})"
        # executemany may send several statements; without a transaction the ones before an error would stay.
        self.connection.begin()
        try:
            with self.connection.cursor(LongStatementCursor) as cursor:
                cursor.executemany(statement, [values for _, values in batch])
            self.connection.commit()
        except pymysql.MySQLError as error:
            self.connection.rollback()
            if error.args[0] not in ERRORS_OF_A_ROW:
                raise
            if len(batch) == 1:
                self._refuse(batch[0][0], f"the database refuses it: {error.args[1]}")
            else:
                self._stage_batch(batch[: len(batch) // 2])
                self._stage_batch(batch[len(batch) // 2 :])

    def _refuse(self, row: Row, reason: str) -> None:
        if self._refused_file is None or self._refused_rows is None:
            self.refused_path.parent.mkdir(parents=True, exist_ok=True)
            self._refused_file = self.refused_path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            self._refused_rows = csv.writer(self._refused_file)
            self._refused_rows.writerow(["refused_line", "refused_reason", *self.header.names])
            self.report.refused_file = str(self.refused_path)
        self._refused_rows.writerow([row.line, reason, *row.fields])
        self.report.refused += 1

    def _merge(self) -> None:
        names = [f"`{column.name}`" for column in self.columns]
        same_key = " and ".join(f"{self.table}.`{name}` = {self.stage}.`{name}`" for name in self.key)
        new = f"from {self.stage} left join {self.table} on {same_key} where {self.table}.`{self.key[0]}` is null"
        staged = self._count(f"from {self.stage}")
        self.report.repeated = self.report.rows_read - self.report.refused - staged
        self.report.added = self._execute(
            f"insert into {self.table} ({', '.join(names)}) select {', '.join(f'{self.stage}.{name}' for name in names)} {new}"
        )
        others = [column for column in self.columns if column.name not in self.key]
        if others:
            # Text is compared as bytes: the column's collation would find 'gym' equal to 'Gym '.
            differs = " or ".join(f"not ({_exactly(self.table, column)} <=> {_exactly(self.stage, column)})" for column in others)
            assignments = ", ".join(f"{self.table}.`{column.name}` = {self.stage}.`{column.name}`" for column in others)
            joined = f"{self.table} join {self.stage} on {same_key}"
            self.report.changed = self._count(f"from {joined} where {differs}")
            self._execute(f"update {joined} set {assignments} where {differs}")
        self.report.unchanged = staged - self.report.added - self.report.changed

    def _append(self) -> None:
        names = ", ".join(f"`{column.name}`" for column in self.columns)
        fingerprint = _fingerprint(self.columns)
        self._execute(
            f"insert into {self.new_events} (csv_row, {names}) select csv_row, {names} from"
            f" (select *, row_number() over (partition by fingerprint order by csv_row) as copy"
            f" from (select csv_row, {names}, {fingerprint} as fingerprint from {self.stage}) as fingerprinted) as numbered"
            f" left join (select {fingerprint} as known, count(*) as copies from {self.table} group by {fingerprint}) as existing"
            " on fingerprint = known where copy > coalesce(copies, 0)"
        )
        last_row = self._read_number(f"select coalesce(max(csv_row), 0) from {self.new_events}")
        # In batches, for each statement has its own clock: one stamp on a whole file could not be read in parts.
        for first in range(1, last_row + 1, ROWS_PER_BATCH):
            batch = f"csv_row between {first} and {first + ROWS_PER_BATCH - 1} order by csv_row"
            new = f"select {names} from {self.new_events} where {batch}"
            self.report.added += self._execute(f"insert into {self.table} ({names}) {new}")
        staged = self._count(f"from {self.stage}")
        self.report.unchanged = staged - self.report.added

    def _drop_stages(self) -> None:
        for stage in (self.stage, self.new_events):
            self._execute(f"drop temporary table if exists {stage}")

    def _execute(self, sql: str) -> int:
        with self.connection.cursor() as cursor:
            rows: int = cursor.execute(sql)
            return rows

    def _count(self, clause: str) -> int:
        return self._read_number(f"select count(*) {clause}")

    def _read_number(self, sql: str) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            ((number,),) = cursor.fetchall()
            return int(number)


def _exactly(table: str, column: Column) -> str:
    name = f"{table}.`{column.name}`"
    return f"cast({name} as binary)" if column.is_text else name


def _fingerprint(columns: list[Column]) -> str:
    """An MD5 over a row's values, each with its length before it, so that NULL, '' and shifted texts differ."""
    parts = ", ".join(f"coalesce(concat(length(`{c.name}`), ':', cast(`{c.name}` as binary)), 'null')" for c in columns)
    return f"md5(concat_ws('|', {parts}))"
