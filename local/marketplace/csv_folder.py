"""Load a folder of CSV files (file name = table name) into a MySQL, MariaDB or Aurora database.

A row that the table cannot hold is written, with its line and the reason, to `<table>.refused.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql

from local.marketplace.columns import Progress, ignore_progress
from local.marketplace.csv_columns import Column, read_columns
from local.marketplace.csv_file import Header, read_header, read_rows
from local.marketplace.csv_format import InputRefused, check_encoding, find_format, parse_delimiter, table_name
from local.marketplace.csv_table import TableLoad, TableReport
from local.marketplace.schema import create_sample_schema, read_sample_schema

REFUSED_SUFFIX = ".refused.csv"


@dataclass
class LoadReport:
    """What became of a folder.

    Attributes:
        tables: By table name, in the order in which they were loaded.
        failed: Why the file of a table was not loaded, by table name.
    """

    tables: dict[str, TableReport]
    failed: dict[str, str]

    @property
    def refused(self) -> int:
        """Rows refused in all files together."""
        return sum(table.refused for table in self.tables.values())

    def describe(self) -> str:
        """Say it in lines for a person."""
        return "\n".join([*(table.describe() for table in self.tables.values()), *self.failed.values()])


def load_folder(
    connection: pymysql.Connection,
    folder: Path,
    marketplace: str,
    refused_folder: Path,
    progress: Progress = ignore_progress,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> LoadReport:
    """Load every CSV file of a folder; tables of the marketplace that are missing are created first.

    All headers are checked before anything is written. Each file is staged row by row in a temporary table, and then taken
    over in one transaction: a file counts whole or not at all, and the report says which did not, and why. Memory does not grow
    with the files.

    Args:
        connection: Of a user that may create tables in its database.
        marketplace: Folder of sql/ whose source schema the tables have.
        refused_folder: Gets `<table>.refused.csv`; those of an earlier load are removed.
        progress: Takes a line for a person, every two seconds at most, and what each file came to.
        encoding, delimiter: Of the files; None: found for each.

    Raises:
        InputRefused: the folder, a file's name or a header is wrong; all that is, is named, and nothing was written.
    """
    encoding = encoding and check_encoding(encoding)
    delimiter = delimiter and parse_delimiter(delimiter)
    files = find_files(folder, sorted(read_sample_schema(marketplace)), progress)
    create_sample_schema(connection, marketplace)
    columns = {table: read_columns(connection, table) for table in files}
    for table in files:
        _refuse_second_unique_key(connection, table)
    headers = _read_headers(files, columns, encoding, delimiter)
    report = LoadReport({}, {})
    with _strict(connection):
        for table, path in files.items():
            load = TableLoad(
                connection, table, columns[table], headers[table], refused_folder / f"{table}{REFUSED_SUFFIX}", progress
            )
            try:
                report.tables[table] = load.run(path, read_rows(path, headers[table]))
            except InputRefused as refused:
                report.failed[table] = str(refused)
                progress(str(refused))
            else:
                progress(report.tables[table].describe())
    return report


def _read_headers(
    files: dict[str, Path], columns: dict[str, list[Column]], encoding: str | None, delimiter: str | None
) -> dict[str, Header]:
    headers, mistakes = {}, []
    for table, path in files.items():
        try:
            written = find_format(path, [column.name for column in columns[table]], encoding, delimiter)
            headers[table] = read_header(path, columns[table], written)
        except InputRefused as refused:
            mistakes.append(str(refused))
    if mistakes:
        raise InputRefused("\n".join(mistakes))
    return headers


def find_files(folder: Path, tables: list[str], progress: Progress = ignore_progress) -> dict[str, Path]:
    """Return the CSV files of a folder by table name: `.csv` or `.tsv`, as they are or compressed (`.gz`, `.bz2`, `.xz`, `.zip`).

    Args:
        progress: Is told which other files lie there.

    Raises:
        InputRefused: there is no folder or no CSV file in it, or a file is not named after one of the tables.
    """
    if not folder.is_dir():
        raise InputRefused(f"{folder} is not a folder: give the one that holds the CSV files")
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    found = [path for path in found if not path.name.lower().endswith(REFUSED_SUFFIX)]
    paths = [path for path in found if table_name(path) is not None]
    if others := [path.name for path in found if path not in paths]:
        progress(f"not read, since they are no CSV: {', '.join(others)}")
    if not paths:
        raise InputRefused(f"there is no CSV file in {folder}: expected are {', '.join(f'{table}.csv' for table in tables)}")
    files: dict[str, Path] = {}
    for path in paths:
        table = table_name(path)
        if table not in tables:
            raise InputRefused(f"{path} is named after no table; the tables are: {', '.join(tables)}. Rename or remove it")
        if table in files:
            raise InputRefused(f"{files[table]} and {path} are both named after the table {table}. Remove one")
        files[table] = path
    return files


@contextmanager
def _strict(connection: pymysql.Connection) -> Iterator[None]:
    """Have the database refuse what it cannot hold, whatever its own settings, instead of cutting it to fit."""
    with connection.cursor() as cursor:
        cursor.execute("select @@session.sql_mode")
        ((before,),) = cursor.fetchall()
        cursor.execute("set session sql_mode = concat(@@session.sql_mode, ',STRICT_ALL_TABLES')")
    try:
        yield
    finally:
        if connection.open:
            with connection.cursor() as cursor:
                cursor.execute("set session sql_mode = %s", (before,))


def _refuse_second_unique_key(connection: pymysql.Connection, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct index_name from information_schema.statistics where table_schema = database()"
            " and table_name = %s and non_unique = 0 and index_name <> 'PRIMARY'",
            (table,),
        )
        unique = [row[0] for row in cursor.fetchall()]
    if unique:
        raise InputRefused(
            f"the table {table} has a unique key beside its primary key ({', '.join(unique)}): which row a line replaces"
            " would not be clear. Load into a table without it"
        )
