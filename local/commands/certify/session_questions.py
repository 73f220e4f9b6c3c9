"""How requests to the Data API behave, alone and beside each other; and what COPY reads and UNLOAD writes."""

from __future__ import annotations

import datetime
import io
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from local.commands.certify.account import NAME, PREFIX, Account, Outcome, as_text
from local.commands.certify.question import CouldNotAsk, Question, guide

_API = "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html"
_LIMITS = "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html"
_TOKENS = "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling-considerations-idempotency.html"
_TWICE = "A repeated call could write twice, or a retried step would not run: see warehouse/data_api.py."
_ATOMIC = "A failed step would leave half of its rows behind; every guard of the pipeline builds on this."
_LOADS = "The load of a run would fail, or bring other values: see docs/types.md."
_NO_ROLE = "rental-pipeline-certify-no-such-role"


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


_ROWS: dict[str, list[Any]] = {
    "big": [9223372036854775807, None],
    "price": [Decimal("12345.67"), None],
    "ratio": [0.1, None],
    "name": ["ä'\\\n", ""],
    "at": [datetime.datetime(2026, 1, 2, 3, 4, 5, 6), None],
    "day": [datetime.date(2026, 1, 2), None],
    "flag": [True, None],
}
_TYPES = {
    "big": pa.int64(),
    "price": pa.decimal128(10, 2),
    "ratio": pa.float64(),
    "name": pa.string(),
    "at": pa.timestamp("us"),
    "day": pa.date32(),
    "flag": pa.bool_(),
}
_COLUMNS = "big bigint, price decimal(10, 2), ratio double precision, name varchar(20), at timestamp, day date, flag boolean"
_LOADED = [
    [9223372036854775807, "12345.67", 0.1, "ä'\\\n", "2026-01-02 03:04:05.000006", "2026-01-02", True],
    [None, None, None, "", None, None, None],
]


def _put_probe(account: Account) -> str:
    """Put a Parquet file and its manifest below certify/; return the manifest's address."""
    table = pa.table({name: pa.array(_ROWS[name], kind) for name, kind in _TYPES.items()})
    sink = io.BytesIO()
    pq.write_table(table, sink, coerce_timestamps="us")
    s3, bucket = account.client("s3"), account.bucket
    s3.put_object(Bucket=bucket, Key=f"{PREFIX}probe.parquet", Body=sink.getvalue())
    entry = {
        "url": f"s3://{bucket}/{PREFIX}probe.parquet",
        "mandatory": True,
        "meta": {"content_length": len(sink.getvalue())},
    }
    s3.put_object(Bucket=bucket, Key=f"{PREFIX}manifest", Body=json.dumps({"entries": [entry]}).encode())
    return f"s3://{bucket}/{PREFIX}manifest"


def _copy(account: Account, options: str = "manifest", role: str | None = None, columns: str = ", ".join(_TYPES)) -> list[str]:
    account.need("redshift:Copy", bucket=account.bucket, copy_role=account.copy_role)
    manifest = _put_probe(account)
    return [
        "drop table if exists probe.loaded",
        f"create table probe.loaded ({_COLUMNS})",
        f"copy probe.loaded ({columns}) from '{manifest}' iam_role '{role or account.copy_role}' format as parquet {options}",
        "select * from probe.loaded order by big",
    ]


def _ask_copy(account: Account) -> str:
    outcome = account.run(_copy(account))
    return outcome.error or as_text(outcome.results[-1])


def _ask_copy_twice(account: Account) -> str:
    first, table, copy, _ = _copy(account)
    outcome = account.run([first, table, copy, copy, "select count(*) from probe.loaded"])
    return outcome.error or as_text(outcome.results[-1])


def _ask_copy_columns(account: Account) -> str:
    return "refused" if account.run(_copy(account, columns="big, price")).error else "taken"


def _ask_copy_option(account: Account) -> str:
    return "refused" if account.run(_copy(account, "manifest maxerror 10")).error else "taken"


def _ask_copy_other_role(account: Account) -> str:
    if not account.copy_role:
        account.need("redshift:Copy", copy_role=account.copy_role)
    role = str(account.copy_role).rsplit("/", 1)[0] + "/" + _NO_ROLE
    return "denied" if account.run(_copy(account, role=role)).error else "let"


