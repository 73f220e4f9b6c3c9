"""A parent that comes late: the checks find what is wrong with its children, and look at no other row of their tables."""

from datetime import date, datetime

import pytest

from rental_pipeline.base.errors import FixData
from tests.metrics.agreement import assert_agreed
from tests.metrics.apartments.rows import attributes, booking, listing, viewing

AS_OF = date(2024, 5, 1)

# What is done to the rows after the build, which check finds it, and what its example says.
FAULTS = [
    ("insert into bookings select * from bookings where booking_id = 2", "curated_keys_unique", "bookings 2: 2 rows"),
    (
        "insert into apartment_attributes select * from apartment_attributes where id = 2",
        "curated_keys_unique",
        "apartment_attributes 2",
    ),
    ("update bookings set checkout_date = '2020-01-01' where booking_id = 3", "curated_values_in_range", "bookings 3 breaks"),
    ("update user_viewing set viewed_at = '1970-01-01' where apartment_id = 2", "curated_values_in_range", "user_viewing 2024"),
    ("delete from user_viewing where apartment_id = 2", "user_viewing_accounted_for", "2 rows accepted, 0 of them looked at"),
    ("delete from bookings where booking_id = 3", "bookings_accounted_for", "2 rows accepted, 1 of them looked at"),
    ("delete from booking_versions where booking_id = 2", "bookings_have_current_version", "booking 2"),
    ("delete from apartments where id = 2", "references_known", "apartment_attributes 2: none of apartments has its id"),
]
# The same to rows of a listing that was there all along.
BEFORE = [
    "insert into apartment_attributes select * from apartment_attributes where id = 1",
    "update user_viewing set viewed_at = '1970-01-01' where apartment_id = 1",
    "delete from booking_versions where booking_id = 1",
]


@pytest.fixture
def run_late(make_engine):
    """Return a function that brings listing 2 after its two bookings and two viewings, and makes a fault before the checks."""

    def run(fault: str = "select 1"):
        engine = make_engine()
        days = [datetime(2024, 3, day, 8) for day in (2, 5)]
        first = {
            "apartments": [listing(1)],
            "apartment_attributes": [attributes(1), attributes(2)],
            "bookings": [booking(1), booking(2, apartment_id=2), booking(3, apartment_id=2)],
            "user_viewing": [viewing(day, apartment_id=key) for day in days for key in (1, 2)],
        }
        engine.run(date(2024, 4, 1), first)
        assert len(engine.read("curated.rejected_rows")) == 5
        take = engine._step

        def break_before_checks(step, name=None, **more):
            if step == "check":
                with engine.warehouse.connect() as connection:
                    connection.execute("set search_path to apartments_curated, redshift, pg_catalog")
                    connection.execute(fault)
            return take(step, name, **more)

        engine._step = break_before_checks
        engine.run(AS_OF, {"apartments": [listing(2)]})
        return engine

    return run


def test_a_parent_that_comes_late_brings_its_children(run_late):
    """And breaks no check."""
    engine = run_late()
    assert engine.read("curated.rejected_rows").empty
    assert_agreed(engine, AS_OF)


@pytest.mark.parametrize(("fault", "check", "example"), FAULTS)
def test_what_is_wrong_with_its_children_is_found(run_late, fault, check, example):
    """Whatever their keys and days are: they are not among what arrived."""
    with pytest.raises(FixData, match=rf"{check}: \d rows, for example {example}"):
        run_late(fault)


@pytest.mark.parametrize("fault", BEFORE)
def test_rows_that_the_run_did_not_touch_are_not_looked_at(run_late, fault):
    """They are the reconcile run's."""
    run_late(fault)
