"""Results of every size, over sockets of every kind, and connections that go on afterwards."""

from __future__ import annotations

import threading
from contextlib import closing

import pyarrow
import pymysql
import pytest
from pymysql.constants import CLIENT

from mysql_arrow import PROTOCOLS, UnsupportedQuery, read_batches
from packages.mysql_arrow.tests.servers import Database, encrypt_only

NUMBER_AND_TEXT = pyarrow.schema([("n", pyarrow.int64()), ("body", pyarrow.string())])
both_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


@both_protocols
def test_an_empty_result_has_no_batches(database: Database, protocol: str) -> None:
    """And it ends like any other."""
    table, _ = database.read("select 1, 'a' from dual where false", NUMBER_AND_TEXT, protocol)
    assert table.num_rows == 0


@both_protocols
def test_columns_of_nothing_but_null(database: Database, protocol: str) -> None:
    """NULL in every row, and the untyped NULL of a literal."""
    database.execute("create table t (n bigint)")
    database.execute("insert into t select null from seq_1_to_1000")
    table, _ = database.read("select n, null from t", NUMBER_AND_TEXT, protocol)
    assert table.num_rows == 1000 and table["n"].null_count == table["body"].null_count == 1000


@both_protocols
def test_more_columns_than_a_bitmap_byte_holds(database: Database, protocol: str) -> None:
    """Each NULL belongs to its own column, at every place in a bitmap of many bytes."""
    count = 300
    values = ", ".join("if(mod(seq, 7) = " + str(number % 7) + f", null, {number})" for number in range(count))
    schema = pyarrow.schema([(f"c{number}", pyarrow.int64()) for number in range(count)])
    table, _ = database.read(f"select {values} from seq_1_to_50", schema, protocol)
    rows = [[None if row % 7 == number % 7 else number for row in range(1, 51)] for number in range(count)]
    assert [column.to_pylist() for column in table.columns] == rows


@both_protocols
def test_many_blocks_hold_each_row_once(database: Database, protocol: str) -> None:
    """Rows of changing length across the borders of some ten blocks."""
    query = "select seq, repeat(char(97 + mod(seq, 26)), mod(seq * 7919, 211)) from seq_1_to_200000"
    table, _ = database.read(query, NUMBER_AND_TEXT, protocol)
    assert table["n"].to_pylist() == list(range(1, 200_001))
    assert table["body"].num_chunks > 5
    assert all(body == chr(97 + n % 26) * (n * 7919 % 211) for n, body in zip(*table.to_pydict().values(), strict=True))


@both_protocols
@pytest.mark.parametrize("length", [0xFFFFFF - 9, 0xFFFFFF, 2 * 0xFFFFFF - 30, 40_000_000])
def test_rows_longer_than_a_packet(database: Database, protocol: str, length: int) -> None:
    """A row of several packets, also one that fills them exactly, between short rows."""
    query = f"select seq, if(seq = 2, repeat('x', {length}), 'short') from seq_1_to_3"
    table, _ = database.read(query, NUMBER_AND_TEXT, protocol)
    assert table["n"].to_pylist() == [1, 2, 3]
    assert table["body"][0].as_py() == table["body"][2].as_py() == "short"
    assert table["body"][1].as_py() == "x" * length


@both_protocols
@pytest.mark.parametrize("excess", [-15, -14, -13, -7, -6, -5, 0, 1])
def test_rows_about_as_long_as_a_packet(database: Database, protocol: str, excess: int) -> None:
    """A binary row fills its packet at -14, a text row at -6, and an empty packet follows; at 1, the length takes 8 bytes."""
    schema = pyarrow.schema([("body", pyarrow.string()), ("n", pyarrow.int64())])
    query = f"select repeat('y', {0xFFFFFF + excess}), 5"
    table, _ = database.read(query, schema, protocol)
    assert table["n"].to_pylist() == [5] and len(table["body"][0].as_py()) == 0xFFFFFF + excess


@both_protocols
def test_an_end_by_ok_packet_is_understood(database: Database, protocol: str) -> None:
    """With CLIENT_DEPRECATE_EOF there is no EOF packet, neither after the columns nor after the rows."""
    query = "select seq, 'some text' from seq_1_to_100000"
    table, _ = database.read(query, NUMBER_AND_TEXT, protocol, client_flag=CLIENT.DEPRECATE_EOF, autocommit=None)
    assert table["n"].to_pylist() == list(range(1, 100_001))


