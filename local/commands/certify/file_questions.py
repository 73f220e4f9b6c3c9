"""What COPY reads and UNLOAD writes."""

from __future__ import annotations

import datetime
import io
import json
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from local.commands.certify.account import PREFIX, Account, as_text
from local.commands.certify.question import CouldNotAsk, Question, guide

_LOADS = "The load of a run would fail, or bring other values: see docs/types.md."
_NO_ROLE = "rental-pipeline-certify-no-such-role"

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


FILE_QUESTIONS = (
    Question(
        "copy types",
        "what COPY brings of each type that the pipeline writes",
        as_text(_LOADED),
        guide("copy-usage_notes-copy-from-columnar"),
        _LOADS,
        _ask_copy,
    ),
    Question(
        "copy twice",
        "whether a second COPY of the same files loads them again",
        "[[4]]",
        guide("r_COPY"),
        _LOADS,
        _ask_copy_twice,
    ),
    Question(
        "copy columns",
        "whether COPY refuses a file with other columns than its list",
        "refused",
        guide("copy-usage_notes-copy-from-columnar"),
        "Columns go by their place: values could come into the wrong one.",
        _ask_copy_columns,
    ),
    Question(
        "copy option",
        "whether COPY of Parquet refuses MAXERROR",
        "refused",
        guide("copy-usage_notes-copy-from-columnar"),
        "The local Redshift is stricter than yours: nothing breaks.",
        _ask_copy_option,
    ),
    Question(
        "copy other role",
        "whether COPY by a role that is not attached is denied",
        "denied",
        guide("copy-parameters-authorization"),
        "Any role would do: least privilege is not proven.",
        _ask_copy_other_role,
    ),
    Question(
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
    Question(
        "unload key",
        "by which key UNLOAD encrypts, untold and with ENCRYPTED AUTO",
        as_text(["AES256", "the bucket's"]),
        guide("r_UNLOAD"),
        "The lake would be under another key than yours (docs/how-to/keys.md).",
        _ask_unload_key,
    ),
    Question(
        "unload count",
        "how many rows the session's last UNLOAD wrote, asked in the same batch",
        as_text([[2]]),
        guide("PG_LAST_UNLOAD_COUNT"),
        "The run would stop before the lake is switched (FixData): lake/file_lists.py compares the count with the manifest.",
        _ask_unload_count,
    ),
    Question(
        "unload limit",
        "whether UNLOAD refuses a LIMIT",
        "refused",
        guide("r_UNLOAD"),
        "The local Redshift is stricter than yours: nothing breaks.",
        _ask_unload_limit,
    ),
)
