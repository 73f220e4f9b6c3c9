"""What a night, a booking, a guest and a listing bring: small marketplaces, counted by hand, in SQL and by the judge."""

from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from rental_pipeline.base.errors import FixData, RetryLater
from tests.metrics.agreement import assert_metrics_agreed
from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.engine import Engine

AS_OF = date(2024, 5, 1)
RATES = "rate_date,currency,usd_per_unit\n2020-01-01,USD,1\n2024-03-01,EUR,2\n"
# Listings 1 and 2 in Austin, in two spellings; 3 nowhere, and active since 15 March.
LISTINGS = [listing(1), listing(2), listing(3, listing_created_on="2024-03-15")]
PLACES = [attributes(1), attributes(2, cityname="AUSTIN", bedrooms="7")]


@pytest.fixture
def engine(make_engine) -> Engine:
    return make_engine(rates=RATES)


def read_agreed(engine: Engine, metric: str, as_of: date = AS_OF) -> list[dict]:
    """Return a metric's rows in the order of their keys, after the judge agreed on all metrics."""
    rows = assert_metrics_agreed(engine, as_of)[metric].to_dict("records")
    return sorted(rows, key=lambda row: [str(row[key]) for key in engine.files.metric(metric).unique_key])


def pick(rows: list[dict], *columns: str, **where) -> list[tuple]:
    return [tuple(row[column] for column in columns) for row in rows if where.items() <= row.items()]


def test_a_stays_price_is_spread_over_its_nights(engine):
    """100.00 for three nights is 33.33, 33.33 and 33.34, in the months they fall in; two listings have sixty nights in April."""
    stays = [
        booking(1, checkin_date="2024-03-30", checkout_date="2024-04-02", total_price="100.00"),
        booking(2, checkin_date="2024-03-05", checkout_date="2024-03-05", total_price="7.00"),
        booking(3, checkin_date="2024-04-30", checkout_date="2024-05-02", total_price="50.01"),
        booking(4, booking_status="canceled", checkin_date="2024-04-10", checkout_date="2024-04-12"),
    ]
    engine.run(AS_OF, {"apartments": LISTINGS[:2], "apartment_attributes": PLACES, "bookings": stays})
    rows = read_agreed(engine, "nights_monthly")
    columns = ("booked_nights", "revenue", "revenue_without_night", "adr", "occupancy_rate", "revpar")
    march, april = (pick(rows, *columns, period_start=date(2024, month, 1), segment="all")[0] for month in (3, 4))
    assert march == (2, Decimal("66.66"), 7, 33.33, 2 / 62, pytest.approx(66.66 / 62))
    # The last night of the first, and the first of the third: the second is tonight's.
    assert april == (2, Decimal("33.34") + Decimal("25.00"), 0, 29.17, 2 / 60, pytest.approx(58.34 / 60))
    members = pick(rows, "segment", "member_key", "member", "available_nights", period_start=date(2024, 4, 1))
    assert members == [
        ("all", "", "all", 60),
        ("bedrooms", "2", "2", 30),
        ("bedrooms", "5 or more", "5 or more", 30),
        ("category", "2bhk", "2BHK", 60),
        ("city", "austin, tx", "AUSTIN, TX", 60),
    ]


def test_nights_without_a_rate_are_unknown_and_not_free(engine):
    """They are left out of averages, and alone they leave the money unknown; two stays on one night are one night."""
    stays = [
        booking(1, checkin_date="2024-03-01", checkout_date="2024-03-03", total_price="30.00", currency="EUR"),
        booking(2, checkin_date="2024-03-02", checkout_date="2024-03-04", total_price="99.00", currency="GBP"),
        booking(3, checkin_date="2024-04-01", checkout_date="2024-04-02", total_price="99.00", currency="GBP"),
        booking(4, apartment_id=3, checkin_date="2024-03-13", checkout_date="2024-03-17", total_price="40.00"),
    ]
    engine.run(AS_OF, {"apartments": [LISTINGS[0], LISTINGS[2]], "apartment_attributes": PLACES, "bookings": stays})
    rows = read_agreed(engine, "nights_monthly")
    columns = ("booked_nights", "booked_nights_without_rate", "booked_nights_unavailable", "revenue", "revenue_unavailable")
    assert pick(rows, *columns, "adr", segment="all", period_start=date(2024, 3, 1)) == [
        (5, 1, 2, Decimal(80), Decimal(20), 20.0)
    ]
    assert pick(rows, *columns, "adr", segment="city", member_key="", period_start=date(2024, 3, 1)) == [(2, 0, 2, 20, 20, 10.0)]
    assert pick(rows, *columns, "adr", "revpar", segment="all", period_start=date(2024, 4, 1)) == [(1, 1, 0, None, 0, None, None)]


