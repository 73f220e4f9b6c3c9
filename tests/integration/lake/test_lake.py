"""The lake shows what the warehouse holds, run by run, at the cost of what changed (docs/architecture.md, "The lake")."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.standins.athena.lake import Lake, answer_questions
from rental_pipeline.base.errors import FixData
from rental_pipeline.lake import file_lists as lake_files
from tests.fixtures.pipeline import Stopped
from tests.fixtures.slow import first_of
from tests.fixtures.snapshot import Snapshot, load_first

TODAY = datetime.now(UTC).date()
QUERIES = Path(__file__).parents[3] / "sql" / "apartments" / "lake"
SCHEMAS = {"curated": "apartments_curated", "presentation": "apartments_presentation", "control": "apartments_control"}


@pytest.fixture(scope="module")
def snapshot(take_snapshot) -> Snapshot:
    """A small marketplace of several years after its first load."""
    return take_snapshot(load_first)


@pytest.fixture
def source(source_database):
    """The source of the snapshot."""
    return source_database


@pytest.fixture
def lake(aws, pipeline, bucket, tmp_path):
    return Lake(aws.client("glue"), aws.client("s3"), bucket.replace("-", "_"), tmp_path / "files")


def read_warehouse_table(warehouse, name: str) -> Counter:
    layer, _, table = name.partition("_")
    with warehouse.connect() as connection:
        return Counter(connection.execute(f"select * from {SCHEMAS[layer]}.{table}").fetchall())


def assert_lake_is_warehouse(lake, warehouse) -> None:
    """Compare all tables but raw's, cell by cell, as multisets."""
    names = [name for name in lake.tables() if not name.startswith("raw_")]
    with warehouse.connect() as connection:
        expected = {
            f"{schema.removeprefix('apartments_')}_{table}"
            for schema, table in connection.execute(
                "select table_schema, table_name from information_schema.tables"
                " where table_schema in ('apartments_curated', 'apartments_presentation')"
                " and table_name not in ('rejected_rows', 'unreadable_values')"
                " and table_type = 'BASE TABLE'"
            ).fetchall()
        } | {"control_exchange_rate"}
    assert set(names) == expected
    for name in names:
        _, rows = lake.query(f"select * from {name}")
        held, shown = read_warehouse_table(warehouse, name), Counter(rows)
        assert shown == held, f"{name}: only in the lake {list(shown - held)[:2]}, only in the warehouse {list(held - shown)[:2]}"


def change_bookings(source, status: str = "canceled") -> None:
    """Change two bookings of one year, and nothing else."""
    source.query("update bookings set booking_status = %s, changed_at = now(6) order by booking_id desc limit 2", (status,))


def add_viewing(source, warehouse) -> None:
    """Add an event that is accepted; the next one equals it in every column, so that only their number differs."""
    ((listing,),) = warehouse.query("select min(id) from apartments_curated.apartments")
    source.query(
        "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, recorded_at)"
        " values (7, %s, '2026-01-02 03:04:05', 'y', 'Apply', %s)",
        (listing, f"{TODAY - timedelta(days=1)} 12:00:00"),
    )


