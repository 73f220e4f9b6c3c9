"""Statements over time: submitted, awaited, described, listed, cancelled, repeated."""

import threading
import time

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from local_redshift.server import DataApiServer
from local_redshift.testing import TARGET, StatementFailed, Warehouse

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def client(warehouse):
    return warehouse.client()


def submit(client, sql, **arguments):
    return client.execute_statement(Sql=sql, **TARGET, **arguments)["Id"]


def wait(client, statement_id):
    while (description := client.describe_statement(Id=statement_id, WaitTimeSeconds=10))["Status"] in (
        "SUBMITTED",
        "PICKED",
        "STARTED",
    ):
        pass
    return description


@pytest.fixture
def locked_table(warehouse):
    """A table that another session holds, so that a statement on it waits until the lock is let go."""
    warehouse.empty()
    warehouse.execute("create table held (a int)")
    with warehouse.connect() as connection, connection.transaction():
        connection.execute("lock table public.held")
        yield "held"


def test_a_statement_is_accepted_at_once_and_described_as_it_runs(client, locked_table):
    """Data API guide: calls are asynchronous; API reference, DescribeStatement: STARTED, Duration, QueryString, no result yet."""
    statement_id = submit(client, "select a from held", StatementName="slow")
    deadline = time.monotonic() + 5
    while (description := client.describe_statement(Id=statement_id))["Status"] != "STARTED":
        assert time.monotonic() < deadline
    assert description["QueryString"] == "select a from held"
    assert description["HasResultSet"] is False
    assert description["WorkgroupName"] == TARGET["WorkgroupName"] and description["Database"] == TARGET["Database"]
    assert client.cancel_statement(Id=statement_id)["Status"] is True


def test_a_finished_statement_has_a_duration_rows_and_a_result(client):
    """API reference, DescribeStatement: Duration in nanoseconds, ResultRows, ResultSize, HasResultSet."""
    description = wait(client, submit(client, "select 1 as one, 'two' as two"))
    assert description["Status"] == "FINISHED"
    assert description["HasResultSet"] is True
    assert (description["ResultRows"], description["ResultSize"]) == (1, 4)
    assert 0 < description["Duration"] < 5e9
    assert description["UpdatedAt"] >= description["CreatedAt"]


def test_waiting_is_long_polling(client, locked_table):
    """API reference: WaitTimeSeconds answers as soon as the statement ends, else with the status it has when the time is over."""
    started = time.monotonic()
    answer = client.execute_statement(Sql="select a from held", WaitTimeSeconds=1, **TARGET)
    assert 0.9 < time.monotonic() - started < 3
    assert answer["Status"] == "STARTED"
    client.cancel_statement(Id=answer["Id"])
    started = time.monotonic()
    answer = client.execute_statement(Sql="select 1", WaitTimeSeconds=30, **TARGET)
    assert time.monotonic() - started < 3
    assert (answer["Status"], answer["HasResultSet"]) == ("FINISHED", True)


def test_a_failure_is_told_by_the_description_not_by_the_call(client):
    """Data API guide: an SQL error makes the statement FAILED, with Redshift's message in Error."""
    description = wait(client, submit(client, "select * from no_such_table"))
    assert description["Status"] == "FAILED"
    assert description["Error"] == 'ERROR: relation "no_such_table" does not exist'
    with pytest.raises(ClientError) as refused:
        client.get_statement_result(Id=description["Id"])
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_cancelling_stops_the_statement_in_the_database(client, warehouse, locked_table):
    """API reference, CancelStatement: the statement ends ABORTED, rolled back; one that has ended cannot be cancelled."""
    batch = client.batch_execute_statement(Sqls=["create table half (a int)", "insert into held values (1)"], **TARGET)["Id"]
    time.sleep(0.2)
    assert client.cancel_statement(Id=batch)["Status"] is True
    description = client.describe_statement(Id=batch)
    assert description["Status"] == "ABORTED"
    with warehouse.connect() as connection:
        assert connection.execute("select to_regclass('public.half')").fetchone() == (None,)
        assert connection.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock'").fetchone() == (0,)
    with pytest.raises(ClientError, match="already in ABORTED"):
        client.cancel_statement(Id=batch)


def test_26_the_same_token_answers_with_the_same_statement_even_a_failed_one(client):
    """API reference, ClientToken: idempotency of the request; remembered for 8 hours (Data API guide)."""
    first = submit(client, "select 1/0", ClientToken="run-7-step-load-1")
    assert wait(client, first)["Status"] == "FAILED"
    assert submit(client, "select 1/0", ClientToken="run-7-step-load-1") == first
    assert submit(client, "select 1/0", ClientToken="run-7-step-load-2") != first
    with pytest.raises(ClientError, match="other parameters"):
        submit(client, "select 2", ClientToken="run-7-step-load-1")


def test_a_token_is_forgotten_after_eight_hours_and_a_statement_after_a_day(client, monkeypatch):
    """Data API guide: tokens 8 hours; API reference: statements and results 24 hours."""
    statement_id = submit(client, "select 1", ClientToken="old")
    wait(client, statement_id)
    now = time.time()
    monkeypatch.setattr("local_redshift.statements.time.time", lambda: now + 8 * 3600 + 60)
    again = submit(client, "select 1", ClientToken="old")
    assert again != statement_id
    assert client.describe_statement(Id=statement_id)["Status"] == "FINISHED"
    monkeypatch.setattr("local_redshift.statements.time.time", lambda: now + 24 * 3600 + 60)
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_statement(Id=statement_id)


