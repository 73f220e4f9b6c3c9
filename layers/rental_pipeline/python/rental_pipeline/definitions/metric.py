"""One metric, as its file in presentation/ says it: its periods, its key, what it reads, and what makes a period dirty."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.file_shapes import DIRTY, DIRTY_DAYS, read_days
from rental_pipeline.definitions.sql_files import SqlFile

# The first day of the period of a day of the calendar. `all` is one period: the whole calendar (sql/control/calendar.sql).
_FIRST_DAY, _LAST_DAY = "cast('2000-01-01' as date)", "cast('2050-12-31' as date)"
_PERIODS = {"day": "calendar_date", "week": "week_start", "month": "month_start", "all": _FIRST_DAY}
# How many periods a span has beside its first, and the one that comes n after it.
_COUNTED = {
    "day": ("last_period - first_period", "first_period + {n}"),
    "week": ("(last_period - first_period) / 7", "first_period + 7 * {n}"),
    "month": ("datediff(month, first_period, last_period)", "cast(dateadd(month, {n}, first_period) as date)"),
}
_NUMBERS = 137  # whose square is more than the days of the calendar
_END_OF_ALL = "cast('2051-01-01' as date)"
# Before and behind every period of the calendar.
FIRST_DAY, LAST_DAY = date(1999, 12, 1), date(2051, 1, 31)


# Temporary tables that the engine makes of a metric's dirty periods.
PERIOD_TABLES = ("dirty_period", "dirty_day")


@dataclass(frozen=True)
class Intermediate:
    """One file of intermediate/: what several metrics, or checks, have in common."""

    file: SqlFile

    @property
    def name(self) -> str:
        return self.file.name

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every table that its rows are made from, by the header."""
        return read_names(self.file)

    @property
    def is_shared(self) -> bool:
        """Whether it is made once, between the first and the last day of all metrics that are made together; one that reads
        dirty periods is made for those of each."""
        return self.reads.isdisjoint(PERIOD_TABLES)

    @property
    def is_kept(self) -> bool:
        """Whether some of its rows stay in a table of the staging schema, which the next run reads in the place of history."""
        return "kept_by" in self.file.header

    @property
    def kept_by(self) -> str:
        """The column of days of a kept table: a run replaces what is from its first day on."""
        return self.file.header_line("kept_by")


@dataclass(frozen=True)
class Metric:
    """One file of presentation/: a table of whole periods.

    Attributes:
        intermediates: The files of intermediate/ that its rows are made from; those that others of them read come first.
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
        return frozenset[str]().union(*map(read_names, self.files))

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
        return read_days(self.file, "lookback") if "lookback" in self.file.header else 0

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

    def _sections(self, prefix: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for file in self.files:
            for name, sql in file.sections.items():
                if name.startswith(prefix):
                    table = name.removeprefix(prefix)
                    found[table] = (*found.get(table, ()), sql)
        return found


def read_names(file: SqlFile) -> frozenset[str]:
    """Return the tables of the header's `reads`."""
    return frozenset(name.strip() for name in file.header_line("reads").split(","))


def fill_in_days(sql: str, first: date, last: date) -> str:
    """Write the days between which a statement reads as literals, in the place of `:first_day` and `:last_day`."""
    for name, day in (("first_day", first), ("last_day", last)):
        sql = re.sub(rf"(?<!:):{name}\b", f"'{day.isoformat()}'", sql)
    return sql


def find_periods(period: str, days: str) -> str:
    """Return the select of the periods (`metric`, `period_start`) of one length that hold a touched day.

    Args:
        period: As a metric's.
        days: A select of `metric`, `first_day` and `last_day`; a span that ends before it begins touches nothing.

    It reads `_rp_number`, which `select_numbers` makes: a span's periods are counted from its first one on.
    """
    if period == "all":
        return f"select distinct metric, {_FIRST_DAY} as period_start from ({days}) as dirty_days where first_day <= last_day"
    first, last = f"greatest(dirty_days.first_day, {_FIRST_DAY})", f"least(dirty_days.last_day, {_LAST_DAY})"
    more, nth = _COUNTED[period]
    # A join over a range compares every row with every other. In two steps these are few, as most spans are short.
    return f"""
        select dirty_part.metric, {nth.format(n=f"({_NUMBERS} * dirty_part.n + _rp_number.n)")} as period_start
        from (
            select dirty_span.*, _rp_number.n
            from (
                select dirty_ends.*, {more} as more_periods
                from (
                    select distinct
                        dirty_days.metric,
                        cast(date_trunc('{period}', {first}) as date) as first_period,
                        cast(date_trunc('{period}', {last}) as date) as last_period
                    from ({days}) as dirty_days
                    where dirty_days.first_day <= dirty_days.last_day
                        and dirty_days.first_day <= {_LAST_DAY}
                        and dirty_days.last_day >= {_FIRST_DAY}
                ) as dirty_ends
            ) as dirty_span
            inner join _rp_number on {_NUMBERS} * _rp_number.n <= dirty_span.more_periods
        ) as dirty_part
        inner join _rp_number on {_NUMBERS} * dirty_part.n + _rp_number.n <= dirty_part.more_periods
        """


def select_numbers(control: str) -> str:
    """Return the select of the numbers `n` from 0 on that `find_periods` counts by, which the first days of the calendar lend."""
    until = date(2000, 1, 1) + timedelta(days=_NUMBERS)
    return (
        f"select calendar_date - {_FIRST_DAY} as n from {control}.calendar"
        f" where calendar_date < cast('{until.isoformat()}' as date)"
    )
