"""A stream of bytes in place of a socket, and reading a result from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow

from mysql_arrow.binary_rows import decode_binary_rows
from mysql_arrow.columns import match_columns
from mysql_arrow.packets import RowPackets
from mysql_arrow.text_rows import decode_text_rows
from packages.mysql_arrow.tests.wire import SentColumn


class Stream:
    """Gives its bytes in pieces of given sizes, over and over, and then no more."""

    def __init__(self, content: bytes, sizes: Sequence[int] = (1 << 30,)):
        self._content, self._sizes = memoryview(content), sizes
        self._position = self._turn = 0

    def receive(self, room: memoryview) -> int:
        """As `socket.recv_into`."""
        size = min(len(room), self._sizes[self._turn % len(self._sizes)], len(self._content) - self._position)
        self._turn += 1
        room[:size] = self._content[self._position : self._position + size]
        self._position += size
        return size


def decode(
    content: bytes,
    columns: Sequence[SentColumn],
    protocol: str,
    *,
    sequence: int = 0,
    sizes: Sequence[int] = (1 << 30,),
    block_bytes: int = 1 << 17,
) -> tuple[pyarrow.Table, dict[str, Counter[str]]]:
    """Decode a result; return its rows, checked by Arrow, and the impossible dates."""
    schema = pyarrow.schema([column.field for column in columns])
    impossible: dict[str, Counter[str]] = {}
    matched = match_columns([column.definition() for column in columns], schema, is_text_protocol=protocol == "text")
    decode_rows = decode_text_rows if protocol == "text" else decode_binary_rows
    packets = RowPackets(Stream(content, sizes).receive, b"", sequence, block_bytes=block_bytes)
    batches = [
        decode_rows(block, matched, schema, lambda name, dates: impossible.setdefault(name, Counter()).update(dates))
        for block in packets.read_blocks()
    ]
    table = pyarrow.Table.from_batches(batches, schema)
    table.validate(full=True)
    return table, impossible
