"""AWS's small services on this machine: a moto server in a process of its own; S3 and Glue are kept as files between runs."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.processes import ChildProcess, find_free_port, is_listening
from local.standins.account import REGION

START_SECONDS = 60
KEEP_SECONDS = 600
# Where the server saves and restores objects by itself (kept_objects, which would import all of moto here).
KEPT_OBJECTS = "/kept-objects"
_TABLE_INPUT = ("Name", "Description", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
# What moto takes for credentials; real ones are never read.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


class LocalAws:
    """A running moto server.

    Args:
        log: File for its output.
        endpoints: AWS_ENDPOINT_URL_<SERVICE> of the services that others serve (Lambda), which state machines call.
        retry_pace: Factor on the waits of state machines before a Retry.
        port: On 127.0.0.1; by default a free one.
    """

    def __init__(self, log: Path, endpoints: dict[str, str], retry_pace: float = 1.0, port: int | None = None) -> None:
        self.port = port = port or find_free_port()
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self._clients: dict[str, Any] = {}
        self._process = ChildProcess(
            [sys.executable, "-m", "local.standins.moto.server", str(port), str(retry_pace)],
            log=log,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "AWS_DEFAULT_REGION": REGION,
                **CREDENTIALS,
                **endpoints,
            },
            folder=Path(__file__).parents[3],
        )
        self._process.wait_until(lambda: is_listening(port), START_SECONDS, "the stand-in for S3 and Step Functions (moto)")

    def client(self, service: str) -> Any:
        """Return the boto3 client of this server for a service; threads may share it."""
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return self._clients[service]

    def _make_client(self, service: str) -> Any:
        make_client: Any = boto3.client  # the stubs that come with aws-sam-cli know a few services only
        return make_client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            # TestState is at a host of its own name (sync-…), which an address has not.
            config=Config(retries={"max_attempts": 1}, max_pool_connections=20, inject_host_prefix=False),
        )

    def save_bucket(self, bucket: str, folder: Path) -> int:
        """Write the objects of a bucket that a folder lacks as files under their keys; return how many there were."""
        return self._keep("save", bucket, folder)

    def restore_bucket(self, bucket: str, folder: Path) -> int:
        """Put the files of a folder into a bucket, their paths as keys; return how many."""
        return self._keep("restore", bucket, folder)

    def stop(self) -> None:
        """End the server; what it holds is gone."""
        self._process.stop()

    def _keep(self, action: str, bucket: str, folder: Path) -> int:
        asked = json.dumps({"action": action, "bucket": bucket, "folder": str(folder.resolve())})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=KEEP_SECONDS)
        try:
            connection.request("POST", KEPT_OBJECTS, asked)
            response = connection.getresponse()
            content = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"moto could not {action} the objects of {bucket}: {content[:1000]}")
        return int(json.loads(content))


def save_catalogue(glue: Any, path: Path) -> None:
    """Write all tables and partitions of the Glue Data Catalog to a file."""
    databases = {}
    for database in _all(glue, "get_databases", "DatabaseList"):
        name = database["Name"]
        databases[name] = [
            {
                "TableInput": {key: table[key] for key in _TABLE_INPUT if key in table},
                "PartitionInputList": [
                    {key: partition[key] for key in ("Values", "StorageDescriptor")}
                    for partition in _all(glue, "get_partitions", "Partitions", DatabaseName=name, TableName=table["Name"])
                ],
            }
            for table in _all(glue, "get_tables", "TableList", DatabaseName=name)
        ]
    path.write_text(json.dumps(databases), encoding="utf-8")


def restore_catalogue(glue: Any, path: Path) -> None:
    """Make the tables and partitions that a file holds, where it is there and their databases are."""
    databases = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for database in _all(glue, "get_databases", "DatabaseList"):
        name = database["Name"]
        for table in databases.get(name, []):
            glue.create_table(DatabaseName=name, TableInput=table["TableInput"])
            if partitions := table["PartitionInputList"]:
                table_name = table["TableInput"]["Name"]
                glue.batch_create_partition(DatabaseName=name, TableName=table_name, PartitionInputList=partitions)


def _all(client: Any, operation: str, key: str, **request: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[key]
