"""What a run did, from the control schema's ledger, and the newest values of every metric: for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from rental_pipeline.definitions.sql_files import read_sql_folder
from rental_pipeline.model.figures_document import Figures
from rental_pipeline.operate.report.changes import Tile, make_tile

ROWS_PER_METRIC = 3
_HEADLINES = 8


@dataclass(frozen=True)
class Hops:
    """What became of one source table's rows in one run.

    Attributes:
        table: The source table.
        read: Rows read from the source.
        in_parquet: Rows in the Parquet files on S3.
        copied: Rows that COPY loaded.
        added: Row versions added to raw (the rest was known already).
        removed: Rows found to be gone from the source.
        curated, rejected: Rows that were judged again, by the verdict; None where nothing had to be.
    """

    table: str
    read: int
    in_parquet: int
    copied: int
    added: int
    removed: int
    curated: int | None
    rejected: int | None


@dataclass(frozen=True)
class Standing:
    """How many rows a source table has in the warehouse now: `curated`, and `rejected` beside it."""

    table: str
    curated: int
    rejected: int


@dataclass(frozen=True)
class MetricValues:
    """The newest period of a metric.

    Attributes:
        metric: Its table in the presentation schema.
        grain: What a row is, from its SQL file.
        columns: Names of the columns.
        rows: The first few rows of the newest period.
    """

    metric: str
    grain: str
    columns: list[str]
    rows: list[list[Any]]


@dataclass(frozen=True)
class Headline:
    """A figure that the report leads with, in words.

    Attributes:
        title: What it is.
        shown: Its value.
        note: Of when it is, and what it was before.
    """

    title: str
    shown: str
    note: str


def make_headlines(figures: Figures, standing: Sequence[Standing]) -> list[Headline]:
    """Return the figures that a report leads with, and the share of the source's rows that are set aside."""
    tiles = [tile for chart in figures.charts if (tile := make_tile(chart, figures.currency))]
    headlines = [Headline(tile.title, tile.shown, _write_note(tile)) for tile in tiles[: _HEADLINES - 1]]
    rejected = sum(table.rejected for table in standing)
    if rows := rejected + sum(table.curated for table in standing):
        note = f"{rejected:,} of {rows:,} rows; the report says why"
        headlines.append(Headline("Set aside", f"{100 * rejected / rows:.1f}%", note))
    return headlines


def _write_note(tile: Tile) -> str:
    before = [f"{change.briefly}: {change.value}" for change in tile.changes[-1:]]  # of last year, where it is known
    return "; ".join([tile.note, *before])


def read_hops(warehouse: psycopg.Connection, marketplace: str, run_sequence: int) -> list[Hops]:
    """Return the hops of a run, in table order."""
    control = sql.Identifier(f"{marketplace}_control")
    query = sql.SQL(
        "select load.table_name, load.rows_read, load.rows_in_parquet, load.rows_copied, load.rows_added, load.rows_removed,"
        " build.rows_accepted, build.rows_rejected"
        " from {control}.table_load as load"
        " left join {control}.curated_build as build"
        " on build.run_sequence = load.run_sequence and build.table_name = load.table_name"
        " where load.run_sequence = %s order by load.table_name"
    ).format(control=control)
    return [Hops(*row) for row in warehouse.execute(query, [run_sequence]).fetchall()]


def read_standing(warehouse: psycopg.Connection, marketplace: str, tables: list[str]) -> list[Standing]:
    """Return how many rows of each curated table are accepted and rejected now."""
    curated = f"{marketplace}_curated"
    rejected: dict[str, int] = dict(
        warehouse.execute(
            sql.SQL("select table_name, count(*) from {} group by table_name").format(sql.Identifier(curated, "rejected_rows"))
        ).fetchall()
    )
    standing = []
    for table in tables:
        ((rows,),) = warehouse.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(curated, table))).fetchall()
        standing.append(Standing(table, rows, rejected.get(table, 0)))
    return standing


def read_metrics(warehouse: psycopg.Connection, marketplace: str, sql_root: Path) -> list[MetricValues]:
    """Return the newest values of every metric that has a file in `<sql_root>/<marketplace>/presentation`."""
    schema = f"{marketplace}_presentation"
    metrics = []
    for name, file in read_sql_folder(sql_root / marketplace / "presentation").items():
        table = sql.Identifier(schema, name)
        # Stays are booked ahead: the newest period that has begun says more than one in the future.
        newest = sql.SQL("select max(period_start) from {table} where period_start <= (select max(as_of) from {control})").format(
            table=table, control=sql.Identifier(f"{marketplace}_control", "run")
        )
        ranks = [column for column in _columns(warehouse, table) if column.endswith("_rank")]
        cursor = warehouse.execute(
            sql.SQL("select * from {table} as metric where period_start = ({newest}) order by {order} limit {limit}").format(
                table=table,
                newest=newest,
                order=sql.SQL(", ").join([*map(sql.Identifier, ranks), sql.Identifier("metric")]),
                limit=sql.Literal(ROWS_PER_METRIC),
            )
        )
        columns = [column.name for column in cursor.description or ()]
        metrics.append(MetricValues(name, file.header.get("grain", ""), columns, [list(row) for row in cursor.fetchall()]))
    return metrics


def read_currency(warehouse: psycopg.Connection, marketplace: str) -> str:
    """Return the currency in which amounts are, by its ISO 4217 code."""
    query = sql.SQL("select currency from {}").format(sql.Identifier(f"{marketplace}_control", "reporting_currency"))
    ((currency,),) = warehouse.execute(query).fetchall()
    return str(currency)


def _columns(warehouse: psycopg.Connection, table: sql.Identifier) -> list[str]:
    description = warehouse.execute(sql.SQL("select * from {} limit 0").format(table)).description
    return [column.name for column in description or ()]


def write_hops(hops: list[Hops]) -> str:
    """Lay the hops out as a table."""
    titles = ["table", "read", "in Parquet", "copied", "added to raw", "removed", "curated", "rejected"]
    return lay_out(titles, [list(asdict(row).values()) for row in hops])


def write_metric(metric: MetricValues) -> str:
    """Lay a metric's newest values out as a table under its name and grain."""
    body = lay_out(metric.columns, metric.rows) if metric.rows else "(no rows)"
    return f"{metric.metric}: {metric.grain}\n{body}"


def lay_out(titles: list[str], rows: list[list[Any]]) -> str:
    """Return aligned columns, numbers to the right."""
    texts = [titles] + [[_write(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(titles))]
    to_right = [bool(rows) and all(isinstance(row[i], int | float | Decimal | None) for row in rows) for i in range(len(titles))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width) for text, width, right in zip(row, widths, to_right, strict=True)
        )
        for row in texts
    ]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _write(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4f}"
    if isinstance(value, Decimal):
        return f"{value:,}"
    return str(value)
