"""Small marketplaces whose figures are counted by hand; the warehouse and the judge must both arrive at them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from tests.fixtures.slow import first_of
from tests.metrics.agreement import assert_metrics_agreed
from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.engine import Engine

AS_OF = date(2024, 5, 1)


@pytest.fixture
def figures(make_engine):
    """Return a function that builds everything from rows and returns one metric, after the judge agreed on all of them."""

    def build(metric: str, as_of: date = AS_OF, rates: str | None = None, **upserts) -> list[tuple]:
        engine = make_engine(rates=rates)
        engine.run(as_of, upserts)
        return read_agreed(engine, metric, as_of)

    return build


def read_agreed(engine: Engine, metric: str, as_of: date) -> list[tuple]:
    rows = assert_metrics_agreed(engine, as_of)[metric].itertuples(index=False, name=None)
    return sorted(rows, key=lambda row: tuple(str(cell) for cell in row))


def by_month(rows: list[tuple]) -> dict[date, tuple]:
    """Available and booked nights, and booked ones that were not available, of occupancy_monthly."""
    return {month: (available, *booked) for month, available, _, *booked, _ in rows}


def by_week(rows: list[tuple]) -> list[tuple]:
    """Listings, those without a rate, and the average price, of average_listing_price_weekly where all are in one unit."""
    return [(week, listings, unknown, price) for week, _, listings, unknown, _, price in rows]


# Occupancy


def test_a_stay_is_split_over_months_and_years(figures):
    """Nights belong to the month they fall in: a stay over New Year has some in three months."""
    rows = figures(
        "occupancy_monthly",
        apartments=[listing(1)],
        bookings=[booking(1, checkin_date="30/12/2023", checkout_date="2024-02-02")],
    )
    months = by_month(rows)
    assert months[date(2023, 12, 1)] == (31, 2, 0)
    assert months[date(2024, 1, 1)] == (31, 31, 0)
    assert months[date(2024, 2, 1)] == (29, 1, 0)
    assert months[date(2024, 3, 1)] == (31, 0, 0)


def test_a_stay_of_years_fills_every_month_up_to_the_day_of_the_run(figures):
    """The original data has stays of years; only nights that are over count."""
    rows = figures(
        "occupancy_monthly",
        as_of=date(2024, 4, 11),
        apartments=[listing(1, listing_created_on="01/02/2021")],
        bookings=[booking(1, checkin_date="2021-06-15", checkout_date="2026-01-01")],
    )
    months = by_month(rows)
    assert months[date(2021, 2, 1)] == (28, 0, 0)
    assert months[date(2021, 6, 1)] == (30, 16, 0)
    assert months[date(2022, 2, 1)] == (28, 28, 0)
    assert months[date(2024, 4, 1)] == (10, 10, 0)
    assert max(months) == date(2024, 4, 1)
    assert len(months) == 11 + 12 + 12 + 4


def test_overlapping_stays_count_a_night_once(figures):
    """Overlapping, touching and equal stays, and two nested in one, of one listing; another listing's nights are its own."""
    stays = [(10, 15), (12, 20), (13, 14), (16, 18), (20, 21), (12, 20), (25, 25), (9, 11)]
    rows = figures(
        "occupancy_monthly",
        apartments=[listing(1), listing(2)],
        bookings=[
            *(
                booking(number, checkin_date=f"2024-03-{start:02}", checkout_date=f"2024-03-{end:02}")
                for number, (start, end) in enumerate(stays)
            ),
            booking(90, apartment_id=2, checkin_date="2024-03-12", checkout_date="2024-03-14"),
            booking(91, booking_status="pending", checkin_date="2024-03-28", checkout_date="2024-03-30"),
            booking(92, booking_status="canceled", checkin_date="2024-03-28", checkout_date="2024-03-30"),
        ],
    )
    assert by_month(rows)[date(2024, 3, 1)] == (62, 12 + 2, 0)
    assert rows[-2][5] == pytest.approx(14 / 62)


