"""The cars marketplace as a subject of the tests."""

from __future__ import annotations

from tests.metrics.cars.judge import judge, judge_rows
from tests.metrics.subject import Subject

KEYS = {"locations": "location_id", "vehicles": "vehicle_id", "users": "user_id", "rental_transactions": "rental_id"}

# The columns of raw as the sample schema and the contract give them, and as a source that writes everything as text would.
COLUMNS = {
    "locations": "location_id integer, location_name varchar(1020), address varchar(1020), city varchar(400), state varchar(400),"
    " zip_code varchar(40), latitude decimal(10, 7), longitude decimal(10, 7)",
    "vehicles": "active varchar(32), vehicle_license_number varchar(80), license_type varchar(200), expiration_date varchar(128),"
    " permit_license_number varchar(80), certification_date varchar(128), vehicle_year integer,"
    " base_telephone_number varchar(128), base_address varchar(1020), vehicle_id varchar(40),"
    " last_update_timestamp varchar(128), brand varchar(400), vehicle_type varchar(128), changed_at timestamp",
    "users": "user_id varchar(40), email varchar(64), creation_date date, is_active varchar(32)",
    "rental_transactions": "rental_id varchar(40), user_id varchar(40), vehicle_id varchar(40), rental_start_time timestamp,"
    " rental_end_time timestamp, pickup_location integer, dropoff_location integer, total_amount decimal(10, 2),"
    " changed_at timestamp",
}
TEXT_COLUMNS = {
    **COLUMNS,
    "locations": "location_id integer, location_name varchar(4000), address varchar(4000), city varchar(400), state varchar(400),"
    " zip_code varchar(400), latitude varchar(40), longitude varchar(40)",
    "vehicles": COLUMNS["vehicles"]
    .replace("vehicle_year integer", "vehicle_year varchar(40)")
    .replace("vehicle_id varchar(40)", "vehicle_id varchar(400)")
    .replace("varchar(1020)", "varchar(4000)")
    .replace("brand varchar(400)", "brand varchar(4000)"),
    "users": "user_id varchar(400), email varchar(64), creation_date varchar(128), is_active varchar(32)",
    "rental_transactions": "rental_id varchar(400), user_id varchar(400), vehicle_id varchar(400),"
    " rental_start_time varchar(128), rental_end_time varchar(128), pickup_location integer, dropoff_location integer,"
    " total_amount varchar(40), changed_at timestamp",
}

CARS = Subject("cars", KEYS, COLUMNS, judge_rows, judge)
