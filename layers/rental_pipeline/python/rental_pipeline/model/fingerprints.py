"""Fingerprints: how many rows a part of a table has, and the sum of their 60-bit row hashes; and what raw must come to by them.

Two multisets of rows with one fingerprint are taken for equal. What was read of the source has fingerprints by span, and the load
(steps/verify_load.py) lets a transaction commit only where raw then has the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rental_pipeline.model.document import AS_TEXT, FLAT, IF_SET, Document, named

Point = tuple[str, ...]

# Of one table's load. Their bounds stand in one statement (at most 100 KB, Redshift Data API), several times.
MOST_SPANS = 100
_MOST_BOUND_BYTES = 20_000


@dataclass(frozen=True)
class Fingerprint(Document):
    """Rows, and the sum of their hashes."""

    rows: int = 0
    checksum: int = field(default=0, metadata=AS_TEXT)

    def __add__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(self.rows + other.rows, self.checksum + other.checksum)

    @classmethod
    def from_row(cls, rows: Any, checksum: Any) -> Fingerprint:
        """Return what a database counted and summed, each of which it may give as text; the sum of no rows is NULL."""
        return cls(int(rows), int(checksum or 0))


NOTHING = Fingerprint()


def add_up(fingerprints: Iterable[Fingerprint]) -> Fingerprint:
    """Return the fingerprint of all of them together."""
    return sum(fingerprints, NOTHING)


@dataclass(frozen=True)
class Span(Document):
    """A range of a table and what raw must hold of it.

    Attributes:
        start, end: Values of the key (append: one day) as text, half-open; None is open-ended. The events without a usable time
            belong to the span whose start is open.
        expected: What the source held of it.
        follows: Of a span that was equal, and so is not read: how many slices stand before it.
    """

    start: Point | None = field(metadata=named("from"))
    end: Point | None = field(metadata=named("to"))
    expected: Fingerprint = field(default=NOTHING, metadata=FLAT)
    follows: int = field(default=0, metadata=IF_SET)


@dataclass(frozen=True)
class KnownRange(Document):
    """What raw holds of a range of a keyed table, which begins with a key and ends before the next range's.

    Attributes:
        start: The first key, as text.
    """

    start: Point
    held: Fingerprint = field(metadata=FLAT)


@dataclass(frozen=True)
class KnownDay(Document):
    """What raw holds of a day of an append table (0001-01-01: of the events without a usable time)."""

    day: str
    held: Fingerprint = field(metadata=FLAT)


def join_spans(spans: Sequence[Span], most: int = MOST_SPANS) -> list[Span]:
    """Join neighbours, which stand in the order of keys, until they are few and short enough for one statement."""
    while len(spans) > most or (len(spans) > 1 and sum(map(_bound_bytes, spans)) > _MOST_BOUND_BYTES):
        pairs = [spans[number : number + 2] for number in range(0, len(spans), 2)]
        spans = [Span(pair[0].start, pair[-1].end, add_up(span.expected for span in pair)) for pair in pairs]
    return list(spans)


def _bound_bytes(span: Span) -> int:
    return sum(len(text.encode()) for text in span.start or ())
