"""Lambda's version of Python on this machine: one that is installed, or Debian's, in a root file system of its own."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

VERSION = "3.13"
# The release of Debian whose python3 has that version. Its C library is newer than Lambda's (Amazon Linux 2023 has glibc 2.34).
_RELEASE = "trixie"
_PACKAGES = f"base-files,python{VERSION},dash,coreutils,ca-certificates,libstdc++6"
_TIMEOUT_SECONDS = 600


class NoLambdaPython(Exception):
    """This machine has no Python of Lambda's version, and none can be made; the message says why."""


@dataclass(frozen=True)
class LambdaPython:
    """A Python of Lambda's version.

    Attributes:
        command: How to start it.
        root: The root file system it lives in; None where it is installed on this machine.
    """

    command: tuple[str, ...]
    root: Path | None = None

    def run(self, code: str, task: Path, layers: list[Path], environment: dict[str, str] | None = None) -> str:
        """Run code as Lambda would, and return its standard output.

        Args:
            code: A Python program.
            task: The function's code, the program's working folder.
            layers: Folders that Lambda would merge at /opt.
            environment: Variables beside PATH, PYTHONPATH and PYTHONDONTWRITEBYTECODE.

        Raises:
            subprocess.CalledProcessError: the program failed; what it wrote is in the exception.
        """
        # By a shell that stays: the peak memory of a process counts what the one that it replaced had.
        command = ["sh", "-c", '"$@"; exit $?', "sh", *self.command, "-c", code]
        path = [str(layer / "python") for layer in layers]
        if self.root:
            for layer in layers:
                shutil.copytree(layer, self.root / "opt", dirs_exist_ok=True)
            shutil.rmtree(self.root / "var/task", ignore_errors=True)
            shutil.copytree(task, self.root / "var/task")
            path = ["/opt/python"]
            command = ["chroot", str(self.root), "sh", "-c", 'cd /var/task && exec "$@"', "sh", *command]
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": ":".join(path),
            # Lambda's /opt cannot be written.
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        }
        return subprocess.run(
            command, cwd=task, env=variables, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
        ).stdout


def find_lambda_python(folder: Path) -> LambdaPython:
    """Return the installed Python of Lambda's version (also one of pyenv's); else make one in a folder.

    Raises:
        NoLambdaPython: there is neither.
    """
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{VERSION}.*/bin/python{VERSION}"))
    for candidate in (f"python{VERSION}", *map(str, pyenv)):
        if shutil.which(candidate) and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0:
            return LambdaPython((candidate,))
    try:
        make_root_filesystem(folder)
    except NoLambdaPython as error:
        raise NoLambdaPython(f"no Python {VERSION} is installed, and {error}") from None
    return LambdaPython((f"python{VERSION}",), folder)


def make_root_filesystem(folder: Path) -> None:
    """Fill a folder with a small Debian that has Lambda's version of Python, from Debian's packages.

    Raises:
        NoLambdaPython: it takes root, mmdebstrap and the network.
    """
    if os.geteuid() != 0:
        raise NoLambdaPython("only root may make a Debian system to take it from")
    if not shutil.which("mmdebstrap"):
        raise NoLambdaPython("mmdebstrap is not there to make a Debian system to take it from (make setup-containers)")
    command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={_PACKAGES}", _RELEASE, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise NoLambdaPython(f"mmdebstrap could not make a Debian {_RELEASE}: {done.stderr.strip()[-300:]}")


def machine() -> str:
    """Return this machine's processor as AWS Lambda calls it: x86_64 or arm64."""
    return {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
