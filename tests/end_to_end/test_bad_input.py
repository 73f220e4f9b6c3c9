"""What can be wrong from outside: each ends in an error that names cause and remedy, and the next good run is complete."""

import json
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import change_source, held_before_loading, query_source, query_warehouse, run
from tests.fixtures.layers import assert_same_layers, read_layers

# test_apartments.py has one malformed input, the run that fails by it, and what people are told.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(stack):
    """The stack after a first load; after the last test all layers equal a rebuild."""
    run(stack)
    yield stack
    incremental = read_layers(stack.warehouse)
    run(stack, {"rebuild": True})
    assert_same_layers(incremental, read_layers(stack.warehouse))


@pytest.fixture(autouse=True)
def next_run_is_complete(loaded):
    """Before each test a booking changes; after it, a good run brings it in."""
    change_source(
        loaded, "update bookings set num_guests = num_guests + 1, total_price = total_price + 1 order by booking_id limit 3"
    )
    yield
    run(loaded)
    source = query_source(loaded, "select booking_id, total_price from bookings order by booking_id limit 3")
    raw = query_warehouse(
        loaded,
        "select booking_id, total_price"
        " from (select *, row_number() over (partition by booking_id order by _run_sequence desc) as version"
        " from apartments_raw.bookings) as ranked where version = 1 order by booking_id limit 3",
    )
    assert raw == source


def fail(stack, run_input=None, disturb=None) -> str:
    """Execute to a failure; return what people were told, which also says how the run was closed.

    `disturb` is called while the run waits before its first load.
    """
    told, run_sequence = len(stack.messages()), newest_run(stack) + 1
    execution = stack.start_execution(run_input)
    if disturb:
        with held_before_loading(stack, run_sequence):
            disturb(run_sequence)
    execution.wait()
    assert execution.status == "FAILED"
    assert [answer.payload for answer in stack.wait_for_rules(execution.arn) if answer.function_error] == []
    (message,) = stack.messages()[told:]
    return message["Subject"] + "\n" + message["Message"]


def newest_run(stack) -> int:
    return query_warehouse(stack, "select max(run_sequence) from apartments_control.run")[0][0]


@pytest.mark.parametrize(
    ("run_input", "words"),
    [
        ({"tables": ["booking"]}, ["FixConfiguration", "'booking'", "bookings", "apartments"]),
        ({"window": {"from": "yesterday", "to": "2026-01-01"}}, ["FixConfiguration", "window", "2026-11-01"]),
        ({"window": {"from": "2026-01-02", "to": "2026-01-01"}}, ["FixConfiguration", "from must be before to"]),
        ({"rebuilt": True}, ["FixConfiguration", "unknown key 'rebuilt'", "rebuild"]),
        (["bookings"], ["FixConfiguration", "object"]),
    ],
)
def test_malformed_input(loaded, run_input, words):
    """The message shows what was meant to be written."""
    text = fail(loaded, run_input)
    assert [word for word in words if word not in text] == [], text


def test_unreachable_database(loaded):
    """The message names host and port, and what to check."""
    loaded.stop_source()
    try:
        text = fail(loaded)
    finally:
        loaded.start_source()
    assert "Plan the run" in text
    assert f"{loaded.source.host}:{loaded.source.port}" in text


def test_wrong_secret(loaded):
    """The message names the secret, not what is in it."""
    secrets = loaded.aws.client("secretsmanager")
    good = secrets.get_secret_value(SecretId=loaded.source.secret_arn)["SecretString"]
    secrets.put_secret_value(
        SecretId=loaded.source.secret_arn, SecretString=json.dumps({**json.loads(good), "password": "tooth-fairy-17"})
    )
    try:
        text = fail(loaded)
    finally:
        secrets.put_secret_value(SecretId=loaded.source.secret_arn, SecretString=good)
    assert "FixConfiguration" in text
    assert loaded.source.secret_arn in text
    assert "tooth-fairy-17" not in text


def test_missing_column(loaded):
    """A column that the curated SQL needs is gone: refused by name before anything is read."""
    change_source(loaded, "alter table bookings rename column total_price to price_total")
    try:
        text = fail(loaded)
    finally:
        change_source(loaded, "alter table bookings rename column price_total to total_price")
    assert "FixConfiguration" in text
    assert "total_price" in text
    assert "bookings" in text
    assert query_warehouse(
        loaded, f"select count(*) from apartments_control.table_load where run_sequence = {newest_run(loaded)}"
    ) == [(0,)]


def test_unparseable_contract(loaded):
    """source.yaml is no YAML: the message names the file and the line."""
    path = loaded.deployment.functions["PlanRunFunction"].layers / "apartments" / "source.yaml"
    good = path.read_text()
    path.write_text(good.replace("tables:", "tables: ["))
    try:
        text = fail(loaded)
    finally:
        path.write_text(good)
    assert "FixConfiguration" in text
    assert "source.yaml" in text
    assert "line" in text


