"""The ways of reading a table that are compared, each in a process of its own: `python -m benchmarks.ways NAME`, target on stdin.

A way is a function that does its imports and connects to nothing, and returns the function that is measured: it reads the whole
table, writes it as Parquet (snappy) into a folder, and returns the number of rows.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

Measured = Callable[[], int]


@dataclass(frozen=True)
class Target:
    """What is read, and where the Parquet goes.

    Attributes:
        core: The processor to run on, so that the server has another; None for any.
        bucket, secret: For the function itself, whose S3 and secret are in the environment.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    table: str
    folder: str
    core: int | None = None
    bucket: str | None = None
    secret: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """PyMySQL's."""
        fields = ("host", "port", "user", "password", "database")
        return {name: getattr(self, name) for name in fields} | {"charset": "utf8mb4", "ssl_disabled": True}

    def url(self, scheme: str) -> str:
        """Return the database as a URL."""
        return f"{scheme}://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


def receive_binary(target: Target) -> Measured:
    """Take the bytes of a prepared statement's result from the socket, and drop them: no client can be faster."""
    return _receive(target, _table_query(target), prepared=True)


def receive_text(target: Target) -> Measured:
    """The same for a plain query, whose rows are longer."""
    return _receive(target, _table_query(target), prepared=False)


def receive_slice(target: Target) -> Measured:
    """The same for the query of a slice, in which the server also sorts the rows by their key and computes the hash of each."""
    return _receive(target, _slice_query(target), prepared=True)


def decode_binary(target: Target) -> Measured:
    """This extractor, with its default decoder."""
    return _decode(target, "binary")


def decode_text(target: Target) -> Measured:
    """This extractor, with the decoder of the text protocol."""
    return _decode(target, "text")


def decode_plain(target: Target) -> Measured:
    """This extractor, with the plain decoder that is its reference."""
    return _decode(target, "plain")


def decode_slice(target: Target) -> Measured:
    """This extractor, with its default decoder, on the query of a slice."""
    from rental_pipeline.extract.rows import SliceRows

    table, part = _plan_table(target), _whole_slice(target)
    return _write(target, lambda connection: SliceRows(table, None, "binary").read_slice(connection, part))


def extract_slice(target: Target) -> Measured:
    """The function itself, as Lambda runs it, on the same query; it uploads its Parquet to a stand-in for S3."""
    os.environ.update(LAMBDA_TASK_ROOT=target.folder)  # the X-Ray SDK makes clients of its own where it is not on Lambda
    from rental_pipeline.base.object_store import PLAN, find_json, result_key, run_key, write_json
    from rental_pipeline.extract import extract_slice as extract

    assert target.bucket and target.secret  # given where this way is measured
    bucket = target.bucket
    os.environ.update(MARKETPLACE="bench", BUCKET=bucket, SOURCE_SECRET_ARN=target.secret)
    run = os.getpid()  # another run number than any other measurement has
    tables = [_plan_table(target).to_json()]
    write_json(bucket, run_key("bench", run, PLAN), {"source_time": "2026-01-01T00:00:00", "tables": tables})

    def measured() -> int:
        extract.extract_slice(replace(_whole_slice(target), run_sequence=run).to_json())
        result: Any = find_json(bucket, result_key("bench", run, target.table, 0))
        return int(result["rows_in_parquet"])

    return measured


def awswrangler_reader(target: Target) -> Measured:
    """awswrangler.mysql.read_sql_query in chunks, which guesses the types of each; hence a file for each."""
    import awswrangler
    import pyarrow
    import pyarrow.parquet
    import pymysql
    from pymysql.cursors import SSCursor

    def measured() -> int:
        rows = 0
        connection = pymysql.connect(**target.options, cursorclass=SSCursor)
        chunks = awswrangler.mysql.read_sql_query(
            f"select * from {target.table}", connection, chunksize=100_000, dtype_backend="pyarrow"
        )
        for number, frame in enumerate(chunks):
            pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame), f"{target.folder}/{number}.parquet")
            rows += len(frame)
        return int(rows)

    return measured


