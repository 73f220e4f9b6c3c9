"""Logs, metrics and traces, through Powertools for AWS Lambda; the only module that knows them.

Tracing rests on the X-Ray SDK, which is in maintenance since 2026-02: to leave it is to change this file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Tracer, single_metric
from aws_lambda_powertools.metrics import MetricUnit

# The template names it after the stack, so that two stacks of one account do not mix their metrics.
SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "rental-pipeline")
NAMESPACE = "RentalPipeline"
# What an event may say of the work to be done; every line of the invocation's log carries it.
_LOGGED_KEYS = ("run_sequence", "table", "slice", "step")

logger = Logger(service=SERVICE)
# Lambda names the X-Ray daemon in the environment; elsewhere (local emulator, tests) there is none to send to.
# Only calls of AWS are traced. By default all that is installed is patched: every function would import the database driver, and
# its connections, whose packets extraction reads itself, would be wrapped.
tracer = Tracer(service=SERVICE, disabled="AWS_XRAY_DAEMON_ADDRESS" not in os.environ, patch_modules=("botocore",))

Handler = Callable[[Any, Any], Any]


def observe(handler: Handler) -> Handler:
    """Wrap a Lambda handler: its log lines carry the request's id and the run, table, slice and step, and its time is traced.

    Neither events nor results are logged or traced: their size is not bounded, and a log is read by more people than the data.
    """

    @wraps(handler)
    def handle(event: Any, context: Any) -> Any:
        named = {key: event[key] for key in _LOGGED_KEYS if event.get(key) is not None} if isinstance(event, dict) else {}
        logger.append_keys(**named)
        for key, value in named.items():
            tracer.put_annotation(key, value)
        return handler(event, context)

    logged = logger.inject_lambda_context(handle, log_event=False, clear_state=True)
    return tracer.capture_lambda_handler(logged, capture_response=False)


def count(name: str, value: float, **dimensions: str) -> None:
    """Publish a CloudWatch metric of unit Count (as a line of the log, in embedded metric format), e.g. `table="bookings"`."""
    _publish(name, value, MetricUnit.Count, dimensions)


def seconds(name: str, value: float, **dimensions: str) -> None:
    """Publish a CloudWatch metric of unit Seconds, as `count` does."""
    _publish(name, value, MetricUnit.Seconds, dimensions)


def dollars(name: str, value: float, **dimensions: str) -> None:
    """Publish a CloudWatch metric in US dollars (CloudWatch has no such unit: None), as `count` does."""
    _publish(name, value, MetricUnit.NoUnit, dimensions)


def _publish(name: str, value: float, unit: MetricUnit, dimensions: dict[str, str]) -> None:
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="service", value=SERVICE)
        for dimension, meaning in dimensions.items():
            metric.add_dimension(name=dimension, value=meaning)
