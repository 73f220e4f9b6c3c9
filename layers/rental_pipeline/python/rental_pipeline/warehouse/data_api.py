"""The Redshift Data API as the pipeline uses it: submit once, wait, read, cancel.

Rules used here (Amazon Redshift Management Guide, "Using the Amazon Redshift Data API", and the API reference):
a batch is one transaction of at most 40 statements; a ClientToken marks a request as done for 8 hours, also a failed one;
a statement can be seen, cancelled and read only by the role that submitted it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixConfiguration, FixData, PipelineError, RetryLater
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.model.request_size import MAX_STATEMENTS, REQUEST_BYTES, count_bytes

_LONGEST_POLL_SECONDS = 30
_UNFINISHED = ("SUBMITTED", "PICKED", "STARTED")
ENDED = ("FINISHED", "FAILED", "ABORTED")

# What a failed statement's message holds, and how to react; what nobody foresaw is for a person (FixConfiguration). The capital
# words are raised by sql/control/procedures.sql. Sources: Database Developer Guide, "Troubleshooting serializable isolation
# errors", and "Query troubleshooting in Amazon Redshift Spectrum", by which COPY reads Parquet.
_RETRY = (
    "Serializable isolation violation",
    "could not serialize",
    "conflict with concurrent transaction",
    "1018 DETAIL: Relation does not exist",
    "deadlock detected",
    "could not open relation",
    "server closed the connection",
    "connection to server",
    "terminating connection",
    "the database system is",
    "Spectrum Scan Error: Retries exceeded",
    "Access throttled",
    "curlError",
)
# An answer of S3 as COPY and UNLOAD quote it ("S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid …") and as
# Spectrum does ("HTTP response error code: 503 Message: SlowDown Please reduce …"); Amazon S3 API Reference, "Error responses".
_S3_ANSWERS = re.compile(r"(?:,Status |HTTP response error code: )(?P<status>\d{3})(?:,Error | Message: )?(?P<error>[\w.]*)")
_S3_PASSES = ("SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable", "ExpiredToken", "ThrottlingException")
_S3_HAS_NO_SUCH_FILE = ("NoSuchKey", "NoSuchVersion", "InvalidRange", "PreconditionFailed", "")
_FIX_DATA = (
    "ROWS LOST",
    "DELETE REFUSED",
    "NOT AUDITED",
    "REPLAY DIFFERS",
    "STILL DIFFERENT",
    "The specified key does not exist",
    "File not found",
    "incompatible Parquet schema",
    "invalid version number",
    "manifest",
    "value too long",
    "out of range",
    "overflow",
    "invalid input syntax",
    "Invalid digit",
)
_REMEDIES = {
    "DELETE REFUSED": 'if the source really lost these rows, rerun with {"force_deletes": true}',
    "KEY NOT UNIQUE": "the key in source.yaml must name columns that are unique in the source, and texts among them must"
    " differ by more than blanks at their ends, which Redshift does not compare",
    "WAREHOUSE RESTORED": 'start a new execution with {"after_restore": true}, which reads again what the restored warehouse lost'
    " (see the runbook)",
    "OVERTAKEN": "start a new execution instead of resuming this one",
    "RUN CLOSED": "start a new execution, or redrive the run's own",
    "cancelled on user's request": "redrive the execution, or start a new one",
    "POSITION MOVED": "start a new execution, which plans from the new position",
    "WATERMARK MOVED": "start a new execution, which plans from the new watermark",
    "ROWS LOST": "a file changed after it was written; start a new execution, which reads the same window again",
    "REPLAY DIFFERS": "raw was left as it was; the control table replayed_load shows each load, now and when it was made",
    "STILL DIFFERENT": "the load was taken back and raw is as it was; start a new execution, which reads the same again; where it"
    ' ends so once more, {"erase": ["<table>"]} reloads the table in full, and please report it',
    "Not authorized to get credentials of role": "CopyRoleArn must be a role that is attached to the warehouse (see make doctor)",
    "Spectrum Scan Error: Resource limit exceeded": "lower PartBytes, deploy, and start a new execution with {}",
    **dict.fromkeys(
        ("The specified key does not exist", "File not found", "invalid version number"),
        "a file of the manifest cannot be read; start a new execution, which reads the same window again",
    ),
}
_LET_S3_IN = (
    "S3 refused the warehouse's role: CopyRoleArn must be one that the bucket's policy lets in, and that may use the bucket's key"
    " where it has one of yours; bucket and warehouse must be in one region (see make doctor)"
)


# What stands before a value in a message ("invalid input syntax for type numeric: "x"", "Invalid digit, Value 'x', Pos 0"), or
# before a whole row, and the value.
_VALUE = re.compile(
    r"""(?<=Failing row contains ).*|(?<=, Value )'.*'(?=, Pos )|(?<=[a-z]: )"(?s:.*)"$|(?<=Key )\(.*\)=\(.*\)(?= )""",
)


@dataclass(frozen=True)
class Submission:
    """One request to the Data API: a batch in one transaction, or a single statement in its own.

    Attributes:
        label: Part of the statement's name; unique within its step.
        statements: SQL texts, run in order.
        parameters: Named values; only those that a statement mentions are sent (the API refuses the others).
        skip_if: A select that finds a row where the submission was made before and is not needed; a table that it misses means
            that it is.
        apart: The same work in smaller requests, each with a label of its own: where the whole fails, they tell which part does.
    """

    label: str
    statements: tuple[str, ...]
    parameters: dict[str, str] = field(default_factory=dict)
    skip_if: str | None = None
    apart: tuple[Submission, ...] = ()

    def __post_init__(self) -> None:
        if len(self.statements) > MAX_STATEMENTS:
            raise FixConfiguration(
                f"submission {self.label} has {len(self.statements)} statements; a Data API batch, which is one transaction,"
                f" holds {MAX_STATEMENTS}"
            )
        if count_bytes(*self.statements) > REQUEST_BYTES:
            raise FixConfiguration(
                f"submission {self.label} has {count_bytes(*self.statements)} bytes of SQL;"
                f" a request to the Data API holds {REQUEST_BYTES}"
            )

    def used_parameters(self) -> dict[str, Any]:
        """Return the parameters that a statement mentions as arguments of a call; the API refuses others, and an empty list."""
        used = [
            {"name": key, "value": value}
            for key, value in self.parameters.items()
            if any(f":{key}" in sql for sql in self.statements)
        ]
        return {"Parameters": used} if used else {}


class StatementFailed(Exception):
    """A statement ended FAILED or ABORTED; the message is Redshift's."""


