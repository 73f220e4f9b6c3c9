"""Which tables of the warehouse the lake shows, under which names, and what of each is unloaded again when rows change.

A table with a `lake: by month of <date column>` line in its header (or `by year of`, where rows are few) is unloaded in such
parts, and only those with changed rows again; the others are unloaded whole. Metrics without the line are cut by the year of
`period_start`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.marketplace import Marketplace
from rental_pipeline.definitions.metric import Metric
from rental_pipeline.definitions.sql_files import SqlFile, hash_texts, strip_statement

LAYER = "lake"  # of layer_position
EXCHANGE_RATE = "control_exchange_rate"
_DIVISION = re.compile(r"by (?P<unit>year|month) of (?P<column>\w+)")


@dataclass(frozen=True)
class Division:
    """How a table's files are divided.

    Attributes:
        unit: year or month.
        column: The date column by which.
    """

    unit: str
    column: str

    def number(self, column: str = "") -> str:
        """Return the expression of the part in which the lake keeps a row: 2026, or 202611; 0 where it has no date.

        Args:
            column: The date, where it is another column than the table's own.
        """
        day = column or self.column
        year = f"extract(year from {day})"
        return f"coalesce({year if self.unit == 'year' else f'{year} * 100 + extract(month from {day})'}, 0)"


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake that is unloaded from the warehouse.

    Attributes:
        layer: curated, presentation or control.
        table: Its name in the warehouse.
        schema: The warehouse's schema.
        division: How its files are divided; None where they are not.
        sources: The raw tables that it is made of.
        definition_hash: Of its columns and its division: where it changes, the whole table is unloaded again.
    """

    layer: str
    table: str
    schema: str
    division: Division | None
    sources: frozenset[str]
    definition_hash: str

    @property
    def name(self) -> str:
        """Its name in the Glue database and in the ledger."""
        return lake_name(self.layer, self.table)

    @property
    def relation(self) -> str:
        return f"{self.schema}.{self.table}"


def lake_name(layer: str, table: str) -> str:
    """Return the name of a layer's table in the lake."""
    return f"{layer}_{table}"


def list_lake_tables(marketplace: Marketplace) -> list[LakeTable]:
    """Return the tables that are unloaded: curated, presentation, and the exchange rates that queries convert money with."""
    schemas = marketplace.schemas
    curated = [
        _lake_table("curated", schemas.curated, table.file, division_of(table), marketplace.sources(table))
        for table in marketplace.curated
    ]
    metrics = [
        _lake_table("presentation", schemas.presentation, metric.file, division_of(metric), marketplace.metric_sources(metric))
        for metric in marketplace.metrics
    ]
    shape = hash_texts(strip_statement(marketplace.exchange_rate_table))
    rates = LakeTable("control", "exchange_rate", schemas.control, None, frozenset(), shape)
    return [*curated, *metrics, rates]


def division_of(table: CuratedTable | Metric) -> Division | None:
    """Return how a table is divided in the lake.

    Raises:
        FixConfiguration: the header's `lake` line is neither `by month of <column>` nor `by year of <column>`.
    """
    is_metric = isinstance(table, Metric)
    text = table.file.header.get("lake", "by year of period_start" if is_metric else None)
    if text is None:
        return None
    match = _DIVISION.fullmatch(text)
    if not match or (is_metric and match["column"] != "period_start"):
        column = "period_start" if is_metric else "<date column>"
        raise FixConfiguration(
            f"{table.name}.sql: lake says {text!r}; write `by month of {column}` or `by year of {column}`, or leave the line out"
        )
    return Division(match["unit"], match["column"])


def mark_parts(control: str, name: str, run_sequence: int, rows: str, division: Division | None = None, column: str = "") -> str:
    """Return the statement that notes which parts of a lake table some rows make stale (0: it is not divided).

    Args:
        column: As of `Division.number`.
    """
    part = f"cast({division.number(column)} as bigint)" if division else "0"
    return (
        f"insert into {control}.lake_stale_year (table_name, stale_year, run_sequence)"
        f" select distinct cast('{name}' as varchar(255)), {part}, {run_sequence} from {rows}"
    )


def _lake_table(layer: str, schema: str, file: SqlFile, division: Division | None, sources: frozenset[str]) -> LakeTable:
    divided = f"{division.unit} {division.column}" if division else ""
    shape = hash_texts(strip_statement(file.section("table")), divided)
    return LakeTable(layer, file.name, schema, division, sources, shape)
