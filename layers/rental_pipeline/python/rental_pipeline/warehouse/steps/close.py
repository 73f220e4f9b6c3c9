"""Close: end the run in the ledger, free the lease, and say in words what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rental_pipeline.base.errors import PipelineError
from rental_pipeline.base.object_store import NEWEST, console_address, report_key, run_key, write_json
from rental_pipeline.base.telemetry import count, dollars, logger, seconds
from rental_pipeline.model.column_types import CatalogueColumn
from rental_pipeline.model.document import read_rows
from rental_pipeline.model.ledger import Position
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import advise_on_cursor
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.cost import describe_costs, read_prices
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.settled_state import settle_state
from rental_pipeline.warehouse.steps.check import tell_violations
from rental_pipeline.warehouse.steps.open_run import select_columns, select_positions
from rental_pipeline.warehouse.steps.pending import is_anything_left, select_dirty, select_stale
from rental_pipeline.warehouse.steps.prune import prune_control
from rental_pipeline.warehouse.steps.set_aside import describe_set_aside, select_set_aside
from rental_pipeline.warehouse.steps.step import Rows, Step, StepRequest

_STATUS_WORDS = {
    "succeeded": "published new figures",
    "unchanged": "found nothing new",
    "planned": "only planned (dry run)",
    "failed": "was closed as failed",
}


def compose_close(request: StepRequest) -> Step:
    """Compose the step; its result is `{"run_sequence", "status", "is_news", "subject", "message"}` for the notification."""
    schemas, run = request.schemas, request.run_sequence
    control = schemas.control
    status = "planned" if request.plan.dry_run else "succeeded"

    def finish(rows: list[Rows]) -> dict[str, Any]:
        (ended,), loads, builds, set_aside, warnings, (lag,), costs, compared, positions, columns, (left,) = rows
        after = read_rows(tuple[Position, ...], positions)
        _settle(request, ended["status"], after, columns, left)
        newest = {each.name: each.watermark[:10] for each in after if each.layer == "presentation" and each.watermark}
        write_json(request.settings.bucket, run_key(schemas.marketplace, run, NEWEST), newest)
        dollars("RunCost", sum(float(row["usd"]) for row in costs if not row["replaces"]), marketplace=schemas.marketplace)
        _publish_metrics(schemas.marketplace, ended, loads, builds, lag["seconds"])
        found = _announce(request.plan.tables)
        subject = f"{schemas.marketplace} run {run}: {ended['status']}"
        lines = [
            f"Run {run} of {schemas.marketplace} {_STATUS_WORDS[ended['status']]} after {ended['seconds']} s,"
            f" as of {request.plan.as_of}.",
            "",
            *found,
            *(
                f"{load['table_name']}: {load['rows_read']} rows read, {load['rows_added']} added to raw,"
                f" {load['rows_removed']} removed"
                + (f", {load['rows_set_aside']} set aside: a value cannot be held" if load["rows_set_aside"] else "")
                for load in loads
            ),
            *(
                f"{each['table_name']}: {each['ranges_different']} of {each['ranges']} ranges differed from raw; now"
                f" {each['source_rows_after']} rows in the source, {each['raw_rows_after']} in raw"
                for each in compared
            ),
            *(warning for each in compared if (warning := _warn_of_cursor(each, request.plan.find(each["table_name"])))),
            *(_describe_build(build) for build in builds),
            *describe_set_aside(set_aside),
            *(f"warning {found}" for found in tell_violations(warnings)),
            "",
            describe_costs(costs, read_prices()),
        ]
        if ended["status"] == "succeeded":
            # Written before this is sent: the state machine's next states do it, or fail and tell that.
            lines.append(f"Report: {console_address(request.settings.bucket, report_key(schemas.marketplace, run))}")
        # An SNS subject has fewer than 100 characters (Amazon SNS API Reference, "Publish").
        return {
            "run_sequence": run,
            "status": ended["status"],
            "is_news": bool(found),
            "subject": subject[:99],
            "message": "\n".join(lines),
        }

    return Step(
        name=request.statement_name,
        submissions=(
            compose_ending(
                control,
                run,
                status,
                as_of=request.plan.as_of,
                then=[] if request.plan.dry_run else [*_note_archived(run), *prune_control(request.marketplace, run)],
            ),
        ),
        reads=(
            f"select status, datediff(second, started_at, finished_at) as seconds from {control}.run where run_sequence = {run}",
            f"select table_name, rows_read, rows_added, rows_removed, rows_set_aside from {control}.table_load"
            f" where run_sequence = {run} order by table_name",
            f"select table_name, rows_accepted, rows_rejected, rows_unreadable from {control}.curated_build"
            f" where run_sequence = {run} order by table_name",
            select_set_aside(request),
            f"select check_name, violations, example from {control}.check_result"
            f" where run_sequence = {run} and violations > 0 order by check_name",
            f"select datediff(second, min(watermark), getdate()) as seconds from {control}.layer_position where layer = 'raw'",
            f"select item, usd, replaces from {control}.run_cost where run_sequence = {run}",
            "select table_name, ranges, ranges_different, source_rows, source_rows_after, raw_rows_after, rows_unmoved,"
            f" rows_backdated from {control}.reconciliation"
            f" where run_sequence = {run} order by table_name",
            select_positions(control),
            select_columns(schemas.raw),
            f"select ({select_dirty(control)}) as dirty_periods, ({select_stale(control)}) as stale_parts",
        ),
        finish=finish,
    )


def _settle(request: StepRequest, status: str, positions: tuple[Position, ...], columns: Rows, left: dict[str, Any]) -> None:
    """Leave the state for the next run to begin with, after a complete increment with nothing pending; else it stays void.

    The lease is free by now: what is read here may be of the next run already, whose mark then keeps this from being written.
    """
    plan, ledger = request.plan, request.ledger
    if plan.kind != "incremental" or plan.dry_run or status not in ("succeeded", "unchanged"):
        return
    if not all(table.read for table in plan.tables) or ledger.files_hash != request.marketplace.files_hash:
        return
    after = replace(ledger, positions=positions, columns=read_rows(tuple[CatalogueColumn, ...], columns), loads=())
    if is_anything_left(request.by(after), left["dirty_periods"], left["stale_parts"]):
        logger.info("something is left to do; the state stays void")
        return
    try:
        if settle_state(request.settings, plan, after):
            logger.info("the state is settled")
    except PipelineError as error:
        # The run has done its work; the next one asks the warehouse.
        logger.warning("the state could not be settled, and stays void", extra={"error": str(error)})


def _publish_metrics(marketplace: str, ended: dict[str, Any], loads: Rows, builds: Rows, lag_seconds: int | None) -> None:
    """Publish what the alarms and the dashboard of template.yaml show of a run that ended well."""
    if ended["status"] in ("succeeded", "unchanged"):
        count("RunsSucceeded", 1, marketplace=marketplace)
    seconds("RunSeconds", ended["seconds"], marketplace=marketplace)
    if lag_seconds is not None:  # no table has a watermark yet
        seconds("WatermarkLag", max(0, lag_seconds), marketplace=marketplace)
    count("RowsAdded", sum(load["rows_added"] for load in loads), marketplace=marketplace)
    count("RowsRejected", sum(build["rows_rejected"] for build in builds), marketplace=marketplace)


def _describe_build(build: dict[str, Any]) -> str:
    unreadable = f" ({build['rows_unreadable']} with a field that cannot be read)" if build["rows_unreadable"] else ""
    return f"{build['table_name']}: {build['rows_accepted']} accepted{unreadable}, {build['rows_rejected']} rejected"


def _warn_of_cursor(compared: dict[str, Any], table: PlannedTable | None) -> str | None:
    """Return what a comparison found that the table's increments miss, in words; None where that is nothing."""
    unmoved, backdated = compared["rows_unmoved"] or 0, compared["rows_backdated"] or 0
    if table is None or table.cursor is None or not unmoved + backdated:
        return None
    return (
        f"warning {table.name}: {unmoved} rows changed without moving the cursor {table.cursor}, {backdated} came with an older"
        f" one: {advise_on_cursor(table.cursor, compared['source_rows'])}"
    )


def _announce(tables: Sequence[PlannedTable]) -> list[str]:
    """Say what the run found in the source, or in the contract, that raw did not have before."""
    lines = []
    for table in tables:
        if table.is_new:
            lines.append(f"first load: {table.name}")
        lines += [f"new in the source and added: {table.name}.{name} {table.types[name]}" for name in table.added]
    return [*lines, ""] if lines else []


def _note_archived(run_sequence: int) -> list[str]:
    """Up to this run, the state before has tagged what was loaded, and deleted what was erased."""
    return [
        "delete from layer_position where layer = 'control' and name = 'archive'",
        f"insert into layer_position (layer, name, run_sequence) values ('control', 'archive', {run_sequence})",
    ]


def compose_ending(
    control: str,
    run_sequence: int,
    status: str,
    error: str | None = None,
    as_of: str | None = None,
    then: Sequence[str] = (),
) -> Submission:
    """Return the batch that ends a run as succeeded, planned or failed, and frees its lease; repeating it changes nothing."""
    return Submission(
        label="close",
        statements=(
            f"set search_path to {control}",
            "lock lease",
            f"call close_run({run_sequence}, {literal(status)}, {literal(error and error[:1000])}, {literal(as_of)})",
            *then,
        ),
    )
