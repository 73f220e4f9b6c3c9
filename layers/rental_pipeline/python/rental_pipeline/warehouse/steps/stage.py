"""Stage: rebuild the dirty periods of each metric in the staging schema, where the checks look at them."""

from __future__ import annotations

from datetime import date, timedelta

from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, Metric, fill_in_days
from rental_pipeline.warehouse.steps.step import Step, StepRequest, literal

_DIRTY_DAY = "dirty_day"


def compose_stage(request: StepRequest) -> Step:
    """Compose the staging of all metrics, a transaction for each that has stale periods. Repeating it computes the same again."""
    metrics = request.marketplace.metrics
    submissions = [
        request.write(*_stage(request, metric), once=False, label=metric.name) for metric in metrics if is_stale(request, metric)
    ]
    if fresh := [sql for metric in metrics if not is_stale(request, metric) for sql in _stage_nothing(request, metric)]:
        submissions += request.write_all(*fresh, once=False, label="nothing-stale")
    return Step(request.statement_name, tuple(submissions))


def is_stale(request: StepRequest, metric: Metric) -> bool:
    """Whether a period of the metric is staged."""
    first, last = find_staged_days(request, metric)
    return first <= last


def needs_full_stage(request: StepRequest, metric: Metric) -> bool:
    """Whether every period is rebuilt: a rebuild was asked for, or what the metric is made with has changed (or never ran)."""
    is_as_made = request.ledger.is_made_from("presentation", metric.name, request.marketplace.metric_hash(metric))
    return not is_as_made or request.is_rebuilt("presentation", request.marketplace.metric_sources(metric))


def find_staged_days(request: StepRequest, metric: Metric) -> tuple[date, date]:
    """Return the first and the last day of the periods that are staged, or more; a first after the last where there is none."""
    if needs_full_stage(request, metric):
        return FIRST_DAY, LAST_DAY
    days = []
    if dirty := request.dirty.get(metric.name):
        days += [date.fromisoformat(dirty.first_period), date.fromisoformat(dirty.last_period)]
    if metric.depends_on_day and _has_day_passed(request):
        days += [date.fromisoformat(request.ledger.as_of or request.plan.as_of), date.fromisoformat(request.plan.as_of)]
    return metric.cover(min(days), max(days)) if days else (LAST_DAY, FIRST_DAY)


def _has_day_passed(request: StepRequest) -> bool:
    """Whether presentation was made for another day."""
    return bool(request.ledger.as_of) and request.ledger.as_of != request.plan.as_of


def bound_periods(request: StepRequest, metric: Metric) -> str:
    """Return the condition, in literals, that excludes none of the staged periods of a metric's table."""
    first, last = (literal(day.isoformat()) for day in find_staged_days(request, metric))
    return f"{metric.name}.period_start >= {first} and {metric.name}.period_start <= {last}"


def staged_table(request: StepRequest, metric: Metric) -> str:
    return f"{request.schemas.staging}.{metric.name}"


def _stage(request: StepRequest, metric: Metric) -> list[str]:
    control, run, name = request.schemas.control, request.run_sequence, literal(metric.name)
    is_full = needs_full_stage(request, metric)
    staged = staged_table(request, metric)
    first, last = find_staged_days(request, metric)
    days = (first - timedelta(days=metric.lookback), last)
    return [
        *_empty(request, metric),
        f"insert into {control}.staged_period (metric, period_start, run_sequence)"
        f" select distinct {name}, period_start, {run} from ({_dirty(request, metric, is_full)}) as dirty",
        f"""
        create temp table dirty_period as
        select period_start, {metric.period_end} as period_end
        from {control}.staged_period
        where metric = {name}
        """,
        *_select_days(metric, control, first, last),
        *(f"create temp table {each.name} as {fill_in_days(each.file.section('rows'), *days)}" for each in metric.intermediates),
        f"insert into {staged} {fill_in_days(metric.file.section('rows'), *days)}",
        f"insert into {control}.metric_build (run_sequence, metric, is_full, periods, metric_rows)"
        f" select {run}, {name}, {str(is_full).lower()}, (select count(*) from dirty_period), (select count(*) from {staged})",
    ]


def _stage_nothing(request: StepRequest, metric: Metric) -> list[str]:
    """Return the statements for a metric of which no period is stale."""
    return [
        *_empty(request, metric),
        f"insert into {request.schemas.control}.metric_build (run_sequence, metric, is_full, periods, metric_rows)"
        f" values ({request.run_sequence}, {literal(metric.name)}, false, 0, 0)",
    ]


def _empty(request: StepRequest, metric: Metric) -> list[str]:
    """Return the statements that take from staging what an earlier run left there."""
    control, definition, name = request.schemas.control, metric.file.section("table"), literal(metric.name)
    return [
        # The published table has to exist, if empty, before the first publication replaces its periods.
        definition,
        f"drop table if exists {staged_table(request, metric)}",
        definition.replace(f"{request.schemas.presentation}.", f"{request.schemas.staging}."),
        f"delete from {control}.staged_period where metric = {name}",
        f"delete from {control}.metric_build where run_sequence = {request.run_sequence} and metric = {name}",
    ]


def _select_days(metric: Metric, control: str, first: date, last: date) -> list[str]:
    """Return the statement that lists the days of the dirty periods, for a metric that joins rows to them by their day."""
    if _DIRTY_DAY not in metric.reads:
        return []
    return [
        f"""
        create temp table {_DIRTY_DAY} as
        select calendar.calendar_date, dirty_period.period_start
        from {control}.calendar
        inner join dirty_period on {metric.start_in("calendar")} = dirty_period.period_start
        where calendar.calendar_date between {literal(first.isoformat())} and {literal(last.isoformat())}
        """
    ]


def _dirty(request: StepRequest, metric: Metric, is_full: bool) -> str:
    """The periods to rebuild: all; or those that changed rows touch, and those that time has passed over since the last day."""
    control = request.schemas.control
    all_periods = f"select {metric.period_start} as period_start from {control}.calendar"
    if is_full:
        return all_periods
    touched = f"select period_start from {control}.dirty_period where metric = {literal(metric.name)}"
    if not metric.depends_on_day or not _has_day_passed(request):
        return touched
    return (
        f"{touched} union all {all_periods}"
        f" where calendar_date between {literal(request.ledger.as_of)} and {literal(request.plan.as_of)}"
    )
