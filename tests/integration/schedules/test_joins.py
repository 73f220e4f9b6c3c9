"""Curated rows made from several raw tables: whatever changes in one of them touches the rows that it is part of (I2, I9)."""

import pytest

from rental_pipeline.base.errors import FixConfiguration


@pytest.fixture
def joined(market):
    """Children that are broken by the label of their parent's state: two joins, one behind the other."""
    market.edit(
        "curated/children.sql",
        "-- references: parent_id -> parents.id\n",
        "-- references: none\n-- joins:      parent_id -> parents.id, parents.state -> labels.code\n",
    )
    market.edit(
        "curated/children.sql", "-- reads:      newest, known_parents", "-- reads:      newest, joined_parents, joined_labels"
    )
    market.edit(
        "curated/children.sql",
        "left join known_parents on newest.parent_id = known_parents.id",
        "left join joined_parents on newest.parent_id = joined_parents.id\n"
        "left join joined_labels on joined_parents.state = joined_labels.code",
    )
    market.edit(
        "curated/children.sql", "when known_parents.id is null then 'orphan'", "when joined_labels.text = 'bad' then 'labelled'"
    )
    market.edit(
        "curated/children.sql", "when known_parents.id is null then 'parent", "when joined_labels.text = 'bad' then 'parent"
    )
    for state in ("ok", "late"):
        market.execute("insert into labels (code, text) values (%s, 'fine')", state)
    market.insert_parent(1)
    market.insert_parent(2, state="late")
    for number, parent in ((1, 1), (2, 2), (3, 2), (4, 9)):
        market.insert_child(number, parent=parent)
    assert market.run_well() == "succeeded"
    market.pass_time(hours=1)
    return market


def accepted(market) -> list[int]:
    return [number for (number,) in market.query("select id from children order by 1")]


def test_a_label_that_changes_breaks_the_rows_that_lead_to_it(joined):
    """Nothing of children or parents changed. A row that leads nowhere is judged without."""
    assert accepted(joined) == [1, 2, 3, 4]
    joined.execute("update labels set text = 'bad' where code = 'late'")
    joined.run_well()
    assert accepted(joined) == [1, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("update labels set text = 'bad' where code = 'late'", [1, 4]),
        ("insert into labels (code, text) values ('new', 'bad')", [1, 2, 3, 4]),
        ("update children set parent_id = 2 where id = 4", [1, 2, 3, 4]),
        ("delete from labels where code = 'late'", [1, 2, 3, 4]),
    ],
)
def test_a_change_of_what_is_joined_touches_the_rows_it_leads_to(joined, change, left):
    """Nothing of the children changed but, in one case, which parent they have."""
    joined.execute(change)
    joined.run_well()
    assert accepted(joined) == left
    joined.assert_equals_rebuild()


@pytest.mark.slow
def test_a_row_between_that_leads_elsewhere_touches_both_ends(joined):
    """A parent moves from one label to another and back; a parent that goes takes its label along."""
    joined.execute("insert into labels (code, text) values ('worse', 'bad')")
    joined.execute("update parents set state = 'worse' where id = 2")
    joined.run_well()
    assert accepted(joined) == [1, 4]
    joined.pass_time(hours=1)
    joined.execute("update labels set text = 'bad' where code = 'late'")
    joined.execute("update labels set text = 'fine' where code = 'worse'")
    joined.run_well()
    assert accepted(joined) == [1, 2, 3, 4]
    joined.pass_time(hours=1)
    joined.execute("update parents set state = 'late' where id = 2")
    joined.run_well()
    assert accepted(joined) == [1, 4]
    joined.execute("delete from parents where id = 2")
    joined.run_well({"reconcile": True})
    assert accepted(joined) == [1, 2, 3, 4]
    joined.assert_equals_rebuild()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("joins", "says"),
    [
        ("parent_id -> strangers.id", "joins names 'strangers', which is no table of source.yaml"),
        ("parent_id -> events.what", "taken by append"),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused_by_name(market, joins, says):
    """The run stops, and says which table and why."""
    market.edit(
        "curated/children.sql",
        "-- references: parent_id -> parents.id\n",
        f"-- references: parent_id -> parents.id\n-- joins:      {joins}\n",
    )
    market.insert_parent()
    with pytest.raises(FixConfiguration, match=says):
        market.run()
