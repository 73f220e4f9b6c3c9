"""The bytes of a result, cut into rows.

A result is a stream of packets: three bytes of length, one of sequence number, then the payload. A row is one packet, or several
where it is longer than 16 MiB. The last packet is the server's OK, EOF or error.

Sources: MySQL Source Code Documentation, "MySQL Packets" (page_protocol_basic_packets), "OK_Packet", "EOF_Packet", "ERR_Packet"
(page_protocol_basic_response_packets); MariaDB Knowledge Base, "0-packet", "Result Set Packets".
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple, NoReturn

import numpy
import pymysql
from pymysql.constants import SERVER_STATUS

from mysql_arrow.errors import GarbledAnswer, RowTooLong, connection_lost
from mysql_arrow.numbers import load

BLOCK_BYTES = 2 << 20
# Bytes behind the last row that a decoder may look at while it works on all rows of a block at once (no field is longer).
GUARD_BYTES = 16
# A row is held as a whole, twice while its buffer grows: this bounds the memory, and not what the server may send (1 GiB).
LONGEST_ROW = 128 << 20

_HEADER_BYTES = 4
FULL_PACKET = 0xFFFFFF  # of this length, a packet goes on in the next one
_END, _ERROR = 0xFE, 0xFF  # a payload's first byte
_LONGEST_EOF = 8
_SHORT = 0xFF  # a length that is the first byte of its header
_LEAST_ROOM = 64 << 10  # a buffer with less left is full enough: a system call should bring more than that

_read_header = Struct("<I").unpack_from


@dataclass(frozen=True)
class RowBlock:
    """Some consecutive rows of a result, each whole.

    Attributes:
        data: Bytes; behind the last row stand at least GUARD_BYTES more.
        starts, ends: Where each row's payload begins and ends in `data`, as 64-bit numbers.
    """

    data: numpy.ndarray
    starts: numpy.ndarray
    ends: numpy.ndarray


class RowPackets:
    """Receives the rows of one result, up to the packet that closes it.

    Args:
        receive: Fills a buffer and returns the number of bytes, 0 at the end of the stream (`socket.recv_into`).
        received: What was received of the rows already.
        sequence: The sequence number of the next packet.
        ends_with_ok: Whether CLIENT_DEPRECATE_EOF was agreed on, so that an OK packet closes the result and not an EOF packet.
        block_bytes: How much to gather in a block.
    """

    def __init__(
        self,
        receive: Callable[[memoryview], int],
        received: bytes,
        sequence: int,
        *,
        ends_with_ok: bool = False,
        block_bytes: int = BLOCK_BYTES,
    ):
        self._receive = receive
        self._rest = memoryview(received)
        self._sequence = sequence
        # Either is told from a row by its length (MySQL: "EOF_Packet"; MariaDB: "Result Set Packets").
        self._longest_end = FULL_PACKET - 1 if ends_with_ok else _LONGEST_EOF
        self._ends_with_ok = ends_with_ok
        self._block_bytes = block_bytes

    def read_blocks(self) -> Generator[RowBlock]:
        """Yield all rows; returns only if the server has said that they were all.

        Raises:
            pymysql.MySQLError: the connection broke, or the server says that the query failed or was killed.
            GarbledAnswer: the bytes break the protocol.
            RowTooLong: a row is longer than LONGEST_ROW.
        """
        is_closed = False
        while not is_closed:
            data, packets, is_closed = self._fill_buffer()
            self._check_sequence(packets)
            if is_closed:
                packets = packets.first(len(packets.positions) - 1)
            if len(packets.positions):
                yield _find_rows(data, packets)

    def _fill_buffer(self) -> tuple[numpy.ndarray, _Packets, bool]:
        """Return a buffer, the packets of the whole rows in it, and whether the last one closes the result.

        What is in the buffer behind them stays for the next one.
        """
        size = max(self._block_bytes, 2 * len(self._rest))
        data, view = _new_buffer(size, self._rest)
        filled, position = len(self._rest), 0
        found, count = [_NO_PACKETS], 0
        while True:
            if whole := _find_packets(view[position:filled], position):
                found.append(whole)
                count += len(whole.positions)
                position = whole.end
                if self._is_last(view, _join(found[-2:])):
                    if position != filled:
                        raise GarbledAnswer("bytes follow the end of the result")
                    return data, _join(found), True
            if position + _HEADER_BYTES <= filled and view[position + 3] != (self._sequence + count) & 0xFF:
                # Seen before its end has come: of a damaged length, that might be never.
                raise GarbledAnswer("a packet is out of sequence")
            if size - filled < _LEAST_ROOM:
                packets = _join(found)
                rows = packets.first(_count_packets_of_whole_rows(packets))
                if len(rows.positions):
                    self._rest = view[rows.end : filled]
                    return data, rows, False
                size *= 2
                if size > LONGEST_ROW:
                    raise RowTooLong(f"a row is longer than {LONGEST_ROW >> 20} MiB")
                data, view = _new_buffer(size, view[:filled])
            received = self._receive(view[filled:])
            if received == 0:
                raise connection_lost("it was closed before the end of the result")
            filled += received

    def _is_last(self, view: memoryview, packets: _Packets) -> bool:
        """Whether the last of some packets closes the result; raises the server's error if it is one."""
        length, end = int(packets.lengths[-1]), packets.end
        start = end - length
        if length == 0 or FULL_PACKET in packets.lengths[-2:-1]:
            return False
        if view[start] == _ERROR:
            _raise_server_error(bytes(view[start:end]))
        if view[start] != _END or length > self._longest_end:
            return False
        if _read_status(bytes(view[start:end]), self._ends_with_ok) & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
            raise GarbledAnswer("a second result follows")
        return True

    def _check_sequence(self, packets: _Packets) -> None:
        found = packets.headers >> 24
        expected = (self._sequence + numpy.arange(len(found))) & 0xFF
        if not numpy.array_equal(found, expected):
            first = int(numpy.argmax(found != expected))
            raise GarbledAnswer(f"a packet has the number {found[first]} instead of {expected[first]}")
        self._sequence = (self._sequence + len(found)) & 0xFF


