"""COPY of Parquet through a manifest."""

import io
import json
import time
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local_redshift.server import DataApiServer
from local_redshift.testing import StatementFailed, Warehouse

ROLE = "arn:aws:iam::123456789012:role/warehouse"
COLUMNS = """
    id bigint, small smallint, whole integer, ratio double precision, single real, is_active boolean, price decimal(10, 2),
    day date, at timestamp, title varchar(12), code char(3)
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
        "code": pa.string(),
    }
)
ROWS = [
    (1, 2, 3, 0.1, 0.5, True, Decimal("12.50"), date(2026, 2, 28), datetime(2026, 2, 28, 23, 59, 59, 999999), "a", "USD"),
    (
        2**63 - 1,
        -32768,
        2**31 - 1,
        1e300,
        -2.25,
        False,
        Decimal("-99999999.99"),
        date(1, 1, 1),
        datetime(9999, 12, 31),
        'q",\n\\.',
        "",
    ),
    (3, None, None, None, None, None, None, None, None, None, None),
    (4, 0, 0, 0.0, 0.0, True, Decimal("0.00"), date(2000, 1, 1), datetime(2000, 1, 1), "", None),
]


@pytest.fixture
def table(fresh_warehouse):
    fresh_warehouse.execute(f"create table t ({COLUMNS})")
    return fresh_warehouse


class Bucket:
    """Puts Parquet files and manifests into a bucket."""

    def __init__(self, s3, name):
        self.s3, self.name = s3, name

    def put(self, key, rows, schema=SCHEMA, **options):
        columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        file = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file, **options)
        self.s3.put_object(Bucket=self.name, Key=key, Body=file.getvalue())
        return {"url": f"s3://{self.name}/{key}", "mandatory": True, "meta": {"content_length": len(file.getvalue())}}

    def manifest(self, *entries):
        self.s3.put_object(Bucket=self.name, Key="manifest.json", Body=json.dumps({"entries": entries}))
        return f"s3://{self.name}/manifest.json"


@pytest.fixture
def files(aws, bucket):
    return Bucket(aws.client("s3"), bucket)


def copy(manifest, target="t"):
    return f"copy {target} from '{manifest}' iam_role '{ROLE}' format as parquet manifest"


@pytest.fixture
def one_role(table, aws):
    """The same warehouse, with one role attached."""
    server = DataApiServer(table.postgres_uri, aws.endpoint_url, role=ROLE).start()
    yield Warehouse(server.endpoint_url, table.postgres_uri)
    server.stop()


def test_only_an_attached_role_is_taken(one_role, files):
    """By COPY and UNLOAD (Management Guide, "Authorizing COPY, UNLOAD … operations using IAM roles"); DEFAULT is one of them."""
    by_default = copy(files.manifest(files.put("a.parquet", ROWS))).replace(f"'{ROLE}'", "default")
    assert one_role.execute(by_default)["ResultRows"] == 4
    another = ROLE.replace("warehouse", "another")
    unload = f"unload ('select id from t') to 's3://{files.name}/out/' iam_role '{ROLE}' format as parquet"
    one_role.execute(unload)
    for statement in (copy(f"s3://{files.name}/manifest.json"), unload):
        with pytest.raises(StatementFailed, match=f"Not authorized to get credentials of role {another}"):
            one_role.execute(statement.replace(ROLE, another))


def test_every_value_arrives_as_it_was(table, files):
    """Page copy-usage_notes-copy-from-columnar: each type, its ends, NULL beside the empty text, quotes and line ends in text."""
    description = table.execute(copy(files.manifest(files.put("a.parquet", ROWS))))
    assert description["ResultRows"] == 4
    with table.connect() as connection:
        rows = connection.execute("select * from public.t order by id").fetchall()
    # CHAR(3) pads with blanks, which never count (page r_Character_types).
    assert [(*row[:-1], row[-1] and row[-1].rstrip()) for row in rows] == sorted(ROWS)


def test_columns_map_by_position_and_a_list_fixes_the_order(table, files):
    """As above: names in the file do not count; a column list says which columns they are."""
    schema = pa.schema({"nonsense": pa.string(), "id": pa.int64()})
    table.execute(copy(files.manifest(files.put("a.parquet", [("x", 7)], schema)), "t (title, id)"))
    assert table.query("select id, title, whole from t") == [(7, "x", None)]


def test_several_files_load_as_one(table, files):
    """One COPY is atomic over all files of its manifest: a bad second file leaves nothing of the first."""
    good = [files.put(f"{n}.parquet", [(n, *ROWS[0][1:])]) for n in range(3)]
    assert table.execute(copy(files.manifest(*good)))["ResultRows"] == 3
    bad = files.put("bad.parquet", [("x",)], pa.schema({"id": pa.string()}))
    with pytest.raises(StatementFailed, match="Unmatched number of columns"):
        table.execute(copy(files.manifest(files.put("9.parquet", [(9, *ROWS[0][1:])]), bad)))
    assert table.query("select count(*), max(id) from t") == [(3, 2)]


def test_the_same_files_load_again(table, files):
    """COPY keeps no memory of what it loaded."""
    manifest = files.manifest(files.put("a.parquet", ROWS[:1]))
    table.execute([copy(manifest), copy(manifest)])
    assert table.query("select count(*) from t") == [(2,)]


def test_a_manifest_entry_needs_its_content_length(table, files):
    """Page loading-data-files-using-manifest: meta.content_length is required for Parquet, and is the file's size in bytes."""
    entry = files.put("a.parquet", ROWS)
    with pytest.raises(StatementFailed, match=r"lacks meta\.content_length"):
        table.execute(copy(files.manifest({"url": entry["url"], "mandatory": True})))
    with pytest.raises(StatementFailed, match=r"bytes, its manifest's content_length says 1\b"):
        table.execute(copy(files.manifest({**entry, "meta": {"content_length": 1}})))


