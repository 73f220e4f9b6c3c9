"""The whole way: a generated marketplace in MariaDB through the pipeline, judged from the source's own rows."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from local.marketplace.day import play_day
from local.marketplace.generator import fill
from tests.metrics.agreement import assert_agreed, read_all
from tests.metrics.apartments.money import assert_money_is_kept
from tests.metrics.market_life import assert_market_agreed


@pytest.mark.slow  # the random increments ask the judge as well
@pytest.mark.parametrize("seed", [1, 2])
def test_every_metric_equals_the_judges_over_the_source(pipeline, source_database, make_engine, seed):
    """First load and three days of marketplace life: each figure is what an independent count over the source gives."""
    engine = make_engine()
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0005, seed=seed, anchor=datetime.now(UTC).date())
        for day in range(4):
            if day:
                play_day(connection, seed, day)
            result = pipeline.run()
            assert result["status"] == "succeeded", result["message"]
            plan = pipeline.read(f"apartments/runs/{result['run_sequence']:06d}/plan.json")
            observed_at = datetime.fromisoformat(plan["source_time"])
            engine.remember(source_database, result["run_sequence"], observed_at)
            assert_agreed(engine, datetime.fromisoformat(plan["as_of"]).date())
            assert_money_is_kept(engine)
    layers = read_all(engine)
    assert all(layers.values()), "a layer without rows shows nothing"
    assert pipeline.run({"rebuild": True})["status"] == "succeeded"
    assert read_all(engine) == layers


@pytest.mark.slow  # the random increments ask the judge as well
def test_every_metric_of_the_market_of_make_run_equals_the_judges(pipeline, source_database, make_engine):
    """Two years of a market that one believes, and three days of it, each with a run."""
    assert_market_agreed(make_engine(), pipeline, source_database)
