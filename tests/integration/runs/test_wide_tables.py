"""A table of a thousand columns with names of sixty letters is loaded, changed and replayed; a wider one is refused."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.market import MARKETPLACE, Market

# MariaDB holds no more than about 64 KB of a table's names. A view of it, which may have more, has no key.
LENGTH = {"wide": 45, "wide_events": 60}
CONTRACT = """  wide:
    strategy: merge
    key: id
    cursor: changed_at
    overlap: 1 minute
  wide_events:
    strategy: append
    cursor: happened_at
    overlap: 2 days
"""


def columns(table: str) -> list[str]:
    """Return the names of the table's columns beside its first."""
    start = "a_name_that_somebody_thought_would_explain_it_all_by_itself"[: LENGTH[table] - 5]
    return [f"{start}_{number:04}" for number in range(1000)]


@pytest.fixture
def wide(market: Market) -> Market:
    """The marketplace with a wide table of keys, and one of events."""
    path = market.sql_root / MARKETPLACE / "source.yaml"
    path.write_text(path.read_text(encoding="utf-8") + CONTRACT, encoding="utf-8")
    numbers = ", ".join(f"{column} int" for column in columns("wide"))
    market.execute(f"create table wide (id int primary key, changed_at datetime(6) not null, {numbers})")
    short = [f"c{number}" for number in range(1000)]
    market.execute(f"create table stored (happened_at datetime(6) not null, {', '.join(f'{name} int' for name in short)})")
    named = ", ".join(f"{name} as {column}" for name, column in zip(short, columns("wide_events"), strict=True))
    market.execute(f"create view wide_events as select happened_at, {named} from stored")
    return market


def insert(market: Market, table: str, first: str) -> None:
    """Insert a row whose n-th column holds n."""
    market.execute(f"insert into {table} values ({first}, {', '.join(map(str, range(1000)))})")


def read(market: Market, table: str, column: int) -> list[int]:
    return [row[0] for row in market.query(f"select {columns(table)[column]} from market_raw.{table} order by _run_sequence, 1")]


@pytest.mark.slow
def test_a_thousand_columns_are_loaded(wide):
    """Each value stands in its own column; a second version, more events and a replay do as well."""
    insert(wide, "wide", "1, now(6)")
    insert(wide, "stored", "now(6)")
    wide.run_well()
    for table in ("wide", "wide_events"):
        row = wide.query(f"select {', '.join(columns(table))} from market_raw.{table}")
        assert row == [tuple(range(1000))]

    wide.pass_time(hours=1)
    wide.execute(f"update wide set {columns('wide')[999]} = 7, changed_at = now(6)")
    insert(wide, "stored", "now(6)")
    wide.run_well()
    assert read(wide, "wide", 999) == [999, 7]
    assert read(wide, "wide_events", 999) == [999, 999]

    wide.run_well({"replay": True})
    assert read(wide, "wide", 999) == [999, 7]
    assert read(wide, "wide_events", 998) == [998, 998]
    wide.run_well({"reconcile": True})


def test_what_no_request_can_name_is_refused_before_reading(wide):
    """By the planner, with the way out."""
    wide.pipeline.patch.setattr("rental_pipeline.model.raw_tables._MOST_COLUMNS", 1001)
    with pytest.raises(FixConfiguration, match=r"table wide has 1002 columns.*Nothing was read.*personal: \{column: drop\}"):
        wide.run()
