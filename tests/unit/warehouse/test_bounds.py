"""What a build reads of raw and of its own table: rows above the position, and older ones only where they are judged."""

import re
from dataclasses import replace

import pytest

from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.arrivals import Arrivals, Pending
from rental_pipeline.model.ledger import Ledger, Position
from rental_pipeline.warehouse.steps.curate import Curation
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild
from rental_pipeline.warehouse.steps.touched_keys import TouchedKeys
from tests.fixtures.composed_steps import SQL_ROOT, plan_table
from tests.unit.warehouse.example_runs import plan_a_run


class Request:
    """What a build asks of its step's request, of a table `bookings` with keys from 10 to 20 above run 5."""

    run_sequence = 7

    def __init__(self, arrivals: Arrivals, key_type: str = "bigint"):
        self.marketplace = read_marketplace(SQL_ROOT, "apartments")
        self.schemas = self.marketplace.schemas
        self.pending = Pending((), {table.name: arrivals for table in self.marketplace.curated}, {})
        bookings = plan_table("bookings", "merge")
        columns = tuple(replace(c, type=key_type) if c.name == "id" else c for c in bookings.columns)
        others = plan_table("apartments", "merge"), plan_table("user_viewing", "append")
        self.plan = plan_a_run(7, (replace(bookings, columns=columns), *others))
        define = self.marketplace.definition_hash
        positions = (
            Position("curated", t.name, 5, input_hash=self.marketplace.curated_hash(t), definition_hash=define(t.file))
            for t in self.marketplace.curated
        )
        self.ledger = Ledger(7, "one", "", tuple(positions))

    def is_rebuilt(self, layer: str, sources: frozenset[str]) -> bool:
        return False

    def build(self, name: str) -> CuratedBuild:
        return CuratedBuild(self, self.marketplace.curated_table(name))


ARRIVED = Arrivals(rows=1, least="10", greatest="20")


@pytest.mark.parametrize(
    ("table", "found", "raw", "curated"),
    [
        ("bookings", {}, "r._run_sequence > 5", "bookings.booking_id >= 10 and bookings.booking_id <= 20"),
        # What was gone kept its last values, which older versions have.
        ("apartments", {"removed": 1}, 'r."id" >= 10 and r."id" <= 20', "apartments.id >= 10 and apartments.id <= 20"),
        ("bookings", {"removed": 1}, "r._run_sequence > 5", "bookings.booking_id >= 10 and bookings.booking_id <= 20"),
        # All versions of the keys are needed.
        (
            "apartment_versions",
            {},
            'r."id" >= 10 and r."id" <= 20',
            "apartment_versions.id >= 10 and apartment_versions.id <= 20",
        ),
        # Orphans are as old as they are, and their keys may be any; the rejected ones are not in curated.
        (
            "bookings",
            {"orphans": 2, "orphans_since": 3},
            "r._run_sequence > 2",
            "bookings.booking_id >= 10 and bookings.booking_id <= 20",
        ),
        ("bookings", {"orphans": 2, "orphans_accepted": 1, "orphans_since": 9}, "r._run_sequence > 5", "true"),
    ],
)
def test_a_build_reads_what_it_judges(table, found, raw, curated):
    """By literals, the only thing by which Redshift skips blocks."""
    build = Request(replace(ARRIVED, **found)).build(table)
    assert (build.bound_raw("r"), build.bound_curated()) == (raw, curated)


OPEN = f"id between -{'9' * 38} and {'9' * 38}"


