"""A database that exists, from its catalogue to its figures: `make adopt`, `check`, `doctor SOURCE=` and `run SOURCE=`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.standins.mysql.mariadb import MariaDB
from tests.fixtures.mariadb import (
    APPLICATION_PASSWORD,
    APPLICATION_USER,
    EXTRACTION_PASSWORD,
    EXTRACTION_USER,
    SourceDatabase,
)
from tests.integration.adopt import hotel, rails

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

ROOT = Path(__file__).parents[2]
DATABASE, NAME = "foreign_rails", "harbor"
OTHER_DATABASE, OTHER_NAME = "foreign_hotel", "inn"


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, whose sql/ a command may add to, and a state folder beside it."""

    folder: Path
    source: SourceDatabase

    @property
    def url(self) -> str:
        return self.locate(DATABASE)

    def locate(self, database: str) -> str:
        """Return the address of a database beside the source."""
        return f"mysql://{EXTRACTION_USER}@{self.source.host}:{self.source.port}/{database}"

    def call(self, *words: str, good: bool = True) -> str:
        """Run `python -m local`; return what it printed."""
        parts = (".", "layers/rental_pipeline/python", "packages/mysql_arrow/src", "packages/local_redshift/src")
        paths = os.pathsep.join(str(self.folder / part) for part in parts)
        done = subprocess.run(
            [sys.executable, "-m", "local", "--state", str(self.folder / "state"), *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": paths, "MYSQL_PWD": EXTRACTION_PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == good, done.stdout
        assert EXTRACTION_PASSWORD not in done.stdout
        return done.stdout

    def run(self, *words: str) -> dict:
        """Run the pipeline once, over the source unless words say otherwise; return its report."""
        report = self.folder / "report.json"
        self.call("run", *(words or ("--source", self.url, "--marketplace", NAME)), "--json", str(report))
        return json.loads(report.read_text())


@pytest.fixture(scope="module")
def checkout(mariadb: MariaDB) -> Iterator[Checkout]:
    for database in (DATABASE, OTHER_DATABASE):
        mariadb.create_database(database)
        mariadb.create_application_user(APPLICATION_USER, APPLICATION_PASSWORD, database)
        mariadb.create_extraction_user(EXTRACTION_USER, EXTRACTION_PASSWORD, database)
    source = SourceDatabase(mariadb.host, mariadb.port, DATABASE)
    rails.make(source, listings=6, stays=20)
    hotel.make(SourceDatabase(mariadb.host, mariadb.port, OTHER_DATABASE), rooms=4, stays=12)
    with tempfile.TemporaryDirectory(prefix="checkout-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("local", "layers", "packages", "functions", "statemachine", "sql"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "template.yaml", folder)
        made = Checkout(folder, source)
        yield made
        made.call("stop")


def test_a_database_becomes_figures(checkout):
    """Adopted, checked, looked at, loaded; then an increment after changes that no cursor tells of. The source is only read."""
    sums = checkout.source.query(f"checksum table {', '.join(rails.TABLES)}")
    told = checkout.call("adopt", "--source", checkout.url, "--name", NAME)
    assert "38 tables are taken" in told and f"make run SOURCE='{checkout.url}' MARKETPLACE={NAME}" in told
    assert "are kept" in checkout.call("check", "--marketplace", NAME)
    looked = checkout.call("doctor", "--source", checkout.url, "--marketplace", NAME)
    assert "0 to mend before a run" in looked and "nobody has decided" in " ".join(looked.split())
    first = checkout.run()
    assert [execution["title"] for execution in first["executions"]] == ["First load"]
    assert len(first["metrics"]) == rails.METRICS and all(metric["rows"] for metric in first["metrics"])
    assert checkout.source.query(f"checksum table {', '.join(rails.TABLES)}") == sums
    checkout.source.execute("update transactions set total_price_cents = total_price_cents + 100")
    second = checkout.run()
    (increment,) = second["executions"]
    assert (increment["title"], increment["status"]) == ("Increment", "succeeded")
    assert first["metrics"] != second["metrics"]


def test_four_marketplaces_stand_side_by_side(checkout):
    """Another database is adopted beside the first, and both shipped ones run in the same checkout: each by one run, to its own
    figures, with its own state; and the first finds nothing new afterwards."""
    checkout.call("adopt", "--source", checkout.locate(OTHER_DATABASE), "--name", OTHER_NAME, good=False)
    mapping = checkout.folder / "sql" / OTHER_NAME / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("currency:  #", f"currency: {hotel.CURRENCY}  #"))
    checkout.call("adopt", "--source", checkout.locate(OTHER_DATABASE), "--name", OTHER_NAME)
    ways = {
        OTHER_NAME: ("--source", checkout.locate(OTHER_DATABASE), "--marketplace", OTHER_NAME),
        "apartments": ("--scale", "0.001", "--data", "lab"),
        "cars": ("--scale", "0.001", "--data", "lab", "--marketplace", "cars"),
    }
    for name, words in ways.items():
        report = checkout.run(*words)
        assert report["metrics"] and any(metric["rows"] for metric in report["metrics"]), name
        assert {execution["status"] for execution in report["executions"]} == {"succeeded"}, name
        assert f"/{name}/" in report["state_folder"]
        assert (checkout.folder / "state" / "report" / f"{name}.html").exists()
    (again,) = checkout.run()["executions"]
    assert again["status"] == "unchanged"


def test_what_a_marketplace_needs_is_said(checkout):
    """No traceback: which database, and that it is the one of before."""
    says = checkout.call("run", "--marketplace", NAME, good=False)
    assert f"make run SOURCE=mysql://user@host/database MARKETPLACE={NAME}" in says
    other = checkout.url.replace(DATABASE, "another")
    assert "was loaded from" in checkout.call("run", "--source", other, "--marketplace", NAME, good=False)
    assert "SOURCE=… MARKETPLACE=harbor" in checkout.call("doctor", good=False)
    assert "leave it out" in checkout.call("adopt", "--source", "mysql://u:p@h/d", "--name", "other", good=False)
