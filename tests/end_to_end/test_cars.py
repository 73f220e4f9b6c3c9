"""The cars marketplace over the one-machine stack: another folder of sql/, the same functions and state machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.marketplace.day import play_day
from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import Stack
from tests.end_to_end.conftest import RETRY_PACE, query_source, query_warehouse, run
from tests.fixtures.layers import assert_same_layers, read_layers
from tests.metrics.cars.personal import assert_no_personal_data

METRICS = [path.stem for path in (Path(__file__).parents[2] / "sql" / "cars" / "presentation").glob("*.sql")]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack of the cars marketplace over a small generated source."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as folder,
        Stack(Path(folder), "cars", retry_pace=RETRY_PACE) as running,
    ):
        with closing(running.source.connect()) as connection:
            create_sample_schema(connection, "cars")
            fill(connection, scale=0.0001, seed=3, anchor=datetime.now(UTC).date(), marketplace="cars")
        yield running


@pytest.mark.slow
def test_cars_are_loaded_incremented_and_told_apart_from_their_users(stack):
    """All metrics are published; an unchanged run builds nothing; a day's increment equals a rebuild; no user is named on S3."""
    assert run(stack)["status"] == "succeeded"
    for metric in METRICS:
        assert query_warehouse(stack, f"select count(*) from cars_presentation.{metric}") > [(0,)], metric
    assert run(stack)["status"] == "unchanged"
    with closing(stack.source.connect()) as connection:
        play_day(connection, seed=5, day_number=1, marketplace="cars")
    assert run(stack)["status"] == "succeeded"
    incremental = read_layers(stack.warehouse, "cars")
    assert run(stack, {"rebuild": True})["status"] == "succeeded"
    assert_same_layers(incremental, read_layers(stack.warehouse, "cars"))
    for email, *_ in query_source(stack, "select email from users"):
        assert not [log for log in (stack.folder / "logs").rglob("*") if log.is_file() and email.encode() in log.read_bytes()]
    assert_no_personal_data(stack.s3, stack.bucket, query_source(stack, "select * from users"))
