"""The source database: connecting to it, and what its catalogue says."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pymysql
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from rental_pipeline.base.errors import FixConfiguration, PipelineError, RetryLater
from rental_pipeline.model.column_types import SourceColumn
from rental_pipeline.source.login import CONNECT_SECONDS, Login

# The longest silence of the server while it sorts or counts; a function's time limit ends sooner or about then.
READ_SECONDS = 600
# How long the server lets this side be busy with a Parquet file before it takes the connection for dead (60 by default).
WRITE_SECONDS = 600

# Where a subnet has no way to it, the SDK's own patience (a minute, five times) would outlast the function.
_SECRETS = Config(connect_timeout=CONNECT_SECONDS, read_timeout=CONNECT_SECONDS, retries={"total_max_attempts": 2})

_REQUIRED = ("host", "username", "dbname")
_FIELDS = "host, username, password, dbname, and optionally port, tls, tls_ca (no password: IAM authentication)"
_TOKEN_SECONDS = 900
_TLS = ("verify", "encrypt", "off")
_MAY_BE_NUMBERS = ("username", "password", "dbname", "port")
_PORTS = range(1, 65_536)

# What MySQL's error numbers ask for (MySQL 8.0 Error Message Reference).
_ACCESS_DENIED = (1045, 1698)
_MISSING_PRIVILEGE = (1044, 1142, 1143, 1227)
_UNKNOWN_DATABASE = 1049
_TLS_REQUIRED = 3159
_HOST_REFUSED = (1129, 1130)
_NO_WAY_TO_LOG_IN = (1251, 2059)
_TLS_FAILED = 2026
_NAME_DIFFERS = (62, 64)  # host, IP address
_OUT_OF_DATE = (9, 10)  # not yet valid, expired
_SCHEMA_CHANGED = (1054, 1146, 1412)
_PACKET_TOO_LARGE = 1153
_MAY_PASS = (1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1927, 2006, 2013, 3024, 3168)


@dataclass(frozen=True)
class SourceAddress:
    """Where the source is and who reads it, from a Secrets Manager secret.

    Attributes:
        secret: The secret's ARN or name, for messages.
        password: None = IAM authentication: a token, made again for each connection, takes its place.
        tls: `verify` (encrypted, and the server's certificate checked against `tls_ca` or the system's authorities), `encrypt`
            (encrypted, the server not checked) or `off`.
        tls_ca: Authorities in PEM text, or the path of such a file, e.g. the Amazon RDS bundle of a region; a secret
            holds 65,536 characters, and so not the bundle of all regions.
    """

    secret: str
    host: str
    port: int
    database: str
    user: str
    password: str | None = field(repr=False)
    tls: str = "verify"
    tls_ca: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True)
class SourceTable:
    """A table as the source's catalogue describes it.

    Attributes:
        name: As the source spells it.
        columns: In the source's order.
        unique_keys: Lower-cased columns of each unique index over whole columns, none of which may be NULL.
        indexed: Lower-cased columns that an index begins with.
    """

    name: str
    columns: tuple[SourceColumn, ...]
    unique_keys: frozenset[frozenset[str]] = frozenset()
    indexed: frozenset[str] = frozenset()


def read_source_address(secret_arn: str) -> SourceAddress:
    """Return the address that a secret holds: JSON with host, username, dbname, and optionally password, port, tls, tls_ca.

    Raises:
        FixConfiguration: the secret is missing, may not be read, or lacks a field.
        RetryLater: Secrets Manager could not be reached.
    """
    try:
        fields = json.loads(read_secret(secret_arn))
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise FixConfiguration(f"the secret {secret_arn} is no JSON object; it must hold {_FIELDS}")
    mistakes: list[str] = []
    given = {name: _read_field(name, fields.get(name), mistakes) for name in (*_REQUIRED, "password", "port", "tls", "tls_ca")}
    refused = [mistake.split()[0] for mistake in mistakes]
    if missing := [name for name in _REQUIRED if given[name] is None and name not in refused]:
        mistakes.append(f"lacks {', '.join(missing)}")
    port, tls = given["port"] or "3306", given["tls"] or "verify"
    if not (port.isascii() and port.isdigit() and len(port) < 9 and int(port) in _PORTS):
        mistakes.append(f"port must be a number from {_PORTS[0]} to {_PORTS[-1]}")
    if tls not in _TLS:
        mistakes.append(f"tls must be one of {', '.join(_TLS)}, in quotes")
    elif not given["password"] and "password" not in refused and tls != "verify":
        mistakes.append(
            "holds no password, so IAM authentication is used, which needs tls = verify: its token would else be sent to whoever"
            " answers"
        )
    if mistakes:
        raise FixConfiguration(f"the secret {secret_arn}: {'; '.join(mistakes)}; it must hold {_FIELDS}")
    return SourceAddress(
        secret=secret_arn,
        host=str(given["host"]),
        port=int(port),
        database=str(given["dbname"]),
        user=str(given["username"]),
        password=given["password"],
        tls=tls,
        tls_ca=given["tls_ca"],
    )


def _read_field(name: str, value: Any, mistakes: list[str]) -> str | None:
    """Return a field's text, None where it is absent, null or empty; add what is wrong to `mistakes`, never the value.

    A whole number is the text of its digits (a password 123456, a database 2024), except where none makes sense.
    """
    if isinstance(value, str) and name in ("host", "port"):
        value = value.strip()
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and name in _MAY_BE_NUMBERS:
        value = str(value)
    if not isinstance(value, str):
        kind = {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")
        mistakes.append(f"{name} is {kind} and must be a text, in quotes")
        return None
    if not _can_be_sent(value):
        mistakes.append(f"{name} holds a character that cannot be sent (NUL, or half of a surrogate pair)")
        return None
    if name in ("host", "port") and any(sign in value for sign in "/@ \t\n"):
        mistakes.append(f"{name} must be bare, without protocol, user, path or blanks")
        return None
    return value


def _can_be_sent(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def read_secret(secret_arn: str) -> str:
    """Return the text of a secret (raises as `read_source_address`)."""
    try:
        return str(boto3.client("secretsmanager", config=_SECRETS).get_secret_value(SecretId=secret_arn)["SecretString"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ResourceNotFoundException":
            raise FixConfiguration(f"the secret {secret_arn} does not exist: check the stack's parameter") from error
        if code in ("AccessDeniedException", "DecryptionFailure", "InvalidRequestException"):
            raise FixConfiguration(
                f"the secret {secret_arn} may not be read ({code}): check the function's role and its key"
            ) from error
        raise RetryLater(f"Secrets Manager did not give {secret_arn} ({code})") from error
    except BotoCoreError as error:
        raise RetryLater(
            f"Secrets Manager could not be reached for {secret_arn} ({type(error).__name__}): if it goes on, check that the"
            " functions' subnets have its endpoint (docs/how-to/network.md)"
        ) from error
    except KeyError:
        raise FixConfiguration(f"the secret {secret_arn} is binary; it must be text") from None


def connect(address: SourceAddress, **options: Any) -> pymysql.Connection:
    """Return a read-only connection whose session runs in UTC and whose values arrive as the server's own text.

    Raises:
        FixConfiguration: the address, user, password or TLS setting is wrong.
        RetryLater: the server is down, restarting or full.
    """
    password = make_login_token(address) if address.password is None else address.password
    options = {"read_timeout": READ_SECONDS, "write_timeout": READ_SECONDS, **_tls_options(address), **options}
    login = Login(address, password, **options)
    try:
        return login.open(
            f"set session time_zone = '+00:00', net_write_timeout = {WRITE_SECONDS}", "set session transaction read only"
        )
    except pymysql.MySQLError as error:
        raise explain_source_error(error, address, login.offers_tls) from error


@contextmanager
def snapshot(connection: pymysql.Connection) -> Iterator[None]:
    """Let everything that is asked see one state of the source (MySQL Reference Manual, "Consistent Nonlocking Reads").

    Nothing waits for it but ALTER TABLE, as for any read. Tables of another engine than InnoDB have no such state.
    """
    with connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        cursor.execute("start transaction with consistent snapshot")
    yield
    if connection.open:  # a result that was not read to its end has closed it
        connection.rollback()


def make_login_token(address: SourceAddress) -> str:
    """Return a token that logs the user in for 15 minutes, signed with the function's role; it is signed here, nothing is called.

    Amazon RDS User Guide, "Connecting to your DB instance using IAM authentication". The SDK's own `generate_db_auth_token` would
    bring the whole description of RDS into the layer.

    Raises:
        FixConfiguration: there are no credentials to sign with.
    """
    session = boto3.Session()
    try:
        signer = RequestSigner(ServiceId("RDS"), session.region_name, "rds-db", "v4", session.get_credentials(), session.events)
        request = {
            "method": "GET",
            "url": f"https://{address.host}:{address.port}/?Action=connect&DBUser={quote(address.user, safe='')}",
            "body": {},
            "headers": {},
            "context": {},
        }
        url = signer.generate_presigned_url(request, operation_name="connect", expires_in=_TOKEN_SECONDS)
    except BotoCoreError as error:
        raise FixConfiguration(f"no credentials to log in to the source {address} by IAM ({error})") from error
    return str(url).removeprefix("https://")


def explain_source_error(error: pymysql.MySQLError, address: SourceAddress, offers_tls: bool = False) -> PipelineError:
    """Turn an error of the source into one of the pipeline's, with the cause and the way out, and never the password.

    Args:
        offers_tls: Whether the server can encrypt: a user who must (REQUIRE SSL) is refused as a wrong password is.
    """
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = str(error.args[1]) if len(error.args) > 1 else str(error)
    if code in _ACCESS_DENIED and address.password is None:
        return FixConfiguration(
            f"the source {address} refuses the user {address.user!r}, who logs in by IAM: check that the database knows it as"
            " AWSAuthenticationPlugin, that the cluster has IAM authentication on, and that SourceIamUserArn names both"
        )
    encrypt = f'set "tls": "verify" (or "encrypt") in the secret {address.secret}'
    if code == _TLS_REQUIRED or "require_secure_transport" in said:
        return FixConfiguration(f"the source {address} requires TLS, and tls is off: {encrypt}")
    if code in _ACCESS_DENIED:
        may_require = address.tls == "off" and offers_tls
        tls = f"; or TLS is required (REQUIRE SSL, require_secure_transport), and tls is off: {encrypt}" if may_require else ""
        return FixConfiguration(
            f"the source {address} refuses the user {address.user!r}:"
            f" check username and password in the secret {address.secret} (a rotation may have changed them){tls}"
        )
    if code in _HOST_REFUSED:
        return FixConfiguration(
            f"the source {address} lets nobody in from this address ({said}): let the user {address.user!r} come from the"
            " functions' subnets, or, after too many broken connections, run flush hosts"
        )
    if code in _NO_WAY_TO_LOG_IN:
        return FixConfiguration(
            f"the user {address.user!r} of the source {address} logs in by a way that the pipeline does not have ({said}):"
            " give it caching_sha2_password (MySQL) or mysql_native_password (MariaDB)"
        )
    if code in _MISSING_PRIVILEGE:
        return FixConfiguration(f"the user {address.user!r} lacks a privilege on the source {address}: {said}")
    if code == _UNKNOWN_DATABASE:
        return FixConfiguration(
            f"the source {address.host} has no database {address.database!r}: check dbname in {address.secret}"
        )
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FixConfiguration(
            f"no encrypted connection to the source {address}: its certificate is not accepted ({cause.verify_message})."
            f" {_explain_certificate(cause, address)}"
        )
    if code == _TLS_FAILED or isinstance(cause, ssl.SSLError):
        return FixConfiguration(
            f"no encrypted connection to the source {address} ({said}): turn TLS on there,"
            f' or set "tls" ("verify", "encrypt" or "off") and "tls_ca" (for RDS: the bundle of its region)'
            f" in the secret {address.secret}"
        )
    if code in _SCHEMA_CHANGED:
        return FixConfiguration(f"the source's tables changed while the run read them ({said}): start a new execution")
    if code == _PACKET_TOO_LARGE:
        return FixConfiguration(
            f"the source {address} takes no statement as long as this one ({said}): raise its max_allowed_packet (64M is MySQL's"
            " default), or key the table by something shorter"
        )
    if code in _MAY_PASS or code == 0:
        return RetryLater(f"the source {address} broke off ({code}: {said})")
    return FixConfiguration(f"the source {address} refuses a statement ({code}: {said})")


def _explain_certificate(cause: ssl.SSLCertVerificationError, address: SourceAddress) -> str:
    """Return the way out (OpenSSL, "X509_STORE_CTX_get_error", has the codes)."""
    if cause.verify_code in _NAME_DIFFERS:
        return f"It is another host's: set host in the secret {address.secret} to a name that the certificate has"
    if cause.verify_code in _OUT_OF_DATE:
        return (
            'Renew it on the server, or look at this machine\'s clock; until then "tls": "encrypt" in the secret'
            f" {address.secret} does not look at it"
        )
    return (
        'Its authority is not known here: set "tls_ca" (for RDS: the bundle of its region),'
        ' or "tls": "encrypt" or "off", in the secret'
        f" {address.secret}"
    )


def describe_tables(connection: pymysql.Connection) -> dict[str, SourceTable]:
    """Return the tables of the connection's database by their own names."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name, column_name, data_type, column_type, character_maximum_length, numeric_precision, numeric_scale,"
            " datetime_precision, is_nullable, character_set_name, collation_name"
            " from information_schema.columns where table_schema = database() order by table_name, ordinal_position"
        )
        columns: dict[str, list[SourceColumn]] = {}
        for table, *description in cursor.fetchall():
            columns.setdefault(table, []).append(_read_column(description))
        cursor.execute(
            "select table_name, index_name, lower(column_name), seq_in_index, non_unique, sub_part, nullable"
            " from information_schema.statistics where table_schema = database()"
        )
        indexes: dict[str, list[tuple[Any, ...]]] = {}
        for table, *part in cursor.fetchall():
            indexes.setdefault(table, []).append(tuple(part))
    return {
        table: SourceTable(table, tuple(described), *read_indexes(indexes.get(table, ()))) for table, described in columns.items()
    }


