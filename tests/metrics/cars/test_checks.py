"""Every check finds what it is for: a sound warehouse passes all, and each finds the one fault made for it."""

from datetime import date
from functools import partial

import pytest

from tests.metrics.cars.rows import location, rental, user, vehicle
from tests.metrics.cars.subject import CARS
from tests.metrics.engine import Engine

AS_OF = date(2024, 3, 8)

# The check, the fault, and what its example says.
FAULTS = [
    ("curated_keys_unique", "insert into curated.locations select * from curated.locations", "locations 1"),
    ("curated_keys_unique", "insert into curated.vehicles select * from curated.vehicles", "vehicles c1: 2 rows"),
    ("curated_keys_unique", "insert into curated.users select * from curated.users", "users: 2 rows of one key"),
    (
        "curated_keys_unique",
        "insert into curated.rental_transactions select * from curated.rental_transactions",
        "transactions r1",
    ),
    (
        "curated_values_in_range",
        "update curated.rental_transactions set total_amount = -1 where rental_id = 'r1'",
        "rental_transactions r1 breaks",
    ),
    (
        "curated_values_in_range",
        "update curated.rental_transactions set rental_seconds = 7 where rental_id = 'r1'",
        "rental_transactions r1 breaks",
    ),
    (
        "curated_values_in_range",
        "update curated.rental_transactions set rental_date = '2024-03-04'",
        "rental_transactions r1 breaks rental_date = cast",
    ),
    (
        "curated_values_in_range",
        "update curated.rental_transactions set ended_at = '2060-01-01',"
        " rental_seconds = extract(epoch from '2060-01-01'::timestamp - started_at)",
        "rental_transactions r1 breaks ended_at in the calendar",
    ),
    (
        "curated_values_in_range",
        "update curated.rental_transactions set ended_at = '2020-01-01'",
        "rental_transactions r1 breaks ended_at >= started_at",
    ),
    ("curated_values_in_range", "update curated.vehicles set vehicle_type = 'luxury'", "vehicles c1 breaks vehicle_type in"),
    ("references_known", "delete from curated.users", "rental_transactions r1: none of users has its user_id"),
    ("references_known", "delete from curated.vehicles where vehicle_id = 'c1'", "rental_transactions r1: none of vehicles"),
    (
        "references_known",
        "delete from curated.locations where location_id = 1",
        "r1: none of locations has its pickup_location_id",
    ),
    (
        "references_known",
        "delete from curated.locations where location_id = 2",
        "r1: none of locations has its dropoff_location_id",
    ),
    (
        "money_counted_once",
        "delete from staging.rentals_daily",
        "rentals_daily 2024-03-05: 0 rentals for 0 instead of 2 for 200.00",
    ),
    (
        "totals_counted_once",
        "update staging.location_rentals_total set revenue = revenue + 300",
        "location_rentals_total: 2 rentals for 800.00 and 2 dropoffs instead of 2 for 200.00",
    ),
    (
        "money_counted_once",
        "update staging.location_rentals_daily set revenue = 200",
        "2 rentals for 400.00 instead of 2 for 200.00",
    ),
    ("money_counted_once", "update staging.vehicle_type_rentals_daily set rentals = 9", "9 rentals for 200.00"),
    ("totals_counted_once", "delete from staging.vehicle_type_rentals_total", "vehicle_type_rentals_total: 0 rentals"),
    ("totals_counted_once", "update staging.user_rentals_total set rentals = 3", "user_rentals_total: 3 rentals for 200.00"),
    ("dropoffs_counted_once", "update staging.location_rentals_daily set dropoffs = 2", "2024-03-05: 4 instead of 2"),
    ("dropoffs_counted_once", "delete from staging.location_rentals_daily", "2024-03-05: 0 instead of 2"),
    ("totals_counted_once", "update staging.location_rentals_total set dropoffs = dropoffs + 1", "200.00 and 4 dropoffs"),
    (
        "use_counted_once",
        "update staging.fleet_use_daily set revenue = revenue + 0.01 where revenue > 0",
        "2 rentals for 200.00 by pickup and 200.01 by use instead of 2 for 200.00",
    ),
    ("use_counted_once", "delete from staging.fleet_use_daily", "0 rentals for 0 by pickup and 0 by use"),
    (
        "use_counted_once",
        "update staging.fleet_use_daily set pickup_revenue = 0",
        "2 rentals for 0.00 by pickup and 200.00 by use",
    ),
    ("use_counted_once", "update staging.fleet_use_daily set rentals = 3 where rentals > 0", "3 rentals for 200.00 by pickup"),
    (
        "metric_rows_unique",
        "insert into staging.user_rentals_total select * from staging.user_rentals_total",
        "user_rentals_total",
    ),
    ("metric_rows_unique", "insert into staging.rentals_daily select * from staging.rentals_daily", "rentals_daily 2024-03-05"),
    (
        "ranks_start_at_one",
        "update staging.location_rentals_total set location_rank = location_rank + 1",
        "location_rentals_total",
    ),
    ("ranks_start_at_one", "update staging.vehicle_type_rentals_total set vehicle_type_rank = 5", "vehicle_type_rentals_total"),
    ("metric_values_in_range", "update staging.user_rentals_total set average_amount = 101", "user_rentals_total"),
    ("metric_values_in_range", "update staging.rentals_daily set average_amount = 201", "rentals_daily"),
    ("metric_values_in_range", "update staging.location_rentals_daily set unique_vehicles = 3", "location_rentals_daily"),
    ("metric_values_in_range", "update staging.location_rentals_total set unique_vehicles = 0", "location_rentals_total"),
    ("metric_values_in_range", "update staging.vehicle_type_rentals_daily set min_hours = 11", "vehicle_type_rentals_daily"),
    (
        "metric_values_in_range",
        "update staging.vehicle_type_rentals_total set occupied_hours = 21",
        "vehicle_type_rentals_total",
    ),
    (
        "metric_values_in_range",
        "update staging.vehicle_type_rentals_daily set utilisation = 1.01",
        "vehicle_type_rentals",
    ),
    (
        "metric_values_in_range",
        "update staging.vehicle_type_rentals_total set utilisation = null",
        "vehicle_type_rentals",
    ),
    (
        "metric_values_in_range",
        "update staging.vehicle_type_rentals_daily set utilisation = 0.5",
        "vehicle_type_rentals_daily",
    ),
    (
        "metric_values_in_range",
        "update staging.vehicle_type_rentals_total set assumed_fleet_hours = fleet_hours + 1",
        "vehicle_type_rentals_total",
    ),
    ("metric_values_in_range", "update staging.fleet_use_daily set rented_fleet_seconds = 86401 * 2", "fleet_use_daily"),
    ("metric_values_in_range", "update staging.cars_out_daily set peak_at = '2024-03-06'", "cars_out_daily"),
    ("metric_values_in_range", "update staging.location_hours_monthly set utilisation = 1.01", "location_hours_monthly"),
    ("metric_values_in_range", "update staging.rental_lengths_weekly set share_of_rentals = 0", "rental_lengths_weekly"),
    ("metric_values_in_range", "update staging.user_cohorts_monthly set renters = users + 1", "user_cohorts_monthly"),
    (
        "vehicle_versions_do_not_overlap",
        "update curated.vehicle_versions set valid_from = '2001-01-01' where vehicle_id = 'c1' and valid_to is null",
        "c1 from 2001-01-01",
    ),
    (
        "vehicle_versions_do_not_overlap",
        "update curated.vehicle_versions set valid_to = null",
        "c1 from 2018-09-27",
    ),
    ("rentals_of_unknown_type", "delete from curated.vehicles where vehicle_id = 'c1'", "vehicle c1: 1 rentals for 100.00"),
    ("rentals_of_unknown_type", "update curated.vehicles set vehicle_type = 'unknown'", "vehicle c1: 1 rentals for 100.00"),
    (
        "tables_not_all_rejected",
        "insert into curated.rejected_rows select 'users', number::text, null, 'missing_date', 'creation_date='"
        " from generate_series(1, 100) as number; delete from curated.users",
        "users: all 100 rows, for example for missing_date",
    ),
    ("rentals_fresh", "update curated.rental_transactions set rental_date = '2024-02-29'", "no rental since 2024-0"),
    ("rentals_not_from_future", "update curated.rental_transactions set rental_date = '2024-03-09'", "rental r1 of 2024-03-09"),
    ("rentals_before_account", "update curated.users set created_on = '2024-03-06'", "rental r1 of 2024-03-05"),
    ("rentals_of_inactive_users", "update curated.users set is_active = false", "rental r1"),
    ("rentals_overlap", "update curated.rental_transactions set vehicle_id = 'c1'", "rental r2 of vehicle c1"),
    (
        "amounts_fit_rates",
        "update curated.vehicles set vehicle_type = 'premium'",
        "rental r1 of a premium vehicle: 100.00 for 36000 seconds",
    ),
]


