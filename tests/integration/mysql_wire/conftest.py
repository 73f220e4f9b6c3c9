"""Reading one query by the decoders of mysql_wire, and a server that speaks TLS, which the server of the other tests does not."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import local.standins.mysql.mariadb
from mysql_arrow import read_batches
from tests.fixtures.mariadb import SourceDatabase


def read_wire(
    source: SourceDatabase, query: str, schema: pyarrow.Schema, protocol: str, **options
) -> tuple[pyarrow.Table, dict[str, Counter[str]]]:
    """Return a query's rows, checked by Arrow from end to end, and the impossible dates by column."""
    impossible: dict[str, Counter[str]] = {}

    def report(column: str, dates: Counter[str]) -> None:
        impossible.setdefault(column, Counter()).update(dates)

    with closing(source.connect_read_only(**options)) as connection:
        batches = list(read_batches(connection, query, schema, protocol=protocol, report_dates=report))
    table = pyarrow.Table.from_batches(batches, schema)
    table.validate(full=True)
    return table, impossible


def encrypt_only() -> ssl.SSLContext:
    """Return the TLS settings of a client that does not check who the server is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture(scope="session")
def tls_source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceDatabase]:
    """An empty database on a server with a certificate."""
    folder = tmp_path_factory.mktemp("mariadb_tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    _write_certificate(certificate, key)
    options = (f"--ssl-cert={certificate}", f"--ssl-key={key}")
    server = local.standins.mysql.mariadb.start(folder / "server", die_with_parent=True, options=options)
    server.create_database("encrypted")
    server.create_application_user("reader", "reads-1", "encrypted")
    yield SourceDatabase(server.host, server.port, "encrypted", user="reader", password="reads-1")
    server.stop()


def _write_certificate(certificate_path: Path, key_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "source")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(2)).sign(key, hashes.SHA256())
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
