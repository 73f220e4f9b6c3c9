"""A marketplace's SQL folder is read into tables, metrics and checks, in build order, with hashes that notice an edit."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.read_marketplace import read_marketplace

SQL_ROOT = Path(__file__).parents[3] / "sql"
CURATED = """-- grain: id
-- source: {source}
-- input: newest
-- key: id
-- references: {references}

-- name: table
create table if not exists shop_curated.{name} (id bigint)

-- name: judged
select 1

-- name: accepted
select 1
"""
METRIC = """-- grain: day
-- period: day
-- unique_key: period_start
-- reads: shop_curated.child, shop_control.exchange_rate

-- name: table
create table if not exists shop_presentation.sales (period_start date)

-- name: dirty_from_child
select 1 as period_start

-- name: rows
select 1
"""


@pytest.fixture
def sql_root(tmp_path: Path) -> Path:
    """A marketplace of a child and its parent, whose names sort the wrong way round."""
    for folder in ("control", "shop/curated", "shop/presentation", "shop/checks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "shop/source.yaml").write_text("")
    (tmp_path / "control/functions.sql").write_text("-- name: one\nselect 1\n")
    (tmp_path / "control/exchange_rates.csv").write_text("rate_date,currency,usd_per_unit\n")
    write_curated(tmp_path, "child", "parent_id -> parent.id")
    write_curated(tmp_path, "parent", "none")
    (tmp_path / "shop/presentation/sales.sql").write_text(METRIC)
    (tmp_path / "shop/checks/positive.sql").write_text("-- severity: fail\n\n-- name: violations\nselect 'x' as example\n")
    return tmp_path


def write_curated(root: Path, name: str, references: str) -> None:
    (root / f"shop/curated/{name}.sql").write_text(CURATED.format(name=name, source=name, references=references))


def test_parents_are_built_before_their_children(sql_root):
    """The order follows references, not names."""
    assert [table.name for table in read_marketplace(sql_root, "shop").curated] == ["parent", "child"]


def test_a_circle_of_references_is_refused(sql_root):
    """Two tables that reference each other have no order."""
    write_curated(sql_root, "parent", "child_id -> child.id")
    with pytest.raises(FixConfiguration, match="circle"):
        read_marketplace(sql_root, "shop")


def test_an_unknown_parent_is_refused(sql_root):
    """A reference names a curated table."""
    write_curated(sql_root, "child", "x_id -> elsewhere.id")
    with pytest.raises(FixConfiguration, match="elsewhere"):
        read_marketplace(sql_root, "shop")


def test_an_unknown_marketplace_names_the_known_ones(sql_root):
    """The error says what there is."""
    with pytest.raises(FixConfiguration, match="there is: shop"):
        read_marketplace(sql_root, "shops")


def test_editing_a_parent_leaves_its_children_as_they_are(sql_root):
    """A child asks whether its parent ever existed in raw, which no rule of the parent decides."""
    before = read_marketplace(sql_root, "shop")
    path = sql_root / "shop/curated/parent.sql"
    path.write_text(path.read_text().replace("select 1", "select 2"))
    after = read_marketplace(sql_root, "shop")
    assert before.curated_hash(before.curated_table("parent")) != after.curated_hash(after.curated_table("parent"))
    assert before.curated_hash(before.curated_table("child")) == after.curated_hash(after.curated_table("child"))


@pytest.mark.parametrize("folder", ["curated/parent", "presentation/sales"])
def test_a_comment_in_a_file_builds_nothing_again(sql_root, folder):
    """What a header says to readers, words between the sections and line breaks decide no row."""
    before = read_marketplace(sql_root, "shop")
    path = sql_root / f"shop/{folder}.sql"
    text = re.sub(r"-- grain: .*\n", "-- grain: other words\n-- holds: 1 = 1\n", path.read_text())
    path.write_text("-- A title.\n--\n" + text.replace("select 1", "-- why\nselect\n    1"))
    after = read_marketplace(sql_root, "shop")
    assert before.files_hash != after.files_hash
    assert [before.curated_hash(table) for table in before.curated] == [after.curated_hash(table) for table in after.curated]
    assert [before.metric_hash(metric) for metric in before.metrics] == [after.metric_hash(metric) for metric in after.metrics]
    for old, new in zip([*before.curated, *before.metrics], [*after.curated, *after.metrics], strict=True):
        assert before.definition_hash(old.file) == after.definition_hash(new.file)


def test_what_a_header_says_of_the_rows_counts(sql_root):
    """A reference, a period: as much as a statement."""
    before = read_marketplace(sql_root, "shop")
    write_curated(sql_root, "child", "none")
    (sql_root / "shop/presentation/sales.sql").write_text(METRIC.replace("period: day", "period: week"))
    after = read_marketplace(sql_root, "shop")
    assert before.curated_hash(before.curated_table("child")) != after.curated_hash(after.curated_table("child"))
    assert before.metric_hash(before.metric("sales")) != after.metric_hash(after.metric("sales"))


def test_a_tables_sources_are_its_own_and_its_parents(sql_root):
    """Whether a grandchild is taken depends on its parent's raw table, and on nothing above that."""
    write_curated(sql_root, "grandchild", "child_id -> child.id")
    path = sql_root / "shop/presentation/sales.sql"
    path.write_text(METRIC.replace("shop_curated.child,", "shop_curated.grandchild,"))
    warehouse = read_marketplace(sql_root, "shop")
    assert warehouse.sources(warehouse.curated_table("parent")) == {"parent"}
    assert warehouse.sources(warehouse.curated_table("grandchild")) == {"grandchild", "child"}
    assert warehouse.metric_sources(warehouse.metric("sales")) == {"grandchild", "child"}


