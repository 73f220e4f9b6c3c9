"""Runs statements in PostgreSQL: one connection per running request, one transaction per request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import psycopg

from local_redshift import copy_parquet, unload_parquet
from local_redshift.database import USER, prepare_database
from local_redshift.refusal import NotOffered, Refused
from local_redshift.results import ResultSet, read_result
from local_redshift.translate import translate
from local_redshift.translation import Translation

# What follows in the same transaction joins the rows just written. Redshift gathers statistics with CREATE TABLE AS by itself and
# joins by hashing in any case; PostgreSQL would take a new table for a few rows and run through it once per row of the other.
_FILLED = re.compile(r'(?:create temporary table|INSERT INTO) ("[^"]+"(?:\."[^"]+")?)')
_WORTH_ANALYZING = 500
# PostgreSQL keeps what it planned of a procedure as long as the session lives, also where the procedure was dropped, and looks
# through all of it whenever a table is created or dropped.
_KEEPS_PLANS = re.compile("create or replace procedure", re.IGNORECASE)
_SEARCH_PATH = '"$user",public,redshift,pg_catalog'


class Sessions:
    """Connections to the database, reused between requests and cleared of everything a session holds.

    Args:
        uri: Connection string of a superuser.
        s3: boto3 client that COPY reads and UNLOAD writes with.
        role: ARN of the one role that is attached to the warehouse; None attaches every role.
    """

    def __init__(self, uri: str, s3: Any, role: str | None = None) -> None:
        self._uri, self._s3, self._role = uri, s3, role
        self._idle: list[psycopg.Connection] = []
        self._worn: set[psycopg.Connection] = set()
        self._lock = threading.Lock()
        self._postgres_functions: frozenset[str] = frozenset()

    def prepare(self) -> None:
        """Make the database ready; see prepare_database. Repeatable."""
        self._postgres_functions = prepare_database(self._uri)

    def acquire(self) -> psycopg.Connection:
        """Return a connection in a new session's state."""
        while connection := self._pop_idle():
            if _is_alive(connection):
                return connection
        return psycopg.connect(
            self._uri,
            user=USER,
            autocommit=True,
            prepare_threshold=None,  # DISCARD ALL would leave psycopg with names of statements that are gone
            options=f"-c search_path={_SEARCH_PATH} -c timezone=UTC",
        )

    def _pop_idle(self) -> psycopg.Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def release(self, connection: psycopg.Connection) -> None:
        """Take a connection back: temporary tables, settings and locks go. A lost one takes the idle ones with it.

        One that has made a procedure is closed, and not used again.
        """
        if connection in self._worn:
            self._worn.discard(connection)
            connection.close()
            return
        try:
            connection.execute("discard all")
        except psycopg.Error:
            connection.close()
            self.close()
            return
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def prepare_statement(self, sql: str, in_batch: bool) -> Translation:
        """Translate a statement and check what only the database knows.

        Raises:
            Refused: see translate; or it may not stand in a batch; or it calls a function that only PostgreSQL has.
        """
        translation = translate(sql)
        if in_batch and translation.alone:
            raise Refused(translation.alone)
        if foreign := sorted(translation.functions & self._postgres_functions):
            raise NotOffered(f"function {foreign[0]}() does not exist in Redshift, or is not offered here", "c_SQL_functions")
        return translation

    def run(
        self, connection: psycopg.Connection, translation: Translation, values: dict[str, str]
    ) -> tuple[ResultSet | None, int]:
        """Run one translated statement in the open transaction; return its result (or None) and its number of rows."""
        if command := translation.copy or translation.unload:
            self._check_role(command.role)
        for question in translation.before:
            connection.execute(question.encode())
        result = self._run_between(connection, translation, values)
        for question in translation.after:
            connection.execute(question.encode())
        return result

    def _run_between(
        self, connection: psycopg.Connection, translation: Translation, values: dict[str, str]
    ) -> tuple[ResultSet | None, int]:
        if translation.copy is not None:
            return None, copy_parquet.load(connection, self._s3, translation.copy)
        if translation.unload is not None:
            rows = unload_parquet.unload(connection, self._s3, translation.unload, translation.text)
            connection.execute("select set_config('redshift.last_unload_count', %s, false)", [str(rows)])
            return None, rows
        text = translation.bind(values)
        if not text:
            return None, 0
        cursor = connection.execute(text)
        if _KEEPS_PLANS.match(text):
            self._worn.add(connection)
        if cursor.rowcount >= _WORTH_ANALYZING and (filled := _FILLED.match(text)):
            connection.execute(f"analyze {filled[1]}")
        if translation.returns_rows and cursor.description is not None:
            result = read_result(cursor)
            return result, len(result.rows)
        return None, max(cursor.rowcount, 0) if cursor.description is None else 0

    def _check_role(self, role: str | None) -> None:
        """Refuse a role that is not attached (Management Guide, "Authorizing COPY, UNLOAD … operations using IAM roles")."""
        if role and self._role and role != self._role:
            raise Refused(f"Not authorized to get credentials of role {role}")


