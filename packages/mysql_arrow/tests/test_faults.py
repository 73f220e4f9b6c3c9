"""Whatever happens to a connection, a result that is not whole never looks complete."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pyarrow
import pyarrow.compute as pc
import pymysql
import pytest

from mysql_arrow import PROTOCOLS, ReadError, read_batches
from packages.mysql_arrow.tests.conftest import Server
from packages.mysql_arrow.tests.servers import Database, encrypt_only

SCHEMA = pyarrow.schema(
    [("n", pyarrow.int64()), ("day", pyarrow.timestamp("us")), ("price", pyarrow.decimal128(10, 2)), ("body", pyarrow.string())]
)
ROWS = 40_000
QUERY = (
    "select seq, cast('2024-01-01' as datetime) + interval seq second, cast(seq / 100 as decimal(10, 2)),"
    f" repeat('b', mod(seq, 50)) from seq_1_to_{ROWS}"
)
ENDLESS = "select seq, cast('2024-01-01' as datetime), cast(1 as decimal(10, 2)), 'body' from seq_1_to_4000000000"
both_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)

# What a broken connection may raise; anything else would be a crash.
REFUSALS = (pymysql.MySQLError, ReadError)

# Returns what is passed on of some bytes that stand at an offset of the answer; None hangs up.
Change = Callable[[bytes, int], bytes | None]


class Proxy:
    """Stands between client and server, and changes what the server sends once it is told to begin."""

    def __init__(self, database: Database):
        self._target = (database.host, database.port)
        self._change: Change | None = None
        self._offset = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def begin(self, change: Change) -> None:
        """Change what comes from now on."""
        self._offset, self._change = 0, change

    def close(self) -> None:
        """Stop listening; open connections end with their ends."""
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            server = socket.create_connection(self._target)
            threading.Thread(target=self._pass_questions, args=(client, server), daemon=True).start()
            self._pass_answers(server, client)

    def _pass_questions(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        _hang_up(client, server)

    def _pass_answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                changed = self._change(data, self._offset) if self._change else data
                self._offset += len(data)
                if changed is None:
                    break
                client.sendall(changed)
        _hang_up(client, server)


def _hang_up(*connected: socket.socket) -> None:
    for each in connected:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def connect_through(database: Database, **options) -> Iterator[tuple[Proxy, pymysql.Connection]]:
    """Give a connection through a proxy; without TLS, whose checksums would find every change before us."""
    with closing(Proxy(database)) as proxy:
        defaults = {"port": proxy.port, "ssl_disabled": True, "read_timeout": 2}
        with closing(database.connect(**{**defaults, **options})) as connection:
            yield proxy, connection


def read_through(database: Database, protocol: str, change: Change, **options) -> pyarrow.Table:
    """Read the query while the server's answer is changed."""
    with connect_through(database, **options) as (proxy, connection):
        proxy.begin(change)
        table = pyarrow.Table.from_batches(list(read_batches(connection, QUERY, SCHEMA, protocol=protocol)), SCHEMA)
        table.validate(full=True)
        return table


@pytest.fixture(params=PROTOCOLS)
def answer(request: pytest.FixtureRequest, database: Database) -> tuple[Database, str, int, pyarrow.Table]:
    """The database, a protocol, how long its undisturbed answer is in bytes, and the answer."""
    length = 0

    def measure(data: bytes, offset: int) -> bytes:
        nonlocal length
        length = offset + len(data)
        return data

    table = read_through(database, request.param, measure)
    assert table.num_rows == ROWS
    return database, request.param, length, table


def test_a_stream_in_crumbs_gives_the_same(answer) -> None:
    """However the bytes are cut up and whenever they come."""
    database, protocol, _, expected = answer
    with connect_through(database) as (proxy, connection):
        chance = random.Random(1)

        def crumble(data: bytes, offset: int) -> bytes:
            time.sleep(chance.choice((0, 0, 0.002)))
            return data

        proxy.begin(crumble)
        connection._sock = _Crumbs(connection._sock, chance)
        batches = list(read_batches(connection, QUERY, SCHEMA, protocol=protocol))
    assert pyarrow.Table.from_batches(batches, SCHEMA).equals(expected)


class _Crumbs:
    """A socket that gives a few bytes at a time."""

    def __init__(self, connected: socket.socket, chance: random.Random):
        self._connected, self._chance = connected, chance

    def recv_into(self, room: memoryview) -> int:
        return self._connected.recv_into(room[: self._chance.choice((1, 3, 100, 10_000))])

    def __getattr__(self, name: str) -> object:
        return getattr(self._connected, name)


