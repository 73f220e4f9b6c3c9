"""What a marketplace's SQL folder says: curated tables, metrics, checks, charts, and the hashes of their inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial
from typing import TypeVar

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.charts import Chart
from rental_pipeline.definitions.file_shapes import DIRTY, DIRTY_DAYS
from rental_pipeline.definitions.sql_files import SqlFile, hash_texts, strip_statement

_REFERENCE = re.compile(r"^(?P<column>\w+)(?: +as +(?P<curated>\w+))? *-> *(?P<parent>\w+)\.(?P<parent_key>\w+)$")
_JOIN = re.compile(r"^(?:(?P<left>\w+)\.)?(?P<column>\w+) *-> *(?P<table>\w+)\.(?P<to>\w+)$")
# The first day of the period of a day of the calendar. `all` is one period: the whole calendar (sql/control/calendar.sql).
_FIRST_DAY, _LAST_DAY = "cast('2000-01-01' as date)", "cast('2050-12-31' as date)"
_PERIODS = {"day": "calendar_date", "week": "week_start", "month": "month_start", "all": _FIRST_DAY}
_END_OF_ALL = "cast('2051-01-01' as date)"
# Before and behind every period of the calendar.
FIRST_DAY, LAST_DAY = date(1999, 12, 1), date(2051, 1, 31)
# What the engine notes beside curated rows: another version of it needs them built once more.
_ENGINE = "orphans and totals are noted"
# What of a header decides rows. Everything else in it is for readers, or for the checks.
_DECIDES_CURATED = ("source", "input", "key", "references", "joins", "removed", "amount")
_DECIDES_METRIC = ("period", "reads", "lookback")
# A rule of a curated table: a line of words, the condition, and its name before what breaks it.
_RULE = re.compile(r"^ *-- (\S.*)\n *when (?:(?!\bwhen\b)[^;])*?\bthen\s+(?:\w+\.tell_broken\(\s*)?'([a-z_]+): ", re.MULTILINE)
# A text that is NULL where its value is: the row would then break no rule.
_NULL_RULE = re.compile(r"\bthen\s+'([a-z_]+): [^']*'\s*\|\|")

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
class Amount:
    """What a row is worth.

    Attributes:
        amount: A decimal column of the table and of its `judged` rows.
        currency: The same, of a currency's three letters; None: the marketplace's reporting currency.
    """

    amount: str
    currency: str | None = None


@dataclass(frozen=True)
class Reference:
    """A child column that names a row of a parent table: rows are judged again when their parent is there for the first time.

    Attributes:
        column: The child's column in raw.
        parent: The parent, a curated table.
        parent_key: The parent's key column in raw.
        curated_column: The child's column in the curated table.
    """

    column: str
    parent: str
    parent_key: str
    curated_column: str


@dataclass(frozen=True)
class Join:
    """Another raw table that a curated table's rows are made from, too.

    Attributes:
        left: The joined table that leads to it; None: the curated table's own raw table.
        column: Of `left`, in raw.
        table: The raw table.
        to: Its column, in raw, that equals `column`.
    """

    left: str | None
    column: str
    table: str
    to: str


@dataclass(frozen=True)
class CuratedTable:
    """One file of curated/: a table, the raw table it is made from, and its parents."""

    file: SqlFile

    @property
    def name(self) -> str:
        return self.file.name

    @cached_property
    def source(self) -> str:
        """The raw table whose rows are judged."""
        return self.file.header_line("source")

    @cached_property
    def is_derived(self) -> bool:
        """Whether the table is made from all versions of accepted rows and so rejects nothing itself."""
        kind = self.file.header_line("input")
        if kind not in ("newest", "versions"):
            raise FixConfiguration(f"{self.file.path}: input is {kind!r}; it is either newest or versions")
        return kind == "versions"

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The curated columns that hold the raw key, in its order; of an append table, event_day."""
        return tuple(part.strip() for part in self.file.header.get("key", "event_day").split(","))

    @cached_property
    def keeps_removed(self) -> bool:
        """Whether a row that the source deleted keeps its last values here, for the facts that refer to it."""
        text = self.file.header.get("removed", "leave")
        if text not in ("kept", "leave"):
            raise FixConfiguration(f"{self.file.path}: removed is {text!r}; it is kept, or leave (also without the line)")
        return text == "kept"

    @cached_property
    def personal(self) -> frozenset[str]:
        """The columns whose values no message shows, by the header's line `personal`."""
        return frozenset(part.strip() for part in self.file.header.get("personal", "").split(",") if part.strip())

    @cached_property
    def amount(self) -> Amount | None:
        """The columns that say what a row is worth; None where rows carry no money."""
        text = self.file.header.get("amount")
        if text is None:
            return None
        if self.is_derived:
            raise FixConfiguration(f"{self.file.path}: amount is for tables that judge rows; input: versions judges none")
        columns = [part.strip() for part in text.split(",")]
        if len(columns) > 2 or not all(column.isidentifier() for column in columns):
            raise FixConfiguration(
                f"{self.file.path}: amount says {text!r}; write `amount column` or `amount column, currency column`"
            )
        return Amount(*columns)

    @cached_property
    def rules(self) -> dict[str, str]:
        """What breaks each of the table's rules, in words, by the rule's name."""
        judged = self.file.sections.get("judged", "")
        if null := _NULL_RULE.search(judged):
            raise FixConfiguration(
                f"{self.file.path}: the rule {null[1]} joins its value by ||, which is NULL where the value is, and the row would"
                f" be accepted; write <marketplace>_control.tell_broken('{null[1]}: column=', value)"
            )
        return {name: words for words, name in _RULE.findall(judged)}

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        text = self.file.header.get("references", "none")
        if text == "none":
            return ()
        references = []
        for part in text.split(","):
            match = _REFERENCE.match(part.strip())
            if not match:
                raise FixConfiguration(
                    f"{self.file.path}: references says {part.strip()!r}; write `column -> table.column`,"
                    " `column as curated_column -> table.column`, or none"
                )
            column = match["column"]
            references.append(Reference(column, match["parent"], match["parent_key"], match["curated"] or column))
        return tuple(references)

    @cached_property
    def joins(self) -> tuple[Join, ...]:
        """The other raw tables that its rows are made from, each behind the one that leads to it."""
        text = self.file.header.get("joins", "none")
        joins: list[Join] = []
        for part in [] if text == "none" else text.split(","):
            match = _JOIN.match(part.strip())
            if not match:
                raise FixConfiguration(
                    f"{self.file.path}: joins says {part.strip()!r}; write `column -> raw_table.column`, or"
                    " `joined_raw_table.column -> raw_table.column` where another joined table leads to it"
                )
            join = Join(match["left"], match["column"], match["table"], match["to"])
            if join.left and join.left not in [before.table for before in joins]:
                raise FixConfiguration(f"{self.file.path}: joins leads from {join.left}, which no join before it names")
            if join.table in [self.source, *(before.table for before in joins)]:
                raise FixConfiguration(f"{self.file.path}: joins names {join.table} twice, or it is the table's own source")
            joins.append(join)
        if joins and self.is_derived:
            raise FixConfiguration(f"{self.file.path}: joins is for tables that judge rows; input: versions judges none")
        return tuple(joins)


