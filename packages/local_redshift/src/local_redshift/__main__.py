"""`python -m local_redshift serve`: a local Redshift Data API; `check`: whether Redshift would take SQL files."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from local_redshift.check import check_script, find_functions

_CHECK = """\
Tells of each statement in SQL files whether Amazon Redshift would take it, by the rules of this package: line, reason and
the page of the Redshift Developer Guide. Nothing is run, and no database is needed. Parameters are written :name.

What is found is told as one line each:
  FILE:LINE: refused: REASON (ADDRESS)       Redshift would refuse the statement
  FILE:LINE: cannot tell: REASON (ADDRESS)   this package does not know this part of Redshift

Functions that one of the files creates are known in all of them. Tables and columns are not looked up.
"""
_EXIT_CODES = """\
exit codes: 0 Redshift would take everything; 1 it would refuse something; 2 nothing is refused, and of something it cannot
be told (or a file cannot be read, or the command line is wrong)

example: python -m local_redshift check models/*.sql
"""


def main() -> int:
    """Parse the command line, do what it asks, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m local_redshift", description="A local Redshift Data API over PostgreSQL, and a check of SQL files."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve a local Redshift Data API until interrupted; prints its address")
    serving.add_argument("--postgres-uri", required=True, help="connection string of the database, as its superuser")
    serving.add_argument("--s3-endpoint-url", help="where COPY finds S3 (default: AWS)")
    serving.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    serving.add_argument("--role", help="ARN of the one role that is attached for COPY and UNLOAD (default: every role is)")
    checking = commands.add_parser(
        "check",
        help="tell whether Redshift would take SQL files",
        description=_CHECK,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    checking.add_argument("files", nargs="+", metavar="FILE", type=Path, help="a file of SQL statements, in UTF-8")
    arguments = parser.parse_args()
    return check(arguments.files) if arguments.command == "check" else serve(arguments)


def serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, and stop cleanly."""
    from local_redshift.server import DataApiServer  # a check needs neither boto3 nor a database's driver

    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    with DataApiServer(arguments.postgres_uri, arguments.s3_endpoint_url, arguments.port, arguments.role) as server:
        print(server.endpoint_url, flush=True)
        ended.wait()
    return 0


def check(paths: list[Path]) -> int:
    """Print what Redshift would refuse of these files, and how many statements there are; return the exit code."""
    scripts = {}
    for path in paths:
        try:
            scripts[path] = read_script(path)
        except (OSError, ValueError) as error:
            print(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
    functions = frozenset().union(*(find_functions(sql) for sql in scripts.values()))
    statements = refused = unknown = 0
    for path, sql in scripts.items():
        findings, count = check_script(sql, functions)
        statements += count
        for finding in findings:
            refused, unknown = refused + finding.is_refused, unknown + (not finding.is_refused)
            verdict = "refused" if finding.is_refused else "cannot tell"
            print(f"{path}:{finding.line}: {verdict}: {finding.reason} ({finding.address})")
    taken = statements - refused - unknown
    print(f"files: {len(scripts)}, statements: {statements} ({taken} taken, {refused} refused, {unknown} cannot be told)")
    return 1 if refused else 2 if unknown or len(scripts) < len(paths) else 0


def read_script(path: Path) -> str:
    """Return a file's text, without a byte order mark; raise ValueError where it is no text in UTF-8."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"its byte {error.start + 1} is not UTF-8") from error
    if "\0" in text:
        raise ValueError("it is no text: it has a zero byte")
    return text


if __name__ == "__main__":
    sys.exit(main())
