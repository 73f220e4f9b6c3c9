"""What a run leaves behind for the person on call: its windows, how long each state and statement took, and what it cost.

It is written when the run ends, well or badly, from what AWS remembers for a day (the Data API's statements) or for 90 days (the
execution's history). It decides nothing: the positions and guards of the ledger do not read it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rental_pipeline.base.object_store import LOADS, PLAN, run_key
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.document import find_document
from rental_pipeline.model.load_document import LoadTotals
from rental_pipeline.model.plan_document import PlannedTables
from rental_pipeline.model.request_size import MAX_STATEMENTS, divide_texts
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.cost import (
    CALLED,
    EXTRACTING,
    SQL,
    TRANSITIONS_OF_A_PIECE,
    TRANSITIONS_OF_A_SLICE,
    TRANSITIONS_TO_COME,
    Cost,
    Usage,
    estimate_costs,
    read_prices,
    sum_billed_seconds,
    sum_task_seconds,
)
from rental_pipeline.warehouse.data_api import ENDED, DataApi, Submission
from rental_pipeline.warehouse.executions import Executions, count_transitions, read_executions
from rental_pipeline.warehouse.steps.step import insert_rows, name_run

_OWN_OBJECTS = 6  # ledger, fingerprints, plan, compared, slices and loads.json
_PLANNING = "Plan the run"
_AFTER_PLANNING = ("prepare", "load", "pending", "curate", "stage", "check", "publish", "close")


@dataclass(frozen=True)
class Time:
    """One line of the control table run_time.

    Attributes:
        kind: `state` or `statement`.
        name: Of the state as the console shows it, or of the statement.
        statement_id: The Data API's id; None for a state.
        status: The Data API's word; SUCCEEDED or UNFINISHED for a state.
        started_at, ended_at: With offset; the end is None where it is not known.
    """

    kind: str
    name: str
    statement_id: str | None
    status: str
    started_at: datetime
    ended_at: datetime | None


def record_run(api: DataApi, settings: WarehouseSettings, run_sequence: int, execution_id: str, is_closing: bool = False) -> None:
    """Write a run's windows, times and cost into the control schema; what an earlier call wrote of the run is replaced.

    Args:
        is_closing: Whether the run's own step `close` does it, after which its execution goes on to its end.

    Raises:
        RetryLater, FixConfiguration, StatementFailed: as DataApi does.
    """
    name = name_run(settings.marketplace, run_sequence)
    opening = f"{settings.marketplace}/open/{execution_id.rpartition(':')[2]}"
    executions = read_executions(execution_id)
    states = list(_read_states(executions.own))
    # The numbers of runs begin again with a new control schema: what stands under this one may be another run's.
    openings = [_read_statement(summary) for summary in api.list_statements(opening)]
    opened_at = min((statement.started_at for statement in openings), default=None)
    later = [_read_statement(summary) for summary in api.list_statements(name)]
    statements = openings + [statement for statement in later if opened_at and statement.started_at >= opened_at]
    was_planned = any(state.name == _PLANNING and state.ended_at for state in states) or any(
        statement.name.split("/")[2] in _AFTER_PLANNING for statement in statements
    )
    planned, loaded = (run_key(settings.marketplace, run_sequence, name) for name in (PLAN, LOADS))
    plan = find_document(PlannedTables, settings.bucket, planned) if was_planned else None
    loads = find_document(dict[str, LoadTotals], settings.bucket, loaded) if was_planned else None
    usage = _measure_usage(executions, statements, (loads or {}).values(), settings, is_closing)
    changes = [
        *(f"delete from {table} where run_sequence = {run_sequence}" for table in ("run_window", "run_time", "run_cost")),
        *_insert_windows(run_sequence, [table for table in plan.tables if table.read] if plan else []),
        *_insert_costs(run_sequence, estimate_costs(usage, read_prices())),
        *_insert_times(run_sequence, sorted(states + statements, key=lambda line: line.started_at)),
    ]
    set_path = f"set search_path to {Schemas(settings.marketplace).control}"
    for position, request in enumerate(divide_texts(changes, MAX_STATEMENTS - 1)):
        recording = Submission(label=str(position), statements=(set_path, *request))
        api.finish(api.submit(f"{name}/record", recording, str(time.time_ns())))


def _insert_windows(run_sequence: int, tables: list[PlannedTable]) -> list[str]:
    rows = []
    for table in tables:
        bounds = ", ".join(map(_timestamp, (table.lower, table.upper, table.planned_watermark, table.new_watermark)))
        is_complete = str(table.complete).lower()
        rows.append(f"({run_sequence}, {literal(table.name)}, {is_complete}, {bounds}, {table.slice_count})")
    columns = "run_sequence, table_name, is_complete, read_from, read_to, watermark_before, watermark_after, slices"
    return insert_rows(f"run_window ({columns})", rows)


def _insert_times(run_sequence: int, times: list[Time]) -> list[str]:
    rows = []
    for line in times:
        texts = ", ".join(literal(text) for text in (line.kind, line.name, line.statement_id, line.status))
        started_at = line.started_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        seconds = round((line.ended_at - line.started_at).total_seconds(), 3) if line.ended_at else None
        rows.append(f"({run_sequence}, {texts}, {_timestamp(started_at)}, {literal(seconds)})")
    return insert_rows("run_time (run_sequence, kind, name, statement_id, status, started_at, seconds)", rows)


def _insert_costs(run_sequence: int, costs: list[Cost]) -> list[str]:
    rows = []
    for cost in costs:
        item, unit, replaces = map(literal, (cost.item, cost.unit, cost.replaces))
        rows.append(f"({run_sequence}, {item}, {cost.quantity:.6f}, {unit}, {cost.usd:.8f}, {replaces})")
    return insert_rows("run_cost (run_sequence, item, quantity, unit, usd, replaces)", rows)


def _measure_usage(
    executions: Executions,
    statements: list[Time],
    loads: Iterable[LoadTotals],
    settings: WarehouseSettings,
    is_closing: bool,
) -> Usage:
    """Gather what the run used from its executions' histories, its statements, and its slices' own clocks."""
    loads = list(loads)
    pieces = sum(load.pieces or load.slices for load in loads)
    called, sql = (_list_task_seconds(histories) for histories in ([executions.own], executions.steps))
    moments = [event["timestamp"] for event in executions.own]
    has_published = any(line.name.split("/")[2] == "publish" and line.status == "FINISHED" for line in statements)
    to_come = TRANSITIONS_TO_COME["published" if has_published else "unpublished"] if is_closing else 0
    if executions.slices:
        reads = len(_list_task_seconds(executions.slices))
        of_slices = executions.slice_count + sum(map(count_transitions, executions.slices))
    else:
        reads = max(pieces, executions.slice_count)
        of_slices = reads * TRANSITIONS_OF_A_PIECE + executions.slice_count * TRANSITIONS_OF_A_SLICE
    return Usage(
        seconds=(max(moments) - min(moments)).total_seconds() if moments else 0,
        function_seconds={CALLED: sum(called), EXTRACTING: sum(load.seconds for load in loads), SQL: sum(sql)},
        invocations=len(called) + len(sql) + reads,
        transitions=sum(map(count_transitions, [executions.own, *executions.steps])) + of_slices + to_come,
        # A result per piece, a manifest per table, and the run's own objects.
        objects=sum(load.parts for load in loads) + pieces + len(loads) + _OWN_OBJECTS,
        redshift_seconds=sum_billed_seconds(
            ((line.started_at, line.ended_at) for line in statements if line.ended_at), read_prices()["redshift_least_seconds"]
        ),
        redshift_rpus=settings.redshift_rpus if settings.redshift_workgroup else None,
    )


def _list_task_seconds(histories: Iterable[list[dict[str, Any]]]) -> list[float]:
    return [seconds for events in histories for seconds in sum_task_seconds(events).get("lambda", [])]


def _timestamp(text: str | None) -> str:
    return f"cast({literal(text and text.replace('T', ' '))} as timestamp)"


def _read_statement(summary: dict[str, Any]) -> Time:
    ended_at = summary["UpdatedAt"] if summary["Status"] in ENDED else None
    return Time("statement", summary["StatementName"], summary["Id"], summary["Status"], summary["CreatedAt"], ended_at)


def _read_states(events: Iterable[dict[str, Any]]) -> Iterator[Time]:
    """Find the states of the run's picture in the execution's history.

    Those inside a Map are left out: their statements, or the results of their slices, say more.
    """
    depth, entered = 0, {}
    for event in events:
        if event["type"] == "MapIterationStarted":
            depth += 1
        elif event["type"] in ("MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"):
            depth -= 1
        elif depth:
            continue
        elif event["type"] in ("TaskStateEntered", "MapStateEntered"):
            entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"]
        elif event["type"] in ("TaskStateExited", "MapStateExited"):
            name = event["stateExitedEventDetails"]["name"]
            # After a redrive a state may be left that was entered before, inside a Map's iteration or not at all.
            if started_at := entered.pop(name, None):
                yield Time("state", name, None, "SUCCEEDED", started_at, event["timestamp"])
    for name, started_at in entered.items():
        yield Time("state", name, None, "UNFINISHED", started_at, None)