def test_a_listing_takes_its_nights_to_its_new_city(engine):
    """Attributes that come, change, and go away move the past, too; a later rate of the day of booking changes it."""
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": [booking(1)]})
    for changes in ({"cityname": "Austin"}, {"cityname": "Paris", "state": None, "category": "Loft"}, {"bedrooms": "two"}):
        engine.run(AS_OF, {"apartment_attributes": [attributes(1, **changes)]})
        rows = read_agreed(engine, "nights_monthly")
        assert len(pick(rows, "member", period_start=date(2024, 3, 1))) == 4


def test_a_rate_of_the_day_of_booking_changes_the_nights_months_later(engine):
    """And the thirteen weeks in which the booking counts."""
    stay = booking(1, currency="EUR", booking_date="2024-01-05", checkin_date="2024-04-11", checkout_date="2024-04-13")
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": [stay]})
    assert pick(read_agreed(engine, "nights_monthly"), "revenue", segment="all", period_start=date(2024, 4, 1)) == [(None,)]
    (engine.sql_root / "control" / "exchange_rates.csv").write_text(RATES + "2024-01-04,EUR,3\n", encoding="utf-8")
    engine.run(AS_OF)
    assert pick(read_agreed(engine, "nights_monthly"), "revenue", segment="all", period_start=date(2024, 4, 1)) == [(1500,)]


def test_bookings_of_a_week(engine):
    """The worked example of the header, with a late entry, one that is pending, and payments."""
    made = {"booking_date": "2024-03-04", "payment_status": "Not-paid"}
    bookings = [
        booking(1, **made, checkin_date="2024-03-05", checkout_date="2024-03-06", total_price="100.00"),
        booking(2, **made, checkin_date="2024-03-14", checkout_date="2024-03-15", total_price="200.00"),
        booking(
            3, **made, checkin_date="2024-04-13", checkout_date="2024-04-14", total_price="300.00", booking_status="canceled"
        ),
    ]
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": bookings})
    columns = (
        "cancellation_rate",
        "revenue",
        "revenue_lost",
        "mean_days_ahead",
        "median_days_ahead",
        "days_1_to_7",
        "days_8_to_30",
    )
    rows = read_agreed(engine, "bookings_weekly")
    assert pick(rows, *columns, segment="all") == [(1 / 3, 300, 300, 5.5, 5.5, 1, 1)]
    late = [
        booking(4, booking_date="2024-03-10", checkin_date="2024-03-09", checkout_date="2024-03-12", total_price="100.00"),
        booking(5, **made, booking_status="pending", currency="GBP"),
        booking(6, **made | {"payment_status": None}, currency="GBP", checkin_date="2024-03-04"),
        booking(7, **made | {"payment_status": None}, booking_status="canceled", currency="GBP"),
    ]
    engine.run(AS_OF, {"bookings": late})
    rows = read_agreed(engine, "bookings_weekly")
    assert pick(rows, "confirmed", "booked_after_checkin", "days_0", "mean_days_ahead", segment="all") == [(4, 1, 1, 11 / 3)]
    by_payment = pick(rows, "member", "revenue", "revenue_lost", "revenue_share", segment="payment_status")
    assert by_payment == [("not_paid", 300, 300, 0.75), ("paid", 100, 0, 0.25), ("unknown", None, None, None)]


def test_a_customer_counts_once_in_a_week(engine):
    """Also where one books twice, pays for one booking and not for the other, or cancels another."""
    made = {"booking_date": "2024-03-04", "payment_status": "Paid"}
    canceled = {"booking_status": "canceled", "payment_status": None}
    bookings = [
        booking(1, **made, user_id=1),
        booking(2, **made | {"payment_status": "Not-paid", "booking_status": "pending"}, user_id=1),
        booking(3, **made, user_id=2),
        booking(4, **made | canceled, user_id=2),
        booking(5, **made | canceled, user_id=3),
    ]
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": bookings})
    told = pick(read_agreed(engine, "bookings_weekly"), "member", "bookings", "customers")
    assert told == [("all", 5, 2), ("not_paid", 1, 1), ("paid", 2, 2), ("unknown", 2, 0)]