@pytest.mark.slow
def test_nights_of_an_inactive_listing_are_no_part_of_the_rate(make_engine):
    """The end of the day decides: off at noon of the 10th, on again on the 12th, so nights 10 and 11 are not available."""
    engine = make_engine()
    engine.run(
        date(2024, 3, 9),
        {"apartments": [listing(1)], "bookings": [booking(1, checkin_date="2024-03-09", checkout_date="2024-03-14")]},
    )
    engine.run(date(2024, 3, 11), {"apartments": [listing(1, is_active="0", changed_at=datetime(2024, 3, 10, 12))]})
    engine.run(AS_OF, {"apartments": [listing(1, changed_at=datetime(2024, 3, 12, 9))]})
    months = by_month(read_agreed(engine, "occupancy_monthly", AS_OF))
    assert months[date(2024, 3, 1)] == (29, 3, 2)


@pytest.mark.parametrize(
    ("cursor", "nights"),
    first_of(
        [
            (datetime(2024, 3, 12), 20),  # moved to before the comparison, which found the listing active
            (datetime(2024, 3, 18), 17),  # since then: believed
            (datetime(2024, 3, 2), 20),  # not moved
            (datetime(2024, 3, 1), 20),  # moved back
        ],
        2,
    ),
)
def test_a_cursor_is_believed_until_it_is_disproved(make_engine, cursor, nights):
    """A listing closed on the 18th, as was seen on the 21st; it was active on the 15th, when all was compared."""
    engine = make_engine()
    opened = {"listing_created_on": "2024-03-01", "changed_at": datetime(2024, 3, 2)}
    engine.run(date(2024, 3, 2), {"apartments": [listing(1, **opened)]})
    engine.run(date(2024, 3, 15))
    engine.compare(datetime(2024, 3, 15, 12))
    engine.run(date(2024, 3, 21), {"apartments": [listing(1, **opened | {"is_active": "0", "changed_at": cursor})]})
    months = by_month(read_agreed(engine, "occupancy_monthly", date(2024, 3, 21)))
    assert months[date(2024, 3, 1)][0] == nights


@pytest.mark.slow
def test_a_month_without_availability_has_no_rate(figures):
    """Stayed nights of a listing that was never active: nothing to be a share of."""
    rows = figures("occupancy_monthly", apartments=[listing(1, is_active="False")], bookings=[booking(1)])
    assert rows == [(date(2024, 3, 1), 0, 0, 0, 5, None)]


# Prices


@pytest.mark.slow
def test_a_price_counts_once_a_week_and_the_last_active_one(make_engine):
    """Dearer on Wednesday, off on Thursday, dearer still while off, on again on Monday at midnight: a week each has its price."""
    engine = make_engine()
    changes = [
        {"price": "200.00", "changed_at": datetime(2024, 3, 6, 12)},
        {"price": "200.00", "is_active": "0", "changed_at": datetime(2024, 3, 7, 12)},
        {"price": "300.00", "is_active": "0", "changed_at": datetime(2024, 3, 8, 12)},
        {"price": "400.00", "changed_at": datetime(2024, 3, 18)},
    ]
    created = "2024-02-28 08:00:00"
    engine.run(date(2024, 3, 5), {"apartments": [listing(1, listing_created_on=created)]})
    for change in changes:
        engine.run(change["changed_at"].date(), {"apartments": [listing(1, listing_created_on=created, **change)]})
    as_of = date(2024, 3, 26)
    engine.run(as_of)
    rows = by_week(read_agreed(engine, "average_listing_price_weekly", as_of))
    assert rows == [
        (date(2024, 2, 26), 1, 0, 100.0),
        (date(2024, 3, 4), 1, 0, 200.0),
        (date(2024, 3, 18), 1, 0, 400.0),
        (date(2024, 3, 25), 1, 0, 400.0),
    ]


def test_midnight_of_monday_belongs_to_the_new_week(make_engine):
    """Dearer, or off, from the first moment of a week: the week before is as it was."""
    engine, as_of = make_engine(), date(2024, 3, 25)
    monday = datetime(2024, 3, 18)
    engine.run(date(2024, 3, 15), {"apartments": [listing(1), listing(2, price="300.00")]})
    changed = [listing(1, price="150.00", changed_at=monday), listing(2, price="300.00", is_active="0", changed_at=monday)]
    engine.run(as_of, {"apartments": changed})
    rows = by_week(read_agreed(engine, "average_listing_price_weekly", as_of))
    assert rows[-3:] == [(date(2024, 3, 11), 2, 0, 200.0), (date(2024, 3, 18), 1, 0, 150.0), (date(2024, 3, 25), 1, 0, 150.0)]


