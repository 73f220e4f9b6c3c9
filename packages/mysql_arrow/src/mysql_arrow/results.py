"""Asking for a result over a connection that PyMySQL opened, up to where its rows begin.

PyMySQL does authentication, TLS and the packets before the rows; from there its socket is read directly. What is used of its
insides is used in this file only, and written down in `_Insides`.

Sources: MySQL Source Code Documentation, "COM_QUERY Response", "COM_STMT_PREPARE", "COM_STMT_EXECUTE", "COM_STMT_CLOSE"; MariaDB
Knowledge Base, "Result Set Packets" (its shorter answers are sent only to clients that ask for them, as PyMySQL does not).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BufferedReader
from struct import Struct
from struct import error as StructError
from typing import Any, Protocol, cast

import pymysql
from pymysql.constants import CLIENT, COMMAND
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

from mysql_arrow.columns import Definition
from mysql_arrow.errors import GarbledAnswer, UnsupportedQuery, connection_lost

_PREPARE, _EXECUTE, _CLOSE = COMMAND.COM_STMT_PREPARE, COMMAND.COM_STMT_EXECUTE, COMMAND.COM_STMT_CLOSE
_PREPARED = Struct("<xIHH")  # statement, columns, parameters
_EXECUTION = Struct("<IBI")  # statement, no cursor, one iteration
_STATEMENT = Struct("<I")


class _Insides(Protocol):
    """What is used of `pymysql.Connection` that PyMySQL does not promise to keep (seen in its version 1.2)."""

    client_flag: int
    server_capabilities: int
    _sock: socket.socket
    _rfile: BufferedReader
    _next_seq_id: int

    def _execute_command(self, command: int, sql: str | bytes) -> None: ...
    def _read_packet(self, packet_type: type = ...) -> Any: ...
    def _force_close(self) -> None: ...


@dataclass(frozen=True)
class OpenResult:
    """A result whose rows come next.

    Attributes:
        definitions: Its columns.
        received: What PyMySQL's reader has taken of the rows already.
        receive: Fills a buffer with what follows; returns the number of bytes, 0 at the end of the stream.
        sequence: The sequence number of the next packet.
        ends_with_ok: Whether an OK packet ends the rows, and not an EOF packet.
        statement: The prepared statement, if there is one.
    """

    definitions: Sequence[Definition]
    received: bytes
    receive: Callable[[memoryview], int]
    sequence: int
    ends_with_ok: bool
    statement: int | None


def open_result(connection: pymysql.Connection, query: str, *, prepared: bool) -> OpenResult:
    """Send a query, by itself or as a prepared statement, and read up to its rows.

    Raises:
        pymysql.MySQLError: the server refuses the query, or the connection broke.
        UnsupportedQuery: the query has a parameter mark, or returns no rows.
        GarbledAnswer: the answer breaks the protocol.
    """
    insides = cast(_Insides, connection)
    ends_with_ok = bool(insides.client_flag & insides.server_capabilities & CLIENT.DEPRECATE_EOF)
    try:
        return _open_result(insides, query, ends_with_ok, prepared=prepared)
    except (AssertionError, IndexError, TypeError, ValueError, StructError) as error:
        # PyMySQL's parser, over bytes that it did not expect; its message could hold some of them.
        raise GarbledAnswer(f"before the rows, {type(error).__name__}") from None


def _open_result(connection: _Insides, query: str, ends_with_ok: bool, *, prepared: bool) -> OpenResult:
    statement = _prepare(connection, query, ends_with_ok) if prepared else None
    if statement is None:
        connection._execute_command(COMMAND.COM_QUERY, query)
    else:
        connection._execute_command(_EXECUTE, _EXECUTION.pack(statement, 0, 1))
    count = connection._read_packet().read_length_encoded_integer()
    if not count:
        raise UnsupportedQuery("the statement returns no rows: only a SELECT can be read")
    definitions = _read_definitions(connection, count, ends_with_ok)
    return OpenResult(
        definitions=definitions,
        received=_take_read_ahead(connection),
        receive=_receiver(connection),
        sequence=connection._next_seq_id,
        ends_with_ok=ends_with_ok,
        statement=statement,
    )


def close_statement(connection: pymysql.Connection, result: OpenResult) -> None:
    """Have the server forget the prepared statement; it does not answer. The connection is free for the next query."""
    if result.statement is not None:
        cast(_Insides, connection)._execute_command(_CLOSE, _STATEMENT.pack(result.statement))


def interrupt(connection: pymysql.Connection) -> None:
    """Wake a thread that waits for the connection's bytes; it finds the stream at its end."""
    with contextlib.suppress(OSError):
        cast(_Insides, connection)._sock.shutdown(socket.SHUT_RDWR)


def abandon(connection: pymysql.Connection) -> None:
    """Close a connection in the midst of a result, which cannot be used for anything else."""
    cast(_Insides, connection)._force_close()


def _prepare(connection: _Insides, query: str, ends_with_ok: bool) -> int:
    connection._execute_command(_PREPARE, query)
    answer = connection._read_packet().get_all_data()
    if len(answer) < _PREPARED.size:
        raise GarbledAnswer("the answer to a prepared statement is too short")
    statement: int
    statement, columns, parameters = _PREPARED.unpack_from(answer)
    if parameters:
        raise UnsupportedQuery("the query has a parameter mark (?): its arguments must be written into it")
    if columns:
        # They are sent again with the rows, and may have changed by then.
        _read_definitions(connection, columns, ends_with_ok)
    return statement


def _read_definitions(connection: _Insides, count: int, ends_with_ok: bool) -> list[Definition]:
    definitions: list[Definition] = [connection._read_packet(FieldDescriptorPacket) for _ in range(count)]
    if not ends_with_ok and not connection._read_packet(MysqlPacket).is_eof_packet():
        raise GarbledAnswer("the columns of the result have no end")
    return definitions


def _take_read_ahead(connection: _Insides) -> bytes:
    """Return what stands in the buffer of PyMySQL's reader; waits for the first bytes if it is empty."""
    reader = connection._rfile
    try:
        return reader.read1(len(reader.peek()))
    except OSError as error:
        raise connection_lost(str(error)) from None


def _receiver(connection: _Insides) -> Callable[[memoryview], int]:
    connected = connection._sock  # its timeout is the connection's read_timeout, set for the packets before

    def receive(room: memoryview) -> int:
        try:
            return connected.recv_into(room)
        except OSError as error:  # a reset, a timeout, a TLS record whose checksum is wrong
            raise connection_lost(str(error)) from None

    return receive
