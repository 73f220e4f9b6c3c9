"""The address of a database that exists: `SOURCE=mysql://user@host:port/database?tls=verify`, without its password."""

from __future__ import annotations

import getpass
import os
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from local.refusal import Refused
from rental_pipeline.source.connection import SourceAddress

PASSWORD_VARIABLE = "MYSQL_PWD"
_SCHEMES = ("mysql", "mariadb")
_TLS = ("verify", "encrypt", "off")
_HERE = ("localhost", "127.0.0.1", "::1")


class AddressRefused(Refused):
    """SOURCE is no address of a MySQL database; the message says how one is written. It never shows what was given."""


def parse_address(url: str, password: str) -> SourceAddress:
    """Return the address that a URL names.

    Without `tls` a connection within this machine is not encrypted; any other is, and the server's certificate is checked.

    Raises:
        AddressRefused: it is none, or it holds a password.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise AddressRefused(
            "SOURCE holds a password, which would stay in your shell's history and show in lists of processes: leave it out, and"
            f" set {PASSWORD_VARIABLE} instead, or type it when asked"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        port = parts.port or 3306
    except ValueError:
        port = 0
    database = unquote(parts.path.lstrip("/"))
    tls = options.pop("tls", "off" if parts.hostname in _HERE else "verify")
    authorities = options.pop("tls_ca", None)
    whole = parts.scheme in _SCHEMES and parts.hostname and parts.username and database and "/" not in database and port
    if not whole or tls not in _TLS or options:
        raise AddressRefused(
            "SOURCE is written mysql://user@host:port/database, the port (3306) left out or not, what is special in it as in any"
            f" URL (%40 for @); behind it ?tls={'|'.join(_TLS)} and &tls_ca=file where the server's authority is not known here"
        )
    return SourceAddress(
        secret="that SOURCE stands for (mysql://user@host:port/database?tls=…&tls_ca=…)",
        host=str(parts.hostname),
        port=port,
        database=database,
        user=unquote(str(parts.username)),
        password=password,
        tls=tls,
        tls_ca=authorities,
    )


def read_address(url: str) -> SourceAddress:
    """Return the address, with the password from the environment or, at a terminal, asked for.

    Raises:
        AddressRefused: as `parse_address`; or there is no password, and nobody to ask.
    """
    parse_address(url, "")
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None and sys.stdin.isatty():
        password = getpass.getpass("Password of the source's user: ")
    if not password:
        raise AddressRefused(
            f"the password of the source's user is in no variable: set {PASSWORD_VARIABLE}, or run at a terminal"
        )
    return parse_address(url, password)


def write_grant(address: SourceAddress) -> str:
    """Return the line of SQL with which an administrator lets the user read, and no more."""
    user = address.user.replace("'", "''")
    database = address.database.replace("`", "``")
    return f"GRANT SELECT ON `{database}`.* TO '{user}'@'%'; GRANT PROCESS ON *.* TO '{user}'@'%';"
