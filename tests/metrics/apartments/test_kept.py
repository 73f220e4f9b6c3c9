"""What goes, breaks or cannot be read takes no other figure along: rows, money and history stay, or are said to be set aside."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.fixtures.slow import first_of
from tests.metrics.agreement import assert_agreed
from tests.metrics.apartments.money import assert_money_is_kept
from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.apartments.subject import TEXT_COLUMNS

AS_OF = date(2024, 5, 1)
WEEK, MONTH = date(2024, 3, 4), date(2024, 3, 1)


def read_revenue(engine) -> Decimal:
    """What all listings earned, after the judge agreed on everything."""
    assert_agreed(engine, AS_OF)
    assert_money_is_kept(engine)
    return sum(engine.read("presentation.top_listings_weekly").revenue.dropna())


def read_unreadable(engine) -> dict[tuple[str, str], str]:
    rows = engine.read("curated.unreadable_values")
    return {(row.table_name, row.row_key): row.unreadable_value for row in rows.itertuples()}


def test_w1_an_unknown_status_takes_its_money_aside_and_says_so(make_engine):
    """Case 20: 2 of 20 bookings become `completed`. What is published and what is set aside add up to the source."""
    engine = make_engine()
    bookings = [booking(key) for key in range(20)]
    engine.run(AS_OF, {"apartments": [listing(1)], "bookings": bookings})
    assert read_revenue(engine) == 10_000
    engine.run(AS_OF, {"bookings": [booking(key, booking_status="completed") for key in (3, 4)]})
    assert read_revenue(engine) == 9_000
    rejected = engine.read("curated.rejected_rows")
    assert (
        list(zip(rejected.broken_rule, rejected.amount, rejected.currency, strict=True))
        == [("unknown_status", Decimal("500.00"), "USD")] * 2
    )
    assert "unknown_status: booking_status=completed" in engine.warnings()["bookings_newly_set_aside"]
    engine.run(AS_OF, {"bookings": bookings[3:5]})
    assert read_revenue(engine) == 10_000


def test_w2_a_deleted_listing_keeps_its_past(make_engine):
    """Its revenue, nights, availability and city stay; it is available until the run that missed it, and no longer."""
    engine = make_engine()
    first = {
        "apartments": [listing(1), listing(2, price="300.00")],
        "apartment_attributes": [attributes(1), attributes(2, cityname="Paris")],
        "bookings": [booking(1), booking(2, apartment_id=2)],
        "user_viewing": [viewing(datetime(2024, 3, 2, 10))],
    }
    engine.run(date(2024, 4, 10), first)
    engine.run(date(2024, 4, 21), deletes={"apartments": [1], "apartment_attributes": [1]})
    engine.run(AS_OF)
    assert read_revenue(engine) == 1_000
    assert engine.read("curated.rejected_rows").empty
    listings = {row.id: row.removed_at for row in engine.read("curated.apartments").itertuples()}
    assert listings == {1: datetime(2024, 4, 21, 12), 2: None}
    cities = engine.read("presentation.popular_cities_weekly")
    assert sorted(cities.city) == ["Austin", "Paris"]
    nights = {row.period_start: (row.available_nights, row.booked_nights) for row in read_occupancy(engine)}
    assert nights[MONTH] == (62, 10)
    assert nights[date(2024, 4, 1)] == (20 + 30, 0)
    prices = engine.read("presentation.average_listing_price_weekly").set_index("period_start").average_price
    assert (prices[date(2024, 4, 15)], prices[date(2024, 4, 22)]) == (200.0, 300.0)


def read_occupancy(engine):
    return engine.read("presentation.occupancy_monthly").itertuples()


@pytest.mark.parametrize(
    "defect", first_of([{"price": "-1.00"}, {"currency": "?"}, {"listing_created_on": "soon"}, {"is_active": "maybe"}]), ids=str
)
def test_w2_a_listing_that_is_set_aside_keeps_its_past(make_engine, defect):
    """The listing is set aside from its first broken version on; bookings, and what was before that version, are not."""
    engine = make_engine()
    engine.run(date(2024, 4, 10), {"apartments": [listing(1)], "bookings": [booking(1)]})
    engine.run(AS_OF, {"apartments": [listing(1, changed_at=datetime(2024, 4, 21, 9), **defect)]})
    assert read_revenue(engine) == 500
    assert list(engine.read("curated.rejected_rows").table_name) == ["apartments"]
    nights = {row.period_start: (row.available_nights, row.booked_nights) for row in read_occupancy(engine)}
    assert nights[MONTH] == (31, 5) and nights[date(2024, 4, 1)] == (20, 0)


@pytest.mark.slow
def test_w3_a_field_that_informs_rejects_nothing(make_engine):
    """Case 20: last_modified_timestamp = 'soon'. Every such field is NULL and listed with what it said, and the row is in."""
    engine = make_engine()
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1, last_modified_timestamp="soon")],
            "apartment_attributes": [
                attributes(
                    1,
                    bathrooms="two",
                    bedrooms="1e2",
                    fee="some",
                    has_photo="Polaroid",
                    pets_allowed="Ferrets",
                    latitude="90.0000001",
                    longitude="-180.5000000",
                )
            ],
            "bookings": [booking(1)],
            "user_viewing": [viewing(datetime(2024, 3, 2, 10), is_wishlisted="perhaps")],
        },
    )
    assert read_revenue(engine) == 500
    assert engine.read("curated.rejected_rows").empty
    said = read_unreadable(engine)
    assert said.pop(("apartments", "1")) == "last_modified_timestamp=soon"
    assert said.pop(("apartment_attributes", "1")) == (
        "bathrooms=two; bedrooms=1e2; fee=some; has_photo=Polaroid; pets_allowed=ferrets; latitude=90.0000001;"
        " longitude=-180.5000000"
    )
    assert list(said.values()) == ["is_wishlisted=perhaps"]
    (place,) = engine.read("curated.apartment_attributes").itertuples()
    assert (place.bathrooms, place.fee, place.has_photo, place.are_cats_allowed) == (None, None, None, None)
    assert (place.latitude, place.longitude, place.city) == (None, None, "Austin")
    engine.run(AS_OF, {"apartments": [listing(1)]})
    assert ("apartments", "1") not in read_unreadable(engine)


@pytest.mark.slow
def test_w5_money_and_numbers_are_rounded_before_they_are_cast(make_engine):
    """Case 8: price 99.999, guests 2.5, bathrooms 1.333 each stopped the whole run. Half a cent is rounded up."""
    columns = {
        **TEXT_COLUMNS,
        "apartments": TEXT_COLUMNS["apartments"].replace("price decimal(10, 2)", "price decimal(18, 4)"),
        "bookings": TEXT_COLUMNS["bookings"]
        .replace("total_price decimal(10, 2)", "total_price varchar(64)")
        .replace("num_guests integer", "num_guests varchar(64)"),
    }
    engine = make_engine(columns=columns)
    prices = {1: "99.999", 2: "0.005", 3: "1.0049999", 4: "9999999999.994", 5: "10000000000", 6: "1e3", 7: "-0.001"}
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1, price=Decimal("99.999"))],
            "apartment_attributes": [attributes(1, bathrooms="1.333", bedrooms="99999999999", fee="0.005")],
            "bookings": [
                *(booking(key, total_price=price, num_guests="2") for key, price in prices.items()),
                booking(8, num_guests="2.5"),
                booking(9, num_guests="3.0"),
            ],
        },
    )
    assert_agreed(engine, AS_OF)
    assert_money_is_kept(engine)
    assert list(engine.read("curated.apartments").price) == [Decimal("100.00")]
    paid = engine.read("curated.bookings").set_index("booking_id")
    assert [paid.total_price[key] for key in (1, 2, 3, 4)] == [
        Decimal("100.00"),
        Decimal("0.01"),
        Decimal("1.00"),
        Decimal("9999999999.99"),
    ]
    assert (paid.guests[8], paid.guests[9]) == (None, 3)
    (place,) = engine.read("curated.apartment_attributes").itertuples()
    assert (place.bathrooms, place.bedrooms, place.fee) == (Decimal("1.33"), None, Decimal("0.01"))
    rejected = engine.read("curated.rejected_rows")
    assert dict(zip(rejected.row_key, rejected.broken_rule, strict=True)) == {
        "5": "unparseable_number",
        "6": "unparseable_number",
        "7": "negative_price",
    }
    assert read_unreadable(engine) == {
        ("apartment_attributes", "1"): "bedrooms=99999999999",
        ("bookings", "8"): "num_guests=2.5",
    }


def test_07_a_text_longer_than_its_column_stops_nothing(make_engine):
    """Case 7: a title of 1,021 letters is kept. What is longer than any column is NULL and listed; a user's id is set aside."""
    columns = {
        **TEXT_COLUMNS,
        "apartments": TEXT_COLUMNS["apartments"].replace("title varchar(1020)", "title varchar(65535)"),
        "apartment_attributes": TEXT_COLUMNS["apartment_attributes"]
        .replace("cityname varchar(400)", "cityname varchar(65535)")
        .replace("price_type varchar(128)", "price_type varchar(65535)"),
        "bookings": TEXT_COLUMNS["bookings"].replace("user_id bigint", "user_id varchar(65535)").replace("(80)", "(65535)"),
        "user_viewing": TEXT_COLUMNS["user_viewing"].replace("call_to_action varchar(200)", "call_to_action varchar(65535)"),
    }
    engine = make_engine(columns=columns)
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1, title="T" * 1021), listing(2, title="Ü" * 8192), listing(3, title="Ü" * 8193)],
            "apartment_attributes": [attributes(1, cityname="é" * 600, price_type="w" * 300)],
            "bookings": [booking(1, user_id="u" * 129), booking(2, payment_status="p" * 300)],
            "user_viewing": [viewing(datetime(2024, 3, 2, 10), call_to_action="c" * 300)],
        },
    )
    assert read_revenue(engine) == 500
    titles = engine.read("curated.apartments").set_index("id").title
    assert (titles[1], titles[2], titles[3]) == ("T" * 1021, "Ü" * 8192, None)
    unreadable = [(table, text.split("; ")) for (table, _), text in read_unreadable(engine).items()]
    said = sorted((table, [part.partition("=")[0] for part in parts]) for table, parts in unreadable)
    assert said == [
        ("apartment_attributes", ["price_type", "cityname"]),
        ("apartments", ["title"]),
        ("bookings", ["payment_status"]),
        ("user_viewing", ["call_to_action"]),
    ]
    assert list(engine.read("curated.rejected_rows").broken_rule) == ["unreadable_user"]


