"""Calendar dates and times of day, for all rows of a block at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy

# Is told, per column and block, which dates that do not exist became NULL, and how often.
ReportDates = Callable[[str, Counter[str]], None]

LAST_YEAR = 9999
_ZERO = ord("0")

# Day numbers since 1970 of the first day of each month, and the month's days, at the index year * 16 + month: the year is shifted
# by four bits, so that two fields make one index. Months that do not exist, and those of year 0, have no days.
_months = numpy.arange("0001-01", "10000-01", dtype="datetime64[M]")
_index = (numpy.repeat(numpy.arange(1, LAST_YEAR + 1), 12) << 4) | numpy.tile(numpy.arange(1, 13), LAST_YEAR)
_FIRST_DAY = numpy.zeros((LAST_YEAR + 1) << 4, numpy.int32)
_FIRST_DAY[_index] = _months.astype("datetime64[D]").astype(numpy.int32)
_LENGTH = numpy.zeros((LAST_YEAR + 1) << 4, numpy.uint8)
_LENGTH[_index] = ((_months + 1).astype("datetime64[D]") - _months.astype("datetime64[D]")).astype(numpy.uint8)


def count_days(years: numpy.ndarray, months: numpy.ndarray, days: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return days since 1970-01-01, and which dates do not exist (0000-00-00, 2024-02-00, 2023-02-29).

    Years must be at most 9999 and months at most 15.
    """
    index = (years.astype(numpy.int32) << 4) | months
    is_impossible = (days == 0) | (days > _LENGTH[index])
    return _FIRST_DAY[index] + (days.astype(numpy.int32) - 1), is_impossible


def count_texts(years: numpy.ndarray, months: numpy.ndarray, days: numpy.ndarray) -> Counter[str]:
    """Return how often each date occurs, written as MySQL does."""
    codes, counts = numpy.unique((years.astype(numpy.int64) << 16) | (months.astype(numpy.int64) << 8) | days, return_counts=True)
    return Counter(
        {
            f"{code >> 16:04}-{code >> 8 & 0xFF:02}-{code & 0xFF:02}": count
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
        }
    )


def format_times(
    is_negative: numpy.ndarray,
    hours: numpy.ndarray,
    minutes: numpy.ndarray,
    seconds: numpy.ndarray,
    microseconds: numpy.ndarray,
    fraction: int,
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Write times as MySQL does (`-838:59:59.000000`); return one row of characters each, and the index of the first that counts.

    Hours have two digits or three. The rows are filled from the right, so that only their beginning differs.
    """
    digits = [hours // 100, hours // 10 % 10, hours % 10, minutes // 10, minutes % 10, seconds // 10, seconds % 10]
    digits += [microseconds // 10 ** (5 - place) % 10 for place in range(fraction)]
    places = [1, 2, 3, 5, 6, 8, 9, *range(11, 11 + fraction)]
    texts = numpy.full((len(hours), 11 + fraction if fraction else 10), ord(":"), numpy.uint8)
    for place, digit in zip(places, digits, strict=True):
        texts[:, place] = digit + _ZERO
    if fraction:
        texts[:, 10] = ord(".")
    first = numpy.where(hours >= 100, 1, 2) - is_negative
    rows = numpy.flatnonzero(is_negative)
    texts[rows, first[rows]] = ord("-")
    return texts, first