def _is_alive(connection: psycopg.Connection) -> bool:
    """Whether the server still knows a connection that was idle: it may have been restarted, or the database made again."""
    try:
        connection.execute("")
    except psycopg.Error:
        connection.close()
        return False
    return True


def describe_error(error: Exception) -> str:
    """Return an error's text as Redshift words it."""
    if isinstance(error, Refused):
        return f"ERROR: {error}"
    if isinstance(error, psycopg.Error):
        return "ERROR: " + _reword(error)
    return f"ERROR: {type(error).__name__}: {error}"


_WORDING: dict[str, Callable[[psycopg.Error], str]] = {
    "40001": lambda error: f"1023 DETAIL: Serializable isolation violation on table: {error.diag.message_primary}",
    "40P01": lambda error: f"deadlock detected DETAIL: {error.diag.message_detail}",
    "21000": lambda error: (
        "Found multiple matches to update the same tuple."
        if "MERGE" in (error.diag.message_primary or "")
        else str(error.diag.message_primary)
    ),
    "0A000": lambda error: _say_not_offered(error.diag.message_primary or ""),
    "42P10": lambda error: _say_not_offered(error.diag.message_primary or ""),
    "57014": lambda error: "Query cancelled on user's request",
    "428C9": lambda error: f"cannot set an identity column to a value: {error.diag.message_primary} (page r_INSERT_30)",
    "42883": lambda error: _reword_missing(error.diag.message_primary or ""),
    "42804": lambda error: f"{error.diag.message_primary} (page c_Supported_data_types)",
    "42846": lambda error: f"{error.diag.message_primary} (page c_Supported_data_types)",
}


def _say_not_offered(said: str) -> str:
    """Say that PostgreSQL cannot do what Redshift may: what this package refuses itself names its page."""
    is_own = "(page " in said or re.search(r"\([rc]_\w+\)", said)
    return said if is_own else f"{said}: PostgreSQL cannot, so it is not offered here (page c_SQL_commands)"


def _reword_missing(said: str) -> str:
    """Say of a function or operator that it is not known, or not with these types."""
    if said.startswith("operator"):
        return f"{said}: these types are compared or combined after a cast only (page c_Supported_data_types)"
    return (
        f"{said.replace('redshift.', '')}: it is not Redshift's with these arguments, or not offered here (page c_SQL_functions)"
    )


def _reword(error: psycopg.Error) -> str:
    if error.sqlstate == "23514" and "_bytes_" in (error.diag.constraint_name or ""):
        column, _, size = (error.diag.constraint_name or "").rpartition("_bytes_")
        return (
            f"value too long for type character varying({size}) DETAIL: the column {column} counts bytes, "
            "and CHAR takes single-byte characters only"
        )
    if wording := _WORDING.get(error.sqlstate or ""):
        return wording(error)
    # PostgreSQL tells the row that breaks a constraint, value by value; Redshift does not.
    has_detail = error.diag.message_detail and not (error.sqlstate or "").startswith("23")
    detail = f" DETAIL: {error.diag.message_detail}" if has_detail else ""
    return (error.diag.message_primary or str(error)) + detail
