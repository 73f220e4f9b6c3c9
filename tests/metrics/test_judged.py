"""Which metrics a judge computes a second time: each has a test of its name here, which fails where nobody judges it."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from rental_pipeline.definitions.read_marketplace import read_marketplace
from tests.metrics.agreement import find_judged
from tests.metrics.apartments.subject import APARTMENTS
from tests.metrics.cars.subject import CARS
from tests.metrics.engine import SQL_ROOT

# Metrics that are compared with a rebuild alone, and why: a figure that nobody computed a second time may be wrong twice.
UNJUDGED: dict[str, str] = {}
JUDGED = {
    (subject.marketplace, metric): judge
    for subject in (APARTMENTS, CARS)
    for metric, judge in find_judged(
        read_marketplace(SQL_ROOT, subject.marketplace),
        subject.judge({table: [] for table in subject.keys}, {table: {} for table in subject.keys}, [], date(2025, 1, 1)),
    ).items()
}


@pytest.mark.parametrize(("marketplace", "metric"), JUDGED)
def test_a_metric_is_judged(marketplace, metric):
    """By figures of its own in tests/metrics/<marketplace>/judge.py, or by those of the metric that it is a copy of."""
    if JUDGED[marketplace, metric] is None:
        assert metric in UNJUDGED, f"no judge computes {metric}: add it to tests/metrics/{marketplace}/judge.py, or to UNJUDGED"


def test_a_copy_is_judged_by_its_model(tmp_path):
    """Edited, it is judged no more, and said to be so."""
    folder = tmp_path / "sql"
    shutil.copytree(SQL_ROOT, folder)
    text = (folder / "apartments/presentation/popular_cities_weekly.sql").read_text(encoding="utf-8")
    copy = folder / "apartments/presentation/cities_that_people_like.sql"
    copy.write_text(text.replace("popular_cities_weekly", "cities_that_people_like"), encoding="utf-8")
    judged = ["popular_cities_weekly"]
    assert find_judged(read_marketplace(folder, "apartments"), judged)["cities_that_people_like"] == "popular_cities_weekly"
    copy.write_text(copy.read_text(encoding="utf-8") + "limit 3\n", encoding="utf-8")
    assert find_judged(read_marketplace(folder, "apartments"), judged)["cities_that_people_like"] is None
