"""Little-endian numbers at any places of some bytes, all at once."""

from __future__ import annotations

import numpy


def load(data: numpy.ndarray, positions: numpy.ndarray, dtype: str) -> numpy.ndarray:
    """Return the little-endian number that stands at each position.

    The array that is indexed has the number at every byte of `data` as an element (a stride of one byte), so the numbers need not
    be aligned; beyond the end of `data` it raises.
    """
    kind = numpy.dtype(dtype)
    numbers = numpy.ndarray((len(data) - kind.itemsize + 1,), kind, buffer=data, strides=(1,))
    found: numpy.ndarray = numbers[positions]
    return found
