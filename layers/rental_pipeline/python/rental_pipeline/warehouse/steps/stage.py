"""Stage: rebuild the dirty periods of each metric in the staging schema, where the checks look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, Metric, fill_in_days
from rental_pipeline.model.request_size import MAX_BYTES, MAX_STATEMENTS, count_bytes
from rental_pipeline.warehouse.steps.step import GUARDS, Step, StepRequest, insert_rows, literal

_DIRTY_DAY = "dirty_day"
# Of a statement's name, which has 500 (API reference, "BatchExecuteStatement"), beside the run and the step.
_LABEL_CHARACTERS = 350


def compose_stage(request: StepRequest) -> Step:
    """Compose the staging of all metrics. Repeating it computes the same again.

    Metrics of which some periods are stale share transactions, as many as a request holds; one that is built whole has its own.
    """
    metrics = request.marketplace.metrics
    stale = [metric for metric in metrics if is_stale(request, metric)]
    whole = [metric for metric in stale if needs_full_stage(request, metric)]
    groups = [[metric] for metric in whole] + _share_requests(request, [metric for metric in stale if metric not in whole])
    submissions = [
        submission
        for group in groups
        for submission in request.write_all(*_stage(request, group), once=False, label=",".join(each.name for each in group))
    ]
    if fresh := [metric for metric in metrics if metric not in stale]:
        submissions += request.write_all(*_stage_nothing(request, fresh), once=False, label="nothing-stale")
    return Step(request.statement_name, tuple(submissions))


def _share_requests(request: StepRequest, metrics: Sequence[Metric]) -> list[list[Metric]]:
    """Divide metrics, in their order, into groups of which each is staged by one request, and named by it."""
    groups: list[list[Metric]] = []
    for metric in metrics:
        together = [*groups[-1], metric] if groups else [metric]
        statements = _stage(request, together)
        fits = len(statements) + GUARDS <= MAX_STATEMENTS and count_bytes(*statements) <= MAX_BYTES
        if groups and fits and sum(len(each.name) + 1 for each in together) <= _LABEL_CHARACTERS:
            groups[-1] = together
        else:
            groups.append([metric])
    return groups


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


def _stage(request: StepRequest, metrics: Sequence[Metric]) -> list[str]:
    """Return the statements that rebuild the stale periods of some metrics, one after the other."""
    control, run = request.schemas.control, request.run_sequence
    periods = " union all ".join(
        f"select distinct {literal(metric.name)}, period_start, {run}"
        f" from ({_dirty(request, metric, needs_full_stage(request, metric))}) as dirty"
        for metric in metrics
    )
    statements = [
        *_empty(request, metrics),
        f"insert into {control}.staged_period (metric, period_start, run_sequence) {periods}",
    ]
    for metric in metrics:
        first, last = find_staged_days(request, metric)
        days = (first - timedelta(days=metric.lookback), last)
        made = [
            f"""
            create temp table dirty_period as
            select period_start, {metric.period_end} as period_end
            from {control}.staged_period
            where metric = {literal(metric.name)}
            """,
            *_select_days(metric, control, first, last),
            *(
                f"create temp table {each.name} as {fill_in_days(each.file.section('rows'), *days)}"
                for each in metric.intermediates
            ),
        ]
        statements += [*made, f"insert into {staged_table(request, metric)} {fill_in_days(metric.file.section('rows'), *days)}"]
        if metric is not metrics[-1]:
            days_of_periods = [_DIRTY_DAY] if _DIRTY_DAY in metric.reads else []
            names = ["dirty_period", *days_of_periods, *(each.name for each in metric.intermediates)]
            statements.append(f"drop table {', '.join(names)}")
    builds = " union all ".join(
        f"select {run}, {literal(metric.name)}, {str(needs_full_stage(request, metric)).lower()}, periods, metric_rows"
        f" from (select count(*) as periods from {control}.staged_period where metric = {literal(metric.name)}) as counted_period"
        f" cross join (select count(*) as metric_rows from {staged_table(request, metric)}) as counted_row"
        for metric in metrics
    )
    return [*statements, f"insert into {control}.metric_build (run_sequence, metric, is_full, periods, metric_rows) {builds}"]


def _stage_nothing(request: StepRequest, metrics: Sequence[Metric]) -> list[str]:
    """Return the statements for metrics of which no period is stale."""
    rows = [f"({request.run_sequence}, {literal(metric.name)}, false, 0, 0)" for metric in metrics]
    into = f"{request.schemas.control}.metric_build (run_sequence, metric, is_full, periods, metric_rows)"
    return [*_empty(request, metrics), *insert_rows(into, rows)]


def _empty(request: StepRequest, metrics: Sequence[Metric]) -> list[str]:
    """Return the statements that take from staging what an earlier run left there."""
    control, names = request.schemas.control, ", ".join(literal(metric.name) for metric in metrics)
    tables = []
    for metric in metrics:
        definition = metric.file.section("table")
        tables += [
            # The published table has to exist, if empty, before the first publication replaces its periods.
            definition,
            f"drop table if exists {staged_table(request, metric)}",
            definition.replace(f"{request.schemas.presentation}.", f"{request.schemas.staging}."),
        ]
    return [
        *tables,
        f"delete from {control}.staged_period where metric in ({names})",
        f"delete from {control}.metric_build where run_sequence = {request.run_sequence} and metric in ({names})",
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