def test_prices_are_converted_at_the_rate_of_the_weeks_monday(figures):
    """A rate that changes on Wednesday, and a currency that has no rate: the latter is counted, and only in its own average."""
    rates = "rate_date,currency,usd_per_unit\n2020-01-01,USD,1\n2024-04-01,EUR,1.5\n2024-04-24,EUR,9\n2024-04-30,INR,0.5\n"
    apartments = [
        listing(1, listing_created_on="2024-04-25"),
        listing(2, listing_created_on="2024-04-26", currency="eur", price="100.01"),
        listing(3, listing_created_on="2024-04-27", currency="GBP", price="7.00"),
        listing(4, listing_created_on="2024-04-28", currency="INR", price="8.00"),
    ]
    rows = by_week(figures("average_listing_price_weekly", rates=rates, apartments=apartments))
    assert rows == [
        (date(2024, 4, 22), 4, 2, pytest.approx((100 + 150.015) / 2)),
        (date(2024, 4, 29), 4, 2, pytest.approx((100 + 900.09) / 2)),
    ]


@pytest.mark.slow
def test_prices_by_currency_are_as_asked(figures):
    """Each currency has its own line; a week of one currency without a rate has no converted average."""
    rows = figures(
        "average_listing_price_weekly_by_currency",
        as_of=date(2024, 4, 28),
        apartments=[
            listing(1, listing_created_on="2024-04-25", currency="GBP", price="10.00"),
            listing(2, listing_created_on="2024-04-25", currency="GBP", price="10.01"),
        ],
    )
    assert rows == [(date(2024, 4, 22), "unknown", "GBP", 2, 0, pytest.approx(10.005))]


# Bookings


def test_ties_share_a_rank(figures):
    """Two cities with equally many bookings are both first, and the next is third. A city without a state is a city."""
    places = {1: ("Austin", "TX"), 2: ("Paris", "null"), 3: ("Pune", "MH"), 4: ("null", "null")}
    listings = [1, 1, 2, 2, 3, 4, 5]
    rows = figures(
        "popular_cities_weekly",
        apartments=[listing(key) for key in range(1, 6)],
        apartment_attributes=[attributes(key, cityname=city, state=state) for key, (city, state) in places.items()],
        bookings=[booking(number, apartment_id=key) for number, key in enumerate(listings)],
    )
    week = date(2024, 3, 4)
    assert [row[:1] + row[3:] for row in rows] == [
        (week, "Austin", "TX", 2, 1),
        (week, "Paris", None, 2, 1),
        (week, "Pune", "MH", 1, 3),
    ]


def test_revenue_is_converted_at_the_rate_of_the_booking(make_engine):
    """Cents are rounded once, at the end; amounts without a rate are counted beside the sum; equal revenue shares a rank."""
    rates = "rate_date,currency,usd_per_unit\n2020-01-01,USD,1\n2024-03-05,EUR,1.005\n2024-03-06,EUR,2\n"
    engine = make_engine(rates=rates)
    upserts = {
        "apartments": [listing(key) for key in range(1, 5)],
        "bookings": [
            booking(1, total_price="0.50", currency="EUR"),
            booking(2, total_price="0.50", currency="EUR"),
            booking(3, total_price="1.00", currency="EUR", booking_date="2024-03-06"),
            booking(4, total_price="9.00", currency="EUR", booking_date="2024-03-04"),
            booking(5, total_price="900.00", booking_status="pending"),
            booking(6, apartment_id=2, total_price="3.01"),
            booking(7, apartment_id=3, total_price="3.00"),
            booking(8, apartment_id=4, total_price="77.00", currency="GBP"),
        ],
    }
    engine.run(AS_OF, upserts)
    week = date(2024, 3, 4)
    assert read_agreed(engine, "top_listings_weekly", AS_OF) == [
        (week, 1, 4, 1, Decimal("3.01")),
        (week, 2, 1, 0, Decimal("3.01")),
        (week, 3, 1, 0, Decimal("3.00")),
        (week, 4, 1, 1, None),
    ]
    ranks = engine.read("presentation.listing_revenue_weekly").set_index("listing_id").revenue_rank
    assert [ranks[key] for key in (1, 2, 3, 4)] == [1, 1, 3, None]


