"""When a report is written, and what becomes of a run whose report is not."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from datetime import UTC, datetime

import pytest

from local.marketplace.generator import fill
from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import report_key
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.pipeline import Stopped
from tests.fixtures.slow import first_of


@pytest.fixture
def source(source_database):
    """A small generated marketplace."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
    return source_database


def list_reports(pipeline) -> list[str]:
    found = pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix="apartments/reports/")
    return [item["Key"] for item in found.get("Contents", [])]


def read_page(pipeline, run_sequence: int) -> str:
    found = pipeline.s3.get_object(Bucket=pipeline.bucket, Key=report_key("apartments", run_sequence))
    assert found["ContentType"] == "text/html; charset=utf-8"
    return found["Body"].read().decode()


def change_bookings(source) -> None:
    source.query("update bookings set total_price = total_price + 1, changed_at = now(6) order by booking_id limit 2")


def test_a_run_writes_a_report_if_it_has_published(pipeline, source):
    """One that found nothing new, or only planned, writes none, and its message names none."""
    assert "Report: " in pipeline.run()["message"]
    assert list_reports(pipeline) == [report_key("apartments", 1)]
    unchanged, planned = pipeline.run(), pipeline.run({"dry_run": True})
    assert (unchanged["status"], planned["status"]) == ("unchanged", "planned")
    assert "Report: " not in unchanged["message"] + planned["message"]
    assert list_reports(pipeline) == [report_key("apartments", 1)]


@pytest.mark.slow
@pytest.mark.parametrize("stop", first_of(["report", "write_report"]))
def test_a_run_whose_report_fails_is_a_good_run_that_people_are_told_of(pipeline, source, fresh_warehouse, aws, stop):
    """Its figures are out and the ledger says so, the mail says what is missing, and a redrive writes it."""
    topic = aws.client("sns").create_topic(Name=f"topic-{pipeline.bucket}")["TopicArn"]
    queue = aws.client("sqs").create_queue(QueueName=f"queue-{pipeline.bucket}")["QueueUrl"]
    address = f"arn:aws:sqs:eu-west-1:123456789012:queue-{pipeline.bucket}"
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=address)
    pipeline.set_environment(TOPIC_ARN=topic)
    with pytest.raises(Stopped):
        pipeline.run(stop_before=stop)
    execution = pipeline.read("apartments/runs/000001/ledger.json")["execution_id"]
    detail = {"executionArn": execution, "name": execution.rpartition(":")[2], "status": "FAILED", "input": "{}"}
    pipeline.invoke("close_failed_run", {"detail": detail})
    (message,) = aws.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(message["Body"])["Message"]
    assert "Its figures were published before it failed" in told
    assert "its report be missing" in told
    assert fresh_warehouse.query("select status, error from apartments_control.run") == [("succeeded", None)]
    assert fresh_warehouse.query("select is_held from apartments_control.lease") == [(False,)]
    assert list_reports(pipeline) == []
    pipeline.step("report", 1)
    pipeline.invoke("write_report", {"run_sequence": 1})
    assert "Published by run 1." in read_page(pipeline, 1)


@pytest.mark.slow
def test_a_late_report_names_the_run_that_published_its_figures(pipeline, source):
    """Metrics are kept as they are now: a report that is written after the next run shows that one's."""
    with pytest.raises(Stopped):
        pipeline.run(stop_before="report")
    change_bookings(source)
    assert pipeline.run()["run_sequence"] == 2
    pipeline.step("report", 1)
    pipeline.invoke("write_report", {"run_sequence": 1})
    page = read_page(pipeline, 1)
    assert "Published by run 2." in page
    assert "Run 1, row by row" in page


@pytest.mark.slow
def test_writing_again_writes_the_same(pipeline, source):
    """A repeated call after a lost answer."""
    pipeline.run()
    before = read_page(pipeline, 1)
    assert pipeline.invoke("write_report", {"run_sequence": 1}) == {"run_sequence": 1, "key": report_key("apartments", 1)}
    assert read_page(pipeline, 1) == before


def test_a_report_without_figures_is_refused(pipeline, source):
    """Of a run that is not, with the address of what is missing."""
    with pytest.raises(FixData, match=r"runs/000009/figures\.json does not exist"):
        pipeline.invoke("write_report", {"run_sequence": 9})


def test_a_chart_that_cannot_be_read_is_named(pipeline, source, fresh_warehouse, tmp_path):
    """By the file, before a run is opened."""
    root = tmp_path / "sql"
    shutil.copytree(SQL_ROOT, root)
    (root / "apartments" / "report" / "sales.sql").write_text("-- title: Sales\n\n-- name: query\nselect 1 as one\n")
    pipeline.set_environment(SQL_ROOT=str(root))
    with pytest.raises(FixConfiguration, match=re.escape("report/sales.sql has no `-- chart: …` line")):
        pipeline.run()
    with fresh_warehouse.connect() as connection:
        assert connection.execute("select to_regnamespace('apartments_control')").fetchone() == (None,)


@pytest.mark.slow
def test_all_figures_are_of_one_moment(pipeline, source, fresh_warehouse, sql_root):
    """The statements of the report are one batch, which is one transaction."""

    def list_batches() -> dict[str, dict]:
        name = "apartments/000001/report/"
        found = fresh_warehouse.client().list_statements(StatementName=name, Status="ALL")["Statements"]
        return {statement["Id"]: statement for statement in found}

    before = list_batches()  # of other tests' first runs
    pipeline.run()
    (batch,) = (statement for key, statement in list_batches().items() if key not in before)
    assert batch["IsBatchStatement"]
    assert batch["Status"] == "FINISHED"
    assert len(batch["QueryStrings"]) == len(list((sql_root / "apartments" / "report").glob("*.sql"))) + 13
