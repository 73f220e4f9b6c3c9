"""A marketplace as a Rails application keeps one: 42 tables, uuid keys in BINARY(16), `updated_at` kept by the application, money
in cents, soft deletes, and a booking that is a transaction, its dates and the last of its transitions.
"""

from __future__ import annotations

import random
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from tests.fixtures.mariadb import SourceDatabase
from tests.integration.adopt.judged_rows import make_attributes, make_booking, make_listing, make_viewing

# Column and what it has to become; a personal column that is read in the clear, or only undecided, is one that was not found.
PERSONAL = {
    "people": "given_name family_name display_name email phone_number encrypted_password reset_password_token current_sign_in_ip"
    " street_address zip_code birth_date facebook_uid about_me unconfirmed_email",
    "emails": "address",
    "messages": "content",
    "reviews": "comment",
    "identities": "uid access_token",
    "payout_accounts": "iban account_holder_name tax_id",
    "listing_locations": "street_address",
    "company_contacts": "contact_person mobile",
    "invitations": "email message",
    "audit_events": "ip_address user_agent",
    "support_tickets": "requester_email body",
    "addresses": "line1 line2 postcode recipient",
    "notes": "x1 x2 x3",  # names that say nothing: values do
}
_AT = "created_at datetime not null, updated_at datetime null"
_ID = "id bigint not null auto_increment primary key"
TABLES = {
    "people": "id binary(16) not null primary key, given_name varchar(60), family_name varchar(60), display_name varchar(100),"
    " email varchar(255), phone_number varchar(40), encrypted_password varchar(128), reset_password_token varchar(255),"
    " current_sign_in_ip varchar(45), street_address varchar(255), zip_code varchar(20), birth_date date, facebook_uid"
    " varchar(40),"
    f" about_me text, unconfirmed_email varchar(255), locale varchar(5), is_admin tinyint(1), deleted tinyint(1) not null"
    f" default 0, {_AT}",
    "listings": "id binary(16) not null primary key, author_id binary(16) not null, title varchar(120), description text,"
    " price_cents int, currency varchar(3), open tinyint(1) not null default 1, deleted_at datetime null,"
    f" category_id bigint, times_viewed int not null default 0, {_AT}, key (author_id)",
    "listing_locations": f"{_ID}, listing_id binary(16) not null, street_address varchar(255), city varchar(100), region"
    f" varchar(100),"
    f" country varchar(2), latitude double, longitude double, {_AT}, key (listing_id)",
    "transactions": f"{_ID}, listing_id binary(16), starter_id binary(16) not null, total_price_cents int, currency varchar(3),"
    f" deleted tinyint(1) not null default 0, commission_cents int, {_AT}, key (listing_id)",
    "bookings": f"{_ID}, transaction_id bigint not null, start_on date, end_on date, per_hour tinyint(1), {_AT}, key"
    f" (transaction_id)",
    "transaction_transitions": f"{_ID}, transaction_id bigint not null, to_state varchar(40) not null, sort_key int not null,"
    " most_recent tinyint(1) null, metadata text, created_at datetime not null, unique key (transaction_id, sort_key)",
    "listing_views": f"{_ID}, listing_id binary(16) not null, person_id binary(16), created_at datetime not null",
    "emails": f"{_ID}, person_id binary(16), address varchar(255), confirmed_at datetime, {_AT}",
    "messages": f"{_ID}, conversation_id bigint, sender_id binary(16), content text, {_AT}",
    "conversations": f"{_ID}, title varchar(255), listing_id binary(16), {_AT}",
    "reviews": f"{_ID}, transaction_id bigint, author_id binary(16), grade float, comment text, {_AT}",
    "identities": f"{_ID}, person_id binary(16), provider varchar(40), uid varchar(120), access_token varchar(255), {_AT}",
    "payout_accounts": f"{_ID}, person_id binary(16), iban varchar(40), account_holder_name varchar(120), tax_id varchar(40),"
    f" {_AT}",
    "company_contacts": f"{_ID}, contact_person varchar(120), mobile varchar(40), {_AT}",
    "invitations": f"{_ID}, code varchar(20), email varchar(255), message text, inviter_id binary(16), {_AT}",
    "audit_events": f"{_ID}, kind varchar(40), ip_address varchar(45), user_agent varchar(255), created_at datetime not null",
    "support_tickets": f"{_ID}, requester_email varchar(255), body text, status varchar(20), {_AT}",
    "addresses": f"{_ID}, person_id binary(16), line1 varchar(255), line2 varchar(255), postcode varchar(20), recipient"
    f" varchar(80), {_AT}",
    "notes": f"{_ID}, x1 varchar(100), x2 varchar(200), x3 text, kind varchar(20), {_AT}",
    "categories": f"{_ID}, parent_id bigint, icon varchar(40), sort_priority int, {_AT}",
    "communities": f"{_ID}, ident varchar(60), currency varchar(3), {_AT}",
    "schema_migrations": "version varchar(255) not null primary key",
    "ar_internal_metadata": "`key` varchar(255) not null primary key, value varchar(255), created_at datetime, updated_at"
    " datetime",
    "sessions": f"{_ID}, session_id varchar(255), data text, {_AT}",
    "community_memberships_backup": "person_id binary(16), community_id bigint, status varchar(20)",
    **{
        f"{name}": f"{_ID}, listing_id binary(16), position int, kind varchar(20), amount_cents int, {_AT}"
        for name in [
            "listing_images",
            "listing_shapes",
            "listing_units",
            "listing_blocked_dates",
            "custom_fields",
            "custom_field_options",
            "custom_field_values",
            "feature_flags",
            "marketplace_plans",
            "menu_links",
            "order_types",
            "payment_intents",
            "payout_schedules",
            "price_rules",
            "shipping_zones",
            "translations",
            "webhooks_log",
        ]
    },
}
CURRENCY = None  # columns say it
METRICS = 14
TEMPLATE, HISTORY = "apartments", {"apartments": "id", "bookings": "booking_id"}
CURATED = {"listings", "listing_versions", "listing_attributes", "bookings"}
# What the tables do not say is unknown, and not 0.
UNKNOWN = {"conversion_weekly": ["viewers_with_wishlist", "viewers_with_call"]}
# What an application does around its own clock: bulk updates, a soft delete, a new last transition, other dates.
CHANGES = (
    "update listings set open = 0 order by id limit 4",
    "update listings set price_cents = price_cents + 1000 where open = 1 order by id desc limit 5",
    "update transactions set deleted = 1 where id % 17 = 0",
    "insert into transaction_transitions (transaction_id, to_state, sort_key, created_at)"
    " select id, 'canceled', 99, now() from transactions where id % 13 = 0",
    "update bookings set end_on = end_on + interval 2 day where transaction_id % 7 = 0",
    "update listing_locations set city = 'Faro' where city = 'Porto'",
)
FIRST_DAY = date(2026, 1, 5)
_CONFIRMED, _PENDING, _CANCELED, _IGNORED = ("confirmed", "paid"), ("preauthorized",), ("canceled", "rejected"), ("initiated",)
_WORDS = ["Sunny", "Loft", "Harbour", "Attic", "Studio", "Cabin", "Garden", "Terrace", "Old", "Mill", "View"]
_CITIES = (("Lisbon", "LI"), ("Porto", "PO"), ("Faro", "FA"), ("Évora", "EV"))


