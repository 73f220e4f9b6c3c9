"""UNLOAD of a query to Parquet."""

import io
import json
import time
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local_redshift.testing import StatementFailed

ROLE = "arn:aws:iam::123456789012:role/warehouse"
COLUMNS = """
    id bigint, small smallint, whole integer, ratio double precision, single real, is_active boolean, price decimal(10, 2),
    day date, at timestamp, title varchar(12)
"""
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "small": pa.int16(),
        "whole": pa.int32(),
        "ratio": pa.float64(),
        "single": pa.float32(),
        "is_active": pa.bool_(),
        "price": pa.decimal128(10, 2),
        "day": pa.date32(),
        "at": pa.timestamp("us"),
        "title": pa.string(),
    }
)
ROWS = [
    (1, 2, 3, 0.1, 0.5, True, Decimal("12.50"), date(2026, 2, 28), datetime(2026, 2, 28, 23, 59, 59, 999999), "a"),
    (2, -32768, 2**31 - 1, 1e300, -2.25, False, Decimal("-99999999.99"), date(1, 1, 1), datetime(9999, 12, 31), 'q",\n\\.é'),
    (3, None, None, None, None, None, None, None, None, None),
    (4, 0, 0, -0.0, float("inf"), True, Decimal("0.00"), date(2000, 1, 1), datetime(2000, 1, 1), ""),
    (5, 0, 0, 5e-324, 1e-45, True, Decimal("0.01"), date(9999, 12, 31), datetime(1, 1, 1, 0, 0, 0, 1), "null"),
    (2**63 - 1, 0, 0, 1.7976931348623157e308, 0.1, True, Decimal("0.01"), date(1969, 12, 31), datetime(1969, 12, 31), " "),
]


@pytest.fixture
def table(fresh_warehouse):
    fresh_warehouse.execute(f"create table t ({COLUMNS})")
    with fresh_warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(f"insert into public.t values ({', '.join(['%s'] * len(SCHEMA))})", ROWS)
    return fresh_warehouse


class Bucket:
    """Looks into a bucket."""

    def __init__(self, s3, name):
        self.s3, self.name = s3, name

    def url(self, key):
        return f"s3://{self.name}/{key}"

    def keys(self, prefix=""):
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])]

    def body(self, key):
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()

    def put(self, key):
        self.s3.put_object(Bucket=self.name, Key=key, Body=b"old")

    def read(self, prefix):
        """Return the rows of all files under a prefix, as one table."""
        files = [pq.ParquetFile(io.BytesIO(self.body(key))).read() for key in self.keys(prefix) if key.endswith(".parquet")]
        return pa.concat_tables(files)


@pytest.fixture
def files(aws, bucket):
    return Bucket(aws.client("s3"), bucket)


@pytest.fixture
def unload(files):
    """Spell an UNLOAD of this test's bucket."""

    def spell(query, key, options=""):
        text = query.replace("'", "''")
        return f"unload ('{text}') to '{files.url(key)}' iam_role '{ROLE}' format as parquet {options}"

    return spell


def rows_of(table):
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_every_value_leaves_as_it_was(table, files, unload):
    """Each type, its ends, NULL beside the empty text, quotes and line ends in text; the schema is what COPY takes in."""
    assert table.execute(unload("select * from t", "out/t_"))["ResultRows"] == len(ROWS)
    found = files.read("out/")
    assert found.schema == SCHEMA
    single = SCHEMA.get_field_index("single")
    as_float32 = [(*row[:single], pa.scalar(row[single], pa.float32()).as_py(), *row[single + 1 :]) for row in ROWS]
    assert rows_of(found) == sorted(as_float32)