def pymysql_rows(target: Target) -> Measured:
    """PyMySQL's unbuffered cursor with its own conversions, 10,000 rows at a time, into the types that are wanted."""
    import pyarrow
    import pyarrow.parquet
    import pymysql
    from pymysql.cursors import SSCursor

    schema = _wanted_schema(target)

    def measured() -> int:
        rows = 0
        with pymysql.connect(**target.options, cursorclass=SSCursor) as connection, connection.cursor() as cursor:
            cursor.execute(f"select * from {target.table}")
            with pyarrow.parquet.ParquetWriter(f"{target.folder}/rows.parquet", schema) as writer:
                while chunk := cursor.fetchmany(10_000):
                    columns = zip(*chunk, strict=True)
                    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                    writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
                    rows += len(chunk)
        return int(rows)

    return measured


def connectorx_stream(target: Target) -> Measured:
    """connectorx's stream of Arrow batches; decimals come as decimal(38,10), long TIMEs and zero dates make it panic."""
    import connectorx
    import pyarrow
    import pyarrow.parquet

    def measured() -> int:
        reader = connectorx.read_sql(
            target.url("mysql"),
            f"select * from {target.table}",
            return_type="arrow_stream",
            protocol="binary",
            batch_size=100_000,
        )
        rows = 0
        with pyarrow.parquet.ParquetWriter(f"{target.folder}/rows.parquet", reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
        return int(rows)

    return measured


def dlt_connectorx(target: Target) -> Measured:
    """dlt's pipeline with its fastest backend, connectorx, and that one's types."""
    return _run_dlt(
        target,
        backend="connectorx",
        chunk_size=100_000,
        backend_kwargs={"conn": target.url("mysql"), "protocol": "binary", "return_type": "arrow_stream"},
    )


def dlt_pyarrow(target: Target) -> Measured:
    """dlt's pipeline with its best backend whose types are exact, pyarrow over PyMySQL."""
    return _run_dlt(target, backend="pyarrow", chunk_size=100_000, reflection_level="full_with_precision")


WAYS: dict[str, Callable[[Target], Measured]] = {
    way.__name__: way
    for way in (
        # Each after the limit that it is held to, so that both see the same weather.
        receive_binary,
        decode_binary,
        receive_text,
        decode_text,
        receive_slice,
        decode_slice,
        extract_slice,
        decode_plain,
        connectorx_stream,
        dlt_connectorx,
        dlt_pyarrow,
        pymysql_rows,
        awswrangler_reader,
    )
}


def main() -> None:
    """Run one way; print what it took as JSON."""
    target = Target(**json.loads(sys.stdin.read()))
    if target.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {target.core})
    measured = WAYS[sys.argv[1]](target)
    before, start = _cpu_seconds(), time.perf_counter()
    rows = measured()
    wall, cpu = time.perf_counter() - start, _cpu_seconds() - before
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"wall_seconds": wall, "cpu_seconds": cpu, "peak_rss_mb": peak / 1024, "rows": rows}))


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _plan_columns(target: Target) -> tuple[Any, ...]:
    """Return the table's columns as plan_run plans them."""
    import pymysql

    from rental_pipeline.model.column_types import redshift_type
    from rental_pipeline.model.table_plan import PlannedColumn
    from rental_pipeline.source.connection import describe_tables

    with pymysql.connect(**target.options) as connection:
        described = describe_tables(connection)[target.table].columns
    return tuple(PlannedColumn(each.name, redshift_type(each), each.name, each.data_type) for each in described)


def _wanted_schema(target: Target) -> Any:
    import pyarrow

    from rental_pipeline.model.column_types import arrow_type

    return pyarrow.schema([(column.name, arrow_type(column.type)) for column in _plan_columns(target)])


def _plan_table(target: Target) -> Any:
    """Return the table as plan_run plans it; its first column is its key."""
    from rental_pipeline.model.strategies import Snapshot
    from rental_pipeline.model.table_plan import PlannedTable

    columns = _plan_columns(target)
    return PlannedTable(target.table, target.table, Snapshot((columns[0].name,)), columns, read=True, slice_count=1)


