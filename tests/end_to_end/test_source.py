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
from tests.integration.adopt import rails

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

ROOT = Path(__file__).parents[2]
DATABASE, NAME = "foreign_rails", "harbor"


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, whose sql/ a command may add to, and a state folder beside it."""

    folder: Path
    source: SourceDatabase

    @property
    def url(self) -> str:
        return f"mysql://{EXTRACTION_USER}@{self.source.host}:{self.source.port}/{DATABASE}"

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

    def run(self) -> dict:
        """Run the pipeline once; return its report."""
        report = self.folder / "report.json"
        self.call("run", "--source", self.url, "--marketplace", NAME, "--json", str(report))
        return json.loads(report.read_text())


@pytest.fixture(scope="module")
def checkout(mariadb: MariaDB) -> Iterator[Checkout]:
    mariadb.create_database(DATABASE)
    mariadb.create_application_user(APPLICATION_USER, APPLICATION_PASSWORD, DATABASE)
    mariadb.create_extraction_user(EXTRACTION_USER, EXTRACTION_PASSWORD, DATABASE)
    source = SourceDatabase(mariadb.host, mariadb.port, DATABASE)
    rails.make(source, listings=6, stays=20)
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
    assert len(first["metrics"]) == 9 and all(metric["rows"] for metric in first["metrics"])
    assert checkout.source.query(f"checksum table {', '.join(rails.TABLES)}") == sums
    checkout.source.execute("update transactions set total_price_cents = total_price_cents + 100")
    second = checkout.run()
    (increment,) = second["executions"]
    assert (increment["title"], increment["status"]) == ("Increment", "succeeded")
    assert first["metrics"] != second["metrics"]


def test_what_a_marketplace_needs_is_said(checkout):
    """No traceback: which database, and that it is the one of before."""
    says = checkout.call("run", "--marketplace", NAME, good=False)
    assert f"make run SOURCE=mysql://user@host/database MARKETPLACE={NAME}" in says
    other = checkout.url.replace(DATABASE, "another")
    assert "was loaded from" in checkout.call("run", "--source", other, "--marketplace", NAME, good=False)
    assert "SOURCE=… MARKETPLACE=harbor" in checkout.call("doctor", good=False)
    assert "leave it out" in checkout.call("adopt", "--source", "mysql://u:p@h/d", "--name", "other", good=False)
