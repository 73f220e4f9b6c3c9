"""Stopping in time: a slice that would outlast its function ends where it is, and the rest becomes a piece of its own.

The rows come in the order of the key (append: of the event time), so all that were not read are at or behind the first of them.
Of a slice that is compared, the same holds for the keys and hashes, and for the keys whose rows are read then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pyarrow
import pyarrow.compute as pc

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.fingerprints import Point
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable, Slice

# Of a query that names its keys: enough for few queries, few enough for a short one.
_KEYS_PER_QUERY = 1000
# Keys and hashes take some 4 µs each; texts are sorted again by each query.
_PAIRS_PER_QUERY = 100_000
# With less than this left, a function that can hand nothing on says so instead of being ended by Lambda without a word.
_LAST_SECONDS = 5


class DeadlineReader:
    """Reads a slice as far as time allows.

    Args:
        table, part: What is read.
        counts: What is counted as batches are made; of the batch that is not used, it is taken back.
        reserve_seconds: With less than this left, the rest is handed on.
        remaining_seconds: Says how long the function may still take.

    Attributes:
        rest: What was not read, to be read next; None if that is nothing.
    """

    def __init__(
        self,
        table: PlannedTable,
        part: Slice,
        counts: Counter[str],
        reserve_seconds: float,
        remaining_seconds: Callable[[], float],
    ):
        self.rest: Slice | None = None
        self._table = table
        self._part = part
        self._counts = counts
        self._reserve_seconds = reserve_seconds
        self._remaining_seconds = remaining_seconds

    def read(self, batches: Generator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Yield the batches, in order, of which the rest is cut off once the time is up; some rows are always read.

        Raises:
            FixConfiguration: no time is left, and the rest cannot be cut off, as all events have one time, or the key is hashed.
        """
        with closing(batches):
            waiting, counted = next(batches, None), self._counts.copy()
            for following in batches:
                if self._is_time_up():
                    if point := self._find_cut(waiting, following):
                        self._begin_rest(tuple(value.cast(pyarrow.string()).as_py() for value in point))
                        self._counts.clear()
                        self._counts.update(counted)
                        yield self._cut_off(waiting, point)
                        return
                    self._require_time(
                        "more events have one time than a function can read, and they cannot be divided: give the table a key in"
                        " source.yaml, and the strategy merge or snapshot, or its events a finer time"
                    )
                yield waiting
                waiting, counted = following, self._counts.copy()
            if waiting is not None:
                yield waiting

    def take(self, keys: Sequence[Point]) -> Iterator[Sequence[Point]]:
        """Yield groups of keys, which are in order, until the time is up; some are always taken."""
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            if start and self._is_time_up():
                self._begin_rest(keys[start])
                return
            yield keys[start : start + _KEYS_PER_QUERY]

    def compare(self, read: Callable[[Slice, int], Iterable[pyarrow.RecordBatch]]) -> Iterator[pyarrow.RecordBatch]:
        """Yield keys and hashes, in order, until the time is up; those of one query are always yielded.

        The rest then begins behind them, or where `take` stops before that. Each query is read to its end: a result that is left
        in its midst would close the connection, and with it the snapshot.

        Args:
            read: Reads at most so many keys and hashes of a slice, in order.
        """
        part = self._part
        while True:
            rows, start = 0, None  # type: int, Point | None
            for batch in read(part, _PAIRS_PER_QUERY + 1):
                rows += batch.num_rows
                if rows > _PAIRS_PER_QUERY:  # the last one begins the next query
                    start = tuple(batch[name][-1].cast(pyarrow.string()).as_py() for name in self._table.key)
                    batch = batch.slice(0, batch.num_rows - 1)
                yield batch
            if start is None:
                return
            if self._is_time_up():
                self._begin_rest(start)
                return
            part = replace(part, start=start)

    def _is_time_up(self) -> bool:
        return self._remaining_seconds() < self._reserve_seconds

    def _require_time(self, problem: str) -> None:
        if self._remaining_seconds() < _LAST_SECONDS:
            raise FixConfiguration(problem)

    def _begin_rest(self, start: Point) -> None:
        if self._table.hashes_key:
            raise FixConfiguration(
                "the table's key is hashed, so it is read in one piece, and that takes longer than the function may: give the"
                " table a key that is nobody's, or leave it out of source.yaml"
            )
        self.rest = replace(self._part, start=start, piece=self._part.piece + 1)

    def _find_cut(self, waiting: pyarrow.RecordBatch, following: pyarrow.RecordBatch) -> tuple[pyarrow.Scalar, ...] | None:
        """Return the values with which the rest may begin; None where it cannot begin here.

        Events of one time must stay together. Those without a usable time come first, and belong to the first piece.
        """
        if not isinstance(self._table.strategy, Append):
            return tuple(following[name][0] for name in self._table.key)
        time = following[self._table.cursor][0]
        return (time,) if time.is_valid and waiting[self._table.cursor][0] != time else None

    def _cut_off(self, waiting: pyarrow.RecordBatch, point: tuple[pyarrow.Scalar, ...]) -> pyarrow.RecordBatch:
        if not isinstance(self._table.strategy, Append):
            return waiting
        return waiting.filter(pc.fill_null(pc.less(waiting[self._table.cursor], point[0]), True))
