"""The market of `make run`, lived for some days with a run after each, and every figure judged."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

from local.marketplace.market import found_market, live_on
from tests.fixtures.mariadb import SourceDatabase
from tests.fixtures.pipeline import Pipeline
from tests.metrics.agreement import assert_agreed, read_all
from tests.metrics.engine import Engine


def assert_market_agreed(engine: Engine, pipeline: Pipeline, source: SourceDatabase) -> None:
    """Found a small market, live three days of it, judge after each run; a rebuild then makes the same rows."""
    name = engine.subject.marketplace
    market = {"marketplace": name, "scale": 0.05, "seed": 1, "founded": datetime.now(UTC).date() - timedelta(days=3)}
    with closing(source.connect()) as connection:
        found_market(connection, **market)
        for number in range(4):
            if number:
                day = market["founded"] + timedelta(days=number - 1)
                assert live_on(connection, **market, first=day, last=day)
            result = pipeline.run()
            assert result["status"] == "succeeded", result["message"]
            plan = pipeline.read(f"{name}/runs/{result['run_sequence']:06d}/plan.json")
            engine.remember(source, result["run_sequence"], datetime.fromisoformat(plan["source_time"]))
            assert_agreed(engine, datetime.fromisoformat(plan["as_of"]).date())
    layers = read_all(engine)
    assert all(rows for table, rows in layers.items() if table != "curated.rejected_rows"), "a layer without rows shows nothing"
    assert pipeline.run({"rebuild": True})["status"] == "succeeded"
    assert read_all(engine) == layers
