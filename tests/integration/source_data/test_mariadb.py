"""The private server starts, stops, survives its starter, and says what is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from local.standins.mysql import mariadb as mariadb_module
from local.standins.mysql.mariadb import MariaDB, MariaDBUnavailable, find_running, running, start, stop_left_behind

REPOSITORY = Path(mariadb_module.__file__).resolve().parents[3]


def test_a_folder_keeps_its_data_and_its_port(tmp_path: Path):
    """A second start reuses what is there, under the same address."""
    with running(tmp_path / "db", die_with_parent=True) as first:
        first.create_database("kept")
    assert find_running(tmp_path / "db") is None
    with running(tmp_path / "db", die_with_parent=True) as second:
        assert _databases(second) >= {"kept"}
        assert second.port == first.port


def test_a_server_left_behind_is_taken_over_and_can_be_stopped(tmp_path: Path):
    """A run ended by SIGKILL leaves its server; the next start finds the same process, stop_left_behind ends it."""
    program = (
        "import os, signal; from pathlib import Path; from local.standins.mysql.mariadb import start;"
        f"start(Path({str(tmp_path / 'db')!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = find_running(tmp_path / "db")
    assert left is not None
    try:
        taken_over = start(tmp_path / "db")
        assert taken_over.pid == left.pid
        assert "mysql" in _databases(taken_over)
    finally:
        assert stop_left_behind(tmp_path / "db")
    assert find_running(tmp_path / "db") is None
    assert not Path(f"/proc/{left.pid}").exists() or "mariadbd" not in Path(f"/proc/{left.pid}/cmdline").read_text()
    assert not stop_left_behind(tmp_path / "db")


def test_a_killed_server_recovers(tmp_path: Path):
    """After SIGKILL to the server itself, the next start has what was committed."""
    server = start(tmp_path / "db", die_with_parent=True)
    server.create_database("kept")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with running(tmp_path / "db", die_with_parent=True) as again:
        assert "kept" in _databases(again)


def test_a_pid_file_of_another_process_is_not_believed(tmp_path: Path):
    """Process ids are reused: only a process that serves this very folder counts."""
    (tmp_path / "mariadbd.pid").write_text(str(os.getpid()))
    assert find_running(tmp_path) is None
    assert not stop_left_behind(tmp_path)


def test_an_interrupted_installation_is_done_again(tmp_path: Path):
    """Half a data folder is never started on."""
    (tmp_path / "db" / "data.unfinished" / "mysql").mkdir(parents=True)
    with running(tmp_path / "db", die_with_parent=True) as server:
        assert "mysql" in _databases(server)


def test_servers_do_not_share_a_folder_for_temporary_tables(tmp_path: Path, mariadb: MariaDB):
    """A starting server deletes the temporary tables in its tmpdir: another's must not lie there."""
    with running(tmp_path / "db", die_with_parent=True) as server:
        folders = set()
        for each in (server, mariadb):
            with closing(each.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("select @@tmpdir")
                folders.add(cursor.fetchone()[0])
    assert folders == {str((tmp_path / "db" / "tmp").resolve()), str(mariadb.folder / "tmp")}


def test_a_failed_installation_says_what_the_installer_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing half-made stays behind as a data folder."""
    installer = tmp_path / "install"
    installer.write_text("#!/bin/sh\necho 'no space left' >&2; mkdir -p \"${2#--datadir=}\"; exit 1\n")
    installer.chmod(0o755)
    server, _ = mariadb_module.find_programs()
    with monkeypatch.context() as patch:
        patch.setattr(mariadb_module, "find_programs", lambda: (server, installer))
        with pytest.raises(MariaDBUnavailable, match="no space left"):
            start(tmp_path / "db")
    assert not (tmp_path / "db" / "data").exists()


def test_missing_programs_are_named_with_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the server the error says what to install."""
    monkeypatch.setattr(mariadb_module.shutil, "which", lambda name, path: None)
    with pytest.raises(MariaDBUnavailable, match=r"mariadbd is not installed.*apt-get install mariadb-server-core"):
        start(tmp_path / "db")


def test_a_server_that_cannot_start_says_why(tmp_path: Path, mariadb: MariaDB):
    """A port in use is an error with the reason, at once, and leaves no process."""
    with pytest.raises(MariaDBUnavailable, match=f"port {mariadb.port}"):
        start(tmp_path / "db", port=mariadb.port, die_with_parent=True)
    (tmp_path / "broken" / "data").mkdir(parents=True)
    with pytest.raises(MariaDBUnavailable, match=r"ERROR"):
        start(tmp_path / "broken", die_with_parent=True)
    assert find_running(tmp_path / "broken") is None


def test_a_confined_server_is_suspected(tmp_path: Path, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch):
    """Where AppArmor keeps mariadbd to the system's folders, the error says so, and what to allow."""
    for name, text in (("mariadbd", "profile"), ("enabled", "Y\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(mariadb_module, "APPARMOR_PROFILES", (tmp_path / "mariadbd", tmp_path / "enabled"))
    with pytest.raises(MariaDBUnavailable, match=r"AppArmor confines mariadbd.*/db/\*\* rwk"):
        start(tmp_path / "db", port=mariadb.port, die_with_parent=True)
    (tmp_path / "enabled").write_text("N\n")
    with pytest.raises(MariaDBUnavailable) as unsuspected:
        start(tmp_path / "db", port=mariadb.port, die_with_parent=True)
    assert "AppArmor" not in str(unsuspected.value)


def test_a_long_folder_name_still_has_a_socket(tmp_path: Path):
    """A Unix socket's path is limited to about a hundred bytes; a checkout's is not."""
    folder = tmp_path / ("deep-" * 20) / "db"
    with running(folder, die_with_parent=True) as server:
        assert "mysql" in _databases(server)


def test_the_extraction_user_reads_one_database_and_sees_transactions(source_database):
    """What the pipeline's own user may do: select, look at open transactions; never write, never another database."""
    with closing(source_database.connect_read_only()) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.innodb_trx")
        cursor.execute("select count(*) from bookings")
        assert cursor.fetchall() == ((0,),)
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("insert into bookings (booking_id) values (1)")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("select * from mysql.global_priv")


def test_a_password_is_needed_over_the_network(mariadb: MariaDB):
    """The administrator's password-less way is the socket alone."""
    for user in ("root", ""):
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            pymysql.connect(host=mariadb.host, port=mariadb.port, user=user, password="")


def _databases(server: MariaDB) -> set[str]:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("show databases")
        return {row[0] for row in cursor.fetchall()}