@both_protocols
def test_a_connection_reads_one_result_after_another(database: Database, protocol: str) -> None:
    """By this way and by PyMySQL's own, and the server keeps no prepared statement."""
    with closing(database.connect()) as connection:
        for rows in (3, 50_000, 1):
            batches = list(read_batches(connection, f"select seq, 'a' from seq_1_to_{rows}", NUMBER_AND_TEXT, protocol=protocol))
            assert sum(batch.num_rows for batch in batches) == rows
            with connection.cursor() as cursor:
                cursor.execute("show session status like 'Com_stmt_close'")
                closed = int(cursor.fetchone()[1])
                cursor.execute("show session status like 'Com_stmt_prepare'")
                assert int(cursor.fetchone()[1]) == closed


@both_protocols
def test_tls(tls_database: Database, protocol: str) -> None:
    """An encrypted socket gives the same rows."""
    with closing(tls_database.connect(ssl=encrypt_only())) as connection, connection.cursor() as cursor:
        cursor.execute("show status like 'Ssl_cipher'")
        assert cursor.fetchone()[1]
    query = "select seq, repeat('z', mod(seq, 90)) from seq_1_to_100000"
    encrypted, _ = tls_database.read(query, NUMBER_AND_TEXT, protocol, ssl=encrypt_only())
    plain, _ = tls_database.read(query, NUMBER_AND_TEXT, protocol, ssl_disabled=True)
    assert encrypted.num_rows == 100_000 and encrypted.equals(plain)


@both_protocols
def test_a_query_that_fails_says_why(database: Database, protocol: str) -> None:
    """The server's own error number, whether it refuses the statement or fails among the rows."""
    schema = pyarrow.schema([("n", pyarrow.int64())])
    with pytest.raises(pymysql.MySQLError) as unknown:
        database.read("select n from no_such_table", schema, protocol)
    assert unknown.value.args[0] == 1146
    with pytest.raises(pymysql.MySQLError) as late:
        database.read("select (select seq from seq_1_to_2 where seq < n.seq) from seq_1_to_3 as n", schema, protocol)
    assert late.value.args[0] == 1242


@both_protocols
def test_only_one_plain_select_is_read(database: Database, protocol: str) -> None:
    """What returns no rows is refused; so is an argument that is not written into the query."""
    with pytest.raises(UnsupportedQuery, match="returns no rows"):
        database.read("do 1", NUMBER_AND_TEXT, protocol)
    if protocol == "binary":
        with pytest.raises(UnsupportedQuery, match="parameter mark"):
            database.read("select 1, ?", NUMBER_AND_TEXT, protocol)
    table, _ = database.read("select 1, '?'", NUMBER_AND_TEXT, protocol)
    assert table["body"].to_pylist() == ["?"]


def test_what_would_be_read_wrongly_is_refused_before_it_is_asked_for(database: Database) -> None:
    """Texts of another character set could pass for UTF-8; the connection can still be used."""
    with closing(database.connect(charset="latin1")) as connection:
        with pytest.raises(ValueError, match="character set must be utf8mb4"):
            next(read_batches(connection, "select 1, 'Ã¼'", NUMBER_AND_TEXT))
        with pytest.raises(ValueError, match="protocol must be one of binary, text"):
            next(read_batches(connection, "select 1, 'a'", NUMBER_AND_TEXT, protocol="csv"))
        connection.ping(reconnect=False)


@both_protocols
@pytest.mark.parametrize("encrypted", [False, True])
def test_leaving_early_ends_the_thread_and_the_connection(tls_database: Database, protocol: str, encrypted: bool) -> None:
    """Whoever stops in the midst of a result waits for nothing, and leaves nothing running."""
    connection = tls_database.connect(**({"ssl": encrypt_only()} if encrypted else {"ssl_disabled": True}))
    batches = read_batches(connection, "select seq, 'abc' from seq_1_to_100000000", NUMBER_AND_TEXT, protocol=protocol)
    assert next(batches).num_rows > 1000
    batches.close()
    assert not connection.open
    assert not [thread for thread in threading.enumerate() if thread.name == "receive-rows"]
