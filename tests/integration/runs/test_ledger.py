"""One query tells a run's story: docs/reference/ledger.md."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.marketplace.generator import fill
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.warehouse.data_api import DataApi
from rental_pipeline.warehouse.run_step import end_run, record_ended_run
from tests.fixtures.pipeline import Stopped

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "ledger.md"
COLUMNS = (
    "part",
    "hop",
    "name",
    "status",
    "seconds",
    "rows_in",
    "rows_out",
    "rows_added",
    "rows_removed",
    "rows_rejected",
    "files",
    "bytes",
    "detail",
)


@pytest.fixture
def generated(source_database):
    """A small generated marketplace."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    return source_database


def tell(warehouse, run: int) -> dict[str, list[dict]]:
    """Return the lines of a run, by hop."""
    rows = warehouse.query(
        f"select {', '.join(COLUMNS)} from apartments_control.run_ledger where run_sequence = {run}"
        " order by part, started_at, name"
    )
    lines = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return {hop: [line for line in lines if line["hop"] == hop] for hop in dict.fromkeys(line["hop"] for line in lines)}


def test_one_query_tells_a_good_run(pipeline, generated, fresh_warehouse):
    """Who started it, the bounds, the rows of each hop, files and bytes, seconds and statement ids."""
    run = pipeline.run({"started_by": "Ada"})["run_sequence"]
    told = tell(fresh_warehouse, run)
    assert list(told) == ["run", "extract", "raw", "curated", "set aside", "presentation", "check", "lake", "statement"]
    (summary,) = told["run"]
    assert summary["status"] == "succeeded" and summary["seconds"] is not None
    assert summary["detail"].startswith('started by Ada; input {"started_by": "Ada"}; execution arn:aws:states:')
    for line in told["extract"]:
        (loaded,) = [raw for raw in told["raw"] if raw["name"] == line["name"]]
        (counted,) = generated.query(f"select count(*) from {line['name']}")
        assert (line["status"], line["rows_in"], line["rows_out"], loaded["rows_in"], loaded["rows_added"]) == (
            "loaded",
            *counted * 4,
        )
        assert line["files"] >= 1 and line["bytes"] > 0
        assert line["detail"].startswith("whole table; slices ") and f"/manifests/{line['name']}.json" in line["detail"]
    assert all(line["seconds"] is not None for line in told["raw"] + told["curated"] + told["presentation"])
    assert all(line["rows_out"] > 0 for line in told["curated"])
    assert sum(line["rows_rejected"] for line in told["curated"]) > 0
    assert {line["status"] for line in told["presentation"]} == {"published"}
    assert "passed" in {line["status"] for line in told["check"]}
    assert {line["status"] for line in told["lake"]} == {"shown"}
    statements = {line["name"]: line for line in told["statement"]}
    committed = fresh_warehouse.query(f"select step from apartments_control.step_commit where run_sequence = {run}")
    for (step,) in committed:
        line = statements[f"apartments/{run:06d}/{step.replace(' ', '/')}/write/"]
        assert line["status"] == "FINISHED" and line["detail"] and float(line["seconds"]) >= 0


@pytest.mark.slow
def test_an_increment_shows_its_bounds(pipeline, generated, fresh_warehouse):
    """From where each cursor was read, and how far the watermark moved."""
    pipeline.run()
    generated.execute("update bookings set total_price = '77' limit 1")
    run = pipeline.run()["run_sequence"]
    told = tell(fresh_warehouse, run)
    (bookings,) = [line for line in told["extract"] if line["name"] == "bookings"]
    plan = pipeline.read(f"apartments/runs/{run:06d}/plan.json")
    (planned,) = [table for table in plan["tables"] if table["name"] == "bookings"]
    assert bookings["detail"].startswith(f"cursor from {planned['lower'].replace('T', ' ')}; slices ")
    (loaded,) = [line for line in told["raw"] if line["name"] == "bookings"]
    assert loaded["rows_added"] == 1
    before, after = (planned[name].replace("T", " ") for name in ("planned_watermark", "new_watermark"))
    assert loaded["detail"] == f"watermark {before} to {after}; impossible dates 0; set aside 0"


