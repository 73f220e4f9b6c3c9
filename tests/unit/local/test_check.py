"""`make check`: the shipped marketplaces pass; each kind of mistake is told with its file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from local.commands.check import find_mistakes

SQL = Path(__file__).parents[3] / "sql"


@pytest.mark.parametrize("name", ["apartments", "cars"])
def test_the_shipped_marketplaces_pass(name):
    """Contract, headers, and every statement by Redshift's rules."""
    assert find_mistakes(name, SQL) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("source.yaml", "strategy: append", "strategy: apend", "field strategy: must be one of"),
        (
            "curated/bookings.sql",
            "-- source:     bookings",
            "-- source:     boookings",
            "made from boookings, which source.yaml does not",
        ),
        ("checks/bookings_fresh.sql", "-- severity:   warn", "-- severity:   loud", "severity is 'loud'"),
        ("report/occupancy.sql", "order by month", "order by month for update", "report/occupancy.sql:"),
        ("checks/bookings_fresh.sql", "select 'no", "select string_agg('x', ',') || 'no", "checks/bookings_fresh.sql:8: "),
    ],
)
def test_a_mistake_is_told_with_its_file(tmp_path, file, before, after, says):
    """What a run would stop at, and what Redshift would refuse."""
    shutil.copytree(SQL, tmp_path / "sql")
    path = tmp_path / "sql" / "apartments" / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert any(says in mistake for mistake in find_mistakes("apartments", tmp_path / "sql"))
