"""An execution of the state machine as a person follows it: eight stages, each with how far it is and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import LiteralString

from botocore.exceptions import ClientError
from psycopg import Connection, Error, sql

from local.commands.progress import Progress
from local.stack import Stack
from local.started_execution import StartedExecution, VisitedState
from rental_pipeline.base.object_store import LOADS, run_key

READING = "Read the source"
# The state with which each stage begins. States that are no beginning belong to the stage that is on.
BEGINNINGS = {
    "Detect changes": "Plan",
    "Extract the slices": READING,
    "Write the manifests": READING,  # where there was nothing to extract
    "Replay raw tables": "Load raw",
    "Load raw tables": "Load raw",
    "Find what is pending": "Build curated",
    "Stage and check the metrics": "Make the metrics",
    "Publish": "Publish",
    "Unload to the lake": "Write the lake",
    "Close the run": "Write the report",
}
# What is told of each stage: the words, and the select that fills them, of one run.
_TOLD: dict[str, tuple[str, LiteralString]] = {
    "Load raw": (
        "{:,} rows new or changed",
        "select sum(rows_added) from {control}.table_load where run_sequence = %s",
    ),
    "Build curated": (
        "{:,} accepted, {:,} set aside",
        "select sum(rows_accepted), sum(rows_rejected) from {control}.curated_build where run_sequence = %s",
    ),
    "Make the metrics": ("{:,} rows", "select sum(metric_rows) from {control}.metric_build where run_sequence = %s"),
    "Publish": (
        "{:,} checks, {:,} warnings",
        "select count(*), sum(case when violations > 0 then 1 else 0 end) from {control}.check_result where run_sequence = %s",
    ),
    "Write the lake": ("{:,} rows", "select sum(unloaded_rows) from {control}.lake_unload where run_sequence = %s"),
}
_SHOWN_SECONDS = 0.05  # a state that only decides is not worth a line


def name_stage(states: Sequence[VisitedState]) -> str:
    """Return the stage that is on, by the states that the execution has entered; nothing before the first."""
    begun = [state for state in states if state.name in BEGINNINGS]
    return BEGINNINGS[max(begun, key=lambda state: state.started_at).name] if begun else ""


class ExecutionStages:
    """Follows an execution, and tells its stages.

    Args:
        progress: Where they are told.
        stack: Whose warehouse knows what came of each.
        execution: That is followed.
    """

    def __init__(self, progress: Progress, stack: Stack, execution: StartedExecution) -> None:
        self._progress = progress
        self._stack = stack
        self._execution = execution
        self._title: str | None = None
        self._begun: VisitedState | None = None
        self._detailed = 0

    def follow(self, states: Sequence[VisitedState]) -> None:
        """Tell what is new in the states that the execution has entered, in the order in which they were left."""
        self._tell_details([state for state in states if state.seconds is not None])
        entered = sorted(states, key=lambda state: state.started_at)
        begun = [state for state in entered if state.name in BEGINNINGS]
        known = self._begun.started_at if self._begun else None
        for state in begun:
            title = BEGINNINGS[state.name]
            if (known is None or state.started_at > known) and title != self._title:
                self._end(state)
                self._title, self._begun = title, state
                self._progress.begin(title)
        loops = [state for state in entered if state.seconds is None and state.items]
        if loops:
            self._progress.show("", loops[-1].items_done, loops[-1].items)
        else:
            self._progress.show()

    def end(self, states: Sequence[VisitedState]) -> None:
        """Tell the last stage's end."""
        last = max(states, key=lambda state: state.started_at, default=None)
        self._end(last, is_last=True)

    def _end(self, until: VisitedState | None, is_last: bool = False) -> None:
        if self._title is None or self._begun is None or until is None:
            return
        seconds = (until.started_at - self._begun.started_at).total_seconds() + ((until.seconds or 0.0) if is_last else 0.0)
        self._progress.end(self._describe(self._title), seconds)
        self._title = None

    def _describe(self, title: str) -> str:
        """Return what came of a stage, in rows; nothing where there were none, or nobody can be asked."""
        try:
            with self._stack.warehouse.connect() as warehouse:
                run = self._find_run(warehouse)
                if run is None:
                    return ""
                if title == READING:
                    return f"{self._count_read(run):,} rows"
                if title not in _TOLD:
                    return ""
                words, query = _TOLD[title]
                (row,) = warehouse.execute(sql.SQL(query).format(control=self._control), [run]).fetchall()
        except (Error, ClientError):
            return ""  # the figures are an extra; what is wrong the execution will say
        return "" if None in row else words.format(*map(int, row))

    def _find_run(self, warehouse: Connection) -> int | None:
        query = sql.SQL("select run_sequence from {}.run where execution_id = %s").format(self._control)
        found = warehouse.execute(query, [self._execution.arn]).fetchone()
        return int(found[0]) if found else None

    def _count_read(self, run: int) -> int:
        """Return the rows read by a run: the warehouse knows them only after the load."""
        key = run_key(self._stack.marketplace, run, LOADS)
        loads = json.loads(self._stack.s3.get_object(Bucket=self._stack.bucket, Key=key)["Body"].read())
        return sum(load["rows_read"] for load in loads.values())

    @property
    def _control(self) -> sql.Identifier:
        return sql.Identifier(f"{self._stack.marketplace}_control")

    def _tell_details(self, left: list[VisitedState]) -> None:
        for state in left[self._detailed :]:
            if state.seconds is not None and state.seconds >= _SHOWN_SECONDS:
                subject = f": {state.subject}" if state.subject else ""
                self._progress.detail(f"  {state.seconds:6.1f} s  {state.name}{subject}")
        self._detailed = len(left)
