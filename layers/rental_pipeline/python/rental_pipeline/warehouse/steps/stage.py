"""Stage: rebuild the dirty periods of each metric in the staging schema, where the checks look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, Intermediate, Metric, fill_in_days, select_numbers
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.steps.step import Step, StepRequest, insert_rows

_DIRTY_DAY = "dirty_day"
_NAME_CHARACTERS = 500  # of a statement's name, at most (API reference, "BatchExecuteStatement")


def compose_stage(request: StepRequest) -> Step:
    """Compose the staging of all metrics. Repeating it computes the same again.

    Metrics of which some periods are stale, and those of which none is, share transactions, as many as a request holds; one that
    is built whole has its own.
    """
    metrics = request.marketplace.metrics
    stale = [metric for metric in metrics if is_stale(request, metric)]
    whole = [metric for metric in stale if needs_full_stage(request, metric)]
    shared = [metric for metric in metrics if metric not in whole]
    submissions = [submission for metric in whole for submission in _submit(request, [metric])]
    while shared:
        # As many as fit; one that alone does not is divided.
        count = next(number for number in range(len(shared), 0, -1) if number == 1 or _fit_in_one(request, shared[:number]))
        submissions += _submit(request, shared[:count])
        shared = shared[count:]
    return Step(request.statement_name, tuple(submissions))


def _submit(request: StepRequest, metrics: Sequence[Metric]) -> tuple[Submission, ...]:
    """Return the submissions that stage some metrics, named by them."""
    label = ",".join(metric.name for metric in metrics)
    stale = [metric for metric in metrics if is_stale(request, metric)]
    fresh = [metric for metric in metrics if metric not in stale]
    statements = [*(_stage(request, stale) if stale else []), *(_stage_nothing(request, fresh) if fresh else [])]
    submissions = request.write_all(*statements, once=False, label=label)
    if len(submissions) > 1 or len(metrics) == 1:
        return submissions
    return (replace(submissions[0], apart=tuple(part for metric in metrics for part in _submit(request, [metric]))),)


def _fit_in_one(request: StepRequest, metrics: Sequence[Metric]) -> bool:
    submissions = _submit(request, metrics)
    return len(submissions) == 1 and len(f"{request.statement_name}/{submissions[0].label}/") <= _NAME_CHARACTERS


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
    if any(_DIRTY_DAY in metric.reads for metric in metrics):
        statements.append(f"create temp table _rp_number as {select_numbers(control)}")
    statements += _make_shared(request, metrics)
    for metric in metrics:
        days = _find_read_days(request, metric)
        own = [each for each in metric.intermediates if not each.is_shared]
        made = [
            f"""
            create temp table dirty_period as
            select period_start, {metric.period_end} as period_end
            from {control}.staged_period
            where metric = {literal(metric.name)}
            """,
            *_select_days(metric, control),
            *(f"create temp table {each.name} as {fill_in_days(each.file.section('rows'), *days)}" for each in own),
        ]
        statements += [*made, f"insert into {staged_table(request, metric)} {fill_in_days(metric.file.section('rows'), *days)}"]
        if metric is not metrics[-1]:
            days_of_periods = [_DIRTY_DAY] if _DIRTY_DAY in metric.reads else []
            names = ["dirty_period", *days_of_periods, *(each.name for each in own)]
            statements.append(f"drop table {', '.join(names)}")
    builds = " union all ".join(
        f"select {run}, {literal(metric.name)}, {str(needs_full_stage(request, metric)).lower()}, periods, metric_rows"
        f" from (select count(*) as periods from {control}.staged_period where metric = {literal(metric.name)}) as counted_period"
        f" cross join (select count(*) as metric_rows from {staged_table(request, metric)}) as counted_row"
        for metric in metrics
    )
    return [*statements, f"insert into {control}.metric_build (run_sequence, metric, is_full, periods, metric_rows) {builds}"]


def _make_shared(request: StepRequest, metrics: Sequence[Metric]) -> list[str]:
    """Return the statements that make what metrics of different periods read, once: between the days of all that read it."""
    shared: dict[str, Intermediate] = {}
    days: dict[str, list[date]] = {}
    for metric in metrics:
        for each in metric.intermediates:
            if each.is_shared:
                shared[each.name] = each
                days.setdefault(each.name, []).extend(_find_read_days(request, metric))
    statements = []
    for name, each in shared.items():
        first, last = min(days[name]), max(days[name])
        made = f"create temp table {name} as {fill_in_days(each.file.section('rows'), first, last)}"
        statements += _keep(request, each, made, first) if each.is_kept else [made]
    return statements


def _keep(request: StepRequest, intermediate: Intermediate, made: str, first: date) -> list[str]:
    """Return the statements that make an intermediate table with what earlier runs kept of it, and keep what is of this one.

    What is of days before the first dirty period no change has touched. Where all is built, the table is made again; else it has
    to be there: an empty one in its place would be taken for a history without rows.
    """
    kept, is_whole = f"{request.schemas.staging}.{intermediate.name}", first <= FIRST_DAY
    anew = [f"drop table if exists {kept}", intermediate.file.section("table")]
    return [
        *(anew if is_whole else []),
        made,
        *([] if is_whole else [f"delete from {kept} where {intermediate.kept_by} >= {literal(first.isoformat())}"]),
        f"insert into {kept} {intermediate.file.section('kept')}",
    ]


def _find_read_days(request: StepRequest, metric: Metric) -> tuple[date, date]:
    """Return the first and the last day of what a metric's staged periods are made from."""
    first, last = find_staged_days(request, metric)
    return first - timedelta(days=metric.lookback), last


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


def _select_days(metric: Metric, control: str) -> list[str]:
    """Return the statement that lists the days of the dirty periods, for a metric that joins rows to them by their day."""
    if _DIRTY_DAY not in metric.reads:
        return []
    if metric.period == "all":
        days = f"select calendar.calendar_date, dirty_period.period_start from {control}.calendar cross join dirty_period"
    else:
        days = """
            select dirty_period.period_start + _rp_number.n as calendar_date, dirty_period.period_start
            from dirty_period
            inner join _rp_number on dirty_period.period_start + _rp_number.n < dirty_period.period_end
            """
    return [f"create temp table {_DIRTY_DAY} as {days}"]


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
