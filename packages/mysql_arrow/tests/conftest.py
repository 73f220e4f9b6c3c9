"""Servers for the tests. How one is started and stopped is the only thing that they take from the rest of the repository.

TEST_SOURCE_SERVER=mysql://root:password@host:port names a server that runs already; it is not stopped.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from local.standins.mysql.mariadb import MariaDB, start
from packages.mysql_arrow.tests.servers import Database
from tests.fixtures.foreign_server import ForeignServer, open_foreign_server

Server = MariaDB | ForeignServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The session's server."""
    if address := os.environ.get("TEST_SOURCE_SERVER"):
        yield open_foreign_server(address)
        return
    started = start(tmp_path_factory.mktemp("mysql_arrow"), die_with_parent=True)
    yield started
    started.stop()


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A new, empty database, dropped afterwards."""
    created = _create_database(server)
    yield created
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        # A connection that a failed test left in a transaction would make the drop wait for ever.
        cursor.execute("select id from information_schema.processlist where db = %s", (created.name,))
        for (thread,) in cursor.fetchall():
            with suppress(pymysql.err.OperationalError):  # it ended by itself meanwhile
                cursor.execute(f"kill {thread}")
        cursor.execute(f"drop database {created.name}")


@pytest.fixture(scope="session")
def tls_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An empty database on a server with a certificate."""
    folder = tmp_path_factory.mktemp("mysql_arrow_tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    _write_certificate(certificate, key)
    options = (f"--ssl-cert={certificate}", f"--ssl-key={key}")
    started = start(folder / "server", die_with_parent=True, options=options)
    yield _create_database(started)
    started.stop()


def _create_database(server: Server) -> Database:
    created = Database(server.host, server.port, f"mysql_arrow_{uuid.uuid4().hex[:12]}", "mysql_arrow", "reads-1")
    server.create_database(created.name)
    server.create_application_user(created.user, created.password, created.name)
    return created


def _write_certificate(certificate_path: Path, key_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(2)).sign(key, hashes.SHA256())
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
