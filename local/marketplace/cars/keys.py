"""Keys of ten hexadecimal digits, some of which look like numbers."""

from __future__ import annotations

import numpy as np

# A reader that takes these for numbers makes one of two, or none.
TREACHEROUS = ("0000000001", "1000000000", "00001e5000", "1e50000000", "0000000010")


def draw_keys(random: np.random.Generator, count: int) -> np.ndarray:
    """Draw different keys; the first few are those that look like numbers."""
    keys = dict.fromkeys(TREACHEROUS[:count])
    while len(keys) < count:
        keys |= dict.fromkeys(f"{number:010x}" for number in random.integers(0, 16**10, count - len(keys)).tolist())
    drawn = np.empty(count, dtype=object)
    drawn[:] = list(keys)
    return drawn
