"""What the source's catalogue says, where only MySQL can say it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from unittest.mock import patch

import boto3
import botocore.auth
import botocore.crt.auth
import pymysql
import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.source import connection as source
from rental_pipeline.source.connection import (
    SourceAddress,
    connect,
    explain_source_error,
    make_login_token,
    read_indexes,
    read_source_address,
)
from rental_pipeline.source.login import Login

# index, column, position, non_unique, sub_part, nullable
PRIMARY = ("PRIMARY", "id", "1", "0", None, "")


def test_only_an_index_over_whole_columns_without_null_makes_a_key() -> None:
    """Prefixes, expressions (MySQL 8.0: no column name) and nullable columns do not."""
    unique, indexed = read_indexes(
        [
            PRIMARY,
            ("two", "a", "1", "0", None, ""),
            ("two", "b", "2", "0", None, ""),
            ("prefix", "c", "1", "0", "10", ""),
            ("expression", "d", "1", "0", None, ""),
            ("expression", None, "2", "0", None, "YES"),
            ("nullable", "e", "1", "0", None, "YES"),
            ("plain", "f", "1", "1", None, ""),
        ]
    )
    assert unique == {frozenset({"id"}), frozenset({"a", "b"})}
    assert indexed == {"id", "a", "c", "d", "e", "f"}


def test_an_address_never_shows_its_password() -> None:
    """Neither in messages nor in what a debugger or a log of locals prints."""
    address = SourceAddress("secret", "host", 3306, "db", "user", "hunter2")
    assert "hunter2" not in f"{address} {address!r}"


BY_IAM = SourceAddress("secret", "db.cluster-x.eu-west-1.rds.amazonaws.com", 3306, "rental", "reader+1", None)


@pytest.fixture
def credentials(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def test_a_login_token_is_that_of_the_sdk(credentials, monkeypatch):
    """Signed for this host, port and user; the SDK's own way would need all of RDS's description."""
    for module in (botocore.auth, botocore.crt.auth):  # the SDK signs by the second one where it is installed
        monkeypatch.setattr(module, "get_current_datetime", lambda **_: datetime(2026, 11, 21, 3, tzinfo=UTC))
    expected = boto3.Session().client("rds").generate_db_auth_token(BY_IAM.host, BY_IAM.port, BY_IAM.user)
    assert make_login_token(BY_IAM) == expected
    assert "X-Amz-Expires=900" in expected


def test_each_connection_gets_a_token_and_verified_tls(credentials):
    """A token lasts 15 minutes, a function's process longer."""
    seen = []

    class Refuses(Login):
        def __init__(self, address, password, **options):
            seen.append({"password": password, **options})

        def open(self, *statements):
            raise pymysql.OperationalError(1045, "Access denied")

    Refuses.offers_tls = True
    with (
        patch.object(source, "Login", Refuses),
        pytest.raises(FixConfiguration, match=r"AWSAuthenticationPlugin.*SourceIamUserArn"),
    ):
        connect(BY_IAM)
    (options,) = seen
    assert options["password"].startswith(f"{BY_IAM.host}:3306/?Action=connect&DBUser=reader%2B1&")
    assert options["ssl"].check_hostname
    assert options["ssl"].verify_mode.name == "CERT_REQUIRED"


