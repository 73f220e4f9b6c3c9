"""A marketplace of any size: sixty metrics, curated tables, charts and views, and three hundred checks, published by one run."""

from __future__ import annotations

from collections import Counter

import pytest

from rental_pipeline.base.errors import FixData
from tests.fixtures.market import MARKET_SQL, MARKETPLACE, Market

pytestmark = pytest.mark.slow  # five runs of some six hundred statements each

MANY = 60
CHECKS = 300
METRIC = (MARKET_SQL / "presentation" / "children_weekly.sql").read_text(encoding="utf-8")
CURATED = (MARKET_SQL / "curated" / "parents.sql").read_text(encoding="utf-8")
# Long enough that neither the checks, nor the charts, nor the views fit into a few requests.
REMARK = "\n".join(f"-- {'why this is as it is ' * 5}" for _ in range(15))


def name(kind: str, number: int) -> str:
    return f"{kind}_{number:02}"


METRICS = ["children_weekly", *(name("metric", number) for number in range(1, MANY))]


def write(market: Market, path: str, text: str) -> None:
    file = market.sql_root / MARKETPLACE / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def add_files(market: Market) -> None:
    """Write the files; the curated tables are all made from the same raw one."""
    for number in range(3, MANY):  # beside the market's three
        table = name("table", number)
        write(
            market,
            f"curated/{table}.sql",
            CURATED.replace("parents", table).replace(f"source:     {table}", "source:     parents"),
        )
    for metric in METRICS[1:]:
        write(market, f"presentation/{metric}.sql", METRIC.replace("children_weekly", metric))
    for number, metric in enumerate(METRICS):
        view, chart = name("view", number), name("chart", number)
        write(
            market,
            f"views/{view}.sql",
            f"-- A view.\n--\n-- reads: market_presentation.{metric}\n\n-- name: view\n"
            f"create view market_presentation.{view} as\n{REMARK}\n"
            f"select period_start, children from market_presentation.{metric}\n",
        )
        write(
            market,
            f"report/{chart}.sql",
            f"-- A chart.\n--\n-- place: {number}\n-- title: {chart}\n-- reading: Children.\n-- chart: columns\n"
            "-- columns: week (week, Week of), children (count, Children)\n-- drawn: children\n\n-- name: query\n"
            f"{REMARK}\nselect period_start as week, children from market_presentation.{metric} order by period_start\n",
        )
    for number in range(1, CHECKS):
        metric = METRICS[number % MANY]
        # Every tenth warns, with an example that is longer than what is kept of it.
        severity, condition = ("warn", "true") if number % 10 == 0 else ("fail", "children <= 0")
        write(
            market,
            f"checks/check_{number:03}.sql",
            f"-- A check.\n--\n-- severity: {severity}\n\n-- name: violations\n{REMARK}\n"
            f"select repeat('{'ä' * 50}', 20) as example from market_staging.{metric} where {condition}\n",
        )


@pytest.fixture
def many(market: Market) -> Market:
    """The marketplace with all of its files, its first run done."""
    add_files(market)
    market.insert_parent()
    market.insert_child(1)
    market.insert_child(2, week=1)
    assert market.run_well() == "succeeded"
    return market


def read_metrics(market: Market) -> dict[str, list[tuple]]:
    return {
        metric: market.query(f"select period_start, children from market_presentation.{metric} order by 1") for metric in METRICS
    }


@pytest.mark.timeout(1500)  # five runs of some six hundred statements each
def test_one_run_publishes_all_of_them(many):
    """In one transaction; so are an increment with another shape of some, and what a failing check had stopped."""
    first, second = many.day(0), many.day(1)
    assert set(map(tuple, read_metrics(many).values())) == {((first, 1), (second, 1))}
    views = [many.query(f"select * from market_presentation.{name('view', number)} order by 1") for number in range(MANY)]
    assert views == [[(first, 1), (second, 1)]] * MANY
    published = many.query("select run_sequence, committed_at from step_commit where step = 'publish'")
    assert len(published) == 1
    checks = many.query(
        "select severity, violations > 0, max(octet_length(example)) from check_result group by 1, 2 order by 1, 2"
    )
    assert checks == [("fail", False, None), ("warn", False, None), ("warn", True, 1024)]
    ((count,),) = many.query("select count(*) from check_result")
    assert count >= CHECKS + MANY  # those of the files, and some for each curated table
    figures = many.pipeline.read("market/runs/000001/figures.json")
    assert [chart["name"] for chart in figures["charts"]] == [name("chart", number) for number in range(MANY)]
    assert {len(chart["rows"]) for chart in figures["charts"]} == {2}
    assert many.query("select id from table_07") == [(1,)]

    many.insert_child(3)
    for metric in METRICS[:40]:
        many.edit(f"presentation/{metric}.sql", "children bigint not null", "children decimal(18, 0) not null")
    message = many.run()["message"]
    assert message.count("warning check_") == 20, message
    assert "and 9 more checks" in message
    assert set(map(tuple, read_metrics(many).values())) == {((first, 2), (second, 1))}
    types = many.query(
        "select data_type, count(*) from information_schema.columns where table_schema = 'market_presentation'"
        " and column_name = 'children' and table_name not like 'view%' group by 1"
    )
    assert Counter(dict(types)) == Counter({"numeric": 40, "bigint": 20})
    left_over = many.query("select proname from pg_proc where proname like 'batch\\_%'")
    assert left_over == []

    before = read_metrics(many)
    many.insert_child(4)
    many.edit("checks/check_299.sql", "children <= 0", "children = 3")
    with pytest.raises(FixData, match="1 checks fail: check_299: 1 rows"):
        many.run()
    assert read_metrics(many) == before
    many.edit("checks/check_299.sql", "children = 3", "children <= 0")
    many.run_well()
    assert set(map(tuple, read_metrics(many).values())) == {((first, 3), (second, 1))}
    many.assert_equals_rebuild()