def make(source: SourceDatabase, listings: int = 24, stays: int = 160) -> None:
    """Create the tables, and fill them; the same rows each time."""
    for name, columns in TABLES.items():
        source.make_table(name, columns)
    chance = random.Random(7)
    people = [_uuid(chance) for _ in range(40)]
    created = datetime(2025, 6, 1, 9)
    for number, person in enumerate(people):
        first = ("Anna", "Pedro", "Marie", "John")[number % 4]
        source.insert(
            "people",
            id=person,
            given_name=first,
            family_name="Silva",
            display_name=f"{first} Silva",
            email=f"{first.lower()}{number}@example.org",
            phone_number=f"+351 91 {number:03} 45 67",
            encrypted_password="$2a$11$" + "x" * 53,
            street_address=f"Rua das Flores {number}",
            birth_date=date(1980, 1, 1),
            about_me="I like the sea.",
            locale="pt",
            created_at=created,
            updated_at=created,
        )
    houses = [_uuid(chance) for _ in range(listings)]
    for number, house in enumerate(houses):
        at = created + timedelta(days=5 * number)
        source.insert(
            "listings",
            id=house,
            author_id=people[number % 5],
            title=f"{_WORDS[number % 10]} {_WORDS[(number + 3) % 10]} {number}",
            description="Close to the river.",
            price_cents=5000 + 137 * number,
            currency=("EUR", "USD")[number % 2],
            open=int(number % 6 != 5),
            deleted_at=datetime(2026, 2, 1) if number % 11 == 10 else None,
            created_at=at,
            updated_at=at if number % 3 else None,
        )
        city, region = _CITIES[number % 4]
        source.insert(
            "listing_locations",
            listing_id=house,
            street_address=f"Rua Nova {number}",
            city=city,
            region=region,
            created_at=at,
        )
    states = [*_CONFIRMED * 4, *_PENDING, *_CANCELED, *_IGNORED]
    for number in range(1, stays + 1):
        at = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=number * 59 // stays, hours=number % 24)
        begin = at.date() + timedelta(days=number % 40 - 3)
        source.insert(
            "transactions",
            id=number,
            listing_id=houses[number * 7 % listings],
            starter_id=people[number * number % len(people)],
            total_price_cents=9900 + 311 * number,
            currency=("EUR", "USD")[number % 2],
            deleted=int(number % 31 == 30),
            created_at=at,
            updated_at=at,
        )
        state = states[number % len(states)]
        if state not in _IGNORED:
            source.insert(
                "bookings",
                transaction_id=number,
                start_on=begin,
                end_on=begin + timedelta(days=number % 5 + 1),
                created_at=at,
            )
        for order, name in enumerate(
            dict.fromkeys(("initiated", "preauthorized", state) if state not in _IGNORED else ("initiated",))
        ):
            source.insert(
                "transaction_transitions",
                transaction_id=number,
                to_state=name,
                sort_key=order * 10,
                most_recent=None,
                created_at=at + timedelta(minutes=order),
            )
    for number in range(30):
        source.insert(
            "notes",
            x1=f"{('Maria', 'Joao', 'Olga')[number % 3]} Costa",
            x2=f"guest{number}@example.org",
            x3=f"call +351 912 345 {number:03}",
            kind="memo",
            created_at=created,
        )
        source.insert(
            "listing_views",
            listing_id=houses[number % listings],
            person_id=people[number] if number % 7 else None,  # nobody known
            created_at=datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=number),
        )
    source.insert("categories", icon="home", sort_priority=1, created_at=created)


