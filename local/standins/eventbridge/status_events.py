"""EventBridge on this machine: the events of ended executions, and the rules of the template that wait for them.

Only "Step Functions Execution Status Change" exists here, and of patterns only lists of exact values. The event is delivered
once; the retries of EventBridge and Lambda, and the queue behind them, are AWS's.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.standins.account import ACCOUNT, REGION
from local.standins.aws_lambda.execution_environment import Answer
from local.standins.aws_lambda.service import Functions

# A run pays for each look, on the same processors; who waits for a delivery has the next one made at once.
POLL_SECONDS = 2
# An execution, and when it ended: one that was redriven ends more than once.
_End = tuple[str, datetime | None]
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def make_status_event(description: dict[str, Any]) -> dict[str, Any]:
    """Make the event that EventBridge would deliver for an execution, from DescribeExecution's answer.

    Its shape is that of the AWS Step Functions Developer Guide, "Automating Step Functions event delivery with EventBridge".
    """

    def milliseconds(moment: datetime | None) -> int | None:
        return None if moment is None else int(moment.timestamp() * 1000)

    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [description["executionArn"]],
        "detail": {
            "executionArn": description["executionArn"],
            "stateMachineArn": description["stateMachineArn"],
            "name": description["name"],
            "status": description["status"],
            "startDate": milliseconds(description["startDate"]),
            "stopDate": milliseconds(description.get("stopDate")),
            "input": description.get("input"),
            "output": description.get("output"),
            "inputDetails": {"included": True},
            "outputDetails": {"included": True} if "output" in description else None,
            "error": description.get("error") or None,
            "cause": description.get("cause") or None,
        },
    }


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an event fits an EventBridge pattern of exact values."""
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            if not matches(wanted, event.get(name) or {}):
                return False
        elif any(isinstance(value, dict) for value in wanted):
            raise ValueError(f"the pattern {wanted} of {name} is not known to local/standins/eventbridge/status_events.py")
        elif event.get(name) not in wanted:
            return False
    return True


@dataclass(frozen=True)
class Rule:
    """A rule of the template: its pattern, and the functions it invokes."""

    pattern: dict[str, Any]
    targets: tuple[str, ...]

    def may_be_about(self, machine: str) -> bool:
        """Whether its pattern lets executions of a state machine pass."""
        return machine in self.pattern.get("detail", {}).get("stateMachineArn", [machine])


class StatusEvents:
    """Watches the executions of some state machines, and delivers an event for each that ends."""

    def __init__(self, states: Any, machines: list[str], rules: list[Rule], functions: Functions) -> None:
        self._states, self._rules, self._functions = states, rules, functions
        self._machines = [machine for machine in machines if any(rule.may_be_about(machine) for rule in rules)]
        self._answers: dict[_End, list[Answer]] = {}
        self._delivered = threading.Condition()
        self._has_stopped = False
        self._is_awaited = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="status-events", daemon=True)
        self._thread.start()

    def wait_for_delivery(self, execution_arn: str, seconds: float) -> list[Answer]:
        """Return what the rules' targets answered to the end of an execution, once they did ([] where no rule fits).

        Raises:
            TimeoutError: it was not delivered in time.
        """
        description = self._states.describe_execution(executionArn=execution_arn)
        if description["stateMachineArn"] not in self._machines:
            return []
        end = execution_arn, description["stopDate"]
        self._is_awaited.set()
        with self._delivered:
            if not self._delivered.wait_for(lambda: end in self._answers, seconds):
                raise TimeoutError(f"the end of {execution_arn} was not delivered within {seconds:.0f} s")
            return self._answers[end]

    def stop(self) -> None:
        """Stop watching."""
        self._has_stopped = True
        self._is_awaited.set()
        self._thread.join()

    def _watch(self) -> None:
        seen: set[_End] = set()
        while True:
            self._is_awaited.wait(POLL_SECONDS)
            self._is_awaited.clear()
            if self._has_stopped:
                return
            for machine in self._machines:
                for execution in self._list(machine):
                    end = execution["executionArn"], execution.get("stopDate")
                    if execution["status"] in ENDED and end not in seen:
                        seen.add(end)
                        threading.Thread(target=self._deliver, args=(end,), daemon=True).start()

    def _list(self, machine: str) -> list[dict[str, Any]]:
        try:
            pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=machine)
            return [execution for page in pages for execution in page["executions"]]
        except Exception:  # the server is going down, or was stopped by a test
            return []

    def _deliver(self, end: _End) -> None:
        event = make_status_event(self._states.describe_execution(executionArn=end[0]))
        answers = [
            self._functions.invoke(target, event)
            for rule in self._rules
            if matches(rule.pattern, event)
            for target in rule.targets
        ]
        with self._delivered:
            self._answers[end] = answers
            self._delivered.notify_all()


def read_rules(resolve_rules: Callable[[], dict[str, dict[str, Any]]]) -> list[Rule]:
    """Return the event rules of a template (`template.resources("AWS::Events::Rule")`)."""
    return [
        Rule(properties["EventPattern"], tuple(target["Arn"] for target in properties["Targets"]))
        for properties in resolve_rules().values()
        if "EventPattern" in properties and properties.get("State", "ENABLED") == "ENABLED"
    ]
