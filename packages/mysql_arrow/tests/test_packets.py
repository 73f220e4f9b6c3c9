"""The stream's packets, and what is said when one of them is not as it must be."""

from __future__ import annotations

from struct import pack

import pymysql
import pytest

from mysql_arrow import GarbledAnswer, RowTooLong, packets
from mysql_arrow.packets import FULL_PACKET, RowPackets
from packages.mysql_arrow.tests.streams import Stream
from packages.mysql_arrow.tests.wire import EOF, frame

ROWS = [b"\0one", b"\0two", b"\0three"]
OK = b"\xfe\x00\x00\x02\x00\x00\x00"


def read(content: bytes, *, sequence: int = 7, received: bytes = b"", sizes=(1 << 30,), **options) -> list[bytes]:
    """Return the rows of a stream."""
    blocks = RowPackets(Stream(content, sizes).receive, received, sequence, **{"block_bytes": 1 << 17, **options}).read_blocks()
    return [block.data[start:end].tobytes() for block in blocks for start, end in zip(block.starts, block.ends, strict=True)]


def error_packet(code: int, text: str) -> bytes:
    """Return the payload with which a server ends a result that failed."""
    return b"\xff" + pack("<H", code) + b"#70100" + text.encode()


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (5, 1, 40), (1 << 20,)])
def test_rows_are_found_however_the_bytes_come(sizes: tuple[int, ...]) -> None:
    """Also when PyMySQL has read some of them already."""
    stream = frame([*ROWS, EOF], 7)
    for taken in range(len(stream)):
        assert read(stream[taken:], received=stream[:taken], sizes=sizes) == ROWS


def test_rows_go_on_across_blocks_and_sequence_numbers_across_255() -> None:
    """A row that does not fit into a block any more is the first of the next."""
    rows = [b"\0" + bytes([number % 251]) * (number % 700) for number in range(2000)]
    assert read(frame([*rows, EOF], 7), sizes=(7919,)) == rows


@pytest.mark.parametrize("length", [FULL_PACKET - 1, FULL_PACKET, FULL_PACKET + 1, 2 * FULL_PACKET, 2 * FULL_PACKET + 300])
def test_a_row_of_several_packets_is_one_row(length: int) -> None:
    """Its last packet is empty if the row fills the others; one that looks like an EOF packet is none."""
    long = b"\0" + b"\xfe" * (length - 1)
    for sizes in ((1 << 30,), (65_521,)):
        assert read(frame([b"\0a", long, b"\0b", EOF], 250), sequence=250, sizes=sizes) == [b"\0a", long, b"\0b"]


def test_a_row_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of a function is bounded."""
    monkeypatch.setattr(packets, "LONGEST_ROW", 1 << 20)
    with pytest.raises(RowTooLong, match="a row is longer than 1 MiB"):
        read(frame([b"\0" * 3_000_000, EOF], 7))


def test_an_ok_packet_ends_a_result_where_it_was_agreed_on() -> None:
    """It may be longer than an EOF packet, and tell of the session."""
    for ending in (OK, OK + b"\x05hello", b"\xfe\xfc\x10\x27\x00\x02\x00\x00\x00"):
        assert read(frame([*ROWS, ending], 7), ends_with_ok=True) == ROWS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (frame([*ROWS, EOF], 8), "out of sequence|number 8 instead of 7"),
        (frame(ROWS, 7) + frame([EOF], 7), "number 7 instead of 10"),
        (frame(ROWS[:1], 7) + frame(ROWS[2:], 9) + frame([EOF], 10), "number 9 instead of 8"),
        (frame([*ROWS, EOF], 7) + b"\0", "bytes follow the end of the result"),
        (frame([*ROWS, b"\xfe\0\0\x0a\0"], 7), "a second result follows"),
        (frame([*ROWS, b"\xfe\0"], 7), "too short"),
        (frame([*ROWS, b"\xff\x01"], 7), "neither a row nor an error"),
        (frame([*ROWS, b"\xffabcdefgh"], 7), "neither a row nor an error"),
    ],
)
def test_what_breaks_the_protocol_is_refused(content: bytes, message: str) -> None:
    """The message tells what."""
    with pytest.raises(GarbledAnswer, match=rf"garbled \(.*({message}).*\)"):
        read(content)


def test_a_wrong_number_is_noticed_before_its_packet_has_come() -> None:
    """A damaged length would let us wait for bytes that nobody sends."""
    damaged = bytearray(frame([*ROWS, EOF], 7))
    damaged[0] += 1
    with pytest.raises(GarbledAnswer, match="garbled"):
        read(bytes(damaged), sizes=(12,))


def test_a_stream_that_stops_short_of_its_end_is_a_lost_connection() -> None:
    """Wherever it stops."""
    stream = frame([*ROWS, EOF], 7)
    for length in range(len(stream)):
        with pytest.raises(pymysql.OperationalError) as lost:
            read(stream[:length])
        assert lost.value.args[0] == 2013


@pytest.mark.parametrize("sequence", [10, 0])
def test_the_servers_own_error_is_passed_on(sequence: int) -> None:
    """MariaDB numbers its last words 0 when it shuts down."""
    with pytest.raises(pymysql.MySQLError) as failure:
        read(frame(ROWS, 7) + frame([error_packet(1317, "Query execution was interrupted")], sequence))
    assert failure.value.args == (1317, "Query execution was interrupted")


def test_the_rest_of_a_long_row_is_no_end_though_it_looks_like_one() -> None:
    """Received up to there, its last packet could be taken for an EOF packet."""
    long = b"\0" * FULL_PACKET + EOF
    row = frame([long], 7)
    assert read(row + frame([EOF], 9), sizes=(len(row), 1 << 20), block_bytes=1 << 25) == [long]
