"""What a run's executions did, from their histories: the run's own, its nested SQL steps', and its slices'.

Step Functions keeps histories for 90 days; asking for them costs nothing but time (a request for each execution).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

Event = dict[str, Any]

# Of so many slices each history is read. Of more, only how many there were: a retry among thousands changes no cost.
MOST_SLICES = 100
_THREADS = 8


@dataclass(frozen=True)
class Executions:
    """The histories of one run, oldest event first.

    Attributes:
        own: The run's.
        steps: Of each nested execution of a SQL step.
        slices: Of each child of the Distributed Map, where there were few.
        slice_count: Children of the map that were started.
    """

    own: list[Event]
    steps: list[list[Event]]
    slices: list[list[Event]]
    slice_count: int


def read_executions(execution_id: str) -> Executions:
    """Read the histories of a run as they are now; all are empty where Step Functions does not know the run any more."""
    # Its quota is some requests a second; boto waits and asks again.
    client = boto3.client("stepfunctions", config=Config(retries={"mode": "standard", "max_attempts": 10}))
    read = partial(_read_history, client)
    own = read(execution_id)
    nested = [
        json.loads(details["output"])["ExecutionArn"]
        for event in own
        if (details := event.get("taskSubmittedEventDetails")) and details["resourceType"] == "states"
    ]
    map_runs = [event["mapRunStartedEventDetails"]["mapRunArn"] for event in own if event["type"] == "MapRunStarted"]
    children = [arn for map_run in map_runs for arn in _list_children(client, map_run)]
    with ThreadPoolExecutor(_THREADS) as threads:
        steps = list(threads.map(read, nested))
        slices = list(threads.map(read, children)) if len(children) <= MOST_SLICES else []
    return Executions(own, steps, slices, len(children))


def count_transitions(events: Iterable[Event]) -> int:
    """Return what Step Functions bills of an execution: each state that was entered, and each retry of one.

    AWS Step Functions pricing: "including retries". A task is scheduled once for each try.
    """
    entered = tries = tasks = 0
    for event in events:
        entered += event["type"].endswith("StateEntered")
        tries += event["type"] in ("TaskScheduled", "LambdaFunctionScheduled")
        tasks += event["type"] == "TaskStateEntered"
    return entered + max(0, tries - tasks)


def _read_history(client: Any, execution_id: str) -> list[Event]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_id)
    try:
        return [event for page in pages for event in page["events"]]
    except client.exceptions.ExecutionDoesNotExist:
        return []


def _list_children(client: Any, map_run: str) -> Iterator[str]:
    for page in client.get_paginator("list_executions").paginate(mapRunArn=map_run):
        for child in page["executions"]:
            yield child["executionArn"]
