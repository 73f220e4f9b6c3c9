"""What builds do beside their rows: a metric that fails is named, and what a curated table holds in all is kept."""

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


def test_a_row_that_changed_in_two_runs_is_counted_once(market):
    """The first of them stopped before the curated table was built: two versions of one key are above its position."""
    market.insert_parent()
    market.insert_child()
    market.run_well()
    for day in ("2026-01-01", "2026-01-02"):
        market.pass_time(hours=1)
        market.execute("update parents set since = %s", day)
        run = market.start()
        if day == "2026-01-01":
            run.stop_before("curate parents")
        else:
            run.finish()
    assert market.query("select accepted_rows from curated_total where table_name = 'parents'") == [(1,)]
    market.run_well({"reconcile": True})
