"""Values that cannot be held, from the source to the warehouse: their rows are kept apart, and none stops the others."""

import pytest

from rental_pipeline.base.errors import FixData

SECRET = "nobody's business"


@pytest.fixture
def aside(market):
    """Two parents with a child each, and an event, in a marketplace that sets bad rows aside."""
    for table in ("parents", "children", "labels", "events"):
        market.edit("source.yaml", f"  {table}:\n", f"  {table}:\n    bad_rows: set_aside\n")
    for number in (1, 2):
        market.insert_parent(number)
        market.insert_child(number, parent=number)
    market.execute("insert into events values (now(6), 'seen')")
    assert market.run_well() == "succeeded"
    market.pass_time(hours=1)
    return market


@pytest.mark.slow
def test_a_row_set_aside_is_in_raw_and_in_rejected_rows_until_it_is_mended(aside):
    """Counted in the ledger and the closing message; its money and its children follow the usual rules; mended, it is back."""
    aside.execute("update parents set state = %s where id = 2", "a\0b")
    aside.execute("update children set state = %s where id = 2", "\0")
    aside.execute("insert into labels values ('x', %s, %s)", "\0", "fine")
    aside.execute("insert into events values (now(6), %s)", "\0")
    message = aside.run()["message"]
    assert "parents: 2 rows read, 1 added to raw, 0 removed, 1 set aside: a value cannot be held" in message
    assert aside.query(
        "select table_name, rows_read, rows_in_parquet, rows_copied, rows_set_aside from table_load"
        " where run_sequence = 2 order by 1"
    ) == [("children", 2, 2, 2, 1), ("events", 2, 2, 2, 1), ("labels", 1, 1, 1, 1), ("parents", 2, 2, 2, 1)]
    assert aside.query("select text, other, _bad_columns from labels where _run_sequence = 2") == [(None, "fine", "text")]
    rejected = "select table_name, broken_rule, broken_value from rejected_rows order by 1"
    bad = "unreadable_row"
    assert aside.query(rejected) == [("children", bad, "state"), ("events", bad, "what"), ("parents", bad, "state")]
    assert aside.query("select id from market_curated.parents") == [(1,)]
    assert aside.query("select what from market_curated.events") == [("seen",)]
    assert aside.query("select rows_rejected from curated_build where run_sequence = 2 order by table_name") == [(1,)] * 3
    aside.assert_equals_rebuild()
    aside.pass_time(hours=1)
    aside.execute("update parents set state = 'ok' where id = 2")
    aside.execute("delete from events where what = %s", "\0")
    aside.execute("delete from labels")
    aside.run_well()
    assert aside.query(rejected) == [("children", bad, "state")]
    assert aside.query("select id from market_curated.parents order by 1") == [(1,), (2,)]
    assert aside.query("select code from labels where _operation = 'D' and _bad_columns is null") == [("x",)]
    aside.run_well({"reconcile": True})
    aside.assert_equals_rebuild()


@pytest.mark.slow
def test_raw_tables_of_before_are_given_the_column_and_keep_their_rows(aside):
    """Nothing is read again for it; loads of before, whose files have it not, can be replayed beside those of now."""
    aside.edit("source.yaml", "  parents:\n    bad_rows: set_aside\n", "  parents:\n")
    aside.insert_parent(3)
    aside.run_well()
    aside.warehouse.execute("alter table market_raw.parents drop column _bad_columns")
    aside.pass_time(hours=1)
    aside.edit("source.yaml", "  parents:\n", "  parents:\n    bad_rows: set_aside\n")
    aside.execute("update parents set state = %s where id = 1", "\0")
    aside.run_well()
    versions = "select id, _run_sequence, _bad_columns from market_raw.parents order by 2, 1"
    expected = [(1, 1, None), (2, 1, None), (3, 2, None), (1, 3, "state")]
    assert aside.query(versions) == expected
    aside.warehouse.execute("alter table market_raw.parents drop column _bad_columns")
    aside.run_well({"replay": True})
    assert aside.query(versions) == expected
    aside.assert_equals_rebuild()


def test_a_refused_value_stops_the_run_and_says_nothing_else_of_its_row(market):
    """By default; raw is as it was."""
    market.execute("insert into labels values ('x', %s, %s)", "\0", SECRET)
    with pytest.raises(FixData, match=r"table labels, slice 0: column text holds .*\(code='?x'?\)") as told:
        market.run()
    assert SECRET not in str(told.value)
    assert market.query("select count(*) from labels") == [(0,)]


