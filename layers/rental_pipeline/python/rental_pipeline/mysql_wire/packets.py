"""The bytes of a result, cut into rows.

A result is a stream of packets: three bytes of length, one of sequence number, then the payload. A row is one packet, or several
where it is longer than 16 MiB. The last packet is the server's OK, EOF or error.

Sources: MySQL Source Code Documentation, "MySQL Packets" (page_protocol_basic_packets), "OK_Packet", "EOF_Packet", "ERR_Packet"
(page_protocol_basic_response_packets); MariaDB Knowledge Base, "0-packet", "Result Set Packets".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct

import numpy
import pymysql
from pymysql.constants import CR, SERVER_STATUS

from rental_pipeline.errors import FixData, RetryLater

BLOCK_BYTES = 2 << 20
# Bytes behind the last row that a decoder may look at while it works on all rows of a block at once (no field is longer).
GUARD_BYTES = 16
# No slice has such a row, as its query cuts the types that can hold megabytes; it bounds what a broken stream can ask for.
LONGEST_ROW = 128 << 20

_HEADER_BYTES = 4
FULL_PACKET = 0xFFFFFF  # of this length, a packet goes on in the next one
_END, _ERROR = 0xFE, 0xFF  # a payload's first byte
_LONGEST_EOF = 8
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


def garbled(what: str) -> RetryLater:
    """Return the error for bytes that are not what the protocol allows, of which nothing may be used."""
    return RetryLater(
        f"the answer of the source is garbled ({what}); nothing of it was kept. If this comes again, look at what stands between"
        ' the functions and the source (a proxy, a tunnel), and set "tls" in the source\'s secret to encrypt or verify'
    )


def connection_lost(why: str) -> pymysql.OperationalError:
    """Return PyMySQL's error for a connection that broke, so that both ways of reading fail alike."""
    return pymysql.OperationalError(CR.CR_SERVER_LOST, f"Lost connection to MySQL server during query ({why})")


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

    def read_blocks(self) -> Iterator[RowBlock]:
        """Yield all rows; returns only if the server has said that they were all.

        Raises:
            pymysql.MySQLError: the connection broke, or the server says that the query failed or was killed.
            RetryLater: the bytes break the protocol.
            FixData: a row is longer than LONGEST_ROW.
        """
        is_closed = False
        while not is_closed:
            data, headers, is_closed = self._fill_buffer()
            self._check_sequence(data, headers)
            if is_closed:
                headers.pop()
            if headers:
                yield _find_rows(data, headers)

    def _fill_buffer(self) -> tuple[numpy.ndarray, list[int], bool]:
        """Return a buffer, the positions of the packets of the whole rows in it, and whether the last one closes the result.

        What is in the buffer behind them stays for the next one.
        """
        size = max(self._block_bytes, 2 * len(self._rest))
        data, view = _new_buffer(size, self._rest)
        filled, position = len(self._rest), 0
        headers: list[int] = []
        while True:
            known = len(headers)
            position = _find_packets(view, position, filled, headers)
            if len(headers) > known and self._is_last(view, headers, position):
                if position != filled:
                    raise garbled("bytes follow the end of the result")
                return data, headers, True
            if position + _HEADER_BYTES <= filled and view[position + 3] != (self._sequence + len(headers)) & 0xFF:
                # Seen before its end has come: of a damaged length, that might be never.
                raise garbled("a packet is out of sequence")
            if size - filled < _LEAST_ROOM:
                if whole := _count_packets_of_whole_rows(view, headers):
                    following = headers[whole] if whole < len(headers) else position
                    self._rest = view[following:filled]
                    return data, headers[:whole], False
                size *= 2
                if size > LONGEST_ROW:
                    raise FixData(
                        f"a row is longer than {LONGEST_ROW >> 20} MiB: leave its longest column out"
                        " with `personal: {<column>: drop}` in source.yaml"
                    )
                data, view = _new_buffer(size, view[:filled])
            count = self._receive(view[filled:])
            if count == 0:
                raise connection_lost("it was closed before the end of the result")
            filled += count

    def _is_last(self, view: memoryview, headers: list[int], end: int) -> bool:
        """Whether the last packet found closes the result; raises the server's error if it is one."""
        start = headers[-1] + _HEADER_BYTES
        length = end - start
        if length == 0 or (len(headers) > 1 and _packet_length(view, headers[-2]) == FULL_PACKET):
            return False
        if view[start] == _ERROR:
            raise _server_error(bytes(view[start:end]))
        if view[start] != _END or length > self._longest_end:
            return False
        if _read_status(bytes(view[start:end]), self._ends_with_ok) & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
            raise garbled("a second result follows")
        return True

    def _check_sequence(self, data: numpy.ndarray, headers: list[int]) -> None:
        found = data[numpy.array(headers, numpy.int64) + 3]
        expected = (self._sequence + numpy.arange(len(headers))) & 0xFF
        if not numpy.array_equal(found, expected):
            first = int(numpy.argmax(found != expected))
            raise garbled(f"a packet has the number {found[first]} instead of {expected[first]}")
        self._sequence = (self._sequence + len(headers)) & 0xFF


def _new_buffer(size: int, content: memoryview) -> tuple[numpy.ndarray, memoryview]:
    data = numpy.empty(size + GUARD_BYTES, numpy.uint8)
    data[size:] = 0
    view = memoryview(data)[:size]
    view[: len(content)] = content
    return data, view


def _find_packets(view: memoryview, position: int, filled: int, headers: list[int]) -> int:
    """Append the positions of the packets that are whole within `filled` bytes; return where the last of them ends.

    This loop runs once per row, in Python: each packet says where the next begins, so it cannot be done for many at once.
    """
    last_header = filled - _HEADER_BYTES
    while position <= last_header:
        end = position + _HEADER_BYTES + (_read_header(view, position)[0] & FULL_PACKET)
        if end > filled:
            break
        headers.append(position)
        position = end
    return position


def _packet_length(view: memoryview, header: int) -> int:
    return _read_header(view, header)[0] & FULL_PACKET


def _count_packets_of_whole_rows(view: memoryview, headers: list[int]) -> int:
    """Return how many packets there are up to the end of the last whole row."""
    count = len(headers)
    while count and _packet_length(view, headers[count - 1]) == FULL_PACKET:
        count -= 1
    return count


def _find_rows(data: numpy.ndarray, headers: list[int]) -> RowBlock:
    positions = numpy.array(headers, numpy.int64)
    lengths = data[positions] + (data[positions + 1].astype(numpy.int64) << 8) + (data[positions + 2].astype(numpy.int64) << 16)
    starts = positions + _HEADER_BYTES
    ends = starts + lengths
    is_continued = lengths == FULL_PACKET
    if is_continued.any():
        starts, ends = _join_packets(data, starts, ends, is_continued)
    return RowBlock(data, starts, ends)


def _join_packets(data, starts, ends, is_continued) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Close the gaps that headers make within rows of several packets, by moving the later packets down in the buffer."""
    row_starts, row_ends = [], []
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
        raise garbled("the packet that ends the result is too short")
    return int.from_bytes(payload[position : position + 2], "little")


def _server_error(payload: bytes) -> Exception:
    # Only the marker of the SQL state tells the server's words from a damaged row, whose bytes belong in no message.
    if payload[3:4] != b"#":
        return garbled("a packet is neither a row nor an error")
    try:
        pymysql.err.raise_mysql_exception(payload)
    except pymysql.MySQLError as error:
        return error
    except UnicodeDecodeError:
        return garbled("an error packet is damaged")
