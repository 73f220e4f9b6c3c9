"""docs/how-to/extend.md is done as it is printed, on a marketplace that has run before: every file, line and command."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from local.marketplace import schema
from local.marketplace.schema import create_sample_schema
from rental_pipeline.base.object_store import FIGURES, run_key
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.snapshot import Snapshot, load_first

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "extend.md"
_BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sql_root() -> Path:
    """All metrics."""
    return SQL_ROOT


@pytest.fixture(scope="module")
def snapshot(take_snapshot, sql_root) -> Snapshot:
    """A small marketplace after its first load."""
    return take_snapshot(load_first, sql_root=sql_root)


@pytest.mark.slow
def test_the_page_extends_a_marketplace_as_it_is_printed(source_database, pipeline, contract, fresh_warehouse, patch_sample):
    """A raw table without a curated one, a metric and a chart stand beside the others after the next run, each by itself."""
    root = contract.path.parents[2]
    for language, title, body in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "console":
            subprocess.run(body, shell=True, check=True, cwd=root)
        elif title:
            with (root / title).open("a", encoding="utf-8") as file:
                file.write(f"\n{body}")
        elif language == "yaml":
            assert body.startswith("    personal:"), "what is done to a table, and how, says its title"
    patch_sample(root / "sql")
    with closing(source_database.connect()) as connection:
        create_sample_schema(connection, "apartments")
    source_database.execute("insert into reviews (review_id, apartment_id, stars) values (1, 1, 5), (2, 1, 4)")

    result = pipeline.run()
    assert result["status"] == "succeeded", result["message"]
    assert "first load: reviews" in result["message"]
    assert fresh_warehouse.query("select count(*) from apartments_raw.reviews") == [(2,)]
    metrics = ("my_cities_weekly", "popular_cities_weekly")
    mine, others = (fresh_warehouse.query(f"select * from apartments_presentation.{name} order by 1, 2, 3") for name in metrics)
    assert mine == others != []
    figures = pipeline.read(run_key("apartments", result["run_sequence"], FIGURES))
    assert {"my_cities", "popular_cities"} <= {chart["name"] for chart in figures["charts"]}

    (root / "sql/apartments/report/mine_again.sql").write_text((root / "sql/apartments/report/my_cities.sql").read_text())
    shown = pipeline.run()
    assert shown["status"] == "succeeded", "a chart that is added alone shows at the next run"
    figures = pipeline.read(run_key("apartments", shown["run_sequence"], FIGURES))
    assert "mine_again" in {chart["name"] for chart in figures["charts"]}
    assert pipeline.run()["status"] == "unchanged"


@pytest.fixture
def patch_sample(monkeypatch):
    """Has the sample schema read from another sql/."""
    return lambda root: monkeypatch.setattr(schema, "SQL_ROOT", root)