@pytest.mark.slow
def test_w8_history_before_the_first_version_is_said_to_be_assumed(make_engine):
    """The first version reaches back to the listing's creation: nights and prices before it was changed, or seen, are counted."""
    engine = make_engine()
    engine.run(
        date(2024, 3, 20),
        {
            "apartments": [
                listing(1, listing_created_on="2024-02-01", changed_at=datetime(2024, 3, 11, 9)),
                listing(2, listing_created_on="2024-03-01"),
                listing(3, listing_created_on="2024-03-15", changed_at=datetime(2024, 3, 15)),
            ]
        },
    )
    engine.run(AS_OF)
    assert_agreed(engine, AS_OF)
    versions = engine.read("curated.apartment_versions").sort_values(["id", "valid_from"])
    assert list(zip(versions.id, versions.valid_from, versions.is_assumed, strict=True)) == [
        (1, datetime(2024, 2, 1), True),
        (1, datetime(2024, 3, 11, 9), False),
        (2, datetime(2024, 3, 1), True),
        (2, datetime(2024, 3, 20, 12), False),
        (3, datetime(2024, 3, 15), False),
    ]
    nights = {row.period_start: (row.available_nights, row.available_nights_assumed) for row in read_occupancy(engine)}
    assert nights == {
        date(2024, 2, 1): (29, 29),
        MONTH: (31 + 31 + 17, 10 + 19),
        date(2024, 4, 1): (90, 0),
    }
    prices = engine.read("presentation.average_listing_price_weekly").set_index("period_start")
    assumed = {week: (prices.listings[week], prices.listings_assumed[week]) for week in prices.index}
    assert assumed[date(2024, 3, 4)] == (2, 2)
    assert assumed[date(2024, 3, 11)] == (3, 1)
    assert assumed[date(2024, 3, 18)] == (3, 0)


