"""On what something was measured: without it, its numbers mean nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pymysql


def count_cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_machine(packages: Sequence[str]) -> list[str]:
    """Return the machine, with today's date, and the versions of what ran on it: one fact an item."""
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()} ({_processor()})",
        f"Python {platform.python_version()}, {versions}",
    ]


def describe_load(load_before: float) -> str:
    """Return how busy the machine was with other things, as os.getloadavg said before."""
    return (
        f"before the first round, the machine's load was {load_before:.1f} (much above 0, other work took part of the"
        " processors, and wall times are too long)"
    )


def server_version(connection: pymysql.Connection) -> str:
    """Return what the source database is."""
    with connection.cursor() as cursor:
        cursor.execute("select version()")
        ((version,),) = cursor.fetchall()
        return f"MariaDB {version}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
