"""At which rows of curated tables a run's checks look: those that it touched, or all where others have passed no check yet."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from rental_pipeline.definitions.marketplace import Check
from rental_pipeline.model.ledger import Position
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable
from rental_pipeline.warehouse.steps.check import _bound_rows, _is_as_published, _read_once, list_checks
from tests.fixtures.composed_steps import plan_table
from tests.unit.warehouse.test_bounds import ARRIVED, Request

BOUNDS = "bookings.booking_id >= 10 and bookings.booking_id <= 20"
PARENT = "9bf31c7ff062936a96d3c8bd1f8f2ff3"
# A listing has come of which bookings or viewings were there; the oldest of them came with run 3.
CAME: dict[str, Any] = {"orphans": 2, "orphans_since": 3, "orphan_parents": (PARENT,)}


class Checked(Request):
    """A run that builds bookings; all there is was published by run 5."""

    def __init__(self, published: int = 5, kind: str = "incremental", curated: tuple[str, ...] = ("bookings",), **found: Any):
        super().__init__(replace(ARRIVED, **found))
        referring = {table.name for table in self.marketplace.curated if table.references}
        arrivals = {name: each if name in referring else ARRIVED for name, each in self.pending.arrivals.items()}
        self.pending = replace(self.pending, curated=curated, arrivals=arrivals)
        attributes = plan_table("apartment_attributes", "snapshot")
        tables = tuple(_refer_to_listing(table) for table in (*self.plan.tables, attributes))
        self.plan = replace(self.plan, kind=kind, tables=tables)
        self.settings = SimpleNamespace(reporting_currency="USD")
        metric = Position("presentation", "top_listings_weekly", published)
        self.ledger = replace(self.ledger, positions=(*self.ledger.positions, metric))

    def look_at(self, table: str) -> str | None:
        return _bound_rows(self, self.marketplace.curated_table(table))


def _refer_to_listing(table: PlannedTable, kind: str = "bigint") -> PlannedTable:
    return replace(table, columns=(*table.columns, PlannedColumn("apartment_id", kind, "apartment_id", kind)))


def test_a_run_looks_at_the_rows_that_it_touched():
    """And at no table that it did not build."""
    assert Checked().look_at("bookings") == BOUNDS
    assert Checked().look_at("user_viewing") is None


def test_a_run_looks_at_no_row_of_a_table_of_which_only_parents_changed():
    """Though it moved its position."""
    assert Checked(rows=0, least=None, greatest=None).look_at("bookings") is None
    assert Checked(rows=0, least=None, greatest=None, published=4).look_at("bookings") == "true"


@pytest.mark.parametrize(
    "checked",
    [
        Checked(published=4),
        Checked(published=4, **CAME),
        Checked(kind="reconcile", **CAME),
        Checked(kind="rebuild"),
        Checked(orphans=1, orphans_since=1),
        Checked(joined=1, **CAME),
    ],
    ids=[
        "an earlier run did not publish",
        "an earlier run did not publish, and parents have come",
        "reconcile",
        "rebuild",
        "more parents have come than are written",
        "what is joined may touch any key",
    ],
)
def test_all_rows_are_looked_at_where_others_passed_no_check(checked):
    assert checked.look_at("bookings") == "true"


NAMES_PARENT = f"""md5(lower(rtrim(cast({{}}."apartment_id" as varchar(65535))))) in ('{PARENT}')"""
CHILDREN = (
    '(select _rp_child."id" from apartments_raw."bookings" as _rp_child where _rp_child._run_sequence > 2'
    f" and (_rp_child._run_sequence > 5 or {NAMES_PARENT.format('_rp_child')}))"
)


def test_where_a_parent_has_come_a_run_looks_at_its_children():
    """Beside what arrived; at their history, too, although no version is new, since checks hold the two against each other."""
    checked = Checked(**CAME)
    assert checked.look_at("bookings") == f"bookings.booking_id in {CHILDREN}"
    assert checked.look_at("booking_versions") == f"booking_versions.booking_id in {CHILDREN}"
    assert checked.look_at("apartment_versions") is None


def test_where_a_parent_has_come_a_run_looks_at_its_events():
    """They have no key: it is the rows of the days that arrived, and those that name the parent."""
    days = (
        'select distinct _event_day from apartments_raw."user_viewing" where _run_sequence > 5 union select event_day from'
        " apartments_control.changed_day where table_name = 'user_viewing' and run_sequence > 5"
    )
    assert (
        Checked(**CAME).look_at("user_viewing")
        == f"(user_viewing.event_day in ({days}) or {NAMES_PARENT.format('user_viewing')})"
    )


def test_all_events_are_looked_at_where_their_parent_cannot_be_told_for_certain():
    """A text may have been cleaned on its way; and a day is judged again whole, where a row was there without its parent."""
    named = Checked(**CAME)
    tables = (*named.plan.tables[:2], _refer_to_listing(plan_table("user_viewing", "append"), "varchar(20)"))
    named.plan = replace(named.plan, tables=tables)
    assert named.look_at("user_viewing") == "true"
    assert Checked(orphans_accepted=1, **CAME).look_at("user_viewing") == "true"
    assert Checked(orphans_accepted=1, **CAME).look_at("bookings") != "true"


def test_where_a_parent_has_come_each_table_of_children_is_read_once():
    """By all checks together, which know by name what they look at."""
    request = Checked(curated=("bookings", "user_viewing"), **CAME)
    made, checks = _read_once(request, list_checks(request))
    read = [*made.values(), *(check.violations for check in checks)]
    for table in ("bookings", "booking_versions", "user_viewing"):
        assert len([sql for sql in read for _ in re.findall(rf"apartments_curated\.{table}\b", sql)]) == 1, table
    joined = {check.name: check.violations for check in checks}["bookings_have_current_version"]
    assert "_rp_looked_at_" in joined and "apartments_curated.booking" not in joined


def test_a_check_of_children_and_of_other_rows_looks_at_all():
    """What it joins to them has other keys, and did not change."""
    request = Checked(**CAME)
    sql = "select 1 from apartments_curated.bookings inner join apartments_curated.apartments on bookings.apartment_id = id"
    for touched, is_whole in (
        (("bookings", "apartments"), True),
        (("bookings", "booking_versions"), False),
        (("bookings",), False),
    ):
        check = Check("c", "fail", sql, touched)
        request.marketplace = replace(request.marketplace, checks=(check,))
        assert (list_checks(request)[0].violations == sql) is is_whole, touched


def test_all_rows_of_a_table_that_was_never_published_are_looked_at():
    assert Checked(published=0).look_at("user_viewing") == "true"


def test_what_is_touched_is_accounted_for():
    """By the counts of its build, and what it wrote is looked at; a whole table by those of raw."""
    request = Checked()
    checks = {check.name: check.violations for check in list_checks(request)}
    assert f"from (select * from apartments_curated.bookings where {BOUNDS}) as bookings" in checks["bookings_accounted_for"]
    assert "curated_build" in checks["bookings_accounted_for"] and "user_viewing_accounted_for" not in checks
    assert f"(select * from apartments_curated.bookings where {BOUNDS}) as bookings" in checks["curated_values_in_range"]
    assert "user_viewing" not in checks["curated_values_in_range"]
    assert "apartments_control.curated_total where table_name = 'bookings'" in checks["tables_not_all_rejected"]
    whole = {check.name: check.violations for check in list_checks(Checked(kind="reconcile"))}
    assert (
        "apartments_raw" in whole["bookings_accounted_for"]
        and "from apartments_curated.bookings" in whole["tables_not_all_rejected"]
    )


def test_the_touched_rows_are_selected_once_for_all_checks():
    """Of the keys that arrived, which are few of those between the least and the greatest. A whole table is read as it is."""
    request = Checked()
    found = list_checks(request)
    made, checks = _read_once(request, found)
    (statement,) = [sql for name, sql in made.items() if name.startswith("_rp_looked_at_")]
    assert BOUNDS in statement and 'from apartments_raw."bookings" where _run_sequence > 5' in statement
    names = {check.name: check.violations for check in checks}
    assert [check.name for check in found] == list(names)
    assert all("_rp_looked_at_" in names[name] for name in ("curated_values_in_range", "curated_keys_unique"))
    assert not [name for name, sql in names.items() if f"where {BOUNDS}" in sql]
    whole, _ = _read_once(Checked(kind="reconcile"), list_checks(Checked(kind="reconcile")))
    assert list(whole) == ["_rp_newly_set_aside"]


def test_what_is_newly_set_aside_is_selected_once_for_all_checks():
    """Of the tables that were built: no other has set a row aside since the last publication."""
    request = Checked()
    listed = list_checks(request)
    assert [check.name for check in listed if "_set_aside" in check.name] == [
        "bookings_newly_set_aside",
        "bookings_set_aside_beyond_limit",
    ]
    made, checks = _read_once(request, listed)
    assert "set_aside_row.run_sequence > 5" in made["_rp_newly_set_aside"]
    told = {check.name: check.violations for check in checks}
    assert "from _rp_newly_set_aside as newly_set_aside" in told["bookings_newly_set_aside"]
    assert not [sql for sql in told.values() if "curated.rejected_rows" in sql and "newly_set_aside" in sql]


def test_a_check_of_what_is_as_it_was_says_what_it_said():
    """Of clean rows that no run has built since, by the same files and rates, and on the same day where it asks for it."""
    request = Checked()

    def find(**changed: str | None) -> set[str]:
        positions = [
            Position("control", "checks_and_charts", 5, input_hash=changed.get("checks", request.marketplace.audit_hash)),
            Position("control", "exchange_rate", 5, input_hash=changed.get("rates", request.marketplace.exchange_rate_hash)),
            Position("presentation", "top_listings_weekly", 5, as_of=changed.get("as_of", request.plan.as_of)),
        ]
        before = [each for each in request.ledger.positions if each.layer in ("raw", "curated")]
        again = Checked(curated=(changed.get("built", "bookings"),))
        again.ledger = replace(again.ledger, positions=(*before, *positions))
        return {check.name for check in list_checks(again) if _is_as_published(again, check)}

    assert find() == {"listings_without_rate"}
    for changed in ({"checks": "others"}, {"rates": "others"}, {"as_of": "2020-01-01"}, {"built": "apartments"}):
        assert find(**changed) == set(), changed


def test_what_is_joined_is_looked_at_whole_as_soon_as_one_table_is():
    """Else every row of it would miss its partner."""
    check = Check("c", "fail", "select 1 from m_curated.a left join m_curated.b on a.id = b.id", ("a", "b"))
    assert check.look_at({"a": "true"}, "m_curated").violations == check.violations
    assert "(select * from m_curated.b where false) as b" in check.look_at({"a": "a.id > 1"}, "m_curated").violations
