"""The command that loads a folder of CSV files (csv_folder.py) into one's own database.

python -m local.marketplace.csv_loader FOLDER --host … --user … --database …
"""

from __future__ import annotations

import argparse
import getpass
import io
import ipaddress
import os
import sys
from contextlib import closing
from pathlib import Path

import pymysql

from local.marketplace.csv_folder import load_folder
from local.marketplace.csv_format import InputRefused

PASSWORD_VARIABLE = "MYSQL_PWD"


def connect(arguments: argparse.Namespace) -> pymysql.Connection:
    """Connect as the command line says; the password comes from the environment or the keyboard.

    Raises:
        InputRefused: no password, no encryption to another machine, or the database refuses the connection.
    """
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        if not sys.stdin.isatty():
            raise InputRefused(f"no password: set {PASSWORD_VARIABLE}, or run this where it can be asked for")
        password = getpass.getpass(f"Password of {arguments.user} on {arguments.host}: ")
    if not arguments.tls_ca and not arguments.without_tls and not _is_this_machine(arguments.host):
        raise InputRefused(
            f"the connection to {arguments.host} would not be encrypted: give --tls-ca with the server's certificate authorities"
            " (for Aurora: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem), or --without-tls"
        )
    if arguments.tls_ca and not Path(arguments.tls_ca).is_file():
        raise InputRefused(f"--tls-ca: there is no file {arguments.tls_ca}")
    tls = {"ssl_ca": arguments.tls_ca, "ssl_verify_cert": True, "ssl_verify_identity": True} if arguments.tls_ca else {}
    try:
        return pymysql.connect(
            host=arguments.host,
            port=arguments.port,
            user=arguments.user,
            password=password.encode(errors="surrogateescape"),  # PyMySQL would write a text as latin1
            database=arguments.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=10,
            init_command="set time_zone = '+00:00'",
            **tls,
        )
    except (pymysql.MySQLError, OSError) as error:
        raise InputRefused(
            f"cannot connect to {arguments.host}:{arguments.port} as {arguments.user}, database {arguments.database}:"
            f" {error.args[-1]}. Check these, the password, and whether the network lets you through"
        ) from error


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.marketplace.csv_loader",
        description="Load a folder of CSV files (file name = table name) into a MySQL, MariaDB or Aurora database. Loading a"
        " file again changes nothing; rows the tables cannot hold are written to <table>.refused.csv.",
        epilog=f"The password is read from the environment variable {PASSWORD_VARIABLE}, or asked for.",
    )
    parser.add_argument("folder", type=Path, help="folder with the CSV files, such as apartments.csv and bookings.csv")
    parser.add_argument("--host", default="127.0.0.1", help="the database's host, for Aurora its writer endpoint (%(default)s)")
    parser.add_argument("--port", type=int, default=3306, help="(%(default)s)")
    parser.add_argument("--user", required=True, help="a user that may create tables and temporary tables in the database")
    parser.add_argument("--database", required=True, help="an existing database")
    parser.add_argument("--marketplace", default="apartments", help="whose tables: a folder of sql/ (%(default)s)")
    parser.add_argument("--tls-ca", metavar="FILE", help="encrypt, and verify the server by the authorities in this file")
    parser.add_argument("--without-tls", action="store_true", help="allow an unencrypted connection to another machine")
    parser.add_argument("--encoding", help="of the files, such as cp1252 (found, where this is left out)")
    parser.add_argument("--delimiter", help="between fields: a character, or tab (found, where this is left out)")
    parser.add_argument("--refused-folder", type=Path, default=Path("refused"), help="for refused rows (./%(default)s)")
    return parser


def main(words: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 all rows loaded, 1 some refused, 2 a file (or all) could not be loaded."""
    arguments = build_parser().parse_args(words)
    for stream in (sys.stdout, sys.stderr):  # a file's names may have letters that this terminal does not
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with closing(connect(arguments)) as connection:
            report = load_folder(
                connection,
                arguments.folder,
                arguments.marketplace,
                arguments.refused_folder,
                lambda line: print(line, flush=True),
                arguments.encoding,
                arguments.delimiter,
            )
    except (InputRefused, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except pymysql.MySQLError as error:
        print(f"the database stopped the load: {error.args[-1]} (error {error.args[0]}). Loading again is safe", file=sys.stderr)
        return 2
    for reason in report.failed.values():
        print(f"not loaded: {reason}", file=sys.stderr)
    if report.failed:
        return 2
    return 1 if report.refused else 0


if __name__ == "__main__":
    sys.exit(main())
