"""Layers are made whole again from the one before them: both, one alone, or only what some raw tables make (I2)."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.layers import assert_same_layers
from tests.fixtures.slow import first_of

DAMAGE = {
    "curated": "update market_curated.children set day = day + 7 where id = 1",
    "presentation": "update market_presentation.parents_weekly set parents = parents + 1",
}


@pytest.fixture
def loaded(market):
    """Three parents, of which one is broken, and six children, of three weeks; two runs."""
    for number in range(1, 4):
        market.insert_parent(number, "broken" if number == 3 else "ok")
    for number in range(1, 7):
        market.insert_child(number, parent=1 + number % 3, week=number % 3)
    market.run_well()
    market.pass_time(hours=1)
    market.execute("update children set state = 'broken' where id = 2")
    market.run_well()
    return market


def built_whole(market) -> tuple[set[str], set[str]]:
    """Return the curated tables and the metrics that the last run built whole."""
    last = "is_full and run_sequence = (select max(run_sequence) from market_control.run)"
    return tuple(
        {name for (name,) in market.query(f"select {column} from market_control.{table} where {last}")}
        for column, table in (("table_name", "curated_build"), ("metric", "metric_build"))
    )


def test_a_rebuild_of_curated_takes_the_figures_with_it_that_change(loaded):
    """Curated was damaged, and figures were published from it: both are as before, and only their weeks are made again."""
    layers = loaded.read_layers()
    loaded.query(DAMAGE["curated"] + " returning 1")
    loaded.run_well({"rebuild": "presentation"})
    assert loaded.read_layers()["market_presentation.children_weekly"] != layers["market_presentation.children_weekly"]
    loaded.run_well({"rebuild": "curated"})
    assert_same_layers(loaded.read_layers(), layers)
    assert built_whole(loaded) == ({"parents", "children", "events"}, set())
    unloaded = dict(loaded.query("select table_name, is_whole from lake_unload where run_sequence = 4"))
    whole = dict.fromkeys(["curated_parents", "curated_children", "curated_events", "control_exchange_rate"], True)
    assert unloaded == whole | {"presentation_children_weekly": False}
    assert loaded.run_well() == "unchanged"


@pytest.mark.slow
def test_a_rebuild_of_presentation_leaves_curated_as_it_is(loaded):
    """All weeks of all metrics are made again from curated, of which nothing is judged again."""
    layers = loaded.read_layers()
    loaded.query(DAMAGE["presentation"] + " returning 1")
    loaded.run_well({"rebuild": "presentation"})
    assert_same_layers(loaded.read_layers(), layers)
    assert built_whole(loaded) == (set(), {"parents_weekly", "children_weekly"})
    assert loaded.query("select count(*) from curated_build where run_sequence = 3") == [(0,)]
    assert loaded.run_well() == "unchanged"


@pytest.mark.slow
def test_a_rebuild_of_presentation_is_made_of_what_a_stopped_run_left(loaded):
    """What is in raw and not yet in curated comes first: a rebuilt layer is never older than a run before it."""
    loaded.execute("update children set state = 'ok' where id = 2")
    with pytest.raises(Exception, match="curate children"):
        loaded.run(stop_before="curate children")
    loaded.run_well({"rebuild": "presentation"})
    loaded.assert_raw_mirrors_source()
    loaded.assert_equals_rebuild()


@pytest.mark.slow
@pytest.mark.parametrize("layer", first_of(["curated", "presentation"]))
@pytest.mark.parametrize("state", first_of(["publish", "curate children", "stage", "close"]))
def test_a_rebuild_that_stopped_is_finished_by_another(loaded, layer, state):
    """Wherever it stopped, the next one leaves what a whole rebuild makes."""
    layers = loaded.read_layers()
    loaded.query(DAMAGE[layer] + " returning 1")
    started = loaded.start({"rebuild": layer})
    while started.state not in (state, "close"):
        started.step()
    loaded.run_well({"rebuild": layer})
    assert_same_layers(loaded.read_layers(), layers)
    loaded.assert_equals_rebuild()


@pytest.mark.slow
def test_a_rebuild_of_some_tables_makes_what_depends_on_them(loaded):
    """What is made of parents: themselves, the children that refer to them, and the metrics of both; not the events."""
    layers = loaded.read_layers()
    for damage in DAMAGE.values():
        loaded.query(damage + " returning 1")
    loaded.run_well({"rebuild": True, "tables": ["parents"]})
    assert_same_layers(loaded.read_layers(), layers)
    assert built_whole(loaded) == ({"parents", "children"}, {"parents_weekly", "children_weekly"})
    loaded.run_well({"rebuild": True, "tables": ["children"]})
    assert built_whole(loaded) == ({"children"}, {"children_weekly"})


@pytest.mark.slow
def test_a_day_before_the_last_needs_all_figures_made_anew(loaded):
    """A rebuild of curated, or of some tables, would leave newer figures beside those of that day."""
    day = loaded.day(-1).isoformat()
    for run_input in ({"rebuild": "curated"}, {"rebuild": "presentation", "tables": ["parents"]}):
        with pytest.raises(FixConfiguration, match=f"as_of {day} lies before"):
            loaded.run({**run_input, "as_of": day})
    loaded.run_well({"rebuild": "presentation", "as_of": day})
    assert loaded.query("select * from parents_weekly") == []
