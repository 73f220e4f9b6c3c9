"""`make run`: what it promises a person, twice on generated data and once on their own files."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from local.commands.execution_stages import BEGINNINGS

ROOT = Path(__file__).parents[2]
METRICS = {path.stem for path in (ROOT / "sql" / "apartments" / "presentation").glob("*.sql")}
TABLES = {"apartments", "apartment_attributes", "bookings", "user_viewing"}

# A story: each run goes on where the one before it stopped.
pytestmark = pytest.mark.random_order(disabled=True)

CSV_FILES = {
    "apartments.csv": (
        "price,id,title,source,currency,listing_created_on,is_active,last_modified_timestamp,extra\n"
        '100,1,"Flat, with ""view""\nand a newline",airbnb,USD,2024-01-01,1,2024-01-02,x\n'
        "90,2,Loft,airbnb,EUR,2024-01-01,1,2024-01-02,y\n"
    ),
    "apartment_attributes.csv": "id,cityname,state\n1,Austin,TX\n2,Rome,LZ\n",
    "bookings.csv": (
        "booking_id,user_id,apartment_id,booking_date,checkin_date,checkout_date,total_price,currency,booking_status\n"
        "1,7,1,2024-02-01,2024-03-01,2024-03-04,300,USD,confirmed\n"
        "2,7,1,2024-02-02,2024-03-05,2024-03-01,300,USD,confirmed\n"
    ),
}


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rental-pipeline-") as folder:
        yield Path(folder)
        subprocess.run([sys.executable, "-m", "local", "--state", folder, "stop"], cwd=ROOT, check=True)


SCREEN = 24  # lines of a terminal that nobody has resized, 80 characters wide


def run(state: Path, *options: str) -> tuple[dict, str]:
    """Run it, and return its report and what it printed."""
    report = state / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "local", "--state", str(state), "run", "--json", str(report), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert not [p for p in psutil.process_iter(["cmdline"]) if any(str(state) in word for word in p.info["cmdline"] or [])]
    return json.loads(report.read_text()), done.stdout


@pytest.fixture(scope="module")
def first(state: Path) -> tuple[dict, str]:
    return run(state, "--data", "lab", "--scale", "0.0005", "--seed", "5")


def test_the_first_run_loads_and_then_takes_a_day(first):
    """A first load, a day of marketplace life, an increment; every row is followed from the source to its verdict."""
    report, _ = first
    load, increment = report["executions"]
    assert (load["title"], load["status"]) == ("First load", "succeeded")
    assert (increment["title"], increment["status"]) == ("Increment", "succeeded")
    for execution in (load, increment):
        assert {row["table"] for row in execution["hops"]} == TABLES
        for row in execution["hops"]:
            assert row["read"] == row["in_parquet"] == row["copied"], row
    for row in load["hops"]:
        assert row["added"] == row["read"] == row["curated"] + row["rejected"] > 0, row
    assert 0 < sum(row["added"] for row in increment["hops"]) < sum(row["added"] for row in load["hops"])


def test_every_metric_has_values(first):
    """The newest period of each, with its columns."""
    report, _ = first
    assert {metric["metric"] for metric in report["metrics"]} == METRICS
    for metric in report["metrics"]:
        assert metric["rows"], metric["metric"]
        assert metric["columns"][0] == "period_start"
        assert all(len(row) == len(metric["columns"]) for row in metric["rows"])


def test_progress_and_the_way_on_are_told(first):
    """While it runs, a line per stage with its time and rows; at the end, one screen: what is loaded, figures, the way on."""
    report, printed = first
    stages, end = printed.split("\nIn the warehouse now\n")
    rows = sum(row["read"] for row in report["executions"][0]["hops"])
    assert re.search(rf"^  Read the source +[\d.]+ s  {rows:,} rows$", stages, re.MULTILINE)
    for stage in set(BEGINNINGS.values()):
        assert len(re.findall(rf"^  {stage} +[\d.]+ s", stages, re.MULTILINE)) == 2, stage
    assert len(end.splitlines()) < SCREEN
    assert max(map(len, stages.splitlines())) <= 80
    assert max(map(len, end.splitlines()[:-2])) <= 100
    assert len(report["headlines"]) == 8
    for words in ("Occupancy", "Set aside", "make psql", "make notebooks", "nothing is left running"):
        assert words in end


def test_the_report_is_a_page_on_disk(first, state):
    """The last thing that is told is where it is; it is that of the newest run."""
    report, printed = first
    assert printed.splitlines()[-2].startswith("report: ")  # the last line is about the JSON
    assert Path(report["page"]) == state / "report" / "apartments.html"
    assert "Published by run 2." in Path(report["page"]).read_text()


def test_the_files_can_be_looked_at(first, state):
    """Parquet, plans and manifests stand in the state folder under their keys."""
    (bucket,) = (state / "apartments" / "lab" / "s3").iterdir()
    assert list(bucket.glob("apartments/raw/bookings/run=000001/**/*.parquet"))
    assert json.loads((bucket / "apartments/runs/000001/loads.json").read_text()).keys() == TABLES


@pytest.mark.slow
def test_a_second_run_goes_on(first, state):
    """Source and warehouse are those of the first; one more day, one more increment."""
    before, _ = first
    report, printed = run(state, "--data", "lab", "--verbose")
    (increment,) = report["executions"]
    assert (increment["title"], increment["run_sequence"]) == ("Increment", 3)
    for words in ("Play day 2", "Load raw tables", "Rows per hop", "top_listings_weekly: one row per week"):
        assert words in printed
    keyed = {row["table"]: row["curated"] + row["rejected"] for row in before["standing"]}
    for row in report["standing"]:
        assert row["curated"] + row["rejected"] >= keyed[row["table"]] - 1, row  # a day deletes one row of attributes


def test_another_scale_is_refused(first, state):
    """Rather than silently ignored, as the source is there."""
    done = subprocess.run(
        [sys.executable, "-m", "local", "--state", str(state), "run", "--data", "lab", "--scale", "1.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "make clean" in done.stderr


def test_psql_opens_the_warehouse_of_the_last_run(first, state):
    """And stops it again."""
    done = subprocess.run(
        [sys.executable, "-m", "local", "--state", str(state), "psql"],
        cwd=ROOT,
        input="select 'runs=' || count(*) from apartments_control.run;\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "runs=" in done.stdout


@pytest.mark.slow
def test_notebooks_become_pages(first, state):
    """Those of the last run's marketplace, executed over its warehouse, with their plots and without their code."""
    done = subprocess.run(
        [sys.executable, "-m", "local", "--state", str(state), "notebooks"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = [Path(line) for line in done.stdout.splitlines()]
    assert [page for page in pages if page.stem == "do_guests_come_back"] and len(pages) >= 4
    for page in pages:
        text = page.read_text(encoding="utf-8")
        plots = 4 if page.stem in ("rental_performance", "user_engagement") else 1
        assert text.count('src="data:image/png;base64,') == plots and "wr.data_api" not in text


@pytest.mark.slow
def test_another_marketplace_is_a_folder_of_sql(state):
    """It has a source, a warehouse and days of its own, and the closing words name it."""
    report, printed = run(state, "--marketplace", "cars", "--data", "lab", "--scale", "0.0001")
    assert [execution["status"] for execution in report["executions"]] == ["succeeded", "succeeded"]
    assert {row["table"] for row in report["standing"]} == {"locations", "vehicles", "users", "rental_transactions"}
    assert {metric["metric"] for metric in report["metrics"] if metric["rows"]} == {
        path.stem for path in (ROOT / "sql" / "cars" / "presentation").glob("*.sql")
    }
    assert "make run MARKETPLACE=cars" in printed


@pytest.mark.slow
def test_a_market_lives_day_after_day(state):
    """The default: each day has a run of its own and a line, and its figures are those of that day, though today is not over."""
    report, printed = run(state, "--scale", "0.05", "--days", "3")
    load, *days = report["executions"]
    assert load["title"] == "First load" and [day["status"] for day in days] == ["succeeded"] * 3
    played = [datetime.strptime(day["title"].removeprefix("Increment of "), "%d %b %Y").date() for day in days]
    assert [(day - played[0]).days for day in played] == [0, 1, 2]
    for day in days:
        assert 0 < sum(row["added"] for row in day["hops"]) < 0.05 * sum(row["added"] for row in load["hops"])
    assert len(re.findall(r"^  \d+ \w+ \d{4} +[\d.]+ s  \d+ changes, ", printed, re.MULTILINE)) == 3
    aside = sum(row["rejected"] for row in report["standing"]) / sum(
        row["curated"] + row["rejected"] for row in report["standing"]
    )
    assert 0.002 < aside < 0.03
    assert f"The figures of {played[-1].day} {played[-1]:%b %Y}" in Path(report["page"]).read_text()


@pytest.mark.slow
def test_your_own_files_are_loaded_instead(state, tmp_path):
    """File name = table name; headers in any order, extra columns, quotes, commas and newlines; no day is played."""
    for name, text in CSV_FILES.items():
        (tmp_path / name).write_text(text)
    # As other people's programs write them: semicolons under a blank line, compressed.
    attributes = (tmp_path / "apartment_attributes.csv").rename(tmp_path / "apartment_attributes.tmp").read_text()
    (tmp_path / "apartment_attributes.tmp").unlink()
    (tmp_path / "apartment_attributes.csv.gz").write_bytes(gzip.compress(f"\n{attributes.replace(',', ';')}".encode()))
    report, printed = run(state, "--csv", str(tmp_path))
    (load,) = report["executions"]
    assert load["title"] == "Load of the CSV files"
    assert "Play day" not in printed
    assert {row["table"]: (row["curated"], row["rejected"]) for row in report["standing"]} == {
        "apartments": (2, 0),
        "apartment_attributes": (2, 0),
        "bookings": (1, 1),  # the second one ends before it begins
        "user_viewing": (0, 0),
    }
