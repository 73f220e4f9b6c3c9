"""Publish: the audited periods of all metrics replace the published ones, in one transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from rental_pipeline.definitions.lake_tables import division_of, lake_name, mark_parts
from rental_pipeline.definitions.metric import Metric
from rental_pipeline.model.ledger import AUDIT
from rental_pipeline.model.request_size import divide_texts
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.check import list_checks
from rental_pipeline.warehouse.steps.stage import bound_periods, find_staged_days, is_stale, staged_table
from rental_pipeline.warehouse.steps.step import Step, StepRequest, insert_rows
from rental_pipeline.warehouse.steps.views import drop_views, make_views

_BYTES = 40_000  # of what one statement unites


def compose_publish(request: StepRequest) -> Step:
    """Compose the step: one transaction, however many metrics and views there are."""
    control, run, as_of = request.schemas.control, request.run_sequence, literal(request.plan.as_of)
    metrics = request.marketplace.metrics
    staged = [metric for metric in metrics if is_stale(request, metric)]
    positions = [
        f"('presentation', {literal(metric.name)}, {run}, {literal(_known_newest(request, metric))}, {as_of},"
        f" {literal(request.marketplace.metric_hash(metric))}, {literal(request.marketplace.definition_hash(metric.file))})"
        for metric in metrics
    ]
    audited = f"({literal(AUDIT[0])}, {literal(AUDIT[1])}, {run}, null, {as_of}, {literal(request.marketplace.audit_hash)}, null)"
    return Step(
        request.statement_name,
        request.write_all(
            f"call require_audit({run}, {len(list_checks(request))})",
            *drop_views(request),
            *(sql for number, metric in enumerate(staged) for sql in _replace_periods(request, metric, number)),
            *make_views(request),
            # Nobody can have added any since they were staged: this run holds the lease.
            f"delete from {control}.dirty_period",
            f"delete from {control}.staged_period",
            f"delete from {control}.layer_position where layer = 'presentation'",
            f"delete from {control}.layer_position where layer = {literal(AUDIT[0])} and name = {literal(AUDIT[1])}",
            *insert_rows(
                f"{control}.layer_position (layer, name, run_sequence, watermark, as_of, input_hash, definition_hash)",
                [*positions, audited],
            ),
            *_note_newest(request, [metric for metric in staged if _may_be_newer(request, metric)]),
        ),
    )


def _replace_periods(request: StepRequest, metric: Metric, number: int) -> list[str]:
    """Return the statements that make the published periods what was staged, row by row: a row that is as it was is not written.

    What differs makes parts of the metric's table in the lake stale. A rebuild writes all of it.

    Args:
        number: Of the metric; names of temporary tables have it, as its own name may be as long as one can be.
    """
    control, published, staged = (
        request.schemas.control,
        f"{request.schemas.presentation}.{metric.name}",
        staged_table(request, metric),
    )
    position = request.ledger.position("presentation", metric.name)
    if position and position.definition_hash != request.marketplace.definition_hash(metric.file):
        # Another shape: the whole metric was staged, since its hash covers the file.
        return [f"drop table {published}", metric.file.section("table"), f"insert into {published} select * from {staged}"]
    if request.is_rebuilt("presentation", request.marketplace.metric_sources(metric)):
        return [f"delete from {published}", f"insert into {published} select * from {staged}"]
    differing, columns = f"_rp_differing_{number}", ", ".join(metric.file.table_columns)
    key = " and ".join(_equals(metric, column, differing) for column in metric.unique_key)
    # Each side is read once: what stands on one of them alone differs. NULLs are equal to each other here.
    both = (
        f"select {metric.name}.*, 0 as _rp_is_staged from {published} inner join {control}.staged_period"
        f" on {metric.name}.period_start = staged_period.period_start and staged_period.metric = {literal(metric.name)}"
        f" where {bound_periods(request, metric)} union all select *, 1 as _rp_is_staged from {staged}"
    )
    return [
        f"create temp table {differing} as select {columns}, min(_rp_is_staged) as _rp_is_staged from ({both}) as _rp_row"
        f" group by {columns} having min(_rp_is_staged) = max(_rp_is_staged)",
        f"delete from {published} using {differing}"
        f" where {differing}._rp_is_staged = 0 and {key} and {bound_periods(request, metric)}",
        f"insert into {published} select {columns} from {differing} where _rp_is_staged = 1",
        mark_parts(
            control,
            lake_name("presentation", metric.name),
            request.run_sequence,
            differing,
            division_of(metric),
        ),
    ]


def _known_newest(request: StepRequest, metric: Metric) -> str | None:
    """Return a metric's newest period, ISO, as the run before noted it; None where none did."""
    position = request.ledger.position("presentation", metric.name)
    return position.watermark[:10] if position and position.watermark else None


def _may_be_newer(request: StepRequest, metric: Metric) -> bool:
    """Whether the newest period that has ended and has rows may be another one than is known.

    It is not where neither the staged periods nor the one that follows the known one have ended.
    """
    known = _known_newest(request, metric)
    if known is None:
        return True
    newest, as_of = date.fromisoformat(known), date.fromisoformat(request.plan.as_of)
    following = metric.cover(newest, newest)[1] + timedelta(days=1)
    return any(metric.cover(day, day)[1] < as_of for day in (find_staged_days(request, metric)[0], following))


def _note_newest(request: StepRequest, metrics: Sequence[Metric]) -> list[str]:
    """Return the statements that note, of metrics of which periods were replaced, the newest period that has ended and has rows.

    Charts read by it. It is looked for from the one that was known on; where all of those are gone, none is known until the next
    publication looks at all.
    """
    selects = [
        f"select cast({literal(metric.name)} as varchar(127)) as metric, cast(max(period_start) as timestamp) as newest"
        f" from {request.schemas.presentation}.{metric.name}"
        f" where {metric.period_end} <= {literal(request.plan.as_of)}"
        + (f" and period_start >= {literal(known)}" if (known := _known_newest(request, metric)) else "")
        for metric in metrics
    ]
    return [
        f"update {request.schemas.control}.layer_position set watermark = newest_period.newest"
        f" from ({' union all '.join(some)}) as newest_period"
        " where layer_position.layer = 'presentation' and layer_position.name = newest_period.metric"
        for some in divide_texts(selects, most_bytes=_BYTES)
    ]


def _equals(metric: Metric, column: str, other: str) -> str:
    """Return the condition that a column of the metric is that of another table; of NULLs, where it may be one, too."""
    equal = f"{metric.name}.{column} = {other}.{column}"
    is_required = re.search(
        rf'^\s*"?{re.escape(column)}"?\s[^,\n]*\bnot\s+null', metric.file.section("table"), re.IGNORECASE | re.MULTILINE
    )
    # Only equality joins by hash.
    return equal if is_required else f"({equal} or ({metric.name}.{column} is null and {other}.{column} is null))"
