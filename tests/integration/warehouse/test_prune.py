"""What leaves the control tables at the end of a run: nothing that a step could still ask for."""

from __future__ import annotations

from types import SimpleNamespace

from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.warehouse.steps.prune import prune_control
from tests.integration.warehouse.conftest import SQL_ROOT

CONTROL = "apartments_control"


def prune(control, marketplace, run: int) -> None:
    control.execute([f"set search_path to {CONTROL}", *prune_control(marketplace, run)])


def days(control) -> list[tuple]:
    return control.query(f"select table_name, run_sequence from {CONTROL}.changed_day order by 1, 2")


def note(control, **positions: int) -> None:
    """Note a day that changed in each of the runs 1 to 9, of two tables, and how far curated tables are built."""
    for table in ("user_viewing", "other"):
        for run in range(1, 10):
            control.execute(f"insert into {CONTROL}.changed_day values ('{table}', '2026-01-0{run}', {run})")
    for name, run in positions.items():
        control.execute(f"insert into {CONTROL}.layer_position (layer, name, run_sequence) values ('curated', '{name}', {run})")


def test_days_go_that_were_built(control):
    """Of its own table only, up to its position; that of another layer or table says nothing."""
    note(control, user_viewing=7, bookings=9)
    control.execute(f"insert into {CONTROL}.layer_position (layer, name, run_sequence) values ('raw', 'user_viewing', 9)")
    prune(control, read_marketplace(SQL_ROOT, "apartments"), 9)
    assert [run for table, run in days(control) if table == "user_viewing"] == [8, 9]
    assert [run for table, run in days(control) if table == "other"] == list(range(1, 10))


def test_days_wait_for_the_last_of_several_tables(control):
    """Two curated tables may be made from the same events; one that was never built is built whole."""
    note(control, user_viewing=7, viewing_days=4)
    tables = [SimpleNamespace(name=name, source="user_viewing", key=("event_day",)) for name in ("user_viewing", "viewing_days")]
    never = SimpleNamespace(name="never_built", source="user_viewing", key=("event_day",))
    prune(control, SimpleNamespace(curated=[*tables, never]), 9)
    assert [run for table, run in days(control) if table == "user_viewing"] == [5, 6, 7, 8, 9]


def test_no_day_goes_before_something_was_built(control):
    """The first build may have failed."""
    note(control)
    prune(control, read_marketplace(SQL_ROOT, "apartments"), 9)
    assert len(days(control)) == 18


def test_the_steps_of_ended_runs_go_but_for_those_that_are_told(control):
    """Its own stay, which a repeated statement must find; views tell when a run published, and what the lake shows."""
    for run in (1, 2):
        for step in ("load bookings", "publish", "commit_lake"):
            control.execute(
                f"insert into {CONTROL}.step_commit (run_sequence, step, committed_at) values ({run}, '{step}', getdate())"
            )
    prune(control, read_marketplace(SQL_ROOT, "apartments"), 2)
    assert control.query(f"select run_sequence, step from {CONTROL}.step_commit order by 1, 2") == [
        (1, "commit_lake"),
        (1, "publish"),
        (2, "commit_lake"),
        (2, "load bookings"),
        (2, "publish"),
    ]
