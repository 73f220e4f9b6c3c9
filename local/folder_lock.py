"""The lock of a state folder: one stack at a time runs on it, and it can be ended from outside by the process id in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from local import guard
from local.refusal import Refused

LOCK = "stack.lock"


class StackBusy(Refused):
    """Another process runs a stack on this state folder."""


@contextlib.contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, with our process id in it."""
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackBusy(f"process {_find_holder(folder)} runs a stack on {folder}; `make stop` ends it") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def stop_left_behind(folder: Path) -> bool:
    """Stop the stack that runs on a state folder, or what one that was killed left there; return whether there was any."""
    pid = _find_holder(folder)
    if pid:
        os.kill(pid, 15)
        deadline = time.monotonic() + 60
        while _find_holder(folder) == pid and time.monotonic() < deadline:
            time.sleep(0.1)
    return guard.stop_databases(folder) or pid is not None


def _find_holder(folder: Path) -> int | None:
    """Return the process that holds the folder's lock, None where none does."""
    path = folder / LOCK
    if not path.exists():
        return None
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            return int(lock.read() or 0) or None
    return None
