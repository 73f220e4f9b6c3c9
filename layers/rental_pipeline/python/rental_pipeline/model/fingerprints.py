"""Fingerprints: how many rows a part of a table has, and the sum of their 60-bit row hashes; and what raw must come to by them.

Two multisets of rows with one fingerprint are taken for equal. What was read of the source has fingerprints by span, and the load
(steps/verify_load.py) lets a transaction commit only where raw then has the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Point = tuple[str, ...]

# Of one table's load. Their bounds stand in one statement (at most 100 KB, Redshift Data API), several times.
MOST_SPANS = 100
_MOST_BOUND_BYTES = 20_000


@dataclass(frozen=True)
class Fingerprint:
    """Rows, and the sum of their hashes."""

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(self.rows + other.rows, self.checksum + other.checksum)

    def to_json(self) -> Json:
        """Return it as JSON; the checksum as text, as it may have more digits than a JSON number keeps elsewhere."""
        return {"rows": self.rows, "checksum": str(self.checksum)}

    @classmethod
    def from_json(cls, item: Json) -> Fingerprint:
        """Return what `to_json` wrote, or what the warehouse counted and summed."""
        return cls(int(item["rows"]), int(item["checksum"] or 0))


NOTHING = Fingerprint()


def add_up(fingerprints: Iterable[Fingerprint]) -> Fingerprint:
    """Return the fingerprint of all of them together."""
    return sum(fingerprints, NOTHING)


@dataclass(frozen=True)
class Span:
    """A range of a table and what raw must hold of it.

    Attributes:
        start, end: Values of the key (append: one day) as text, half-open; None is open-ended. The events without a usable time
            belong to the span whose start is open.
        expected: What the source held of it.
        follows: Of a span that was equal, and so is not read: how many slices stand before it.
    """

    start: Point | None
    end: Point | None
    expected: Fingerprint = field(default=NOTHING)
    follows: int = 0

    def to_json(self) -> Json:
        """Return an entry of compared.json, or of a load's `expected`."""
        bounds = {"from": list(self.start) if self.start else None, "to": list(self.end) if self.end else None}
        return {**bounds, **self.expected.to_json(), **({"follows": self.follows} if self.follows else {})}

    @classmethod
    def from_json(cls, item: Json) -> Span:
        """Return the span that `to_json` wrote."""
        start, end = (tuple(item[name]) if item[name] else None for name in ("from", "to"))
        return cls(start, end, Fingerprint.from_json(item), item.get("follows", 0))


def join_spans(spans: Sequence[Span], most: int = MOST_SPANS) -> list[Span]:
    """Join neighbours, which stand in the order of keys, until they are few and short enough for one statement."""
    while len(spans) > most or (len(spans) > 1 and sum(map(_bound_bytes, spans)) > _MOST_BOUND_BYTES):
        pairs = [spans[number : number + 2] for number in range(0, len(spans), 2)]
        spans = [Span(pair[0].start, pair[-1].end, add_up(span.expected for span in pair)) for pair in pairs]
    return list(spans)


def _bound_bytes(span: Span) -> int:
    return sum(len(text.encode()) for text in span.start or ())