def _read_column(row: Sequence[Any]) -> SourceColumn:
    name, data_type, column_type, length, precision, scale, fraction, nullable, charset, collation = row
    return SourceColumn(
        name=name,
        data_type=data_type.lower(),
        unsigned="unsigned" in column_type.lower(),
        length=int(length) if length is not None else None,
        precision=int(precision) if precision is not None else None,
        scale=int(scale) if scale is not None else None,
        fraction=int(fraction or 0),
        nullable=nullable == "YES",
        charset=charset and charset.lower(),
        collation=collation,
    )


def read_indexes(parts: Iterable[tuple[Any, ...]]) -> tuple[frozenset[frozenset[str]], frozenset[str]]:
    """Return the unique keys, and the columns that an index begins with."""
    unique: dict[str, set[str]] = {}
    unfit, first = set(), set()
    for index, column, position, non_unique, sub_part, nullable in parts:
        unique.setdefault(index, set()).add(column)
        # An index over a part of a text, or over an expression (which has no column), says nothing of whole columns.
        if int(non_unique) or sub_part is not None or nullable == "YES" or column is None:
            unfit.add(index)
        if int(position) == 1 and column:
            first.add(column)
    return frozenset(frozenset(columns) for index, columns in unique.items() if index not in unfit), frozenset(first)


def _tls_options(address: SourceAddress) -> dict[str, Any]:
    if address.tls == "off":
        return {"ssl_disabled": True}
    context = ssl.create_default_context()
    if address.tls == "encrypt":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif address.tls_ca:
        try:
            pem = address.tls_ca if "BEGIN CERTIFICATE" in address.tls_ca else Path(address.tls_ca).read_text(encoding="ascii")
            context.load_verify_locations(cadata=pem)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise FixConfiguration(f"tls_ca in the secret {address.secret} is no readable PEM certificate ({error})") from error
    return {"ssl": context}