def read_world(source: SourceDatabase) -> dict[str, list[dict[str, Any]]]:
    """Return the marketplace's rows in the shape of sql/apartments' source, by hand: what the tables mean, said a second time."""
    listings, attributes, bookings = [], [], []
    places = {row["listing_id"]: row for row in source.query_rows("select * from listing_locations order by id")}
    for row in source.query_rows("select * from listings"):
        key = row["id"].hex()
        price = None if row["price_cents"] is None else f"{row['price_cents'] / 100:.2f}"
        is_active = int(row["open"] == 1 and row["deleted_at"] is None)
        listings.append(make_listing(key, price, row["currency"], row["created_at"], is_active=is_active))
        place = places.get(row["id"])
        attributes.append(make_attributes(key, place and place["city"], place and place["region"]))
    dates = {row["transaction_id"]: row for row in source.query_rows("select * from bookings order by id")}
    last = {row["transaction_id"]: row for row in source.query_rows("select * from transaction_transitions order by sort_key")}
    for row in source.query_rows("select * from transactions"):
        state = last[row["id"]]["to_state"]
        if state in _IGNORED or row["deleted"] or row["id"] not in dates:
            continue
        meaning = {**dict.fromkeys(_CONFIRMED, "confirmed"), **dict.fromkeys(_PENDING, "pending")}.get(state, "canceled")
        bookings.append(
            make_booking(
                row["id"],
                row["starter_id"].hex(),
                row["listing_id"].hex() if row["listing_id"] else None,
                days=(row["created_at"], dates[row["id"]]["start_on"], dates[row["id"]]["end_on"]),
                total_price=f"{row['total_price_cents'] / 100:.2f}",
                currency=row["currency"],
                status=meaning,
            )
        )
    viewings = [
        make_viewing(row["person_id"] and row["person_id"].hex(), row["listing_id"].hex(), row["created_at"])
        for row in source.query_rows("select * from listing_views")
    ]
    return {"apartments": listings, "apartment_attributes": attributes, "bookings": bookings, "user_viewing": viewings}


def _uuid(chance: random.Random) -> bytes:
    return uuid.UUID(int=chance.getrandbits(128), version=4).bytes
