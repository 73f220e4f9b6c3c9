"""`python -m local.guard FOLDER`: stop a stack's databases when the process that holds our standard input ends, however it does.

The databases are the only children that put themselves out of their parent's reach.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Have the databases of a state folder stopped even if this process is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.guard", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdin is not None  # a pipe was asked for
    try:
        yield
        process.stdin.write(b"stopped")  # in order: it has nothing left to do
    finally:
        process.stdin.close()
        process.wait(60)


def stop_databases(folder: Path) -> bool:
    """Stop the source and the warehouse that run on a state folder; return whether one did."""
    # Only then, for most guards have nothing to do, and all start while a stack does.
    from local.standins.mysql import mariadb
    from local.standins.redshift.postgres import Postgres

    postgres = Postgres(folder / "postgres")
    had_warehouse = (postgres.folder / "postmaster.pid").exists()
    postgres.stop()
    return mariadb.stop_left_behind(folder / "mariadb") or had_warehouse


def main() -> None:
    """Wait for the end of standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if not sys.stdin.read():  # a word means: it was stopped in order, nothing is left to do
        stop_databases(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