@pytest.mark.slow
def test_weeks_cross_the_year_as_iso_says(figures):
    """30 December 2024 begins week 1 of 2025; 3 January 2021 ends week 53 of 2020."""
    days = ["30/12/2024", "31/12/2024", "2025-01-05", "2025-01-06", "2021-01-03", "2020-12-27", "2020-12-28"]
    rows = figures(
        "bookings_per_user_weekly",
        as_of=date(2025, 2, 1),
        apartments=[listing(1)],
        bookings=[booking(number, booking_date=day) for number, day in enumerate(days)],
    )
    assert rows == [
        (date(2020, 12, 21), "1", 1),
        (date(2020, 12, 28), "1", 2),
        (date(2024, 12, 30), "1", 3),
        (date(2025, 1, 6), "1", 1),
    ]


def test_bookings_of_a_user_count_in_every_status_but_canceled(figures):
    """Canceled in either spelling and any case is out; pending is in."""
    statuses = ["confirmed", "Pending", "canceled", "Cancelled", " CONFIRMED "]
    rows = figures(
        "bookings_per_user_weekly",
        apartments=[listing(1)],
        bookings=[booking(number, booking_status=status) for number, status in enumerate(statuses)],
    )
    assert rows == [(date(2024, 3, 4), "1", 3)]


@pytest.mark.slow
def test_durations_belong_to_the_checkin(make_engine):
    """A stay without a night counts as one of no nights; all nights are the checkin period's, also beyond it and after as_of."""
    engine, as_of = make_engine(), date(2024, 2, 1)
    stays = [
        ("2024-02-29", "2024-02-29"),
        ("2024-03-03", "2024-03-06"),
        ("2024-03-10", "2024-03-17"),
        ("2024-03-10", "2024-03-09"),
    ]
    bookings = [booking(number, checkin_date=first, checkout_date=last) for number, (first, last) in enumerate(stays)]
    pending = booking(9, booking_status="pending", checkin_date="2024-03-10", checkout_date="2024-03-30")
    engine.run(as_of, {"apartments": [listing(1)], "bookings": [*bookings, pending]})
    weeks = read_agreed(engine, "average_booking_duration_weekly", as_of)
    assert weeks == [(date(2024, 2, 26), 2, 3, 1.5), (date(2024, 3, 4), 1, 7, 7.0)]
    months = read_agreed(engine, "average_booking_duration_monthly", as_of)
    assert months == [(date(2024, 2, 1), 1, 0, 0.0), (date(2024, 3, 1), 2, 10, 5.0)]


def test_a_second_booking_within_thirty_days_repeats(figures):
    """The window of a day is that day and the 29 before it: a second booking on day 29 repeats for one day, on day 30 never."""
    repeating_days = {0: 30, 1: 29, 28: 2, 29: 1, 30: 0, 31: 0}
    firsts = {gap: date(2023, 1, 10) + number * timedelta(days=70) for number, gap in enumerate(repeating_days)}
    days = [day for gap, first in firsts.items() for day in (first, first + timedelta(days=gap))]
    rows = figures(
        "repeat_customers_daily",
        apartments=[listing(1)],
        bookings=[
            *(booking(number, booking_date=day.isoformat()) for number, day in enumerate(days)),
            booking(90, user_id=2, booking_date=days[0].isoformat()),
            booking(91, user_id=2, booking_date=days[0].isoformat(), booking_status="canceled"),
        ],
    )
    for gap, first in firsts.items():
        window = [row for row in rows if first <= row[0] < first + timedelta(days=70)]
        assert sum(row[2] for row in window) == repeating_days[gap], gap
        assert len(window) == 30 + min(30, gap), gap
    assert rows[0] == (days[0], 2, 1, 0.5)


