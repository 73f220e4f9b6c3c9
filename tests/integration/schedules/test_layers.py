"""Schedules in which a layer would not notice what the one below it has changed (I2, I5, I9)."""

import pytest

from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.slow import first_of


@pytest.fixture
def loaded(market):
    """A parent and its child, loaded and published."""
    market.insert_parent()
    market.insert_child()
    assert market.run_well() == "succeeded"
    market.pass_time(hours=1)
    return market


@pytest.mark.parametrize("state", first_of(["publish", "curate parents", "stage"]))
def test_01_a_later_run_finishes_what_a_failed_one_left(loaded, state):
    """Raw (and more) is committed, then the run fails. The next one reads nothing new, and finds what is pending all the same."""
    loaded.execute("update parents set state = 'broken'")
    loaded.execute("update children set state = 'broken'")
    loaded.start().stop_before(state)
    loaded.pass_time(hours=1)
    assert loaded.run_well() == "succeeded"
    assert loaded.query("select * from children") == [] and loaded.query("select * from children_weekly") == []
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_07_a_week_passes_and_nothing_changes(loaded):
    """No row was read, and still there is a new period."""
    loaded.pass_time(weeks=1)
    assert loaded.run_well() == "succeeded"
    assert loaded.query("select period_start from parents_weekly order by 1") == [(loaded.day(0),), (loaded.day(1),)]
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_08_children_stay_when_their_parent_is_broken_or_removed(loaded):
    """What a child says of the business does not depend on what became of its parent (Kimball: facts are not thrown away)."""
    loaded.execute("update parents set state = 'broken'")
    loaded.run_well()
    assert loaded.query("select table_name, row_key, broken_rule from rejected_rows") == [("parents", "1", "broken")]
    assert loaded.query("select id from children") == [(1,)]
    loaded.assert_equals_rebuild()
    loaded.execute("delete from parents")
    loaded.run_well({"reconcile": True})
    assert loaded.query("select id from children") == [(1,)]
    assert loaded.query("select * from parents") == [] and loaded.query("select * from rejected_rows") == []
    loaded.assert_equals_rebuild()


def test_08_a_child_is_set_aside_until_its_parent_comes(loaded):
    """A parent that never existed makes an orphan; when it appears, the child is judged again though nothing of it changed."""
    loaded.insert_child(2, parent=2)
    loaded.run_well()
    assert loaded.query("select row_key, broken_rule from rejected_rows") == [("2", "orphan")]
    loaded.pass_time(hours=1)
    loaded.insert_parent(2, state="broken")
    loaded.run_well()
    assert loaded.query("select id from children order by 1") == [(1,), (2,)]
    assert loaded.query("select table_name, row_key from rejected_rows") == [("parents", "2")]
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_08_a_family_that_comes_between_two_reads_is_united_by_the_next_run(loaded):
    """Parents are read, a parent and its child are inserted, children are read: an orphan now, a known version next time."""
    loaded.execute("update parents set state = 'fine'")
    loaded.execute("update children set state = 'fine'")
    run = loaded.start().stop_before("extract_slice 1")
    loaded.insert_parent(2)
    loaded.insert_child(2, parent=2)
    run.finish()
    assert loaded.query("select row_key, broken_rule from rejected_rows") == [("2", "orphan")]
    loaded.run_well()
    assert loaded.query("select id from children order by 1") == [(1,), (2,)]
    loaded.assert_equals_rebuild()


