"""Start AWS's runtime client for one function: `python -P -S bootstrap.py <handler>`, as the emulator's bootstrap.

It joins the memory limit it was given, and ends when the emulator does, even in the middle of an invocation.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

# Packages of this environment that botocore and urllib3 use where they find them. Lambda has none of them, and to import them
# takes a fifth of a process's start.
_NOT_ON_LAMBDA = ("awscrt", "OpenSSL", "brotli", "brotlicffi")


def main() -> None:
    """Prepare this process as Lambda's would be, then hand it over to the runtime client."""
    if limit := os.environ.pop("LOCAL_MEMORY_GROUP", None):
        (Path(limit) / "cgroup.procs").write_text(str(os.getpid()))
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    for name in _NOT_ON_LAMBDA:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system's own word for: there is none
    _log_calls_if_asked()
    from awslambdaric.__main__ import main as serve

    serve(["awslambdaric", sys.argv[1]])


def _log_calls_if_asked() -> None:
    if "LOCAL_CALL_LOG" in os.environ:  # else nothing of ours is imported into a function's process
        from local.standins.call_log import log_calls_if_asked

        log_calls_if_asked()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


if __name__ == "__main__":
    main()
