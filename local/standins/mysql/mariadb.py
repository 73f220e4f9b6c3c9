"""A private MariaDB server, standing in for Aurora MySQL: its own data folder, a free port on 127.0.0.1, a socket.

It never touches a system service and reads no option file. The person who starts it is its administrator, without a
password and over the socket only; everybody else is created with a password (`create_application_user`,
`create_extraction_user`).

    server = start(Path(".local/mariadb"))
    with server.connect() as connection: ...
    server.stop()

A server that a killed run left behind is found by its pid file: `start` takes it over, `stop_left_behind` ends it.
Linux only (it looks into /proc).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymysql

from local.refusal import Refused

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 30
# The kernel keeps the path of a Unix socket in 108 bytes.
LONGEST_SOCKET_PATH = 100
# Debian confines mariadbd since 11.8.6-6 (2026), so that it may not start on a folder of one's own.
APPARMOR_PROFILES = Path("/etc/apparmor.d/mariadbd"), Path("/sys/module/apparmor/parameters/enabled")

# As Aurora MySQL has them where the difference shows (packet size, UTC, character set), and quick to start and to write:
# losing the last second of a crash is no loss for a stand-in.
SERVER_OPTIONS = (
    f"--bind-address={HOST}",
    "--skip-name-resolve",
    "--default-time-zone=+00:00",
    "--character-set-server=utf8mb4",
    "--max-allowed-packet=64M",
    "--local-infile=1",
    "--innodb-buffer-pool-size=256M",
    "--innodb-flush-log-at-trx-commit=2",
    "--skip-log-bin",
)


class MariaDBUnavailable(Refused):
    """The server cannot be started or used; the message says what to do."""


@dataclass
class MariaDB:
    """A running server.

    Attributes:
        folder: Holds data, log, pid and port of this server.
        port: TCP port on 127.0.0.1.
        socket: Path of the administrator's Unix socket.
        pid: Process id of the server.
        client_host: From where its users come, as accounts name it.
    """

    folder: Path
    port: int
    socket: Path
    pid: int
    host: str = HOST
    client_host: str = HOST
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def connect(self, database: str | None = None) -> pymysql.Connection:
        """Return the administrator's connection: autocommit, session in UTC."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user=_os_user(),
            database=database,
            charset="utf8mb4",
            autocommit=True,
            init_command="set time_zone = '+00:00'",
            ssl_disabled=True,  # it would read all of the system's certificates, for a socket of this machine
        )

    def create_database(self, database: str) -> None:
        """Create a database unless it is there."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"create database if not exists {quote_name(database)} character set utf8mb4")

    def create_application_user(self, user: str, password: str, database: str) -> None:
        """Create (or give a new password to) the user that owns everything in one database."""
        self._create_user(user, password, f"grant all privileges on {quote_name(database)}.* to %s@%s")

    def create_extraction_user(self, user: str, password: str, database: str) -> None:
        """Create (or give a new password to) the pipeline's user.

        It reads one database, and sees open transactions (PROCESS), by which the pipeline bounds a read.
        """
        self._create_user(user, password, f"grant select on {quote_name(database)}.* to %s@%s", "grant process on *.* to %s@%s")

    def set_ahead(self, by: timedelta) -> None:
        """Let its clock go ahead of this machine's, for all but the administrator and for connections from now on.

        A connection's clock stands still then: its NOW() is when it was made. The server forgets it when it ends.
        """
        seconds = by.total_seconds()
        command = f"set timestamp = unix_timestamp(sysdate(6)) + {seconds}" if seconds else ""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("set global init_connect = %s", (command,))

    def stop(self) -> None:
        """Stop the server cleanly and wait until it is gone; nothing happens if it already is."""
        _end_process(self.pid, self._child)

    def _create_user(self, user: str, password: str, *grants: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create user if not exists %s@%s", (user, self.client_host))
            cursor.execute("alter user %s@%s identified by %s", (user, self.client_host, password))
            for grant in grants:
                cursor.execute(grant, (user, self.client_host))


def start(folder: Path, *, port: int | None = None, die_with_parent: bool = False, options: Sequence[str] = ()) -> MariaDB:
    """Start the server of a folder, or take over the one that already runs there; returns when it answers.

    Args:
        folder: Created and initialised if new, reused as it is otherwise.
        port: TCP port; by default the folder's last one if free, else any free one.
        die_with_parent: Have the kernel stop the server when the *thread* that called this ends, even by SIGKILL (tests).
        options: More of the server's options, such as --ssl-cert=….

    Raises:
        MariaDBUnavailable: the server's programs are not installed, or it did not start (with the end of its log).
    """
    folder = folder.resolve()
    if running := find_running(folder):
        if _answers(running):
            return running
        running.stop()
    server, install = find_programs()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "data").exists():
        _initialise(install, folder)
    last_port = _read_number(folder / "port")
    for candidate in [port] if port else [*([last_port] if last_port else []), 0, 0, 0]:
        # Another process can take a free port between our look and the server's bind, hence more than one attempt.
        chosen = _free_port(candidate)
        if chosen and (started := _launch(server, folder, chosen, die_with_parent, options)):
            return started
    where = f"{folder}, port {port}" if port else str(folder)
    raise MariaDBUnavailable(f"MariaDB did not start in {where}. {_end_of_log(folder)}{_suspect_apparmor(folder)}")


def find_running(folder: Path) -> MariaDB | None:
    """Return the server that runs on this folder, whoever started it, or None."""
    folder = folder.resolve()
    pid = _read_number(folder / "mariadbd.pid")
    arguments = _read_arguments(pid) if pid else []
    if pid is None or f"--datadir={folder / 'data'}" not in arguments:  # gone, or the number belongs to another process by now
        return None
    options = dict(argument[2:].split("=", 1) for argument in arguments if argument.startswith("--") and "=" in argument)
    return MariaDB(folder, int(options["port"]), Path(options["socket"]), pid)


def stop_left_behind(folder: Path) -> bool:
    """Stop the server that runs on this folder; return whether there was one."""
    running = find_running(folder)
    if running:
        running.stop()
    return running is not None


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[MariaDB]:
    """`start` for the length of a with block."""
    server = start(folder, **options)
    try:
        yield server
    finally:
        server.stop()


def find_programs() -> tuple[Path, Path]:
    """Return the paths of the server and of its installer.

    Raises:
        MariaDBUnavailable: either is missing; the message names the packages.
    """
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    server = shutil.which("mariadbd", path=places) or shutil.which("mysqld", path=places)
    install = shutil.which("mariadb-install-db", path=places) or shutil.which("mysql_install_db", path=places)
    if not server or not install:
        missing = "mariadbd" if not server else "mariadb-install-db"
        raise MariaDBUnavailable(
            f"{missing} is not installed. On Debian or Ubuntu: apt-get install mariadb-server-core mariadb-client-core"
        )
    return Path(server), Path(install)


def quote_name(name: str) -> str:
    """Quote an identifier for MySQL."""
    return "`" + name.replace("`", "``") + "`"


def _initialise(install: Path, folder: Path) -> None:
    # Built beside and renamed when whole: an interrupted installation is never taken for a data folder.
    unfinished = folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    user = _os_user()
    command = [install, "--no-defaults", f"--datadir={unfinished}", "--auth-root-authentication-method=socket"]
    command += [f"--auth-root-socket-user={user}", "--skip-test-db", *(["--user=root"] if os.geteuid() == 0 else [])]
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "TMPDIR": str(_make_temporary_folder(folder))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        # Behind its errors stands a page of general advice.
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        said = "\n".join(errors) or done.stdout.strip()[-1000:]
        raise MariaDBUnavailable(f"{install} could not create {unfinished}: {said}.{_suspect_apparmor(folder)}")
    unfinished.rename(folder / "data")


def _launch(server: Path, folder: Path, port: int, die_with_parent: bool, options: Sequence[str]) -> MariaDB | None:
    """Return the started server, or None if it ended before it answered."""
    (folder / "port").write_text(f"{port}\n")
    log, pid_file, socket_path = folder / "mariadbd.log", folder / "mariadbd.pid", _socket_path(folder)
    pid_file.unlink(missing_ok=True)
    command = [*(["setpriv", "--pdeathsig", "TERM"] if die_with_parent else []), server, "--no-defaults"]
    command += [f"--tmpdir={_make_temporary_folder(folder)}"]
    command += [f"--datadir={folder / 'data'}", f"--port={port}", f"--socket={socket_path}", f"--pid-file={pid_file}"]
    command += [*SERVER_OPTIONS, *options, *(["--user=root"] if os.geteuid() == 0 else [])]
    with log.open("ab") as output:
        # A session of its own, so that Ctrl-C reaches whoever started it first, and stops it in order.
        child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    started = MariaDB(folder, port, socket_path, child.pid, _child=child)
    try:
        end = time.monotonic() + START_SECONDS
        while child.poll() is None and time.monotonic() < end:
            if pid_file.exists() and _answers(started):
                return started
            time.sleep(0.02)
    except BaseException:
        started.stop()
        raise
    started.stop()
    return None


def _make_temporary_folder(folder: Path) -> Path:
    """Make the server's own: one that starts deletes all temporary tables (#sql*) that it finds, those of others in /tmp too."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return temporary


