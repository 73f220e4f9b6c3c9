"""Encrypted connections: by default, and checked against the certificate's authority."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import local.standins.mysql.mariadb
from local.standins.mysql.mariadb import MariaDB
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.source.connection import SourceAddress, connect


def write_certificate(folder: Path, host: str, days: int = 1) -> tuple[Path, Path]:
    """Write a self-signed certificate for a host, and its key; it is valid for some days from now on (or was until then)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "server.pem", folder / "server.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return certificate_path, key_path


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MariaDB, Path]]:
    """A server with a certificate of its own making, and that certificate."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = write_certificate(folder, "127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        options = (*local.standins.mysql.mariadb.SERVER_OPTIONS, f"--ssl-cert={certificate}", f"--ssl-key={key}")
        patch.setattr(local.standins.mysql.mariadb, "SERVER_OPTIONS", options)
        server = local.standins.mysql.mariadb.start(folder / "server", die_with_parent=True)
    server.create_database("d")
    server.create_extraction_user("e", "pw", "d")
    yield server, certificate
    server.stop()


def cipher(address: SourceAddress) -> str:
    with closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute("show session status like 'Ssl_cipher'")
        return cursor.fetchone()[1]


def test_a_connection_is_encrypted_and_verified_by_default(tls_server: tuple[MariaDB, Path]) -> None:
    """`encrypt` also takes a server whose authority is not known; `off` turns it off."""
    server, _ = tls_server
    with pytest.raises(FixConfiguration, match="no encrypted connection"):
        connect(SourceAddress("s", server.host, server.port, "d", "e", "pw"))
    assert cipher(SourceAddress("s", server.host, server.port, "d", "e", "pw", tls="encrypt"))
    assert not cipher(SourceAddress("s", server.host, server.port, "d", "e", "pw", tls="off"))


@pytest.mark.parametrize("as_text", [False, True])
def test_verify_accepts_the_authority_given(tls_server: tuple[MariaDB, Path], as_text: bool) -> None:
    """As PEM text within the secret, or as the path of a file."""
    server, certificate = tls_server
    authority = certificate.read_text() if as_text else str(certificate)
    assert cipher(SourceAddress("s", server.host, server.port, "d", "e", "pw", tls="verify", tls_ca=authority))


def test_verify_refuses_an_unknown_authority(tls_server: tuple[MariaDB, Path], tmp_path: Path) -> None:
    """Before the password is sent; the message says which setting it is about."""
    server, _ = tls_server
    other, _ = write_certificate(tmp_path, "127.0.0.1")
    for authority in (None, str(other)):
        address = SourceAddress("the-secret", server.host, server.port, "d", "e", "pw", tls="verify", tls_ca=authority)
        with pytest.raises(FixConfiguration, match=r"no encrypted connection .* in the secret the-secret"):
            connect(address)