def _whole_slice(target: Target) -> Any:
    from rental_pipeline.model.table_plan import Slice

    return Slice(1, target.table, 0)


def _table_query(target: Target) -> str:
    """Return the query of the table's columns alone, as every way can read it."""
    from rental_pipeline.source.queries import select_text

    return f"select {', '.join(select_text(column) for column in _plan_columns(target))} from {target.table}"


def _slice_query(target: Target) -> str:
    from rental_pipeline.source.queries import compose_slice_query

    query, arguments = compose_slice_query(_plan_table(target), _whole_slice(target), salt="")
    return query % tuple(arguments)  # of a whole table there are none


def _receive(target: Target, query: str, *, prepared: bool) -> Measured:
    import numpy
    import pymysql

    from mysql_arrow.packets import BLOCK_BYTES
    from mysql_arrow.results import open_result

    with pymysql.connect(**target.options) as connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*) from {target.table}")
        ((rows,),) = cursor.fetchall()

    def measured() -> int:
        with pymysql.connect(**target.options) as connection:
            result = open_result(connection, query, prepared=prepared)
            room = numpy.empty(BLOCK_BYTES, numpy.uint8).data
            ending = result.received[-9:]
            # An EOF packet: five bytes of payload, the first of them 0xFE. Nothing else is looked at.
            while not (len(ending) == 9 and ending[:3] == b"\5\0\0" and ending[4] == 0xFE):
                count = result.receive(room)
                ending = (ending + bytes(room[max(0, count - 9) : count]))[-9:]
        return int(rows)

    return measured


def _decode(target: Target, decoder: str) -> Measured:
    import mysql_arrow
    from rental_pipeline.source import decode

    query, schema = _table_query(target), _wanted_schema(target)
    if decoder == "plain":
        return _write(target, lambda connection: decode.read_batches(connection, query, schema, report_dates=lambda *_: None))
    return _write(target, lambda connection: mysql_arrow.read_batches(connection, query, schema, protocol=decoder))


def _write(target: Target, read: Callable[[Any], Any]) -> Measured:
    """Write what is read over a connection as the function does, to files instead of S3."""
    from pyarrow.parquet import ParquetWriter

    from rental_pipeline.base.settings import ExtractSettings
    from rental_pipeline.extract.parquet import choose_encoding, count_group_rows, gather_parts
    from rental_pipeline.source.connection import SourceAddress, connect

    address = SourceAddress("", target.host, target.port, target.database, target.user, target.password, tls="off")

    def measured() -> int:
        rows = 0
        with connect(address, use_unicode=False) as connection:
            parts = gather_parts(read(connection), ExtractSettings.part_rows, ExtractSettings.part_bytes)
            for number, part in enumerate(parts):
                file = f"{target.folder}/{number}.parquet"
                with ParquetWriter(file, part.schema, compression="snappy", **choose_encoding(part)) as writer:
                    writer.write_table(part, row_group_size=count_group_rows(part))
                rows += part.num_rows
        return int(rows)

    return measured


def _run_dlt(target: Target, **options: Any) -> Measured:
    os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="CRITICAL")
    import dlt
    from dlt.destinations import filesystem
    from dlt.sources.sql_database import sql_table

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{target.folder}/state",
        destination=filesystem(Path(target.folder, "out").as_uri()),
        dataset_name="bench",
    )

    def measured() -> int:
        source = sql_table(credentials=target.url("mysql+pymysql"), table=target.table, **options)
        pipeline.run(source, loader_file_format="parquet")
        return int(pipeline.last_trace.last_normalize_info.row_counts[target.table])

    return measured


def describe(way: str) -> str:
    """Return the first sentence about a way."""
    return (WAYS[way].__doc__ or "").strip()


def to_json(target: Target) -> str:
    """Return a target as this module reads it."""
    return json.dumps(asdict(target))


if __name__ == "__main__":
    main()
