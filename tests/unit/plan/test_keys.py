"""Keys are judged slice by slice, by as many invocations as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rental_pipeline.base.errors import FixData
from rental_pipeline.model.document import read_as
from rental_pipeline.model.strategies import Snapshot
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.plan.comparison import Sums
from rental_pipeline.plan.continuation import OutOfTime
from rental_pipeline.plan.keys import refuse_blank_ends

SLICES = [
    Slice(7, "t", 0, None, ("d",)),
    Slice(7, "t", 1, ("d",), ("m",)),
    Slice(7, "t", 2, ("m",), None),
]


def make_table(compares_blanks: bool) -> PlannedTable:
    code = PlannedColumn("code", "varchar(20)", "Code", "varchar", compares_blanks=compares_blanks)
    return PlannedTable("t", "T", Snapshot(key=("code",)), (code,))


class Source:
    """A connection whose every query finds the same keys."""

    def __init__(self, *found: tuple[str, ...]) -> None:
        self.found, self.asked = found, []

    def cursor(self) -> Source:
        return self

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, query: str, arguments: list[Any]) -> None:
        self.asked.append(query % tuple(map(repr, arguments)))

    def fetchall(self) -> tuple[tuple[str, ...], ...]:
        return self.found


def time_for(steps: int) -> Callable[[], None]:
    left = iter(range(steps))

    def require_time() -> None:
        if next(left, None) is None:
            raise OutOfTime

    return require_time


def test_another_invocation_goes_on_with_the_slices_that_are_left():
    sums, first, second = Sums(), Source(), Source()
    with pytest.raises(OutOfTime):
        refuse_blank_ends(first, make_table(True), SLICES, sums, time_for(2))
    refuse_blank_ends(second, make_table(True), SLICES, read_as(Sums, sums.to_json()), time_for(2))
    assert [len(first.asked), len(second.asked)] == [2, 1]
    assert "like '% '" in second.asked[0] and "'m'" in second.asked[0]


def test_a_source_that_pads_is_not_asked():
    source = Source(("a ",))
    refuse_blank_ends(source, make_table(False), SLICES, Sums())
    assert source.asked == []


def test_a_personal_key_is_not_shown():
    """Its hashes differ with blanks, and nobody has to see it."""
    code = PlannedColumn("code", "varchar(64)", "Code", "varchar", is_hashed=True, compares_blanks=True)
    source = Source(("ada@example.org ",))
    refuse_blank_ends(source, PlannedTable("t", "T", Snapshot(key=("code",)), (code,)), SLICES, Sums())
    assert source.asked == []


def test_the_first_keys_are_told_with_their_ends():
    source = Source(("a ",), ("b" * 200 + " ",), ("c ",), ("d ",))
    with pytest.raises(FixData, match=r"keys of t end with a blank \(code='a '; code='…b+ '; code='c '; …\)"):
        refuse_blank_ends(source, make_table(True), SLICES, Sums())