def test_one_query_tells_why_a_run_failed(pipeline, generated, fresh_warehouse):
    """The error stands in the run's line; what was planned and loaded before it is told as well."""
    with pytest.raises(Stopped):
        pipeline.run(stop_before="load bookings")
    settings = read_settings(WarehouseSettings)
    execution = pipeline.read("apartments/runs/000001/ledger.json")["execution_id"]
    end_run(DataApi(settings), settings, 1, "Load raw tables (load bookings): FixData: ROWS LOST: …")
    record_ended_run(DataApi(settings), settings, 1, execution)
    told = tell(fresh_warehouse, 1)
    (summary,) = told["run"]
    assert summary["status"] == "failed"
    assert summary["detail"].startswith("error Load raw tables (load bookings): FixData: ROWS LOST: …; started by (not said); ")
    assert {line["name"]: line["status"] for line in told["extract"]} == {
        "apartments": "loaded",
        "apartment_attributes": "loaded",
        "bookings": "not loaded",
        "user_viewing": "not loaded",
    }
    assert {line["name"] for line in told["raw"]} == {"apartments", "apartment_attributes"}


@pytest.mark.slow
def test_a_plan_of_an_earlier_control_schema_is_not_told(pipeline, generated, fresh_warehouse):
    """Runs are numbered again with a new control schema, while the bucket stays: a run that failed before it planned has no
    windows, whatever stands under its number."""
    pipeline.run()
    fresh_warehouse.empty()
    pipeline.forget_state()
    with pytest.raises(Stopped):
        pipeline.run(stop_before="plan_run")
    settings = read_settings(WarehouseSettings)
    execution = pipeline.read("apartments/runs/000001/ledger.json")["execution_id"]
    end_run(DataApi(settings), settings, 1, "it broke")
    record_ended_run(DataApi(settings), settings, 1, execution)
    assert list(tell(fresh_warehouse, 1)) == ["run", "statement"]


@pytest.mark.slow
def test_recording_again_replaces(pipeline, generated, fresh_warehouse):
    """A close step that is repeated after a lost answer leaves each line once."""
    run = pipeline.run()["run_sequence"]
    pipeline.step("close", run)
    ids = fresh_warehouse.query(f"select statement_id from apartments_control.run_time where run_sequence = {run}")
    assert len(ids) == len(set(ids))
    windows = fresh_warehouse.query(f"select table_name from apartments_control.run_window where run_sequence = {run}")
    assert len(windows) == 4


def test_the_documented_queries_run(pipeline, generated, fresh_warehouse):
    """What the person on call copies from docs/reference/ledger.md is accepted."""
    pipeline.run()
    text = DOCUMENT.read_text(encoding="utf-8")
    queries = [query for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL) for query in block.split(";") if query.strip()]
    queries += re.findall(r"`(select .*?)`", text)
    assert len(queries) > 5
    for query in queries:
        fresh_warehouse.query(query)


@pytest.mark.slow
def test_a_run_tells_what_it_cost(pipeline, generated, fresh_warehouse, capsys):
    """In the ledger, in the mail, and as a metric; beside what a Glue job would."""
    outcome = pipeline.run()
    costs = fresh_warehouse.query(
        f"select item, quantity, usd, replaces from apartments_control.run_cost where run_sequence = {outcome['run_sequence']}"
    )
    usd = {item: float(dollars) for item, _, dollars, _ in costs}
    assert {item for item, _, _, replaces in costs if replaces} == {"glue"}
    # At least a minute of eight RPUs at $0.375 an hour.
    assert usd["redshift"] >= 8 * 0.375 / 60 * 0.999
    assert usd["lambda"] > 0  # the slices' own clocks
    total = sum(dollars for item, dollars in usd.items() if item != "glue")
    assert f"Cost: about ${total:.4f}" in outcome["message"]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"CloudWatchMetrics"' in line]
    published = {
        name: line[name] for line in metrics for name in ("RunsSucceeded", "RunCost", "RowsAdded", "WatermarkLag") if name in line
    }
    assert published["RunsSucceeded"] == [1.0]
    assert published["RunCost"] == [pytest.approx(total)]
    assert published["RowsAdded"][0] > 0
    assert 0 <= published["WatermarkLag"][0] < 3600


def test_a_replay_of_nothing_is_refused(pipeline, source_database):
    """The first run of all: the message says what to start instead."""
    with pytest.raises(FixConfiguration, match=r"nothing was ever loaded of apartments, .*start a run with {}"):
        pipeline.run({"replay": True})
