"""The built functions in containers, by AWS's own command, with the sample events: `make sam-local`.

The events tell one story, and each function does its real work in it, in this order: a run is opened and planned, its slices are
read and listed; then its execution fails, and is cleaned up after. What it left, a whole run of the state machine finishes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import ROOT, Stack
from local.standins.containers.docker_engine import NoContainers, run_engine
from local.standins.containers.sam_local import SamLocal

# A whole run in containers; its events tell one story.
pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

EVENTS = ROOT / "events"
INVOKED = set()
TABLES = ("apartments", "apartment_attributes", "bookings", "user_viewing")


@pytest.fixture(scope="module")
def stack(request) -> Iterator[Stack]:
    """A stack whose functions run in containers; which image they have is told, as it may be a stand-in."""
    with tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as name, ExitStack() as closing_last:
        folder = Path(name)
        try:
            engine = closing_last.enter_context(run_engine())
        except NoContainers as error:
            pytest.skip(f"the functions cannot run in containers here: {error}")
        request.config.get_terminal_writer().line(f"\nthe functions run in {engine.image}")
        # One slice at a time: sam keeps one container per function.
        with Stack(folder, parameters={"SliceConcurrency": "1"}, functions=SamLocal(engine, folder)) as stack:
            with closing(stack.source.connect()) as connection:
                create_sample_schema(connection, "apartments")
                fill(connection, scale=0.0001, seed=3, anchor=datetime.now(UTC).date())
            stack.functions.start(stack.deployment)
            yield stack


def invoke(stack: Stack, function: str, event: str) -> Any:
    """`sam local invoke` with a sample event; return the answer of a function that succeeded."""
    answer = stack.functions.invoke_once(function, EVENTS / event)
    assert answer.function_error is None, answer.payload.decode()
    INVOKED.add(event)
    return json.loads(answer.payload)


def read_object(stack: Stack, key: str) -> Any:
    return json.loads(stack.s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read())


def count_rows(stack: Stack) -> dict[str, int]:
    """How many rows each table of the source has."""
    counts = {}
    with closing(stack.source.connect()) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"select count(*) from {table}")
            (counts[table],) = cursor.fetchone()
    return counts


def test_run_sql_opens_the_run(stack):
    """events/run_sql.json: on an empty warehouse, so it makes the control schema too."""
    answer = invoke(stack, "RunSqlFunction", "run_sql.json")
    assert answer["status"] == "FINISHED"
    assert answer["result"]["run_sequence"] == 1
    assert read_object(stack, "apartments/runs/000001/ledger.json")["run_sequence"] == 1


def test_plan_run_cuts_the_slices(stack):
    """events/plan_run.json: of the run that was opened, all tables."""
    answer = invoke(stack, "PlanRunFunction", "plan_run.json")
    assert sorted(answer["tables"]) == sorted(TABLES)
    slices = read_object(stack, answer["slices_key"])
    assert len(slices) == answer["slice_count"] >= len(TABLES)
    assert json.loads((EVENTS / "extract_slice.json").read_text()) in slices


def test_extract_slice_writes_parquet(stack):
    """events/extract_slice.json: the first slice of the bookings."""
    assert invoke(stack, "ExtractSliceFunction", "extract_slice.json") == {"rest": None}
    result = read_object(stack, "apartments/runs/000001/results/bookings/00000.json")
    assert result["rows_read"] == sum(part["rows"] for part in result["parts"]) > 0
    head = stack.s3.head_object(Bucket=stack.bucket, Key=result["parts"][0]["key"])
    assert head["ContentLength"] == result["parts"][0]["bytes"]


def test_a_function_that_fails_is_seen_to_fail(stack):
    """Of `sam local invoke` only the answer tells; its exit code does not. Here slices are missing."""
    answer = stack.functions.invoke_once("WriteManifestsFunction", EVENTS / "write_manifests.json")
    assert answer.function_error == "Unhandled"
    assert json.loads(answer.payload)["errorType"] == "FixData"


def test_write_manifests_lists_what_was_read(stack):
    """events/write_manifests.json: once the other slices are read too, by `sam local start-lambda`."""
    for item in read_object(stack, "apartments/runs/000001/slices.json"):
        answer = stack.invoke("ExtractSliceFunction", item)
        assert answer.function_error is None, answer.payload
    answer = invoke(stack, "WriteManifestsFunction", "write_manifests.json")
    assert answer == {"run_sequence": 1, "rows_read": sum(count_rows(stack).values())}


def test_close_failed_run_frees_the_lease_and_tells_people(stack):
    """events/close_failed_run.json: the execution that opened the run has failed."""
    answer = invoke(stack, "CloseFailedRunFunction", "close_failed_run.json")
    assert answer == {"run_sequence": 1, "has_published": False, "cancelled": [], "problem": None}
    (message,) = stack.messages()
    assert "run 1 failed" in message["Subject"]
    assert "grant it, then rerun" in message["Message"]


def test_the_state_machine_runs_over_start_lambda(stack):
    """From the source to the metrics, every function in its container."""
    execution = stack.start_execution({}).wait()
    assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
    assert execution.output["status"] == "succeeded"
    with stack.warehouse.connect() as connection:
        for table, rows in count_rows(stack).items():
            assert connection.execute(f"select count(*) from apartments_raw.{table}").fetchone() == (rows,), table
        for metric in sorted(path.stem for path in (ROOT / "sql/apartments/presentation").glob("*.sql")):
            assert connection.execute(f"select count(*) from apartments_presentation.{metric}").fetchone() > (0,), metric


def test_switch_catalogue_shows_the_run_again(stack):
    """events/switch_catalogue.json: the run that succeeded, as when an execution is redriven; it changes nothing."""
    answer = invoke(stack, "SwitchCatalogueFunction", "switch_catalogue.json")
    assert answer["run_sequence"] == 2
    assert answer["tables"] > len(TABLES)


def test_every_other_function_answers_its_event(stack):
    """Those that have no part in the story yet: none shall be without a try."""
    for event in sorted({path.name for path in EVENTS.glob("*.json")} - INVOKED):
        function = event.removesuffix(".json").replace("_", " ").title().replace(" ", "") + "Function"
        invoke(stack, function, event)