def _answers(server: MariaDB) -> bool:
    try:
        server.connect().close()
    except pymysql.MySQLError:
        return False
    return True


def _end_process(pid: int, child: subprocess.Popen[bytes] | None) -> None:
    for signal_number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        if not _is_alive(pid, child):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        end = time.monotonic() + seconds
        while _is_alive(pid, child) and time.monotonic() < end:
            time.sleep(0.02)


def _is_alive(pid: int, child: subprocess.Popen[bytes] | None) -> bool:
    if child is not None:
        return child.poll() is None  # also reaps it, so that no zombie stays
    return bool(_read_arguments(pid))


def _read_arguments(pid: int) -> list[str]:
    """Return the command line of a process, [] when there is none (or only a zombie)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _free_port(wanted: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _socket_path(folder: Path) -> Path:
    beside = folder / "mariadbd.sock"
    if len(os.fsencode(beside)) <= LONGEST_SOCKET_PATH:
        return beside
    return Path(tempfile.gettempdir()) / f"mariadbd-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.sock"


def _end_of_log(folder: Path) -> str:
    log = folder / "mariadbd.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    errors = [line for line in lines if "[ERROR]" in line] or lines
    return f"The end of {log}: " + " | ".join(errors[-3:])


def _suspect_apparmor(folder: Path) -> str:
    profile, enabled = APPARMOR_PROFILES
    if not (profile.exists() and enabled.exists() and enabled.read_text().startswith("Y")):
        return ""
    return (
        f" AppArmor confines mariadbd on this machine ({profile}), which may be the cause: run `sudo aa-complain mariadbd`,"
        f" or allow `{folder}/** rwk,` in /etc/apparmor.d/local/mariadbd and run `sudo apparmor_parser -r {profile}`."
    )


def _os_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
