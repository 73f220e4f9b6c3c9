"""The warehouse of a stack: PostgreSQL, and before it the Data API, a process of its own at an address that stays."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from local.processes import ChildProcess, find_free_port, is_listening
from local.standins.account import REGION
from local.standins.call_log import VARIABLE
from local.standins.moto.aws import CREDENTIALS
from local.standins.redshift.postgres import Postgres

START_SECONDS = 60


class RedshiftServers:
    """The two servers of a warehouse.

    Args:
        folder: State folder of the stack.
        s3_endpoint_url: From where COPY reads, and to where UNLOAD writes.
        attached_role: The role that COPY and UNLOAD may take.
        call_log: File in which the AWS calls of COPY and UNLOAD are noted; None: they are not.

    Attributes:
        port: Of the Data API, on 127.0.0.1.
        endpoint_url: Where boto3 finds the Data API.
        attached_role: As given; another one takes effect with the next start.
    """

    def __init__(self, folder: Path, s3_endpoint_url: str, attached_role: str, call_log: Path | None = None) -> None:
        self.port = find_free_port()
        self.endpoint_url = f"http://127.0.0.1:{self.port}"
        self.attached_role = attached_role
        self._folder = folder
        self._s3_endpoint_url = s3_endpoint_url
        self._call_log = call_log
        self._postgres = Postgres(folder / "postgres")
        self._data_api: ChildProcess | None = None

    @property
    def postgres_uri(self) -> str:
        """Connection string of the database, as PostgreSQL's superuser."""
        return self._postgres.uri

    def start(self) -> None:
        """Start both, at the same address as before; the Data API has forgotten its statements."""
        self._postgres.start()
        self._start_data_api()

    def stop(self) -> None:
        """End the Data API, which ends what runs there, then PostgreSQL."""
        self._stop_data_api()
        self._postgres.stop()

    def fail(self) -> None:
        """End both as if they were down, PostgreSQL first; what ran there is rolled back."""
        self._postgres.stop()
        self._stop_data_api()

    def _start_data_api(self) -> None:
        command = [sys.executable, "-m", "local.standins.redshift", "serve", "--postgres-uri", self._postgres.uri]
        command += ["--s3-endpoint-url", self._s3_endpoint_url, "--port", str(self.port), "--role", self.attached_role]
        # Its calls are those of the role that COPY takes.
        log = {VARIABLE: str(self._call_log)} if self._call_log else {}
        # The next start need not parse again what this one sends.
        kept = {"LOCAL_REDSHIFT_CACHE": os.environ.get("LOCAL_REDSHIFT_CACHE", str(self._folder / "translations"))}
        self._data_api = ChildProcess(
            command,
            log=self._folder / "logs" / "data_api.log",
            environment={"PATH": os.environ.get("PATH", os.defpath), "AWS_DEFAULT_REGION": REGION, **CREDENTIALS, **log, **kept},
            folder=Path(__file__).parents[3],
        )
        self._data_api.wait_until(lambda: is_listening(self.port), START_SECONDS, "the Redshift Data API")

    def _stop_data_api(self) -> None:
        if self._data_api:
            self._data_api.stop()
