"""Two marketplaces at work at the same moment on one machine: each ends as if it were alone."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from local.folder_lock import stop_left_behind
from local.marketplace.day import play_day
from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import Stack

SCALE, SEED = 0.002, 1
PARENT_AND_METRIC = {
    "apartments": ("apartments", "top_listings_weekly"),
    "cars": ("rental_transactions", "rentals_daily"),
}


@pytest.fixture
def stacks() -> Iterator[dict[str, Stack]]:
    """A stack of each marketplace with a source of its own."""
    with tempfile.TemporaryDirectory(prefix="two-") as name, ExitStack() as closing_last:
        found = {}
        for marketplace in PARENT_AND_METRIC:
            folder = Path(name) / marketplace
            closing_last.callback(stop_left_behind, folder)
            found[marketplace] = closing_last.enter_context(Stack(folder, marketplace))
            with closing(found[marketplace].source.connect()) as source:
                create_sample_schema(source, marketplace)
                fill(source, SCALE, SEED, marketplace=marketplace)
        yield found


def run_both(stacks: dict[str, Stack]) -> dict[str, Any]:
    """Start a run of each at the same moment; return what they returned."""
    together = threading.Barrier(len(stacks))

    def run(stack: Stack) -> Any:
        together.wait()
        execution = stack.start_execution().wait()
        assert execution.status == "SUCCEEDED", f"{stack.marketplace}: {execution.error}: {execution.cause}"
        return execution.output

    with ThreadPoolExecutor() as pool:
        return dict(zip(stacks, pool.map(run, stacks.values()), strict=True))


def read_schemas(stack: Stack) -> set[str]:
    """Return the marketplaces of which the warehouse has schemas with tables."""
    with stack.warehouse.connect() as warehouse:
        rows = warehouse.execute("select distinct schemaname from pg_tables where schemaname like '%\\_control'").fetchall()
    return {schema.removesuffix("_control") for (schema,) in rows}


def assert_complete(stack: Stack) -> None:
    """All of the source is in raw and curated or rejected, and there are figures."""
    table, metric = PARENT_AND_METRIC[stack.marketplace]
    with closing(stack.source.connect()) as source, source.cursor() as cursor:
        cursor.execute(f"select count(*) from {table}")
        ((rows,),) = cursor.fetchall()
    with stack.warehouse.connect() as warehouse:

        def count(sql: str) -> int:
            return int(warehouse.execute(f"select count(*) from {stack.marketplace}_{sql}").fetchall()[0][0])

        accepted, rejected = count(f"curated.{table}"), count(f"curated.rejected_rows where table_name = '{table}'")
        assert rows == accepted + rejected > 0
        assert count(f"presentation.{metric}") > 0


@pytest.mark.slow
def test_two_marketplaces_at_once_do_not_disturb_each_other(stacks):
    """They load at the same moment, and change at the same moment; then one is stopped while the other works."""
    assert {name: each["run_sequence"] for name, each in run_both(stacks).items()} == {"apartments": 1, "cars": 1}
    for name, stack in stacks.items():
        with closing(stack.source.connect()) as source:
            play_day(source, SEED, 1, name)
    assert {name: each["run_sequence"] for name, each in run_both(stacks).items()} == {"apartments": 2, "cars": 2}
    for name, stack in stacks.items():
        assert_complete(stack)
        assert read_schemas(stack) == {name}
        assert {key.split("/", 1)[0] for key in list_keys(stack)} == {name}

    with closing(stacks["cars"].source.connect()) as source:
        play_day(source, SEED, 2, "cars")
    execution = stacks["cars"].start_execution()
    stacks["apartments"].stop()
    assert execution.wait().status == "SUCCEEDED"
    assert_complete(stacks["cars"])


def list_keys(stack: Stack) -> list[str]:
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]
