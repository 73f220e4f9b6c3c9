"""What is read of the raw tables that a curated table joins: by literals, of those in which something arrived."""

from dataclasses import replace

import pytest

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.model.arrivals import Arrivals, JoinedArrivals
from rental_pipeline.warehouse.steps.arrivals import read_arrivals
from rental_pipeline.warehouse.steps.joined import JoinedTables
from tests.unit.warehouse.test_bounds import ARRIVED, Request

JOINS = {
    "apartments": JoinedArrivals(rows=3, least="100", greatest="120", referred_least="40", referred_greatest="50"),
    "users": JoinedArrivals(),
}


def join(arrivals: Arrivals | None, only_new: bool = False, referring: str = "bigint") -> JoinedTables:
    """Return the joins of bookings to apartments by their key, to users by another column, and from there to places."""
    request = Request(ARRIVED)
    bookings, apartments, _ = request.plan.tables
    of = apartments.columns[0]
    bookings = replace(bookings, columns=(*bookings.columns, replace(of, name="apartment_id", type=referring)))
    others = tuple(replace(apartments, name=name) for name in ("users", "places"))
    request.plan = replace(request.plan, tables=(bookings, apartments, *others))
    table = request.marketplace.curated_table("bookings")
    header = {**table.file.header, "joins": "apartment_id -> apartments.id, value -> users.value, users.value -> places.id"}
    return JoinedTables(request, CuratedTable(replace(table.file, header=header)), 5, arrivals, only_new)


def test_only_tables_in_which_something_arrived_touch_rows():
    """By the ends of their keys. Of a table that the record does not name nothing is known, so it is read whole."""
    known = replace(ARRIVED, joined=3, joins=JOINS)
    apartments, places = join(known).select_touched(["id"])
    bounds = '{0}."id" >= 100 and {0}."id" <= 120'
    assert bounds.format("_rp_version") in apartments and bounds.format("_rp_arrived") in apartments
    assert "_rp_version" in places and ">= 100" not in places and "where true" in places
    assert len(join(replace(known, joins={})).select_touched(["id"])) == len(join(None).select_touched(["id"])) == 3


@pytest.mark.parametrize(
    ("only_new", "referring", "is_bound"),
    [(True, "bigint", True), (True, "decimal(20, 0)", True), (True, "varchar(20)", False), (False, "bigint", False)],
)
def test_new_rows_lead_to_few(only_new, referring, is_bound):
    """Where all rows that are judged are new, `pending` has seen where they lead; a text sorts otherwise than a number."""
    apartments, users, places = join(replace(ARRIVED, joins=JOINS), only_new, referring).create()
    assert ('."id" >= 40 and ' in apartments and '."id" <= 50' in apartments) == is_bound
    assert ">= 40" not in users and ">= 40" not in places


@pytest.mark.parametrize(
    ("found", "judges"),
    [({}, True), ({"joined": 1}, False), ({"orphans": 1, "orphans_since": 3}, False)],
)
def test_rows_that_others_touch_are_not_new(found, judges):
    """A joined row or a parent that came touches older rows, which may lead anywhere."""
    assert Request(replace(ARRIVED, **found)).build("bookings").judges_new_rows == judges


def test_a_removed_row_that_keeps_its_values_is_not_new():
    """What it was stands in older versions."""
    assert not Request(replace(ARRIVED, removed=1)).build("apartments").judges_new_rows
    assert Request(replace(ARRIVED, removed=1)).build("bookings").judges_new_rows


def test_what_arrived_in_joined_tables_is_added_up():
    """For each table that joins; a row of the answer is about the table itself, or about one that it joins."""
    table = Request(ARRIVED).marketplace.curated_table("bookings")
    own = {"_rp_table": "bookings", "_rp_join": None, "_rp_least": "10", "_rp_greatest": "20", "_rp_removed": 0, "_rp_rows": 1}
    ends = {"_rp_least": "100", "_rp_greatest": "120", "_rp_referred_least": "40", "_rp_referred_greatest": "50"}
    rows = [own, {"_rp_table": "bookings", "_rp_join": "apartments", "_rp_rows": 3, **ends}]
    assert read_arrivals([table], rows, []) == {"bookings": replace(ARRIVED, joined=3, joins={"apartments": JOINS["apartments"]})}


def test_a_source_names_columns_as_mysql_lets_it():
    """With blanks and dashes, in references and joins, too."""
    table = Request(ARRIVED).marketplace.curated_table("bookings")
    lines = {"references": "zimmer nr as apartment_id -> apartments.zimmer-nr", "joins": "haus nr -> users.haus nr"}
    named = CuratedTable(replace(table.file, header={**table.file.header, **lines}))
    (reference,), (joined,) = named.references, named.joins
    assert (reference.column, reference.curated_column, reference.parent_key) == ("zimmer nr", "apartment_id", "zimmer-nr")
    assert (joined.left, joined.column, joined.table, joined.to) == (None, "haus nr", "users", "haus nr")