_LABELS = """-- The labels.
--
-- grain:      one row per label
-- source:     labels
-- input:      newest
-- key:        code
-- references: none

-- name: table
create table if not exists market_curated.labels (code varchar(40) not null) sortkey (code)

-- name: judged
select newest.code, cast(newest.code as varchar(512)) as row_key, cast(null as varchar(127)) as broken_rule,
    cast(null as varchar(1024)) as broken_value, cast(null as varchar(1024)) as unreadable_value
from newest

-- name: accepted
select cast(code as varchar(40)) as code from judged where broken_rule is null
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "waiting"),
    [
        ("'no_text' end", "'no_text' when known_labels.code is null then 'orphan' end", [("a",)]),
        ("newest.what,", "cast(coalesce(known_labels.code, '?') as varchar(200)) as what,", [("?",), ("?",), ("a",)]),
    ],
    ids=["rejected", "accepted"],
)
def test_08_events_wait_for_what_they_refer_to(market, before, after, waiting):
    """When it comes, the rejected ones are judged by themselves, not with all events of their days; others with their day."""
    (market.sql_root / "market/curated/labels.sql").write_text(_LABELS)
    market.edit("curated/events.sql", "-- references: none", "-- references: what -> labels.code")
    market.edit("curated/events.sql", "from newest", "from newest\nleft join known_labels on newest.what = known_labels.code")
    market.edit("curated/events.sql", before, after)
    market.execute("insert into labels (code) values ('a')")
    for what in ("b", "a", "b"):
        market.execute("insert into events values (%s, %s)", market.day(0), what)
    market.run_well()
    assert market.query("select what from events order by 1") == waiting
    market.pass_time(weeks=1)
    market.execute("insert into labels (code) values ('b')")
    market.run_well()
    assert market.query("select what from events order by 1") == [("a",), ("b",), ("b",)]
    assert market.query("select * from rejected_rows") == market.query("select * from orphan") == []
    (built,) = market.query(
        "select keys_touched, rows_accepted from curated_build where table_name = 'events' and run_sequence = 2"
    )
    assert built == ((0, 2) if len(waiting) == 1 else (1, 3))
    market.assert_equals_rebuild()


def test_09_a_row_that_moves_leaves_its_old_period(loaded):
    """The only child of its week moves to the next one: the week it leaves has no row any more."""
    loaded.execute("update children set day = %s", loaded.day(1))
    loaded.run_well()
    assert loaded.query("select * from children_weekly") == [(loaded.day(1), 1)]
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_09_a_row_that_goes_while_its_table_is_erased_leaves_its_period(loaded):
    """The erasure stops before it loads. What is built next still knows the rows before, and so which weeks they were in."""
    loaded.start({"erase": ["children"]}).stop_before("load children")
    loaded.execute("delete from children")
    loaded.run_well()
    assert loaded.query("select * from children") == [] and loaded.query("select * from children_weekly") == []
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_09_a_group_whose_only_row_is_rejected_disappears(loaded):
    """There is nothing to replace its row with."""
    loaded.execute("update children set state = 'broken'")
    loaded.run_well()
    assert loaded.query("select * from children_weekly") == []
    loaded.assert_equals_rebuild()


@pytest.mark.parametrize(
    ("path", "before", "after"),
    first_of(
        [
            ("presentation/parents_weekly.sql", "count(*) * 1", "count(*) * 2"),
            ("curated/parents.sql", "cast(1 as integer)", "cast(2 as integer)"),
            ("../control/functions.sql", "select $1 between", "select ($1) between"),
            ("../control/calendar.sql", "+ (ones.n", "+ (0 + ones.n"),
        ],
        2,
    ),
)
def test_10_an_edited_file_is_used_for_rows_that_nothing_touched(loaded, path, before, after):
    """A metric, a rule, a function, the calendar: whatever was made with the old text is made again, though no row changed."""
    loaded.edit(path, before, after)
    assert loaded.run_well() == "succeeded"
    assert loaded.query("select metric from metric_build where run_sequence = 2 and is_full order by 1") or loaded.query(
        "select table_name from curated_build where run_sequence = 2 and is_full"
    )
    if "count" in before:
        assert loaded.query("select parents from parents_weekly") == [(2,)]
    if "cast" in before:
        assert loaded.query("select rule from parents") == [(2,)]


def test_10_a_comment_writes_nothing(loaded):
    """Neither in a rule, a metric, a function nor the calendar: no table is built, no period published."""
    for path in ("presentation/parents_weekly.sql", "curated/parents.sql", "../control/functions.sql", "../control/calendar.sql"):
        loaded.edit(path, "-- name:", "-- Edited.\n-- name:")
    assert loaded.run_well() == "unchanged"
    assert loaded.query("select count(*) from curated_build where run_sequence = 2") == [(0,)]
    assert loaded.query("select count(*) from metric_build where run_sequence = 2") == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "path", "before", "after"),
    [
        ("curate children", "curated/parents.sql", "cast(1 as integer)", "cast(2 as integer)"),
        ("publish", "presentation/parents_weekly.sql", "count(*) * 1", "count(*) * 2"),
    ],
)
def test_10_a_run_does_not_go_on_with_files_deployed_in_its_middle(loaded, state, path, before, after):
    """Half of it would be made by the old file and recorded under the new one's hash, and so never be made again."""
    loaded.insert_parent(2)
    run = loaded.start().stop_before(state)
    loaded.edit(path, before, after)
    with pytest.raises(FixConfiguration, match=r"deployed again after run 2 had begun: start a new execution"):
        run.finish()
    loaded.assert_whole()


def test_23_a_key_whose_newest_version_is_broken_is_rejected_not_old(loaded):
    """The version before was good; it does not stay in curated."""
    loaded.execute("update children set state = 'broken'")
    loaded.run_well()
    assert loaded.query("select * from children") == []
    assert loaded.query("select row_key, broken_rule from rejected_rows") == [("1", "broken")]


@pytest.mark.slow
def test_23_a_reject_without_a_key_is_counted_once_however_often_it_is_read(loaded):
    """Two equal events without text are two rejected rows, after each of three runs whose windows overlap."""
    for _ in range(2):
        loaded.execute("insert into events (happened_at, what) values (%s, null)", loaded.clock)
    for number in range(3):
        loaded.execute("insert into events (happened_at, what) values (%s, 'seen')", loaded.clock)
        loaded.run_well()
        assert loaded.query("select count(*), count(distinct row_key) from rejected_rows") == [(2, 2)]
        assert loaded.query("select count(*) from events") == [(number + 1,)]
        loaded.pass_time(hours=1)
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_a_check_that_is_added_alone_is_looked_at(loaded):
    """Nothing changed but the folder: the next run looks by it, and the one after that is unchanged again."""
    text = (
        "-- Always told.\n--\n-- severity:   warn\n-- reads:      market_curated.children\n-- parameters: none\n\n-- name:"
        " violations\n"
        "select cast('told' as varchar(64)) as example from market_curated.children\n"
    )
    assert loaded.run_well() == "unchanged"
    (loaded.sql_root / "market" / "checks" / "always.sql").write_text(text, encoding="utf-8")
    result = loaded.run()
    assert result["status"] == "succeeded" and "always" in result["message"]
    assert loaded.run_well() == "unchanged"
