"""Every check finds what it is for: a sound warehouse passes all that fail a run, and each finds the one fault made for it."""

from datetime import date, datetime
from functools import partial

import pytest

from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.apartments.subject import APARTMENTS
from tests.metrics.engine import Engine

AS_OF = date(2024, 3, 20)

# The check, the fault, and what its example says.
FAULTS = [
    ("curated_keys_unique", "insert into curated.bookings select * from curated.bookings where booking_id = 1", "bookings 1"),
    ("curated_keys_unique", "insert into curated.apartment_versions select * from curated.apartment_versions", "versions 1 2024"),
    ("curated_values_in_range", "update curated.apartments set price = -1 where id = 1", "apartments 1 breaks price >= 0"),
    (
        "curated_values_in_range",
        "update curated.apartments set listing_created_at = '1970-01-01' where id = 1",
        "apartments 1 breaks listing_created",
    ),
    (
        "curated_values_in_range",
        "update curated.apartment_versions set valid_to = valid_from where id = 1",
        "breaks valid_to > valid_from",
    ),
    (
        "curated_values_in_range",
        "update curated.bookings set checkout_date = '2020-01-01' where booking_id = 1",
        "bookings 1 breaks checkout",
    ),
    (
        "curated_values_in_range",
        "update curated.bookings set booking_date = '2060-01-01' where booking_id = 1",
        "bookings 1 breaks booking_date in",
    ),
    (
        "curated_values_in_range",
        "update curated.user_viewing set viewed_at = '1970-01-01'",
        "user_viewing 2024-03-19 breaks viewed_at in the calendar",
    ),
    ("call_to_action_known", "update curated.user_viewing set call_to_action = 'waved'", "waved in 1 viewings"),
    ("references_known", "delete from curated.apartments where id = 1", "bookings 1: none of apartments has its apartment_id"),
    ("references_known", "delete from curated.apartments where id = 1", "user_viewing 2024-03-19: none"),
    ("references_known", "delete from curated.apartments where id = 1", "apartment_versions 1"),
    ("references_known", "delete from curated.apartments where id = 1", "apartment_attributes 1"),
    ("listings_have_current_version", "update curated.apartments set price = 7 where id = 1", "listing 1"),
    ("listings_have_current_version", "delete from curated.apartment_versions where id = 2", "listing 2"),
    ("listings_have_current_version", "update curated.apartments set removed_at = '2024-03-19' where id = 2", "listing 2"),
    (
        "listings_have_current_version",
        "insert into curated.rejected_rows values ('apartments', '2', null, 'negative_price', 'price=-1', null, null)",
        "listing 2 breaks negative_price",
    ),
    (
        "bookings_have_current_version",
        "update curated.bookings set checkin_date = '2024-03-12' where booking_id = 1",
        "booking 1",
    ),
    ("bookings_have_current_version", "update curated.bookings set booking_status = 'pending' where booking_id = 2", "booking 2"),
    (
        "bookings_have_current_version",
        "insert into curated.rejected_rows values ('bookings', '3', null, 'negative_price', 'total_price=-1', null, null)",
        "booking 3 breaks negative_price",
    ),
    (
        "versions_do_not_overlap",
        "insert into curated.apartment_versions values (1, '2024-01-01', null, 5, 'USD', true, false)",
        "listing 1 before 2024-01-01",
    ),
    ("metric_rows_unique", "insert into staging.occupancy_monthly select * from staging.occupancy_monthly", "occupancy_monthly"),
    (
        "metric_rows_unique",
        "insert into staging.popular_cities_weekly select * from staging.popular_cities_weekly",
        "popular_cities",
    ),
    (
        "metric_values_in_range",
        "update staging.occupancy_monthly set occupancy_rate = 1.5",
        "occupancy_monthly 2024-03-01 breaks",
    ),
    (
        "metric_values_in_range",
        "update staging.occupancy_monthly set occupancy_rate = null where available_nights > 0",
        "occupancy_monthly 2024-03-01 breaks",
    ),
    (
        "metric_values_in_range",
        "update staging.occupancy_monthly set available_nights_assumed = available_nights + 1",
        "occupancy_monthly 2024-03-01 breaks",
    ),
    (
        "metric_values_in_range",
        "update staging.repeat_customers_daily set repeat_users = users_with_bookings + 1",
        "repeat_customers_daily",
    ),
    (
        "metric_values_in_range",
        "update staging.average_listing_price_weekly set average_price = null",
        "average_listing_price_weekly",
    ),
    (
        "metric_values_in_range",
        "update staging.average_listing_price_weekly set listings_assumed = 9",
        "average_listing_price_weekly",
    ),
    ("metric_values_in_range", "update staging.top_listings_weekly set revenue = -1", "top_listings_weekly"),
    ("metric_values_in_range", "update staging.top_listings_weekly set revenue = null", "top_listings_weekly"),
    ("metric_values_in_range", "update staging.top_listings_weekly set bookings_without_rate = bookings", "top_listings_weekly"),
    ("ranks_start_at_one", "update staging.popular_cities_weekly set city_rank = city_rank + 1", "popular_cities_weekly"),
    ("ranks_start_at_one", "update staging.popular_cities_weekly set city_rank = 0", "popular_cities_weekly"),
    ("bookings_counted_once", "delete from staging.top_listings_weekly", "top_listings_weekly 2024-03-04: 0 instead of 2"),
    ("bookings_counted_once", "update staging.bookings_per_user_weekly set bookings = 9", "2024-03-04: 18 instead of 2"),
    ("bookings_counted_once", "update staging.average_booking_duration_monthly set stays = 5", "2024-03-01: 5 instead of 3"),
    ("listing_counts_agree", "update staging.average_listing_price_weekly set listings = 77", "week of"),
    (
        "nights_add_up",
        "update staging.nights_monthly set revenue = revenue + 0.01 where segment = 'all' and booked_nights > 0",
        "month of 2024-03-01: 1500.01 instead of 1500.00",
    ),
    (
        "nights_add_up",
        "update staging.nights_monthly set available_nights = available_nights + 1 where segment = 'bedrooms'",
        "month of 2024-03-01: the members of bedrooms do not add up to all",
    ),
    ("nights_add_up", "delete from staging.nights_monthly where segment = 'city'", "the members of city do not add up to all"),
    (
        "nights_add_up",
        "update staging.occupancy_monthly set booked_nights = booked_nights - 1 where booked_nights > 0",
        "month of 2024-03-01: other nights than in occupancy_monthly",
    ),
    (
        "metric_values_in_range",
        "update staging.nights_monthly set revpar = adr where adr is not null",
        "nights_monthly 2024-03-01",
    ),
    ("metric_values_in_range", "update staging.listings_weekly set lost_listings = lost_listings + 1", "listings_weekly"),
    ("metric_values_in_range", "update staging.bookings_weekly set days_0 = days_0 + 1", "bookings_weekly 2024-03-04"),
    ("metric_values_in_range", "update staging.guests_monthly set guests = bookings + 1", "guests_monthly 2024-03-01"),
    ("metric_values_in_range", "update staging.conversion_weekly set viewers_who_booked = viewers + 1", "conversion_weekly"),
    ("bookings_fresh", "update curated.bookings set booking_date = '2024-03-12'", "no booking since 2024-03-13"),
    ("bookings_not_from_future", "update curated.bookings set booking_date = '2024-03-21' where booking_id = 1", "booking 1"),
    ("bookings_without_rate", "update curated.bookings set currency = 'XAU' where booking_id = 1", "XAU: 1 confirmed bookings"),
    ("listings_without_rate", "update curated.apartments set currency = 'XAU' where id = 1", "XAU: 1 active listings"),
    ("bookings_without_city", "update curated.apartment_attributes set city = null where id = 1", "of listing 1"),
    ("bookings_without_city", "delete from curated.apartment_attributes where id = 1", "of listing 1"),
    (
        "tables_not_all_rejected",
        "insert into curated.rejected_rows select 'user_viewing', number::text, null, 'unparseable_date', 'viewed_at=x'"
        " from generate_series(1, 100) as number; delete from curated.user_viewing",
        "user_viewing: all 100 rows, for example for unparseable_date",
    ),
]