class _Packets(NamedTuple):
    """Some consecutive packets.

    Attributes:
        positions: Where each begins.
        headers: The four bytes that it begins with, as a number: the length of what follows, and above it the sequence number.
    """

    positions: numpy.ndarray
    headers: numpy.ndarray

    @property
    def lengths(self) -> numpy.ndarray:
        """How many bytes each has behind its header."""
        return self.headers & FULL_PACKET

    @property
    def end(self) -> int:
        """Where the last one ends."""
        return int(self.positions[-1]) + _HEADER_BYTES + (int(self.headers[-1]) & FULL_PACKET)

    def first(self, count: int) -> _Packets:
        """Return so many of them."""
        return _Packets(self.positions[:count], self.headers[:count])


_NO_PACKETS = _Packets(numpy.empty(0, numpy.int64), numpy.empty(0, numpy.uint32))


def _join(packets: list[_Packets]) -> _Packets:
    return _Packets(*(numpy.concatenate(arrays) for arrays in zip(*packets, strict=True)))


def _new_buffer(size: int, content: memoryview) -> tuple[numpy.ndarray, memoryview]:
    data = numpy.empty(size + GUARD_BYTES, numpy.uint8)
    data[size:] = 0
    view = data.data[:size]
    view[: len(content)] = content
    return data, view


def _find_packets(view: memoryview, place: int) -> _Packets | None:
    """Return the packets that are whole in some bytes, which stand at a place of the buffer; None if there are none."""
    first_length = int.from_bytes(view[:_HEADER_BYTES], "little") & FULL_PACKET
    if len(view) < _HEADER_BYTES + first_length:
        return None  # a long row comes in many pieces, and is not copied at each
    data = numpy.frombuffer(view, numpy.uint8)
    packets = _load_packets(data, _walk_short(bytes(view))) if first_length <= _SHORT else None
    if packets is None or packets.lengths.max() > _SHORT:
        packets = _load_packets(data, _walk(view))
    whole = packets if packets.end <= len(view) else packets.first(len(packets.positions) - 1)
    return _Packets(whole.positions + place, whole.headers)


def _load_packets(data: numpy.ndarray, positions: Iterator[int]) -> _Packets:
    places = numpy.fromiter(positions, numpy.int64)
    return _Packets(places, load(data, places, "<u4"))


def _walk_short(content: bytes) -> Iterator[int]:
    """Yield where packets begin, if all are as short as most rows are.

    This loop runs once per row, in Python: each packet says where the next begins, so it cannot be done for many at once.
    It takes half the time of `_walk`.
    """
    position, last = 0, len(content) - _HEADER_BYTES
    while position <= last:
        yield position
        position += content[position] + _HEADER_BYTES


def _walk(view: memoryview) -> Iterator[int]:
    """Yield where packets begin."""
    position, last = 0, len(view) - _HEADER_BYTES
    while position <= last:
        yield position
        position += (_read_header(view, position)[0] & FULL_PACKET) + _HEADER_BYTES


def _count_packets_of_whole_rows(packets: _Packets) -> int:
    """Return how many packets there are up to the end of the last whole row."""
    ends_row = numpy.flatnonzero(packets.lengths != FULL_PACKET)
    return int(ends_row[-1]) + 1 if len(ends_row) else 0


def _find_rows(data: numpy.ndarray, packets: _Packets) -> RowBlock:
    starts, lengths = packets.positions + _HEADER_BYTES, packets.lengths
    ends = starts + lengths
    is_continued = lengths == FULL_PACKET
    if is_continued.any():
        starts, ends = _join_packets(data, starts, ends, is_continued)
    return RowBlock(data, starts, ends)


def _join_packets(
    data: numpy.ndarray, starts: numpy.ndarray, ends: numpy.ndarray, is_continued: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Close the gaps that headers make within rows of several packets, by moving the later packets down in the buffer."""
    row_starts: list[int] = []
    row_ends: list[int] = []
    goes_on = False
    for start, end, continued in zip(starts.tolist(), ends.tolist(), is_continued.tolist(), strict=True):
        if goes_on:
            joined = row_ends[-1]
            row_ends[-1] = joined + end - start
            data[joined : row_ends[-1]] = data[start:end]
        else:
            row_starts.append(start)
            row_ends.append(end)
        goes_on = continued
    return numpy.array(row_starts, numpy.int64), numpy.array(row_ends, numpy.int64)


def _read_status(payload: bytes, is_ok: bool) -> int:
    """Return the status flags of an EOF packet (header, warnings, status) or an OK packet (header, rows, id, status, …)."""
    position = 3
    if is_ok:
        position = 1
        for _ in ("affected rows", "last insert id"):
            position += {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(payload[position], 1) if position < len(payload) else 1
    if len(payload) < position + 2:
        raise GarbledAnswer("the packet that ends the result is too short")
    return int.from_bytes(payload[position : position + 2], "little")


def _raise_server_error(payload: bytes) -> NoReturn:
    # Only the marker of the SQL state tells the server's words from a damaged row, whose bytes belong in no message.
    if payload[3:4] == b"#":
        with contextlib.suppress(UnicodeDecodeError):
            pymysql.err.raise_mysql_exception(payload)
    raise GarbledAnswer("a packet is neither a row nor an error")