@pytest.mark.slow
def test_the_lake_equals_the_warehouse_after_loads_increments_and_rebuilds(pipeline, source, fresh_warehouse, lake):
    """Cell by cell: after the first load, an increment that changes, adds and deletes, a later day, and a rebuild."""
    assert_lake_is_warehouse(lake, fresh_warehouse)
    empty = [name for name in lake.tables() if not lake.files(name)]
    assert not empty
    change_bookings(source)
    source.query("delete from apartment_attributes order by id limit 3")
    add_viewing(source, fresh_warehouse)
    pipeline.run()
    assert_lake_is_warehouse(lake, fresh_warehouse)
    add_viewing(source, fresh_warehouse)
    pipeline.run({"as_of": str(TODAY + timedelta(days=40))})
    assert_lake_is_warehouse(lake, fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_lake_is_warehouse(lake, fresh_warehouse)


def test_only_what_changed_is_unloaded_again(pipeline, source, fresh_warehouse, lake):
    """A table without changed rows keeps its files, a year without any too; an unchanged source writes nothing. A table whose
    shape is not the lake's is unloaded whole, even then."""
    before = {name: lake.files(name) for name in lake.tables()}
    change_bookings(source)
    run = pipeline.run()["run_sequence"]
    counted = f"select table_name, unloaded_rows from apartments_control.lake_unload where run_sequence = {run}"
    unloaded = dict(fresh_warehouse.query(counted))
    assert "curated_bookings" in unloaded
    assert not unloaded.keys() & {"curated_apartments", "curated_apartment_attributes", "control_exchange_rate"}
    assert 0 < unloaded["curated_bookings"] < sum(read_warehouse_table(fresh_warehouse, "curated_bookings").values())
    after = {name: lake.files(name) for name in lake.tables()}
    assert {name for name in after if not name.startswith("raw_") and after[name] != before[name]} == unloaded.keys()
    assert set(after["curated_bookings"]) & set(before["curated_bookings"])
    assert pipeline.run()["status"] == "unchanged"
    assert {name: lake.files(name) for name in lake.tables()} == after
    with fresh_warehouse.connect() as connection:
        connection.execute(
            "update apartments_control.layer_position set definition_hash = 'another'"
            " where layer = 'lake' and name = 'curated_bookings'"
        )
    pipeline.forget_state()
    assert pipeline.run()["status"] == "unchanged"
    assert not set(lake.files("curated_bookings")) & set(after["curated_bookings"])
    assert_lake_is_warehouse(lake, fresh_warehouse)


@pytest.mark.slow
def test_a_reader_during_the_switch_sees_one_run(pipeline, source, fresh_warehouse, lake):
    """Until the catalogue is switched, all of the run before; afterwards all of this one; its files are there either way."""
    old = Counter(lake.query("select * from curated_bookings")[1])
    old_files = lake.files("curated_bookings")
    change_bookings(source)
    is_switched = False
    for state in pipeline.states():
        is_switched = is_switched or state == "commit_lake"  # the state before has just ended
        seen = Counter(lake.query("select * from curated_bookings")[1])
        assert seen == (read_warehouse_table(fresh_warehouse, "curated_bookings") if is_switched else old), state
    assert is_switched
    assert seen != old
    bucket = old_files[0].removeprefix("s3://").split("/")[0]
    for file in old_files:  # of a reader who planned its query before
        pipeline.s3.head_object(Bucket=bucket, Key=file.removeprefix(f"s3://{bucket}/"))


@pytest.fixture
def end_run(aws, pipeline, fresh_warehouse):
    """End a run that stopped, as the rule on failed executions does, and return what people are told."""
    topic = aws.client("sns").create_topic(Name=f"topic-{pipeline.bucket}")["TopicArn"]
    name = f"queue-{pipeline.bucket}"
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-west-1:123456789012:{name}")
    pipeline.patch.setenv("TOPIC_ARN", topic)

    def end() -> str:
        ((execution,),) = fresh_warehouse.query("select execution_id from apartments_control.run where status = 'running'")
        name = execution.rpartition(":")[2]
        detail = {"executionArn": execution, "name": name, "status": "ABORTED", "input": "{}"}
        pipeline.invoke("close_failed_run", {"detail": detail})
        (message,) = aws.client("sqs").receive_message(QueueUrl=queue)["Messages"]
        return json.loads(message["Body"])["Message"]

    return end


@pytest.mark.parametrize("stop", first_of(["switch_catalogue", "unload", "commit_lake"]))
def test_a_failed_lake_step_leaves_the_old_lake_and_the_published_figures(pipeline, source, fresh_warehouse, lake, end_run, stop):
    """What was published stays; the catalogue shows the last whole run; the next run makes up for it, though nothing is new."""
    old = {name: lake.files(name) for name in lake.tables()}
    change_bookings(source)
    with pytest.raises(Stopped):
        pipeline.run(stop_before=stop)
    if stop != "commit_lake":
        assert {name: lake.files(name) for name in lake.tables()} == old
    assert "Its figures were published before it failed" in end_run()
    assert pipeline.run()["status"] == "unchanged"
    assert_lake_is_warehouse(lake, fresh_warehouse)


@pytest.mark.slow
def test_every_lake_step_may_be_repeated(pipeline, source, fresh_warehouse, lake):
    """As a redrive or a retry does: the same files, listed once."""
    change_bookings(source)
    states = pipeline.states()
    for state in states:
        if state == "commit_lake":
            pipeline.step("unload", 2)
            pipeline.invoke("switch_catalogue", {"run_sequence": 2})
        if state == "close":
            pipeline.invoke("switch_catalogue", {"run_sequence": 2})
    assert_lake_is_warehouse(lake, fresh_warehouse)


def test_slices_are_partitions_of_the_run_that_read_them(pipeline, source, fresh_warehouse, lake):
    """Exactly the files of committed manifests: each row that was copied, under its run."""
    change_bookings(source)
    pipeline.run()
    copied = fresh_warehouse.query(
        "select run_sequence, rows_copied from apartments_control.table_load where table_name = 'bookings'"
    )
    _, shown = lake.query("select run_sequence, count(*) from raw_bookings group by run_sequence")
    assert sorted(shown) == sorted((run, rows) for run, rows in copied if rows)
    _, newest = lake.query("select booking_status from raw_bookings where run_sequence = 2 order by booking_id desc limit 2")
    assert newest == [("canceled",), ("canceled",)]


@pytest.mark.slow
def test_erased_slices_leave_the_catalogue(pipeline, source, fresh_warehouse, lake):
    """Their files are deleted: a partition that lists them would fail every query of the table."""
    run = pipeline.run({"erase": ["bookings"]})["run_sequence"]
    _, shown = lake.query("select distinct run_sequence from raw_bookings")
    assert shown == [(run,)]
    for table in ("apartments", "user_viewing"):
        assert lake.query(f"select distinct run_sequence from raw_{table}")[1] == [(1,)]
    assert_lake_is_warehouse(lake, fresh_warehouse)


@pytest.mark.slow
def test_files_that_no_reader_can_see_any_more_are_swept(pipeline, source, fresh_warehouse, lake, monkeypatch):
    """A day after readers were moved on; never before, and never what the current listing names."""
    first = lake.files("curated_bookings")
    change_bookings(source)
    pipeline.run()
    second = lake.files("curated_bookings")
    monkeypatch.setattr(lake_files, "GRACE", timedelta(0))
    change_bookings(source, "pending")
    pipeline.run()
    current = lake.files("curated_bookings")
    bucket = current[0].removeprefix("s3://").split("/")[0]
    listed = pipeline.s3.list_objects_v2(Bucket=bucket, Prefix="apartments/lake/curated/bookings/")["Contents"]
    there = {f"s3://{bucket}/{item['Key']}" for item in listed if item["Key"].endswith(".parquet")}
    assert there == set(current)
    assert (set(first) | set(second)) - set(current)
    assert_lake_is_warehouse(lake, fresh_warehouse)


@pytest.mark.slow
def test_a_missing_listing_is_named_with_the_way_out(pipeline, source, fresh_warehouse, lake, end_run):
    """Somebody emptied the prefix: the run says so, and a rebuild makes the lake again."""
    for item in pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix="apartments/lake/curated/bookings/")["Contents"]:
        pipeline.s3.delete_object(Bucket=pipeline.bucket, Key=item["Key"])
    change_bookings(source)
    with pytest.raises(FixData, match=r"curated_bookings would be continued: unload it whole with .\"rebuild\": true"):
        pipeline.run()
    end_run()
    pipeline.run({"rebuild": True})
    assert_lake_is_warehouse(lake, fresh_warehouse)


