"""Pipelines that are broken on purpose, from outside, to show that the soak would notice.

Each is a mistake that tools of this kind have made (a data engineer's first version makes all three).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from rental_pipeline.warehouse.data_api import DataApi
from tests.fixtures.world import World

_MICROSECOND = timedelta(microseconds=1)


@contextmanager
def watermark_strictly_greater(world: World) -> Iterator[None]:
    """Remember the largest cursor that was seen, and read what is strictly greater: no bound, no overlap, no missing cursors."""

    def alter(plan: dict[str, Any], table: dict[str, Any]) -> None:
        if table["strategy"] != "merge" or not table["read"] or table["upper"]:
            return
        ((largest,),) = world.source.query(f"select max({table['cursor']}) from {table['source_name']}")
        table["new_watermark"] = largest.isoformat(timespec="microseconds")
        if table["planned_watermark"]:
            after = datetime.fromisoformat(table["planned_watermark"]) + _MICROSECOND
            table["lower"] = after.isoformat(timespec="microseconds")
            table["complete"] = False

    with _altered_plans(world, alter):
        yield


@contextmanager
def watermark_moved_before_the_load(world: World) -> Iterator[None]:
    """Write the source's clock down as the watermark as soon as the run is planned, and next time read from there."""

    def alter(plan: dict[str, Any], table: dict[str, Any]) -> None:
        if table["strategy"] != "merge" or not table["read"] or not table["planned_watermark"]:
            return
        table["lower"], table["complete"] = table["planned_watermark"], False
        table["planned_watermark"] = table["new_watermark"] = plan["source_time"]
        with world.warehouse.connect() as connection:
            connection.execute(
                "update apartments_control.layer_position set watermark = %s where layer = 'raw' and name = %s",
                (table["new_watermark"], table["name"]),
            )

    with _altered_plans(world, alter):
        yield


@contextmanager
def plain_append(world: World) -> Iterator[None]:
    """Add to raw whatever arrives, and ask nothing about what is there."""
    submit = DataApi.submit

    def submit_appending(self: DataApi, name: str, submission: Any, execution_id: str) -> str:
        if "/load/" in name:
            statements = tuple(_append_plainly(statement) for statement in submission.statements)
            assert statements != submission.statements, "the load does not look as this breakage knows it"
            submission = type(submission)(submission.label, statements, submission.parameters, submission.skip_if)
        return submit(self, name, submission, execution_id)

    world.pipeline.patch.setattr(DataApi, "submit", submit_appending)
    try:
        yield
    finally:
        world.pipeline.patch.setattr(DataApi, "submit", submit)


def _append_plainly(statement: str) -> str:
    if statement.lstrip().startswith("delete from apartments_raw."):
        return "select 1"
    return statement.replace("_rp_newest._row_hash <> _rp_arrived._row_hash", "true")


@contextmanager
def _altered_plans(world: World, alter: Callable[[dict[str, Any], dict[str, Any]], None]) -> Iterator[None]:
    """Change the tables of each plan.json as soon as plan_run has written it."""
    invoke = world.pipeline.invoke

    def invoke_and_alter(function: str, event: Any) -> Any:
        answer = invoke(function, event)
        if function == "plan_run" and event["run_sequence"] is not None:
            key = f"apartments/runs/{event['run_sequence']:06d}/plan.json"
            plan = world.pipeline.read(key)
            for table in plan["tables"]:
                alter(plan, table)
            world.pipeline.s3.put_object(Bucket=world.pipeline.bucket, Key=key, Body=json.dumps(plan))
        return answer

    world.pipeline.invoke = invoke_and_alter
    try:
        yield
    finally:
        del world.pipeline.invoke
