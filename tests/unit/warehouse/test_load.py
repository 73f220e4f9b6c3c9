"""A load of a table of which nothing was read."""

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.model.strategies import Merge
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.load import compose_load
from rental_pipeline.warehouse.steps.step import TableRequest
from tests.unit.warehouse.example_runs import plan_a_run


def test_a_table_of_which_nothing_was_read_is_refused():
    """By its name, with those that were read: an event that names another is no fault of the code."""
    settings = WarehouseSettings("shop", "bucket", "dev", "arn:aws:iam::123456789012:role/copy", "workgroup")
    request = TableRequest(settings, None, "load", run_sequence=2, name="orders")
    request.__dict__.update({"plan": plan_a_run(2, (PlannedTable("orders", "orders", Merge(("id",), "at"), ()),)), "loads": {}})
    with pytest.raises(FixConfiguration, match=r"nothing was read of orders in run 2; its loads\.json has: no table"):
        compose_load(request)
