"""What was submitted, how far it is, and what came of it."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from local_redshift.refusal import Refused
from local_redshift.results import ResultSet
from local_redshift.sessions import Sessions, describe_error

KEPT_SECONDS = 24 * 3600  # results and descriptions
TOKEN_SECONDS = 8 * 3600
_MOST_AT_ONCE = 60
_ENDED = ("FINISHED", "FAILED", "ABORTED")


@dataclass
class SubStatement:
    """One statement of a request."""

    sql: str
    status: str = "SUBMITTED"
    error: str | None = None
    result: ResultSet | None = None
    rows: int = -1
    started_at: float = 0.0
    ended_at: float = 0.0
    query_id: int = 0
    updated_at: float = field(default_factory=time.time)


@dataclass
class Statement:
    """One request: a statement or a batch."""

    sqls: list[str]
    is_batch: bool
    request: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "SUBMITTED"
    error: str | None = None
    pid: int = 0
    query_id: int = 0
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    started_at: float = 0.0
    ended_at: float = 0.0
    parts: list[SubStatement] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False
    connection: psycopg.Connection | None = None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.request.get("StatementName") or ""

    @property
    def values(self) -> dict[str, str]:
        return {parameter["name"]: parameter["value"] for parameter in self.request.get("Parameters") or []}

    @property
    def has_ended(self) -> bool:
        return self.status in _ENDED


class Statements:
    """Accepts requests, runs them each in a thread, and remembers them for a day.

    Args:
        sessions: Where they run.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._by_id: dict[str, Statement] = {}
        self._by_token: dict[str, Statement] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="redshift")
        # One, for it is all Python: a batch's next statements are translated while PostgreSQL runs one.
        self._translator = ThreadPoolExecutor(1, thread_name_prefix="translator")
        self._query_ids = 1000

    def submit(self, sqls: list[str], is_batch: bool, request: dict[str, Any]) -> Statement:
        """Accept a request; the same client token answers with the same statement for 8 hours, however that ended.

        Raises:
            ValueError: the token was used for another request.
        """
        token = request.get("ClientToken")
        with self._lock:
            self._forget_old()
            if token and (known := self._by_token.get(token)):
                if known.sqls != sqls or known.values != Statement(sqls, is_batch, request).values:
                    raise ValueError("The ClientToken was used for a request with other parameters")
                return known
            statement = Statement(sqls, is_batch, request)
            statement.parts = [SubStatement(sql) for sql in sqls]
            targets: list[Statement | SubStatement] = [statement, *statement.parts]
            for target in targets:
                self._query_ids += 1
                target.query_id = self._query_ids
            self._by_id[statement.id] = statement
            if token:
                self._by_token[token] = statement
        self._threads.submit(self._run, statement)
        return statement

    def find(self, statement_id: str) -> tuple[Statement, int | None]:
        """Return a statement and, for an id `<id>:<n>`, the index of its part; raise KeyError if unknown."""
        base, _, number = statement_id.partition(":")
        with self._lock:
            self._forget_old()
            statement = self._by_id[base]
        if not number:
            return statement, None
        if not statement.is_batch or not 1 <= int(number) <= len(statement.parts):
            raise KeyError(statement_id)
        return statement, int(number) - 1

    def newest_first(self) -> list[Statement]:
        """Return every statement remembered."""
        with self._lock:
            self._forget_old()
            return list(reversed(self._by_id.values()))

    def cancel(self, statement: Statement) -> bool:
        """Cancel a statement in PostgreSQL; False where it ends otherwise first, or does not end within 10 seconds."""
        statement.is_cancelled = True
        deadline = time.monotonic() + 10
        while not statement.ended.is_set() and time.monotonic() < deadline:
            with self._lock:  # the connection is this statement's own for as long as the lock is held
                if statement.connection is not None:
                    statement.connection.cancel_safe(timeout=5)
            statement.ended.wait(0.1)  # PostgreSQL forgets a request to cancel that comes between two queries: ask again
        return statement.status == "ABORTED"

    def stop(self) -> None:
        """Cancel what runs and end the threads."""
        for statement in self.newest_first():
            if not statement.has_ended:
                self.cancel(statement)
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._translator.shutdown(wait=True, cancel_futures=True)

    def _forget_old(self) -> None:
        """Forget from the oldest on, up to the first that is to be kept: both dictionaries are in the order of submission."""
        now = time.time()
        while self._by_token and now - _oldest(self._by_token).created_at > TOKEN_SECONDS:
            del self._by_token[next(iter(self._by_token))]
        while self._by_id and _oldest(self._by_id).has_ended and now - _oldest(self._by_id).updated_at > KEPT_SECONDS:
            del self._by_id[next(iter(self._by_id))]

    def _run(self, statement: Statement) -> None:
        self._set(statement, "PICKED")
        connection = None
        try:
            connection = self._sessions.acquire()
            with self._lock:
                statement.connection, statement.pid = connection, connection.info.backend_pid
            statement.started_at = time.time()
            self._set(statement, "STARTED")
            self._run_transaction(connection, statement)
            status = "FINISHED"
        except Exception as error:
            status = "ABORTED" if statement.is_cancelled else "FAILED"
            self._blame(statement, status, error)
        finally:
            if connection is not None:
                with self._lock:
                    statement.connection = None
                self._sessions.release(connection)
        statement.ended_at = time.time()
        self._set(statement, status)
        statement.ended.set()

    def _run_transaction(self, connection: psycopg.Connection, statement: Statement) -> None:
        # One snapshot for the whole transaction, taken at its first query (page c_serial_isolation: SNAPSHOT is the default).
        connection.execute("begin isolation level repeatable read")
        prepare = partial(self._sessions.prepare_statement, in_batch=statement.is_batch)
        translations = [self._translator.submit(prepare, part.sql) for part in statement.parts]
        try:
            for part, translation in zip(statement.parts, translations, strict=True):
                if statement.is_cancelled:
                    raise Refused("Query cancelled on user's request")
                part.started_at = time.time()
                self._set(part, "STARTED")
                part.result, part.rows = self._sessions.run(connection, translation.result(), statement.values)
                part.ended_at = time.time()
                self._set(part, "FINISHED")
            connection.execute("commit")
        except BaseException:
            with contextlib.suppress(psycopg.Error):  # a lost connection has rolled back already
                connection.execute("rollback")
            raise
        finally:
            for translation in translations:
                translation.cancel()

    def _blame(self, statement: Statement, status: str, error: Exception) -> None:
        text = describe_error(error)
        if status == "ABORTED":
            text = "Query cancelled on user's request"
        number = next((i for i, part in enumerate(statement.parts) if part.status == "STARTED"), None)
        for i, part in enumerate(statement.parts):
            if i == number:
                part.error, part.ended_at = text, time.time()
                self._set(part, status)
            elif part.status == "SUBMITTED":
                self._set(part, "ABORTED")
                part.error = "Connection or an prior query failed."
        prefix = f"Query #{number + 1} failed with " if statement.is_batch and number is not None and status == "FAILED" else ""
        statement.error = prefix + text

    @staticmethod
    def _set(target: Statement | SubStatement, status: str) -> None:
        target.status, target.updated_at = status, time.time()


def _oldest(statements: dict[str, Statement]) -> Statement:
    return next(iter(statements.values()))
