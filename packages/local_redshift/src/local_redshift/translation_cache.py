"""Translations kept on disk, for processes that send much the same SQL: a stack's next start, the workers of a test run.

Reading one takes a hundredth of what parsing does. The environment variable LOCAL_REDSHIFT_CACHE names the folder; without it
nothing is kept. A change of this package, or of sqlglot, begins anew.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

# About 50 MB; a start leaves the newest half.
_MOST = 20_000


class TranslationCache:
    """The translations of one version of this package, by their statements; processes and threads may share the folder.

    Args:
        folder: Made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_fingerprint()}.sqlite"
        for old in folder.glob("*.sqlite*"):
            if not old.name.startswith(path.name):
                old.unlink(missing_ok=True)
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = off")  # a lost file costs time only
        self._file.execute("create table if not exists translation (statement blob primary key, fields text not null)")
        (newest,) = self._file.execute("select coalesce(max(rowid), 0) from translation").fetchone()
        if newest > _MOST:
            self._file.execute("delete from translation where rowid <= ?", (newest - _MOST // 2,))

    def get(self, sql: str) -> dict[str, Any] | None:
        """Return the fields that `put` was given for this statement, tuples as lists; None if it is not known."""
        with self._lock:
            found = self._file.execute("select fields from translation where statement = ?", (_digest(sql),)).fetchone()
        return json.loads(found[0]) if found else None

    def put(self, sql: str, fields: dict[str, Any]) -> None:
        """Keep a statement's translation."""
        with self._lock:
            self._file.execute("insert or ignore into translation values (?, ?)", (_digest(sql), json.dumps(fields)))


@cache
def open_cache(folder: str) -> TranslationCache:
    """Return the one cache of this process over a folder."""
    return TranslationCache(Path(folder))


def _digest(sql: str) -> bytes:
    return sha256(sql.encode()).digest()


def _fingerprint() -> str:
    """Return a name for the version of everything that a translation depends on."""
    digest = sha256(version("sqlglot").encode())
    for path in sorted(Path(__file__).parent.glob("*.*")):
        if path.suffix in (".py", ".txt"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
