"""What a chart's newest figure was before: a period, four weeks and a year earlier, as far as the chart has such rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rental_pipeline.definitions.charts import RANKING
from rental_pipeline.definitions.units import DAY, MONTH, PERCENT, WEEK
from rental_pipeline.model.figures_document import DrawnChart
from rental_pipeline.operate.report.values import name_period, write_value

# Whole weeks, so that a day is compared with the same day of the week, and a week with the same season.
_EARLIER = {
    DAY: {"the day before": 1, "four weeks before": 28, "a year before": 364},
    WEEK: {"the week before": 7, "four weeks before": 28, "the same week last year": 364},
}
_LAST_MONTH, _LAST_YEAR = "the month before", "the same month last year"
_SHORT = {"four weeks before": "4 weeks before", "the same week last year": "year before", _LAST_YEAR: "year before"}
_LEADING = 3
_WORTH_TELLING = 0.01  # of the earlier figure


@dataclass(frozen=True)
class Change:
    """An earlier figure, and how the newest one differs from it.

    Attributes:
        than: When it was, in words.
        value: As it is written.
        difference: In words: a share of the earlier figure; of shares, points.
        share: Of the earlier figure; None where that is zero.
    """

    than: str
    value: str
    difference: str
    share: float | None

    @property
    def briefly(self) -> str:
        """When it was, in the words that fit a tile."""
        return _SHORT.get(self.than) or self.than.partition(" ")[2]


@dataclass(frozen=True)
class Tile:
    """A chart's newest figure; of a ranking its largest.

    Attributes:
        title: What it is; matters: why a reader should care, or nothing.
        name, kind: The chart's.
        shown: The figure as it is written.
        note: When it is; of a ranking, how much.
        changes: What it was before, the longest ago last.
    """

    title: str
    matters: str
    name: str
    kind: str
    shown: str
    note: str
    changes: tuple[Change, ...]


def make_tile(chart: DrawnChart, currency: str) -> Tile | None:
    """Return a chart's newest known figure with those it compares with; None where there is none."""
    drawn = chart.drawn_column
    rows = [row for row in chart.rows if row[drawn.name] is not None]
    if not rows:
        return None
    first = chart.columns[0]
    if chart.kind == RANKING:
        row = max(rows, key=lambda each: float(each[drawn.name]))
        shown = write_value(row[first.name], first.unit, currency)
        note = f"{drawn.label}: {write_value(row[drawn.name], drawn.unit, currency)}"
        return Tile(chart.title, chart.matters, chart.name, chart.kind, shown, note, ())
    newest, known = date.fromisoformat(rows[-1][first.name]), {row[first.name]: row[drawn.name] for row in rows}
    value = float(rows[-1][drawn.name])
    changes = []
    for than, day in _list_earlier(newest, first.unit).items():
        if (earlier := known.get(day.isoformat())) is not None:
            written = write_value(earlier, drawn.unit, currency)
            changes.append(Change(than, written, *_tell_difference(value, float(earlier), drawn.unit)))
    shown = write_value(rows[-1][drawn.name], drawn.unit, currency)
    return Tile(chart.title, chart.matters, chart.name, chart.kind, shown, name_period(newest, first.unit), tuple(changes))


def choose_leading(tiles: Sequence[Tile]) -> list[tuple[Tile, Change]]:
    """Return the figures that changed most, each beside the longest ago that is known: that takes the season out."""
    compared = [(tile, tile.changes[-1]) for tile in tiles if tile.changes]
    telling = [(tile, change) for tile, change in compared if change.share is None or abs(change.share) >= _WORTH_TELLING]
    return sorted(telling, key=lambda each: -abs(each[1].share) if each[1].share is not None else 0.0)[:_LEADING]


def _list_earlier(day: date, unit: str) -> dict[str, date]:
    """Return the first days of the periods that a period is compared with, the nearest first."""
    if unit == MONTH:
        return {_LAST_MONTH: (day - timedelta(days=1)).replace(day=1), _LAST_YEAR: day.replace(year=day.year - 1)}
    return {than: day - timedelta(days=days) for than, days in _EARLIER[unit].items()}


def _tell_difference(value: float, earlier: float, unit: str) -> tuple[str, float | None]:
    """Return a difference in words, and as a share of the earlier figure."""
    if value == earlier:
        return "unchanged", 0.0
    share = value / earlier - 1 if earlier else None
    number, words = ((value - earlier) * 100, " points") if unit == PERCENT else (None if share is None else share * 100, "%")
    if number is None:
        return "from zero", share
    return (f"{number:+,.1f}{words}" if abs(number) >= 0.05 else "hardly changed"), share
