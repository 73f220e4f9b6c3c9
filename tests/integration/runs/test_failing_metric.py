"""A metric that fails is named, though all metrics are staged by one request; mended, the run goes on."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import FixConfiguration

pytestmark = pytest.mark.slow  # tests/unit/warehouse/test_several_steps.py asks the same of a scripted API


def test_the_metric_that_fails_is_named(market):
    market.edit("presentation/children_weekly.sql", "count(*) * 1", "count(*) / (2 - count(*))")
    market.insert_parent()
    market.insert_child()
    market.run_well()
    market.pass_time(hours=1)
    market.insert_child(2)
    with pytest.raises(FixConfiguration, match=r"^step stage children_weekly: .*division by zero"):
        market.run()
    market.execute("delete from children where id = 2")
    market.pass_time(hours=1)
    market.run_well({"reconcile": True})
    assert market.query("select children from children_weekly") == [(1,)]
