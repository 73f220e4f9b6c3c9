"""Report: the figures of the page about a run, read as they stand together, for the function write_report."""

from __future__ import annotations

from typing import Any

from rental_pipeline.base.object_store import FIGURES, run_key, write_json
from rental_pipeline.model.figures_document import Figures
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.judge import RULES
from rental_pipeline.warehouse.steps.set_aside import select_set_aside
from rental_pipeline.warehouse.steps.step import Rows, Snapshot, Step, StepRequest


def compose_report(request: StepRequest) -> Step:
    """Compose the step; it changes nothing, and leaves `figures.json`.

    The run is closed by then, so that its own times and cost are in the ledger, and a newer run may have begun: what is read
    stands as it was before that run's publication or after it, and never between. The run that published it is named
    (`published`); where the report of an older run is written late, it is another.
    """
    charts, facts = request.marketplace.charts, _select_facts(request)

    def finish(rows: list[Rows]) -> dict[str, Any]:
        found = dict(zip(facts, rows[: len(facts)], strict=True))
        drawn = zip(charts, rows[len(facts) :], strict=True)
        figures = Figures(
            marketplace=request.schemas.marketplace,
            currency=request.marketplace.reporting_currency,
            **{name: tuple(fact_rows) for name, fact_rows in found.items()},
            rules={table.name: {**RULES, **table.rules} for table in request.marketplace.curated},
            charts=tuple(chart.draw(chart_rows) for chart, chart_rows in drawn),
        )
        write_json(
            request.settings.bucket, run_key(request.schemas.marketplace, request.run_sequence, FIGURES), figures.to_json()
        )
        return {"charts": len(charts)}

    return Step(
        name=request.statement_name,
        snapshot=Snapshot(
            selects=(*facts.values(), *(chart.bound(request.schemas.presentation, request.newest) for chart in charts)),
            version=facts["published"],
            parameters={"as_of": request.plan.as_of},
        ),
        finish=finish,
    )


def _select_facts(request: StepRequest) -> dict[str, str]:
    """Return what the page says of the run and of the data, of any marketplace: a select by its name in figures.json."""
    control, curated, run = request.schemas.control, request.schemas.curated, request.run_sequence
    of_run = f"where run_sequence = {run}"
    # Also of a table without rows.
    tables = " union all ".join(
        f"select cast({literal(table.name)} as varchar(127)) as table_name" for table in request.marketplace.curated
    )
    return {
        "run": "select run_sequence, kind, cast(as_of as varchar(10)) as as_of, finished_at,"
        f" datediff(second, started_at, finished_at) as seconds from {control}.run {of_run}",
        "published": "select max(run_sequence) as run_sequence, cast(max(as_of) as varchar(10)) as as_of"
        f" from {control}.layer_position where layer = 'presentation'",
        "watermarks": f"select name as table_name, watermark from {control}.layer_position where layer = 'raw' order by name",
        "loads": "select table_name, rows_read, rows_in_parquet, rows_copied, rows_added, rows_removed"
        f" from {control}.table_load {of_run} order by table_name",
        "builds": f"select table_name, rows_accepted, rows_rejected from {control}.curated_build {of_run} order by table_name",
        "metrics": f"select metric, periods, metric_rows from {control}.metric_build {of_run} order by metric",
        "accepted": "select known.table_name, cast(coalesce(sum(curated_total.accepted_rows), 0) as bigint) as accepted_rows"
        f" from ({tables}) as known left join {control}.curated_total on known.table_name = curated_total.table_name"
        " group by known.table_name order by known.table_name",
        "rejected": f"select table_name, broken_rule, count(*) as rejected_rows from {curated}.rejected_rows"
        " group by table_name, broken_rule order by rejected_rows desc, table_name, broken_rule",
        "set_aside": select_set_aside(request),
        "unreadable": "select table_name, split_part(unreadable_value, '=', 1) as column_name, count(*) as unreadable_rows"
        f" from {curated}.unreadable_values group by table_name, split_part(unreadable_value, '=', 1) order by 1, 2",
        # Those of checks, and of cursors that a comparison has measured.
        "warnings": f"select check_name, violations from {control}.check_result {of_run} and violations > 0 union all"
        " select table_name || ' missed by its cursor' as check_name, rows_unmoved + rows_backdated as violations"
        f" from {control}.reconciliation {of_run} and rows_unmoved + rows_backdated > 0 order by check_name",
        "costs": f"select item, quantity, unit, usd, replaces from {control}.run_cost {of_run} order by replaces, usd desc, item",
    }
