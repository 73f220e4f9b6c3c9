"""Planning a run: what each table's window is, how it is cut, and what must change in the raw tables before the load."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pymysql

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import (
    COMPARED,
    FINGERPRINTS,
    LEDGER,
    PLAN,
    SLICES,
    progress_key,
    run_key,
    write_json,
)
from rental_pipeline.base.settings import PlanSettings, read_settings
from rental_pipeline.base.telemetry import logger, seconds
from rental_pipeline.model.contract import HASH, TableContract, read_contract
from rental_pipeline.model.document import find_document, read_document, read_event, write
from rental_pipeline.model.events import PlanEvent, PlanSummary
from rental_pipeline.model.fingerprints import KnownDay, KnownRange
from rental_pipeline.model.ledger import Ledger
from rental_pipeline.model.plan_document import Plan, RawChanges, Rebuild
from rental_pipeline.model.run_request import LAYERS, RunInput, read_run_input
from rental_pipeline.model.strategies import Snapshot
from rental_pipeline.model.table_plan import iso_text
from rental_pipeline.plan.change_detection import detect_changes
from rental_pipeline.plan.continuation import Deadline, OutOfTime, Progress
from rental_pipeline.plan.replay import plan_replay
from rental_pipeline.plan.table_planner import TablePlanner, choose_as_of
from rental_pipeline.source.connection import connect, explain_source_error, read_source_address
from rental_pipeline.source.personal_data import read_hash_key
from rental_pipeline.source.replication import connect_to_writer
from rental_pipeline.source.safe_watermark import find_safe_watermark

# With less than this left, what is not planned is left to another invocation: one query, and cutting what differs, take less.
_RESERVE_SECONDS = 150


def plan_run(event: dict[str, Any], remaining_milliseconds: Callable[[], float] = lambda: math.inf) -> dict[str, Any]:
    """Plan a run: read the contract, the ledger and the source's schema; write plan.json and slices.json.

    Args:
        event: `run_sequence` (int; null: no run is opened yet, see plan/change_detection.py), `input`, the execution's input, and
            `continuation`: 0, or what the call before returned.
        remaining_milliseconds: Says how long this invocation may still take.

    Returns:
        What docs/architecture.md lists for plan_run. A summary's `continuation` is 0, or the number with which to call again,
        where comparing took all the time.

    Raises:
        FixConfiguration: the input, the contract, a privilege or the source's schema must be mended first; nothing was read.
        RetryLater: the source or S3 could not be reached.
    """
    settings = read_settings(PlanSettings)
    asked = read_event(PlanEvent, event)
    run_sequence, continuation = asked.run_sequence, asked.continuation
    deadline = Deadline(lambda: remaining_milliseconds() / 1000, _RESERVE_SECONDS)
    if run_sequence is None:
        return detect_changes(settings, asked.input, deadline).to_json()
    path = settings.sql_root / settings.marketplace / "source.yaml"
    contract = read_contract(path)
    run_input = read_run_input(asked.input, contract)
    read_names = _choose_tables(contract, run_input)
    hashing = [name for name in read_names if HASH in contract[name].personal.values()]
    hash_key = read_hash_key(settings.hash_secret_arn, hashing)
    ledger = read_document(Ledger, settings.bucket, run_key(settings.marketplace, run_sequence, LEDGER))
    if run_input.replay:
        return plan_replay(settings, contract, run_input, ledger).to_json()
    noted = run_key(settings.marketplace, run_sequence, FINGERPRINTS)
    fingerprints = find_document(dict[str, list[KnownRange | KnownDay]], settings.bucket, noted) or {}

    slices_key = run_key(settings.marketplace, run_sequence, SLICES)
    summary = PlanSummary(run_sequence, run_input.dry_run, slices_key)
    address = read_source_address(settings.source_secret_arn)
    # Where the plan goes on, its safe watermark was found on a writer before.
    with closing(connect_to_writer(address) if continuation else connect(address)) as connection:
        try:
            if continuation:
                progress = read_document(
                    Progress, settings.bucket, progress_key(settings.marketplace, run_sequence, continuation)
                )
            else:
                progress = Progress(find_safe_watermark(connection, address, timedelta(seconds=settings.watermark_delay_seconds)))
                seconds("WatermarkHeldBack", progress.safe_watermark.lag.total_seconds(), marketplace=settings.marketplace)
            safe_watermark = progress.safe_watermark
            as_of = choose_as_of(run_input, ledger, safe_watermark)
            planner = TablePlanner(
                connection, settings, path, ledger, fingerprints, run_input, progress, run_sequence, hash_key, deadline
            )
            for table_contract in list(contract.values())[len(progress.parts) :]:
                progress.parts.append(planner.plan(table_contract, is_read=table_contract.name in read_names))
        except OutOfTime:
            write_json(settings.bucket, progress_key(settings.marketplace, run_sequence, continuation + 1), progress.to_json())
            logger.info("the plan goes on in another invocation", extra={"continuation": continuation + 1})
            return replace(summary, continuation=continuation + 1).to_json()
        except pymysql.MySQLError as error:
            raise explain_source_error(error, address) from error

    parts = progress.parts
    slices = [each for part in parts for each in part.slices]
    plan = Plan(
        marketplace=settings.marketplace,
        run_sequence=run_sequence,
        kind=run_input.kind,
        as_of=as_of.isoformat(),
        source_time=iso_text(safe_watermark.source_time),
        force_deletes=run_input.force_deletes,
        dry_run=run_input.dry_run,
        erased=run_input.erase,
        rebuild=_choose_rebuild(run_input),
        raw_changes=RawChanges(
            batch=tuple(sql for part in parts for sql in part.batch), single=tuple(sql for part in parts for sql in part.single)
        ),
        tables=tuple(part.table for part in parts),
    )
    compared = {part.table.name: part.equal for part in parts if part.table.comparison}
    write_json(settings.bucket, slices_key, write(slices))
    write_json(settings.bucket, run_key(settings.marketplace, run_sequence, COMPARED), write(compared))
    write_json(settings.bucket, run_key(settings.marketplace, run_sequence, PLAN), plan.to_json())
    to_load = tuple(part.table.name for part in parts if part.table.read and not part.table.is_idle)
    return replace(summary, slice_count=len(slices), tables=to_load).to_json()


def _choose_rebuild(run_input: RunInput) -> Rebuild | None:
    """Return what is made whole. After a restore nobody knows what the lake shows, nor which of it the warehouse has."""
    if run_input.after_restore:
        return Rebuild(LAYERS, None)
    return Rebuild(run_input.rebuild, run_input.tables) if run_input.rebuild else None


def _choose_tables(contract: dict[str, TableContract], run_input: RunInput) -> tuple[str, ...]:
    """Return the names of the tables that the run reads."""
    if run_input.rebuild:
        return ()
    if run_input.window is None:
        return run_input.tables or tuple(contract)
    without_cursor = [name for name, table in contract.items() if isinstance(table.strategy, Snapshot)]
    if asked := [name for name in run_input.tables or () if name in without_cursor]:
        raise FixConfiguration(f"a window needs a cursor, and {', '.join(asked)} has none (strategy snapshot): leave it out")
    return run_input.tables or tuple(name for name in contract if name not in without_cursor)
