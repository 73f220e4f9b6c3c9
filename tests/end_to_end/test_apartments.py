"""The state machine of template.yaml over the one-machine stack: first load, quiet run, increment, the console's inputs."""

import json
from collections import Counter
from contextlib import closing

import pytest

from benchmarks.run import count_transitions
from local.marketplace.day import play_day
from tests.end_to_end.conftest import change_source, query_source, query_warehouse, run
from tests.fixtures.layers import assert_same_layers, read_layers

SEVEN_METRICS = [
    "average_listing_price_weekly",
    "occupancy_monthly",
    "popular_cities_weekly",
    "top_listings_weekly",
    "bookings_per_user_weekly",
    "average_booking_duration_weekly",
    "repeat_customers_daily",
]
KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id"}


def assert_keys_mirrored(stack) -> None:
    """Raw's newest rows without tombstones have the source's keys."""
    for table, key in KEYS.items():
        raw = query_warehouse(
            stack,
            f"select {key} from (select *, row_number() over (partition by {key} order by _run_sequence desc) as version"
            f" from apartments_raw.{table}) as ranked where version = 1 and _operation = 'U'",
        )
        assert Counter(raw) == Counter(query_source(stack, f"select {key} from {table}")), table


def read_stack_layers(stack):
    return read_layers(stack.warehouse)


@pytest.fixture(scope="module")
def loaded(stack):
    """The stack after its first load, with what the execution returned and what people were told."""
    stack.first_output = run(stack)
    stack.first_messages = stack.messages()
    return stack


def test_a_first_load_publishes_all_metrics_and_tells_people(loaded):
    """No input at all is an increment, which at first reads everything."""
    assert loaded.first_output["status"] == "succeeded"
    for metric in SEVEN_METRICS:
        assert query_warehouse(loaded, f"select count(*) from apartments_presentation.{metric}") > [(0,)], metric
    assert_keys_mirrored(loaded)
    (first_message,) = loaded.first_messages
    assert first_message["Subject"] == "apartments run 1: succeeded"
    message = first_message["Message"]
    assert "bookings: 120 rows read, 120 added to raw" in message
    assert message.splitlines()[-1].startswith("Report: https://")
    page = loaded.s3.get_object(Bucket=loaded.bucket, Key="apartments/reports/run=000001/report.html")["Body"].read()
    assert b"Published by run 1." in page


def test_an_unchanged_source_is_a_short_run(loaded):
    """Nothing is built or published, nobody is told, and the whole run takes few state transitions."""
    told = len(loaded.messages())
    execution = loaded.start_execution({}).wait()
    assert execution.output["status"] == "unchanged"
    names = [state.name for state in execution.visited_states()]
    assert "Write the report" not in names
    assert "Build curated tables" not in names
    assert "Publish" not in names
    assert len(loaded.messages()) == told


@pytest.mark.slow
def test_the_cost_counts_what_the_machines_really_did(loaded):
    """The transitions in the ledger are those of all executions of the run, slices and nested steps among them, to its end."""
    change_source(loaded, "update bookings set num_guests = num_guests + 1 order by booking_id limit 1")
    for run_input in ({}, {"reconcile": True}, {"dry_run": True}):
        execution = loaded.start_execution(run_input).wait()
        counted = sum(count_transitions(loaded.aws.client("stepfunctions"), execution.arn).values())
        ((recorded,),) = query_warehouse(
            loaded,
            "select cast(quantity as int) from apartments_control.run_cost where item = 'step functions'"
            " and run_sequence = (select max(run_sequence) from apartments_control.run)",
        )
        assert recorded == counted, run_input


def test_a_day_of_life_is_found_by_an_increment(loaded):
    """New, changed, cancelled and late rows arrive; the layers equal a rebuild."""
    with closing(loaded.source.connect()) as connection:
        play_day(connection, seed=5, day_number=1)
    assert run(loaded)["status"] == "succeeded"
    assert_keys_mirrored(loaded)
    incremental = read_stack_layers(loaded)
    assert run(loaded, {"rebuild": True})["status"] == "succeeded"
    assert_same_layers(incremental, read_stack_layers(loaded))


