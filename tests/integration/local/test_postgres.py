"""The embedded PostgreSQL, and the service before it."""

import subprocess
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from local.standins.redshift.postgres import Postgres
from local_redshift.server import DataApiServer
from local_redshift.testing import TARGET, Warehouse


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="postgres-test-", ignore_cleanup_errors=True) as name:
        yield Path(name) / "data"


def test_it_starts_once_keeps_its_data_and_leaves_nothing_running(folder):
    """Started twice it runs once; stopped twice it is stopped; what was committed is there after a restart."""
    server = Postgres(folder)
    try:
        uri = server.start().uri
        assert Postgres(folder).start().uri == uri
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("create table t as select 'é' as a")
            pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        server.stop()
        server.stop()
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        with pytest.raises(RuntimeError, match="start it first"):
            _ = server.uri
        with Postgres(folder) as again, psycopg.connect(again.uri) as connection:
            assert connection.execute("select a, upper(a) from t").fetchone() == ("é", "É")
    finally:
        server.stop()


def test_its_psql_opens_the_database(folder):
    """`psql_command` is a command line that works as it is."""
    with Postgres(folder) as server:
        command = [*server.psql_command(), "--tuples-only", "--no-align", "--command", "select current_database()"]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "dev"


def test_the_service_outlives_a_restart_of_its_database(folder):
    """A statement that meets a stopped database fails and says so; when the database is back, so is the warehouse."""
    server = Postgres(folder).start()
    service = DataApiServer(server.uri, None).start()
    client = Warehouse(service.endpoint_url, server.uri).client()

    def run() -> dict:
        statement_id = client.execute_statement(Sql="select 1 as one", WaitTimeSeconds=20, **TARGET)["Id"]
        return client.describe_statement(Id=statement_id)

    try:
        assert run()["Status"] == "FINISHED"
        server.stop()
        assert (run()["Status"], run()["Status"]) == ("FAILED", "FAILED")
        assert "connection" in run()["Error"]
        server.start()
        assert run()["Status"] == "FINISHED"
    finally:
        service.stop()
        server.stop()
