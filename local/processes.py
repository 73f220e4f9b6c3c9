"""Child processes of the one-machine stack: each with its own log, none of them outliving the process that started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.refusal import Refused

STOP_SECONDS = 5
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# The kernel's parent-death signal follows the *thread* that forked, not the process, so all children are forked by one thread
# that lives as long as this process.
_forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


class DidNotStart(Refused):
    """A child process ended, or stayed silent, before it was ready; the message holds the end of its log."""


class ChildProcess:
    """A running child and everything that it starts, as one process group.

    Args:
        command: Program and arguments.
        log: File that takes its output (appended).
        environment: Its whole environment; None for a copy of ours.
        folder: Its working folder; None for ours.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = _forker.submit(
                subprocess.Popen,
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if environment is None else dict(environment),
                cwd=folder,
                # A group of its own: Ctrl-C reaches the one who started it, and it stops the children in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            ).result()

    @property
    def pid(self) -> int:
        """Process id of the child, and the id of its group."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the child itself has not ended."""
        return self._process.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Return as soon as `is_ready()` holds.

        Raises:
            DidNotStart: the child ended first, or the time was up.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running:
                raise DidNotStart(f"{what} ended at once. {self._end_of_log()}")
            if time.monotonic() > deadline:
                raise DidNotStart(f"{what} did not answer within {seconds:.0f} s. {self._end_of_log()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End the whole group and wait for it: politely first, then for good."""
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
                break
        with contextlib.suppress(ProcessLookupError):  # what the child started and left behind
            os.killpg(self.pid, signal.SIGKILL)

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return f"The end of {self.log}: " + " | ".join(lines[-5:])


def find_free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether something accepts connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
