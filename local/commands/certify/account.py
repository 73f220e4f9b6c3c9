"""The account that is asked: a deployed stack or a warehouse alone in AWS, or the stand-ins of this machine."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.commands.certify.question import CouldNotAsk
from local.refusal import Refused

# All that a certificate makes has this name, or begins with it: whatever an earlier one left behind is found by it.
NAME = "rental_pipeline_certify"
PREFIX = "certify/"
_WAIT_SECONDS = 30
_PROBE = (
    "create table probe.t (id int, name varchar(20), price decimal(10, 2), at timestamp, day date, flag boolean)",
    "create table probe.u (id int, name varchar(20))",
    "create table probe.digit (n int)",
    "create view probe.v as select id, name from probe.t",
    "insert into probe.t values (1, 'a', 1.50, '2026-01-31 12:30:45.5', '2026-01-31', true), "
    "(2, 'a ', 2.25, '2026-02-28 00:00:00', '2026-02-28', false), (3, null, null, null, null, null)",
    "insert into probe.u values (1, 'x'), (1, 'y'), (4, 'z')",
    "insert into probe.digit values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
)


class AccountNotReached(Refused):
    """There is no such stack or warehouse, or it lets this person do nothing in it; the message says the way out."""


@dataclass(frozen=True)
class Outcome:
    """What came of a request: None, or what the warehouse said; and the rows of each statement."""

    error: str | None
    results: list[list[list[Any]]]


@dataclass
class Account:
    """What questions are put to.

    Attributes:
        client: Makes a boto3 client of a service.
        target: Which warehouse: the arguments that name it in the Data API.
        made_on: `AWS`, or `stand-ins`.
        bucket: Where COPY may read and UNLOAD write below `certify/`; None where only SQL is asked.
        copy_role: ARN of the role that is attached to the warehouse.
        resources: Physical names of a stack's resources by their logical ids.
        lacking: What these services cannot do, by the names of the API's operations.
        deadline: By the monotonic clock; a statement that runs then is cancelled.
    """

    client: Callable[[str], Any]
    target: dict[str, str]
    made_on: str
    bucket: str | None = None
    copy_role: str | None = None
    resources: dict[str, str] = field(default_factory=dict)
    lacking: frozenset[str] = frozenset()
    deadline: float = math.inf

    def __post_init__(self) -> None:
        self.data_api = self.client("redshift-data")

    def set_up(self) -> None:
        """Remove what an earlier certificate left behind, and make the tables that are asked about.

        Raises:
            AccountNotReached: the warehouse does not let this person make a schema.
        """
        self.clean_up()
        made = self.run([f"create schema {NAME}", *_PROBE])
        if made.error:
            raise AccountNotReached(
                f"the warehouse does not let you make the schema {NAME}: {made.error}. An administrator gives the right with"
                f" `grant create on database {self.target['Database']} to …`"
            )

    def clean_up(self) -> None:
        """Remove all that certificates make, of this one and of any that was killed. Repeatable."""
        self.run(f"drop schema if exists {NAME} cascade")
        if self.bucket is not None:
            s3 = self.client("s3")
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=PREFIX):
                for item in page.get("Contents", []):
                    s3.delete_object(Bucket=self.bucket, Key=item["Key"])
        for service, operation, name in (
            ("glue", "delete_database", {"Name": NAME}),
            ("scheduler", "delete_schedule", {"Name": NAME}),
            ("cloudwatch", "delete_alarms", {"AlarmNames": [NAME]}),
        ):
            if self.bucket is not None:
                try:
                    getattr(self.client(service), operation)(**name)
                except ClientError as error:
                    if error.response["Error"]["Code"] not in ("EntityNotFoundException", "ResourceNotFoundException"):
                        raise

    def run(self, sql: str | list[str], **request: Any) -> Outcome:
        """Run a statement, or a list of them as one batch, to its end; `probe.` in it stands for the certificate's schema.

        Raises:
            CouldNotAsk: the Data API does not answer.
        """
        try:
            return self._run(sql, request)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ValidationException":
                return Outcome(str(error), [])
            raise CouldNotAsk(f"the Data API does not answer: {error}") from error

    def _run(self, sql: str | list[str], request: dict[str, Any]) -> Outcome:
        api = self.data_api
        statements = [text.replace("probe.", f"{NAME}.") for text in ([sql] if isinstance(sql, str) else sql)]
        request = {"ClientToken": uuid.uuid4().hex, **self.target, **request}
        if isinstance(sql, str):
            statement = api.execute_statement(Sql=statements[0], **request)["Id"]
        else:
            statement = api.batch_execute_statement(Sqls=statements, **request)["Id"]
        return self.read(statement)

    def read(self, statement: str) -> Outcome:
        """Wait for a statement's end, and return what came of it; raise CouldNotAsk where there is no time left for it."""
        api = self.data_api
        told = api.describe_statement(Id=statement, WaitTimeSeconds=_WAIT_SECONDS)
        while told["Status"] not in ("FINISHED", "FAILED", "ABORTED"):
            if time.monotonic() > self.deadline:
                api.cancel_statement(Id=statement)
                raise CouldNotAsk("the time is up, and its statement was cancelled")
            told = api.describe_statement(Id=statement, WaitTimeSeconds=_WAIT_SECONDS)
        if told["Status"] != "FINISHED":
            return Outcome(told.get("Error", told["Status"]), [])
        parts = told.get("SubStatements") or [told]
        results = [
            [[_value(field) for field in record] for record in api.get_statement_result(Id=part["Id"])["Records"]]
            for part in parts
            if part.get("HasResultSet")
        ]
        return Outcome(None, results)

    def value(self, sql: str) -> Any:
        """Return the one value of a query's one row; raise CouldNotAsk where it fails."""
        outcome = self.run(sql)
        if outcome.error:
            raise CouldNotAsk(f"{sql} fails: {outcome.error}")
        return outcome.results[0][0][0]

    def need(self, operation: str, **needed: str | None) -> None:
        """Raise CouldNotAsk where an operation is not to be had here, or something that it needs is absent."""
        if operation in self.lacking:
            raise CouldNotAsk(f"the stand-in has no {operation}")
        if absent := [name for name, value in needed.items() if not value]:
            raise CouldNotAsk(f"there is no {', '.join(absent)} (STACK=name gives it)")


def _value(field: dict[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))


def as_text(value: Any) -> str:
    """Return an answer as the text that is compared and kept."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
