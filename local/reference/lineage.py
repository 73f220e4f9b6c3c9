"""From which columns each column is made: of charts, metrics and curated tables, back to the source, by sqlglot.

What a column is computed from is followed, not what rows are chosen or joined by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.marketplace import Marketplace
from rental_pipeline.definitions.metric import Metric
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder
from rental_pipeline.model.contract import read_contract

DIALECT = "redshift"
_NO_SCHEMA = "of_the_run"  # in the place of the schema of tables that have none, since all of sqlglot's have one or none has


@dataclass(frozen=True, order=True)
class Origin:
    """A column of a table; the table with its schema."""

    table: str
    column: str


Columns = dict[str, frozenset[Origin]]


@dataclass(frozen=True)
class Lineage:
    """The columns of one marketplace's layers, each with those of other tables that it is made from.

    Attributes:
        sql_root: Where its files are.
        marketplace: Its folder's name.
    """

    sql_root: Path
    marketplace: str
    _traced: dict[str, Columns] = field(default_factory=dict)

    @cached_property
    def files(self) -> Marketplace:
        return read_marketplace(self.sql_root, self.marketplace)

    def trace_metric(self, metric: Metric) -> Columns:
        """Return the columns of a metric, from those of curated and control tables."""
        return trace(metric.file.section("rows"), self._tables, self._intermediates)

    @cached_property
    def charts(self) -> dict[str, Columns]:
        """The columns of each chart, from those of metrics and curated tables; views are looked through."""
        return {chart.name: trace(chart.query, self._tables, self._views) for chart in self.files.charts}

    def find_sources(self, origins: frozenset[Origin]) -> frozenset[Origin]:
        """Return the columns of the source that columns of curated tables are made from, and the exchange rate as it is."""
        found: set[Origin] = set()
        for origin in origins:
            schema, _, table = origin.table.rpartition(".")
            if schema == self.files.schemas.curated:
                found |= self._curated_columns(table)[origin.column]
            elif table == "exchange_rate":
                found.add(Origin(table, origin.column))
        return frozenset(found)

    def _curated_columns(self, name: str) -> Columns:
        if name not in self._traced:
            self._traced[name] = self.trace_curated(self.files.curated_table(name))
        return self._traced[name]

    def trace_curated(self, table: CuratedTable) -> Columns:
        """Return the columns of a curated table, from those of the source."""
        source = table.source
        sections = table.file.sections
        inner = {"judged": sections["judged"]} if "judged" in sections else {}
        engines = dict.fromkeys(re.findall(r"\b_[a-z_]+\b", table.file.text), "varchar")  # _row_key, _observed_at, …
        columns = {**self._source_columns[source], **engines}
        read = {"newest": columns, "versions": columns}
        read |= {f"known_{reference.parent}": {reference.parent_key: "varchar"} for reference in table.references}
        found = trace(sections["accepted"], read, inner)
        tables = {"newest": source, "versions": source}
        tables |= {f"known_{each.parent}": self.files.curated_table(each.parent).source for each in table.references}
        # By which the engine dates a version.
        cursor = {"_changed_at": self._cursors.get(source)}
        return {
            name: frozenset(
                Origin(tables[origin.table], column)
                for origin in origins
                if origin.table in tables and (column := cursor.get(origin.column) or origin.column)[0] != "_"
            )
            for name, origins in found.items()
        }

    @cached_property
    def _cursors(self) -> dict[str, str | None]:
        return {name: table.cursor for name, table in read_contract(self.sql_root / self.marketplace / "source.yaml").items()}

    @cached_property
    def _source_columns(self) -> dict[str, dict[str, str]]:
        """The columns of the sample source's tables, which are what the curated files read."""
        folder = self.sql_root / self.marketplace / "source"
        return {path.stem: _read_columns(path.read_text(encoding="utf-8"), "mysql") for path in sorted(folder.glob("*.sql"))}

    @cached_property
    def _intermediates(self) -> dict[str, str]:
        return {name: file.section("rows") for name, file in self._intermediate_files.items()}

    @cached_property
    def _intermediate_files(self) -> dict[str, SqlFile]:
        return read_sql_folder(self.sql_root / self.marketplace / "intermediate")

    @cached_property
    def _views(self) -> dict[str, str]:
        """What each view selects, by its whole name."""
        presentation = self.files.schemas.presentation
        found = {}
        for view in self.files.views:
            created = sqlglot.parse_one(view.file.section("view"), dialect=DIALECT)
            found[f"{presentation}.{view.name}"] = created.expression.sql(dialect=DIALECT)
        return found

    @cached_property
    def _tables(self) -> dict[str, dict[str, str]]:
        """The columns of curated and presentation tables and of those of the engine, by whole name."""
        schemas = self.files.schemas
        found = {f"{schemas.curated}.{table.name}": _read_columns(table.file.section("table")) for table in self.files.curated}
        found |= {
            f"{schemas.presentation}.{metric.name}": _read_columns(metric.file.section("table")) for metric in self.files.metrics
        }
        found |= {
            f"{schemas.staging}.{name}": _read_columns(file.section("table"))
            for name, file in self._intermediate_files.items()
            if "table" in file.sections
        }
        for file in read_sql_folder(self.sql_root / "control").values():
            for statement in file.sections.values():
                if created := re.search(r"^create table if not exists (\w+) \(", statement, re.MULTILINE):
                    found[f"{schemas.control}.{created[1]}"] = _read_columns(statement)
        return found | {
            "dirty_period": {"period_start": "date", "period_end": "date"},
            "dirty_day": {"calendar_date": "date", "period_start": "date"},
        }


def trace(query: str, tables: dict[str, dict[str, str]], queries: dict[str, str]) -> Columns:
    """Return, for each column of a query, the columns of tables that it is computed from.

    Args:
        tables: Type by column of each table that it reads, by the name that it is read by.
        queries: Queries in the place of some tables: they are looked through.
    """
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for name, columns in tables.items():
        folder, _, table = name.rpartition(".")
        schema.setdefault(folder or _NO_SCHEMA, {})[table] = columns
    inner: dict[str, Any] = {name: sqlglot.parse_one(text, dialect=DIALECT) for name, text in queries.items()}
    whole = exp.expand(sqlglot.parse_one(query, dialect=DIALECT), inner, dialect=DIALECT)
    for read in whole.find_all(exp.Table):
        if not read.db and read.name in tables:
            read.set("db", exp.to_identifier(_NO_SCHEMA))
    nodes = lineage(None, whole, cast(Any, schema), dialect=DIALECT)
    return {name: frozenset(_find_origins(node)) for name, node in nodes.items()}


def _find_origins(node: Node) -> Iterator[Origin]:
    for each in node.walk():
        if isinstance(each.expression, exp.Table):
            table = each.expression
            schema = "" if table.db == _NO_SCHEMA else f"{table.db}."
            yield Origin(f"{schema}{table.name}", each.name.rpartition(".")[2])


def _read_columns(statement: str, dialect: str = DIALECT) -> dict[str, str]:
    """Return the type of each column of a CREATE TABLE."""
    created = sqlglot.parse_one(statement, dialect=dialect)
    return {column.name: column.args["kind"].sql(dialect=DIALECT) for column in created.find_all(exp.ColumnDef)}