@dataclass(frozen=True)
class Intermediate:
    """One file of intermediate/: what several metrics have in common, made for the dirty periods of each."""

    file: SqlFile

    @property
    def name(self) -> str:
        return self.file.name


@dataclass(frozen=True)
class Metric:
    """One file of presentation/: a table of whole periods.

    Attributes:
        intermediates: The files of intermediate/ that its rows are made from.
    """

    file: SqlFile
    intermediates: tuple[Intermediate, ...] = ()

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def files(self) -> tuple[SqlFile, ...]:
        """Its file, and those of what it is made from."""
        return (self.file, *(each.file for each in self.intermediates))

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every table that its rows are made from, by the headers."""
        return frozenset(name.strip() for file in self.files for name in file.header_line("reads").split(","))

    @cached_property
    def period(self) -> str:
        """day, week, month or all."""
        period = self.file.header_line("period")
        if period not in _PERIODS:
            raise FixConfiguration(f"{self.file.path}: period is {period!r}; it is one of {', '.join(_PERIODS)}")
        return period

    @property
    def period_start(self) -> str:
        """The first day of a period, in SQL over the calendar."""
        return _PERIODS[self.period]

    def start_in(self, calendar: str) -> str:
        """Return the same, over the calendar under another name."""
        return _FIRST_DAY if self.period == "all" else f"{calendar}.{self.period_start}"

    @property
    def period_end(self) -> str:
        """The day after a period, in SQL over its period_start."""
        return _END_OF_ALL if self.period == "all" else f"cast(dateadd({self.period}, 1, period_start) as date)"

    @cached_property
    def unique_key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart; `period_start` among them, or there is one row to a period at most."""
        return tuple(part.strip() for part in self.file.header_line("unique_key").split(","))

    @cached_property
    def lookback(self) -> int:
        """How many days before a period its rows are made from."""
        text = self.file.header.get("lookback", "0 days")
        if not (found := re.fullmatch(r"(\d{1,4}) days", text)):
            raise FixConfiguration(f"{self.file.path}: lookback is {text!r}; write it as `29 days`")
        return int(found[1])

    def cover(self, first: date, last: date) -> tuple[date, date]:
        """Return the first day of the period that holds a day, and the last day of the one that holds another."""
        if self.period == "all":
            return FIRST_DAY, LAST_DAY
        if self.period == "week":
            return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
        if self.period == "month":
            return first.replace(day=1), (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return first, last

    @property
    def depends_on_day(self) -> bool:
        """Whether the rows depend on the day of the run, so that its passing makes periods stale."""
        return any(":as_of" in sql for file in self.files for sql in file.sections.values())

    @cached_property
    def dirty_from(self) -> dict[str, tuple[str, ...]]:
        """The selects of touched periods, by the curated table that touches them.

        `exchange_rate` is among them where a metric converts by the rate of a day outside of its row's period.
        """
        return self._sections(DIRTY)

    @cached_property
    def dirty_days_from(self) -> dict[str, tuple[str, ...]]:
        """The selects of touched days, from `first_day` to `last_day`, by the curated table that touches them."""
        return self._sections(DIRTY_DAYS)

    def select_dirty(self, table: str, control: str) -> str | None:
        """Return the select of the periods (`period_start`) that a change of a curated table touches; None where it touches none.

        Args:
            control: The control schema.
        """
        selects = [
            *self.dirty_from.get(table, ()),
            *map(partial(self._find_periods, control), self.dirty_days_from.get(table, ())),
        ]
        return " union all ".join(f"({sql})" for sql in selects) if len(selects) > 1 else next(iter(selects), None)

    def _find_periods(self, control: str, days: str) -> str:
        """Return the select of the periods that hold a day of these. They are few before the join over a range."""
        return f"""
        select dirty_calendar.period_start
        from (
            select distinct
                {self.start_in("first_calendar")} as first_period,
                {self.start_in("last_calendar")} as last_period
            from ({days}) as dirty_days
            inner join {control}.calendar as first_calendar
                on greatest(dirty_days.first_day, {_FIRST_DAY}) = first_calendar.calendar_date
            inner join {control}.calendar as last_calendar
                on least(dirty_days.last_day, {_LAST_DAY}) = last_calendar.calendar_date
            where dirty_days.first_day <= dirty_days.last_day
        ) as dirty_span
        inner join (select distinct {self.period_start} as period_start from {control}.calendar) as dirty_calendar
            on dirty_calendar.period_start between dirty_span.first_period and dirty_span.last_period
        """

    def _sections(self, prefix: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for file in self.files:
            for name, sql in file.sections.items():
                if name.startswith(prefix):
                    table = name.removeprefix(prefix)
                    found[table] = (*found.get(table, ()), sql)
        return found


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
    """

    name: str
    severity: str
    violations: str
    touched: tuple[str, ...] = ()

    def look_at(self, rows: Mapping[str, str], curated: str) -> Check:
        """Return the check of some rows of the touched tables alone.

        Args:
            rows: By table, the condition on its rows that are looked at; of a table that is not there, none are.
            curated: The schema.
        """
        sql = self.violations
        for table in self.touched:
            condition = rows.get(table, "false")
            if condition != "true":
                some = f"(select * from {curated}.{table} where {condition}) as {table}"
                sql = re.sub(rf"(?<=\bfrom |\bjoin ){curated}\.{table}\b(?!\s+as\b)", some, sql)
        return replace(self, violations=sql)


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

    @property
    def control_hash(self) -> str:
        return hash_texts(*self.control)

    @property
    def files_hash(self) -> str:
        """Hash everything that decides what a run makes."""
        tables: list[CuratedTable | View] = [*self.curated, *self.views]
        files = [table.file.text for table in tables]
        files += [file.text for metric in self.metrics for file in metric.files]
        return hash_texts(*self.control, self.exchange_rates, self.reporting_currency, *files, self.audit_hash)

    @property
    def audit_hash(self) -> str:
        """Hash the checks and the charts: they decide no row, and a new one is looked at, or shown, by the next run."""
        checks = [f"{check.name} {check.severity} {strip_statement(check.violations)}" for check in self.checks]
        charts = [repr(replace(chart, query=strip_statement(chart.query))) for chart in self.charts]
        return hash_texts(*checks, *charts)

    @property
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