# Prices by their unit


def test_w4_prices_of_different_units_have_no_average(make_engine):
    """500 Weekly and 2,000 Monthly gave 1,250. Each spelling has its unit; none, or two of them, is unknown."""
    units = {
        "Weekly": "weekly",
        " per week ": "weekly",
        "MONTHLY": "monthly",
        "Per-Month": "monthly",
        "Yearly": "yearly",
        "Annual": "yearly",
        "Daily": "nightly",
        "Night": "nightly",
        "One-time": "one_time",
        "Monthly|Weekly": "unknown",
        "null": "unknown",
        None: "unknown",
    }
    engine = make_engine()
    listings = [listing(key, price=f"{100 * (key + 1)}.00", listing_created_on="2024-04-29") for key in range(len(units) + 1)]
    places = [attributes(key, price_type=price_type) for key, price_type in enumerate(units)]
    engine.run(AS_OF, {"apartments": listings, "apartment_attributes": places})
    assert_agreed(engine, AS_OF)
    kept = engine.read("curated.apartment_attributes").sort_values("id")
    assert list(kept.price_unit) == list(units.values())
    prices = engine.read("presentation.average_listing_price_weekly")
    assert dict(zip(prices.price_unit, prices.average_price, strict=True)) == {
        "weekly": 150.0,
        "monthly": 350.0,
        "yearly": 550.0,
        "nightly": 750.0,
        "one_time": 900.0,
        # One of them has no attributes at all.
        "unknown": 1150.0,
    }


