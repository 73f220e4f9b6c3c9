"""Starting, stopping and killing the one-machine stack: nothing is left running, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pymysql
import pytest

from local.folder_lock import StackBusy, stop_left_behind
from local.stack import Stack
from tests.fixtures.slow import first_of

ROOT = Path(__file__).parents[3]
STARTER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run in the background of a shell
from pathlib import Path
from local.stack import Stack
with Stack(Path(sys.argv[1])) as stack:
    stack.invoke("PlanRunFunction", {})
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder, and afterwards no process that works in it."""
    # Not pytest's own folder: another session's start would close it to the user whom PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="rental-pipeline-") as folder:
        yield Path(folder)
        stop_left_behind(Path(folder))


@pytest.fixture
def started(state: Path):
    """A stack in another process, with a function that has run."""
    process = subprocess.Popen([sys.executable, "-c", STARTER, str(state)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "started\n"
    yield process
    process.kill()
    process.wait()


def processes_of(state: Path) -> dict[int, str]:
    """Processes whose command line, folder or output is in the state folder."""
    found = {}
    for process in psutil.process_iter():
        try:
            places = [*process.cmdline(), process.cwd(), str(Path(f"/proc/{process.pid}/fd/1").readlink())]
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and any(str(state) in place for place in places):
            found[process.pid] = " ".join(process.cmdline())
    return found


def wait_until_gone(state: Path, seconds: float = 30) -> dict[int, str]:
    deadline = time.monotonic() + seconds
    while (left := processes_of(state)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("number", first_of([signal.SIGKILL, signal.SIGINT]), ids=["killed", "interrupted"])
def test_a_stack_that_ends_takes_everything_with_it(started, state, number):
    """However it ends: databases, servers, emulators and functions."""
    running = " ".join(processes_of(state).values())
    for part in (
        "mariadbd",
        "postgres",
        "standins.moto.server",
        "standins.redshift",
        "aws-lambda-rie",
        "aws_lambda/bootstrap",
        "local.guard",
    ):
        assert part in running, part
    started.send_signal(number)
    started.wait(60)
    assert wait_until_gone(state) == {}


def test_a_second_stack_is_refused_and_the_first_can_be_stopped_from_outside(started, state):
    """One at a time on a folder, and the refusal names the process; `make stop` ends it."""
    with pytest.raises(StackBusy, match=str(started.pid)):
        Stack(state).start()
    assert started.poll() is None
    assert stop_left_behind(state)
    assert wait_until_gone(state) == {}
    assert not stop_left_behind(state)


@pytest.mark.slow
def test_what_a_stack_holds_is_there_at_its_next_start(state):
    """The databases' rows and the bucket's objects."""
    with Stack(state) as stack:
        with stack.source.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create table kept (id int primary key)")
            cursor.execute("insert into kept values (7)")
        with stack.warehouse.connect() as warehouse:
            warehouse.execute("create table kept as select 8 as id")
        stack.s3.put_object(Bucket=stack.bucket, Key="apartments/kept.json", Body=b"9")
    assert wait_until_gone(state) == {}
    with Stack(state) as stack:
        with stack.source.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select id from kept")
            assert cursor.fetchall() == ((7,),)
        with stack.warehouse.connect() as warehouse:
            assert warehouse.execute("select id from kept").fetchall() == [(8,)]
        assert stack.s3.get_object(Bucket=stack.bucket, Key="apartments/kept.json")["Body"].read() == b"9"


@pytest.mark.slow
def test_parts_can_fail_and_return(state):
    """The source and the warehouse go away and come back at the same address; a run says what it could not reach."""
    with Stack(state, retry_pace=0.01) as stack:
        stack.stop_warehouse()
        failed = stack.start_execution().wait()
        assert failed.status == "FAILED"
        with pytest.raises(psycopg.OperationalError):
            stack.warehouse.connect()
        stack.start_warehouse()
        stack.warehouse.connect().close()

        stack.stop_source()
        with pytest.raises(pymysql.err.OperationalError):
            stack.source.connect()
        failed = stack.start_execution().wait()
        assert (failed.status, failed.error) == ("FAILED", "RetryLater")
        assert f"{stack.source.host}:{stack.source.port}" in failed.cause
        assert any("Plan the run" in message["Subject"] for message in stack.messages())
        stack.start_source()
        stack.source.connect().close()