def test_no_day_after_the_run_has_a_repeat_rate(figures):
    """The window of the last booking reaches beyond the day of the run; its rows stop there."""
    rows = figures("repeat_customers_daily", as_of=date(2024, 3, 7), apartments=[listing(1)], bookings=[booking(1)])
    assert [row[0] for row in rows] == [date(2024, 3, 5), date(2024, 3, 6), date(2024, 3, 7)]


# Histories


def read_versions(engine: Engine) -> list[tuple]:
    versions = engine.read("curated.apartment_versions").sort_values("valid_from")
    return [
        (row.valid_from, None if pd.isna(row.valid_to) else row.valid_to, row.price, row.is_active, row.is_assumed)
        for row in versions.itertuples()
    ]


@pytest.mark.slow
def test_24_a_history_has_no_overlap_whatever_the_clocks_say(make_engine):
    """Equal and backward cursors: the later run wins, a version without a moment of its own leaves no row."""
    engine = make_engine()
    prices_and_clocks = [("1.00", 10), ("2.00", 20), ("3.00", 20), ("4.00", 5), ("5.00", 30)]
    for number, (price, day) in enumerate(prices_and_clocks):
        row = listing(1, price=price, changed_at=datetime(2024, 1, day), listing_created_on="2024-01-02")
        seen_at = datetime(2024, 1, max(each for _, each in prices_and_clocks[: number + 1]))
        engine.run(AS_OF + timedelta(days=number), {"apartments": [row]}, observed_at=seen_at)
    assert read_versions(engine) == [
        (datetime(2024, 1, 2), datetime(2024, 1, 10), Decimal("1.00"), True, True),
        (datetime(2024, 1, 10), datetime(2024, 1, 20), Decimal("1.00"), True, False),
        (datetime(2024, 1, 20), datetime(2024, 1, 30), Decimal("4.00"), True, False),
        (datetime(2024, 1, 30), None, Decimal("5.00"), True, False),
    ]
    read_agreed(engine, "average_listing_price_weekly", AS_OF + timedelta(days=4))


@pytest.mark.slow
def test_broken_versions_and_absences_are_gaps(make_engine):
    """A negative price and a deletion leave nothing in force until a usable version comes; what was before them stays."""
    engine = make_engine()
    steps = [
        {"apartments": [listing(1, changed_at=datetime(2024, 1, 5))]},
        {"apartments": [listing(1, price="-1.00", changed_at=datetime(2024, 1, 10))]},
        {"apartments": [listing(1, price="20.00", changed_at=datetime(2024, 1, 15))]},
        None,
        {"apartments": [listing(1, price="30.00", changed_at=datetime(2024, 1, 16))]},
    ]
    for number, upserts in enumerate(steps):
        day = date(2024, 2, 1) + timedelta(days=number)
        seen_at = datetime(2024, 1, (5, 10, 15, 20, 22)[number])
        engine.run(day, upserts, None if upserts else {"apartments": [1]}, observed_at=seen_at)
        assert read_versions(engine)[:2] == [
            (datetime(2023, 1, 1), datetime(2024, 1, 5), Decimal("100.00"), True, True),
            (datetime(2024, 1, 5), datetime(2024, 1, 10) if number else None, Decimal("100.00"), True, False),
        ]
        if upserts is None or "-" in upserts["apartments"][0]["price"]:
            assert None not in [valid_to for _, valid_to, *_ in read_versions(engine)], "a listing that is set aside or gone"
    assert read_versions(engine)[2:] == [
        (datetime(2024, 1, 15), datetime(2024, 1, 20), Decimal("20.00"), True, False),
        # It came back with an old cursor: it holds since the run that saw it again.
        (datetime(2024, 1, 22), None, Decimal("30.00"), True, False),
    ]
    read_agreed(engine, "average_listing_price_weekly", date(2024, 2, 5))


