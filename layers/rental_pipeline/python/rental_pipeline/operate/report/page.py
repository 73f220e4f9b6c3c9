"""The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from rental_pipeline.definitions.charts import LINE, RANKING, UNTIL
from rental_pipeline.definitions.units import DAY, MONEY, MONTH, PERIODS, TEXT, WEEK
from rental_pipeline.model.figures_document import DrawnChart, Figures, Row
from rental_pipeline.operate.report.axis import choose_ticks
from rental_pipeline.operate.report.changes import choose_leading, make_tile
from rental_pipeline.operate.report.drawing import draw
from rental_pipeline.operate.report.values import UNKNOWN, write_moment, write_period, write_until, write_value
from rental_pipeline.warehouse.cost import add_up, read_prices

_FOLDER = Path(__file__).parent
_HEADLINES = 8  # more than these nobody takes in; the charts have the others
# When the newest period of a chart began so long before the day of the run, what it is about has come to an end.
_LONG = {DAY: timedelta(days=14), WEEK: timedelta(days=28), MONTH: timedelta(days=62)}


@dataclass(frozen=True, kw_only=True)
class ShownChart(DrawnChart):
    """A chart with what the page says of its rows.

    Attributes:
        most: Of what is drawn; None where nothing is known.
        is_cut: Whether its axis begins above zero.
        unknown_rows: In how many rows it is not known.
        until: What the rows reach, in words.
        is_over: Whether that is long before the day of the run.
    """

    most: float | None
    is_cut: bool
    unknown_rows: int
    until: str | None
    is_over: bool


def render_page(figures: Figures) -> str:
    """Return the page about a run.

    Args:
        figures: `figures.json` (docs/architecture.md, "Objects on S3"). Its texts may hold anything: the template escapes them.
    """
    currency = figures.currency
    (run,), (published,) = figures.run, figures.published
    used, with_glue = add_up(figures.costs)
    charts = [_complete(chart, published["as_of"], currency) for chart in figures.charts]
    over = {chart.name for chart in charts if chart.is_over}
    tiles = [tile for chart in figures.charts if (tile := make_tile(chart, currency))]
    return _read_template(currency).render(
        marketplace=figures.marketplace,
        run=run,
        published=published,
        as_of=published["as_of"] and write_period(date.fromisoformat(published["as_of"]), "day"),
        data_until=min((row["watermark"] for row in figures.watermarks if row["watermark"]), default=None),
        watermarks=figures.watermarks,
        charts=charts,
        currency=currency if any(column.unit == MONEY for chart in figures.charts for column in chart.columns) else None,
        tiles=tiles[:_HEADLINES],
        leading=choose_leading([tile for tile in tiles if tile.name not in over]),
        quality=_measure_quality(figures.accepted, figures.rejected, figures.rules),
        set_aside=figures.set_aside,
        unreadable=figures.unreadable,
        warnings=figures.warnings,
        hops=_join_hops(figures.loads, figures.builds),
        metrics=figures.metrics,
        costs=figures.costs,
        used=used,
        with_glue=with_glue,
        prices=read_prices(),
    )


@cache
def _read_template(currency: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"value": partial(write_value, currency=currency), "moment": write_moment, "words": _write_words}
    environment.globals |= {"draw": partial(draw, currency=currency), "numeric": _is_numeric, "worth": _write_worth}
    return environment.get_template("page.html")


def _write_worth(amount: str | None, currency: str) -> str:
    """Write an amount to the cent, in a currency of its own."""
    return UNKNOWN if amount is None else f"{float(amount):,.2f} {currency}"


def _write_words(name: str) -> str:
    """Write a name of the database as words."""
    return name.replace("_", " ")


def _is_numeric(unit: str) -> bool:
    return unit != TEXT and unit not in PERIODS


def _complete(chart: DrawnChart, as_of: str | None, currency: str) -> ShownChart:
    """Return a chart with what the page says of its rows."""
    drawn = [row[chart.drawn] for row in chart.rows]
    known = [float(value) for value in drawn if value is not None]
    *_, last = chart.rows or ({},)
    time = chart.columns[0] if chart.kind != RANKING else chart.find_column(UNTIL)
    until = last.get(time.name) if time else None
    reached = date.fromisoformat(until) if until else None
    declared = {
        **{field.name: getattr(chart, field.name) for field in fields(DrawnChart)},
        "columns": tuple(column for column in chart.columns if column.name != UNTIL),
    }
    return ShownChart(
        **declared,
        is_cut=bool(known)
        and chart.kind == LINE
        and choose_ticks(known, chart.drawn_column.unit, currency, from_zero=False)[0] > 0,
        most=max(known, default=None),
        unknown_rows=len(drawn) - len(known),
        until=write_until(reached, time.unit) if reached and time else None,
        is_over=bool(
            reached and time and as_of and date.fromisoformat(as_of) - reached > _LONG[time.unit] + timedelta(days=chart.matures)
        ),
    )


def _measure_quality(accepted: Sequence[Row], rejected: Sequence[Row], rules: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Return rows and rejected rows of each table, with the meaning of each broken rule and its share in the table's rows."""
    tables = []
    for table in accepted:
        broken = [row for row in rejected if row["table_name"] == table["table_name"]]
        count = sum(row["rejected_rows"] for row in broken)
        total = table["accepted_rows"] + count
        means = rules[table["table_name"]]
        shares = [{**row, "share": row["rejected_rows"] / total, "means": means.get(row["broken_rule"], "")} for row in broken]
        share = count / total if total else None
        tables.append({**table, "total_rows": total, "rejected_rows": count, "share": share, "rules": shares})
    return tables


def _join_hops(loads: Sequence[Row], builds: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each table's rows on their way through the run; None where the table took no such step."""
    by_table: dict[str, dict[str, Any]] = {}
    for row in (*loads, *builds):
        by_table.setdefault(row["table_name"], {}).update(row)
    steps = ("rows_read", "rows_in_parquet", "rows_copied", "rows_added", "rows_removed", "rows_accepted", "rows_rejected")
    return [{"table_name": name, **{step: row.get(step) for step in steps}} for name, row in sorted(by_table.items())]
