"""Answer questions of the lake as Athena does: over the Parquet files that the Glue Data Catalog lists, here with DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from rental_pipeline.definitions.sql_files import read_sql_folder

_DUCKDB = {"int": "integer", "float": "real", "string": "varchar"}


@dataclass(frozen=True)
class Answer:
    """A question of `sql/<marketplace>/lake` and the rows that answer it."""

    query: str
    question: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


class Lake:
    """The tables of one Glue database.

    Args:
        glue, s3: boto3 clients.
        database: Its name.
        folder: Takes copies of the files that are read, each under its key; what is there is not read again.
    """

    def __init__(self, glue: Any, s3: Any, database: str, folder: Path) -> None:
        self._glue, self._s3, self._database, self._folder = glue, s3, database, folder

    def tables(self) -> list[str]:
        """Return the names of all tables."""
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=self._database)
        return [table["Name"] for page in pages for table in page["TableList"]]

    def files(self, table: str) -> list[str]:
        """Return the addresses of a table's files, of all partitions, as a reader finds them now."""
        return [file for _, file in self._list_files(table)]

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query over the tables it names; return its columns and rows."""
        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'")
        known = set(self.tables())
        for name in sorted(set(re.findall(r"\w+", sql)) & known):
            connection.execute(f'create view "{name}" as {self._select(name)}')
        cursor = connection.execute(sql)
        return [column[0] for column in cursor.description], cursor.fetchall()

    def _select(self, name: str) -> str:
        table = self._glue.get_table(DatabaseName=self._database, Name=name)["Table"]
        types = {
            column["Name"]: _DUCKDB.get(column["Type"], column["Type"])
            for column in (*table["StorageDescriptor"]["Columns"], *table["PartitionKeys"])
        }
        nothing = ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in types.items())
        selects = [f"select {nothing} where false"]
        for partition, file in self._list_files(name):
            path = self._fetch(file)
            fixed = [f'cast({value} as {types[key]}) as "{key}"' for key, value in partition.items()]
            present = {row[0] for row in duckdb.execute(f"describe select * from read_parquet('{path}')").fetchall()}
            # As Athena does: by name, and NULL where an older file lacks a column.
            own = [
                f'cast("{column}" as {kind}) as "{column}"' if column in present else f'cast(null as {kind}) as "{column}"'
                for column, kind in types.items()
                if column not in partition
            ]
            selects.append(f"select {', '.join(own + fixed)} from read_parquet('{path}', hive_partitioning = false)")
        return " union all by name ".join(selects)

    def _list_files(self, name: str) -> Iterator[tuple[dict[str, str], str]]:
        table = self._glue.get_table(DatabaseName=self._database, Name=name)["Table"]
        keys = [key["Name"] for key in table["PartitionKeys"]]
        if not keys:
            for file in self._read_listing(table["StorageDescriptor"]["Location"]):
                yield {}, file
            return
        pages = self._glue.get_paginator("get_partitions").paginate(DatabaseName=self._database, TableName=name)
        for partition in (partition for page in pages for partition in page["Partitions"]):
            for file in self._read_listing(partition["StorageDescriptor"]["Location"]):
                yield dict(zip(keys, partition["Values"], strict=True)), file

    def _read_listing(self, location: str) -> list[str]:
        bucket, prefix = _split(location)
        files = []
        for item in self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            files += self._s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode().splitlines()
        return files

    def _fetch(self, file: str) -> Path:
        bucket, key = _split(file)
        path = self._folder / key
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not download_file, whose threads take longer to start than most of these files to read.
            path.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return path


def answer_questions(lake: Lake, folder: Path) -> list[Answer]:
    """Run every query of a marketplace's folder `lake`, in name order."""
    answers = []
    for name, file in read_sql_folder(folder).items():
        columns, rows = lake.query(file.section("query"))
        answers.append(Answer(name, file.header["question"], columns, rows))
    return answers


def _split(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")
