"""Publish: the audited periods of all metrics replace the published ones, in one transaction."""

from __future__ import annotations

from rental_pipeline.definitions.marketplace import Metric
from rental_pipeline.warehouse.steps.check import list_checks
from rental_pipeline.warehouse.steps.stage import bound_periods, staged_table
from rental_pipeline.warehouse.steps.step import Step, StepRequest, insert_rows, literal
from rental_pipeline.warehouse.steps.views import drop_views, make_views


def compose_publish(request: StepRequest) -> Step:
    """Compose the step: one transaction, however many metrics and views there are."""
    control, run, as_of = request.schemas.control, request.run_sequence, literal(request.plan.as_of)
    metrics = request.marketplace.metrics
    positions = [
        f"('presentation', {literal(metric.name)}, {run}, {as_of}, {literal(request.marketplace.metric_hash(metric))},"
        f" {literal(request.marketplace.definition_hash(metric.file))})"
        for metric in metrics
    ]
    return Step(
        request.statement_name,
        request.write_all(
            f"call require_audit({run}, {len(list_checks(request))})",
            *drop_views(request),
            *(statement for metric in metrics for statement in _replace_periods(request, metric)),
            *make_views(request),
            # Nobody can have added any since they were staged: this run holds the lease.
            f"delete from {control}.dirty_period",
            f"delete from {control}.layer_position where layer = 'presentation'",
            *insert_rows(f"{control}.layer_position (layer, name, run_sequence, as_of, input_hash, definition_hash)", positions),
        ),
    )


def _replace_periods(request: StepRequest, metric: Metric) -> list[str]:
    published = f"{request.schemas.presentation}.{metric.name}"
    insert = f"insert into {published} select * from {staged_table(request, metric)}"
    position = request.ledger.position("presentation", metric.name)
    if position and position.definition_hash != request.marketplace.definition_hash(metric.file):
        # Another shape: the whole metric was staged, since its hash covers the file.
        return [f"drop table {published}", metric.file.section("table"), insert]
    return [
        f"delete from {published} using {request.schemas.control}.staged_period"
        f" where staged_period.metric = {literal(metric.name)} and staged_period.period_start = {metric.name}.period_start"
        f" and {bound_periods(request, metric)}",
        insert,
    ]
