"""The checks of all tables follow from their headers: a table that is added is among them without being listed anywhere."""

import re
from pathlib import Path

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.generic_checks import list_generic_checks
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.request_size import MAX_BYTES, count_bytes

SQL_ROOT = Path(__file__).parents[3] / "sql"
CURATED = """-- grain: one row per key
-- source: {name}
-- input: newest
-- key: {key}
-- references: {references}
{more}
-- name: table
create table if not exists shop_curated.{name} (id bigint)

-- name: judged
select 1

-- name: accepted
select 1
"""
METRIC = """-- grain: one row per day
-- period: day
{more}
-- reads: shop_curated.orders

-- name: table
create table if not exists shop_presentation.sales (period_start date)

-- name: dirty_from_orders
select 1 as period_start

-- name: rows
select 1
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file of the marketplace, and makes its checks."""
    (tmp_path / "control").mkdir()
    (tmp_path / "control/functions.sql").write_text("-- name: one\nselect 1\n")

    def write(folder: str, name: str, text: str) -> dict[str, str]:
        (tmp_path / "shop" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "shop" / folder / f"{name}.sql").write_text(text)
        checks = list_generic_checks(read_marketplace(tmp_path, "shop"))
        assert {check.severity for check in checks} == {"fail"}
        return {check.name: check.violations for check in checks}

    return write


def curated(name: str, key: str = "id", references: str = "none", more: str = "") -> str:
    return CURATED.format(name=name, key=key, references=references, more=more)


@pytest.mark.parametrize("marketplace", ["apartments", "cars"])
def test_every_table_is_checked(marketplace):
    """Each keyed table and each metric for its key; each table that rejects rows for having any other."""
    warehouse = read_marketplace(SQL_ROOT, marketplace)
    checks = {check.name: check.violations for check in list_generic_checks(warehouse)}
    keyed = {table.name for table in warehouse.curated if table.key != ("event_day",)}
    assert set(re.findall(rf"from {marketplace}_curated\.(\w+)", checks["curated_keys_unique"])) == keyed
    metrics = {metric.name for metric in warehouse.metrics}
    assert set(re.findall(rf"from {marketplace}_staging\.(\w+)", checks["metric_rows_unique"])) == metrics
    judged = {table.name for table in warehouse.curated if not table.is_derived}
    found = set(re.findall(rf"from {marketplace}_curated\.(\w+)", checks["tables_not_all_rejected"]))
    assert found == judged | {"rejected_rows"}
    ranked = {metric.name for metric in warehouse.metrics if any("_rank" in sql for sql in metric.file.sections.values())}
    assert set(re.findall(rf"from {marketplace}_staging\.(\w+)", checks["ranks_start_at_one"])) == ranked


def test_a_reference_is_checked_where_its_parent_keeps_removed_rows(write):
    """A child outlives a parent that leaves no trace, and is then no orphan."""
    write("curated", "users", curated("users"))
    checks = write("curated", "orders", curated("orders", "order_id", "user as user_id -> users.id"))
    assert "references_known" not in checks
    checks = write("curated", "users", curated("users", more="-- removed: kept\n"))
    assert "none of users has its user_id" in checks["references_known"]
    assert "orders.user_id" in checks["references_known"]


def test_a_metric_says_its_key(write):
    """Without it nothing could tell that a row stands there twice."""
    write("curated", "orders", curated("orders"))
    with pytest.raises(FixConfiguration, match=r"sales\.sql has no `-- unique_key: …` line"):
        write("presentation", "sales", METRIC.format(more="-- holds: true"))
    checks = write("presentation", "sales", METRIC.format(more="-- unique_key: period_start, code"))
    assert "group by period_start, code" in checks["metric_rows_unique"]


def test_versions_say_their_key(write):
    """Several of them have the key that they are judged by."""
    text = curated("orders").replace("input: newest", "input: versions").replace("-- name: judged\nselect 1\n", "")
    with pytest.raises(FixConfiguration, match="unique_key"):
        write("curated", "orders", text)


def test_a_personal_key_is_in_no_example(write):
    """It groups the rows, and the message says how many there are."""
    checks = write("curated", "users", curated("users", more="-- personal: id\n-- holds: id > 0\n"))
    assert "cast(id" not in checks["curated_keys_unique"] and "group by id" in checks["curated_keys_unique"]
    assert "select 'users' || ' breaks '" in checks["curated_values_in_range"]


@pytest.mark.parametrize(("said", "ranked"), [("place", "count(*)"), ("place of revenue", "count(revenue)")])
def test_everybody_has_a_rank_or_everybody_with_a_value(write, said, ranked):
    """A metric of somebody's own may leave the unknown without a place."""
    write("curated", "orders", curated("orders"))
    checks = write("presentation", "sales", METRIC.format(more=f"-- unique_key: period_start\n-- rank: {said}"))
    assert f"or max(place) > {ranked}\n    or count(place) <> {ranked}" in checks["ranks_start_at_one"]


def test_a_rank_of_something_else_is_refused(write):
    """By the file and what it says."""
    write("curated", "orders", curated("orders"))
    with pytest.raises(FixConfiguration, match=r"sales\.sql: rank says 'the best'"):
        write("presentation", "sales", METRIC.format(more="-- unique_key: period_start\n-- rank: the best"))


def test_any_number_of_tables_is_checked_in_statements_that_a_request_holds(write, tmp_path):
    """Sixty metrics, and one whose conditions alone are too long, are all asked, each condition written twice: asked and told."""
    holds = "; ".join(f"amount_of_the_{number} >= 0" for number in range(80))
    write("curated", "orders", curated("orders"))
    for number in range(60):
        text = METRIC.format(more=f"-- unique_key: period_start\n-- holds: {holds}")
        (tmp_path / f"shop/presentation/sales_{number}.sql").parent.mkdir(exist_ok=True)
        (tmp_path / f"shop/presentation/sales_{number}.sql").write_text(text)
    holds = "; ".join(f"price_of_the_{number} >= 0" for number in range(3000))
    checks = write("presentation", "prices", METRIC.format(more=f"-- unique_key: period_start\n-- holds: {holds}"))
    parts = {name: sql for name, sql in checks.items() if name.startswith("metric_values_in_range")}
    assert list(parts) == ["metric_values_in_range", *(f"metric_values_in_range_{n}" for n in range(2, len(parts) + 1))]
    assert all(count_bytes(sql) < MAX_BYTES / 2 for sql in checks.values())
    asked = "\n".join(parts.values())
    for number in range(60):
        assert re.search(rf"from shop_staging\.sales_{number}\b", asked)
    assert asked.count("amount_of_the_7 >= 0") == 2 * 60
    assert all(asked.count(f"price_of_the_{number} >= 0") == 2 for number in range(3000))


def test_rows_without_a_key_are_told_by_their_day(write):
    """A table of events needs no `key` line for its conditions to be asked."""
    text = curated("events", more="-- holds: amount >= 0\n").replace("-- key: id\n", "")
    checks = write("curated", "events", text)
    assert "curated_keys_unique" not in checks
    assert "cast(event_day as varchar(64))" in checks["curated_values_in_range"]