def test_guests_come_back(engine):
    """The worked example of the header; then a booking that comes late makes Bob older, and canceled ones make Ann new."""
    made = [("Ann", "2024-01-05"), ("Ann", "2024-01-20"), ("Ann", "2024-03-03"), ("Bob", "2024-01-07")]
    bookings = [booking(key, user_id=ord(who[0]), booking_date=day) for key, (who, day) in enumerate(made)]
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": bookings})
    columns = ("period_start", "cohort_month", "guests", "guests_back_first", "bookings", "revenue")
    january, march = date(2024, 1, 1), date(2024, 3, 1)
    rows = pick(read_agreed(engine, "guests_monthly"), *columns)
    assert rows == [(january, january, 2, 1, 3, 1500), (march, january, 1, 0, 1, 500)]
    cohorts = engine.read("presentation.guest_cohorts").sort_values(["cohort_month", "age_months"])
    told = ["cohort_month", "age_months", "cohort_guests", "guests_back", "back_rate", "revenue_so_far", "lifetime_value"]
    assert list(cohorts[told].itertuples(index=False, name=None)) == [
        (january, 0, 2, 1, 0.5, 1500, 750.0),
        (january, 2, 2, 1, 0.5, 2000, 1000.0),
    ]
    engine.run(AS_OF, {"bookings": [booking(9, user_id=ord("B"), booking_date="2023-12-31")]})
    read_agreed(engine, "guests_monthly")
    canceled = [booking(key, user_id=ord("A"), booking_date=made[key][1], booking_status="canceled") for key in (0, 1)]
    engine.run(AS_OF, {"bookings": canceled})
    rows = pick(read_agreed(engine, "guests_monthly"), *columns[:4])
    assert rows == [(date(2023, 12, 1), date(2023, 12, 1), 1, 0), (january, date(2023, 12, 1), 1, 1), (march, march, 1, 0)]


def test_a_run_that_publishes_nothing_numbers_no_booking_twice(engine):
    """What it has kept of guests is of bookings that the next run may find otherwise: both begin at the first that changed."""
    made = [("Ann", "2024-01-05"), ("Bob", "2024-01-07")]
    bookings = [booking(key, user_id=ord(who[0]), booking_date=day) for key, (who, day) in enumerate(made)]
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": bookings})
    engine.max_rejected_fraction = 0.1
    second = booking(2, user_id=ord("A"), booking_date="2024-02-03")
    with pytest.raises(FixData, match="bookings_set_aside_beyond_limit"):
        engine.run(AS_OF, {"bookings": [second, *(each | {"booking_status": "lost"} for each in bookings)]})
    with pytest.raises(RetryLater, match="held the lease"):
        engine.run(AS_OF)
    engine.run(AS_OF, {"bookings": [*bookings, booking(3, user_id=ord("A"), booking_date="2024-03-01")]})
    rows = pick(read_agreed(engine, "guests_monthly"), "period_start", "cohort_month", "guests", "guests_back_first")
    january, february, march = (date(2024, month, 1) for month in (1, 2, 3))
    assert rows == [(january, january, 2, 0), (february, january, 1, 1), (march, january, 1, 0)]


def test_who_looks_may_book(engine):
    """The worked example of the header: everybody counts once, in each city; an event that comes twice is the same person."""
    day = datetime(2024, 3, 5, 10)
    viewings = [
        *(viewing(day, apartment_id=key) for key in (1, 2, 2)),
        viewing(day, user_id=2, is_wishlisted="y", call_to_action=None),
        viewing(day, user_id=3, apartment_id=3, call_to_action=None),
    ]
    viewings[0] |= {"call_to_action": None}
    for each in viewings[1:3]:
        each |= {"call_to_action": "null"}
    engine.run(
        AS_OF, {"apartments": LISTINGS, "apartment_attributes": PLACES, "bookings": [booking(1)], "user_viewing": viewings}
    )
    columns = ("member", "viewers", "viewers_with_wishlist", "viewers_with_call", "bookers", "bookings", "viewers_who_booked")
    rows = read_agreed(engine, "conversion_weekly")
    assert pick(rows, *columns, "bookings_per_viewer") == [
        ("all", 3, 1, 0, 1, 1, 1, 1 / 3),
        ("unknown", 1, 0, 0, 0, 0, 0, 0.0),
        ("AUSTIN, TX", 2, 1, 0, 1, 1, 1, 0.5),
    ]
    # The day again, with one viewing less and a call; and the listing moves to another city.
    engine.run(AS_OF, {"user_viewing": [*viewings[:3], viewings[3] | {"call_to_action": "Contact Agent"}]})
    engine.run(AS_OF, {"apartment_attributes": [attributes(2, cityname="Paris", state=None)]})
    rows = read_agreed(engine, "conversion_weekly")
    assert pick(rows, "member", "viewers", "viewers_with_call") == [("all", 2, 1), ("Austin, TX", 2, 1), ("Paris", 1, 0)]