def test_editing_rates_changes_no_hash_of_a_metric(sql_root):
    """Rates are compared by value when they are replaced, so that an edited line rebuilds the days for which it holds."""
    before = read_marketplace(sql_root, "shop")
    (sql_root / "control/exchange_rates.csv").write_text("rate_date,currency,usd_per_unit\n2026-01-01,EUR,2\n")
    after = read_marketplace(sql_root, "shop")
    assert before.metric_hash(before.metric("sales")) == after.metric_hash(after.metric("sales"))
    assert before.exchange_rate_hash != after.exchange_rate_hash
    assert before.files_hash != after.files_hash


def test_another_reporting_currency_changes_the_hash_of_metrics_that_read_rates(sql_root):
    """And that of all files, so that no run goes on in another currency than it began in."""
    dollars, euros = (read_marketplace(sql_root, "shop", currency) for currency in ("USD", "EUR"))
    assert dollars.metric_hash(dollars.metric("sales")) != euros.metric_hash(euros.metric("sales"))
    assert dollars.exchange_rate_hash != euros.exchange_rate_hash
    assert dollars.files_hash != euros.files_hash


def test_a_marketplace_needs_no_file_of_rates(sql_root):
    """One whose amounts are all in the reporting currency."""
    (sql_root / "control/exchange_rates.csv").unlink()
    assert read_marketplace(sql_root, "shop").exchange_rates == ""


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("week", "week_start", "cast(dateadd(week, 1, period_start) as date)"),
        ("all", "cast('2000-01-01' as date)", "cast('2051-01-01' as date)"),
    ],
)
def test_a_period_has_a_first_day_and_a_day_after(sql_root, period, start, end):
    """`all` is one period, the whole calendar."""
    path = sql_root / "shop/presentation/sales.sql"
    path.write_text(METRIC.replace("period: day", f"period: {period}"))
    metric = read_marketplace(sql_root, "shop").metric("sales")
    assert (metric.period_start, metric.period_end) == (start, end)


def test_an_unknown_period_is_refused(sql_root):
    """The error names those there are."""
    path = sql_root / "shop/presentation/sales.sql"
    path.write_text(METRIC.replace("period: day", "period: year"))
    with pytest.raises(FixConfiguration, match="day, week, month, all"):
        read_marketplace(sql_root, "shop")


def test_only_a_metric_that_names_the_day_depends_on_it(sql_root):
    """Time that passes makes nothing else stale."""
    path = sql_root / "shop/presentation/sales.sql"
    assert not read_marketplace(sql_root, "shop").metric("sales").depends_on_day
    path.write_text(METRIC.replace("-- name: rows\nselect 1", "-- name: rows\nselect cast(:as_of as date)"))
    assert read_marketplace(sql_root, "shop").metric("sales").depends_on_day


def test_an_intermediate_table_that_is_not_there_is_refused(sql_root):
    """By the name that the metric reads."""
    metric = METRIC.replace("reads: ", "reads: order_sums, ")
    (sql_root / "shop/presentation/sales.sql").write_text(metric)
    with pytest.raises(FixConfiguration, match=r"sales\.sql reads order_sums, and there is no intermediate/order_sums\.sql"):
        read_marketplace(sql_root, "shop")