def test_listing_shows_finished_statements_by_prefix_unless_a_status_is_asked(client):
    """API reference, ListStatements: names match by prefix, case matters; the default status is FINISHED; pages by NextToken."""
    for number in range(3):
        wait(client, submit(client, f"select {number}", StatementName=f"list-{number}"))
    failed = submit(client, "select 1/0", StatementName="list-failed")
    wait(client, failed)

    def names(**arguments):
        return [
            statement["StatementName"] for statement in client.list_statements(StatementName="list-", **arguments)["Statements"]
        ]

    assert names() == ["list-2", "list-1", "list-0"]
    assert names(Status="ALL") == ["list-failed", "list-2", "list-1", "list-0"]
    assert names(Status="FAILED") == ["list-failed"]
    assert client.list_statements(StatementName="LIST-")["Statements"] == []
    page = client.list_statements(StatementName="list-", MaxResults=2)
    rest = client.list_statements(StatementName="list-", MaxResults=2, NextToken=page["NextToken"])
    assert [len(page["Statements"]), len(rest["Statements"])] == [2, 1]
    assert client.list_statements(StatementName="list-", WorkgroupName="another")["Statements"] == []


def test_many_statements_run_at_once(client, locked_table):
    """Data API guide: up to 500 active statements; one that waits holds up no other."""
    waiting = [submit(client, "select a from held") for _ in range(20)]
    started = time.monotonic()
    assert wait(client, submit(client, "select 1"))["Status"] == "FINISHED"
    assert time.monotonic() - started < 5
    for statement_id in waiting:
        client.cancel_statement(Id=statement_id)


def test_parameters_are_values(warehouse):
    """Data API guide: :name stands for a value, never for SQL; cast it where its type matters."""
    assert warehouse.query("select cast(:d as date) + 1, :t || '!'", d="2026-02-28", t="it's; drop table t") == [
        ("2026-03-01", "it's; drop table t!")
    ]
    assert warehouse.query("select ':t', cast(:n as int) + cast(:n as int)", n="2") == [(":t", 4)]


def test_every_parameter_is_used_and_every_name_is_given(client):
    """API reference: each parameter must be referenced by at least one statement; a value has at least one character."""
    parameters = [{"name": "a", "value": "1"}]
    for sql in ("select 1", "select ':a'"):
        with pytest.raises(ClientError, match="unused"):
            submit(client, sql, Parameters=parameters)
    with pytest.raises(ClientError, match="missing"):
        submit(client, "select :a, :b", Parameters=parameters)
    with pytest.raises(ParamValidationError):
        submit(client, "select :a", Parameters=[{"name": "a", "value": ""}])
    client.batch_execute_statement(Sqls=["select 1", "select :a"], Parameters=parameters, **TARGET)


def test_requests_keep_to_the_services_model(warehouse, client):
    """API reference: 1 to 40 statements, WaitTimeSeconds 1 to 30, one target, at most 100 KB of SQL."""
    with pytest.raises(ClientError, match=r"40|length"):
        client.batch_execute_statement(Sqls=["select 1"] * 41, **TARGET)
    assert len(warehouse.execute(["select 1"] * 40)["SubStatements"]) == 40
    with pytest.raises(ClientError, match="WaitTimeSeconds"):
        client.execute_statement(Sql="select 1", WaitTimeSeconds=31, **TARGET)
    with pytest.raises(ClientError, match="larger than 100kB"):
        submit(client, f"select '{'x' * 102_400}'")
    with pytest.raises(ClientError, match="together have more than 100 KB"):
        client.batch_execute_statement(Sqls=[f"select '{'x' * 60_000}'"] * 2, **TARGET)
    with pytest.raises(ClientError, match="ClusterIdentifier or WorkgroupName"):
        client.execute_statement(Sql="select 1", Database="dev")
    with pytest.raises(ClientError, match="ClusterIdentifier or WorkgroupName"):
        client.execute_statement(Sql="select 1", Database="dev", WorkgroupName="wg-1", ClusterIdentifier="c-1")
    with pytest.raises(ClientError, match="Query does not exist"):
        client.describe_statement(Id="00000000-0000-0000-0000-000000000000")


def test_answers_carry_a_request_id_and_errors_their_code(client):
    """AWS JSON 1.1: x-amzn-RequestId on every answer, __type on errors (moto's error path needs the first)."""
    assert client.list_statements()["ResponseMetadata"]["RequestId"]
    with pytest.raises(ClientError) as error:
        client.describe_statement(Id="00000000-0000-0000-0000-000000000000")
    assert error.value.response["ResponseMetadata"]["RequestId"]
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_what_is_not_offered_says_so(client):
    """The stand-in has six operations and no sessions: what else is asked for is an error that names it, never ignored."""
    with pytest.raises(ClientError, match="SessionKeepAliveSeconds"):
        submit(client, "select 1", SessionKeepAliveSeconds=60)
    with pytest.raises(ClientError, match="CSV"):
        submit(client, "select 1", ResultFormat="CSV")
    with pytest.raises(ClientError, match="ListDatabases"):
        client.list_databases(Database="dev", WorkgroupName="wg-1")


def test_stopping_the_service_cancels_what_runs_and_leaves_no_thread(warehouse, locked_table):
    """A test run or an interrupted `make run` leaves nothing behind."""
    server = DataApiServer(warehouse.postgres_uri, None).start()
    Warehouse(server.endpoint_url, warehouse.postgres_uri).client().execute_statement(Sql="select a from held", **TARGET)
    before = {thread.name for thread in threading.enumerate()}
    assert any(name.startswith("data-api") for name in before)
    server.stop()
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock'").fetchone() == (0,)


def test_a_convenience_raises_what_the_warehouse_said(warehouse):
    """`execute` and `query` of the fixture fail loudly, with the message of the statement."""
    with pytest.raises(StatementFailed, match="division by zero"):
        warehouse.query("select 1/0")
