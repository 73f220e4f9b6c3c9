"""What is pending after the loads: each reason to build, to show in the lake or to archive leads to it, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rental_pipeline.base.object_store import ARCHIVE, LEDGER, PENDING, PLAN, run_key
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.lake_tables import LAYER, list_lake_tables
from rental_pipeline.definitions.sql_files import hash_texts
from rental_pipeline.warehouse.run_step import run_step
from tests.fixtures.composed_steps import BUCKET, RUN, SQL_ROOT, composing, list_positions, plan_tables

YESTERDAY = "2026-11-20"
Json = dict[str, Any]


class Pending:
    """The step in a warehouse where nothing is pending, unless a test changes that.

    Attributes:
        positions: Of the ledger, by layer and name.
        plan: plan.json.
    """

    def __init__(self, warehouse: Any, bucket: Any, steps: Any) -> None:
        self.warehouse, self.bucket, self._steps = warehouse, bucket, steps
        self.positions: dict[tuple[str, str], Json] = {
            (position["layer"], position["name"]): position for position in list_positions(warehouse)
        }
        for table in list_lake_tables(warehouse):
            shown = hash_texts(table.definition_hash, BUCKET)
            position = {"layer": LAYER, "name": table.name, "run_sequence": 5, "definition_hash": shown}
            self.positions[LAYER, table.name] = {"as_of": None, "input_hash": None, **position}
        self.plan: Json = {
            "marketplace": "apartments", "run_sequence": RUN, "kind": "incremental", "as_of": YESTERDAY, "dry_run": False,
            "source_time": f"{YESTERDAY}T12:00:00.000000", "force_deletes": False, "rebuild": None, "erased": [],
            "tables": [table.to_json() for table in plan_tables(warehouse)],
            "raw_changes": {"batch": [], "single": []},
        }  # fmt: skip

    def find(self, raw: dict[str, int] | None = None, **found: Any) -> Json:
        """Return the step's result, given raw's positions and what else the warehouse answers."""
        ledger = {
            "run_sequence": RUN,
            "files_hash": self.warehouse.files_hash,
            "positions": list(self.positions.values()),
            "execution_id": "one",
        }
        self._write(LEDGER, ledger)
        self._write(PLAN, self.plan)
        settings = WarehouseSettings("apartments", BUCKET, "dev", "role", "workgroup", sql_root=SQL_ROOT)
        run_step({"step": "pending", "run_sequence": RUN}, settings, lambda: 600.0)
        return self._steps["pending"].finish(
            [
                [{"name": name, "run_sequence": run} for name, run in (raw or {"bookings": 5, "apartments": 5}).items()],
                found.get("dirty", []),
                [{"stale_parts": found.get("stale_parts", 0)}],
                found.get("loads", []),
                found.get("erased", []),
                [
                    {
                        "_rp_table": table.name,
                        "_rp_join": None,
                        "_rp_least": "1",
                        "_rp_greatest": "9",
                        "_rp_removed": 0,
                        "_rp_rows": 1,
                    }
                    for table in self.warehouse.curated
                ],
                found.get("orphans", []),
            ]
        )

    def _write(self, name: str, content: Json) -> None:
        self.bucket.objects[run_key("apartments", RUN, name)] = json.dumps(content).encode()


@pytest.fixture
def pending() -> Iterator[Pending]:
    with composing("apartments") as (warehouse, bucket, steps):
        yield Pending(warehouse, bucket, steps)


def test_an_unchanged_source_leaves_nothing(pending):
    """The run ends here, without a figure touched."""
    assert pending.find() == {
        "anything": False,
        "curated": [],
        "lake_is_behind": False,
        "archive": {"anything": False, "run_sequence": RUN},
    }


def test_a_table_is_built_that_raw_has_left_behind(pending):
    """In build order, with those that are judged by it."""
    found = pending.find({"bookings": 6, "apartments": 5})
    assert found["curated"] == ["booking_versions", "bookings"]
    assert found["anything"]
    judged = {table.name for table in pending.warehouse.curated if "apartments" in pending.warehouse.sources(table)}
    assert set(pending.find({"apartments": 6})["curated"]) == judged > {"bookings"}


@pytest.mark.parametrize(
    ("place", "name", "field"),
    [
        ("curated", "bookings", "input_hash"),
        ("presentation", "occupancy_monthly", "input_hash"),
        ("view", "weekly_overview", "input_hash"),
        ("control", "checks_and_charts", "input_hash"),
    ],
)
def test_what_other_files_made_is_made_anew(pending, place, name, field):
    """A table, a metric or a view; and checks that were added alone look at what is published, charts are shown."""
    pending.positions[place, name][field] = "of another file"
    found = pending.find()
    assert found["anything"]
    assert found["curated"] == ([name] if place == "curated" else [])


@pytest.mark.parametrize("place", [("curated", "bookings"), ("presentation", "occupancy_monthly"), ("view", "weekly_overview")])
def test_what_was_never_made_is_made(pending, place):
    """It has no position yet."""
    del pending.positions[place]
    assert pending.find()["anything"]


def test_a_view_without_a_file_goes(pending):
    """Its file was taken away."""
    pending.positions["view", "gone"] = {**pending.positions["view", "weekly_overview"], "name": "gone"}
    assert pending.find()["anything"]


def test_dirty_periods_an_earlier_run_left_are_rebuilt(pending):
    """One is enough."""
    dirty = {"metric": "occupancy_monthly", "dirty_periods": 1, "first_period": "2026-10-01", "last_period": "2026-10-01"}
    assert pending.find(dirty=[dirty])["anything"]


def test_a_new_day_brings_new_figures(pending):
    """Without a row changed: time has passed over the periods."""
    pending.plan["as_of"] = "2026-11-21"
    assert pending.find()["anything"]


@pytest.mark.parametrize("layer", ["curated", "presentation"])
def test_a_rebuild_builds_what_it_names(pending, layer):
    """Of all tables, or of what is made of some."""
    pending.plan["rebuild"] = {"layers": [layer], "tables": ["bookings"]}
    found = pending.find()
    assert found["anything"]
    assert found["curated"] == (["booking_versions", "bookings"] if layer == "curated" else [])
    pending.plan["rebuild"] = {"layers": [layer], "tables": ["a table of nothing"]}
    assert not pending.find()["anything"]


def test_an_erased_table_s_rows_are_judged_anew(pending):
    """Also of the tables that are judged by it."""
    pending.plan["erased"] = ["user_viewing"]
    assert pending.find()["curated"] == ["user_viewing"]


def test_the_lake_is_behind_by_itself(pending):
    """Where its own steps failed, or a table of it was never shown as it is: then nothing is built for it."""
    assert pending.find(stale_parts=1)["lake_is_behind"]
    pending.positions[LAYER, "curated_bookings"]["definition_hash"] = "of another bucket"
    found = pending.find()
    assert (found["lake_is_behind"], found["anything"]) == (True, False)


@pytest.mark.parametrize("kind", ["loads", "erased"])
def test_what_is_not_archived_is(pending, kind):
    """Loads of earlier runs, too; which ones stands in archive.json."""
    row = {"run_sequence": 4, "table_name": "bookings"}
    found = pending.find(**{kind: [row]})
    assert found["archive"] == {"anything": True, "run_sequence": RUN}
    written = json.loads(pending.bucket.objects[run_key("apartments", RUN, ARCHIVE)])
    assert written == {"loads": [], "erased": [], kind: [row]}
    assert not found["anything"]


@pytest.mark.parametrize(("came", "written"), [(50, 50), (51, 0)])
def test_parents_that_have_come_are_named_where_they_are_few(pending, came, written):
    """By their hashes, beside what holds of all their children; of more, none are named."""
    told = {"_rp_table": "bookings", "_rp_orphans": 90, "_rp_accepted": 2, "_rp_since": 3}
    pending.find(orphans=[{**told, "_rp_parent": f"{number:032x}"} for number in range(came)])
    found = json.loads(pending.bucket.objects[run_key("apartments", RUN, PENDING)])["arrivals"]
    assert len(found["bookings"]["orphan_parents"]) == written
    assert (found["bookings"]["orphans"], found["bookings"]["orphans_accepted"], found["bookings"]["orphans_since"]) == (90, 2, 3)
    assert found["user_viewing"]["orphans"] == 0 and found["user_viewing"]["orphan_parents"] == []
