"""Logging in: any password, and whatever else than a MySQL server may answer, which ends in time with its name."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from local.standins.mysql import mariadb as local_mariadb
from local.standins.mysql.mariadb import MariaDB
from rental_pipeline.base.errors import FixConfiguration, PipelineError, RetryLater
from rental_pipeline.source import connection as source
from rental_pipeline.source import login
from rental_pipeline.source.connection import SourceAddress, connect
from tests.integration.extraction.test_tls import write_certificate

HASTE = 1.5  # the connect timeout of these tests
# As MariaDB sends it, up to its authentication plugin; it does not offer TLS.
GREETING = (
    b"\x0a8.0.36\0" + b"\x01\0\0\0" + b"abcdefgh\0" + b"\xff\xf7" + b"\x2d" + b"\x02\0" + b"\x0f\x80" + b"\x15" + bytes(10)
    + b"ijklmnopqrst\0" + b"mysql_native_password\0"
)  # fmt: skip
GREETING_WITH_TLS = GREETING.replace(b"\xff\xf7", b"\xff\xff")


def packet(body: bytes, number: int = 0) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


@pytest.fixture
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "CONNECT_SECONDS", HASTE)


@contextmanager
def serve(answer: Callable[[socket.socket], None]) -> Iterator[SourceAddress]:
    """A server that does one thing with each connection, and keeps it open until the end."""
    kept, ended = [], threading.Event()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError):
            answer(connection)
        ended.wait()

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                kept.append(connection)
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield SourceAddress("the-secret", "127.0.0.1", listener.getsockname()[1], "d", "u", "hunter2", tls="off")
        finally:
            ended.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for connection in kept:
                connection.close()


def refuse(address: SourceAddress) -> PipelineError:
    """Return the error, which came in time and names host, port and secret."""
    began = time.monotonic()
    with pytest.raises(PipelineError) as caught:
        connect(address)
    assert time.monotonic() - began < HASTE + 1
    says = str(caught.value)
    assert f"{address.host}:{address.port}" in says
    assert "the-secret" in says
    assert "hunter2" not in says
    return caught.value


def say(*words: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        for word in words:
            connection.sendall(word)

    return answer


def drip(words: bytes) -> Callable[[socket.socket], None]:
    """Bytes one by one: no single wait is long."""

    def answer(connection: socket.socket) -> None:
        for number in range(len(words)):
            connection.sendall(words[number : number + 1])
            time.sleep(0.2)

    return answer


def test_a_silent_port_is_called_silent_within_the_connect_timeout(haste: None) -> None:
    """HTTP, TLS and PostgreSQL are silent too; a hanging server is accepted by its kernel, so it may pass."""
    with serve(lambda connection: None) as address:
        error = refuse(address)
    assert isinstance(error, RetryLater)
    assert "accepts connections but says nothing" in str(error)
    assert "is this a MySQL port?" in str(error)


@pytest.mark.parametrize(
    ("said", "protocol"),
    [
        (b"HTTP/1.1 408 Request Timeout\r\n\r\n", "HTTP"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "SSH"),
        (b"220 mail.example.com ESMTP\r\n", "mail or FTP"),
        (b"E\0\0\0\x55SFATAL\0", "PostgreSQL"),
        (b"\x15\x03\x01\0\x02\x02\x46", "TLS"),
        (b"\x05\0\0\0\x0b\x08\x05\x1a\0", "X protocol"),
        (b"\xde\xad\xbe\xef\xde\xad\xbe\xef", "not known here"),
        (bytes(64), "not known here"),
        (packet(b"\x0a" + bytes(60_000)), "not known here"),
    ],
)
def test_another_protocol_is_named(haste: None, said: bytes, protocol: str) -> None:
    """By its first bytes; nothing of what it said is in the message, and nobody tries again."""
    with serve(say(said)) as address:
        error = refuse(address)
    assert isinstance(error, FixConfiguration)
    assert "is no MySQL server" in str(error)
    assert protocol in str(error)
    assert "example.com" not in str(error)


@pytest.mark.parametrize("said", [packet(b"\x0a8.0.36\0"), packet(b"\x0a" + b"x" * 80), packet(b"\x0a\xff\xfe\0" + bytes(90))])
def test_a_broken_greeting_is_called_that(haste: None, said: bytes) -> None:
    """What PyMySQL stumbles over is no traceback."""
    with serve(say(said)) as address:
        error = refuse(address)
    assert "greeting" in str(error) or "in its greeting" in str(error)


@pytest.mark.parametrize(
    ("said", "tls", "stage"),
    [
        (packet(GREETING)[:40], "off", "in its greeting"),
        (packet(GREETING)[:3], "off", "in its greeting"),
        (packet(GREETING), "off", "while the user logs in"),
        (packet(GREETING_WITH_TLS), "encrypt", "in the TLS handshake"),
    ],
)
def test_a_stalled_login_ends_in_time_and_says_where(haste: None, said: bytes, tls: str, stage: str) -> None:
    """Half a greeting, no TLS handshake, no answer to the password."""
    with serve(say(said)) as address:
        error = refuse(replace(address, tls=tls))
    assert isinstance(error, RetryLater)
    assert "the login was not done within" in str(error)
    assert stage in str(error)


def test_a_login_that_drips_ends_in_time(haste: None) -> None:
    """Each byte comes in good time, and all of them never."""
    with serve(drip(packet(GREETING))) as address:
        assert "the login was not done within" in str(refuse(address))


def test_a_tls_handshake_that_drips_ends_in_time(haste: None) -> None:
    """As above, within TLS's own records."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING_WITH_TLS))
        connection.recv(36, socket.MSG_WAITALL)
        drip(b"\x16\x03\x03\x40\0\x02\0\x3f\xfc\x03\x03" + bytes(1000))(connection)

    with serve(answer) as address:
        assert "in the TLS handshake" in str(refuse(replace(address, tls="encrypt")))


