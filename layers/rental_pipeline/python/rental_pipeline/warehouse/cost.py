"""What a run costs in dollars, estimated from its own figures, beside the same work done by a Glue job.

An estimate, not a bill: storage, logs, data transfer, and what others do on the same warehouse are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# Memory of the functions in MB, as template.yaml gives it (a test holds both together). CALLED are those that the run's machine
# calls itself, once each; all are taken for the largest of them.
CALLED, EXTRACTING, SQL = "called", "extracting", "sql"
MEMORY_MB = {CALLED: 1024, EXTRACTING: 1769, SQL: 512}
# What follows when a run's cost is recorded, within the step `close`: that step's own end, then the states of
# statemachine/run.asl.yaml up to its end, of a run that published with the report's step (a test counts them there).
TRANSITIONS_TO_COME = {"published": 9, "unpublished": 4}
# Of a slice whose history is not read: each piece is read and asked for a rest, then there is none. Its start counts, too.
TRANSITIONS_OF_A_PIECE = 2
TRANSITIONS_OF_A_SLICE = 2
_HOUR = 3600


@dataclass(frozen=True)
class Usage:
    """The figures of a run that cost money.

    Attributes:
        seconds: From its first state to its end.
        function_seconds: Over all invocations, by kind of function (as MEMORY_MB names them).
        invocations: Of all functions.
        transitions: Of all state machines, those to come until the run's end among them.
        objects: Parquet files, results and manifests put on S3.
        redshift_seconds: That are billed of a Serverless workgroup.
        redshift_rpus: Base capacity of the Serverless workgroup; None for a cluster, which costs the same when it idles.
    """

    seconds: float
    function_seconds: dict[str, float]
    invocations: int
    transitions: int
    objects: int
    redshift_seconds: float
    redshift_rpus: int | None


@dataclass(frozen=True)
class Cost:
    """One line of the estimate: an amount of something, and its price in US dollars.

    `replaces` is empty for what the run used, and says for the alternative what it would do instead.
    """

    item: str
    quantity: float
    unit: str
    usd: float
    replaces: str = ""


@cache
def read_prices() -> dict[str, Any]:
    """Return the price file's entries, with `region` and `date`."""
    prices: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text(encoding="utf-8"))
    return prices


def estimate_costs(usage: Usage, prices: dict[str, Any]) -> list[Cost]:
    """Return what each service costs, and last what a Glue job would instead of Lambda, Step Functions and S3 requests."""
    gb_seconds = sum(seconds * MEMORY_MB[function] / 1024 for function, seconds in usage.function_seconds.items())
    costs = [
        Cost("lambda", gb_seconds, "GB-seconds", gb_seconds * prices["lambda_gb_second"]),
        Cost("lambda requests", usage.invocations, "requests", usage.invocations * prices["lambda_request"]),
        Cost("step functions", usage.transitions, "transitions", usage.transitions * prices["state_transition"]),
        Cost("s3", usage.objects, "puts", usage.objects * prices["s3_put"]),
    ]
    if usage.redshift_rpus is not None:
        rpu_hours = usage.redshift_rpus * usage.redshift_seconds / _HOUR
        costs.append(Cost("redshift", rpu_hours, "RPU-hours", rpu_hours * prices["redshift_rpu_hour"]))
    dpu_hours = prices["glue_least_dpus"] * max(usage.seconds, prices["glue_least_seconds"]) / _HOUR
    glue = Cost("glue", dpu_hours, "DPU-hours", dpu_hours * prices["glue_dpu_hour"], "lambda, step functions, s3")
    return [*costs, glue]


def describe_costs(costs: Iterable[dict[str, Any]], prices: dict[str, Any]) -> str:
    """Return the estimate as a sentence, from rows of the control table run_cost (`item`, `usd`, `replaces`)."""
    costs = list(costs)
    used = {row["item"]: float(row["usd"]) for row in costs if not row["replaces"]}
    parts = ", ".join(f"{item} ${usd:.4f}" for item, usd in sorted(used.items(), key=lambda each: -each[1]))
    own, with_glue = add_up(costs)
    return (
        f"Cost: about ${own:.4f} ({parts}); with a Glue job for as long instead, about ${with_glue:.4f}."
        f" Prices of {prices['region']}, {prices['date']}."
    )


def add_up(costs: Iterable[dict[str, Any]]) -> tuple[float, float]:
    """Return in US dollars what a run used, and what it would have used with a Glue job, from rows of run_cost."""
    used = {row["item"]: float(row["usd"]) for row in costs if not row["replaces"]}
    glue = sum(float(row["usd"]) for row in costs if row["replaces"])
    return sum(used.values()), glue + used.get("redshift", 0)


def sum_billed_seconds(intervals: Iterable[tuple[datetime, datetime]], least: float) -> float:
    """Return for how many seconds Redshift Serverless bills, of statements that ran in these intervals.

    Each time that it wakes, it bills so many at least. A pause shorter than that, in which a run reads the source, counts as
    awake: to sleep in it would cost as much.
    """
    billed = 0.0
    start = until = None
    for begun, ended in sorted(intervals):
        if start is None or until is None or (begun - until).total_seconds() >= least:
            billed += max(least, (until - start).total_seconds()) if start and until else 0
            start, until = begun, ended
        else:
            until = max(until, ended)
    return billed + (max(least, (until - start).total_seconds()) if start and until else 0)


def sum_task_seconds(events: Iterable[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the seconds of each task of an execution's history that ended, by the kind of service it called."""
    scheduled: dict[int, dict[str, Any]] = {}
    origin: dict[int, int] = {}
    found: dict[str, list[float]] = {}
    for event in events:
        if event["type"] == "TaskScheduled":
            scheduled[event["id"]] = event
            origin[event["id"]] = event["id"]
        elif event["type"].startswith("Task") and event.get("previousEventId") in origin:
            origin[event["id"]] = origin[event["previousEventId"]]
            if event["type"] in ("TaskSucceeded", "TaskFailed", "TaskTimedOut"):
                start = scheduled[origin[event["id"]]]
                seconds = (event["timestamp"] - start["timestamp"]).total_seconds()
                found.setdefault(start["taskScheduledEventDetails"]["resourceType"], []).append(seconds)
    return found
