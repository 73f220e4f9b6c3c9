"""A step's transaction is one batch; what the batch cannot hold stands in procedures that it calls in order and drops."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.warehouse.steps.step import StepRequest
from tests.unit.warehouse.example_runs import plan_a_run


class Files:
    schemas = Schemas("market")


@pytest.fixture
def request_() -> StepRequest:
    settings = WarehouseSettings("market", "bucket", "dev", "arn:aws:iam::123456789012:role/copy", "workgroup")
    request = StepRequest(settings, Files(), "publish", run_sequence=2)
    request.__dict__["plan"] = plan_a_run(2)
    return request


def test_what_fits_is_one_batch(request_):
    """As any other writing step's."""
    statements = [f"delete from t{number}" for number in range(37)]
    (batch,) = request_.write_all(*statements)
    assert batch == request_.write(*statements)


def test_more_statements_stand_in_procedures(request_):
    """Defined behind the guard of the step, called and dropped: still one batch."""
    statements = [f"insert into t{number} select cast(:as_of as date) -- a remark" for number in range(50)]
    (batch,) = request_.write_all(*statements)
    guard, body, call, drop = batch.statements[2:]
    assert body.count("insert into") == 50
    assert "cast('2026-11-21' as date) -- a remark\n;" in body
    assert not batch.used_parameters()
    name = body.split("procedure ")[1].split("()")[0]
    assert guard.startswith("call enter_step(2, 'publish'")
    assert (call, drop) == (f"call {name}()", f"drop procedure {name}()")


def test_copy_stays_in_the_batch(request_):
    """Between the procedures that hold what stands before and behind it. They are large, and made by batches of their own."""
    before, behind = (f"insert into {'t' * 90_000} select {number}" for number in (1, 2))
    first, second, batch = request_.write_all(before, "copy t from 's3://…'", behind, "delete from s")
    assert before in first.statements[-1] and "call hold_lease(2," in first.statements[2]
    assert behind in second.statements[-1] and "delete from s" in second.statements[-1]
    call, copy, call_again, *drops = batch.statements[3:]
    assert call.endswith("_0()") and copy.startswith("copy") and call_again.endswith("_1()")
    assert len(drops) == 2


def test_a_statement_that_no_request_holds_is_refused(request_):
    """By the step's name and how it begins."""
    with pytest.raises(FixConfiguration, match=r"step publish: a statement has 96\d+ bytes.*it begins with: insert into ttt"):
        request_.write_all(f"insert into {'t' * 96_000} select 1", "delete from s")