def test_parquet_file_missing_at_copy(loaded):
    """Somebody deletes a slice's file between manifest and COPY: the load names it, and the next run reads its rows again."""
    deleted = []

    def delete_files(run_sequence):
        prefix = f"apartments/raw/bookings/run={run_sequence:06d}/"
        for item in loaded.s3.list_objects_v2(Bucket=loaded.bucket, Prefix=prefix)["Contents"]:
            loaded.s3.delete_object(Bucket=loaded.bucket, Key=item["Key"])
            deleted.append(item["Key"])

    text = fail(loaded, disturb=delete_files)
    assert "FixData" in text, text
    assert "load bookings" in text
    assert deleted[0] in text
    assert "new execution" in text


def test_warehouse_down_mid_run(loaded):
    """People are told although the ledger cannot be; the next run finds the lease's holder ended and takes over."""
    run_sequence = newest_run(loaded) + 1
    status = f"select status from apartments_control.run where run_sequence = {run_sequence}"
    try:
        text = fail(loaded, disturb=lambda _run_sequence: loaded.stop_warehouse())
    finally:
        loaded.start_warehouse()
    assert "RetryLater" in text
    assert "load" in text
    assert "the next run closes this one" in text
    assert query_warehouse(loaded, status) == [("running",)]
    run(loaded)
    assert query_warehouse(loaded, status) == [("failed",)]


def test_functions_are_killed_at_work(loaded):
    """The process of each function is killed once while it works: Retry invokes it again, and the run succeeds by itself."""
    killed: set[str] = set()
    is_over = threading.Event()
    killer = threading.Thread(target=kill_each_once_at_work, args=(loaded.folder / "deployed", killed, is_over), daemon=True)
    killer.start()
    try:
        run(loaded)
    finally:
        is_over.set()
        killer.join(60)
    # Others work for less than the hundredth of a second that the kernel counts.
    assert killed >= {"PlanRunFunction", "ExtractSliceFunction", "RunSqlFunction"}


def kill_each_once_at_work(deployed: Path, killed: set[str], is_over: threading.Event) -> None:
    """Kill the first process of each deployed function that is seen to use the processor."""
    used: dict[int, float] = {}
    while not is_over.wait(0.02):
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                folder = Path(process.cwd())
                if deployed not in folder.parents or not process.name().startswith("python"):
                    continue
                function = folder.relative_to(deployed).parts[0]
                seconds = sum(process.cpu_times()[:2])
                # A good run leaves CloseFailedRun idle; of its death, the next run that fails would be told instead of closed.
                if function == "CloseFailedRunFunction":
                    continue
                if seconds - used.setdefault(process.pid, seconds) > 0 and function not in killed:
                    process.kill()
                    killed.add(function)


def test_a_failing_check_publishes_nothing(loaded):
    """A check of severity fail stops the run before publication, and names itself with an example."""
    path = loaded.deployment.functions["RunSqlFunction"].layers / "apartments" / "checks" / "no_pending.sql"
    path.write_text(
        "-- severity: fail\n\n-- name: violations\n"
        "select cast(booking_id as varchar(20)) as example from apartments_curated.bookings where booking_status = 'pending'\n"
    )
    before = {table: rows for table, rows in read_layers(loaded.warehouse).items() if "presentation" in table}
    try:
        text = fail(loaded)
    finally:
        path.unlink()
    assert "FixData" in text
    assert "no_pending" in text
    after = {table: rows for table, rows in read_layers(loaded.warehouse).items() if "presentation" in table}
    assert_same_layers(before, after)


def test_an_aborted_execution_is_closed_and_redriven(loaded):
    """Somebody stops the execution in the console: its statements are cancelled, its lease is free; then goes on with it."""
    execution = loaded.start_execution({})
    run_sequence = newest_run(loaded) + 1
    told = len(loaded.messages())
    aborted = {"StatementName": f"apartments/{run_sequence:06d}/", "Status": "ABORTED"}
    with held_before_loading(loaded, run_sequence):
        execution.stop()
        deadline = time.monotonic() + 60
        while not loaded.warehouse.client().list_statements(**aborted)["Statements"]:
            assert time.monotonic() < deadline, "the statement was not cancelled"
            time.sleep(0.05)
    execution.wait()
    assert execution.status == "ABORTED"
    (message,) = loaded.messages()[told:]
    assert "somebody stopped it" in message["Message"]
    assert "Cancelled statements: apartments/" in message["Message"]
    assert query_warehouse(loaded, f"select status from apartments_control.run where run_sequence = {run_sequence}") == [
        ("failed",)
    ]
    assert query_warehouse(loaded, "select is_held from apartments_control.lease") == [(False,)]
    redriven = execution.redrive().wait()
    assert (redriven.status, redriven.output["status"], redriven.output["run_sequence"]) == (
        "SUCCEEDED",
        "succeeded",
        run_sequence,
    )
    assert query_warehouse(loaded, f"select status, error from apartments_control.run where run_sequence = {run_sequence}") == [
        ("succeeded", None)
    ]