class DataApi:
    """Statements of one warehouse."""

    def __init__(self, settings: WarehouseSettings, attempts: int = 5, seconds_left: Callable[[], float] = lambda: math.inf):
        """Make no call yet.

        Args:
            attempts: How often a call is made at most.
            seconds_left: How long `finish` may still wait.
        """
        self._target = settings.data_api_target()
        self._client = redshift_data(attempts)
        self._seconds_left = seconds_left

    def submit(self, name: str, submission: Submission, execution_id: str) -> str:
        """Submit under a name and return the statement's id.

        The token is made of the execution, the name and the number of terminal failures under it: a repeated call, as after a
        lost answer, gets the same statement; after a failure it makes a new one. The name alone would not do: a warehouse
        that is set up again begins with run 1 again, and the API would answer with the old run's statement.
        """
        full_name = f"{name}/{submission.label}/"
        failures = sum(statement["Status"] in ("FAILED", "ABORTED") for statement in self._list(full_name, "ALL"))
        token = hashlib.sha256(f"{execution_id} {full_name} {failures}".encode()).hexdigest()
        request = {**self._target, "StatementName": full_name, "ClientToken": token}
        request |= submission.used_parameters()
        if len(submission.statements) == 1:
            return str(self._call("execute_statement", Sql=submission.statements[0], **request)["Id"])
        return str(self._call("batch_execute_statement", Sqls=list(submission.statements), **request)["Id"])

    def wait(self, statement_id: str, seconds: float) -> bool:
        """Wait up to some seconds for a statement; return whether it finished.

        Raises:
            StatementFailed: it ended FAILED or ABORTED.
        """
        poll = max(1, min(_LONGEST_POLL_SECONDS, int(seconds)))
        answer = self._call("describe_statement", Id=statement_id, WaitTimeSeconds=poll)
        if answer["Status"] in ("FAILED", "ABORTED"):
            raise StatementFailed(answer.get("Error") or f"statement {statement_id} was {answer['Status'].lower()}")
        return bool(answer["Status"] == "FINISHED")

    def finish(self, statement_id: str) -> None:
        """Wait for a statement to its end (raises as `wait`).

        Raises:
            RetryLater: the time was up before; the statement was cancelled, as nobody would ask about it again.
        """
        while not self.wait(statement_id, min(_LONGEST_POLL_SECONDS, self._seconds_left())):
            if self._seconds_left() <= 0:
                self._cancel(statement_id)
                raise RetryLater(f"statement {statement_id} had not ended when the function's time was up, and was cancelled")

    def read_rows(self, statement_id: str) -> list[dict[str, Any]]:
        """Read the whole result of a finished statement, a dictionary per row (None for NULL)."""
        rows: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self._call("get_statement_result", Id=statement_id, **token)
            names = [column["name"] for column in page["ColumnMetadata"]]
            rows += [dict(zip(names, map(_value, record), strict=True)) for record in page["Records"]]
            if not page.get("NextToken"):
                return rows
            token = {"NextToken": page["NextToken"]}

    def query(self, name: str, sql: str) -> list[dict[str, Any]]:
        """Run one select to its end and return its rows.

        Raises:
            StatementFailed: it ended FAILED or ABORTED.
        """
        statement = self._call("execute_statement", Sql=sql, StatementName=f"{name}/read/", **self._target)["Id"]
        self.finish(statement)
        return self.read_rows(statement)

    def submit_reads(self, name: str, reads: Submission) -> str:
        """Submit selects as one transaction, which sees one state of the warehouse, and return its id; it has no token, as a
        repeated read is to see what is there then."""
        request = {**self._target, "StatementName": f"{name}/{reads.label}/", **reads.used_parameters()}
        if len(reads.statements) == 1:
            return str(self._call("execute_statement", Sql=reads.statements[0], **request)["Id"])
        return str(self._call("batch_execute_statement", Sqls=list(reads.statements), **request)["Id"])

    def read_results(self, statement_id: str, statements: int) -> list[list[dict[str, Any]]]:
        """Return the rows of each of a finished request's statements.

        The result of a batch's n-th statement has the id `<batch's id>:<n>` (API reference, "SubStatementData").
        """
        if statements == 1:
            return [self.read_rows(statement_id)]
        return [self.read_rows(f"{statement_id}:{number}") for number in range(1, statements + 1)]

    def list_statements(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the API's summaries of the last day's statements whose name starts with `name/`, newest first."""
        return self._list(f"{name}/", "ALL")

    def cancel_unfinished(self, name: str) -> list[str]:
        """Cancel every unfinished statement whose name starts with `name/`; return their names."""
        cancelled = []
        for status in _UNFINISHED:
            for statement in self._list(f"{name}/", status):
                if self._cancel(statement["Id"]):
                    cancelled.append(statement["StatementName"])
        return cancelled

    def _cancel(self, statement_id: str) -> bool:
        """Cancel a statement; return whether it was still unfinished."""
        try:
            self._client.cancel_statement(Id=statement_id)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFoundException"):
                raise
            return False
        return True

    def _list(self, name: str, status: str) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._call("list_statements", StatementName=name, Status=status, MaxResults=100, **token)
            yield from page["Statements"]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            message = f"Redshift Data API refused {operation}: {error.response['Error'].get('Message', code)}"
            if code in ("ValidationException", "AccessDeniedException", "ResourceNotFoundException"):
                raise FixConfiguration(
                    f"{message} (check the workgroup or cluster, the database and the role's policy)"
                ) from error
            raise RetryLater(message) from error
        except BotoCoreError as error:
            raise RetryLater(f"the Redshift Data API cannot be reached: {error}") from error
        return answer


@cache
def redshift_data(attempts: int) -> Any:
    """Return this process's Data API client. Its own retries answer throttling and dropped connections; tokens make them safe."""
    retries = {"mode": "standard", "max_attempts": attempts}
    config = Config(retries=retries, connect_timeout=10, read_timeout=_LONGEST_POLL_SECONDS + 30)
    return boto3.client("redshift-data", config=config)


def classify(message: str) -> PipelineError:
    """Turn Redshift's message into the error that says how to react, with the remedy where one is known.

    Values of rows that Redshift quotes are left out: the message goes to logs, the ledger and people's mail.
    """
    message = _VALUE.sub("…", message)
    reaction, remedy = _find_reaction(message)
    return reaction(f"{message} — {remedy}" if remedy else message)


def is_of_one_statement(message: str) -> bool:
    """Whether one of a request's statements failed by itself: no guard, no lost connection, and nobody who cancelled it."""
    return not any(text in message for text in (*_RETRY, *_REMEDIES))


def _find_reaction(message: str) -> tuple[type[PipelineError], str | None]:
    remedy = next((text for start, text in _REMEDIES.items() if start in message), None)
    if any(text in message for text in _RETRY):
        return RetryLater, remedy
    status, error = answer.group("status", "error") if (answer := _S3_ANSWERS.search(message)) else ("", "")
    if error in _S3_PASSES or status.startswith("5"):
        return RetryLater, remedy
    is_about_a_file = status in ("", "404", "412", "416") and error in _S3_HAS_NO_SUCH_FILE
    if "Access Denied" in message or not is_about_a_file:
        return FixConfiguration, _LET_S3_IN
    return FixData if any(text in message for text in _FIX_DATA) else FixConfiguration, remedy


def _value(field: dict[str, Any]) -> Any:
    if field.get("isNull"):
        return None
    return next(iter(field.values()))
