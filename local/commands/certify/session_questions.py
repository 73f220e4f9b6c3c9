"""How requests to the Data API behave, alone and beside each other."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from local.commands.certify.account import NAME, Account, Outcome, as_text
from local.commands.certify.question import Question, guide

_API = "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html"
_LIMITS = "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html"
_TOKENS = "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling-considerations-idempotency.html"
_TWICE = "A repeated call could write twice, or a retried step would not run: see warehouse/data_api.py."
_ATOMIC = "A failed step would leave half of its rows behind; every guard of the pipeline builds on this."


def _ask_token(account: Account) -> str:
    token = uuid.uuid4().hex
    request = {"Sql": f"insert into {NAME}.u values (77, 'token')", "ClientToken": token, **account.target}
    first = account.data_api.execute_statement(**request)["Id"]
    account.read(first)
    second = account.data_api.execute_statement(**request)["Id"]
    account.read(second)
    rows = account.value("select count(*) from probe.u where id = 77")
    return f"{'the same' if first == second else 'another'} statement, {rows} row"


def _ask_failed_token(account: Account) -> str:
    request = {"Sql": "select 1 / (select 0)", "ClientToken": uuid.uuid4().hex, **account.target}
    first = account.data_api.execute_statement(**request)["Id"]
    failed = account.read(first).error is not None
    second = account.data_api.execute_statement(**request)["Id"]
    return f"{'failed' if failed else 'finished'}, then {'the same' if first == second else 'another'} statement"


def _ask_rollback(account: Account) -> str:
    outcome = account.run(["insert into probe.u values (88, 'half')", "select cast('x' || name as int) from probe.u"])
    rows = account.value("select count(*) from probe.u where id = 88")
    return f"{'failed' if outcome.error else 'finished'}, {rows} rows"


def _ask_number(account: Account) -> str:
    error = account.run(["select 1", "select cast('x' || name as int) from probe.u"]).error or ""
    return "says the number" if error.startswith("Query #2 failed") else f"says otherwise: {error[:60]}"


def _ask_most(account: Account) -> str:
    taken = account.run(["select 1"] * 40).error is None
    refused = account.run(["select 1"] * 41).error is not None
    return f"40 {'taken' if taken else 'refused'}, 41 {'refused' if refused else 'taken'}"


def _ask_parameters(account: Account) -> str:
    values = [{"name": "n", "value": "2"}, {"name": "t", "value": "it''s :n"}]
    one = account.run("select cast(:n as int) + 1, cast(:t as varchar(20))", Parameters=values)
    return one.error or as_text(one.results[0])


def _ask_batch_parameters(account: Account) -> str:
    values = [{"name": "day", "value": "2026-01-31"}]
    batch = ["select count(*) from probe.t where day = :day", "select cast(:day as date)"]
    outcome = account.run(batch, Parameters=values)
    return outcome.error or as_text(outcome.results)


def _ask_unused_parameter(account: Account) -> str:
    return "refused" if account.run("select 1", Parameters=[{"name": "n", "value": "1"}]).error else "taken"


def _ask_waiting(account: Account) -> str:
    statement = account.data_api.execute_statement(Sql="select 1", WaitTimeSeconds=30, **account.target)
    return str(statement.get("Status"))


def _ask_temporary(account: Account) -> str:
    here = account.run(["create temp table certify_here as select 1 as a", "select a from certify_here"]).error is None
    later = account.run("select a from certify_here").error is None
    return f"{'there' if here else 'not there'} in the batch, {'there' if later else 'gone'} after it"


def _ask_results(account: Account) -> str:
    statement = account.data_api.batch_execute_statement(Sqls=["select 1 as a", "select 2 as b"], **account.target)["Id"]
    account.read(statement)
    second = account.data_api.get_statement_result(Id=f"{statement}:2")
    return as_text([second["ColumnMetadata"][0]["name"], second["Records"][0][0].get("longValue")])


def _ask_names(account: Account) -> str:
    name = f"certify/{uuid.uuid4().hex}/"
    statement = account.data_api.execute_statement(Sql="select 1", StatementName=f"{name}x", **account.target)["Id"]
    account.read(statement)
    found = account.data_api.list_statements(StatementName=name, Status="ALL")["Statements"]
    return as_text([each["Id"] == statement for each in found])


def _ask_cancel(account: Account) -> str:
    statement = account.data_api.execute_statement(Sql=_slow("select count(*) as n"), **account.target)["Id"]
    time.sleep(0.3)
    try:
        account.data_api.cancel_statement(Id=statement)
    except ClientError as error:
        return f"not cancelled: {error.response['Error']['Code']}"
    return str(account.data_api.describe_statement(Id=statement, WaitTimeSeconds=30)["Status"])


def _ask_size(account: Account) -> str:
    return "refused" if account.run(f"select '{'x' * 102_400}'").error else "taken"


def _slow(select: str) -> str:
    """A query that takes some seconds: there is no function that sleeps."""
    tables = ", ".join(f"{NAME}.digit as d{number}" for number in range(8))
    return f"{select} from {tables} where d0.n + d7.n >= 0"


def _ask_lock(account: Account) -> str:
    """Two batches lock, look, work a while, and insert where nothing was: a lock lets one of them do it."""
    tables = ", ".join(f"probe.digit as d{number}" for number in range(6))
    batch = [
        "lock probe.once",
        f"select count(*) from {tables} where d0.n + d5.n >= 0",
        "insert into probe.once select 1 from probe.digit where n = 0 and not exists (select 1 from probe.once)",
    ]
    account.run("create table probe.once (a int)")
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(account.run, [batch, batch]))
    return as_text(account.value("select count(*) from probe.once"))


def _ask_snapshot(account: Account) -> str:
    """A batch that reads twice, while another inserts and commits between."""
    tables = ", ".join(f"probe.digit as d{number}" for number in range(7))
    reads = [
        "select count(*) from probe.seen",
        f"select count(*) from {tables} where d0.n + d6.n >= 0",
        "select count(*) from probe.seen",
    ]
    account.run("create table probe.seen (a int)")
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(account.run, reads)
        time.sleep(0.4)
        account.run("insert into probe.seen values (1)")
        outcome: Outcome = reading.result()
    if outcome.error:
        return f"failed: {outcome.error}"
    first, _, last = (rows[0][0] for rows in outcome.results)
    return "one state" if first == last else "two states"


DATA_API = (
    Question(
        "api token",
        "whether a client token makes a repeated call the same statement",
        "the same statement, 1 row",
        _TOKENS,
        _TWICE,
        _ask_token,
    ),
    Question(
        "api failed token",
        "whether a token answers with a failed statement, too",
        "failed, then the same statement",
        _TOKENS,
        _TWICE,
        _ask_failed_token,
    ),
    Question("api rollback", "whether a batch is one transaction", "failed, 0 rows", _API, _ATOMIC, _ask_rollback),
    Question(
        "api number",
        "whether an error says which statement of a batch failed",
        "says the number",
        _API,
        "Messages of failed steps name no statement.",
        _ask_number,
    ),
    Question(
        "api statements",
        "how many statements a batch holds",
        "40 taken, 41 refused",
        _LIMITS,
        "model/request_size.py divides requests by this number.",
        _ask_most,
    ),
    Question(
        "api size",
        "whether a statement of over 100 KB is refused",
        "refused",
        _LIMITS,
        "Larger requests would do: model/request_size.py may divide less.",
        _ask_size,
    ),
    Question("api parameters", "what parameters give", "[[3, \"it''s :n\"]]", _API, _ATOMIC, _ask_parameters),
    Question(
        "api parameters of a batch",
        "whether a batch takes parameters",
        '[[[1]], [["2026-01-31"]]]',
        _API,
        "Every step sends its values so: runs would fail.",
        _ask_batch_parameters,
    ),
    Question(
        "api unused parameter",
        "whether a parameter that no statement names is refused",
        "refused",
        _API,
        "Submissions leave out what they do not use: they need not.",
        _ask_unused_parameter,
    ),
    Question(
        "api waiting",
        "whether a call waits for a short statement",
        "FINISHED",
        _API,
        "A short step takes several calls, and costs more transitions.",
        _ask_waiting,
    ),
    Question(
        "api temporary",
        "how long a temporary table lives",
        "there in the batch, gone after it",
        _API,
        "Steps stage rows so within a batch.",
        _ask_temporary,
    ),
    Question(
        "api results",
        "whether the second result of a batch is read by its number",
        '["b", 2]',
        _API,
        "Steps that read send their selects as one batch.",
        _ask_results,
    ),
    Question(
        "api names",
        "whether statements are found by the beginning of their name",
        "[true]",
        _API,
        "Attempts are counted, and a failed run's statements are cancelled, by names.",
        _ask_names,
    ),
    Question(
        "api cancel",
        "whether a running statement is cancelled",
        "ABORTED",
        _API,
        "A failed run's statements would go on.",
        _ask_cancel,
    ),
)
SESSIONS = (
    Question(
        "session lock",
        "how many of two batches insert, where both lock, look and insert",
        "1",
        guide("r_LOCK"),
        "Two runs could write the same step: every writing batch begins with this lock.",
        _ask_lock,
    ),
    Question(
        "session snapshot",
        "whether a batch sees one state of a table while another writes it",
        "one state",
        guide("c_serial_isolation"),
        "Reads of one step could contradict each other.",
        _ask_snapshot,
    ),
)
SESSION_QUESTIONS = (*DATA_API, *SESSIONS)