PARENT_TITLES = """\
-- What the parents were called, version by version.
--
-- grain:      one row per version
-- source:     parents
-- input:      versions
-- key:        id
-- unique_key: id, run_sequence
-- references: none
-- reads:      versions
-- writes:     market_curated.parent_titles
-- parameters: none
-- rerun:      the same rows
-- storage:    distkey id; sortkey id

-- name: table
create table if not exists market_curated.parent_titles (
    id bigint not null,
    run_sequence bigint not null,
    title varchar(8) not null,
    remark varchar(4)
)
distkey (id)
sortkey (id)

-- name: accepted
select
    versions.id,
    versions._run_sequence as run_sequence,
    versions.title,
    versions.title as remark
from versions
where versions._operation = 'U'
"""


@pytest.mark.slow
def test_a_text_larger_than_its_column_stops_no_history_either(market):
    """A derived table: such a version is a gap, and told; a column that may be null is NULL; the others are kept."""
    (market.sql_root / "market/curated/parent_titles.sql").write_text(PARENT_TITLES, encoding="utf-8")
    market.execute("alter table parents add column title varchar(2000) not null default ''")
    titles = "select id, run_sequence, title, remark from market_curated.parent_titles order by 1, 2"
    for number in (1, 2):
        market.insert_parent(number)
    market.execute("update parents set title = 'abc'")
    market.run_well()
    first = [(1, 1, "abc", "abc"), (2, 1, "abc", "abc")]
    assert market.query(titles) == first
    market.pass_time(hours=1)
    market.execute("update parents set title = if(id = 1, repeat('é', 900), 'ééé')")
    message = market.run()["message"]
    assert market.query(titles) == [*first, (2, 2, "ééé", None)]
    told = "select row_key, broken_rule, broken_value from rejected_rows where table_name = 'parent_titles'"
    assert market.query(told) == [("1", "value_too_large", f"title={'é' * 200}")]
    assert market.query("select row_key, unreadable_value from unreadable_values") == [("2", "remark=ééé")]
    counted = "select rows_accepted, rows_rejected, rows_unreadable from curated_build where table_name = 'parent_titles'"
    assert (3, 1, 1) in market.query(counted)
    assert "parent_titles_newly_set_aside" in message
    market.assert_equals_rebuild()
    market.pass_time(hours=1)
    market.execute("update parents set title = 'short'")
    market.run_well()
    assert (1, 4, "short", None) in market.query(titles)
    market.assert_equals_rebuild()


def test_a_value_larger_than_its_curated_column_stops_no_other_row(market):
    """A column that may be null is NULL and told; a required one sets its row aside; until the source mends them."""
    market.edit(
        "curated/parents.sql",
        "    rule integer not null\n",
        "    rule integer not null,\n    title varchar(8),\n    size smallint\n",
    )
    market.edit(
        "curated/parents.sql", "    newest.changed_at,\n", "    newest.changed_at,\n    newest.title,\n    newest.size,\n"
    )
    market.edit("curated/parents.sql", "as rule\n", "as rule,\n    title,\n    cast(round(size) as smallint) as size\n")
    market.edit("curated/events.sql", "what varchar(200) not null", "what varchar(10) not null")
    market.execute("alter table parents add column title varchar(20), add column size decimal(20, 2)")
    for number, title, size in ((1, "fits", 1), (2, "äääää", 32767.4), (3, "fits", 32767.5), (4, "x" * 20, -99999.99)):
        market.insert_parent(number)
        market.execute("update parents set title = %s, size = %s where id = %s", title, size, number)
    market.execute("insert into events values (now(6), 'seen'), (now(6), %s), (now(6), %s)", "é" * 6, "é" * 6)
    market.run_well()
    parents = "select id, title, size from market_curated.parents order by id"
    assert market.query(parents) == [(1, "fits", 1), (2, None, 32767), (3, "fits", None), (4, None, None)]
    assert market.query("select row_key, unreadable_value from unreadable_values order by 1") == [
        ("2", "title=äääää"),
        ("3", "size=32767.50"),
        ("4", f"title={'x' * 20}; size=-99999.99"),
    ]
    assert market.query("select what from market_curated.events") == [("seen",)]
    assert (
        market.query("select table_name, broken_rule, broken_value from rejected_rows")
        == [("events", "value_too_large", f"what={'é' * 6}")] * 2
    )
    assert market.query("select table_name, rows_accepted, rows_rejected, rows_unreadable from curated_build order by 1") == [
        ("children", 0, 0, 0),
        ("events", 1, 2, 0),
        ("parents", 4, 0, 3),
    ]
    market.assert_equals_rebuild()
    market.pass_time(hours=1)
    market.execute("update parents set title = 'short', size = 2")
    market.execute("delete from events where what <> 'seen'")
    market.run_well()
    assert market.query(parents) == [(number, "short", 2) for number in (1, 2, 3, 4)]
    assert market.query("select * from unreadable_values") == [] and market.query("select * from rejected_rows") == []
