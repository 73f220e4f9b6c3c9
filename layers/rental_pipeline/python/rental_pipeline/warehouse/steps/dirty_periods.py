"""Periods of metrics that something makes stale, until a publication has made them again."""

from __future__ import annotations

from rental_pipeline.model.arrivals import PeriodRange
from rental_pipeline.model.request_size import divide_texts
from rental_pipeline.warehouse.steps.step import Rows, StepRequest, literal

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


def mark_dirty(request: StepRequest, periods: dict[str, str]) -> list[str]:
    """Return the statements that note periods as dirty.

    Args:
        periods: By metric, a select with a column `period_start`.
    """
    selects = [
        # An untyped literal has no type as a column of an inner query (Redshift: "failed to find conversion function").
        f"select cast({literal(metric)} as varchar(127)) as metric, touched_period.period_start from ({select}) as touched_period"
        for metric, select in periods.items()
    ]
    return [
        f"insert into {request.schemas.control}.dirty_period (metric, period_start, run_sequence)"
        f" select distinct metric, period_start, {request.run_sequence} from ({' union all '.join(some)}) as touched_periods"
        " where period_start is not null"
        for some in divide_texts(selects, most_bytes=_BYTES)
    ]
