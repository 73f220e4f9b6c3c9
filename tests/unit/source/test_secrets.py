"""What is secret is in no text that an object makes of itself, and goes to nobody whose certificate is another's."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

import rental_pipeline
from rental_pipeline.source import connection
from rental_pipeline.source.connection import SourceAddress, connect
from rental_pipeline.source.personal_data import HashKey

# Fields that hold a secret itself; `secret` of an address is the name of one.
SECRET_FIELDS = {"password", "token"}


def list_dataclasses() -> Iterator[type]:
    """Yield every dataclass of the package."""
    for module in pkgutil.walk_packages(rental_pipeline.__path__, "rental_pipeline."):
        for found in vars(importlib.import_module(module.name)).values():
            if isinstance(found, type) and dataclasses.is_dataclass(found) and found.__module__ == module.name:
                yield found


def test_no_object_shows_a_secret():
    """A log line, an error or a test's output may show any object."""
    shown = [
        f"{kind.__name__}.{each.name}"
        for kind in list_dataclasses()
        for each in dataclasses.fields(kind)
        if each.repr and (each.name in SECRET_FIELDS or each.type in ("bytes", bytes))
    ]
    assert shown == []


def test_neither_the_key_of_the_hash_nor_a_password_is_shown():
    """What stays hides nothing that is looked for in a log."""
    assert "sesame" not in repr(HashKey(b"sesame"))
    address = SourceAddress("the-secret", "host", 3306, "shop", "reader", "sesame")
    assert "sesame" not in f"{address!r} {address}"
    assert "reader" in repr(address)


@pytest.fixture
def login_options(monkeypatch) -> list[dict[str, Any]]:
    """The options with which a login was begun; none is."""
    begun: list[dict[str, Any]] = []

    class Login:
        def __init__(self, address: SourceAddress, password: str, **options: Any) -> None:
            begun.append(options)

        def open(self, *statements: str) -> None:
            pass

    monkeypatch.setattr(connection, "Login", Login)
    return begun


def test_the_server_has_to_be_the_one_that_is_meant(login_options):
    """By default its certificate is checked, and that it is of this host: any other's would do for who stands between."""
    connect(SourceAddress("s", "host", 3306, "d", "e", "pw"))
    (options,) = login_options
    assert options["ssl"].verify_mode == ssl.CERT_REQUIRED
    assert options["ssl"].check_hostname


def test_only_who_asks_for_less_gets_less(login_options):
    """`encrypt` looks at no certificate, `off` does not encrypt."""
    connect(SourceAddress("s", "host", 3306, "d", "e", "pw", tls="encrypt"))
    connect(SourceAddress("s", "host", 3306, "d", "e", "pw", tls="off"))
    encrypted, plain = login_options
    assert (encrypted["ssl"].verify_mode, encrypted["ssl"].check_hostname) == (ssl.CERT_NONE, False)
    assert plain["ssl_disabled"] and "ssl" not in plain


def test_every_connection_is_read_only_and_in_utc(monkeypatch):
    """Whatever is asked later: nothing can be changed in the source, and its times need no conversion."""
    said: list[str] = []

    class Login:
        def __init__(self, address: SourceAddress, password: str, **options: Any) -> None:
            assert options["read_timeout"] > 0 and options["write_timeout"] > 0

        def open(self, *statements: str) -> None:
            said.extend(statements)

    monkeypatch.setattr(connection, "Login", Login)
    connect(SourceAddress("s", "host", 3306, "d", "e", "pw"))
    assert any("time_zone = '+00:00'" in statement for statement in said)
    assert "set session transaction read only" in said
