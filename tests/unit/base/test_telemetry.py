"""What a log line and a metric carry, so that a run can be followed through all functions."""

from __future__ import annotations

import io
import json

import pytest

from rental_pipeline.base import telemetry
from tests.fixtures.pipeline import Context


def read_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def log(monkeypatch) -> io.StringIO:
    """Where the log's lines go."""
    stream = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def handle():
    """A handler that logs one line, wrapped as the functions' are."""

    @telemetry.observe
    def handler(event, context):
        telemetry.logger.info("worked", extra={"rows": 3})
        return "done"

    return lambda event: handler(event, Context("test"))


def test_every_line_names_run_table_slice_and_request(handle, log):
    """Whatever the event says of them."""
    assert handle({"run_sequence": 7, "table": "bookings", "slice": 0, "from": ["private"]}) == "done"
    (line,) = read_lines(log.getvalue())
    assert line.items() >= {"run_sequence": 7, "table": "bookings", "slice": 0, "rows": 3, "message": "worked"}.items()
    assert line["function_request_id"]
    assert "private" not in json.dumps(line)


def test_nothing_stays_from_the_invocation_before(handle, log):
    """A warm process serves another run next."""
    handle({"run_sequence": 7, "table": "bookings"})
    handle({"run_sequence": 8})
    _, second = read_lines(log.getvalue())
    assert second["run_sequence"] == 8
    assert "table" not in second


@pytest.mark.parametrize("event", [None, [], "text"])
def test_an_event_that_says_nothing_is_no_trouble(handle, event):
    """A malformed event is the handler's to refuse."""
    assert handle(event) == "done"


@pytest.mark.parametrize(("publish", "unit"), [("count", "Count"), ("seconds", "Seconds"), ("dollars", "None")])
def test_a_metric_is_a_line_that_cloudwatch_reads(publish, unit, capsys):
    """In embedded metric format, with the stack's name as its service."""
    getattr(telemetry, publish)("Something", 2.5, marketplace="apartments")
    (line,) = read_lines(capsys.readouterr().out)
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "RentalPipeline"
    assert {name for names in described["Dimensions"] for name in names} == {"service", "marketplace"}
    assert described["Metrics"] == [{"Name": "Something", "Unit": unit}]
    assert line["Something"] in (2.5, [2.5])
    assert (line["service"], line["marketplace"]) == (telemetry.SERVICE, "apartments")