def test_no_credentials_are_a_matter_of_configuration(monkeypatch):
    """Not a traceback of the SDK's."""
    monkeypatch.setattr(boto3.Session, "get_credentials", lambda _self: None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(FixConfiguration, match="no credentials to log in"):
        make_login_token(BY_IAM)


def read_address(monkeypatch, **fields) -> SourceAddress:
    monkeypatch.setattr(source, "read_secret", lambda _arn: json.dumps(fields))
    return read_source_address("the-secret")


def test_a_secret_without_a_password_means_iam(monkeypatch):
    """And the connection is verified unless the secret says otherwise."""
    address = read_address(monkeypatch, host="h", username="u", dbname="d")
    assert (address.password, address.tls) == (None, "verify")
    assert read_address(monkeypatch, host="h", username="u", dbname="d", password="p").password == "p"


@pytest.mark.parametrize("tls", ["encrypt", "off"])
def test_a_token_is_sent_to_a_verified_server_only(monkeypatch, tls):
    """Whoever gets it can log in for 15 minutes."""
    with pytest.raises(FixConfiguration, match="needs tls = verify"):
        read_address(monkeypatch, host="h", username="u", dbname="d", tls=tls)


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({"host": 5}, "host is a number and must be a text"),
        ({"host": "mysql://h:3306"}, "host must be bare"),
        ({"host": "   "}, "lacks host"),
        ({"dbname": ["x"]}, "dbname is a list and must be a text"),
        ({"username": None}, "lacks username"),
        ({"username": {"a": 1}}, "username is an object and must be a text"),
        ({"password": 12.5}, "password is a number and must be a text"),
        ({"password": True}, "password is true or false and must be a text"),
        ({"password": "s3cret\0"}, "password holds a character that cannot be sent"),
        ({"password": "s3cret\ud83d"}, "password holds a character that cannot be sent"),
        ({"port": "s3cret"}, "port must be a number from 1 to 65535"),
        ({"port": 0}, "port must be a number from 1 to 65535"),
        ({"port": "1" * 5000}, "port must be a number from 1 to 65535"),
        ({"port": "٣٣٠٦"}, "port must be a number from 1 to 65535"),
        ({"port": 3306.0}, "port is a number and must be a text"),
        ({"tls": True}, "tls is true or false and must be a text"),
        ({"tls": "on"}, "tls must be one of verify, encrypt, off"),
        ({"tls_ca": 3}, "tls_ca is a number and must be a text"),
    ],
)
def test_a_field_that_cannot_be_is_named_with_its_secret(monkeypatch, fields, mistake):
    """Never with its value."""
    good = {"host": "h", "username": "u", "dbname": "d", "password": "s3cret"}
    with pytest.raises(FixConfiguration) as caught:
        read_address(monkeypatch, **{**good, **fields})
    assert f"the secret the-secret: {mistake}" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "12.5" not in str(caught.value)


def test_all_mistakes_of_a_secret_are_told_at_once(monkeypatch):
    """Each field once."""
    with pytest.raises(FixConfiguration, match=r"host is a number .*; dbname is a list .*; tls is true .*; lacks username; it"):
        read_address(monkeypatch, host=5, dbname=["x"], tls=True, password=1)


def test_whole_numbers_are_the_text_of_their_digits(monkeypatch):
    """A tool that writes JSON may have taken them for numbers; blanks around a host or port mean nothing."""
    address = read_address(monkeypatch, host=" h\n", username=7, dbname=2024, password=123456, port=" 3307 ")
    assert (address.host, address.user, address.database, address.password, address.port) == ("h", "7", "2024", "123456", 3307)


@pytest.mark.parametrize("text", ["[]", "5", "null", "no JSON", '"text"', "[" * 100_000])
def test_a_secret_that_is_no_object_is_refused(monkeypatch, text):
    """With what it must hold."""
    monkeypatch.setattr(source, "read_secret", lambda _arn: text)
    with pytest.raises(FixConfiguration, match="the secret the-secret is no JSON object; it must hold host"):
        read_source_address("the-secret")


def explain(code: int, said: str, tls: str = "off") -> str:
    address = SourceAddress("the-secret", "h", 3306, "d", "u", "p", tls=tls)
    return str(explain_source_error(pymysql.OperationalError(code, said), address, offers_tls=True))


def test_a_server_that_requires_tls_says_so():
    """MySQL 8.0 Error Message Reference, ER_SECURE_TRANSPORT_REQUIRED."""
    says = explain(3159, "Connections using insecure transport are prohibited while --require_secure_transport=ON.")
    assert 'requires TLS, and tls is off: set "tls": "verify"' in says
    assert "password" not in says


def test_a_way_to_log_in_that_is_not_there_is_no_wrong_password():
    """As MariaDB's Parsec."""
    assert "by a way that the pipeline does not have" in explain(2059, "Authentication plugin 'b'parsec'' not configured")
    assert "lets nobody in from this address" in explain(1130, "Host '10.0.0.1' is not allowed to connect")


def test_a_refused_password_names_the_secret():
    """A refused token names what IAM needs (see above)."""
    address = SourceAddress("the-secret", "h", 3306, "d", "u", "p")
    assert "the-secret" in str(explain_source_error(pymysql.OperationalError(1045, "no"), address))
