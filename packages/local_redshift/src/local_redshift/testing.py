"""For tests over a local warehouse: run SQL, wait, get rows or an exception."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import psycopg

TARGET = {"WorkgroupName": "test-workgroup", "Database": "dev"}


class StatementFailed(Exception):
    """A statement of a test ended FAILED or ABORTED; the message is the warehouse's."""


@dataclass(frozen=True)
class Warehouse:
    """A running warehouse.

    Attributes:
        endpoint_url: Where boto3's `redshift-data` client finds it.
        postgres_uri: Connection string of the database beneath it.
    """

    endpoint_url: str
    postgres_uri: str

    def client(self) -> Any:
        """Return a boto3 `redshift-data` client; whatever account or region the environment names, it reaches this machine."""
        if boto3.DEFAULT_SESSION is None:
            boto3.setup_default_session()
        return _make_client(boto3.DEFAULT_SESSION, self.endpoint_url)

    def connect(self) -> psycopg.Connection:
        """Return a connection past the Data API, autocommitting, to look inside."""
        return psycopg.connect(self.postgres_uri, autocommit=True)

    def execute(self, sql: str | list[str], **parameters: str) -> dict[str, Any]:
        """Run a statement, or a list of them as one batch, and return its description once FINISHED.

        Raises:
            StatementFailed: it ended otherwise.
        """
        arguments: dict[str, Any] = dict(TARGET)
        if parameters:
            arguments["Parameters"] = [{"name": name, "value": value} for name, value in parameters.items()]
        client = self.client()
        if isinstance(sql, str):
            statement_id = client.execute_statement(Sql=sql, **arguments)["Id"]
        else:
            statement_id = client.batch_execute_statement(Sqls=sql, **arguments)["Id"]
        while True:
            description: dict[str, Any] = client.describe_statement(Id=statement_id, WaitTimeSeconds=30)
            if description["Status"] == "FINISHED":
                return description
            if description["Status"] in ("FAILED", "ABORTED"):
                raise StatementFailed(description.get("Error", description["Status"]))

    def query(self, sql: str, **parameters: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows, decimals and dates as text, as the Data API gives them.

        Raises:
            StatementFailed: it ended otherwise than FINISHED.
        """
        statement_id = self.execute(sql, **parameters)["Id"]
        pages = self.client().get_paginator("get_statement_result").paginate(Id=statement_id)
        return [tuple(_read_field(field) for field in record) for page in pages for record in page["Records"]]

    def empty(self) -> None:
        """Drop every schema but the system's, and what stands in public."""
        with self.connect() as connection:
            names = connection.execute(
                "select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'redshift')"
            ).fetchall()
            for (name,) in names:
                connection.execute(f'drop schema "{name}" cascade'.encode())
            connection.execute("create schema public; grant usage, create on schema public to public")


@cache
def _make_client(session: Any, endpoint_url: str) -> Any:
    """Making one takes longer than most statements."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return session.client("redshift-data", endpoint_url=endpoint_url, region_name="eu-west-1", **keys)


def _read_field(field: dict[str, Any]) -> Any:
    if field.get("isNull"):
        return None
    return next(iter(field.values()))
