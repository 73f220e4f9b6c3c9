"""A PHP hotel shop: 41 tables under a prefix, `date_upd` kept by the application, enums, states and currencies by number, several
shops in one database; a stay is a row of a room, whose order has customer, money's currency and state.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from tests.fixtures.mariadb import SourceDatabase
from tests.integration.adopt.judged_rows import make_attributes, make_booking, make_listing

PERSONAL = {
    "hs_customer": "firstname lastname email passwd birthday secure_key last_passwd_gen_ip siret website note",
    "hs_address": "firstname lastname company address1 address2 postcode city phone phone_mobile dni vat_number other",
    "hs_employee": "firstname lastname email passwd",
    "hs_guest_book": "author_name author_email body",
    "hs_customer_message": "message ip_address user_agent",
    "hs_orders": "secure_key gift_message",
    "hs_newsletter": "email ip_registration_newsletter",
    "hs_hotel": "phone email contact_name",
    "hs_order_payment": "card_number card_holder",
    "hs_log_mail": "recipient subject",
    "hs_misc": "field1 field2 field3",
}
_DATES = "date_add datetime not null, date_upd datetime not null"
# Of one table the server itself keeps the time of its last change.
_MOVED = "date_add datetime not null, date_upd timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)"
TABLES = {
    "hs_room_type": "id_room_type int unsigned not null auto_increment primary key, id_hotel int unsigned not null, id_shop"
    " int not null"
    " default 1, price decimal(20,6) not null, active tinyint(1) unsigned not null default 1, rate_class enum('standard','suite')"
    f" not null default 'standard', num_rooms int, {_MOVED}, key (id_hotel)",
    "hs_hotel": "id_hotel int unsigned not null auto_increment primary key, hotel_name varchar(120), city varchar(64), state_code"
    f" varchar(8), phone varchar(32), email varchar(128), contact_name varchar(80), stars tinyint, {_DATES}",
    "hs_orders": "id_order int unsigned not null auto_increment primary key, reference varchar(9), id_shop int not null"
    " default 1,"
    " id_customer int unsigned not null, id_currency int unsigned not null, current_state int unsigned not null, secure_key"
    " varchar(32),"
    f" payment varchar(255), module varchar(255), gift_message text, total_paid decimal(20,6), valid tinyint(1), {_DATES}",
    "hs_booking_detail": "id_booking_detail int unsigned not null auto_increment primary key, id_room_type int unsigned not null,"
    " id_order int unsigned not null, date_from datetime not null, date_to datetime not null, total_price decimal(20,6) not null,"
    f" adults int, is_cancelled tinyint(1) not null default 0, {_DATES}, key (id_order), key (id_room_type)",
    "hs_order_state": "id_order_state int unsigned not null auto_increment primary key, color varchar(32), paid tinyint(1),"
    " deleted"
    " tinyint(1) not null default 0",
    "hs_order_state_lang": "id_order_state int unsigned not null, id_lang int unsigned not null, name varchar(64) not null,"
    " template"
    " varchar(64) not null default '', primary key (id_order_state, id_lang)",
    "hs_currency": "id_currency int unsigned not null auto_increment primary key, iso_code varchar(3) not null, conversion_rate"
    " decimal(13,6) not null default 1, deleted tinyint(1) not null default 0",
    "hs_customer": "id_customer int unsigned not null auto_increment primary key, id_gender int, firstname varchar(64), lastname"
    " varchar(64), email varchar(128), passwd varchar(60), birthday date, secure_key varchar(32), last_passwd_gen_ip varchar(45),"
    f" siret varchar(14), website varchar(128), note text, newsletter tinyint(1), active tinyint(1) not null default 1, {_DATES}",
    "hs_address": "id_address int unsigned not null auto_increment primary key, id_customer int unsigned, company"
    " varchar(64), lastname"
    " varchar(64), firstname varchar(64), address1 varchar(128), address2 varchar(128), postcode varchar(12), city"
    " varchar(64), other"
    f" text, phone varchar(32), phone_mobile varchar(32), vat_number varchar(32), dni varchar(16), {_DATES}",
    "hs_employee": f"id_employee int unsigned not null auto_increment primary key, firstname varchar(64), lastname"
    f" varchar(64), email"
    f" varchar(128), passwd varchar(60), {_DATES}",
    "hs_guest_book": "id_entry int not null auto_increment primary key, author_name varchar(80), author_email varchar(128),"
    " body text,"
    f" {_DATES}",
    "hs_customer_message": "id_customer_message int not null auto_increment primary key, id_order int, message text, ip_address"
    f" varchar(45), user_agent varchar(128), {_DATES}",
    "hs_newsletter": "id int not null auto_increment primary key, email varchar(128), ip_registration_newsletter varchar(45),"
    " active"
    " tinyint(1)",
    "hs_order_payment": "id_order_payment int not null auto_increment primary key, order_reference varchar(9), amount"
    " decimal(20,6),"
    f" card_number varchar(254), card_holder varchar(128), {_DATES}",
    "hs_log_mail": "id_mail int not null auto_increment primary key, recipient varchar(126), template varchar(62), subject"
    " varchar(254),"
    " date_add timestamp not null default current_timestamp on update current_timestamp",
    "hs_misc": "id_misc int not null auto_increment primary key, field1 varchar(80), field2 varchar(120), field3"
    " varchar(200), kind"
    " varchar(10)",
    "hs_shop": "id_shop int not null auto_increment primary key, name varchar(64), active tinyint(1)",
    "hs_connections_source": "id_connections int, http_referer varchar(255), request_uri varchar(255)",
    "hs_smarty_cache": "id_smarty_cache char(40) not null primary key, content longtext",
    **{
        f"hs_{name}": f"id_{name} int not null auto_increment primary key, id_shop int, position int, active tinyint(1), {_DATES}"
        for name in (
            "attachment",
            "carrier",
            "cart_rule",
            "category",
            "cms",
            "configuration",
            "feature",
            "group_reduction",
            "hook",
            "image_type",
            "meta",
            "module",
            "pack",
            "quick_access",
            "range_price",
            "room_block",
            "search_word",
            "specific_price",
            "stock",
            "tab",
            "tax_rule",
            "webservice_log",
        )
    },
}
TEMPLATE, HISTORY = "apartments", {"apartments": "id", "bookings": "booking_id"}
CURATED = {"listings", "listing_versions", "listing_attributes", "bookings"}
# What the tables do not say is unknown, and not 0.
UNKNOWN = {"conversion_weekly": ["viewers_with_wishlist", "viewers_with_call"]}
METRICS = 13  # nobody looks at a room
CURRENCY = "EUR"  # of the rooms' prices, which no column says
_STATES = {1: "Awaiting payment", 2: "Payment accepted", 3: "Cancelled", 4: "Refunded", 5: "Checked in"}
_CURRENCIES = {1: "EUR", 2: "USD"}
_MEANINGS = {1: "pending", 2: "confirmed", 3: "canceled", 4: "canceled", 5: "confirmed"}
# What changes after the first load, the last two in other tables than a stay's or a room's own.
CHANGES = (
    "update hs_room_type set active = 1 - active where id_room_type % 4 = 0",
    "update hs_booking_detail set total_price = total_price * 2 where id_booking_detail % 8 = 0",
    "update hs_orders set current_state = 3 where id_order % 9 = 0",
    "update hs_orders set id_currency = 3 - id_currency where id_order % 10 = 1",
    "update hs_hotel set city = 'Nice' where city = 'Lyon'",
)
_CITIES = (("Lyon", "ARA"), ("Nice", "PAC"), ("Paris", "IDF"))


def make(source: SourceDatabase, rooms: int = 12, stays: int = 150) -> None:
    """Create the tables, and fill them; the same rows each time."""
    for name, columns in TABLES.items():
        source.make_table(name, columns)
    chance = random.Random(11)
    at = datetime(2025, 3, 1, 8)
    for number, (city, region) in enumerate(_CITIES, start=1):
        source.insert(
            "hs_hotel",
            id_hotel=number,
            hotel_name=f"Hotel {number}",
            city=city,
            state_code=region,
            phone=f"+33 4 72 00 0{number} 00",
            email=f"h{number}@example.com",
            contact_name="Claire Martin",
            stars=3,
            date_add=at,
            date_upd=at,
        )
    for number in range(1, rooms + 1):
        source.insert(
            "hs_room_type",
            id_room_type=number,
            id_hotel=number % 3 + 1,
            id_shop=number % 2 + 1,
            price=80 + number * 3.5,
            active=int(number % 5 != 0),
            rate_class=("standard", "suite")[number % 2],
            date_add=at + timedelta(days=number),
            date_upd=at + timedelta(days=number + 1),
        )
    for number, name in _STATES.items():
        source.insert("hs_order_state", id_order_state=number, color="#fff", paid=int(number in (2, 5)))
        for language in (1, 2):
            source.insert("hs_order_state_lang", id_order_state=number, id_lang=language, name=name)
    for number, code in _CURRENCIES.items():
        source.insert("hs_currency", id_currency=number, iso_code=code)
    for number in range(1, 31):
        first = ("Marie", "Jean", "Hans", "Lucia")[number % 4]
        source.insert(
            "hs_customer",
            id_customer=number,
            firstname=first,
            lastname="Durand",
            email=f"c{number}@example.net",
            passwd="$2y$10$" + "a" * 53,
            birthday=date(1975, 5, 5),
            date_add=at,
            date_upd=at,
        )
        source.insert(
            "hs_address",
            id_customer=number,
            firstname=first,
            lastname="Durand",
            address1=f"{number} rue de la Paix",
            postcode="69001",
            city="Lyon",
            phone_mobile="06 12 34 56 78",
            date_add=at,
            date_upd=at,
        )
        source.insert(
            "hs_misc",
            field1=f"{first} Durand",
            field2=f"{first.lower()}@example.net",
            field3=f"{number} rue du Port, Lyon",
            kind="a",
        )
    for number in range(1, stays + 1):
        booked = datetime(2026, 3, 1, 6) + timedelta(hours=number * 17)
        order = (number + 1) // 2  # two rooms an order
        if number % 2:
            source.insert(
                "hs_orders",
                id_order=order,
                reference=f"R{order:08}",
                id_shop=order % 2 + 1,
                id_customer=chance.randint(1, 30),
                id_currency=order % 2 + 1,
                current_state=(2, 5, 2, 1, 3, 2, 4)[order % 7],
                payment="card",
                module="pay",
                date_add=booked,
                date_upd=booked,
            )
        arrival = datetime.combine(booked.date() + timedelta(days=number % 20), datetime.min.time())
        source.insert(
            "hs_booking_detail",
            id_booking_detail=number,
            id_room_type=chance.randint(1, rooms),
            id_order=order,
            date_from=arrival,
            date_to=arrival + timedelta(days=number % 6 + 1),
            total_price=round(90 + number * 2.25, 2),
            date_add=booked,
            date_upd=booked,
        )


def read_world(source: SourceDatabase) -> dict[str, list[dict[str, Any]]]:
    """Return the shop's rows in the shape of sql/apartments' source, by hand: what the tables mean, said a second time."""
    hotels = {row["id_hotel"]: row for row in source.query_rows("select * from hs_hotel")}
    rooms = source.query_rows("select * from hs_room_type")
    listings = [
        make_listing(
            row["id_room_type"], row["price"], "EUR", row["date_add"], is_active=row["active"], changed_at=row["date_upd"]
        )
        for row in rooms
    ]
    attributes = [
        make_attributes(row["id_room_type"], hotels[row["id_hotel"]]["city"], hotels[row["id_hotel"]]["state_code"])
        for row in rooms
    ]
    orders = {row["id_order"]: row for row in source.query_rows("select * from hs_orders")}
    bookings = [
        make_booking(
            row["id_booking_detail"],
            orders[row["id_order"]]["id_customer"],
            row["id_room_type"],
            days=(row["date_add"], row["date_from"], row["date_to"]),
            total_price=row["total_price"],
            currency=_CURRENCIES[orders[row["id_order"]]["id_currency"]],
            status=_MEANINGS[orders[row["id_order"]]["current_state"]],
        )
        for row in source.query_rows("select * from hs_booking_detail")
    ]
    return {"apartments": listings, "apartment_attributes": attributes, "bookings": bookings, "user_viewing": []}