@pytest.fixture(scope="module")
def find(module_engine):
    """Return a function that makes a fault, runs a check, takes the fault back, and returns the examples found."""

    return partial(module_engine.find_violations, AS_OF)


@pytest.fixture(scope="module")
def module_engine(warehouse, aws):
    """A sound warehouse: two listings, two bookings, a viewing."""
    warehouse.empty()
    aws.client("s3").create_bucket(Bucket="checks-of-metrics", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    engine = Engine(warehouse, "checks-of-metrics", APARTMENTS, APARTMENTS.columns)
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1), listing(2, is_active="0")],
            "apartment_attributes": [attributes(1), attributes(2, cityname="Paris")],
            "bookings": [
                booking(1, booking_date="2024-03-15"),
                *(booking(key, user_id=key) for key in (2, 3)),
                booking(4, booking_status="canceled"),
            ],
            "user_viewing": [viewing(datetime(2024, 3, 19, 8))],
        },
    )
    return engine


def test_a_sound_warehouse_breaks_no_check(module_engine, find):
    """No check complains without a reason."""
    assert {check.name: find(check.name) for check in module_engine.list_checks()} == {
        check.name: [] for check in module_engine.list_checks()
    }


@pytest.mark.parametrize(
    ("check", "fault", "example"), FAULTS, ids=[f"{check}-{number}" for number, (check, _, _) in enumerate(FAULTS)]
)
def test_a_check_finds_its_fault(find, check, fault, example):
    """The fault is found, and the example names it."""
    found = find(check, fault)
    assert found
    assert any(example in text for text in found), found


def test_every_check_has_a_fault(module_engine):
    """A check that nothing shows to work is none."""
    assert {check for check, _, _ in FAULTS} == {check.name for check in module_engine.list_checks()}