def test_what_was_unloaded_copies_back_through_its_manifest(table, files, unload):
    """Page r_UNLOAD: the verbose manifest has each file's content_length, which COPY of Parquet asks for."""
    table.execute(unload("select * from t", "out/t_", "manifest verbose"))
    table.execute(
        [
            "create table again (like t)",
            f"copy again from '{files.url('out/t_manifest')}' iam_role '{ROLE}' format as parquet manifest",
        ]
    )
    assert table.query("select count(*) from (select * from t except select * from again)") == [(0,)]
    assert table.query("select count(*) from again") == [(len(ROWS),)]


def test_files_are_named_by_slice_and_part(table, files, unload):
    """Page r_UNLOAD: <prefix><slice>_part_<part>; serially, <prefix>000. Parquet adds its extension, the manifest its word."""
    table.execute(unload("select * from t", "a/t_", "manifest"))
    assert files.keys("a/") == ["a/t_0000_part_00.parquet", "a/t_0001_part_00.parquet", "a/t_manifest"]
    table.execute(unload("select * from t order by id desc", "b/", "parallel off"))
    assert files.keys("b/") == ["b/000.parquet"]
    assert files.read("b/")["id"].to_pylist() == sorted((row[0] for row in ROWS), reverse=True)


def test_the_manifest_lists_files_and_verbosely_their_sizes_rows_and_schema(table, files, unload):
    """Page r_UNLOAD_command_examples."""
    table.execute(unload("select id, price, title from t", "a/", "manifest"))
    assert json.loads(files.body("a/manifest")) == {"entries": [{"url": files.url(f"a/000{n}_part_00.parquet")} for n in (0, 1)]}
    table.execute(unload("select id, price, title from t", "b/", "manifest verbose"))
    manifest = json.loads(files.body("b/manifest"))
    assert [entry["meta"]["record_count"] for entry in manifest["entries"]] == [3, 3]
    lengths = [len(files.body(key)) for key in files.keys("b/0")]
    assert [entry["meta"]["content_length"] for entry in manifest["entries"]] == lengths
    assert manifest["meta"] == {"content_length": sum(lengths), "record_count": 6}
    assert [(element["name"], element["type"]["base"]) for element in manifest["schema"]["elements"]] == [
        ("id", "bigint"),
        ("price", "numeric"),
        ("title", "character varying"),
    ]
    assert manifest["author"]["name"] == "Amazon Redshift"


def test_no_rows_make_no_files(table, files, unload):
    """Since 2019 Redshift writes nothing for an empty result, no manifest either (spark-redshift-community/spark-redshift#40)."""
    assert table.execute(unload("select * from t where id < 0", "a/", "manifest"))["ResultRows"] == 0
    assert files.keys() == []


def test_partitions_are_folders_without_their_column(table, files, unload):
    """Page r_UNLOAD, PARTITION BY: Hive's convention, NULL in its default one, the slash added, one manifest at the root."""
    query = "select id, title, day, small from t"
    table.execute(unload(query, "a", "partition by (small, day) manifest"))
    folders = {key.rpartition("/")[0] for key in files.keys("a/") if key.endswith(".parquet")}
    assert folders == {
        "a/small=2/day=2026-02-28",
        "a/small=-32768/day=0001-01-01",
        "a/small=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__",
        "a/small=0/day=2000-01-01",
        "a/small=0/day=9999-12-31",
        "a/small=0/day=1969-12-31",
    }
    assert files.read("a/").column_names == ["id", "title"]
    assert sorted(files.read("a/")["id"].to_pylist()) == [row[0] for row in ROWS]
    assert len(json.loads(files.body("a/manifest"))["entries"]) == 6
    table.execute(unload(query, "b/", "partition by (small) include"))
    assert files.read("b/").column_names == ["id", "title", "day", "small"]


