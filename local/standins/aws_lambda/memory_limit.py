"""Memory limits by control group (v1 or v2), where this machine lets us make one; elsewhere there is none, and that is said."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")
_PREFIX = "rental-pipeline-"


class MemoryLimit:
    """A control group that holds one function's processes to its memory.

    Args:
        name: Part of the group's name.
        megabytes: The limit, in MiB as Lambda counts.

    Raises:
        OSError: this machine does not let us make or limit a group.
    """

    def __init__(self, name: str, megabytes: int) -> None:
        is_v1 = (_V1 / "memory.limit_in_bytes").exists()
        root, variable = (_V1, "memory.limit_in_bytes") if is_v1 else (_V2, "memory.max")
        _remove_left_behind(root)
        self.folder = root / f"{_PREFIX}{os.getpid()}-{name}"
        self.folder.mkdir(exist_ok=True)
        try:
            (self.folder / variable).write_text(str(megabytes * 1024 * 1024))
            if not is_v1:
                with contextlib.suppress(OSError):  # a kernel without swap accounting
                    (self.folder / "memory.swap.max").write_text("0")
        except OSError:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the group; it stays (empty, for the next start to remove) where a process is still ending in it."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _remove_left_behind(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