@pytest.mark.parametrize(
    ("name", "text", "refusal"),
    [
        ("dirty_day", "-- reads: shop_curated.child\n", r"intermediate/dirty_day\.sql: dirty_day is a temporary table"),
        ("changed_child", "-- reads: shop_curated.child\n", "changed_child is a temporary table"),
        ("sums", "-- reads: order_sums, changed_child\n", r"sums\.sql reads order_sums; an intermediate table may read"),
        ("sums", "-- reads: dirty_day, order_sums\n", r"sums\.sql reads order_sums; an intermediate table may read"),
        (
            "sums",
            "-- reads: shop_curated.child\n\n-- name: dirty_from_child\nselect 1\n",
            "dirty_from_child`, which nothing reads",
        ),
        ("sums", "-- reads: shop_curated.child\n\n-- name: dirty_days_from_x\nselect 1\n", "dirty_days_from_x`, which nothing"),
        ("sums", "-- reads: shop_curated.child\n-- kept_by: day\n", r"sums\.sql has no section `-- name: table`"),
        ("sums", "-- reads: shop_curated.child\n\n-- name: kept\nselect 1\n", "`-- name: kept`, which nothing reads"),
        (
            "sums",
            "-- reads: dirty_day\n-- kept_by: day\n\n-- name: table\nselect 1\n\n-- name: kept\nselect 1\n",
            r"sums\.sql is kept by day and reads dirty periods",
        ),
        (
            "sums",
            "-- reads: shop_curated.child\n-- kept_by: day\n\n-- name: table\ncreate table shop_staging.sums (sold_on date)"
            "\n\n-- name: kept\nselect 1\n",
            r"sums\.sql: kept_by is 'day', and its table has no such column; it has: sold_on",
        ),
    ],
)
def test_an_intermediate_table_that_could_not_be_made_is_refused(sql_root, name, text, refusal):
    """One of the engine's names, one that reads what is not there or is made later, a section that nothing reads, and one that is
    kept without a table, or by periods."""
    (sql_root / "shop/intermediate").mkdir()
    (sql_root / f"shop/intermediate/{name}.sql").write_text(f"{text}\n-- name: rows\nselect 1\n")
    with pytest.raises(FixConfiguration, match=refusal):
        read_marketplace(sql_root, "shop")


def test_an_intermediate_table_of_periods_may_read_others(sql_root):
    """A metric is made from all, each after those that it reads, and once. One of days alone is made before there are periods."""
    (sql_root / "shop/intermediate").mkdir()
    sums, days = sql_root / "shop/intermediate/sums.sql", sql_root / "shop/intermediate/zeroth.sql"
    sums.write_text("-- reads: dirty_day, zeroth\n\n-- name: rows\nselect 1\n")
    days.write_text("-- reads: shop_curated.child\n\n-- name: rows\nselect 1\n")
    (sql_root / "shop/presentation/sales.sql").write_text(METRIC.replace("reads: ", "reads: sums, zeroth, "))
    (metric,) = read_marketplace(sql_root, "shop").metrics
    assert [(each.name, each.is_shared) for each in metric.intermediates] == [("zeroth", True), ("sums", False)]
    assert {"shop_curated.child", "dirty_day"} <= metric.reads
    sums.write_text("-- reads: zeroth\n\n-- name: rows\nselect 1\n")
    (metric,) = read_marketplace(sql_root, "shop").metrics
    assert [(each.name, each.is_shared) for each in metric.intermediates] == [("zeroth", True), ("sums", True)]
    days.write_text("-- reads: dirty_period\n\n-- name: rows\nselect 1\n")
    with pytest.raises(FixConfiguration, match=r"sums\.sql reads zeroth; an intermediate"):
        read_marketplace(sql_root, "shop")
    sums.write_text("-- reads: dirty_day, zeroth\n\n-- name: rows\nselect 1\n")
    days.write_text("-- reads: dirty_period, first\n\n-- name: rows\nselect 1\n")
    first = sql_root / "shop/intermediate/first.sql"
    first.write_text("-- reads: dirty_period, shop_curated.child\n\n-- name: rows\nselect 1\n")
    (metric,) = read_marketplace(sql_root, "shop").metrics
    assert [(each.name, each.is_shared) for each in metric.intermediates] == [
        ("first", False),
        ("zeroth", False),
        ("sums", False),
    ]
    first.write_text("-- reads: dirty_period, sums\n\n-- name: rows\nselect 1\n")
    with pytest.raises(FixConfiguration, match=r"sql reads [a-z]+; an intermediate table may read"):
        read_marketplace(sql_root, "shop")


