"""The sample application schema (sql/<marketplace>/source/*.sql), as text and as tables of a database."""

from __future__ import annotations

from pathlib import Path

import pymysql

SQL_ROOT = Path(__file__).resolve().parents[2] / "sql"


def read_sample_schema(marketplace: str) -> dict[str, str]:
    """Return the `create table if not exists` statement of each table, in name order.

    Raises:
        ValueError: no such marketplace.
    """
    folder = SQL_ROOT / marketplace / "source"
    statements = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    if not statements:
        known = sorted(path.parent.name for path in SQL_ROOT.glob("*/source"))
        raise ValueError(f"there is no marketplace {marketplace!r} with a source schema; there is: {', '.join(known)}")
    return statements


def create_sample_schema(connection: pymysql.Connection, marketplace: str) -> list[str]:
    """Create the tables that are missing in the connection's database; return the marketplace's table names."""
    statements = read_sample_schema(marketplace)
    with connection.cursor() as cursor:
        existing = list_tables(connection)
        for table, statement in statements.items():
            if table not in existing:
                cursor.execute(statement)
    return list(statements)


def list_tables(connection: pymysql.Connection) -> set[str]:
    """Return the names of the tables in the connection's database."""
    with connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = database()")
        return {row[0] for row in cursor.fetchall()}