def test_a_listing_moves_twice_while_nothing_is_published(engine):
    """Its weeks and months are found by the place as which they were published, or are stale since it left that."""
    market = {
        "apartments": LISTINGS,
        "apartment_attributes": PLACES,
        "bookings": [
            booking(1, apartment_id=2),
            booking(2, apartment_id=2, booking_date="2023-02-06", checkin_date="2023-02-10"),
        ],
        "user_viewing": [viewing(datetime(2023, 7, 4, 10), apartment_id=2)],
    }
    engine.run(AS_OF, market)
    engine.max_rejected_fraction = 0.1
    lost = [booking(number, apartment_id=2, booking_status="lost") for number in (1, 2)]
    with pytest.raises(FixData, match="bookings_set_aside_beyond_limit"):
        engine.run(AS_OF, {"apartment_attributes": [attributes(2, cityname="Paris")], "bookings": lost})
    with pytest.raises(RetryLater, match="held the lease"):
        engine.run(AS_OF)
    engine.run(AS_OF, {"apartment_attributes": [attributes(2, cityname="Pune")], "bookings": market["bookings"]})
    rows = read_agreed(engine, "conversion_weekly")
    assert {row["member"] for row in rows} == {"all", "Pune, TX"}
    assert len([row for row in rows if row["segment"] == "city"]) == 3
    # Attributes go, and come again with another city.
    engine.run(AS_OF, deletes={"apartment_attributes": [2]})
    engine.run(AS_OF, {"apartment_attributes": [attributes(2, cityname="Delhi")]})
    assert {row["member"] for row in read_agreed(engine, "conversion_weekly")} == {"all", "Delhi, TX"}


def test_listings_come_and_go(engine):
    """New once, lost, and returned; the best tenth of one listing is one; after thirteen weeks a booking is forgotten."""
    dearer = booking(1, apartment_id=1, booking_date="2024-03-05", total_price="300.00")
    engine.run(
        date(2024, 3, 13),
        {"apartments": LISTINGS[:2], "bookings": [dearer, booking(2, apartment_id=2, booking_date="2024-03-12")]},
    )
    for day, is_active in ((14, "0"), (28, "1")):
        change = listing(2, is_active=is_active, changed_at=datetime(2024, 3, day, 9))
        engine.run(date(2024, 3, day), {"apartments": [change]})
    engine.run(date(2024, 7, 3), {"apartments": [listing(3, listing_created_on="2024-06-25 10:00:00")]})
    weeks = {row["period_start"]: row for row in read_agreed(engine, "listings_weekly", date(2024, 7, 3))}
    columns = ("active_listings", "active_before", "new_listings", "returned_listings", "lost_listings")
    for week, figures in {
        date(2022, 12, 26): (2, 0, 2, 0, 0),
        date(2024, 3, 11): (1, 2, 0, 0, 1),
        date(2024, 3, 25): (2, 1, 0, 1, 0),
        date(2024, 6, 24): (3, 2, 1, 0, 0),
    }.items():
        assert tuple(weeks[week][column] for column in columns) == figures, week
    money = ("bookings", "revenue", "top_revenue", "top_revenue_share", "listings_without_booking")
    assert tuple(weeks[date(2024, 3, 25)][column] for column in money) == (2, 800, 500, 0.625, 0)
    assert tuple(weeks[date(2024, 5, 27)][column] for column in money) == (2, 800, 500, 0.625, 0)
    assert tuple(weeks[date(2024, 6, 3)][column] for column in money) == (1, 500, 500, 1.0, 1)
    assert tuple(weeks[date(2024, 6, 10)][column] for column in money) == (0, 0, 0, None, 2)


def test_a_month_stands_beside_the_year_before(engine):
    """The view of seasons: of a month without one a year before, that is unknown."""
    stays = [booking(key, checkin_date=f"{year}-03-11", checkout_date=f"{year}-03-13") for key, year in ((1, 2023), (2, 2024))]
    stays[1] |= {"total_price": "600.00"}
    engine.run(AS_OF, {"apartments": LISTINGS[:1], "bookings": stays})
    nights = {row["period_start"]: row for row in read_agreed(engine, "nights_monthly") if row["segment"] == "all"}
    view = engine.read("presentation.seasonality_monthly")
    view = view[view.segment == "all"].set_index("month_start")
    assert (view.adr[date(2024, 3, 1)], view.adr_year_before[date(2024, 3, 1)]) == (300.0, 250.0)
    assert list(view.columns) == ["segment", "member_key", "member", *SEASONAL, *(f"{name}_year_before" for name in SEASONAL)]
    for month, row in view.iterrows():
        before = nights.get(month.replace(year=month.year - 1))
        for name in SEASONAL:
            told = row[f"{name}_year_before"]
            assert row[name] == nights[month][name] or (pd.isna(row[name]) and nights[month][name] is None)
            assert told == before[name] if before and before[name] is not None else pd.isna(told)


SEASONAL = ["available_nights", "booked_nights", "occupancy_rate", "adr", "revpar", "revenue"]
