"""Periods of metrics that something makes stale, until a publication has made them again."""

from __future__ import annotations

from collections.abc import Iterable

from rental_pipeline.definitions.file_shapes import list_read
from rental_pipeline.definitions.metric import Metric, find_periods, select_numbers
from rental_pipeline.model.arrivals import PeriodRange
from rental_pipeline.model.request_size import divide_texts
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.step import Rows, StepRequest

_BYTES = 40_000  # of the metrics' selects that one statement unites


def select_dirty_ranges(request: StepRequest) -> str:
    """Return the select of what is dirty, a row per metric: how many periods, the first and the last."""
    first, last = (f"to_char({edge}(period_start), 'YYYY-MM-DD')" for edge in ("min", "max"))
    return (
        f"select metric, count(*) as dirty_periods, {first} as first_period, {last} as last_period"
        f" from {request.schemas.control}.dirty_period group by metric order by metric"
    )


def read_dirty_ranges(rows: Rows) -> dict[str, PeriodRange]:
    """Return what the select found, by metric."""
    return {row["metric"]: PeriodRange(row["first_period"], row["last_period"]) for row in rows}


def mark_dirty(
    request: StepRequest, table: str, metrics: Iterable[Metric], days: str | None = None, is_made_anew: bool = False
) -> list[str]:
    """Return the statements that note which periods of some metrics a change of a table touches, by the metrics' own selects.

    Args:
        table: A curated table, or `exchange_rate`.
        days: The select of touched days (`first_day`, `last_day`) for metrics that have none for the table; None: for those
            nothing is touched.
        is_made_anew: Whether it is not known what the table held when the metrics were published.
    """
    control, selects = request.schemas.control, []
    by_period: dict[str, dict[str, list[str]]] = {}
    for metric in metrics:
        own, own_days = metric.dirty_from.get(table, ()), metric.dirty_days_from.get(table, ())
        # An untyped literal has no type as a column of an inner query (Redshift: "failed to find conversion function").
        selects += [
            f"select {_name(metric.name)} as metric, touched_period.period_start"
            f" from ({_select_periods(request, metric, sql, is_made_anew)}) as touched_period"
            for sql in own
        ]
        for sql in own_days or (() if own or days is None else (days,)):
            by_period.setdefault(metric.period, {}).setdefault(sql, []).append(metric.name)
    for period, metrics_of in by_period.items():
        touched = [_select_days(sql, names) for sql, names in metrics_of.items()]
        selects += [find_periods(period, " union all ".join(some)) for some in divide_texts(touched, most_bytes=_BYTES)]
    numbers = f" with _rp_number as ({select_numbers(control)})" if by_period else ""
    return [
        f"insert into {control}.dirty_period (metric, period_start, run_sequence){numbers}"
        f" select distinct metric, period_start, {request.run_sequence} from ({' union all '.join(some)}) as touched_periods"
        " where period_start is not null"
        for some in divide_texts(selects, most_bytes=_BYTES)
    ]


def _select_periods(request: StepRequest, metric: Metric, sql: str, is_made_anew: bool) -> str:
    """Return a metric's own select of touched periods; or of all, where it looks for what a row was published as and that cannot
    be told."""
    if metric.name not in list_read(sql, request.schemas.presentation):
        return sql
    definition = request.marketplace.definition_hash(metric.file)
    if not is_made_anew and request.ledger.is_defined_as("presentation", metric.name, definition):
        return sql
    return f"select {metric.period_start} as period_start from {request.schemas.control}.calendar"


def _select_days(days: str, metrics: list[str]) -> str:
    """Return the select of touched days for each of some metrics, which have it in common: it is read once."""
    of_metrics = " union all ".join(f"select {_name(metric)} as metric" for metric in metrics)
    return (
        f"select of_metric.metric, touched_day.first_day, touched_day.last_day from ({days}) as touched_day"
        f" cross join ({of_metrics}) as of_metric"
    )


def _name(metric: str) -> str:
    return f"cast({literal(metric)} as varchar(127))"
