"""Start AWS's runtime client for one function: `python -P -S bootstrap.py <handler>`, as the emulator's bootstrap.

It joins the memory limit it was given, and ends when the emulator does, even in the middle of an invocation. The emulator starts
it with the first invocation only: one that is INITIALIZE asks for no more than that, and never reaches the handler.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

# Packages of this environment that botocore and urllib3 use where they find them. Lambda has none of them, and to import them
# takes a fifth of a process's start.
_NOT_ON_LAMBDA = ("awscrt", "OpenSSL", "brotli", "brotlicffi")

# No event can be that: it is no JSON.
INITIALIZE = b"initialize"


def main() -> None:
    """Prepare this process as Lambda's would be, then hand it over to the runtime client."""
    if limit := os.environ.pop("LOCAL_MEMORY_GROUP", None):
        (Path(limit) / "cgroup.procs").write_text(str(os.getpid()))
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    for name in _NOT_ON_LAMBDA:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system's own word for: there is none
    _log_calls_if_asked()
    import awslambdaric.__main__ as runtime

    class Client(runtime.LambdaRuntimeClient):  # type: ignore[misc]  # the package has no types
        def wait_next_invocation(self) -> Any:
            while (invocation := super().wait_next_invocation()).event_body == INITIALIZE:
                self.post_invocation_result(invocation.invoke_id, b"null", invocation_id=invocation.invocation_id)
            return invocation

    runtime.LambdaRuntimeClient = Client
    runtime.main(["awslambdaric", sys.argv[1]])


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