def test_existing_files_are_not_overwritten_unless_allowed(table, files, unload):
    """Page r_UNLOAD, ALLOWOVERWRITE and CLEANPATH: an error by default; overwriting leaves other files, cleaning does not."""
    files.put("a/other")
    files.put("a/000.parquet")
    with pytest.raises(StatementFailed, match="destination on S3 is not empty"):
        table.execute(unload("select * from t", "a/"))
    assert files.body("a/000.parquet") == b"old"
    table.execute(unload("select * from t", "a/", "parallel off allowoverwrite"))
    assert files.keys("a/") == ["a/000.parquet", "a/other"] and files.read("a/").num_rows == len(ROWS)
    table.execute(unload("select * from t", "a/", "cleanpath"))
    assert files.keys("a/") == ["a/0000_part_00.parquet", "a/0001_part_00.parquet"]


KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("options", "default", "expected"),
    [
        ("", KEY, ("AES256", None)),
        ("encrypted auto", KEY, ("aws:kms", KEY)),
        ("encrypted auto", None, ("AES256", None)),
        ("kms_key_id 'another' encrypted", KEY, ("aws:kms", "another")),
        ("encrypted kms_key_id as 'another'", None, ("aws:kms", "another")),
    ],
)
def test_files_and_manifest_are_encrypted_as_is_asked_for(table, files, unload, options, default, expected):
    """Page r_UNLOAD, ENCRYPTED: by S3's own key, whatever the bucket's default is, but where UNLOAD is told to take that one."""
    by = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": default} if default else {"SSEAlgorithm": "AES256"}
    rules = [{"ApplyServerSideEncryptionByDefault": by}]
    files.s3.put_bucket_encryption(Bucket=files.name, ServerSideEncryptionConfiguration={"Rules": rules})
    table.execute(unload("select id from t", "a/", f"manifest {options}"))
    heads = [files.s3.head_object(Bucket=files.name, Key=key) for key in files.keys("a/")]
    assert len(heads) > 1
    assert {(head["ServerSideEncryption"], head.get("SSEKMSKeyId")) for head in heads} == {expected}


def test_cleanpath_with_partitions_cleans_only_those_that_get_files(table, files, unload):
    """Page r_UNLOAD, CLEANPATH."""
    files.put("a/small=2/old")
    files.put("a/small=7/old")
    table.execute(unload("select id, small from t where small = 2", "a/", "partition by (small) cleanpath parallel off"))
    assert files.keys("a/") == ["a/small=2/000.parquet", "a/small=7/old"]


@pytest.mark.parametrize(
    ("query", "options", "reason"),
    [
        ("select * from t limit 10", "", "Limit clause is not supported"),
        ("select top 10 * from t", "", "Limit clause is not supported"),
        ("select id from t union all select id from t limit 3", "", "Limit clause is not supported"),
        ("delete from t", "", "takes a SELECT query"),
        ("select id from t", "partition by (id)", "at least one nonpartition column"),
        ("select id from t", "partition by (day)", "partition column day is not in the query's result"),
        ("select id, ratio from t", "partition by (ratio)", "cannot be a partition key"),
        ("select id, title from t", "partition by (title)", "how such a one is written"),
        ("select * from t", "partition by ('day')", "string literals"),
        ("select * from t", "allowoverwrite cleanpath", "can't specify the CLEANPATH"),
        ("select * from t", "gzip", "can't use PARQUET with GZIP"),
        ("select * from t", "header", "can't use PARQUET with HEADER"),
        ("select * from t", "maxfilesize 4 mb", "between 5 MB and 6.2 GB"),
        ("select * from t", "maxfilesize 7 gb", "between 5 MB and 6.2 GB"),
        ("select * from t", "verbose", "VERBOSE is not"),
        ("select * from t", "encrypted", "only supported with SSE-KMS"),
        ("select * from t", "encrypted master_symmetric_key 'a'", "not with a key of the client's"),
        ("select * from t", "kms_key_id 'a'", "must specify the ENCRYPTED parameter also"),
        ("select * from t", "kms_key_id 'a' encrypted auto", "can't use it with KMS_KEY_ID"),
        ("select * from t", "kms_key_id a encrypted", "KMS_KEY_ID takes a text"),
        ("select * from t", "extension 'parquet'", "EXTENSION with PARQUET"),
        ("select id, id from t", "", "two columns of one name"),
        ("select sum(price) as total from t", "", "cast it to DECIMAL"),
        ("select nothing from t", "", 'column "nothing" does not exist'),
        ("select string_agg(title, ',') from t", "", "string_agg"),
    ],
)
def test_what_redshift_refuses_is_refused(table, files, unload, query, options, reason):
    """Page r_UNLOAD: parameters and usage notes; the last ones are what this stand-in cannot give faithfully."""
    with pytest.raises(StatementFailed, match=reason):
        table.execute(unload(query, "a/", options))
    assert files.keys() == []


