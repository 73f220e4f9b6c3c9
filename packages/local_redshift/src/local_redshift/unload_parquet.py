"""UNLOAD of a query to Parquet (pages r_UNLOAD and r_UNLOAD_command_examples).

Rows leave PostgreSQL as CSV through its COPY protocol, in blocks that Arrow parses into the types that COPY takes in; each file
is spooled to disk and put whole. Memory is bounded by a block. As on Redshift, files are no part of the transaction: those that
were written stay when the statement or its batch fails.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from local_redshift.refusal import Refused
from local_redshift.unload_command import UnloadCommand

_BLOCK_BYTES = 8 << 20
_SENT_IN_PARTS = 8 << 20
_SLICES = 2  # more than one, so that nobody counts on a single file or on an order between files
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_ARROW = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
}
_NAMES = {  # of Redshift's catalogue, for the manifest's schema
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "text": "character varying",
    "varchar": "character varying",
    "bpchar": "character",
}
# How other types are written in a key (t or true? are colons escaped?) no page says.
_PARTITION_KINDS = ("int2", "int4", "int8", "numeric", "date", "varchar", "text", "bpchar")


def unload(connection: psycopg.Connection, s3: Any, command: UnloadCommand, query: str) -> int:
    """Write a query's rows to S3, as seen by the open transaction, and return their number.

    A query without rows writes no object, not even a manifest (spark-redshift-community/spark-redshift#40, aws-sdk-pandas#2052).

    Args:
        connection: A connection in a transaction.
        s3: boto3 client.
        command: What was asked for.
        query: Its query as PostgreSQL's.

    Raises:
        Refused: the destination is not empty, or a column's type or a partition's value has no known form.
        psycopg.Error: PostgreSQL refused the query.
    """
    columns = _describe(connection, command, query)
    files = _Files(s3, command, columns)
    files.check_destination()
    rows = 0
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv, encoding 'UTF8')") as copy:
        for block in _read_blocks(copy):
            table = _parse_block(block, columns)
            rows += table.num_rows
            files.write(table)
    files.close()
    return rows


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str  # PostgreSQL's name of the type, without sizes
    sizes: tuple[int, ...]  # bytes of a text; precision and scale of a decimal

    @property
    def arrow(self) -> pa.DataType:
        return pa.decimal128(*self.sizes) if self.kind == "numeric" else _ARROW[self.kind]


def _describe(connection: psycopg.Connection, command: UnloadCommand, query: str) -> list[_Column]:
    result = connection.execute(f"select * from ({query}) as unloaded limit 0".encode()).pgresult
    assert result is not None  # psycopg has one after every execution
    kinds: dict[int, str] = dict(connection.execute("select oid, typname from pg_type where typtype = 'b'").fetchall())
    columns = []
    for i in range(result.nfields):
        name, kind, modifier = (result.fname(i) or b"").decode(), kinds.get(result.ftype(i), "unknown"), result.fmod(i)
        if kind == "numeric":
            if modifier < 0:
                raise Refused(f"the column {name} is a computed DECIMAL, whose size is not known here: cast it to DECIMAL(p,s)")
            sizes: tuple[int, ...] = ((modifier - 4) >> 16, (modifier - 4) & 0x7FF)
        elif kind in _ARROW:
            sizes = (modifier - 4 if modifier > 0 else 65535,) if kind in ("text", "varchar", "bpchar") else ()
        else:
            raise Refused(f"the column {name} has the type {kind}, which UNLOAD to Parquet does not take, or not here")
        columns.append(_Column(name, kind, sizes))
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        raise Refused(f"two columns of one name: {', '.join(names)}")
    for name in command.partitions:
        if name not in names:
            raise Refused(f"the partition column {name} is not in the query's result: {', '.join(names)}", "r_UNLOAD")
        if (kind := columns[names.index(name)].kind) not in _PARTITION_KINDS:
            raise Refused(f"the partition column {name} has the type {kind}, which cannot be a partition key, or not here")
    if set(names) <= set(command.partitions):
        raise Refused("there must be at least one nonpartition column to be part of the file", "r_UNLOAD")
    return columns


def _read_blocks(copy: psycopg.Copy) -> Iterator[bytes]:
    block = bytearray()
    for row in copy:
        block += row
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _parse_block(block: bytes, columns: list[_Column]) -> pa.Table:
    table = pa.csv.read_csv(
        io.BytesIO(block),
        pa.csv.ReadOptions(column_names=[column.name for column in columns], block_size=2 * len(block)),
        pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        pa.csv.ConvertOptions(
            column_types={column.name: column.arrow for column in columns},
            # PostgreSQL leaves NULL empty and quotes the empty text.
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    # "If a column uses TIMESTAMPTZ data format, only the timestamp values are unloaded" (page r_UNLOAD).
    naive = [pa.field(column.name, pa.timestamp("us") if column.kind == "timestamptz" else column.arrow) for column in columns]
    return table.cast(pa.schema(naive))


class _Files:
    """The objects of one UNLOAD: for each partition and slice one open file at a time.

    Args:
        s3: boto3 client.
        command: What was asked for.
        columns: Of the query's result.
    """

    def __init__(self, s3: Any, command: UnloadCommand, columns: list[_Column]) -> None:
        self._s3, self._command, self._columns = s3, command, columns
        parts = urlsplit(command.prefix)
        self._bucket, self._prefix = parts.netloc, parts.path.lstrip("/")
        self._open: dict[tuple[str, int], _OpenFile] = {}
        self._parts: dict[tuple[str, int], int] = {}
        self._cleaned: set[str] = set()
        self._entries: list[dict[str, Any]] = []
        self._encryption = self._find_encryption()

    def check_destination(self) -> None:
        """Refuse, or with CLEANPATH empty, a destination where objects lie."""
        if self._command.cleans_path:
            if not self._command.partitions:
                self._clean(self._prefix)
        elif not self._command.may_overwrite and self._keys(self._prefix):
            raise Refused(
                f"Specified unload destination on S3 is not empty: s3://{self._bucket}/{self._prefix}. Consider using a "
                "different bucket / prefix, manually removing the target files in S3, or using the ALLOWOVERWRITE option."
            )

    def write(self, table: pa.Table) -> None:
        """Divide rows among partitions and slices and add them to their files."""
        for folder, rows in self._divide(table):
            slices = _SLICES if self._command.is_parallel else 1
            share = -(-rows.num_rows // slices)
            for number in range(slices):
                if part := rows.slice(number * share, share):
                    self._add(folder, number, part)

    def close(self) -> None:
        """Put what is still open, and the manifest."""
        for place in list(self._open):
            self._put(place)
        if self._command.manifest and self._entries:
            body = json.dumps(self._manifest(), indent=2).encode()
            self._s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}manifest", Body=body, **self._encryption)

    def _find_encryption(self) -> dict[str, str]:
        """Return what S3 is told of each object, the manifest too: whatever the bucket says, its own key, but for ENCRYPTED."""
        key = self._command.kms_key
        if self._command.takes_buckets_key:
            (rule, *_) = self._s3.get_bucket_encryption(Bucket=self._bucket)["ServerSideEncryptionConfiguration"]["Rules"]
            key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {"ServerSideEncryption": "AES256"}

    def _divide(self, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        names = list(self._command.partitions)
        if not names:
            yield "", table
            return
        kept = table if self._command.keeps_partitions else table.drop_columns(names)
        for keys in table.select(names).group_by(names, use_threads=False).aggregate([]).to_pylist():
            chosen = None
            for name, value in keys.items():
                matches = pc.is_null(table[name]) if value is None else pc.equal(table[name], pa.scalar(value, table[name].type))
                chosen = matches if chosen is None else pc.and_kleene(chosen, matches)
            folder = "".join(f"{name}={_partition_text(name, value)}/" for name, value in keys.items())
            yield folder, kept.filter(chosen)

    def _add(self, folder: str, number: int, rows: pa.Table) -> None:
        place = (folder, number)
        if self._command.cleans_path and self._command.partitions and folder not in self._cleaned:
            self._clean(self._prefix + folder)
            self._cleaned.add(folder)
        file = self._open.get(place)
        if file is None:
            file = self._open[place] = _OpenFile(rows.schema)
        file.write(rows)
        if file.size >= self._command.largest_file:
            self._put(place)

    def _put(self, place: tuple[str, int]) -> None:
        folder, number = place
        part = self._parts.get(place, 0)
        self._parts[place] = part + 1
        name = f"{number:04}_part_{part:02}.parquet" if self._command.is_parallel else f"{part:03}.parquet"
        key = f"{self._prefix}{folder}{name}"
        file = self._open.pop(place)
        size, rows = file.finish()
        if size < _SENT_IN_PARTS:  # by threads, which take longer to start than most of these files to send
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=file.body, **self._encryption)
        else:
            self._s3.upload_fileobj(file.body, self._bucket, key, ExtraArgs=self._encryption)
        self._entries.append({"url": f"s3://{self._bucket}/{key}", "meta": {"content_length": size, "record_count": rows}})

    def _manifest(self) -> dict[str, Any]:
        if self._command.manifest == "plain":
            return {"entries": [{"url": entry["url"]} for entry in self._entries]}
        totals = {name: sum(entry["meta"][name] for entry in self._entries) for name in ("content_length", "record_count")}
        return {
            "entries": self._entries,
            "schema": {"elements": [{"name": column.name, "type": _manifest_type(column)} for column in self._columns]},
            "meta": totals,
            "author": {"name": "Amazon Redshift", "version": "1.0.0"},
        }

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _clean(self, prefix: str) -> None:
        for key in self._keys(prefix):
            self._s3.delete_object(Bucket=self._bucket, Key=key)


@dataclass
class _OpenFile:
    """A Parquet file on its way: row groups go to disk as they fill."""

    schema: pa.Schema
    body: Any = field(default_factory=tempfile.TemporaryFile)
    rows: int = 0

    def __post_init__(self) -> None:
        # "Apache Parquet version 1.0 format", row groups compressed with SNAPPY (page r_UNLOAD).
        self._writer = pq.ParquetWriter(self.body, self.schema, version="1.0", compression="snappy")

    @property
    def size(self) -> int:
        return int(self.body.tell())

    def write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows)
        self.rows += rows.num_rows

    def finish(self) -> tuple[int, int]:
        """End the file and return its bytes and rows."""
        self._writer.close()
        size = self.size
        self.body.seek(0)
        return size, self.rows


def _partition_text(name: str, value: Any) -> str:
    if value is None:
        return _NULL_PARTITION
    text = str(value)
    if not re.fullmatch(r"[\w. -]+", text, re.ASCII):
        raise Refused(f"the partition column {name} has the value {text!r}: no page says how such a one is written in a key")
    return text


def _manifest_type(column: _Column) -> dict[str, Any]:
    # The guide's example prints the sizes without a name, which is not JSON; COPY and the Data API have no use for them.
    names = ("precision", "scale") if column.kind == "numeric" else ("max_length",)
    return {"base": _NAMES.get(column.kind, column.kind), **dict(zip(names, column.sizes, strict=False))}