def test_a_login_that_stalls_within_tls_ends_in_time(haste: None, tmp_path: Path) -> None:
    """The connection is encrypted by then, and its password on its way."""
    certificate, key = write_certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    kept = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING_WITH_TLS))
        connection.recv(36, socket.MSG_WAITALL)
        kept.append(context.wrap_socket(connection.dup(), server_side=True))

    with serve(answer) as address:
        assert "while the user logs in" in str(refuse(replace(address, tls="encrypt")))


@pytest.mark.parametrize(
    ("host", "days", "is_known", "way_out"),
    [
        ("127.0.0.2", 1, True, "It is another host's: set host in the secret the-secret to a name that the certificate has"),
        ("127.0.0.1", -2, True, "Renew it on the server"),
        ("127.0.0.1", 1, False, 'Its authority is not known here: set "tls_ca"'),
    ],
    ids=["another host's", "expired", "unknown authority"],
)
def test_a_certificate_that_is_not_accepted_says_why(
    haste: None, tmp_path: Path, host: str, days: int, is_known: bool, way_out: str
) -> None:
    """Before the password is sent."""
    certificate, key = write_certificate(tmp_path, host, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def answer(connection: socket.socket) -> None:
        connection.sendall(packet(GREETING_WITH_TLS))
        connection.recv(36, socket.MSG_WAITALL)
        context.wrap_socket(connection.dup(), server_side=True)

    with serve(answer) as address:
        error = refuse(replace(address, tls="verify", tls_ca=str(certificate) if is_known else None))
    assert isinstance(error, FixConfiguration)
    assert "its certificate is not accepted" in str(error)
    assert way_out in str(error)


def test_a_server_that_cannot_encrypt_is_called_that(haste: None) -> None:
    """Although the secret asks for it, as it does by default."""
    with serve(say(packet(GREETING))) as address:
        error = refuse(replace(address, tls="verify"))
    assert isinstance(error, FixConfiguration)
    assert "no encrypted connection" in str(error)
    assert "turn TLS on there" in str(error)


def shut(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize("end", [shut, reset])
@pytest.mark.parametrize("said", [b"", packet(GREETING)[:30], packet(GREETING)])
def test_a_proxy_without_a_server_is_suspected(haste: None, said: bytes, end: Callable[[socket.socket], None]) -> None:
    """It accepts, and closes or resets at any moment."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(said)
        time.sleep(0.3)
        end(connection)

    with serve(answer) as address:
        error = refuse(address)
    assert isinstance(error, RetryLater)
    assert "accepts connections and closes them" in str(error)
    assert "a proxy has no server behind it" in str(error)


def test_a_server_that_is_full_says_so_itself(haste: None) -> None:
    """Its first packet is an error."""
    with serve(say(packet(b"\xff\x10\x04Too many connections"))) as address, pytest.raises(RetryLater, match="Too many conn"):
        connect(address)


def test_a_name_server_that_hangs_ends_in_time(haste: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the only wait that no socket bounds."""
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: ended.wait() and [])
    began = time.monotonic()
    with pytest.raises(RetryLater, match=r"the name server does not tell .* 'db\.example\.com'"):
        connect(SourceAddress("the-secret", "db.example.com", 3306, "d", "u", "p"))
    ended.set()
    assert time.monotonic() - began < HASTE + 1


def test_a_silent_secrets_manager_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the subnets have no endpoint of it: the function would be over before the SDK gives up."""
    monkeypatch.setattr(source, "_SECRETS", source._SECRETS.merge(Config(connect_timeout=1, read_timeout=1)))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    began = time.monotonic()
    with serve(lambda connection: None) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{address.port}")
        with pytest.raises(RetryLater, match=r"Secrets Manager could not be reached for the-secret .* have its endpoint"):
            source.read_secret("the-secret")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "no-such-host.invalid"])
def test_a_host_that_cannot_be_is_unknown(host: str) -> None:
    """Whatever Python says of the name."""
    with pytest.raises(PipelineError, match="check host in the secret the-secret"):
        connect(SourceAddress("the-secret", host, 3306, "d", "u", "p"))


def test_a_port_where_nothing_listens_is_told(haste: None) -> None:
    """At once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refuse(SourceAddress("the-secret", "127.0.0.1", port, "d", "u", "hunter2"))
    assert isinstance(error, RetryLater)
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize("password", ["plain", "ü", "Łódź", "€uro", "鍵", "😀 key", "\x7f\x80", "a'b\"c\\d%s", "ü" * 60])
def test_a_password_in_any_script_logs_in(mariadb: MariaDB, password: str) -> None:
    """Servers keep the hash of its UTF-8; the names of user and database may be of any script too."""
    account = ("schlüssel_鍵", mariadb.client_host)
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create database if not exists `daten_übung`")
        cursor.execute("drop user if exists %s@%s", account)
        cursor.execute("create user %s@%s identified by %s", (*account, password))
        cursor.execute("grant select on `daten_übung`.* to %s@%s", account)
    address = SourceAddress("s", mariadb.host, mariadb.port, "daten_übung", account[0], password, tls="off")
    with closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute("select current_user(), database()")
        assert cursor.fetchone() == (f"{account[0]}@{mariadb.client_host}", "daten_übung")
    with pytest.raises(FixConfiguration, match="check username and password"):
        connect(replace(address, password=password + "x"))


def test_a_user_who_must_encrypt_and_does_not_is_told_both_causes(mariadb: MariaDB, tmp_path: Path) -> None:
    """The server answers as it does a wrong password; where it cannot encrypt at all, it is the password."""
    certificate, key = write_certificate(tmp_path, "127.0.0.1")
    options = [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    with local_mariadb.running(tmp_path / "server", die_with_parent=True, options=options) as server:
        server.create_database("d")
        server.create_extraction_user("e", "pw", "d")
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("alter user e@%s require ssl", (server.client_host,))
        address = SourceAddress("the-secret", server.host, server.port, "d", "e", "pw", tls="off")
        both = r'check username and password .*; or TLS is required \(REQUIRE SSL, .*\), and tls is off: set "tls": "verify"'
        with pytest.raises(FixConfiguration, match=both):
            connect(address)
        connect(replace(address, tls="encrypt")).close()
        with pytest.raises(FixConfiguration) as caught:
            connect(replace(address, tls="encrypt", password="wrong"))
        assert "TLS is required" not in str(caught.value)
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("alter user e@%s require none", (server.client_host,))
            cursor.execute("set global require_secure_transport = 1")
        with pytest.raises(FixConfiguration, match=both):  # MySQL has an error of its own, 3159
            connect(address)
        connect(replace(address, tls="encrypt")).close()
