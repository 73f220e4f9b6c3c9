"""A second writing of the protocol, from its documents: Python values -> the bytes that a server would send.

Source: MySQL Source Code Documentation, "Column Definition", "Text Resultset Row", "Binary Protocol Resultset", "EOF_Packet".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from struct import pack

import pyarrow
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.protocol import FieldDescriptorPacket

FULL_PACKET = 0xFFFFFF
_WIDTHS = {
    FIELD_TYPE.TINY: 1,
    FIELD_TYPE.SHORT: 2,
    FIELD_TYPE.YEAR: 2,
    FIELD_TYPE.INT24: 4,
    FIELD_TYPE.LONG: 4,
    FIELD_TYPE.LONGLONG: 8,
}
EOF = b"\xfe\x00\x00\x02\x00"


@dataclass(frozen=True)
class SentColumn:
    """A column that a server sends, and the Arrow type that it is wanted as."""

    name: str
    code: int
    wanted: pyarrow.DataType
    unsigned: bool = False
    decimals: int = 0
    character_set: int = 45

    def definition(self) -> FieldDescriptorPacket:
        """Return the column as PyMySQL reads it from the server."""
        texts = b"".join(length_encoded(text.encode()) for text in ("def", "s", "t", "t", self.name, self.name))
        flags = FLAG.UNSIGNED if self.unsigned else 0
        fixed = pack("<BHIBHBH", 12, self.character_set, 255, self.code, flags, self.decimals, 0)
        return FieldDescriptorPacket(texts + fixed, "utf8")

    @property
    def field(self) -> pyarrow.Field:
        """The column as it is wanted."""
        return pyarrow.field(self.name, self.wanted)


def length_encoded(content: bytes) -> bytes:
    """Return a string behind its length."""
    size = len(content)
    if size < 0xFB:
        return bytes([size]) + content
    if size < 1 << 16:
        return b"\xfc" + pack("<H", size) + content
    if size < 1 << 24:
        return b"\xfd" + pack("<I", size)[:3] + content
    return b"\xfe" + pack("<Q", size) + content


def frame(payloads: Iterable[bytes], sequence: int) -> bytes:
    """Return payloads as packets, split where they are too long for one."""
    packets = []
    for payload in payloads:
        while True:
            piece, payload = payload[:FULL_PACKET], payload[FULL_PACKET:]
            packets.append(pack("<I", len(piece))[:3] + bytes([sequence & 0xFF]) + piece)
            sequence += 1
            if len(piece) < FULL_PACKET:
                break
    return b"".join(packets)


def binary_row(columns: Sequence[SentColumn], values: Sequence[object]) -> bytes:
    """Return a row of the binary protocol."""
    bitmap = bytearray((len(columns) + 9) // 8)
    cells = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True), start=2):
        if value is None:
            bitmap[place // 8] |= 1 << place % 8
        else:
            cells.append(_binary_value(column, value))
    return b"\0" + bytes(bitmap) + b"".join(cells)


def text_row(columns: Sequence[SentColumn], values: Sequence[object]) -> bytes:
    """Return a row of the text protocol."""
    return b"".join(
        b"\xfb" if value is None else length_encoded(_text_value(column, value))
        for column, value in zip(columns, values, strict=True)
    )


def _binary_value(column: SentColumn, value: object) -> bytes:
    if column.code in _WIDTHS:
        return int(value).to_bytes(_WIDTHS[column.code], "little", signed=not column.unsigned)
    if column.code == FIELD_TYPE.DOUBLE:
        return pack("<d", value)
    if isinstance(value, datetime):
        parts = pack("<HBB", value.year, value.month, value.day)
        if value.hour or value.minute or value.second or value.microsecond:
            parts += bytes([value.hour, value.minute, value.second])
        return _behind_length(parts + (pack("<I", value.microsecond) if value.microsecond else b""))
    if isinstance(value, date):
        return _behind_length(pack("<HBB", value.year, value.month, value.day))
    if isinstance(value, timedelta):
        if not value:
            return b"\0"
        size = abs(value)
        hours, rest = divmod(size.seconds, 3600)
        parts = pack("<BIBBB", value < timedelta(0), size.days, hours, *divmod(rest, 60))
        return _behind_length(parts + (pack("<I", size.microseconds) if size.microseconds else b""))
    return length_encoded(_text_value(column, value))


def _behind_length(parts: bytes) -> bytes:
    return bytes([len(parts)]) + parts


def _text_value(column: SentColumn, value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if column.code == FIELD_TYPE.BIT:
        return int(value).to_bytes(column.decimals, "big")  # a test's column keeps its width there
    if isinstance(value, Decimal):
        return f"{value:f}".encode()
    if isinstance(value, float):
        return repr(value).encode()
    if isinstance(value, datetime):
        return (value.isoformat(sep=" ", timespec="microseconds" if column.decimals else "seconds")).encode()
    if isinstance(value, timedelta):
        return time_text(value, column.decimals).encode()
    return str(value).encode()


def time_text(value: timedelta, decimals: int) -> str:
    """Return a TIME as MySQL prints it."""
    size = abs(value)
    hours, rest = divmod(size.days * 86_400 + size.seconds, 3600)
    fraction = f".{size.microseconds:06}"[: decimals + 1] if decimals else ""
    return f"{'-' if value < timedelta(0) else ''}{hours:02}:{rest // 60:02}:{rest % 60:02}{fraction}"
