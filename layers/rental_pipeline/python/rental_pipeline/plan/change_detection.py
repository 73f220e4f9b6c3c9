"""Whether a run has anything to do, asked of the source and of what the last run left (state.json), and not of the warehouse.

Redshift Serverless bills a minute whenever it is asked anything. What is found here is only ever a reason to do nothing: every
doubt, and every failure, opens a run, which plans from the ledger as if nothing had been compared.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymysql

from rental_pipeline.base.errors import PipelineError
from rental_pipeline.base.object_store import LEDGER, find_time, run_key
from rental_pipeline.base.settings import PlanSettings
from rental_pipeline.base.telemetry import count, logger, seconds
from rental_pipeline.definitions.read_marketplace import hash_contract, read_marketplace
from rental_pipeline.model.contract import HASH, TableContract, read_contract
from rental_pipeline.model.events import ChangeDetection
from rental_pipeline.model.fingerprints import Fingerprint
from rental_pipeline.model.run_request import RunInput, read_run_input
from rental_pipeline.model.state_document import KnownTable, Settled, Stack, State, find_state
from rental_pipeline.model.strategies import Merge
from rental_pipeline.model.table_plan import Slice
from rental_pipeline.plan.continuation import Deadline, OutOfTime, Progress
from rental_pipeline.plan.table_planner import TablePlanner, choose_as_of
from rental_pipeline.source.connection import connect, explain_source_error, read_source_address, snapshot
from rental_pipeline.source.personal_data import HashKey, read_hash_key, require_hash_key
from rental_pipeline.source.queries import compose_count, compose_fingerprint
from rental_pipeline.source.safe_watermark import SafeWatermark, find_safe_watermark

# What one query sums: at 3 µs a row it takes a minute, well within what Deadline keeps of the function's time.
_MOST_ROWS = 20_000_000


class _NotSettled(Exception):
    """There may be something to do; the message says what."""


@dataclass(frozen=True)
class _LastRun:
    """What a run left, which is of this stack and has not been overtaken."""

    state: State
    settled: Settled


def detect_changes(settings: PlanSettings, run_input: Any, deadline: Deadline) -> ChangeDetection:
    """Return whether an execution may end as unchanged, because the source and all that decides are as the last run left them.

    Args:
        run_input: The execution's input, as a person wrote it.
        deadline: Of this invocation; with less time than it keeps, a run is opened.
    """
    try:
        last = _read_last_run(settings, run_input)
        safe_watermark = _compare_source(settings, last, deadline)
    except _NotSettled as reason:
        logger.info("a run is opened", extra={"reason": str(reason)})
        return ChangeDetection("open", str(reason))
    except OutOfTime:
        logger.info("a run is opened", extra={"reason": "there was no time to compare all tables"})
        return ChangeDetection("open", "there was no time to compare all tables")
    except PipelineError as error:
        # The run meets the same, and then it stands in its ledger row.
        logger.warning("a run is opened, as the source or its state could not be read", extra={"error": str(error)})
        return ChangeDetection("open", f"{type(error).__name__}: {error}")
    except Exception as error:
        # Such as a state whose texts are no times: whatever it holds, it stops no run.
        logger.exception("a run is opened, as change detection failed")
        return ChangeDetection("open", f"{type(error).__name__}: {error}")
    # What a run's step `close` publishes: the alarm on old figures and the dashboard watch these.
    count("RunsSucceeded", 1, marketplace=settings.marketplace)
    seconds("WatermarkLag", safe_watermark.lag.total_seconds(), marketplace=settings.marketplace)
    run = last.state.run_sequence
    logger.info("nothing to do", extra={"run_sequence": run})
    return ChangeDetection(
        "unchanged",
        f"the source is as run {run} left it",
        run_sequence=run,
        subject=f"{settings.marketplace}: unchanged since run {run}",
        message=f"The source of {settings.marketplace} is as run {run} left it, and so are the SQL, the rates and the day:"
        " no run was opened, and the warehouse was not asked.",
    )


def _read_last_run(settings: PlanSettings, run_input: Any) -> _LastRun:
    """Return what the last run left.

    Raises:
        _NotSettled: it does not say that there is nothing to do, or the execution asks for more than an increment.
        PipelineError: S3, the contract or the SQL cannot be read, or the input is malformed.
    """
    contract = read_contract(_locate_contract(settings))
    asked = read_run_input(run_input, contract)
    if asked != RunInput(started_by=asked.started_by):
        raise _NotSettled("the input asks for more than what changed")
    found = find_state(settings.bucket, settings.marketplace)
    if found is None:
        raise _NotSettled("there is no state.json of this version")
    state, settled = found[0], found[0].settled
    if settled is None:
        raise _NotSettled(f"run {state.run_sequence} may still write in the warehouse, or did not come to its end")
    warehouse = settings.redshift_workgroup or settings.redshift_cluster or ""
    if settled.stack != Stack(settings.bucket, warehouse, settings.redshift_database or ""):
        raise _NotSettled("state.json is of another stack")
    _require_newest(settings, state.run_sequence)
    files = read_marketplace(settings.sql_root, settings.marketplace, settings.reporting_currency).files_hash
    if settled.ledger.files_hash != files or settled.contract_hash != hash_contract(settings.sql_root, settings.marketplace):
        raise _NotSettled("the SQL, the exchange rates or source.yaml were deployed again")
    return _LastRun(state, settled)


def _require_newest(settings: PlanSettings, run: int) -> None:
    """Make sure by the runs' own objects that no run was opened since: the state may have been put back from a backup.

    Numbers begin again with a new control schema, so an object of the next number counts only if it is the newer one.
    """
    opened, next_opened = (find_time(settings.bucket, run_key(settings.marketplace, each, LEDGER)) for each in (run, run + 1))
    if opened is None:
        raise _NotSettled(f"the objects of run {run} are gone")
    if next_opened and next_opened >= opened:
        raise _NotSettled(f"run {run + 1} was opened since")


def _compare_source(settings: PlanSettings, last: _LastRun, deadline: Deadline) -> SafeWatermark:
    """Compare every table of the source with what raw holds of it, those that take least time first.

    Raises:
        _NotSettled: something differs, or may.
        OutOfTime: not all could be compared.
        PipelineError: the source cannot be read, or is not as the contract says.
    """
    path = _locate_contract(settings)
    contract = read_contract(path)
    ledger, tables = last.settled.ledger, last.settled.tables
    hashing = [name for name, table in contract.items() if HASH in table.personal.values()]
    hash_key = read_hash_key(settings.hash_secret_arn, hashing)
    address = read_source_address(settings.source_secret_arn)
    with closing(connect(address)) as connection:
        try:
            safe_watermark = find_safe_watermark(connection, address, timedelta(seconds=settings.watermark_delay_seconds))
            seconds("WatermarkHeldBack", safe_watermark.lag.total_seconds(), marketplace=settings.marketplace)
            if safe_watermark.source_time.date().isoformat() != last.settled.source_day:
                raise _NotSettled("a day has passed")
            if ledger.as_of and choose_as_of(RunInput(), ledger, safe_watermark).isoformat() != ledger.as_of:
                raise _NotSettled("the figures are of another day")
            progress = Progress(safe_watermark)
            planner = TablePlanner(
                connection, settings, path, ledger, {}, RunInput(), progress, ledger.run_sequence, hash_key, deadline
            )
            for table in sorted(contract.values(), key=lambda each: not isinstance(each.strategy, Merge)):
                deadline.require_time()
                _compare_table(connection, planner, table, tables.get(table.name), hash_key)
        except pymysql.MySQLError as error:
            raise explain_source_error(error, address) from error
    return safe_watermark


def _compare_table(
    connection: pymysql.Connection,
    planner: TablePlanner,
    contract: TableContract,
    known: KnownTable | None,
    hash_key: HashKey | None,
) -> None:
    """Compare all that an increment would look at of a table with what raw holds of that (raises as `_compare_source`)."""
    name = contract.name
    part, _, is_as_loaded = planner.match(contract)
    table = part.table
    if known is None or part.batch or part.single or not is_as_loaded or known.definition_hash != table.definition_hash:
        raise _NotSettled(f"{name} has other columns, or is defined otherwise")
    if known.lower and (table.lower is None or table.lower < known.lower):
        raise _NotSettled(f"an increment of {name} begins before what is known of it")
    if known.held.rows > _MOST_ROWS:
        raise _NotSettled(f"{known.held.rows} rows of {name} would have to be summed")
    salt = require_hash_key(hash_key).salt if any(column.is_hashed for column in table.columns) else ""
    # With no bounds, a slice is all of the window.
    part_known = replace(table, lower=known.lower, upper=None)
    everything = Slice(planner.run_sequence, name, 0)
    with snapshot(connection), connection.cursor() as cursor:
        cursor.execute(*compose_count(part_known, everything))
        ((rows,),) = cursor.fetchall()
        if int(rows) != known.held.rows:
            raise _NotSettled(f"{name} has {rows} rows where raw has {known.held.rows}")
        cursor.execute(*compose_fingerprint(part_known, everything, salt))
        ((rows, checksum),) = cursor.fetchall()
    if Fingerprint(int(rows), int(checksum)) != known.held:
        raise _NotSettled(f"{name} has rows that differ from raw's")


def _locate_contract(settings: PlanSettings) -> Path:
    return settings.sql_root / settings.marketplace / "source.yaml"
