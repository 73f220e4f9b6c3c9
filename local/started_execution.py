"""An execution of the state machine on this machine: waited for, stopped, and read back state by state."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from local.standins.eventbridge.status_events import ENDED

POLL_SECONDS = 0.4
# To read what is new in the history costs the run more than the question whether it has ended.
PROGRESS_SECONDS = 0.8
_EVENTS_AT_ONCE = 25


@dataclass(frozen=True)
class VisitedState:
    """A state that an execution entered.

    Attributes:
        name: As in the definition.
        subject: The table or metric that it works on, where it works on one.
        started_at: When it was entered.
        seconds: How long it took; None while it has not ended.
        items, items_done: Of a Map, how many items it has, and how many of them it is through with; None of any other.
    """

    name: str
    subject: str | None
    started_at: datetime
    seconds: float | None
    items: int | None = None
    items_done: int = 0


class StartedExecution:
    """An execution of the stack's state machine.

    Args:
        states: boto3 client of Step Functions.
        arn: The execution's.
        wait_for_rules: Returns when what the template's rules start at an execution's end has ended.
    """

    def __init__(self, states: Any, arn: str, wait_for_rules: Callable[[str], Any]) -> None:
        self.arn = arn
        self._states = states
        self._wait_for_rules = wait_for_rules
        self._events: dict[int, dict[str, Any]] = {}

    def wait(self, progress: Callable[[list[VisitedState]], None] | None = None, seconds: float = 900) -> StartedExecution:
        """Return when it has ended, and what the template's rules start at its end has ended too.

        Args:
            progress: Told of all states that it has visited, each second, and at its end.
            seconds: How long to wait at most.

        Raises:
            TimeoutError: it still runs.
        """
        deadline = time.monotonic() + seconds
        told_at = -math.inf
        while True:
            has_ended = self.status in ENDED
            if progress and (has_ended or time.monotonic() - told_at >= PROGRESS_SECONDS):
                progress(self.visited_states())
                told_at = time.monotonic()
            if has_ended:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.arn} still runs after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        self._wait_for_rules(self.arn)
        return self

    def stop(self) -> None:
        """Abort it, as a person would in the console."""
        self._states.stop_execution(executionArn=self.arn)

    def redrive(self) -> StartedExecution:
        """Go on where it failed or was stopped, as a person does in the console."""
        self._states.redrive_execution(executionArn=self.arn)
        return self

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return str(self._describe()["status"])

    @property
    def output(self) -> Any:
        """What it returned; None where it did not succeed."""
        output = self._describe().get("output")
        return None if output is None else json.loads(output)

    @property
    def error(self) -> str | None:
        """Name of the error it failed with."""
        return self._describe().get("error")

    @property
    def cause(self) -> str | None:
        """What the error said (JSON where it comes from a nested execution or a function)."""
        return self._describe().get("cause")

    @property
    def seconds(self) -> float:
        """How long it took, or takes so far."""
        description = self._describe()
        return float(((description.get("stopDate") or datetime.now(UTC)) - description["startDate"]).total_seconds())

    def history(self) -> list[dict[str, Any]]:
        """Return its events, as GetExecutionHistory gives them; only those are asked for that are not known from before."""
        newest = max(self._events, default=0)
        pages = self._states.get_paginator("get_execution_history").paginate(
            executionArn=self.arn, reverseOrder=True, PaginationConfig={"PageSize": _EVENTS_AT_ONCE}
        )
        for page in pages:
            self._events |= {event["id"]: event for event in page["events"]}
            if min(event["id"] for event in page["events"]) <= newest + 1:
                break
        return [self._events[number] for number in sorted(self._events)]

    def visited_states(self) -> list[VisitedState]:
        """Return the states it entered, in the order in which they were left; those it is still in come last."""
        left: list[VisitedState] = []
        inside: list[VisitedState] = []
        for event in self.history():
            if entered := event.get("stateEnteredEventDetails"):
                inside.append(VisitedState(entered["name"], _name_subject(entered.get("input")), event["timestamp"], None))
            elif exited := event.get("stateExitedEventDetails"):
                # Without concurrency inside the run's history, the state left is the last one entered of that name.
                state = inside.pop(max(i for i, each in enumerate(inside) if each.name == exited["name"]))
                left.append(replace(state, seconds=(event["timestamp"] - state.started_at).total_seconds()))
            elif loop := event.get("mapStateStartedEventDetails"):
                inside[-1] = replace(inside[-1], items=loop["length"])
            elif event.get("mapIterationSucceededEventDetails"):
                number = max(i for i, each in enumerate(inside) if each.items is not None)
                inside[number] = replace(inside[number], items_done=inside[number].items_done + 1)
        return left + inside

    def _describe(self) -> dict[str, Any]:
        description: dict[str, Any] = self._states.describe_execution(executionArn=self.arn)
        return description


def _name_subject(state_input: str | None) -> str | None:
    document = json.loads(state_input) if state_input else None
    if not isinstance(document, dict):
        return None
    return document.get("table") or document.get("metric")