@pytest.fixture(scope="module")
def engine(warehouse, aws):
    """A sound warehouse: two rentals of two cars on one day."""
    warehouse.empty()
    aws.client("s3").create_bucket(Bucket="checks-of-cars", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    engine = Engine(warehouse, "checks-of-cars", CARS, CARS.columns)
    engine.run(
        AS_OF,
        {
            "locations": [location(1), location(2)],
            "vehicles": [vehicle("c1"), vehicle("c2")],
            "users": [user("u1")],
            "rental_transactions": [rental("r1"), rental("r2", vehicle_id="c2", pickup_location=2, dropoff_location=1)],
        },
    )
    return engine


@pytest.fixture(scope="module")
def find(engine):
    """Return a function that makes a fault, runs a check, takes the fault back, and returns the examples found."""
    return partial(engine.find_violations, AS_OF)


def test_a_sound_warehouse_breaks_no_check(engine, find):
    """No check complains without a reason."""
    assert {check.name: find(check.name) for check in engine.list_checks()} == {check.name: [] for check in engine.list_checks()}


@pytest.mark.parametrize(
    ("check", "fault", "example"), FAULTS, ids=[f"{check}-{number}" for number, (check, _, _) in enumerate(FAULTS)]
)
def test_a_check_finds_its_fault(find, check, fault, example):
    """The fault is found, and the example names it."""
    found = find(check, fault)
    assert any(example in text for text in found), found


def test_every_check_has_a_fault(engine):
    """A check that nothing shows to work is none."""
    assert {check for check, _, _ in FAULTS} == {check.name for check in engine.list_checks()}