@pytest.mark.slow
def test_a_source_without_modification_times_is_dated_by_its_runs(make_engine):
    """Without a cursor a version begins when a run first saw it."""
    engine = make_engine()
    engine.run(date(2024, 2, 1), {"apartments": [listing(1, changed_at=None)]})
    engine.run(date(2024, 2, 9), {"apartments": [listing(1, changed_at=None, is_active="0")]})
    assert read_versions(engine) == [
        (datetime(2023, 1, 1), datetime(2024, 2, 1, 12), Decimal("100.00"), True, True),
        (datetime(2024, 2, 1, 12), datetime(2024, 2, 9, 12), Decimal("100.00"), True, False),
        (datetime(2024, 2, 9, 12), None, Decimal("100.00"), False, False),
    ]
    read_agreed(engine, "occupancy_monthly", date(2024, 2, 9))


# Increments


@pytest.mark.slow
def test_new_periods_come_without_any_change(make_engine):
    """Monday comes, the month turns, a night passes: an unchanged source gets its new week, its new nights, its new days."""
    engine = make_engine()
    engine.run(
        date(2024, 3, 31),
        {"apartments": [listing(1)], "bookings": [booking(1, checkin_date="2024-03-30", checkout_date="2024-04-10")]},
    )
    for day in (date(2024, 4, 1), date(2024, 4, 2), date(2024, 4, 16)):
        engine.run(day)
        read_agreed(engine, "occupancy_monthly", day)
    months = by_month(read_agreed(engine, "occupancy_monthly", date(2024, 4, 16)))
    assert months[date(2024, 3, 1)] == (31, 2, 0)
    assert months[date(2024, 4, 1)] == (15, 9, 0)


@pytest.mark.slow
def test_only_what_never_had_a_listing_waits_for_one(make_engine):
    """Children of a listing that the source never had are set aside, and come back with it; then nothing takes them away."""
    engine = make_engine()
    day = datetime(2024, 3, 2, 10)
    children = {
        "bookings": [booking(1), booking(2, apartment_id=2)],
        "apartment_attributes": [attributes(1)],
        "user_viewing": [viewing(day), viewing(day)],
    }
    engine.run(AS_OF, {"apartments": [listing(2)], **children})
    rejected = engine.read("curated.rejected_rows")
    assert sorted(rejected.table_name) == ["apartment_attributes", "bookings", "user_viewing", "user_viewing"]
    assert list(engine.read("curated.bookings").booking_id) == [2]
    # Its first row is one that breaks a rule: the listing exists all the same.
    for number, change in enumerate(({"currency": "?"}, {}, {"price": "-1.00"}, None)):
        if change is None:
            engine.run(AS_OF, deletes={"apartments": [1]})
        else:
            engine.run(AS_OF, {"apartments": [listing(1, changed_at=datetime(2024, 4, 1 + number), **change)]})
        assert sorted(engine.read("curated.bookings").booking_id) == [1, 2]
        assert len(engine.read("curated.user_viewing")) == 2 and len(engine.read("curated.apartment_attributes")) == 1
        read_agreed(engine, "popular_cities_weekly", AS_OF)


@pytest.mark.slow
def test_a_change_of_a_listing_touches_none_of_its_children(make_engine):
    """Or each change of prices would build most bookings again; only its first row reaches them. A viewing that waited for it is
    judged by itself, and no day is."""
    engine = make_engine()
    children = {"bookings": [booking(1)], "user_viewing": [viewing(datetime(2024, 3, 2, 10))]}
    engine.run(AS_OF, children)
    touched = []
    for day, price in enumerate((99, -1, -2, 99), start=1):
        engine.run(AS_OF, {"apartments": [listing(1, price=Decimal(price), changed_at=datetime(2024, 4, day))]})
        read_agreed(engine, "top_listings_weekly", AS_OF)
        build = f"from {engine.subject.marketplace}_control.curated_build where run_sequence = {engine.run_sequence}"
        of_children = f"{build} and table_name in ('bookings', 'user_viewing')"
        touched += [row[0] for row in engine.warehouse.query(f"select coalesce(sum(keys_touched), 0) {of_children}")]
    assert [int(count) for count in touched] == [1, 0, 0, 0]
    assert len(engine.read("curated.user_viewing")) == 1


