"""How much SQL one request to the Redshift Data API holds, and how texts are divided among several.

A batch has at most 40 statements (API reference, "BatchExecuteStatement"). SQL has at most 100 KB (Management Guide,
"Considerations when calling the Amazon Redshift Data API": "query statement size"). Whether a batch's statements count together
is not written there: they do here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_STATEMENTS = 40
REQUEST_BYTES = 100_000  # whichever bytes a KB has
# Of one statement that is composed, or of a batch beside its guard.
MAX_BYTES = 95_000


def count_bytes(*statements: str) -> int:
    """Return the size of SQL texts as the Data API counts it: UTF-8."""
    return sum(len(sql.encode()) for sql in statements)


def divide_texts(texts: Iterable[str], most: int | None = None, most_bytes: int = MAX_BYTES) -> Iterator[list[str]]:
    """Divide texts, in their order, into lists of at most so many texts and bytes; a longer text is a list of its own."""
    part: list[str] = []
    size = 0
    for text in texts:
        length = count_bytes(text)
        if part and (len(part) == most or size + length > most_bytes):
            yield part
            part, size = [], 0
        part.append(text)
        size += length
    if part:
        yield part