def test_an_edit_of_an_intermediate_table_counts_for_its_metrics(sql_root):
    """Their hashes, what they read, and what makes them dirty."""
    (sql_root / "shop/intermediate").mkdir()
    part = sql_root / "shop/intermediate/order_sums.sql"
    text = "-- reads: shop_curated.parent\n\n-- name: dirty_days_from_parent\nselect 1\n\n-- name: rows\nselect {}\n"
    part.write_text(text.format("1"))
    (sql_root / "shop/presentation/sales.sql").write_text(METRIC.replace("reads: ", "reads: order_sums, "))
    before = read_marketplace(sql_root, "shop")
    (metric,) = before.metrics
    assert before.metric_sources(metric) == {"child", "parent"}
    assert metric.dirty_days_from == {"parent": ("select 1",)} and metric.dirty_from == {"child": ("select 1 as period_start",)}
    assert not metric.depends_on_day
    part.write_text(text.format("cast(:as_of as date)"))
    after = read_marketplace(sql_root, "shop")
    assert after.metric_hash(after.metrics[0]) != before.metric_hash(metric) and after.files_hash != before.files_hash
    assert after.metrics[0].depends_on_day


@pytest.mark.parametrize(
    ("path", "old", "new", "refusal"),
    [
        ("curated/child", "-- source: child\n", "", r"child\.sql has no `-- source: …` line"),
        ("curated/child", "input: newest", "input: oldest", r"child\.sql: input is 'oldest'"),
        (
            "curated/child",
            "input: newest\n",
            "input: versions\n",
            r"child\.sql has a section `-- name: judged`, which nothing reads",
        ),
        (
            "curated/child",
            "-- grain",
            "-- hold: id > 0\n-- grain",
            r"child\.sql: the header has a line `-- hold: …`.*: .*, holds,",
        ),
        ("curated/child", "-- name: accepted", "-- name: acepted", r"child\.sql has no section `-- name: accepted`"),
        ("curated/child", "-- name: accepted", "-- name: a\nselect 1\n-- name: accepted", "`-- name: a`, which nothing reads"),
        (
            "presentation/sales",
            "dirty_from_child",
            "dirty_from_children",
            r"`-- name: dirty_from_children`, which nothing reads; it may have: table, rows, dirty_from_<table>,"
            r" dirty_days_from_<table>; a <table> is one of: child, parent, exchange_rate$",
        ),
        (
            "presentation/sales",
            "rows\nselect 1",
            "rows\nselect 1 from shop_curated.parent -- shop_curated.child",
            r"sales\.sql reads parent, and no section says which periods.*`-- name: dirty_from_parent`",
        ),
        ("checks/positive", "violations", "violation", r"positive\.sql has no section `-- name: violations`"),
        ("views/shown", "-- name: view\n", "-- name: extra\nselect 1\n-- name: view\n", "`-- name: extra`, which nothing reads"),
        ("curated/child", "-- key: id\n", "-- key: id\n-- removed: perhaps\n", "removed is 'perhaps'"),
        ("curated/child", "-- key: id\n", "-- key: id\n-- amount: a, b, c\n", "amount says 'a, b, c'"),
        ("curated/child", "-- key: id\n", "-- key: id\n-- lake: by hand\n", "lake says 'by hand'"),
        (
            "curated/child",
            "judged\nselect 1",
            "judged\nselect case when a < 0\n then 'negative: a=' || b end as broken",
            r"child\.sql: the rule negative joins its value by \|\|.*tell_broken\('negative: column=', value\)",
        ),
        ("presentation/sales", "-- unique_key: period_start\n", "", r"sales\.sql has no `-- unique_key: …` line"),
        ("presentation/sales", "-- grain: day\n", "-- grain: day\n-- rank: the best\n", "rank says 'the best'"),
        ("views/shown", "-- reads: shop_curated.child\n", "", r"shown\.sql has no `-- reads: …` line"),
    ],
)
def test_a_wrong_header_is_refused_when_it_is_read(sql_root, path, old, new, refusal):
    """By the doctor and by the step that opens a run, not by the step that needs the line."""
    (sql_root / "shop/views").mkdir()
    (sql_root / "shop/views/shown.sql").write_text("-- reads: shop_curated.child\n\n-- name: view\ncreate view x as select 1\n")
    file = sql_root / f"shop/{path}.sql"
    read_marketplace(sql_root, "shop")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(FixConfiguration, match=refusal):
        read_marketplace(sql_root, "shop")


