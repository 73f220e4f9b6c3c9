"""SOURCE=mysql://…: what it may say; its password comes from elsewhere, and is shown nowhere."""

from __future__ import annotations

import pytest

from local.adopt.address import AddressRefused, parse_address, read_address, write_grant


def test_an_address_is_read():
    """Special characters as in any URL; encryption is asked for beyond this machine."""
    address = parse_address("mysql://a%40b@db.example.com:3307/my%2Ddb?tls_ca=bundle.pem", "hunter2")
    assert (address.user, address.host, address.port, address.database) == ("a@b", "db.example.com", 3307, "my-db")
    assert (address.tls, address.tls_ca, address.password) == ("verify", "bundle.pem", "hunter2")
    here = parse_address("mariadb://u@127.0.0.1/d", "hunter2")
    assert (here.port, here.tls) == (3306, "off") and "hunter2" not in repr(here)
    assert "TO 'u'@'%'" in write_grant(here)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:hunter2@host/db",
        "postgres://user@host/db",
        "mysql://host/db",
        "mysql://user@host",
        "mysql://user@host/db/more",
        "mysql://user@host:99999/db",
        "mysql://user@host/db?tls=maybe",
        "mysql://user@host/db?charset=utf8",
        "host",
        "",
    ],
)
def test_what_is_no_address_is_refused_without_being_shown(url):
    """Least of all a password."""
    with pytest.raises(AddressRefused) as refused:
        parse_address(url, "")
    assert "hunter2" not in str(refused.value) and "SOURCE" in str(refused.value)


def test_a_password_is_of_the_environment(monkeypatch):
    """Where there is no terminal to ask at, it is missed by name."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.delenv("MYSQL_PWD", raising=False)
    with pytest.raises(AddressRefused, match="MYSQL_PWD"):
        read_address("mysql://u@localhost/d")
    monkeypatch.setenv("MYSQL_PWD", "of the environment")
    assert read_address("mysql://u@localhost/d").password == "of the environment"
