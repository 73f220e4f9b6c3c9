"""Translations kept on disk, for processes that send much the same SQL: a stack's next start, the workers of a test run.

Reading one takes a hundredth of what parsing does. The environment variable LOCAL_REDSHIFT_CACHE names the folder; without it
nothing is kept. A change of this package, or of sqlglot, begins anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

# About 50 MB; a start leaves the newest half.
_MOST = 20_000
_PREFIX = "translations-"
_log = logging.getLogger(__name__)


class TranslationCache:
    """The translations of one version of this package, by their statements; processes and threads may share the folder.

    Without its file (a full disk, a folder that cannot be written) everything is translated anew, as without a cache: it is said
    once, in the log.

    Args:
        folder: Made if it does not exist. Of other files in it only those of earlier versions are removed, by their name.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._path = folder / f"{_PREFIX}{_fingerprint()}.sqlite"
        self._file: sqlite3.Connection | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"{_PREFIX}*"):
                if not old.name.startswith(self._path.name):
                    old.unlink(missing_ok=True)
            try:
                self._file = _open(self._path)
            except sqlite3.DatabaseError:  # a computer that went off leaves a broken file: nothing waits for the disk
                self._path.unlink(missing_ok=True)
                self._file = _open(self._path)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, sql: str) -> dict[str, Any] | None:
        """Return the fields that `put` was given for this statement, tuples as lists; None if it is not known."""
        found = self._ask("select fields from translation where statement = ?", _digest(sql))
        return json.loads(found[0][0]) if found else None

    def put(self, sql: str, fields: dict[str, Any]) -> None:
        """Keep a statement's translation."""
        self._ask("insert or ignore into translation values (?, ?)", _digest(sql), json.dumps(fields))

    def _ask(self, query: str, *values: bytes | str) -> list[Any]:
        with self._lock:
            if self._file is None:
                return []
            try:
                return self._file.execute(query, values).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return []

    def _give_up(self, error: Exception) -> None:
        self._file = None
        _log.warning("translations are not kept in %s: %s", self._path, error)


def _open(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    file.execute("pragma journal_mode = wal")
    file.execute("pragma synchronous = off")  # a lost file costs time only
    file.execute("create table if not exists translation (statement blob primary key, fields text not null)")
    (newest,) = file.execute("select coalesce(max(rowid), 0) from translation").fetchone()
    if newest > _MOST:
        file.execute("delete from translation where rowid <= ?", (newest - _MOST // 2,))
    return file


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
