"""What changes cost the warehouse: the model of time and money, names of steps, and what is said to be reached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.warehouse import FIRST, RECENT, Figures, _read_scale, name_step
from benchmarks.warehouse_cost import WarehouseTime, model_time
from benchmarks.warehouse_report import write_table
from benchmarks.warehouse_source import Sizes

RUN = Figures(
    title=FIRST,
    change="",
    children=0,
    seconds=60.0,
    stored=1000,
    visited={"load": {"raw.bookings": 400}, "check": {"raw.bookings": 100}},
    written={"raw.bookings": 40, "control.run": 1, "staging.weeks": 5},
    deleted={},
    submissions=20,
    statements=200,
    writes=10,
    transitions=70,
    warehouse=WarehouseTime(1, 40.0, 60.0, 0.05),
    not_understood=[],
)


def test_a_run_that_asks_nothing_costs_nothing() -> None:
    """The warehouse sleeps on."""
    assert model_time(0, 0, 0, 0, 0) == WarehouseTime(0, 0.0, 0.0, 0.0)


def test_a_wake_is_billed_for_a_minute_at_least() -> None:
    """8 RPU at $0.375 an hour are $0.05 a minute; 730 such hours are a month."""
    short = model_time(submissions=10, commits=2, nested=3, pauses=0, rows_visited=0)
    assert (short.seconds, short.billed_seconds, short.dollars) == (5 + 3 + 2 + 3, 60, pytest.approx(0.05))
    assert short.monthly("hourly") == pytest.approx(36.5)
    longer = model_time(submissions=100, commits=40, nested=30, pauses=1, rows_visited=100_000_000)
    assert longer.billed_seconds == longer.seconds == pytest.approx(5 + 30 + 40 + 30 + 20 + 5)


def test_statements_are_named_by_their_step() -> None:
    """With or without a run's number."""
    assert name_step("apartments/000002/load/bookings/write/") == "load"
    assert name_step("apartments/open/read/") == "open"
    assert name_step("") == "unnamed"


def test_sizes_are_scaled_by_factors_and_percentages() -> None:
    """ROWS=2% and ROWS=0.02 are the same."""
    assert _read_scale("2%") == _read_scale("0.02") == 0.02
    assert Sizes.scaled(0.02).bookings == 40_000
    assert Sizes.scaled(0.0001).listings == 400


def test_an_older_marketplace_has_more_days_and_no_more_listings() -> None:
    """As many bookings a day, so that the same change of the last days is compared."""
    young, old = Sizes.scaled(1), Sizes.scaled(1).older(4)
    assert (old.listings, old.bookings, old.viewings) == (young.listings, 4 * young.bookings, 4 * young.viewings)
    assert old.bookings / old.days == young.bookings / young.days


@pytest.mark.parametrize(("visited", "verdict"), [(650, "1.30 | reached"), (655, "1.31 | **missed**")])
def test_what_an_older_marketplace_visits_is_judged_by_the_younger_one(tmp_path: Path, visited: int, verdict: str) -> None:
    """In rows, not in shares of what is stored, which grows too."""
    young = replace(RUN, title=RECENT)
    old = replace(young, stored=4000, visited={"load": {"raw.bookings": visited}})
    write_table(tmp_path / "x.md", {"now": [RUN, young]}, [RUN, old], "", 100, "", 0, 1)
    assert f"| {RECENT} | 1,000 → 4,000 | 500 → {visited} | {verdict} |" in (tmp_path / "x.md").read_text(encoding="utf-8")


def test_rows_that_a_flipped_verdict_writes_are_counted_in_curated_and_in_all(tmp_path: Path) -> None:
    """The second also has the weeks and days of each metric."""
    run = replace(RUN, title="a verdict flipped", children=10, written={"curated.bookings": 15, "presentation.weeks": 85})
    write_table(tmp_path / "x.md", {"now": [RUN, run]}, [], "", 100, "", 0, 1)
    lines = (tmp_path / "x.md").read_text(encoding="utf-8").splitlines()
    assert "| a verdict flipped | rows curated, times the listing's children | 2 | 1.5 | reached |" in lines
    assert "| a verdict flipped | rows written, times the listing's children | 2 | 10 | **missed** |" in lines


def test_the_table_sets_two_versions_side_by_side(tmp_path: Path) -> None:
    """And judges the last one; rows that the pipeline notes about itself are not those it writes."""
    before, now = (
        replace(RUN, title="one new booking"),
        replace(RUN, title="one new booking", visited={"load": {"raw.bookings": 300}}),
    )
    measured = {"before (main)": [RUN, before], "now": [RUN, now]}
    write_table(tmp_path / "warehouse.md", measured, [], "400 listings", 200, "MariaDB 1", 0.5, 120)
    lines = (tmp_path / "warehouse.md").read_text(encoding="utf-8").splitlines()
    assert "| one new booking | rows visited, times rows stored | 0.3 | 0.5 → 0.3 | reached |" in lines
    assert "| load | 0.400 → 0.300 |" in lines
    assert "| check | 0.100 → 0.000 |" in lines
    assert any(line.startswith("| one new booking | 500 → 300 | 0.50 → 0.30 | 40 → 40 |") for line in lines)


def test_a_statement_that_could_not_be_read_is_said(tmp_path: Path) -> None:
    """Its rows are missing."""
    write_table(tmp_path / "x.md", {"now": [replace(RUN, not_understood=["select from: no"])]}, [], "", 100_000, "", 0, 1)
    assert "- `select from: no`" in (tmp_path / "x.md").read_text(encoding="utf-8")