def test_a_price_of_today_leaves_old_weeks_alone(make_engine):
    """Cost grows with what changed: a new price rebuilds the weeks since it holds, not those in which the old one did."""
    engine = make_engine()
    engine.run(date(2024, 5, 1), {"apartments": [listing(1), listing(2)]})
    engine.run(date(2024, 5, 2), {"apartments": [listing(1, price="120.00", changed_at=datetime(2024, 5, 2, 9))]})
    staged = engine.staged
    assert set(staged[staged.metric == "average_listing_price_weekly"].period_start) == {date(2024, 4, 29)}
    assert set(staged[staged.metric == "occupancy_monthly"].period_start) <= {date(2024, 5, 1)}
    rows = by_week(read_agreed(engine, "average_listing_price_weekly", date(2024, 5, 2)))
    assert rows[-2:] == [(date(2024, 4, 22), 2, 0, 100.0), (date(2024, 4, 29), 2, 0, 110.0)]
    positions = engine.read("control.layer_position")
    newest = positions[(positions.layer == "presentation") & (positions.name == "average_listing_price_weekly")].watermark
    assert newest.tolist() == [datetime(2024, 4, 22)], "the newest week that has ended, by which charts read"


@pytest.mark.slow
def test_a_change_that_comes_late_reaches_back_to_when_it_was_made(make_engine):
    """A listing was off from March to April, which the pipeline learns in June: the nights and prices of then are made again."""
    engine, as_of = make_engine(), date(2024, 6, 20)
    closed, opened = datetime(2024, 3, 13, 9), datetime(2024, 4, 30, 9)
    first = {"apartments": [listing(1), listing(2, changed_at=datetime(2024, 1, 1))], "bookings": [booking(1)]}
    engine.run(as_of, first, observed_at=datetime(2024, 1, 2))
    engine.run(as_of, {"apartments": [listing(2, is_active="0", changed_at=closed)]}, observed_at=closed)
    nights = {month: row[0] for month, row in by_month(read_agreed(engine, "occupancy_monthly", as_of)).items()}
    assert [nights[date(2024, month, 1)] for month in (2, 3, 4, 5, 6)] == [2 * 29, 31 + 12, 30, 31, 19]
    engine.run(as_of, {"apartments": [listing(2, price="700.00", changed_at=opened)]}, observed_at=opened)
    nights = {month: row[0] for month, row in by_month(read_agreed(engine, "occupancy_monthly", as_of)).items()}
    assert [nights[date(2024, month, 1)] for month in (3, 4, 5, 6)] == [31 + 12, 30 + 1, 2 * 31, 2 * 19]
    weeks = {row[0]: row[1:] for row in by_week(read_agreed(engine, "average_listing_price_weekly", as_of))}
    assert weeks[date(2024, 3, 11)] == (2, 0, 100.0)
    assert weeks[date(2024, 3, 18)] == (1, 0, 100.0)
    assert weeks[date(2024, 4, 29)] == (2, 0, 400.0)
    # Corrected at the same moment of the source's clock: the same interval has another price from its beginning.
    engine.run(as_of, {"apartments": [listing(2, price="900.00", changed_at=opened)]}, observed_at=opened)
    weeks = {row[0]: row[1:] for row in by_week(read_agreed(engine, "average_listing_price_weekly", as_of))}
    assert weeks[date(2024, 4, 29)] == weeks[date(2024, 5, 13)] == (2, 0, 500.0)


def test_a_late_booking_shares_its_windows_with_older_ones(make_engine):
    """Only the days from a late booking on are made again, but what was booked up to 29 days before is in their windows, too."""
    engine, as_of, first = make_engine(), date(2024, 3, 20), date(2024, 2, 1)
    engine.run(as_of, {"apartments": [listing(1)], "bookings": [booking(1, booking_date=first.isoformat())]})
    late = first + timedelta(days=29)
    engine.run(as_of, {"bookings": [booking(2, user_id=2, booking_date=late.isoformat())]})
    days = {row[0]: row[1:] for row in read_agreed(engine, "repeat_customers_daily", as_of)}
    assert days[late] == (2, 0, 0.0)
    assert days[late + timedelta(days=1)] == (1, 0, 0.0)