def test_location_role_and_format_are_needed(table):
    """Page r_UNLOAD, syntax."""
    for statement, reason in [
        (f"unload ('select 1 as a') to 'a/' iam_role '{ROLE}' parquet", "TO 's3"),
        ("unload ('select 1 as a') to 's3://b/a/' parquet", "needs its IAM_ROLE"),
        ("unload ('select 1 as a') to 's3://b/a/' iam_role default", "FORMAT AS PARQUET only"),
        ("unload (select 1 as a) to 's3://b/a/' iam_role default parquet", "single quotation marks"),
        ("unload ('select 1 as a') to 's3://b/a/_hidden' iam_role default parquet", "hidden"),
    ]:
        with pytest.raises(StatementFailed, match=reason):
            table.execute(statement)


def test_unload_stands_in_a_batch_and_sees_its_rows(table, files, unload):
    """UNLOAD is no statement that must stand alone (page PG_LAST_UNLOAD_ID speaks of its transaction being rolled back); what it
    wrote is no part of the transaction."""
    batch = ["create temp table chosen as select id from t where id < 3", unload("select id from chosen", "a/")]
    description = table.execute(batch)
    assert [part["ResultRows"] for part in description["SubStatements"]][1] == 2
    assert sorted(files.read("a/")["id"].to_pylist()) == [1, 2]
    with pytest.raises(StatementFailed, match="division by zero"):
        table.execute([unload("select id from t", "b/"), "select 1 / (id - id) from t"])
    assert files.read("b/").num_rows == len(ROWS)


def test_times_with_a_zone_leave_as_utc_without_one(fresh_warehouse, files, unload):
    """Page r_UNLOAD: "If a column uses TIMESTAMPTZ data format, only the timestamp values are unloaded"."""
    fresh_warehouse.execute("create table z (at timestamptz)")
    fresh_warehouse.execute("insert into z values ('2026-07-01 02:00:00+02')")
    fresh_warehouse.execute(unload("select at from z", "a/"))
    assert files.read("a/").to_pylist() == [{"at": datetime(2026, 7, 1)}]


def test_a_million_rows_leave_in_seconds_and_in_several_files(table, files, unload):
    """The stand-in must carry the original sizes; MAXFILESIZE begins another part (rounded down to whole row groups of 32 MB)."""
    rows = 1_000_000
    with table.connect() as connection:
        connection.execute("insert into public.t select i, 1, i, sqrt(i), 0.5, true, i % 1000, '2026-01-01',"
                           " timestamp '2026-01-01' + i * interval '1 second', substr(md5(i::text), 1, 12)"
                           " from generate_series(10, 1000009) i")  # fmt: skip
    started = time.monotonic()
    options = "parallel off maxfilesize 5 mb manifest verbose"
    assert (
        table.execute(unload("select * from t where id between 10 and 1000009 order by id", "a/", options))["ResultRows"] == rows
    )
    assert time.monotonic() - started < 60
    manifest = json.loads(files.body("a/manifest"))
    assert manifest["meta"]["record_count"] == rows
    assert [entry["url"].rsplit("/", 1)[1] for entry in manifest["entries"]] == ["000.parquet", "001.parquet"]
    found = files.read("a/")["id"]
    assert found.to_pylist() == list(range(10, 1000010))
