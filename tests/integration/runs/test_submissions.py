"""What a run asks of the warehouse, counted: it bills by the minute that it is awake, and each request takes its time."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.marketplace.generator import fill
from local.standins.step_functions.walk import name_arn
from rental_pipeline.warehouse import run_step
from rental_pipeline.warehouse.executions import count_transitions
from tests.fixtures.aws_calls import CallFault, watch_aws_calls
from tests.fixtures.executions import RUN
from tests.fixtures.few_metrics import SQL_ROOT


@pytest.fixture(scope="module")
def sql_root() -> Path:
    """All metrics."""
    return SQL_ROOT


ONE_BOOKING = (
    "create table one as select * from bookings where booking_id = {booking}",
    "update one set booking_id = 999999, changed_at = now(6)",
    "insert into bookings select * from one",
    "drop table one",
)
EVERY_TABLE = (
    *ONE_BOOKING,
    "update apartments set price = price + 1, changed_at = now(6) limit 1",
    "update apartment_attributes set square_feet = square_feet + 1 limit 1",
    "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action)"
    " select user_id, apartment_id, viewed_at, is_wishlisted, call_to_action from user_viewing"
    " where apartment_id in (select id from apartments) limit 1",
)


@pytest.mark.parametrize(
    ("changes", "most_requests", "most_writes", "most_transitions"),
    [(ONE_BOOKING, 22, 11, 66), (EVERY_TABLE, 30, 18, 78)],
    ids=["one booking more", "every table"],
)
def test_a_changed_run_asks_the_warehouse_seldom(
    pipeline, source_database, fresh_warehouse, contract, monkeypatch, changes, most_requests, most_writes, most_transitions
):
    """Requests of the Data API by step, those that write, and state transitions of all executions."""
    monkeypatch.setattr(run_step, "is_time_left", lambda seconds: True)
    contract.edit(lambda tables: [table.update(max_rejected_fraction=1) for table in tables.values()])
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    pipeline.run()
    accepted = "select min(booking_id) from apartments_curated.bookings where booking_status = 'confirmed'"
    ((booking,),) = fresh_warehouse.query(accepted)
    for change in changes:
        source_database.execute(change.format(booking=booking))
    requests, writes = Counter[str](), Counter[str]()

    def count(request: Any, name: str) -> None:
        asked = json.loads(request.body)
        step = "/".join(asked["StatementName"].split("/")[1:3])
        requests[step] += 1
        writes[step] += "lock lease" in asked.get("Sqls", ())

    before = set(pipeline.machines.executions)
    with watch_aws_calls() as calls:
        calls.fault = CallFault(r"redshift-data\.(Batch)?ExecuteStatement", count, times=1000)
        execution = pipeline.machines.start(name_arn("stateMachine", RUN), {}).run()
    assert execution.output["status"] == "succeeded"
    built = fresh_warehouse.query("select metric from apartments_control.metric_build where run_sequence = 2 and periods > 0")
    assert len(built) >= 7, "what is counted is a run that changes figures"
    made = [each for arn, each in pipeline.machines.executions.items() if arn not in before]
    transitions = sum(count_transitions(each.history) for each in made)
    print(f"{requests.total()} requests, {writes.total()} of them write, {transitions} transitions", requests, writes)
    assert requests.total() <= most_requests
    assert writes.total() <= most_writes
    assert transitions <= most_transitions
