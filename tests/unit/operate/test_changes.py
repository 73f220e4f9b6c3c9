"""What a figure is compared with, and in which words."""

from __future__ import annotations

import pytest

from rental_pipeline.model.document import read_as
from rental_pipeline.model.figures_document import DrawnChart
from rental_pipeline.operate.report.changes import Change, Tile, choose_leading, make_tile


def read_chart(unit: str, drawn: str, rows: dict[str, float | str | None], kind: str = "line") -> DrawnChart:
    """Return a chart of one figure by period (or text)."""
    columns = [{"name": "when", "unit": unit, "label": "When"}, {"name": "figure", "unit": drawn, "label": "Figure"}]
    told = {
        "name": "c",
        "title": "C",
        "reading": "",
        "kind": kind,
        "drawn": "figure",
        "empty": "",
        "unknown": "",
        "matters": "M.",
    }
    return read_as(DrawnChart, {**told, "columns": columns, "rows": [{"when": k, "figure": v} for k, v in rows.items()]})


def tell(chart: DrawnChart) -> list[tuple[str, str, str]]:
    tile = make_tile(chart, "USD")
    assert tile
    return [(change.than, change.value, change.difference) for change in tile.changes]


def test_a_month_is_compared_with_the_last_and_with_last_years():
    """Of shares, differences are points."""
    rows = {"2025-01-01": 0.5, "2025-12-01": "0.25", "2026-01-01": 0.3}
    assert tell(read_chart("month", "percent", rows)) == [
        ("the month before", "25.0%", "+5.0 points"),
        ("the same month last year", "50.0%", "-20.0 points"),
    ]


def test_a_day_is_compared_with_the_same_day_of_the_week():
    """Four weeks, and 52, before."""
    rows = {"2025-11-28": 2, "2026-10-30": 1, "2026-11-26": 4, "2026-11-27": 3}
    assert [than for than, _, _ in tell(read_chart("day", "count", rows))] == [
        "the day before",
        "four weeks before",
        "a year before",
    ]


@pytest.mark.parametrize(
    ("before", "difference"),
    [(0, "from zero"), (10, "unchanged"), (9.9999, "hardly changed"), (8, "+25.0%"), (12.5, "-20.0%"), (0.001, "+999,900.0%")],
)
def test_differences_are_told_in_words(before, difference):
    """What was zero has no share, and what is not nothing is not told as nothing."""
    assert tell(read_chart("week", "number", {"2026-11-16": before, "2026-11-23": 10}))[0][2] == difference


def test_zero_and_zero_again_is_no_change():
    """Nor does it lead."""
    tile = make_tile(read_chart("week", "percent", {"2026-11-16": 0, "2026-11-23": 0.0}), "USD")
    assert tile and tile.changes == (Change("the week before", "0.0%", "unchanged", 0.0),)
    assert choose_leading([tile]) == []


def test_what_is_not_known_is_compared_with_nothing():
    """Neither a period without a row, nor one whose value is NULL; the newest known figure is the one that is shown."""
    chart = read_chart("week", "count", {"2026-11-02": 7, "2026-11-09": None, "2026-11-16": 9, "2026-11-23": None})
    tile = make_tile(chart, "USD")
    assert tile and (tile.shown, tile.note, tile.changes) == ("9", "week of 16 Nov 2026", ())
    assert make_tile(read_chart("week", "count", {"2026-11-02": None}), "USD") is None


def test_a_ranking_shows_its_largest():
    """Over a time of its own, so nothing is before it."""
    tile = make_tile(read_chart("text", "count", {"Rome": 3, "Austin": 7, "Oslo": None}, "ranking"), "USD")
    assert tile == Tile("C", "M.", "c", "ranking", "Austin", "Figure: 7", ())


def test_the_largest_changes_lead():
    """By the longest ago that is known; at most three, none of less than a hundredth; one from zero comes last."""

    def make(name: str, *shares: float | None) -> Tile:
        return Tile(name, "", name, "line", "", "", tuple(Change("", "", "", share) for share in shares))

    tiles = [make("a", 9.0, 0.02), make("b", -0.5), make("c", 0.009), make("d", None), make("e", 0.1), make("f")]
    assert [tile.name for tile, _ in choose_leading(tiles)] == ["b", "e", "a"]
    assert [tile.name for tile, _ in choose_leading(tiles[2:4])] == ["d"]
