"""The apartments marketplace as a subject of the tests."""

from __future__ import annotations

from tests.metrics.apartments.judge import judge, judge_rows
from tests.metrics.subject import Subject

KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id", "user_viewing": None}

# The columns of raw as the sample schema gives them, and as a source with real types would.
TEXT_COLUMNS = {
    "apartments": "id bigint, title varchar(1020), source varchar(400), price decimal(10, 2), currency varchar(12),"
    " listing_created_on varchar(128), is_active varchar(32), last_modified_timestamp varchar(128), changed_at timestamp",
    "apartment_attributes": "id bigint, category varchar(400), body varchar(65535), amenities varchar(65535),"
    " bathrooms varchar(64), bedrooms varchar(64), fee varchar(128), has_photo varchar(64), pets_allowed varchar(256),"
    " price_display varchar(256), price_type varchar(128), square_feet integer, address varchar(1020), cityname varchar(400),"
    " state varchar(400), latitude decimal(10, 7), longitude decimal(10, 7)",
    "bookings": "booking_id bigint, user_id bigint, apartment_id bigint, booking_date varchar(128), checkin_date varchar(128),"
    " checkout_date varchar(128), total_price decimal(10, 2), currency varchar(12), booking_status varchar(80),"
    " payment_status varchar(80), num_guests integer, changed_at timestamp",
    "user_viewing": "user_id bigint, apartment_id bigint, viewed_at varchar(128), is_wishlisted varchar(32),"
    " call_to_action varchar(200), recorded_at timestamp",
}
TYPED_COLUMNS = {
    **TEXT_COLUMNS,
    "apartments": "id bigint, title varchar(1020), source varchar(400), price decimal(10, 2), currency char(3),"
    " listing_created_on timestamp, is_active smallint, last_modified_timestamp timestamp, changed_at timestamp",
    "apartment_attributes": "id bigint, category varchar(400), body varchar(65535), amenities varchar(65535),"
    " bathrooms decimal(4, 1), bedrooms smallint, fee decimal(8, 2), has_photo smallint, pets_allowed varchar(256),"
    " price_display varchar(256), price_type varchar(128), square_feet integer, address varchar(1020), cityname varchar(400),"
    " state varchar(400), latitude double precision, longitude double precision",
    "bookings": "booking_id bigint, user_id varchar(64), apartment_id bigint, booking_date timestamp, checkin_date date,"
    " checkout_date date, total_price decimal(10, 2), currency char(3), booking_status varchar(80),"
    " payment_status varchar(80), num_guests smallint, changed_at timestamp",
    "user_viewing": "user_id varchar(64), apartment_id bigint, viewed_at timestamp, is_wishlisted smallint,"
    " call_to_action varchar(200), recorded_at timestamp",
}

APARTMENTS = Subject("apartments", KEYS, TEXT_COLUMNS, judge_rows, judge)
