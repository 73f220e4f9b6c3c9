"""Compare ways of reading a table from MySQL into Parquet, on this machine: `python -m benchmarks.extraction --help`.

Each way runs in a process of its own, one after the other, round after round, so that all see the same weather; what is reported
are medians. The server (a private MariaDB) has one processor and the clients have another, where the machine has two; the
stand-in for S3 has the others, or shares the clients'.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bookings import create_endless_bookings, create_wide_table, create_window, fill_bookings
from benchmarks.machine import server_version
from benchmarks.report import WIDE, Measurement, draw_picture, write_table
from benchmarks.ways import WAYS, Target, to_json
from local.standins.account import REGION
from local.standins.moto.aws import CREDENTIALS, LocalAws
from local.standins.mysql.mariadb import MariaDB, start

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
DATABASE, USER, PASSWORD = "bench", "bench", "reads-and-drops"
WAY_SECONDS = 3600
MEMORY_WAYS = ("decode_binary", "extract_slice")


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    arguments = _build_parser().parse_args(words)
    folder = ROOT / ".local" / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    server = start(folder / "mariadb", die_with_parent=True)
    try:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if len(cores) > 1:
            os.sched_setaffinity(server.pid, {cores[0]})
            os.sched_setaffinity(0, cores[1:-1] or cores[-1:])  # which the stand-in for S3 takes over
        aws = LocalAws(folder / "aws.log", {})
        if len(cores) > 1:
            os.sched_setaffinity(0, cores)
        try:
            _measure(arguments, server, aws, cores[-1] if len(cores) > 1 else None)
        finally:
            aws.stop()
    finally:
        server.stop()
    return 0


def _measure(arguments: argparse.Namespace, server: MariaDB, aws: LocalAws, core: int | None) -> None:
    server.create_database(DATABASE)
    server.create_application_user(USER, PASSWORD, DATABASE)
    with server.connect(DATABASE) as connection:
        print(f"{arguments.rows:,} rows of bookings …", flush=True)
        stored = max(arguments.rows, arguments.stored_rows or 0)
        table = fill_bookings(connection, stored)
        if stored > arguments.rows:
            table = create_window(connection, stored, arguments.rows)
        sizes = {rows: create_endless_bookings(connection, rows) for rows in arguments.memory_rows}
        wide = create_wide_table(connection, arguments.wide_rows) if arguments.wide_rows else None
    bucket, secret = _prepare_aws(aws, server)
    target = Target(server.host, server.port, USER, PASSWORD, DATABASE, table, "", core, bucket, secret)

    load_before = os.getloadavg()[0]
    print(f"{arguments.repeat} rounds of {len(arguments.ways)} ways", flush=True)
    compared: dict[str, list[Measurement]] = {way: [] for way in arguments.ways}
    for number in range(arguments.repeat):
        for way in arguments.ways:
            compared[way].append(_run(way, target, aws))
            _tell(f"round {number + 1}", way, compared[way][-1])
    medians = {way: _take_median(each) for way, each in compared.items()}

    grown: list[tuple[str, str, Measurement]] = []
    for what, name in [*((f"{rows:,} rows", name) for rows, name in sizes.items()), *([(WIDE, wide)] if wide else [])]:
        for way in MEMORY_WAYS:
            grown.append((way, what, _run(way, replace(target, table=name), aws)))
            _tell(what, way, grown[-1][2])

    arguments.results.mkdir(parents=True, exist_ok=True)
    with server.connect() as connection:
        version = server_version(connection)
    write_table(arguments.results / f"{arguments.name}.md", medians, grown, arguments, version, load_before)
    draw_picture(arguments.results / f"{arguments.name}.svg", medians)
    raw = {way: [vars(each) for each in runs] for way, runs in compared.items()}
    (arguments.results / f"{arguments.name}.json").write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    print(f"\n{(arguments.results / f'{arguments.name}.md').read_text(encoding='utf-8')}\nwritten to {arguments.results}")


def _run(way: str, target: Target, aws: LocalAws) -> Measurement:
    """Run one way in a process of its own, its files in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=ROOT / ".local" / "benchmark") as folder:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": folder,  # nobody's settings of dlt or AWS are to matter
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            **CREDENTIALS,
        }
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ways", way],
            input=to_json(replace(target, folder=folder)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=WAY_SECONDS,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-3000:]}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _prepare_aws(aws: LocalAws, server: MariaDB) -> tuple[str, str]:
    bucket = f"bench-{uuid.uuid4().hex[:8]}"
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    fields: dict[str, Any] = {"host": server.host, "port": server.port, "dbname": DATABASE, "tls": "off"}
    secret = json.dumps({**fields, "username": USER, "password": PASSWORD})
    return bucket, aws.client("secretsmanager").create_secret(Name="bench", SecretString=secret)["ARN"]


def _take_median(runs: list[Measurement]) -> Measurement:
    """Return the median of each number; all runs must have read the same rows."""
    (rows,) = {each.rows for each in runs}
    numbers = {name: median(getattr(each, name) for each in runs) for name in ("wall_seconds", "cpu_seconds", "peak_rss_mb")}
    return Measurement(**numbers, rows=rows)


def _tell(when: str, way: str, each: Measurement) -> None:
    numbers = f"{each.wall_seconds:7.2f} s, CPU {each.cpu_seconds:6.2f} s, {each.peak_rss_mb:5.0f} MB, {each.rows:,} rows"
    print(f"{when:>16}  {way:20}{numbers}", flush=True)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of bookings to read (default 1,000,000)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds, of which the median is taken (default 3)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY", help=f"of {', '.join(WAYS)}")
    parser.add_argument(
        "--memory-rows",
        nargs="*",
        type=int,
        default=[1_000_000, 4_000_000, 20_000_000],
        metavar="ROWS",
        help="sizes at which time and memory of extractor and function are compared (default 1, 4 and 20 million)",
    )
    parser.add_argument("--wide-rows", type=int, default=100_000, help="rows of a table of 60 columns (default 100,000; 0: none)")
    parser.add_argument(
        "--stored-rows",
        type=int,
        help="rows that the table has, if more: then a window of changed_at is read, as an increment does",
    )
    parser.add_argument("--name", default="extraction", help="of the results' files (default extraction)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the table and the picture")
    return parser


if __name__ == "__main__":
    sys.exit(main())
