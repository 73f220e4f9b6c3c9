"""plan_run, extract_slice and write_manifests over a real MariaDB and moto's S3, with a contract of the test's own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from rental_pipeline.base.object_store import LEDGER, LOADS, PLAN, SLICES, find_json, read_json, result_key, run_key, write_json
from rental_pipeline.base.settings import read_settings
from rental_pipeline.extract.extract_slice import extract_slice
from rental_pipeline.extract.manifests import write_manifests
from rental_pipeline.plan.plan_run import plan_run
from tests.fixtures.aws import Aws
from tests.fixtures.mariadb import SourceDatabase

MARKETPLACE = "market"


@dataclass
class Extraction:
    """Runs the three functions; keeps the ledger that the warehouse would keep."""

    source: SourceDatabase
    aws: Aws
    bucket: str
    contract_path: Path
    positions: list[dict[str, Any]] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    run_sequence: int = 0

    def write_contract(self, text: str) -> None:
        """Write the contract's tables, given as the YAML under `tables:`."""
        self.contract_path.write_text("tables:\n" + text)

    def plan(self, run_input: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plan a new run; return plan.json."""
        self.run_sequence += 1
        ledger = {
            "run_sequence": self.run_sequence,
            "execution_id": "arn:aws:states:eu-west-1:123456789012:execution:run:1",
            "files_hash": "",
            "positions": [{"run_sequence": self.run_sequence - 1, **position} for position in self.positions],
            "columns": self.columns,
        }
        write_json(self.bucket, run_key(MARKETPLACE, self.run_sequence, LEDGER), ledger)
        plan_run({"run_sequence": self.run_sequence, "input": run_input})
        return self.read(PLAN)

    def run(self, run_input: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plan, extract all slices, write manifests; return plan.json."""
        plan = self.plan(run_input)
        for part in self.read(SLICES):
            extract_slice(part)
        write_manifests({"run_sequence": self.run_sequence})
        return plan

    def commit(self, plan: dict[str, Any]) -> None:
        """Remember a run as its load would: raw tables as planned, watermarks moved."""
        for table in plan["tables"]:
            if not table["read"]:
                continue
            self.columns = [column for column in self.columns if column["table"] != table["name"]]
            self.columns += [catalogue_column(table["name"], column["name"], column["type"]) for column in table["columns"]]
            self.columns.append(catalogue_column(table["name"], "_bad_columns", "varchar(65535)"))
            if table["strategy"] == "append":
                self.columns.append(catalogue_column(table["name"], "_event_day", "date"))
            if table["new_watermark"]:
                self.positions = [each for each in self.positions if each["name"] != table["name"]]
                self.positions.append(
                    {
                        "layer": "raw",
                        "name": table["name"],
                        "watermark": table["new_watermark"],
                        "definition_hash": table["definition_hash"],
                        "as_of": None,
                    }
                )

    def read(self, name: str) -> Any:
        """Return one of the run's JSON objects."""
        return read_json(self.bucket, run_key(MARKETPLACE, self.run_sequence, name))

    def result(self, table: str, number: int) -> dict[str, Any] | None:
        """Return the result of one slice of the run, None where it has none."""
        return find_json(self.bucket, result_key(MARKETPLACE, self.run_sequence, table, number))

    def parquet(self, table: str) -> pyarrow.Table:
        """Return the rows of the run's manifest, as the files hold them, without the pipeline's own column."""
        manifest = self.read(LOADS)[table]["manifest"]
        key = manifest.removeprefix(f"s3://{self.bucket}/")
        parts = [self.read_parquet(entry["url"]) for entry in read_json(self.bucket, key)["entries"]]
        return pyarrow.concat_tables(parts).drop_columns(["_row_hash"])

    def read_parquet(self, url: str) -> pyarrow.Table:
        """Return one file's rows."""
        body = self.aws.client("s3").get_object(Bucket=self.bucket, Key=url.removeprefix(f"s3://{self.bucket}/"))["Body"]
        return pyarrow.parquet.read_table(io.BytesIO(body.read()))


def catalogue_column(table: str, name: str, kind: str) -> dict[str, Any]:
    """Return a column as the warehouse's catalogue shows it in ledger.json."""
    base, _, size = kind.rstrip(")").partition("(")
    spelled = {"varchar": "character varying", "decimal": "numeric", "timestamp": "timestamp without time zone"}.get(base, base)
    numbers = [int(number) for number in size.split(",")] if size else []
    return {
        "schema": f"{MARKETPLACE}_raw",
        "table": table,
        "column": name,
        "type": spelled,
        "length": numbers[0] if base == "varchar" else None,
        "precision": numbers[0] if base == "decimal" else None,
        "scale": numbers[1] if base == "decimal" else None,
    }


def write_source_secret(aws: Aws, source: SourceDatabase, **changes: Any) -> str:
    """Store the address of the source as a secret; return its name."""
    fields = {
        "host": source.host,
        "port": source.port,
        "dbname": source.database,
        "username": source.user,
        "password": source.password,
        "tls": "off",
    }
    name = f"source-{source.database}-{len(changes)}"
    client = aws.client("secretsmanager")
    text = json.dumps({**fields, **changes})
    try:
        client.create_secret(Name=name, SecretString=text)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=text)
    return name


@pytest.fixture
def set_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set variables, and have settings read again."""

    def set_variables(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        read_settings.cache_clear()

    yield set_variables
    read_settings.cache_clear()


@pytest.fixture
def extraction(
    aws: Aws, bucket: str, source_database: SourceDatabase, set_environment: Callable[..., None], tmp_path: Path
) -> Extraction:
    """The three functions, over an empty source database."""
    for (table,) in source_database.query("show tables"):
        source_database.execute(f"drop table `{table}`")
    (tmp_path / MARKETPLACE).mkdir()
    set_environment(
        MARKETPLACE=MARKETPLACE,
        BUCKET=bucket,
        SOURCE_SECRET_ARN=write_source_secret(aws, source_database),
        SQL_ROOT=tmp_path,
        SLICE_ROWS=3,
    )
    return Extraction(source_database, aws, bucket, tmp_path / MARKETPLACE / "source.yaml")
