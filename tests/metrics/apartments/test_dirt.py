"""The dirt of both generations, and a source with real types: what is accepted, and what is rejected for which rule."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.metrics.agreement import assert_agreed, assert_metrics_agreed
from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.apartments.subject import TYPED_COLUMNS

AS_OF = date(2026, 1, 1)

BROKEN_LISTINGS = [
    ({"price": None}, "missing_price", "price="),
    ({"price": "-0.01"}, "negative_price", "price=-0.01"),
    ({"currency": None}, "unknown_currency", "currency="),
    ({"currency": "US$"}, "unknown_currency", "currency=US$"),
    ({"listing_created_on": "null"}, "missing_date", "listing_created_on="),
    ({"listing_created_on": "30/02/2024"}, "unparseable_date", "listing_created_on=30/02/2024"),
    ({"listing_created_on": "0000-00-00 00:00:00"}, "unparseable_date", "listing_created_on=0000-00-00 00:00:00"),
    ({"listing_created_on": "1999-12-31"}, "date_out_of_range", "listing_created_on=1999-12-31"),
    ({"listing_created_on": "01/01/2051"}, "date_out_of_range", "listing_created_on=01/01/2051"),
    ({"is_active": "maybe"}, "unparseable_boolean", "is_active=maybe"),
    ({"is_active": None}, "unparseable_boolean", "is_active="),
    ({"price": "-5.00", "currency": "?", "is_active": "?"}, "negative_price", "price=-5.00"),
]
BROKEN_BOOKINGS = [
    ({"user_id": None}, "missing_user", "user_id="),
    ({"checkin_date": None}, "missing_date", "checkin_date="),
    ({"booking_date": "31/04/2024"}, "unparseable_date", "booking_date=31/04/2024"),
    ({"checkout_date": "2024-02-30"}, "unparseable_date", "checkout_date=2024-02-30"),
    ({"checkout_date": "2051-01-01"}, "date_out_of_range", "checkout_date=2051-01-01"),
    (
        {"checkin_date": "07/09/2024", "checkout_date": "30/06/2023"},
        "checkout_before_checkin",
        "checkin_date=07/09/2024, checkout_date=30/06/2023",
    ),
    ({"total_price": None}, "missing_price", "total_price="),
    ({"total_price": "-1.00"}, "negative_price", "total_price=-1.00"),
    ({"currency": "EURO"}, "unknown_currency", "currency=EURO"),
    ({"booking_status": "refunded"}, "unknown_status", "booking_status=refunded"),
    ({"booking_status": None}, "unknown_status", "booking_status="),
    ({"apartment_id": 404}, "orphan_reference", "apartment_id=404"),
    ({"apartment_id": None}, "orphan_reference", "apartment_id="),
    ({"apartment_id": 404, "total_price": "-1.00"}, "negative_price", "total_price=-1.00"),
]
BROKEN_VIEWINGS = [
    ({"user_id": None}, "missing_user", "user_id="),
    ({"viewed_at": None}, "missing_date", "viewed_at="),
    ({"viewed_at": "29/02/2023"}, "unparseable_date", "viewed_at=29/02/2023"),
    ({"viewed_at": "1970-01-01"}, "date_out_of_range", "viewed_at=1970-01-01"),
    ({"apartment_id": 404}, "orphan_reference", "apartment_id=404"),
]
MOMENT = datetime(2024, 5, 19, 22, 53, 46)


def test_every_rule_rejects_with_its_name_and_the_value(make_engine):
    """One row per way to be broken: none is lost, each names its rule, the first it breaks, and the value as it came."""
    engine = make_engine()
    listings = {100 + number: case for number, case in enumerate(BROKEN_LISTINGS)}
    stays = {300 + number: case for number, case in enumerate(BROKEN_BOOKINGS)}
    engine.run(
        AS_OF,
        {
            "apartments": [*(listing(key, **changes) for key, (changes, _, _) in listings.items()), listing(1)],
            "apartment_attributes": [attributes(1), attributes(999)],
            "bookings": [booking(key, **changes) for key, (changes, _, _) in stays.items()],
            "user_viewing": [viewing(MOMENT, **changes) for changes, _, _ in BROKEN_VIEWINGS],
        },
    )
    rejected = engine.read("curated.rejected_rows")
    found = {(row.table_name, row.row_key): (row.broken_rule, row.broken_value) for row in rejected.itertuples()}
    keyed = [("apartments", listings), ("bookings", stays)]
    expected = {(table, str(key)): (rule, value) for table, cases in keyed for key, (_, rule, value) in cases.items()}
    expected["apartment_attributes", "999"] = ("orphan_reference", "id=999")
    assert {row: why for row, why in found.items() if row[0] != "user_viewing"} == expected
    assert sorted(why for row, why in found.items() if row[0] == "user_viewing") == sorted(
        (rule, value) for _, rule, value in BROKEN_VIEWINGS
    )
    assert_agreed(engine, AS_OF)


@pytest.mark.slow
def test_both_generations_come_out_alike(make_engine):
    """ISO and day-first dates, 1 and True, contact_agent and Contact Agent: the same curated values."""
    engine = make_engine()
    engine.run(
        AS_OF,
        {
            "apartments": [
                listing(5508654087, title='Studio, "quiet"\nand bright', listing_created_on="2024-05-16 06:56:13", is_active="1"),
                listing(
                    1, listing_created_on="27/03/2024", is_active="True", last_modified_timestamp="27/12/2021", currency="INR"
                ),
            ],
            "apartment_attributes": [
                attributes(
                    5508654087,
                    bathrooms="null",
                    bedrooms="0",
                    fee="No",
                    has_photo="Thumbnail",
                    pets_allowed="Cats,Dogs",
                    price_display="$275 Monthly|Weekly",
                    cityname="null",
                    state="null",
                ),
                attributes(1, bathrooms="2.5", fee="168.84", has_photo="False", pets_allowed="True"),
            ],
            "bookings": [booking(1, booking_date="11/11/2022", booking_status="canceled", payment_status=None, num_guests=None)],
            "user_viewing": [
                viewing(
                    MOMENT,
                    apartment_id=5508654087,
                    viewed_at="2024-05-19 22:53:46",
                    is_wishlisted="y",
                    call_to_action="contact_agent",
                ),
                viewing(MOMENT, viewed_at="23/01/2023", is_wishlisted="True", call_to_action="Contact Agent"),
            ],
        },
    )
    assert engine.read("curated.rejected_rows").empty
    listings = {row.id: row for row in engine.read("curated.apartments").itertuples()}
    assert listings[5508654087].listing_created_at == datetime(2024, 5, 16, 6, 56, 13)
    assert listings[5508654087].title == 'Studio, "quiet"\nand bright'
    assert (listings[1].listing_created_at, listings[1].is_active) == (datetime(2024, 3, 27), True)
    assert listings[1].last_modified_at == datetime(2021, 12, 27)
    places = {row.id: row for row in engine.read("curated.apartment_attributes").itertuples()}
    first, second = places[5508654087], places[1]
    assert (first.bathrooms, first.bedrooms, first.fee, first.has_photo) == (None, 0, 0, True)
    assert (first.are_cats_allowed, first.are_dogs_allowed, first.city, first.state) == (True, True, None, None)
    assert (second.bathrooms, second.fee, second.has_photo) == (Decimal("2.50"), Decimal("168.84"), False)
    viewings = engine.read("curated.user_viewing")
    assert set(viewings.call_to_action) == {"contact_agent"}
    assert all(viewings.is_wishlisted)
    assert sorted(viewings.viewed_at) == [datetime(2023, 1, 23), MOMENT]
    (stay,) = engine.read("curated.bookings").itertuples()
    assert (stay.booking_date, stay.booking_status, stay.payment_status, stay.guests) == (
        date(2022, 11, 11),
        "canceled",
        None,
        None,
    )


@pytest.mark.slow
def test_pets_are_named_by_kind_or_all_at_once(make_engine):
    """The first generation names the kinds and writes None for no pets; the second says yes or no; null says nothing."""
    cases = [
        ("Cats,Dogs", True, True),
        ("Cats", True, False),
        ("Dogs", False, True),
        ("None", False, False),
        ("False", False, False),
        ("True", True, True),
        ("null", None, None),
        (None, None, None),
        ("Ferrets", None, None),
    ]
    engine = make_engine()
    places = [attributes(key, pets_allowed=text) for key, (text, _, _) in enumerate(cases)]
    engine.run(AS_OF, {"apartments": [listing(key) for key in range(len(cases))], "apartment_attributes": places})
    rows = engine.read("curated.apartment_attributes").sort_values("id").itertuples()
    assert [(text, row.are_cats_allowed, row.are_dogs_allowed) for (text, _, _), row in zip(cases, rows, strict=True)] == cases


def test_a_typed_source_gives_the_same(make_engine):
    """Where the source has real dates, flags and numbers (and hashed users), the same files do the same work."""
    engine = make_engine(columns=TYPED_COLUMNS)
    engine.run(
        AS_OF,
        {
            "apartments": [
                listing(
                    1,
                    listing_created_on=datetime(2024, 5, 16, 6, 56, 13),
                    is_active=1,
                    last_modified_timestamp=datetime(2020, 1, 1),
                ),
                listing(2, listing_created_on=datetime(2024, 5, 16), is_active=0),
                listing(3, listing_created_on=None, is_active=1),
                listing(4, listing_created_on=datetime(2024, 5, 16), is_active=7),
                listing(5, listing_created_on=datetime(1998, 5, 16), is_active=1),
            ],
            "apartment_attributes": [
                attributes(
                    1, bathrooms=Decimal("2.5"), bedrooms=0, fee=Decimal("168.84"), has_photo=1, latitude=30.25, longitude=-97.5
                ),
                attributes(2, bathrooms=None, bedrooms=None, fee=None, has_photo=None, latitude=95.0, longitude=None),
            ],
            "bookings": [
                booking(
                    1,
                    user_id="a1b2",
                    booking_date=datetime(2024, 5, 20, 23, 59),
                    checkin_date=date(2024, 6, 1),
                    checkout_date=date(2024, 6, 4),
                ),
                booking(
                    2,
                    user_id="a1b2",
                    booking_date=datetime(2024, 5, 21),
                    checkin_date=date(2024, 6, 1),
                    checkout_date=date(2024, 5, 4),
                ),
            ],
            "user_viewing": [viewing(MOMENT, user_id="a1b2", viewed_at=MOMENT, is_wishlisted=1)],
        },
    )
    rejected = engine.read("curated.rejected_rows")
    assert dict(zip(zip(rejected.table_name, rejected.row_key, strict=True), rejected.broken_rule, strict=True)) == {
        ("apartments", "3"): "missing_date",
        ("apartments", "4"): "unparseable_boolean",
        ("apartments", "5"): "date_out_of_range",
        ("bookings", "2"): "checkout_before_checkin",
    }
    (stay,) = engine.read("curated.bookings").itertuples()
    assert (stay.user_id, stay.booking_date, stay.checkin_date) == ("a1b2", date(2024, 5, 20), date(2024, 6, 1))
    first, second = engine.read("curated.apartment_attributes").sort_values("id").itertuples()
    assert (first.latitude, first.has_photo, second.latitude) == (Decimal("30.2500000"), True, None)
    assert list(engine.read("curated.unreadable_values").unreadable_value) == ["latitude=95"]
    (event,) = engine.read("curated.user_viewing").itertuples()
    assert (event.viewed_at, event.is_wishlisted, event.event_day) == (MOMENT, True, MOMENT.date())
    assert_metrics_agreed(engine, AS_OF)
