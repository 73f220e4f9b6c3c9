"""A deployed stack with a small generated marketplace: one for a module's tests, which leave it able to run."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import Stack

RETRY_PACE = 0.02  # the waits before a Retry, so that a failure that is retried five times is not waited for


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack, deployed from template.yaml; nothing has run on it yet.

    Not in a folder of pytest's, which only the user who runs it may enter: PostgreSQL runs as another where that is root.
    """
    with (
        tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as folder,
        Stack(Path(folder), retry_pace=RETRY_PACE) as running,
    ):
        with closing(running.source.connect()) as connection:
            create_sample_schema(connection, "apartments")
            fill(connection, scale=0.0001, seed=3, anchor=datetime.now(UTC).date())
        yield running


def change_source(stack: Stack, sql: str, *arguments: object) -> int:
    """Run one statement on the source as its application; return the rows affected."""
    with closing(stack.source.connect()) as connection, connection.cursor() as cursor:
        return cursor.execute(sql, arguments or None)


def query_source(stack: Stack, sql: str) -> list[tuple]:
    """Return the rows of a select on the source."""
    with closing(stack.source.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def query_warehouse(stack: Stack, sql: str) -> list[tuple]:
    """Return the rows of a select on the warehouse, past the Data API."""
    with stack.warehouse.connect() as connection:
        return connection.execute(sql).fetchall()


def run(stack: Stack, run_input: object = None) -> dict:
    """Execute the state machine to its good end and return its output."""
    execution = stack.start_execution(run_input).wait()
    assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
    return execution.output


@contextmanager
def held_before_loading(stack: Stack, run_sequence: int) -> Iterator[None]:
    """Hold a run where its first load waits for the lease's lock; it goes on when the block is left.

    The lock is taken as soon as the run is prepared; reading the source takes longer than that.
    """
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        # A test may stop the warehouse meanwhile, and the lock with it.
        with suppress(psycopg.OperationalError), stack.warehouse.connect() as connection:
            while not connection.execute(
                "select 1 from apartments_control.step_commit where run_sequence = %s and step = 'found'", (run_sequence,)
            ).fetchone():
                time.sleep(0.005)
            connection.autocommit = False
            connection.execute("lock table apartments_control.lease in access exclusive mode")
            held.set()
            release.wait(60)

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    try:
        assert held.wait(60), "the run was not prepared"
        deadline = time.monotonic() + 60
        while not query_warehouse(
            stack, "select 1 from pg_locks where not granted and relation = 'apartments_control.lease'::regclass"
        ):
            assert time.monotonic() < deadline, "no load came to wait for the lease"
            time.sleep(0.02)
        yield
    finally:
        release.set()
        holder.join(60)