def test_a_missing_mandatory_file_is_an_error_and_an_optional_one_is_not(table, files):
    """Page loading-data-files-using-manifest: mandatory is false by default; COPY ends in an error if no file is found at all."""
    entry, gone = files.put("a.parquet", ROWS), {"url": f"s3://{files.name}/gone.parquet", "meta": {"content_length": 5}}
    with pytest.raises(StatementFailed, match=r"mandatory file s3://.*gone\.parquet does not exist"):
        table.execute(copy(files.manifest(entry, {**gone, "mandatory": True})))
    assert table.execute(copy(files.manifest(entry, gone)))["ResultRows"] == 4
    with pytest.raises(StatementFailed, match="names no file that exists"):
        table.execute(copy(files.manifest(gone)))


def test_a_missing_or_broken_manifest_is_an_error(table, files):
    """Page loading-data-files-using-manifest."""
    with pytest.raises(StatementFailed, match="does not exist or cannot be read"):
        table.execute(copy(f"s3://{files.name}/none.json"))
    files.s3.put_object(Bucket=files.name, Key="manifest.json", Body=b"{entries")
    with pytest.raises(StatementFailed, match="is not valid"):
        table.execute(copy(f"s3://{files.name}/manifest.json"))
    files.s3.put_object(Bucket=files.name, Key="a.parquet", Body=b"not parquet")
    entry = {"url": f"s3://{files.name}/a.parquet", "mandatory": True, "meta": {"content_length": 11}}
    with pytest.raises(StatementFailed, match="is not Parquet"):
        table.execute(copy(files.manifest(entry)))


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("integer", pa.int64(), 1),
        ("bigint", pa.int32(), 1),
        ("bigint", pa.uint64(), 1),
        ("bigint", pa.string(), "1"),
        ("smallint", pa.int32(), 1),
        ("varchar(10)", pa.int64(), 1),
        ("double precision", pa.float32(), 1.0),
        ("boolean", pa.int32(), 1),
        ("date", pa.timestamp("us"), datetime(2026, 1, 1)),
        ("timestamp", pa.string(), "2026-01-01"),
        ("timestamp", pa.timestamp("ns"), datetime(2026, 1, 1)),
        ("decimal(10, 2)", pa.decimal128(12, 2), Decimal(1)),
        ("decimal(10, 2)", pa.decimal128(10, 3), Decimal(1)),
        ("decimal(10, 2)", pa.float64(), 1.0),
        ("varchar(10)", pa.binary(), b"x"),
    ],
)
def test_a_type_that_does_not_fit_is_refused(fresh_warehouse, files, column, kind, value):
    """Spectrum's "has an incompatible Parquet schema": widths of integers, floats and decimals must agree (ParquetSharp#252), and
    timestamps are milliseconds or microseconds (apache/arrow#38000)."""
    fresh_warehouse.execute(f"create table t (a {column})")
    with pytest.raises(StatementFailed, match=r"incompatible Parquet schema for column 'a'"):
        fresh_warehouse.execute(copy(files.manifest(files.put("a.parquet", [(value,)], pa.schema({"a": kind})))))


