"""Which tables of the warehouse the lake shows, under which names, and what of each is unloaded again when rows change.

A table with a `lake: by year of <date column>` line in its header is unloaded by calendar year, and only the years with changed
rows again; the others are unloaded whole. Metrics are always cut by the year of `period_start`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.marketplace import CuratedTable, Marketplace, Metric
from rental_pipeline.definitions.sql_files import SqlFile, hash_texts, strip_statement

LAYER = "lake"  # of layer_position
EXCHANGE_RATE = "control_exchange_rate"
_BY_YEAR = re.compile(r"by year of (\w+)")


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake that is unloaded from the warehouse.

    Attributes:
        layer: curated, presentation or control.
        table: Its name in the warehouse.
        schema: The warehouse's schema.
        year_of: The date column by whose year its files are divided; None where they are not.
        sources: The raw tables that it is made of.
        definition_hash: Of its columns and its division: where it changes, the whole table is unloaded again.
    """

    layer: str
    table: str
    schema: str
    year_of: str | None
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
        _lake_table("curated", schemas.curated, table.file, year_of(table), marketplace.sources(table))
        for table in marketplace.curated
    ]
    metrics = [
        _lake_table("presentation", schemas.presentation, metric.file, year_of(metric), marketplace.metric_sources(metric))
        for metric in marketplace.metrics
    ]
    shape = hash_texts(strip_statement(marketplace.exchange_rate_table))
    rates = LakeTable("control", "exchange_rate", schemas.control, None, frozenset(), shape)
    return [*curated, *metrics, rates]


def year_of(table: CuratedTable | Metric) -> str | None:
    """Return the date column by whose year a table is divided in the lake.

    Raises:
        FixConfiguration: the header's `lake` line is not `by year of <column>`.
    """
    if isinstance(table, Metric):
        return "period_start"
    text = table.file.header.get("lake")
    if text is None:
        return None
    match = _BY_YEAR.fullmatch(text)
    if not match:
        raise FixConfiguration(f"{table.name}.sql: lake says {text!r}; write `by year of <date column>`, or leave the line out")
    return match[1]


def mark_years(control: str, name: str, run_sequence: int, rows: str, date_column: str | None) -> str:
    """Return the statement that notes which years of a lake table some rows make stale (0: it is not divided by year)."""
    year = f"cast({select_year(date_column)} as bigint)" if date_column else "0"
    return (
        f"insert into {control}.lake_stale_year (table_name, stale_year, run_sequence)"
        f" select distinct cast('{name}' as varchar(255)), {year}, {run_sequence} from {rows}"
    )


def select_year(date_column: str) -> str:
    """Return the expression of the year under which the lake keeps a row: 0 where it has no date."""
    return f"coalesce(extract(year from {date_column}), 0)"


def _lake_table(layer: str, schema: str, file: SqlFile, column: str | None, sources: frozenset[str]) -> LakeTable:
    return LakeTable(layer, file.name, schema, column, sources, hash_texts(strip_statement(file.section("table")), column or ""))
