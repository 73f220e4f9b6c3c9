"""A database for the tests to read, and reading it."""

from __future__ import annotations

import ssl
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow
import pymysql

from mysql_arrow import read_batches


@dataclass(frozen=True)
class Database:
    """A database, and the user to whom it belongs."""

    host: str
    port: int
    name: str
    user: str
    password: str

    def connect(self, **options: Any) -> pymysql.Connection:
        """Return a connection: autocommit, session in UTC, unencrypted unless the options have `ssl`."""
        defaults = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.name,
            "charset": "utf8mb4",
            "autocommit": True,
            "init_command": "set time_zone = '+00:00'",
            "sql_mode": "STRICT_TRANS_TABLES",  # MySQL's default refuses zero dates, which old databases have
            "ssl_disabled": "ssl" not in options,
        }
        return pymysql.connect(**{**defaults, **options})

    def execute(self, sql: str, arguments: object = None) -> None:
        """Run one statement."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments)

    def make_table(self, name: str, columns: str) -> None:
        """Create a table, in the place of one of this name if there is one."""
        self.execute(f"drop table if exists {name}")
        self.execute(f"create table {name} ({columns}) charset utf8mb4")

    def read(
        self, query: str, schema: pyarrow.Schema, protocol: str, **options: Any
    ) -> tuple[pyarrow.Table, dict[str, Counter[str]]]:
        """Return a query's rows, checked by Arrow from end to end, and the impossible dates by column."""
        impossible: dict[str, Counter[str]] = {}

        def report(column: str, dates: Counter[str]) -> None:
            impossible.setdefault(column, Counter()).update(dates)

        with closing(self.connect(**options)) as connection:
            batches = list(read_batches(connection, query, schema, protocol=protocol, report_dates=report))
        table = pyarrow.Table.from_batches(batches, schema)
        table.validate(full=True)
        return table, impossible


def encrypt_only() -> ssl.SSLContext:
    """Return the TLS settings of a client that does not check who the server is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