@pytest.mark.slow
def test_w4_another_unit_makes_the_listings_weeks_anew_and_nothing_else_does(make_engine):
    """A changed price_type is a change of all weeks in which the listing was active; a changed body is none."""
    engine = make_engine()
    places = {"apartment_attributes": [attributes(1), attributes(2)]}
    engine.run(AS_OF, {"apartments": [listing(1), listing(2, listing_created_on="2024-04-20")], **places})
    for changes, weeks in (
        ({"body": "Bright.", "price_type": "Monthly"}, set()),
        ({"price_type": "per month"}, set()),
        ({"price_type": "Weekly"}, {date(2024, 4, 15), date(2024, 4, 22), date(2024, 4, 29)}),
    ):
        engine.run(AS_OF, {"apartment_attributes": [attributes(2, **changes)]})
        assert_agreed(engine, AS_OF)
        staged = engine.staged
        rebuilt = set(staged[staged.metric == "average_listing_price_weekly"].period_start)
        # The week of the day of the run is looked at in any case.
        assert rebuilt - {date(2024, 4, 29)} == weeks - {date(2024, 4, 29)}


# Places


def test_w7_a_city_is_one_however_it_is_spelled(make_engine):
    """Case and blanks make no other place. A week's commonest spelling is shown, of equally frequent ones the first by bytes."""
    spellings = [
        ("Austin", "TX"),
        ("austin", "tx"),
        (" AUSTIN ", "TX"),
        ("austin", "tx"),
        ("San  Antonio", "TX"),
        ("san\tantonio", "Tx"),
    ]
    spellings += [("Zürich", None), ("ZÜRICH", "null"), ("Austin", None)]
    engine = make_engine()
    engine.run(
        AS_OF,
        {
            "apartments": [listing(key) for key in range(len(spellings))],
            "apartment_attributes": [attributes(key, cityname=city, state=state) for key, (city, state) in enumerate(spellings)],
            "bookings": [booking(key, apartment_id=key) for key in range(len(spellings))],
        },
    )
    assert_agreed(engine, AS_OF)
    cities = engine.read("presentation.popular_cities_weekly").sort_values(["city_rank", "city_key", "state_key"])
    columns = (cities.city_key, cities.state_key, cities.city, cities.state, cities.bookings, cities.city_rank)
    assert list(zip(*columns, strict=True)) == [
        ("austin", "tx", "austin", "tx", 4, 1),
        ("san antonio", "tx", "San Antonio", "TX", 2, 2),
        ("zürich", None, "ZÜRICH", None, 2, 2),
        ("austin", None, "Austin", None, 1, 4),
    ]


@pytest.mark.slow
def test_c5_only_another_place_makes_the_weeks_of_cities_anew(make_engine):
    """An edit of a listing's body leaves every week of popular_cities_weekly as it is; another spelling does not."""
    engine = make_engine()
    engine.run(AS_OF, {"apartments": [listing(1)], "apartment_attributes": [attributes(1)], "bookings": [booking(1)]})
    for changes, weeks in (({"body": "Bright."}, set()), ({"body": "Bright.", "cityname": "AUSTIN"}, {WEEK})):
        engine.run(AS_OF, {"apartment_attributes": [attributes(1, **changes)]})
        assert_agreed(engine, AS_OF)
        staged = engine.staged
        assert set(staged[staged.metric == "popular_cities_weekly"].period_start) == weeks


# Unknown amounts


@pytest.mark.slow
def test_21_an_amount_without_a_rate_is_unknown_and_has_no_rank(make_engine):
    """Case 21: bookings in EUR before the rates begin. Unknown is NULL and counted, never 0, and never first."""
    engine = make_engine(rates="rate_date,currency,usd_per_unit\n2020-01-01,USD,1\n2024-03-06,EUR,2\n")
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1, currency="EUR"), listing(2, currency="EUR"), listing(3)],
            "bookings": [
                booking(1, currency="EUR"),
                booking(2, apartment_id=2, currency="EUR"),
                booking(3, apartment_id=2, currency="EUR", booking_date="2024-03-06"),
                booking(4, apartment_id=3, total_price="0.00"),
            ],
        },
    )
    assert read_revenue(engine) == 1_000
    rows = engine.read("presentation.listing_revenue_weekly").set_index("listing_id")
    assert [(rows.revenue[key], rows.revenue_rank[key], rows.bookings_without_rate[key]) for key in (1, 2, 3)] == [
        (None, None, 1),
        (Decimal("1000.00"), 1, 1),
        (Decimal("0.00"), 2, 0),
    ]
    prices = engine.read("presentation.average_listing_price_weekly").set_index("period_start")
    assert prices.average_price[date(2024, 3, 4)] == 100.0 and prices.listings_without_rate[date(2024, 3, 4)] == 2
    assert prices.average_price[date(2024, 3, 11)] == pytest.approx(500 / 3)
    overview = engine.read("presentation.weekly_overview").set_index("week_start")
    assert (overview.revenue[WEEK], overview.bookings_without_rate[WEEK]) == (Decimal("1000.00"), 2)
