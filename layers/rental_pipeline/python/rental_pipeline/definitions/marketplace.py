"""What a marketplace's SQL folder says: curated tables, metrics, views, checks, charts, and the hashes of their inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.charts import Chart
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.metric import Intermediate, Metric
from rental_pipeline.definitions.sql_files import SqlFile, hash_texts, strip_statement

# What the engine notes beside curated rows: another version of it needs them built once more.
_ENGINE = "orphans and totals are noted"
# What of a header decides rows. Everything else in it is for readers, or for the checks.
_DECIDES_CURATED = ("source", "input", "key", "references", "joins", "removed", "amount")
_DECIDES_METRIC = ("period", "reads", "lookback", "kept_by")
Table = TypeVar("Table", "CuratedTable", "Metric")


@dataclass(frozen=True)
class Schemas:
    """The five schemas of one marketplace in the warehouse."""

    marketplace: str

    @property
    def control(self) -> str:
        return f"{self.marketplace}_control"

    @property
    def raw(self) -> str:
        return f"{self.marketplace}_raw"

    @property
    def curated(self) -> str:
        return f"{self.marketplace}_curated"

    @property
    def staging(self) -> str:
        return f"{self.marketplace}_staging"

    @property
    def presentation(self) -> str:
        return f"{self.marketplace}_presentation"

    @property
    def all(self) -> tuple[str, ...]:
        return self.control, self.raw, self.curated, self.staging, self.presentation


@dataclass(frozen=True)
class View:
    """One file of views/: a view in the presentation schema, for analysts."""

    file: SqlFile

    @property
    def name(self) -> str:
        return self.file.name

    @cached_property
    def reads(self) -> frozenset[str]:
        """The tables it is bound to, with their schemas."""
        return frozenset(name.strip() for name in self.file.header_line("reads").split(","))


@dataclass(frozen=True)
class Check:
    """One file of checks/: a select of the rows that break it.

    Attributes:
        touched: Curated tables of which a run has to look only at rows that it touched: each of them breaks the check by itself.
        intermediates: The files of intermediate/ that it reads.
    """

    name: str
    severity: str
    violations: str
    touched: tuple[str, ...] = ()
    intermediates: tuple[Intermediate, ...] = ()

    @property
    def statements(self) -> tuple[str, ...]:
        """Its own one, and those of what it is made from."""
        return (self.violations, *(each.file.section("rows") for each in self.intermediates))

    def look_at(self, rows: Mapping[str, str], curated: str) -> Check:
        """Return the check of some rows of the touched tables alone.

        Args:
            rows: By table, the condition on its rows that are looked at; of a table that is not there, none are.
            curated: The schema.
        """
        # What is joined is looked at whole as soon as one of its tables is.
        is_whole = any(rows.get(table) == "true" for table in self.touched)
        sql = self.violations
        for table in self.touched:
            condition = "true" if is_whole else rows.get(table, "false")
            if condition != "true":
                some = select_some(curated, table, condition)
                sql = re.sub(rf"(?<=\bfrom |\bjoin ){curated}\.{table}\b(?!\s+as\b)", some.replace("\\", r"\\"), sql)
        return replace(self, violations=sql)


def select_some(schema: str, table: str, condition: str) -> str:
    """Return what a check reads in the place of a table of which it looks at some rows alone."""
    return f"(select * from {schema}.{table} where {condition}) as {table}"


@dataclass(frozen=True)
class Marketplace:
    """All SQL of one marketplace, as read from the SQL layer.

    Attributes:
        control: The statements that set the control schema up, in order.
        functions: A hash of the statements on which rows depend: functions and calendar.
        exchange_rate_table: The definition of the control table of rates.
        exchange_rates: The text of exchange_rates.csv; empty where there is no such file.
        reporting_currency: The currency in which the figures are, by its ISO 4217 code.
        curated: In build order, parents first.
        charts: Of the report, in their order.
    """

    schemas: Schemas
    control: tuple[str, ...]
    functions: str
    exchange_rate_table: str
    exchange_rates: str
    reporting_currency: str
    curated: tuple[CuratedTable, ...]
    metrics: tuple[Metric, ...]
    checks: tuple[Check, ...]
    views: tuple[View, ...]
    charts: tuple[Chart, ...]

    def curated_table(self, name: str) -> CuratedTable:
        """Return the curated table of a name; raise FixConfiguration where there is none."""
        return _find("curated", name, self.curated)

    def metric(self, name: str) -> Metric:
        """Return the metric of a name; raise FixConfiguration where there is none."""
        return _find("presentation", name, self.metrics)

    def sources(self, table: CuratedTable) -> frozenset[str]:
        """Return the raw tables by which a curated table's rows are judged: its own, its parents', and those that it joins."""
        parents = (self.curated_table(reference.parent).source for reference in table.references)
        return frozenset({table.source, *parents, *(join.table for join in table.joins)})

    def personal_columns(self, table: CuratedTable) -> frozenset[str]:
        """Return the columns, of the table and of raw, whose values no message about it shows.

        They are those of the header, and those that refer to a table whose key is personal.
        """
        referring = [
            reference
            for reference in table.references
            if reference.curated_column in table.personal
            or not self.curated_table(reference.parent).personal.isdisjoint(self.curated_table(reference.parent).key)
        ]
        return table.personal.union(*((each.column, each.curated_column) for each in referring))

    def metric_sources(self, metric: Metric) -> frozenset[str]:
        """Return the raw tables that a metric is made of."""
        return frozenset[str]().union(*(self.sources(table) for table in self._inputs(metric)))

    @cached_property
    def control_hash(self) -> str:
        return hash_texts(*self.control)

    @cached_property
    def files_hash(self) -> str:
        """Hash everything that decides what a run makes."""
        tables: list[CuratedTable | View] = [*self.curated, *self.views]
        files = [table.file.text for table in tables]
        files += [file.text for metric in self.metrics for file in metric.files]
        return hash_texts(*self.control, self.exchange_rates, self.reporting_currency, *files, self.audit_hash)

    @cached_property
    def audit_hash(self) -> str:
        """Hash the checks and the charts: they decide no row, and a new one is looked at, or shown, by the next run."""
        checks = [" ".join([check.name, check.severity, *map(strip_statement, check.statements)]) for check in self.checks]
        # A set has another order in every process.
        charts = [
            f"{replace(chart, query=strip_statement(chart.query), reads=frozenset())!r} {sorted(chart.reads)}"
            for chart in self.charts
        ]
        return hash_texts(*checks, *charts)

    @cached_property
    def exchange_rate_hash(self) -> str:
        return hash_texts(self.exchange_rates, self.reporting_currency)

    def curated_hash(self, table: CuratedTable) -> str:
        """Hash what decides the table's rows besides raw: its file, functions and calendar."""
        return hash_texts(table.file.hash_meaning(*_DECIDES_CURATED), self.functions, _ENGINE)

    def metric_hash(self, metric: Metric) -> str:
        """Hash what decides the metric's rows besides curated rows and rates: its file, the shape of what it reads, functions,
        the currency that it converts into.

        Rates are compared by value when they are replaced (rental_pipeline.warehouse.steps.rates).
        """
        shapes = [self.definition_hash(table.file) for table in self._inputs(metric)]
        currency = [self.reporting_currency] if self.is_converted(metric) else []
        files = (file.hash_meaning(*_DECIDES_METRIC) for file in metric.files)
        return hash_texts(*files, self.functions, *shapes, *currency)

    def is_converted(self, metric: Metric) -> bool:
        """Whether a metric reads the exchange rates."""
        return f"{self.schemas.control}.exchange_rate" in metric.reads

    def _inputs(self, metric: Metric) -> list[CuratedTable]:
        return [table for table in self.curated if f"{self.schemas.curated}.{table.name}" in metric.reads]

    def tables_of(self, view: View) -> list[CuratedTable | Metric]:
        """Return the tables that a view is bound to."""
        tables: list[tuple[str, CuratedTable | Metric]] = [(self.schemas.curated, table) for table in self.curated]
        tables += [(self.schemas.presentation, metric) for metric in self.metrics]
        return [table for schema, table in tables if f"{schema}.{table.name}" in view.reads]

    def view_hash(self, view: View) -> str:
        """Hash the view and the definitions of its tables: where one of them is made again, so is the view."""
        return hash_texts(view.file.hash_meaning(), *(self.definition_hash(table.file) for table in self.tables_of(view)))

    @staticmethod
    def definition_hash(file: SqlFile) -> str:
        """Hash the table's definition, so that a changed one is created again."""
        return hash_texts(strip_statement(file.section("table")))


def _find(folder: str, name: str, tables: Sequence[Table]) -> Table:
    found = next((table for table in tables if table.name == name), None)
    if found is None:
        raise FixConfiguration(
            f"there is no {folder}/{name}.sql; there is: {', '.join(table.name for table in tables) or 'none'}"
        )
    return found
