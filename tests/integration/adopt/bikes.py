"""A city's shared bikes: rides by the minute, from station to station, in a schema that a small team has grown: enums, sets,
flags in bits, texts as keys, models in a table of their own, an amount of six decimals, a ride that goes on without an end.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from tests.fixtures.mariadb import SourceDatabase

PERSONAL = {
    "riders": "full_name mail mobile birthday card_last4 password_hash",
    "support_calls": "caller phone summary",
    "maintenance": "mechanic_name",
}
TABLES = {
    "bike_models": "id smallint unsigned not null auto_increment primary key, label varchar(40), category"
    " enum('basic','premium','high_end'), brand varchar(40) charset ascii, model_year year, extras set('basket','light','lock')",
    "bikes": "id bigint unsigned not null auto_increment primary key, model_id smallint unsigned not null, is_active bit(1)"
    " not null default b'1', `order` int, battery decimal(5,2), created_at datetime not null, specs json,"
    " foreign key (model_id) references bike_models (id)",
    "stations": "id int not null auto_increment primary key, name varchar(60), city varchar(40), region varchar(20), capacity"
    " tinyint unsigned, opened date",
    "riders": "code varchar(12) not null primary key, full_name varchar(80), mail varchar(120), mobile varchar(30), birthday"
    " date, card_last4 char(4), password_hash varchar(80), created_at datetime not null",
    "rides": "id bigint unsigned not null auto_increment primary key, bike_id bigint unsigned not null, customer_id varchar(12),"
    " start_time datetime(6) not null, end_time datetime(6), start_station_id int, end_station_id int,"
    " amount decimal(20,6), currency char(3) not null default 'EUR', status enum('done','cancelled','running') not null,"
    " created_at datetime not null, foreign key (bike_id) references bikes (id), foreign key (customer_id) references riders"
    " (code), foreign key (start_station_id) references stations (id), foreign key (end_station_id) references stations (id)",
    "maintenance": "bike_id bigint unsigned not null, day date not null, mechanic_name varchar(60), done bit(1),"
    " primary key (bike_id, day)",
    "support_calls": "id int auto_increment primary key, caller varchar(60), phone varchar(40), summary text, at timestamp",
}
CURRENCY = "EUR"  # of all figures
METRICS = 12
TEMPLATE, HISTORY = "cars", {"vehicles": "vehicle_id", "users": "user_id", "locations": "location_id"}
CURATED = {"vehicles", "vehicle_versions", "rental_transactions", "users", "locations"}
UNKNOWN: dict[str, list[str]] = {}
CHANGES = (
    "update bikes set is_active = b'0' where id % 4 = 0",
    "update bike_models set brand = 'Gazelle' where id = 2",
    "update rides set amount = amount + 0.5 where id % 7 = 0",
    "update rides set status = 'cancelled' where id % 11 = 0",
    "update rides set status = 'done', end_time = start_time + interval 40 minute, amount = 3, end_station_id = 1"
    " where status = 'running'",
    "update stations set city = 'Brugge' where id = 2",
)
_KINDS = ("basic", "premium", "high_end")


def make(source: SourceDatabase, bikes: int = 8, rides: int = 120) -> None:
    """Create the tables, and fill them; the same rows each time."""
    for name, columns in TABLES.items():
        source.make_table(name, columns)
    chance = random.Random(3)
    begin = datetime(2026, 4, 6)
    for number, kind in enumerate(_KINDS, start=1):
        source.insert(
            "bike_models", id=number, label=f"M{number}", category=kind, brand=("Gazelle", "Batavus")[number % 2], model_year=2020
        )
    for number in range(1, bikes + 1):
        source.insert("bikes", id=number, model_id=number % 3 + 1, order=number, created_at=begin - timedelta(days=20 + number))
    for number, (name, city) in enumerate((("North", "Gent"), ("South", "Gent"), ("Beach", "Oostende")), start=1):
        source.insert("stations", id=number, name=name, city=city, region="VL", capacity=12)
    for number in range(1, 16):
        source.insert(
            "riders",
            code=f"R{number:04}",
            full_name=f"{('Jan', 'Emma', 'Lucas')[number % 3]} Peeters",
            mail=f"r{number}@example.org",
            mobile=f"+32 470 00 00 {number:02}",
            card_last4="4242",
            password_hash="$2y$10$" + "b" * 53,
            created_at=begin + timedelta(days=number % 9),
        )
        source.insert(
            "support_calls", caller=f"{('Jan', 'Emma')[number % 2]} Maes", phone=f"0470 00 00 {number:02}", summary="Flat"
        )
        source.insert("maintenance", bike_id=number % bikes + 1, day=begin + timedelta(days=number), mechanic_name="Lucas Maes")
    for number in range(1, rides + 1):
        start = begin + timedelta(minutes=chance.randint(0, 60 * 24 * 40), seconds=chance.randint(0, 59))
        status = ("done", "done", "done", "cancelled", "done", "running")[number % 6] if number > rides - 12 else "done"
        source.insert(
            "rides",
            bike_id=chance.randint(1, bikes),
            customer_id=f"R{chance.randint(1, 15):04}",
            start_time=start,
            end_time=None if status == "running" else start + timedelta(minutes=chance.randint(3, 200), microseconds=250000),
            start_station_id=chance.randint(1, 3),
            end_station_id=None if status == "running" else chance.randint(1, 3),
            amount=None if status == "running" else round(1 + number * 0.137, 6),
            currency="GBP" if number == 5 else "EUR",
            status=status,
            created_at=start,
        )


def read_world(source: SourceDatabase) -> dict[str, list[dict[str, Any]]]:
    """Return the rows in the shape of sql/cars' source, by hand: what the tables mean, said a second time."""
    models = {row["id"]: row for row in source.query_rows("select * from bike_models")}
    unused = (
        *("license_type", "expiration_date", "permit_license_number", "vehicle_license_number", "base_telephone_number"),
        *("base_address", "last_update_timestamp"),
    )
    vehicles = [
        dict.fromkeys(unused)
        | {
            "vehicle_id": str(row["id"]),
            "vehicle_type": models[row["model_id"]]["category"],
            "brand": models[row["model_id"]]["brand"],
            "vehicle_year": models[row["model_id"]]["model_year"],
            "active": int(row["is_active"] == b"\x01"),
            "certification_date": row["created_at"].date(),
            "changed_at": None,
        }
        for row in source.query_rows("select * from bikes")
    ]
    users = [
        {"user_id": row["code"], "email": None, "creation_date": row["created_at"].date(), "is_active": None}
        for row in source.query_rows("select * from riders")
    ]
    # Nobody has decided whether a station's name is somebody's.
    places = dict.fromkeys(("address", "zip_code", "latitude", "longitude"))
    locations = [
        places | {"location_id": row["id"], "location_name": None, "city": row["city"], "state": row["region"]}
        for row in source.query_rows("select * from stations")
    ]
    rentals = [
        {
            "rental_id": str(row["id"]),
            "user_id": row["customer_id"],
            "vehicle_id": str(row["bike_id"]),
            "rental_start_time": row["start_time"],
            "rental_end_time": row["end_time"],
            "pickup_location": row["start_station_id"],
            "dropoff_location": row["end_station_id"],
            "total_amount": row["amount"],
        }
        for row in source.query_rows("select * from rides")
        if row["status"] == "done" and row["currency"] == CURRENCY
    ]
    return {"vehicles": vehicles, "users": users, "locations": locations, "rental_transactions": rentals}