def test_a_stream_cut_anywhere_fails(answer) -> None:
    """In the column definitions, within a row, between two rows, before the last byte."""
    database, protocol, length, _ = answer
    chance = random.Random(2)
    cuts = [5, 150, length - 1, length - 5, length - 9, *(chance.randrange(length) for _ in range(3))]
    for cut in cuts:

        def cut_off(data: bytes, offset: int, cut: int = cut) -> bytes | None:
            return data[: cut - offset] if offset < cut else None

        with pytest.raises(REFUSALS):
            read_through(database, protocol, cut_off)


class Once:
    """Rearranges the first piece behind an offset."""

    def __init__(self, rearrange: Callable[[bytes, bytes], bytes], start: int, size: int):
        self._rearrange, self._start, self._size = rearrange, start, size
        self.is_done = False

    def __call__(self, data: bytes, offset: int) -> bytes:
        if self.is_done or offset < self._start or len(data) < 2 * self._size:
            return data
        self.is_done = True
        return self._rearrange(data[: self._size], data[self._size :])


def lose(piece: bytes, following: bytes) -> bytes:
    """Leave a piece out."""
    return following


def double(piece: bytes, following: bytes) -> bytes:
    """Send a piece twice."""
    return piece + piece + following


def swap(piece: bytes, following: bytes) -> bytes:
    """Send the next piece of the same length first."""
    return following[: len(piece)] + piece + following[len(piece) :]


# What is swapped reaches over several rows: bytes swapped within one value are a change of that value, as below.
@pytest.mark.parametrize(("rearrange", "sizes"), [(lose, (1, 4, 60, 5000)), (double, (1, 4, 60, 5000)), (swap, (500, 5000))])
def test_pieces_lost_doubled_or_in_wrong_order_fail(answer, rearrange: Callable[[bytes, bytes], bytes], sizes: tuple) -> None:
    """Anywhere among the rows."""
    database, protocol, length, _ = answer
    chance = random.Random(3)
    for size in sizes * 3:
        change = Once(rearrange, chance.randrange(1000, length - 300_000), size)
        with pytest.raises(REFUSALS):
            read_through(database, protocol, change)
        assert change.is_done


def test_a_flipped_bit_changes_no_more_than_its_value(answer) -> None:
    """The protocol has no checksum, so a bit can change its own value (TLS prevents it), but no other; and no row is lost."""
    database, protocol, length, expected = answer
    chance = random.Random(4)
    refused = 0
    for _ in range(20):
        place, bit = chance.randrange(1000, length), 1 << chance.randrange(8)

        def flip(data: bytes, offset: int, place: int = place, bit: int = bit) -> bytes:
            if not offset <= place < offset + len(data):
                return data
            changed = bytearray(data)
            changed[place - offset] ^= bit
            return bytes(changed)

        try:
            table = read_through(database, protocol, flip)
        except REFUSALS:
            refused += 1
            continue
        assert table.num_rows == ROWS
        # No value that is expected is NULL.
        equal = [pc.fill_null(pc.equal(table[name], expected[name]), False) for name in SCHEMA.names]
        assert sum(len(each) - pc.sum(each).as_py() for each in equal) <= 1
    assert refused


@both_protocols
def test_a_flipped_bit_under_tls_fails(tls_database: Database, protocol: str) -> None:
    """TLS has the checksums that MySQL has not."""

    def flip(data: bytes, offset: int) -> bytes:
        return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:] if offset > 1_000_000 and len(data) > 1000 else data

    undisturbed = read_through(tls_database, protocol, lambda data, _: data, ssl=encrypt_only(), ssl_disabled=False)
    assert undisturbed.num_rows == ROWS
    with pytest.raises(pymysql.MySQLError) as refusal:
        read_through(tls_database, protocol, flip, ssl=encrypt_only(), ssl_disabled=False)
    assert refusal.value.args[0] == 2013


@both_protocols
def test_a_silent_server_fails_after_the_read_timeout(database: Database, protocol: str) -> None:
    """It sends a part, and then nothing more, with the connection open."""

    def fall_silent(data: bytes, offset: int) -> bytes:
        return data if offset < 500_000 else b""

    with pytest.raises(pymysql.MySQLError) as refusal:
        read_through(database, protocol, fall_silent)
    assert refusal.value.args[0] == 2013


@both_protocols
@pytest.mark.parametrize("command", ["kill query", "kill connection", "kill hard connection"])
def test_a_kill_among_the_rows_fails(database: Database, server: Server, protocol: str, command: str) -> None:
    """Whether the server ends the query with an error, or the connection without a word."""
    with closing(database.connect()) as connection, closing(server.connect()) as administrator:
        batches = read_batches(connection, ENDLESS, SCHEMA, protocol=protocol)
        assert next(batches).num_rows
        with administrator.cursor() as cursor:
            cursor.execute(f"{command} {connection.thread_id()}")
        with pytest.raises(pymysql.MySQLError) as refusal:
            for _ in batches:
                pass
    assert refusal.value.args[0] in (1317, 1927, 2013)
