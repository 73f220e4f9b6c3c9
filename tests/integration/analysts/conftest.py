"""Both marketplaces, generated, run through the pipeline and published in one warehouse, with what the judges say of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from local.marketplace.generator import fill
from local_redshift.database import USER
from tests.fixtures.aws import create_bucket
from tests.fixtures.bootstrap import read_bootstrap
from tests.fixtures.mariadb import create_source_database
from tests.fixtures.pipeline import wire_pipeline
from tests.fixtures.warehouse import Warehouse
from tests.metrics.apartments.subject import APARTMENTS
from tests.metrics.cars.subject import CARS
from tests.metrics.engine import Engine
from tests.metrics.records import Row, Verdict

SUBJECTS = (APARTMENTS, CARS)
ANALYST = "analyst"


@dataclass(frozen=True)
class Published:
    """What analysts find.

    Attributes:
        warehouse: Where it was published.
        as_of: The day of the runs.
        metrics: By metric of both marketplaces, what a judge computes from the source's rows.
        tables: By source table of both marketplaces, its rows.
        verdicts: By marketplace, the judges' accepted rows.
    """

    warehouse: Warehouse
    as_of: date
    metrics: dict[str, pd.DataFrame]
    tables: dict[str, list[Row]]
    verdicts: dict[str, Verdict]


@pytest.fixture(scope="module")
def published(aws, mariadb, warehouse) -> Iterator[Published]:
    """One run of each marketplace, in schemas that sql/bootstrap.sql has made; a module's tests only read it."""
    warehouse.empty()
    with warehouse.connect() as administrator:
        administrator.execute(f"create user {ANALYST}")
        for subject in SUBJECTS:
            for statement in read_bootstrap(subject.marketplace, "warehouse"):
                # Here the pipeline's user is the stand-in's.
                if not statement.startswith("create user"):
                    administrator.execute(statement.replace('"IAMR:warehouse"', USER))
            administrator.execute(f"alter group {subject.marketplace}_analysts add user {ANALYST}")
    metrics, tables, verdicts = {}, {}, {}
    secret = aws.client("secretsmanager").create_secret(Name=f"hash-{uuid.uuid4().hex}", SecretString="a key of the test's own")
    for subject in SUBJECTS:
        marketplace, bucket = subject.marketplace, create_bucket(aws)
        source = create_source_database(mariadb, marketplace)
        with closing(source.connect()) as connection:
            fill(connection, scale=0.0005, seed=4, anchor=datetime.now(UTC).date(), marketplace=marketplace)
        with wire_pipeline(aws, bucket, source, MARKETPLACE=marketplace, HASH_SECRET_ARN=secret["ARN"]) as pipeline:
            result = pipeline.run()
            assert result["status"] == "succeeded", result["message"]
            plan = pipeline.read(f"{marketplace}/runs/{result['run_sequence']:06d}/plan.json")
        as_of = date.fromisoformat(plan["as_of"])
        engine = Engine(warehouse, bucket, subject, subject.columns)
        engine.remember(source, result["run_sequence"], datetime.fromisoformat(plan["source_time"]))
        metrics |= subject.judge(engine.tables, engine.history, engine.rates(), as_of)
        tables |= engine.tables
        verdicts[marketplace] = subject.judge_rows(engine.tables, engine.history)
    yield Published(warehouse, as_of, metrics, tables, verdicts)
    warehouse.empty()
    with warehouse.connect() as administrator:
        for role in (ANALYST, *(f"{subject.marketplace}_analysts" for subject in SUBJECTS)):
            administrator.execute(f"drop owned by {role} cascade")
            administrator.execute(f"drop role {role}")
