"""The safe watermark: nothing that is open while a run is planned can commit a smaller modification time later."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local.standins.mysql.mariadb import MariaDB, start
from rental_pipeline.source.connection import SourceAddress, connect
from rental_pipeline.source.safe_watermark import SafeWatermark, find_safe_watermark
from tests.fixtures.mariadb import SourceDatabase

DELAY = timedelta(minutes=7)


def address_of(source: SourceDatabase, **changes: str) -> SourceAddress:
    fields = {"user": source.user, "password": source.password, **changes}
    return SourceAddress("the-secret", source.host, source.port, source.database, tls="off", **fields)


def find(source: SourceDatabase, **changes: str) -> SafeWatermark:
    address = address_of(source, **changes)
    with closing(connect(address)) as connection:
        return find_safe_watermark(connection, address, DELAY)


@pytest.fixture
def table(source_database: SourceDatabase) -> SourceDatabase:
    """A source with a table `t`, whose rows carry the time of their statement."""
    source_database.execute("create table t (id int primary key, changed_at datetime(6) default now(6) on update now(6))")
    source_database.execute("insert into t (id) values (0)")
    return source_database


def stamp(source: SourceDatabase, key: int) -> datetime:
    return source.query("select changed_at from t where id = %s", (key,))[0][0]


def test_without_open_work_the_bound_is_the_clock_less_its_margin(table: SourceDatabase) -> None:
    """A second, for what the lists of open work round; and where a session is just ending, the rest of its second."""
    safe_watermark = find(table)
    assert timedelta(seconds=1) <= safe_watermark.source_time - safe_watermark.safe_time < timedelta(seconds=3)


def test_06_an_open_transaction_holds_the_bound_below_its_rows(table: SourceDatabase) -> None:
    """The row is invisible while the run reads, and carries a time of before: it must lie above the watermark."""
    with closing(table.connect(autocommit=False)) as writer, writer.cursor() as cursor:
        cursor.execute("insert into t (id) values (1)")
        time.sleep(2.5)
        safe_watermark = find(table)
        writer.commit()
    assert safe_watermark.source_time - stamp(table, 1) > timedelta(seconds=2)
    assert safe_watermark.safe_time < stamp(table, 1)
    time.sleep(0.5)  # InnoDB keeps its list for a tenth of a second
    assert find(table).safe_time > stamp(table, 1)


def test_06_a_transaction_that_waits_for_a_row_holds_the_bound(table: SourceDatabase) -> None:
    """Its statement has taken its time; it has changed no row yet."""
    with closing(table.connect(autocommit=False)) as holder, holder.cursor() as cursor:
        cursor.execute("update t set changed_at = changed_at where id = 0")
        waiter = threading.Thread(target=table.execute, args=("update t set id = 5 where id = 0",))
        waiter.start()
        time.sleep(2.5)
        safe_watermark = find(table)
        holder.commit()
        waiter.join()
    assert safe_watermark.source_time - stamp(table, 5) > timedelta(seconds=2)
    assert safe_watermark.safe_time < stamp(table, 5)


def test_06_a_statement_that_waits_for_the_table_holds_the_bound(table: SourceDatabase) -> None:
    """It has taken its time, and InnoDB's list of transactions does not have it."""
    with closing(table.connect()) as holder, holder.cursor() as cursor:
        cursor.execute("lock tables t read")
        waiter = threading.Thread(target=table.execute, args=("insert into t (id) values (6)",))
        waiter.start()
        time.sleep(2.5)
        safe_watermark = find(table)
        cursor.execute("unlock tables")
        waiter.join()
    assert safe_watermark.source_time - stamp(table, 6) > timedelta(seconds=2)
    assert safe_watermark.safe_time < stamp(table, 6)


def test_06_a_statement_that_gets_the_table_between_the_two_looks_is_seen(
    table: SourceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited when statements were listed, and is an idle open transaction when transactions are."""
    with closing(table.connect()) as holder, closing(table.connect(autocommit=False)) as writer, writer.cursor() as cursor:
        holder.cursor().execute("lock tables t read")
        waiter = threading.Thread(target=cursor.execute, args=("insert into t (id) values (7)",))
        waiter.start()
        time.sleep(2.5)

        def release_the_table(seconds: float) -> None:
            holder.cursor().execute("unlock tables")
            waiter.join()

        monkeypatch.setattr("rental_pipeline.source.safe_watermark.time.sleep", release_the_table)
        safe_watermark = find(table)
        monkeypatch.undo()
        assert not waiter.is_alive()
        writer.commit()
    assert safe_watermark.source_time - stamp(table, 7) > timedelta(seconds=2)
    assert safe_watermark.safe_time < stamp(table, 7)


def test_without_the_privilege_the_bound_stays_a_fixed_delay_behind(table: SourceDatabase, mariadb: MariaDB) -> None:
    """The user may not see other sessions, so it must be assumed that some are open."""
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        account = "blind", mariadb.client_host
        cursor.execute("drop user if exists %s@%s", account)
        cursor.execute("create user %s@%s identified by 'pw'", account)
        cursor.execute(f"grant select on {table.database}.* to %s@%s", account)
    safe_watermark = find(table, user="blind", password="pw")
    assert safe_watermark.source_time - safe_watermark.safe_time == DELAY


def test_06_a_server_in_local_time_lists_transactions_by_its_own_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`trx_started` is in the zone of the server's machine whatever the session's: taken as UTC it would be in the future."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    server = start(tmp_path / "tokyo", die_with_parent=True)
    try:
        server.create_database("d")
        server.create_application_user("application", "pw", "d")
        server.create_extraction_user("extraction", "pw", "d")
        source = SourceDatabase(server.host, server.port, "d", "extraction", "pw")
        writer = source.connect(user="application", password="pw", autocommit=False)
        with closing(writer), writer.cursor() as cursor:
            cursor.execute("create table t (id int primary key, changed_at datetime(6) default now(6)) engine = InnoDB")
            cursor.execute("insert into t (id) values (1)")
            cursor.execute("select changed_at, @@system_time_zone from t")
            changed_at, zone = cursor.fetchone()
            with closing(server.connect()) as other, other.cursor() as administrator:
                administrator.execute("select trx_started from information_schema.innodb_trx")
                ((started,),) = administrator.fetchall()
            assert zone == "JST" and started - changed_at > timedelta(hours=8)
            time.sleep(1.5)
            safe_watermark = find(source)
    finally:
        server.stop()
    assert timedelta(0) < changed_at - safe_watermark.safe_time < timedelta(hours=1, seconds=3)