def _ask_unload(account: Account) -> str:
    account.need("redshift:Unload", bucket=account.bucket, copy_role=account.copy_role)
    folder = f"{PREFIX}{uuid.uuid4().hex}/"
    outcome = account.run(
        f"unload ('select id, price, at, day, flag from probe.t where id < 3') to 's3://{account.bucket}/{folder}' "
        f"iam_role '{account.copy_role}' format as parquet"
    )
    if outcome.error:
        return outcome.error
    s3 = account.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=account.bucket, Prefix=folder).get("Contents", [])]
    files = [pq.read_table(io.BytesIO(s3.get_object(Bucket=account.bucket, Key=key)["Body"].read())) for key in keys]
    rows = sorted(
        row for file in files for row in zip(*(map(str, file[name].to_pylist()) for name in file.column_names), strict=True)
    )
    return as_text([[*row] for row in rows])


def _ask_unload_count(account: Account) -> str:
    account.need("redshift:Unload", bucket=account.bucket, copy_role=account.copy_role)
    unload = (
        f"unload ('select id from probe.t where id < 3') to 's3://{account.bucket}/{PREFIX}{uuid.uuid4().hex}/' "
        f"iam_role '{account.copy_role}' format as parquet"
    )
    outcome = account.run([unload, "select pg_last_unload_count()"])
    return outcome.error or as_text(outcome.results[-1])


def _ask_unload_limit(account: Account) -> str:
    account.need("redshift:Unload", bucket=account.bucket, copy_role=account.copy_role)
    sql = f"unload ('select id from probe.t limit 1') to 's3://{account.bucket}/{PREFIX}limit/' iam_role '{account.copy_role}' "
    return "refused" if account.run(sql + "format as parquet").error else "taken"


