"""In which order raw should stand: `python -m benchmarks.raw_order`. The figures of decision 19.

A keyed raw table of two million rows is followed for a year of hourly runs, in two orders: by key, merged by a VACUUM whenever
a tenth of it is unsorted; and by run, which is as it arrives. Then the rows are counted that a run visits
(benchmarks.rows_visited), and those that VACUUM had to sort or merge meanwhile. It takes some seconds, and starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.rows_visited import BLOCK_ROWS, AllOf, Block, Compared, Predicate, count_visited

LOADED, RUNS = 2_000_000, 365 * 24
NEW, RECENT = 100, 50  # per run: new keys, and changed ones among the last 50,000 keys
RECENT_KEYS = 50_000
UNSORTED_SHARE = 0.1


@dataclass(frozen=True)
class Year:
    """What a year brought.

    Attributes:
        by_key, by_run: The blocks of the two orders.
        merged: Rows that VACUUM wrote again to keep the order of keys.
        last_key: The greatest.
    """

    by_key: list[Block]
    by_run: list[Block]
    merged: int
    last_key: int


def live_a_year(changed_anywhere: int, seed: int = 1) -> Year:
    """Return the blocks after a year in which each run also changes some keys anywhere."""
    random = np.random.default_rng(seed)
    keys, runs = [np.arange(1, LOADED + 1)], [np.ones(LOADED, dtype=np.int64)]
    last, total, is_sorted, merged = LOADED, LOADED, LOADED, 0
    for run in range(2, RUNS + 2):
        arrived = np.concatenate(
            [
                np.arange(last + 1, last + NEW + 1),
                random.integers(last - RECENT_KEYS, last, RECENT),
                random.integers(1, last, changed_anywhere),
            ]
        )
        keys.append(np.sort(arrived))
        runs.append(np.full(len(arrived), run))
        last += NEW
        total += len(arrived)
        if total - is_sorted > UNSORTED_SHARE * total:
            # From the least of what arrived on, the sorted rows are merged with it.
            least = min(int(each[0]) for each in keys[-((total - is_sorted) // len(arrived)) :])
            merged += sum(int((each >= least).sum()) for each in keys)
            is_sorted = total
    all_keys, all_runs = np.concatenate(keys), np.concatenate(runs)
    order = np.lexsort((all_runs[:is_sorted], all_keys[:is_sorted]))
    by_key = _cut(all_keys[:is_sorted][order], all_runs[:is_sorted][order]) + _cut(all_keys[is_sorted:], all_runs[is_sorted:])
    return Year(by_key, _cut(all_keys, all_runs), merged, last)


def _cut(key: np.ndarray, run: np.ndarray) -> list[Block]:
    """Cut rows into blocks."""
    return [
        Block(
            len(key[start : start + BLOCK_ROWS]),
            {
                "key": (int(key[start : start + BLOCK_ROWS].min()), int(key[start : start + BLOCK_ROWS].max())),
                "_run_sequence": (int(run[start : start + BLOCK_ROWS].min()), int(run[start : start + BLOCK_ROWS].max())),
            },
        )
        for start in range(0, len(key), BLOCK_ROWS)
    ]


def _between(least: int, greatest: int) -> Predicate:
    return AllOf((Compared("key", ">=", str(least)), Compared("key", "<=", str(greatest))))


def main() -> None:
    """Print the figures as a table in Markdown."""
    print("| each run changes | what is read | by key | by run |")
    print("|---|---|---:|---:|")
    for title, anywhere in (("recent keys", 0), ("recent keys, and 10 anywhere", 10)):
        year = live_a_year(anywhere)
        stored = sum(block.rows for block in year.by_run)
        asked: dict[str, Predicate] = {
            "what the last run brought": Compared("_run_sequence", ">", str(RUNS)),
            "versions of the last 50,000 keys": _between(year.last_key - RECENT_KEYS, year.last_key),
            "versions of one old key": _between(LOADED // 2, LOADED // 2),
        }
        for what, predicate in asked.items():
            by_key, by_run = count_visited(predicate, year.by_key), count_visited(predicate, year.by_run)
            print(f"| {title} | {what} | {by_key / stored:.3f} | {by_run / stored:.3f} |")
        print(f"| {title} | VACUUM wrote again in the year | {year.merged / stored:.2f} | 0 |")


if __name__ == "__main__":
    main()
