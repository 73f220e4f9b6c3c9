"""Periods of metrics that something makes stale, until a publication has made them again."""

from __future__ import annotations

from rental_pipeline.model.request_size import divide_texts
from rental_pipeline.warehouse.steps.step import StepRequest, literal

_BYTES = 40_000  # of the metrics' selects that one statement unites


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