def _ask_unload_key(account: Account) -> str:
    account.need("redshift:Unload", bucket=account.bucket, copy_role=account.copy_role)
    s3 = account.client("s3")
    (rule, *_) = s3.get_bucket_encryption(Bucket=account.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    if not (key := rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")):
        raise CouldNotAsk("the bucket is under S3's own key (KmsKeyArn gives it another)")
    answer = []
    for option in ("", " encrypted auto"):
        folder = f"{PREFIX}{uuid.uuid4().hex}/"
        outcome = account.run(
            f"unload ('select id from probe.t') to 's3://{account.bucket}/{folder}' iam_role '{account.copy_role}'"
            f" format as parquet{option}"
        )
        if outcome.error:
            return outcome.error
        (item, *_) = s3.list_objects_v2(Bucket=account.bucket, Prefix=folder)["Contents"]
        head = s3.head_object(Bucket=account.bucket, Key=item["Key"])
        answer.append("the bucket's" if head.get("SSEKMSKeyId") == key else head["ServerSideEncryption"])
    return as_text(answer)


def _question(name: str, asks: str, expected: str, page: str, meaning: str, ask: Any) -> Question:
    return Question(name, asks, expected, page, meaning, ask)


DATA_API = (
    _question(
        "api token",
        "whether a client token makes a repeated call the same statement",
        "the same statement, 1 row",
        _TOKENS,
        _TWICE,
        _ask_token,
    ),
    _question(
        "api failed token",
        "whether a token answers with a failed statement, too",
        "failed, then the same statement",
        _TOKENS,
        _TWICE,
        _ask_failed_token,
    ),
    _question("api rollback", "whether a batch is one transaction", "failed, 0 rows", _API, _ATOMIC, _ask_rollback),
    _question(
        "api number",
        "whether an error says which statement of a batch failed",
        "says the number",
        _API,
        "Messages of failed steps name no statement.",
        _ask_number,
    ),
    _question(
        "api statements",
        "how many statements a batch holds",
        "40 taken, 41 refused",
        _LIMITS,
        "model/request_size.py divides requests by this number.",
        _ask_most,
    ),
    _question(
        "api size",
        "whether a statement of over 100 KB is refused",
        "refused",
        _LIMITS,
        "Larger requests would do: model/request_size.py may divide less.",
        _ask_size,
    ),
    _question("api parameters", "what parameters give", "[[3, \"it''s :n\"]]", _API, _ATOMIC, _ask_parameters),
    _question(
        "api parameters of a batch",
        "whether a batch takes parameters",
        '[[[1]], [["2026-01-31"]]]',
        _API,
        "Every step sends its values so: runs would fail.",
        _ask_batch_parameters,
    ),
    _question(
        "api unused parameter",
        "whether a parameter that no statement names is refused",
        "refused",
        _API,
        "Submissions leave out what they do not use: they need not.",
        _ask_unused_parameter,
    ),
    _question(
        "api waiting",
        "whether a call waits for a short statement",
        "FINISHED",
        _API,
        "A short step takes several calls, and costs more transitions.",
        _ask_waiting,
    ),
    _question(
        "api temporary",
        "how long a temporary table lives",
        "there in the batch, gone after it",
        _API,
        "Steps stage rows so within a batch.",
        _ask_temporary,
    ),
    _question(
        "api results",
        "whether the second result of a batch is read by its number",
        '["b", 2]',
        _API,
        "Steps that read send their selects as one batch.",
        _ask_results,
    ),
    _question(
        "api names",
        "whether statements are found by the beginning of their name",
        "[true]",
        _API,
        "Attempts are counted, and a failed run's statements are cancelled, by names.",
        _ask_names,
    ),
    _question(
        "api cancel",
        "whether a running statement is cancelled",
        "ABORTED",
        _API,
        "A failed run's statements would go on.",
        _ask_cancel,
    ),
)
SESSIONS = (
    _question(
        "session lock",
        "how many of two batches insert, where both lock, look and insert",
        "1",
        guide("r_LOCK"),
        "Two runs could write the same step: every writing batch begins with this lock.",
        _ask_lock,
    ),
    _question(
        "session snapshot",
        "whether a batch sees one state of a table while another writes it",
        "one state",
        guide("c_serial_isolation"),
        "Reads of one step could contradict each other.",
        _ask_snapshot,
    ),
)
FILES = (
    _question(
        "copy types",
        "what COPY brings of each type that the pipeline writes",
        as_text(_LOADED),
        guide("copy-usage_notes-copy-from-columnar"),
        _LOADS,
        _ask_copy,
    ),
    _question(
        "copy twice",
        "whether a second COPY of the same files loads them again",
        "[[4]]",
        guide("r_COPY"),
        _LOADS,
        _ask_copy_twice,
    ),
    _question(
        "copy columns",
        "whether COPY refuses a file with other columns than its list",
        "refused",
        guide("copy-usage_notes-copy-from-columnar"),
        "Columns go by their place: values could come into the wrong one.",
        _ask_copy_columns,
    ),
    _question(
        "copy option",
        "whether COPY of Parquet refuses MAXERROR",
        "refused",
        guide("copy-usage_notes-copy-from-columnar"),
        "The local Redshift is stricter than yours: nothing breaks.",
        _ask_copy_option,
    ),
    _question(
        "copy other role",
        "whether COPY by a role that is not attached is denied",
        "denied",
        guide("copy-parameters-authorization"),
        "Any role would do: least privilege is not proven.",
        _ask_copy_other_role,
    ),
    _question(
        "unload types",
        "what UNLOAD writes of each type that the lake has",
        as_text(
            [
                ["1", "1.50", "2026-01-31 12:30:45.500000", "2026-01-31", "True"],
                ["2", "2.25", "2026-02-28 00:00:00", "2026-02-28", "False"],
            ]
        ),
        guide("r_UNLOAD"),
        "The lake's tables would hold other values.",
        _ask_unload,
    ),
    _question(
        "unload key",
        "by which key UNLOAD encrypts, untold and with ENCRYPTED AUTO",
        as_text(["AES256", "the bucket's"]),
        guide("r_UNLOAD"),
        "The lake would be under another key than yours (docs/how-to/keys.md).",
        _ask_unload_key,
    ),
    _question(
        "unload count",
        "how many rows the session's last UNLOAD wrote, asked in the same batch",
        as_text([[2]]),
        guide("PG_LAST_UNLOAD_COUNT"),
        "The run would stop before the lake is switched (FixData): lake/file_lists.py compares the count with the manifest.",
        _ask_unload_count,
    ),
    _question(
        "unload limit",
        "whether UNLOAD refuses a LIMIT",
        "refused",
        guide("r_UNLOAD"),
        "The local Redshift is stricter than yours: nothing breaks.",
        _ask_unload_limit,
    ),
)
SESSION_QUESTIONS = (*DATA_API, *SESSIONS, *FILES)
