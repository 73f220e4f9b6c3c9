"""Stopping in time: a slice that would outlast its function ends where it is, and the rest becomes a piece of its own.

The rows come in the order of the key (append: of the event time), so all that were not read are at or behind the first of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow
import pyarrow.compute as pc

from rental_pipeline.contract import APPEND
from rental_pipeline.table_plan import PlannedTable, Slice


class HandOn:
    """Reads a slice as far as time allows.

    Args:
        table, part: What is read.
        counts: What is counted as batches are made; of the batch that is not used, it is taken back.
        is_time_up: Whether too little time is left to go on.

    Attributes:
        rest: What was not read, to be read next; None if that is nothing.
    """

    def __init__(self, table: PlannedTable, part: Slice, counts: Counter[str], is_time_up: Callable[[], bool]):
        self.rest: Slice | None = None
        self._table = table
        self._part = part
        self._counts = counts
        self._is_time_up = is_time_up

    def read(self, batches: Generator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Yield the batches, in order, of which the rest is cut off once the time is up; some rows are always read."""
        with closing(batches):
            waiting, counted = next(batches, None), self._counts.copy()
            for following in batches:
                if self._is_time_up() and (point := self._find_cut(waiting, following)):
                    start = tuple(value.cast(pyarrow.string()).as_py() for value in point)
                    self.rest = replace(self._part, start=start, piece=self._part.piece + 1)
                    self._counts.clear()
                    self._counts.update(counted)
                    yield self._cut_off(waiting, point)
                    return
                yield waiting
                waiting, counted = following, self._counts.copy()
            if waiting is not None:
                yield waiting

    def _find_cut(self, waiting: pyarrow.RecordBatch, following: pyarrow.RecordBatch) -> tuple[pyarrow.Scalar, ...] | None:
        """Return the values with which the rest may begin; None where it cannot begin here.

        Events of one time must stay together. Those without a usable time come first, and belong to the first piece.
        """
        if self._table.strategy != APPEND:
            return tuple(following[name][0] for name in self._table.key)
        time = following[self._table.cursor][0]
        return (time,) if time.is_valid and waiting[self._table.cursor][0] != time else None

    def _cut_off(self, waiting: pyarrow.RecordBatch, point: tuple[pyarrow.Scalar, ...]) -> pyarrow.RecordBatch:
        if self._table.strategy != APPEND:
            return waiting
        return waiting.filter(pc.fill_null(pc.less(waiting[self._table.cursor], point[0]), True))