@pytest.mark.parametrize(
    ("table", "arrivals", "key_type", "bounds"),
    [
        ("apartments", ARRIVED, "bigint", "id between 10 and 20"),
        ("apartments", replace(ARRIVED, least="-3"), "bigint", "id between -3 and 20"),
        # Rows that were waiting for a parent may have any key; of a text no literal is a number.
        ("bookings", replace(ARRIVED, orphans=1, orphans_accepted=1), "bigint", OPEN),
        ("bookings", ARRIVED, "varchar(20)", OPEN),
        ("bookings", replace(ARRIVED, least="10.5"), "bigint", OPEN),
        ("user_viewing", Arrivals(rows=1, least="2026-11-20", greatest="2026-11-21"), "bigint", OPEN),
        ("apartments", Arrivals(rows=0), "bigint", OPEN),
    ],
)
def test_keys_are_written_as_literals_where_all_changed_rows_lie_between(table, arrivals, key_type, bounds):
    """Of what a metric asks of a table that grows; a colon that casts is left alone."""
    build = Request(arrivals, key_type).build(table)
    sql = "id between :least_key and :greatest_key and x::least_key = :least_keys"
    assert build.fill_in_keys(sql) == f"{bounds} and x::least_key = :least_keys"


def test_days_bound_an_append_table():
    """It has no keys."""
    build = Request(Arrivals(rows=1, least="2026-11-20", greatest="2026-11-21")).build("user_viewing")
    assert build.bound_raw("r") == "r._run_sequence > 5"
    assert build.bound_curated() == "user_viewing.event_day >= '2026-11-20' and user_viewing.event_day <= '2026-11-21'"


def test_parents_are_bounded_where_a_row_has_its_parents_key():
    """A listing's attributes are of the listing with their key; what a booking refers to may be any, and so what waited."""

    def bound(table: str, arrivals: Arrivals) -> str:
        request = Request(arrivals)
        request.plan = plan_a_run(7, (*request.plan.tables, plan_table("apartment_attributes", "merge")))
        build = request.build(table)
        return build.bound_parents(build.table.references, "_rp_parent")

    assert bound("apartment_attributes", ARRIVED) == '_rp_parent."id" >= 10 and _rp_parent."id" <= 20'
    assert bound("apartment_attributes", replace(ARRIVED, orphans=1, orphans_since=3)) == "true"
    assert bound("bookings", ARRIVED) == "true"


def test_a_text_that_is_cast_to_a_number_bounds_nothing():
    """'9' is greater than '10'."""
    build = Request(Arrivals(rows=1, least="10", greatest="9"), key_type="varchar(20)").build("bookings")
    assert build.bound_curated() == "true"


@pytest.mark.parametrize(
    ("table", "found", "is_untouched"),
    [
        ("bookings", {}, True),
        ("booking_versions", {}, True),
        # Rows without a day, or with a key that is NULL, have no ends.
        ("user_viewing", {"rows": 1}, False),
        ("bookings", {"orphans": 1, "orphans_since": 3}, False),
        ("bookings", {"joined": 1}, False),
    ],
)
def test_a_table_of_which_only_parents_changed_is_not_read(table, found, is_untouched):
    """Its position moves, by which the next run knows that parents up to here have been asked for."""
    request = Request(Arrivals(**{"rows": 0, **found}))
    curation = Curation(request, request.marketplace.curated_table(table))
    assert curation.is_untouched is is_untouched
    if is_untouched:
        begin, *move = curation.statements()
        assert begin == f"call expect_position('curated', '{table}', 5)"
        assert [re.search(r"\S+_control\.(\w+)", sql)[1] for sql in move] == ["layer_position", "layer_position"]


def test_a_full_build_reads_all():
    """Whatever arrived."""
    request = Request(ARRIVED)
    request.ledger = Ledger(7, "one", "", ())
    build = request.build("bookings")
    assert (build.is_full, build.bound_raw("r"), build.bound_curated()) == (True, "true", "true")
    assert not build.is_untouched


def test_a_key_is_touched_once():
    """Also where a run that stopped left one version above the position, and this run brought another."""
    for table in ("bookings", "apartment_versions"):
        request = Request(ARRIVED)
        touched = TouchedKeys(request, request.marketplace.curated_table(table)).select_touched()
        assert touched.startswith("select distinct ") and touched.endswith(" where _run_sequence > 5")
