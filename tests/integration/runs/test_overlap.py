"""Two runs at once: the second ends at once; and where both do run, only the newer one writes, and the result is right (I6)."""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.warehouse import run_step
from tests.fixtures.layers import assert_same_layers, read_layers, read_raw_newest, read_source
from tests.fixtures.slow import first_of
from tests.fixtures.snapshot import Snapshot, load_first

KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id", "user_viewing": None}


@pytest.fixture(scope="module")
def snapshot(take_snapshot) -> Snapshot:
    """A small marketplace after its first load."""
    return take_snapshot(load_first)


@pytest.fixture
def loaded(source_database):
    """The source of the snapshot."""
    return source_database


def change(source, price: int) -> None:
    """Change rows of all strategies."""
    source.execute("update bookings set total_price = %s order by booking_id limit 3", (price,))
    source.execute("update apartment_attributes set state = %s order by id limit 3", (f"S{price}",))
    source.execute("insert into user_viewing (user_id, apartment_id, recorded_at) values (%s, 1, now())", (price,))


def test_a_second_run_ends_at_once_and_disturbs_nothing(loaded, pipeline, fresh_warehouse, monkeypatch):
    """It names the run in progress, which goes on to its good end."""
    change(loaded, 71)
    monkeypatch.setattr(run_step, "_is_executing", lambda execution_id: True)
    states = pipeline.states()
    for state in states:
        if state == "load bookings":
            other = pipeline.run()
            assert (other["outcome"], other["run_sequence"]) == ("in_progress", 2)
    assert fresh_warehouse.query("select run_sequence, status from apartments_control.run order by 1") == [
        (1, "succeeded"),
        (2, "succeeded"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("state", first_of(["publish", "plan_run", "prepare", "load bookings", "curate bookings", "stage"]))
def test_a_run_that_was_overtaken_writes_no_more(loaded, pipeline, fresh_warehouse, state):
    """A run is taken for dead while it only stood still (its execution is not known), another does the work, and then the first
    goes on: it is refused, says to start a new execution, and raw mirrors the source; the layers equal a rebuild."""
    change(loaded, 72)
    late = pipeline.states()
    while next(late) != state:
        pass
    change(loaded, 73)
    assert pipeline.run()["status"] == "succeeded"
    with pytest.raises(FixConfiguration, match=r"OVERTAKEN: run 2 .* start a new execution"):
        for _ in late:
            pass
    for table, key in KEYS.items():
        assert read_raw_newest(fresh_warehouse, table, key) == read_source(loaded, table), table
    layers = read_layers(fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_same_layers(layers, read_layers(fresh_warehouse))
    assert fresh_warehouse.query("select status from apartments_control.run order by run_sequence") == [
        ("succeeded",),
        ("failed",),
        ("succeeded",),
        ("succeeded",),
    ]


@pytest.mark.slow
def test_a_crashed_run_holds_the_lease_no_longer_than_its_time(loaded, pipeline, fresh_warehouse, monkeypatch):
    """Even where Step Functions goes on calling it running: silent for lease_seconds, it is closed, and the next one works."""
    change(loaded, 74)
    monkeypatch.setattr(run_step, "_is_executing", lambda execution_id: True)
    pipeline.set_environment(LEASE_SECONDS="1")
    crashed = pipeline.states()
    while next(crashed) != "load bookings":
        pass
    fresh_warehouse.execute("update apartments_control.lease set expires_at = dateadd(second, -1, getdate())")
    pipeline.set_environment(LEASE_SECONDS="43200")
    assert pipeline.run()["status"] == "succeeded"
    assert fresh_warehouse.query("select status, error from apartments_control.run where run_sequence = 2") == [
        ("failed", "its lease ran out before it was closed")
    ]
