"""A database of somebody else's, adopted into a folder of its own, and a pipeline over both."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from local.adopt.adopt import Adoption, adopt
from local.standins.mysql.mariadb import MariaDB, quote_name
from rental_pipeline.base.object_store import PLAN, run_key
from rental_pipeline.definitions.exchange_rates import make_rates
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.mariadb import (
    APPLICATION_PASSWORD,
    APPLICATION_USER,
    EXTRACTION_PASSWORD,
    EXTRACTION_USER,
    SourceDatabase,
)
from tests.fixtures.pipeline import Pipeline, wire_pipeline
from tests.metrics.agreement import compare
from tests.metrics.apartments.judge import judge as judge_apartments
from tests.metrics.cars.judge import judge as judge_cars
from tests.metrics.records import Rate, Version

NAME = "adopted"


@dataclass
class Adopted:
    """A database and what was made of it.

    Attributes:
        world: The module that made the database, and knows what it means.
        history: The versions of each row whose past counts, by table and key, as the judge takes them.
    """

    source: SourceDatabase
    sql_root: Path
    world: ModuleType
    adoption: Adoption
    history: dict[str, dict[Any, list[Version]]]

    def adopt(self) -> Adoption:
        """Adopt again."""
        with closing(self.source.connect_read_only()) as connection:
            self.adoption = adopt(connection, NAME, self.sql_root)
        return self.adoption

    def edit(self, name: str, before: str, after: str) -> None:
        """Edit a file of the folder, as a person would."""
        path = self.sql_root / NAME / name
        text = path.read_text(encoding="utf-8")
        assert before in text, f"{name} has no {before!r}"
        path.write_text(text.replace(before, after), encoding="utf-8")


@dataclass
class Running:
    """An adopted database with its pipeline and an empty warehouse."""

    adopted: Adopted
    pipeline: Pipeline
    warehouse: Any

    def run(self, run_input: dict[str, Any] | None = None) -> None:
        """Run once, to a good end; note for the judge what the listings were."""
        result = self.pipeline.run(run_input)
        assert result["status"] in ("succeeded", "unchanged"), result
        run = result["run_sequence"]
        observed_at = datetime.fromisoformat(self.pipeline.read(run_key(NAME, run, PLAN))["source_time"])
        tables = self.adopted.world.read_world(self.adopted.source)
        for table, key in self.adopted.world.HISTORY.items():
            for row in tables[table]:
                versions = self.adopted.history[table].setdefault(row[key], [])
                if not versions or versions[-1].row != row:
                    versions.append(Version(run, observed_at, row))

    def read(self, table: str) -> pd.DataFrame:
        """Read a table, with the columns named as the judge names them."""
        with self.warehouse.connect() as connection:
            cursor = connection.execute(f"select * from {NAME}_{table}")
            rows = cursor.fetchall()
            names = [column.name for column in cursor.description]
        return pd.DataFrame(rows, columns=["apartment_id" if name == "listing_id" else name for name in names], dtype=object)

    def read_figures(self) -> dict[str, list[str]]:
        """Return the rows of every metric, in an order of their own."""
        return {
            metric: sorted(map(repr, self.read(f"presentation.{metric}").itertuples(index=False)))
            for metric in self.adopted.adoption.metrics
        }

    def judge(self) -> dict[str, pd.DataFrame]:
        """Return all figures, by the judge of the shipped marketplace over the world's own reading of its tables."""
        world = self.adopted.world
        with self.warehouse.connect() as connection:
            ((as_of,),) = connection.execute(f"select max(as_of) from {NAME}_control.run").fetchall()
        tables = self.adopted.world.read_world(self.adopted.source)
        history = dict(self.adopted.history)
        if world.TEMPLATE == "apartments":
            history["apartment_attributes"] = {
                row["id"]: [Version(1, history["apartments"][row["id"]][0].observed_at, row)]
                for row in tables["apartment_attributes"]
            }
        text = (SQL_ROOT / "control" / "exchange_rates.csv").read_text(encoding="utf-8")
        rates = [Rate(each.currency, each.valid_from, each.valid_to, each.rate) for each in make_rates(text, "USD")]
        judge = judge_apartments if world.TEMPLATE == "apartments" else judge_cars
        figures = judge(tables, history, rates, as_of if isinstance(as_of, date) else date.fromisoformat(as_of))
        for metric, columns in world.UNKNOWN.items():
            figures[metric][columns] = None
        return figures

    def assert_judged(self, least: int) -> None:
        """Compare every metric that the folder has with the judge's; there are at least so many, and each has rows."""
        expected = self.judge()
        metrics = self.adopted.adoption.metrics
        assert len(metrics) >= least, metrics
        for metric in metrics:
            assert len(expected[metric]), metric
            compare(self.read(f"presentation.{metric}"), expected[metric], metric)


@pytest.fixture
def make_adopted(mariadb: MariaDB, tmp_path: Path) -> Iterator[Callable[[ModuleType], Adopted]]:
    """Makes a world's database, and adopts it into a copy of sql/."""
    made: list[str] = []

    def make(world: ModuleType, **size: int) -> Adopted:
        source = SourceDatabase(mariadb.host, mariadb.port, f"foreign_{uuid.uuid4().hex[:10]}")
        made.append(source.database)
        mariadb.create_database(source.database)
        mariadb.create_application_user(APPLICATION_USER, APPLICATION_PASSWORD, source.database)
        mariadb.create_extraction_user(EXTRACTION_USER, EXTRACTION_PASSWORD, source.database)
        world.make(source, **size)
        sql_root = tmp_path / "sql"
        for folder in ("control", "apartments", "cars"):
            shutil.copytree(SQL_ROOT / folder, sql_root / folder)
        with closing(source.connect_read_only()) as connection:
            adoption = adopt(connection, NAME, sql_root)
        made_of = Adopted(source, sql_root, world, adoption, {table: {} for table in world.HISTORY})
        if world.CURRENCY:
            assert "currency" in adoption.refused and "write it at the top, as `currency: EUR`" in adoption.refused
            made_of.edit("mapping.yaml", "currency:  #", f"currency: {world.CURRENCY}  #")
            made_of.adopt()
        return made_of

    yield make
    for database in made:
        with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"drop database {quote_name(database)}")


@pytest.fixture
def make_running(make_adopted, aws, bucket, fresh_warehouse) -> Iterator[Callable[[ModuleType], Running]]:
    """Makes a world, adopts it, and wires a pipeline over it."""
    wired = []

    def make(world: ModuleType, **size: int) -> Running:
        adopted = make_adopted(world, **size)
        secret = aws.client("secretsmanager").create_secret(Name=f"hash-{uuid.uuid4().hex}", SecretString="a key of tests")
        pipeline = wire_pipeline(
            *(aws, bucket, adopted.source, adopted.sql_root),
            MARKETPLACE=NAME,
            HASH_SECRET_ARN=secret["ARN"],
            REPORTING_CURRENCY="EUR" if world.TEMPLATE == "cars" else "USD",
        )
        wired.append(pipeline)
        return Running(adopted, pipeline.__enter__(), fresh_warehouse)

    yield make
    for pipeline in wired:
        pipeline.__exit__(None, None, None)