@pytest.mark.slow
def test_one_table_is_read_alone(loaded):
    """With `tables`, others wait for the next run."""
    change_source(loaded, "update bookings set num_guests = num_guests + 1 order by booking_id limit 1")
    change_source(loaded, "update apartments set price = price + 1 order by id limit 1")
    run(loaded, {"tables": ["bookings"]})
    loads = query_warehouse(
        loaded,
        "select table_name, rows_added from apartments_control.table_load"
        " where run_sequence = (select max(run_sequence) from apartments_control.run)",
    )
    assert loads == [("bookings", 1)]
    run(loaded)
    loads = query_warehouse(
        loaded,
        "select table_name, rows_added from apartments_control.table_load where rows_added > 0"
        " and run_sequence = (select max(run_sequence) from apartments_control.run)",
    )
    assert loads == [("apartments", 1)]


def test_a_window_reads_again_and_changes_nothing(loaded):
    """A backfill of known rows leaves every layer as it was."""
    before = read_stack_layers(loaded)
    assert run(loaded, {"window": {"from": "2025-01-01", "to": "2030-01-01"}})["status"] == "unchanged"
    assert_same_layers(before, read_stack_layers(loaded))


def test_a_dry_run_plans_and_changes_nothing(loaded):
    """The plan and its slices are on S3; nothing is read or written."""
    before = read_stack_layers(loaded)
    execution = loaded.start_execution({"dry_run": True}).wait()
    assert execution.output["status"] == "planned"
    assert_same_layers(before, read_stack_layers(loaded))
    (run_sequence,) = query_warehouse(loaded, "select max(run_sequence) from apartments_control.run")[0]
    key = f"apartments/runs/{run_sequence:06d}/plan.json"
    plan = json.loads(loaded.s3.get_object(Bucket=loaded.bucket, Key=key)["Body"].read())
    assert plan["dry_run"] is True
    assert [table["name"] for table in plan["tables"] if table["read"]]


def test_a_second_execution_ends_at_once_while_one_runs(loaded):
    """It says that another run is in progress; the first one is not disturbed."""
    change_source(loaded, "update bookings set num_guests = num_guests + 1 order by booking_id limit 1")
    first, second = loaded.start_execution({}), loaded.start_execution({})
    first.wait()
    second.wait()
    assert {first.status, second.status} == {"SUCCEEDED"}
    in_progress = [
        execution
        for execution in (first, second)
        if any(state.name == "Another run is in progress" for state in execution.visited_states())
    ]
    assert len(in_progress) == 1


def test_a_malformed_input_fails_the_run_and_tells_people(loaded):
    """The rule on failed executions starts what closes the run: the lease is free, and a message says what to write."""
    told = len(loaded.messages())
    execution = loaded.start_execution({"tables": ["booking"]}).wait()
    assert execution.status == "FAILED"
    assert [answer.payload for answer in loaded.wait_for_rules(execution.arn) if answer.function_error] == []
    (message,) = loaded.messages()[told:]
    text = message["Subject"] + "\n" + message["Message"]
    assert [word for word in ("FixConfiguration", "'booking'", "bookings", "apartments") if word not in text] == [], text
    assert query_warehouse(loaded, "select is_held from apartments_control.lease") == [(False,)]
    newest = "select status from apartments_control.run order by run_sequence desc limit 1"
    assert query_warehouse(loaded, newest) == [("failed",)]


def test_every_row_read_is_accounted_for(loaded):
    """In the ledger, per table and run: rows read = in Parquet = copied (I10)."""
    assert (
        query_warehouse(
            loaded,
            "select * from apartments_control.table_load where rows_read <> rows_in_parquet or rows_in_parquet <> rows_copied",
        )
        == []
    )
    refused = "status = 'failed' and error like '%''booking''%'"  # by the test above
    unfinished = f"select * from apartments_control.run where status in ('running', 'failed') and not ({refused})"
    assert query_warehouse(loaded, unfinished) == []


def test_the_ledger_tells_how_long_each_state_took(loaded):
    """The states of the picture in the console, in their order, those that no statement belongs to as well."""
    states = query_warehouse(
        loaded,
        "select name, status, seconds from apartments_control.run_ledger where run_sequence = 1 and hop = 'state'"
        " order by part, started_at, name",
    )
    assert [name for name, _, _ in states] == [
        "Detect changes",
        "Open the run",
        "Fingerprint raw",
        "Plan the run",
        "Prepare the warehouse",
        "Extract the slices",
        "Write the manifests",
        "Load raw tables",
        "Find what is pending",
        "Build curated tables",
        "Stage and check the metrics",
        "Publish",
        "Unload to the lake",
        "Switch the catalogue",
        "Commit the lake",
        "Archive the slices",
        "Close the run",
    ]
    assert all(status == "SUCCEEDED" and seconds >= 0 for _, status, seconds in states[:-1])
    assert states[-1][1:] == ("UNFINISHED", None), "the line is written while its state lasts"
