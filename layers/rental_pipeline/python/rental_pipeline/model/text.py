"""Bytes of the source as texts that Parquet and Redshift hold: the others are found, a column of a batch at a time.

Sources: Amazon Redshift Database Developer Guide, "Multibyte character load errors" (VARCHAR takes valid UTF-8, of up to four
bytes a character, noncharacters such as U+FFFE too), "Preparing your input data" (NUL), "Character types" (bytes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy
import pyarrow
import pyarrow.compute as pc

NUL = "the character NUL (zero byte)"
NOT_UTF8 = "text that is not valid UTF-8"


@dataclass(frozen=True)
class BadTexts:
    """The values of a column that cannot be held: in which rows of the batch they stand, and why."""

    rows: numpy.ndarray
    reason: str
    is_too_long: bool = False


def read_texts(values: pyarrow.BinaryArray, longest: int) -> tuple[pyarrow.StringArray, BadTexts | None]:
    """Return values as texts, NULL where one cannot be held, and which those are.

    Args:
        longest: Bytes that the column holds.
    """
    if not len(values):
        return values.cast(pyarrow.string()), None
    offsets = numpy.frombuffer(values.buffers()[1], numpy.int32)[values.offset : values.offset + len(values) + 1]
    content = numpy.frombuffer(values.buffers()[2] or b"", numpy.uint8)[offsets[0] : offsets[-1]]
    is_too_long = numpy.diff(offsets) > longest
    has_nul = not content.min(initial=1)
    # What is ASCII is valid UTF-8, and to see that takes a fraction of the time of checking it.
    texts = values.view(pyarrow.string()) if content.max(initial=0) < 0x80 else _as_utf8(values)
    if texts is not None and not has_nul and not is_too_long.any():
        return texts, None
    is_bad, reasons = is_too_long, [f"a value of more than {longest} bytes"] if is_too_long.any() else []
    if has_nul:
        is_bad = is_bad | _mark_rows(numpy.flatnonzero(content == 0) + offsets[0], offsets)
        reasons.append(NUL)
    if texts is None:
        is_bad = is_bad | numpy.array([not _is_utf8(value) for value in values], bool)
        reasons.append(NOT_UTF8)
    readable = pc.if_else(pyarrow.array(is_bad), pyarrow.scalar(None, pyarrow.binary()), values).cast(pyarrow.string())
    return readable, BadTexts(numpy.flatnonzero(is_bad), " or ".join(reasons), bool(is_too_long.any()))


def _as_utf8(values: pyarrow.BinaryArray) -> pyarrow.StringArray | None:
    try:
        return values.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        return None


def _is_utf8(value: pyarrow.BinaryScalar) -> bool:
    try:
        (value.as_py() or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _mark_rows(places: numpy.ndarray, offsets: numpy.ndarray) -> numpy.ndarray:
    """Mark the rows in which these places of the content are."""
    marked = numpy.zeros(len(offsets) - 1, bool)
    marked[numpy.searchsorted(offsets, places, side="right") - 1] = True
    return marked