@pytest.mark.parametrize("name", ["child_accounted_for", "parent_newly_set_aside", "curated_keys_unique"])
def test_a_check_that_has_the_name_of_a_generated_one_is_refused(sql_root, name):
    """Two results of one name could not be told apart, and the publication would never count as audited."""
    (sql_root / "shop/checks/positive.sql").rename(sql_root / f"shop/checks/{name}.sql")
    with pytest.raises(FixConfiguration, match=rf"checks/{name}\.sql has the name of a check"):
        read_marketplace(sql_root, "shop")


def test_a_column_that_refers_to_a_personal_key_is_personal(sql_root):
    """Under its name in raw and in the curated table, whether or not the child's own header says so."""
    write_curated(sql_root, "child", "owner as owner_id -> parent.id")
    path = sql_root / "shop/curated/parent.sql"
    path.write_text(path.read_text().replace("-- key: id\n", "-- key: id\n-- personal: id, name\n"))
    marketplace = read_marketplace(sql_root, "shop")
    found = {table.name: marketplace.personal_columns(table) for table in marketplace.curated}
    assert found == {"parent": {"id", "name"}, "child": {"owner", "owner_id"}}
    path.write_text(path.read_text().replace("personal: id, name", "personal: name"))
    marketplace = read_marketplace(sql_root, "shop")
    assert marketplace.personal_columns(marketplace.curated_table("child")) == frozenset()


def test_a_table_that_is_not_there_is_told_with_those_that_are(sql_root):
    """By an event that names another, for example."""
    marketplace = read_marketplace(sql_root, "shop")
    with pytest.raises(FixConfiguration, match=r"no curated/children\.sql; there is: parent, child"):
        marketplace.curated_table("children")
    with pytest.raises(FixConfiguration, match=r"no presentation/sale\.sql; there is: sales"):
        marketplace.metric("sale")


def write_joins(root: Path, joins: str) -> None:
    text = CURATED.format(name="child", source="child", references="none")
    (root / "shop/curated/child.sql").write_text(text.replace("-- references:", f"-- joins: {joins}\n-- references:"))


def test_joined_tables_are_among_a_tables_sources(sql_root):
    """Whatever arrives in one of them leaves the table behind."""
    write_joins(sql_root, "order_id -> orders.id, orders.country -> countries.code")
    marketplace = read_marketplace(sql_root, "shop")
    table = marketplace.curated_table("child")
    assert [(join.left, join.column, join.table, join.to) for join in table.joins] == [
        (None, "order_id", "orders", "id"),
        ("orders", "country", "countries", "code"),
    ]
    assert marketplace.sources(table) == {"child", "orders", "countries"}


@pytest.mark.parametrize(
    ("joins", "says"),
    [
        ("strangers.id -> labels.code", "leads from strangers, which no join before it names"),
        ("order_id -> orders.id, id -> orders.id", "names orders twice"),
        ("order_id -> child.id", "it is the table's own source"),
        ("order_id = orders.id", "write `column -> raw_table.column`"),
    ],
)
def test_a_wrong_line_of_joins_is_refused(sql_root, joins, says):
    """Before the run opens, with the file and what may stand there."""
    write_joins(sql_root, joins)
    with pytest.raises(FixConfiguration, match=says):
        read_marketplace(sql_root, "shop")


@pytest.mark.parametrize("file", ["checks/another.sql", "report/one.sql"])
def test_a_check_or_a_chart_that_is_added_alone_changes_the_hash_of_the_files(sql_root, file):
    """So that the next run opens; no table is made again for it."""
    before = read_marketplace(sql_root, "shop")
    texts = {
        "checks": "-- severity: fail\n\n-- name: violations\nselect 'x' as example\n",
        "report": "-- place: 1\n-- title: A\n-- reading: Each point is a day.\n-- chart: line\n-- columns: day (day, Day), n"
        " (count, N)\n"
        "-- drawn: n\n-- empty: There is none.\n-- reads: shop_presentation.sales\n-- parameters: none\n\n-- name:"
        " query\nselect 1\n",
    }
    path = sql_root / "shop" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(texts[file.split("/")[0]])
    after = read_marketplace(sql_root, "shop")
    assert after.files_hash != before.files_hash and after.audit_hash != before.audit_hash
    assert [after.metric_hash(metric) for metric in after.metrics] == [before.metric_hash(metric) for metric in before.metrics]


def test_every_process_finds_the_same_hashes():
    """Else each new one would check and publish what it finds published: a function's next start, a stack deployed again."""
    says = (
        "from pathlib import Path; from rental_pipeline.definitions.read_marketplace import read_marketplace;"
        f" print(read_marketplace(Path({str(SQL_ROOT)!r}), 'apartments').audit_hash)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", says], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