def test_an_emptied_table_is_empty_in_the_lake(pipeline, source, fresh_warehouse, lake):
    """UNLOAD of no rows writes no manifest: the lake then lists no file, not the last ones."""
    source.query("delete from user_viewing")
    pipeline.run({"force_deletes": True})
    rows = read_warehouse_table(fresh_warehouse, "curated_user_viewing")
    assert Counter(lake.query("select * from curated_user_viewing")[1]) == rows


def test_the_questions_are_answered_as_the_warehouse_would(pipeline, source, fresh_warehouse, lake):
    """The named queries over the lake's files, against the same questions asked of the warehouse."""
    answers = {answer.query: answer for answer in answer_questions(lake, QUERIES)}
    assert set(answers) == {"highest_revenue_city", "most_booked_listing", "top_spenders"}
    with fresh_warehouse.connect() as connection:
        bookings = connection.execute(
            "select apartment_id, count(*) as n from apartments_curated.bookings where booking_status = 'confirmed'"
            " group by apartment_id order by n desc, apartment_id limit 10"
        ).fetchall()
        revenue = dict(
            connection.execute(
                "select user_id, round(sum(total_price * rate), 2) from apartments_curated.bookings"
                " join apartments_control.exchange_rate using (currency)"
                " where booking_status = 'confirmed' and booking_date >= valid_from and booking_date < valid_to group by user_id"
            ).fetchall()
        )
        by_city = connection.execute(
            "select place.city_key, place.state_key, sum(total) from (select apartment_id, sum(revenue) as total"
            " from apartments_presentation.top_listings_weekly group by apartment_id) as listing"
            " join apartments_curated.apartment_attributes as place on place.id = apartment_id"
            " where city is not null group by 1, 2 order by 3 desc nulls last limit 1"
        ).fetchone()
    most_booked = answers["most_booked_listing"]
    assert [(row[0], row[2]) for row in most_booked.rows] == bookings
    top = answers["top_spenders"]
    assert [row[3] for row in top.rows] == sorted(revenue.values(), reverse=True)[: len(top.rows)]
    assert all(revenue[row[0]] == row[3] for row in top.rows)
    city = answers["highest_revenue_city"]
    assert tuple(text and text.lower() for text in city.rows[0][:2]) == by_city[:2]
