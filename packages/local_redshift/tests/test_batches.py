"""A batch is one transaction on one session."""

import threading

import pytest
from botocore.exceptions import ClientError

from local_redshift.testing import TARGET, StatementFailed

pytestmark = pytest.mark.timeout(60)


def test_a_batch_commits_whole(fresh_warehouse):
    """API reference, BatchExecuteStatement: statements run serially, as a single transaction."""
    fresh_warehouse.execute(["create table t (a int)", "insert into t values (1)", "insert into t select a + 1 from t"])
    assert fresh_warehouse.query("select a from t order by a") == [(1,), (2,)]


def test_a_failing_statement_rolls_the_whole_batch_back(fresh_warehouse):
    """API reference: "If any SQL statement fails, all work is rolled back"; schema changes too."""
    fresh_warehouse.execute("create table t (a int)")
    with pytest.raises(StatementFailed, match=r"Query #3 failed with ERROR: division by zero"):
        fresh_warehouse.execute(["insert into t values (1)", "create table u (a int)", "select 1/0", "insert into t values (2)"])
    assert fresh_warehouse.query("select count(*) from t") == [(0,)]
    with pytest.raises(StatementFailed, match="does not exist"):
        fresh_warehouse.query("select * from u")


def test_each_statement_of_a_batch_has_its_own_state_and_result(fresh_warehouse):
    """API reference, SubStatements: ids `<id>:<n>`, each with status, rows and result; after a failure the rest are ABORTED."""
    client = fresh_warehouse.client()
    description = fresh_warehouse.execute(
        ["create table t (a int)", "insert into t values (7), (8)", "select a from t order by a"]
    )
    parts = description["SubStatements"]
    assert [part["Id"] for part in parts] == [f"{description['Id']}:{number}" for number in (1, 2, 3)]
    assert [(part["Status"], part["HasResultSet"]) for part in parts] == [
        ("FINISHED", False),
        ("FINISHED", False),
        ("FINISHED", True),
    ]
    assert [part["ResultRows"] for part in parts[1:]] == [2, 2]
    assert client.get_statement_result(Id=parts[2]["Id"])["Records"] == [[{"longValue": 7}], [{"longValue": 8}]]
    assert client.describe_statement(Id=parts[2]["Id"])["QueryString"] == "select a from t order by a"
    with pytest.raises(ClientError, match="batch"):
        client.get_statement_result(Id=description["Id"])
    failed = client.batch_execute_statement(Sqls=["select 1", "select 1/0", "select 2"], WaitTimeSeconds=10, **TARGET)
    states = [part["Status"] for part in client.describe_statement(Id=failed["Id"])["SubStatements"]]
    assert states == ["FINISHED", "FAILED", "ABORTED"]


def test_temporary_tables_and_settings_live_through_a_batch_and_no_longer(fresh_warehouse):
    """Data API guide: a batch is one session, closed after it."""
    fresh_warehouse.execute("create schema s")
    fresh_warehouse.execute(
        ["set search_path to s", "create temp table x (a int)", "create table kept (a int)", "select * from x"]
    )
    assert fresh_warehouse.query("select table_schema from svv_columns where table_name = 'kept'") == [("s",)]
    for name in ("x", "kept"):
        with pytest.raises(StatementFailed, match="does not exist"):
            fresh_warehouse.query(f"select * from {name}")


def test_truncate_is_refused_in_a_batch_with_the_reason(fresh_warehouse):
    """Page r_TRUNCATE: it commits the transaction in which it is run, so a batch with it would not be atomic."""
    fresh_warehouse.execute(["create table t (a int)", "insert into t values (1)"])
    with pytest.raises(StatementFailed, match="TRUNCATE commits"):
        fresh_warehouse.execute(["truncate t"])
    fresh_warehouse.execute("truncate table t")
    assert fresh_warehouse.query("select count(*) from t") == [(0,)]


@pytest.mark.parametrize("sql", ["vacuum t", "alter table t alter column a type varchar(20)", "alter table t append from u"])
def test_what_may_not_stand_in_a_transaction_fails_in_a_batch(fresh_warehouse, sql):
    """Pages r_VACUUM_command, r_ALTER_TABLE (ALTER COLUMN TYPE) and r_ALTER_TABLE_APPEND."""
    fresh_warehouse.execute("create table t (a varchar(10))")
    with pytest.raises(StatementFailed, match="transaction block"):
        fresh_warehouse.execute(["select 1", sql])


def test_auto_commit_is_refused(fresh_warehouse):
    """API reference, ExecutionMode: not offered here, so it is an error and never run as a transaction in silence."""
    with pytest.raises(ClientError, match="AUTO_COMMIT"):
        fresh_warehouse.client().batch_execute_statement(Sqls=["select 1"], ExecutionMode="AUTO_COMMIT", **TARGET)


def test_15_a_batch_reads_one_snapshot_taken_after_its_lock(fresh_warehouse):
    """Page c_serial_isolation: snapshot isolation; the snapshot starts at the first query, so a batch that begins with LOCK sees
    what the holder of the lock committed."""
    fresh_warehouse.execute(["create table lease (a int)", "create table t (a int)"])
    with fresh_warehouse.connect() as other, other.transaction():
        other.execute("lock table public.lease")
        batch = fresh_warehouse.client().batch_execute_statement(Sqls=["lock lease", "select count(*) from t"], **TARGET)["Id"]
        threading.Event().wait(0.2)
        other.execute("insert into public.t values (1)")
    description = fresh_warehouse.client().describe_statement(Id=batch, WaitTimeSeconds=10)
    assert description["Status"] == "FINISHED"
    assert fresh_warehouse.client().get_statement_result(Id=f"{batch}:2")["Records"] == [[{"longValue": 1}]]


def test_15_two_batches_that_change_one_row_do_not_both_commit(fresh_warehouse):
    """Page c_serial_isolation: error 1023, serializable isolation violation."""
    fresh_warehouse.execute(["create table t (a int)", "insert into t values (1)"])
    with fresh_warehouse.connect() as other, other.transaction():
        other.execute("update public.t set a = 2")
        batch = fresh_warehouse.client().batch_execute_statement(Sqls=["select * from t", "update t set a = 3"], **TARGET)["Id"]
        threading.Event().wait(0.2)
    description = fresh_warehouse.client().describe_statement(Id=batch, WaitTimeSeconds=10)
    assert description["Status"] == "FAILED"
    assert "1023 DETAIL: Serializable isolation violation" in description["Error"]


def test_fifteen_small_statements_take_milliseconds(fresh_warehouse):
    """The stand-in must not be what a local run waits for; translations are remembered."""
    fresh_warehouse.execute("create table t (a int, b varchar(10))")
    sqls = [f"insert into t select {n}, 'x' from t where a = {n}" for n in range(15)]
    fresh_warehouse.execute(sqls)
    client = fresh_warehouse.client()
    fastest = min(
        client.describe_statement(Id=client.batch_execute_statement(Sqls=sqls, WaitTimeSeconds=10, **TARGET)["Id"])["Duration"]
        for _ in range(5)
    )
    assert fastest < 100e6
