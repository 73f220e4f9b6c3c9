"""The tests of this folder are about the cars marketplace."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.fixtures.pipeline import Pipeline, wire_pipeline
from tests.metrics.cars.subject import CARS
from tests.metrics.subject import Subject


@pytest.fixture
def subject() -> Subject:
    return CARS


@pytest.fixture
def pipeline(aws, bucket, source_database, fresh_warehouse) -> Iterator[Pipeline]:
    """The pipeline with the secret that keys the hash of users' addresses."""
    secret = aws.client("secretsmanager").create_secret(Name=f"hash-{uuid.uuid4().hex}", SecretString="a key of the test's own")
    with wire_pipeline(aws, bucket, source_database, MARKETPLACE="cars", HASH_SECRET_ARN=secret["ARN"]) as wired:
        yield wired