def test_milliseconds_fit(fresh_warehouse, files):
    """As above."""
    fresh_warehouse.execute("create table t (a timestamp)")
    rows = [(datetime(2026, 1, 1, 1, 2, 3, 4000),)]
    fresh_warehouse.execute(copy(files.manifest(files.put("a.parquet", rows, pa.schema({"a": pa.timestamp("ms")})))))
    assert fresh_warehouse.query("select a from t") == [("2026-01-01 01:02:03.004",)]


def test_text_that_is_no_utf8_and_nul_are_refused_and_noncharacters_are_not(table, files):
    """Page multi-byte-character-load-errors: U+FFFE, U+FFFF and the like are valid without ACCEPTINVCHARS; surrogates are not."""
    schema = pa.schema({"id": pa.int64(), "title": pa.string()})
    table.execute(copy(files.manifest(files.put("a.parquet", [(1, "\ufffe\uffff\ufdd0")], schema)), "t (id, title)"))
    bad = [pa.array(["a\0b"]), *(pa.array([each]).view(pa.string()) for each in (b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88"))]
    for number, title in enumerate(bad):
        file = files.put(f"{number}.parquet", [(1, title[0] if number == 0 else None)], schema)
        if number:
            sink = io.BytesIO()
            pq.write_table(pa.table({"id": [1], "title": title}), sink)
            files.s3.put_object(Bucket=files.name, Key=f"{number}.parquet", Body=sink.getvalue())
            file["meta"]["content_length"] = len(sink.getvalue())
        with pytest.raises(StatementFailed, match=r"invalid or unsupported UTF-8 codepoints .* in the data column title"):
            table.execute(copy(files.manifest(file), "t (id, title)"))
    assert table.query("select title from t") == [("\ufffe\uffff\ufdd0",)]


def test_text_longer_than_its_column_in_bytes_is_refused(table, files):
    """Page r_Character_types: VARCHAR counts bytes; COPY does not cut (airbyte#12680)."""
    fits, too_long = [(1, "é" * 6)], [(1, "é" * 6 + "x")]
    schema = pa.schema({"id": pa.int64(), "title": pa.string()})
    table.execute(copy(files.manifest(files.put("a.parquet", fits, schema)), "t (id, title)"))
    with pytest.raises(StatementFailed, match="data column title is longer than the length defined in the table"):
        table.execute(copy(files.manifest(files.put("b.parquet", too_long, schema)), "t (id, title)"))
    assert table.query("select title from t") == [("éééééé",)]


def test_an_empty_file_loads_no_rows(table, files):
    """A slice without rows is a file all the same."""
    assert table.execute(copy(files.manifest(files.put("a.parquet", []))))["ResultRows"] == 0


def test_copy_fills_a_temporary_table_inside_a_batch(table, files):
    """Page r_COPY: into temporary tables too; their rows live for the session, that is for the batch."""
    manifest = files.manifest(files.put("a.parquet", ROWS))
    copied = copy(manifest, "staged")
    description = table.execute(
        ["create temp table staged (like t)", copied, "insert into t select * from staged", "select count(*) from t"]
    )
    assert [part["ResultRows"] for part in description["SubStatements"]][1:3] == [4, 4]


def test_unknown_tables_and_columns_are_named(table, files):
    """Errors of COPY name what is missing."""
    manifest = files.manifest(files.put("a.parquet", ROWS))
    with pytest.raises(StatementFailed, match='"nowhere" does not exist'):
        table.execute(copy(manifest, "nowhere"))
    with pytest.raises(StatementFailed, match='column "nothing"'):
        table.execute(copy(manifest, "t (id, nothing)"))


def test_half_a_million_rows_load_in_seconds(table, files):
    """The stand-in must carry the original sizes (500,000 bookings)."""
    rows = 500_000
    columns = [pa.array([value] * rows, field.type) for value, field in zip(ROWS[0], SCHEMA, strict=True)]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), file)
    files.s3.put_object(Bucket=files.name, Key="big.parquet", Body=file.getvalue())
    entry = {"url": f"s3://{files.name}/big.parquet", "mandatory": True, "meta": {"content_length": len(file.getvalue())}}
    started = time.monotonic()
    assert table.execute(copy(files.manifest(entry)))["ResultRows"] == rows
    assert time.monotonic() - started < 30
