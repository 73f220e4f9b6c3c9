"""A marketplace that was loaded once and changed, its report, and a browser to look at it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from local.marketplace.day import play_day
from local.marketplace.generator import fill
from rental_pipeline.base.object_store import report_key
from tests.fixtures.aws import create_bucket
from tests.fixtures.mariadb import create_source_database
from tests.fixtures.pipeline import wire_pipeline
from tests.fixtures.slow import first_of
from tests.fixtures.warehouse import Warehouse
from tests.integration.report.pictures import BROWSERS, find_browser, open_browser


@dataclass(frozen=True)
class Published:
    """A marketplace's second run and its page.

    Attributes:
        said: What the run's last state says of it.
        path: The page, as a file.
    """

    marketplace: str
    said: dict[str, Any]
    bucket: str
    path: Path
    warehouse: Warehouse

    def query(self, sql: str) -> list[tuple]:
        """Return rows of the warehouse, past the Data API; `{m}` is the marketplace."""
        with self.warehouse.connect() as connection:
            return connection.execute(sql.replace("{m}", self.marketplace)).fetchall()


@pytest.fixture(scope="module", params=first_of(["apartments", "cars"]))
def published(request, aws, mariadb, warehouse, tmp_path_factory) -> Iterator[Published]:
    """The report of an increment, so that the run's rows and the warehouse's are not the same."""
    marketplace = request.param
    warehouse.empty()
    source, bucket = create_source_database(mariadb, marketplace), create_bucket(aws)
    secret = aws.client("secretsmanager").create_secret(Name=f"hash-{uuid.uuid4().hex}", SecretString="a key of the test's own")
    with wire_pipeline(aws, bucket, source, MARKETPLACE=marketplace, HASH_SECRET_ARN=secret["ARN"]) as pipeline:
        with closing(source.connect()) as connection:
            fill(connection, scale=0.001, seed=3, anchor=datetime.now(UTC).date(), marketplace=marketplace)
        assert pipeline.run()["status"] == "succeeded"
        with closing(source.connect()) as connection:
            play_day(connection, seed=3, day_number=1, marketplace=marketplace)
        said = pipeline.run()
        path = tmp_path_factory.mktemp("report") / f"{marketplace}.html"
        pipeline.s3.download_file(bucket, report_key(marketplace, said["run_sequence"]), str(path))
        yield Published(marketplace, said, bucket, path, warehouse)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; the tests are skipped where there is none."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser to look at the report with: none of {', '.join(BROWSERS)} is installed (make setup-browser)")
    with open_browser(path) as running:
        yield running
