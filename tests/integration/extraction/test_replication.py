"""A server that receives its rows from another is refused: their modification times lie below its safe watermark."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

import local.standins.mysql.mariadb
from local.standins.mysql.mariadb import MariaDB
from rental_pipeline.base.errors import FixConfiguration, RetryLater
from rental_pipeline.base.object_store import SLICES
from rental_pipeline.extract.extract_slice import extract_slice
from rental_pipeline.source.connection import SourceAddress, connect
from rental_pipeline.source.safe_watermark import SafeWatermark, find_safe_watermark
from tests.integration.extraction.conftest import Extraction

DELAY = timedelta(minutes=7)


def run(server: MariaDB, *statements: str) -> None:
    """As the server's administrator."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def follow(writer: MariaDB, name: str = "") -> str:
    return (
        f"change master '{name}' to master_host='{writer.host}', master_port={writer.port}, master_user='follower',"
        " master_password='pw', master_delay=25"
    )


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MariaDB, MariaDB]]:
    """A writer, and a server that can follow it; users `sees` (the replication's status), `process` and `blind` on that."""
    folder = tmp_path_factory.mktemp("replication")
    with pytest.MonkeyPatch.context() as patch:
        options = [option for option in local.standins.mysql.mariadb.SERVER_OPTIONS if option != "--skip-log-bin"]
        patch.setattr(local.standins.mysql.mariadb, "SERVER_OPTIONS", options)
        log = ["--log-bin=log", "--server-id=1"]
        with (
            local.standins.mysql.mariadb.running(folder / "writer", die_with_parent=True, options=log) as writer,
            local.standins.mysql.mariadb.running(folder / "replica", die_with_parent=True, options=["--server-id=2"]) as replica,
        ):
            host = writer.client_host
            run(
                writer,
                f"create user follower@'{host}' identified by 'pw'",
                f"grant replication slave on *.* to follower@'{host}'",
            )
            replica.create_database("d")
            for user, grant in (("sees", "process, slave monitor"), ("process", "process"), ("blind", "usage")):
                replica.create_application_user(user, "pw", "d")
                run(replica, f"grant {grant} on *.* to {user}@'{host}'")
            yield writer, replica


@pytest.fixture
def replica(servers: tuple[MariaDB, MariaDB]) -> Iterator[MariaDB]:
    """Follows the writer 25 seconds late, and may be written to, as MySQL and MariaDB let it by default."""
    writer, replica = servers
    run(replica, follow(writer), "start slave")
    yield replica
    run(replica, "set global read_only = 0", "stop all slaves", "reset slave all")


def find(server: MariaDB, user: str) -> SafeWatermark:
    address = SourceAddress("the-secret", server.host, server.port, "d", user, "pw", tls="off")
    with closing(connect(address)) as connection:
        return find_safe_watermark(connection, address, DELAY)


def test_06_a_replica_that_may_be_written_to_is_refused(servers: tuple[MariaDB, MariaDB], replica: MariaDB) -> None:
    """By what it follows and how late it is; a row of the writer's would arrive below the safe watermark."""
    run(servers[0], "create database if not exists d", "create or replace table d.t (id int)")
    time.sleep(1.5)
    with pytest.raises(FixConfiguration) as caught:
        find(replica, "sees")
    says = str(caught.value)
    assert f"is a replica of {servers[0].host}:{servers[0].port} (" in says
    assert "seconds late)" in says
    assert "the server that the application writes to into the secret the-secret" in says
    assert "reset slave all" in says


def test_06_a_replica_is_known_by_its_threads_where_its_status_is_hidden(replica: MariaDB) -> None:
    """PROCESS shows them."""
    with pytest.raises(FixConfiguration, match="its replication threads run"):
        find(replica, "process")


def test_06_a_replica_that_stands_still_is_refused(replica: MariaDB) -> None:
    """It may go on, and then bring what is old. Without the privilege this is not seen, which the safe watermark says."""
    run(replica, "stop slave")
    with pytest.raises(FixConfiguration, match="stopped; it may go on at any time"):
        find(replica, "sees")
    assert not find(replica, "process").replication.sees_status


def test_06_a_replica_of_several_is_refused(servers: tuple[MariaDB, MariaDB], replica: MariaDB) -> None:
    """Only `show all slaves status` has its connections by name."""
    run(replica, "stop slave", "reset slave all", follow(servers[0], "second"), "start slave 'second'")
    try:
        with pytest.raises(FixConfiguration, match="is a replica of"):
            find(replica, "sees")
    finally:
        run(replica, "stop all slaves", "reset slave 'second' all")


def test_a_promoted_replica_is_a_writer(replica: MariaDB) -> None:
    """When it has forgotten whom it followed, as the refusal says."""
    run(replica, "stop all slaves", "reset slave all")
    safe_watermark = find(replica, "sees")
    assert safe_watermark.replication.sees_status
    assert safe_watermark.replication.other_writers is None
    assert safe_watermark.lag < timedelta(seconds=10)


@pytest.mark.parametrize("user", ["sees", "process", "blind"])
def test_06_a_server_that_is_read_only_is_refused(replica: MariaDB, user: str) -> None:
    """Whatever the user may see."""
    run(replica, "set global read_only = 1")
    with pytest.raises(FixConfiguration, match=r"is a reader \(read_only is on\).*into the secret the-secret"):
        find(replica, user)


def test_06_a_user_who_sees_nothing_gets_a_fixed_delay(replica: MariaDB) -> None:
    """And the safe watermark says that replication could not be asked for."""
    safe_watermark = find(replica, "blind")
    assert safe_watermark.lag == DELAY
    assert not safe_watermark.replication.sees_status


def test_06_a_failover_between_plan_and_slice_is_noticed(extraction: Extraction, mariadb: MariaDB) -> None:
    """The address now leads to a reader, which may lack what was committed before the safe watermark; it may pass."""
    extraction.source.execute("create table t (id int primary key)")
    extraction.source.execute("insert into t values (1)")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.plan()
    (part,) = extraction.read(SLICES)
    run(mariadb, "set global read_only = 1")
    try:
        with pytest.raises(RetryLater, match="is a reader now"):
            extract_slice(part)
    finally:
        run(mariadb, "set global read_only = 0")
    assert extract_slice(part) == {"rest": None}
