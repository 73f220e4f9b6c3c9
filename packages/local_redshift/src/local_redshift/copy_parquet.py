"""COPY of Parquet by a manifest (pages copy-usage_notes-copy-from-columnar and loading-data-files-using-manifest).

Files are read in record batches and go to PostgreSQL as CSV through its COPY protocol: memory is bounded by a batch and its text.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from psycopg import sql as pgsql

from local_redshift.copy_command import CopyCommand
from local_redshift.refusal import Refused

_ROWS_AT_ONCE = 50_000


def load(connection: psycopg.Connection, s3: Any, command: CopyCommand) -> int:
    """Load every file of the manifest in the open transaction; return the number of rows.

    Raises:
        Refused: a file is missing or not as the manifest says, or does not fit the table.
        psycopg.Error: PostgreSQL refused a value.
    """
    columns = _read_columns(connection, command)
    entries = _read_manifest(s3, command.manifest)
    target = pgsql.SQL("copy {} ({}) from stdin (format csv)").format(
        pgsql.SQL(command.table), pgsql.SQL(", ".join(column.quoted for column in columns))
    )
    rows = 0
    with connection.cursor() as cursor, cursor.copy(target) as copy:
        for url, content_length in entries:
            with tempfile.TemporaryFile() as file:
                _download(s3, url, content_length, file)
                for batch in _read_batches(file, url, columns):
                    sink = pa.BufferOutputStream()
                    pa.csv.write_csv(batch, sink, pa.csv.WriteOptions(include_header=False))
                    copy.write(sink.getvalue())
                    rows += batch.num_rows
    return rows


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str  # PostgreSQL's name of the type, without sizes
    size: int | None  # bytes, of text
    precision: int | None
    scale: int | None

    @property
    def quoted(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def definition(self) -> str:
        sizes = {"numeric": f"({self.precision},{self.scale})", "varchar": f"({self.size})", "bpchar": f"({self.size})"}
        return {"int2": "SMALLINT", "int4": "INT", "int8": "BIGINT", "bpchar": "CHAR", "numeric": "DECIMAL"}.get(
            self.kind, self.kind.upper()
        ) + sizes.get(self.kind, "")


def _read_columns(connection: psycopg.Connection, command: CopyCommand) -> list[_Column]:
    found = connection.execute(
        """select a.attname, t.typname, a.atttypmod from pg_attribute a join pg_type t on t.oid = a.atttypid
           where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum""",
        [command.table],
    ).fetchall()
    columns = {}
    for name, kind, typmod in found:
        size = typmod - 4 if kind in ("varchar", "bpchar") and typmod > 0 else None
        precision, scale = ((typmod - 4) >> 16, (typmod - 4) & 0x7FF) if kind == "numeric" and typmod > 0 else (None, None)
        columns[name] = _Column(name, kind, size, precision, scale)
    if command.columns is None:
        return list(columns.values())
    chosen = []
    for quoted in command.columns:
        name = quoted[1:-1].replace('""', '"')
        if name not in columns:
            raise Refused(f'column "{name}" of relation {command.table} does not exist')
        chosen.append(columns[name])
    return chosen


def _read_manifest(s3: Any, address: str) -> list[tuple[str, int]]:
    try:
        entries = json.loads(_get(s3, address).read())["entries"]
    except ClientError as error:
        raise Refused(f"The specified S3 manifest {address} does not exist or cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"The manifest {address} is not valid: {error!r}") from error
    files = []
    for entry in entries:
        length = (entry.get("meta") or {}).get("content_length")
        if not isinstance(length, int):
            raise Refused(f"The manifest entry {entry.get('url')} lacks meta.content_length, which Parquet needs ({address})")
        if not _exists(s3, entry["url"]):
            if entry.get("mandatory", False):
                raise Refused(f"Problem reading manifest file - the mandatory file {entry['url']} does not exist ({address})")
            continue
        files.append((entry["url"], length))
    if not files:
        raise Refused(f"The specified S3 manifest {address} names no file that exists")
    return files


def _locate(address: str) -> dict[str, str]:
    parts = urlsplit(address)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}


def _get(s3: Any, address: str) -> Any:
    return s3.get_object(**_locate(address))["Body"]


def _exists(s3: Any, address: str) -> bool:
    try:
        s3.head_object(**_locate(address))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
            return False
        raise
    return True


def _download(s3: Any, url: str, content_length: int, file: IO[bytes]) -> None:
    for chunk in _get(s3, url).iter_chunks(1 << 20):
        file.write(chunk)
    if file.tell() != content_length:
        raise Refused(f"File {url} has {file.tell()} bytes, its manifest's content_length says {content_length}")


def _read_batches(file: IO[bytes], url: str, columns: list[_Column]) -> Iterator[pa.RecordBatch]:
    file.seek(0)
    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise Refused(f"Spectrum Scan Error: file '{url}' is not Parquet: {error}") from error
    schema = parquet.schema_arrow
    if len(schema) != len(columns):
        raise Refused(
            "Unmatched number of columns between table and file. "
            f"Table columns: {len(columns)}, Data columns: {len(schema)}, File name: {url}"
        )
    for field, column in zip(schema, columns, strict=True):
        if not _fits(field.type, column):
            raise Refused(
                f"Spectrum Scan Error: file '{url}' has an incompatible Parquet schema for column '{column.name}'. "
                f"Column type: {column.definition}, Parquet schema: {field.name} {field.type}"
            )
    for batch in parquet.iter_batches(_ROWS_AT_ONCE):
        for values, column in zip(batch.columns, columns, strict=True):
            if column.size is not None:
                _require_utf8(values, column, url)
            if column.size is not None and (pc.max(pc.binary_length(values)).as_py() or 0) > column.size:
                raise Refused(
                    f"Spectrum Scan Error: the length of the data column {column.name} is longer than the length defined in the "
                    f"table. Table: {column.size} bytes, file name: {url}"
                )
        yield batch


def _require_utf8(values: pa.Array, column: _Column, url: str) -> None:
    """Refuse NUL and what is not valid UTF-8; noncharacters are valid (page multi-byte-character-load-errors)."""
    content = values.cast(pa.large_binary())
    try:
        content.cast(pa.large_string())
    except pa.ArrowInvalid:
        bad = "code 3"
    else:
        if not pc.any(pc.match_substring(values, "\0")).as_py():
            return
        bad = "00, code 0"
    raise Refused(
        f"Spectrum Scan Error: String contains invalid or unsupported UTF-8 codepoints ({bad}) in the data column {column.name},"
        f" file name: {url}"
    )


_EXACT = {
    "int2": (pa.int16(), pa.int8()),
    "int4": (pa.int32(), pa.int16(), pa.int8()),
    "int8": (pa.int64(),),
    "float4": (pa.float32(),),
    "float8": (pa.float64(),),
    "bool": (pa.bool_(),),
    "date": (pa.date32(),),
    "varchar": (pa.string(), pa.large_string()),
    "bpchar": (pa.string(), pa.large_string()),
}


def _fits(kind: pa.DataType, column: _Column) -> bool:
    if column.kind in ("timestamp", "timestamptz"):
        return bool(pa.types.is_timestamp(kind) and kind.unit in ("ms", "us") and kind.tz in (None, "UTC"))
    if column.kind == "numeric":
        return bool(pa.types.is_decimal(kind) and (kind.precision, kind.scale) == (column.precision, column.scale))
    return kind in _EXACT.get(column.kind, ())
