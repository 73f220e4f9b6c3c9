"""The market of `make run` is one that a business person believes, day after day, and the same one again for the same seed."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from local.marketplace.apartments.market import FIRST_LISTINGS, LATER_LISTINGS
from local.marketplace.market import Life, count_wrong, live, stand

FOUNDED = date(2026, 3, 4)
Rows = list[dict[str, Any]]


def read_rows(life: Life, after: date = FOUNDED) -> dict[str, Rows]:
    """Return each table's rows as a day begins."""
    tables = {}
    for name, columns in stand(life, after):
        values = zip(*(column.tolist() for column in columns.values()), strict=True)
        tables[name] = [dict(zip(columns, row, strict=True)) for row in values]
    return tables


@pytest.fixture(scope="module")
def apartments() -> Life:
    """Half as many listings as usual, with a month after the founding."""
    return live("apartments", 0.5, 1, FOUNDED, FOUNDED + timedelta(days=30))


@pytest.fixture(scope="module")
def cars() -> Life:
    """Half as many cars as usual, with a month after the founding."""
    return live("cars", 0.5, 1, FOUNDED, FOUNDED + timedelta(days=30))


def read_day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text and text[:2] == "20" else None


def is_good(booking: dict[str, Any], listings: set[int]) -> bool:
    """Whether the rules of sql/apartments/curated/bookings.sql take it, as a person would say them."""
    days = [read_day(booking[name]) for name in ("booking_date", "checkin_date", "checkout_date")]
    return (
        None not in days
        and days[1] <= days[2]
        and booking["user_id"] is not None
        and booking["apartment_id"] in listings
        and booking["total_price"] >= 0
        and len(booking["currency"]) == 3
        and booking["booking_status"] in ("confirmed", "pending", "canceled")
    )


@pytest.fixture(scope="module")
def standing(apartments: Life) -> dict[str, Rows]:
    """The apartments as a first load finds them."""
    return read_rows(apartments)


@pytest.fixture(scope="module")
def good(standing: dict[str, Rows]) -> Rows:
    """The bookings that break no rule."""
    listings = {row["id"] for row in standing["apartments"]}
    return [booking for booking in standing["bookings"] if is_good(booking, listings)]


def test_some_four_hundred_listings_come_and_go(standing):
    """At the usual size; they are in cities that differ in price, and some have left."""
    assert 380 <= FIRST_LISTINGS + LATER_LISTINGS <= 420
    listings = standing["apartments"]
    assert len(listings) == pytest.approx(200, abs=25)
    assert 0.05 < sum(row["is_active"] == "0" for row in listings) / len(listings) < 0.3
    city = {row["id"]: row["cityname"] for row in standing["apartment_attributes"]}
    assert len(set(city.values())) >= 8
    asked = [(city[row["id"]], row["price"]) for row in listings if row["price"] is not None]
    prices = {name: median(price for where, price in asked if where == name) for name in ("Austin", "Miami")}
    assert float(prices["Miami"]) > 1.1 * float(prices["Austin"])
    assert all(30 <= price <= 900 for _, price in asked)


def test_occupancy_has_seasons_and_weekends(standing, good):
    """45 to 80 % in each of the last 24 months, fuller in summer than in winter, and on Saturday than on Tuesday."""
    opened = {
        row["id"]: read_day(row["listing_created_on"])
        for row in standing["apartments"]
        if row["is_active"] == "1" and read_day(row["listing_created_on"])
    }
    first = date(2024, 3, 1)
    days = [first + timedelta(days=number) for number in range((FOUNDED - first).days)]
    available, booked, on = Counter(), Counter(), Counter()
    for day in days:
        available[day.year, day.month] += sum(since <= day for since in opened.values())
    nights = set()
    for row in good:
        if row["booking_status"] == "confirmed" and row["apartment_id"] in opened:
            checkin, checkout = read_day(row["checkin_date"]), read_day(row["checkout_date"])
            stay = [(row["apartment_id"], checkin + timedelta(days=number)) for number in range((checkout - checkin).days)]
            assert not nights.intersection(stay), "one listing, one night, two guests"
            nights.update(stay)
    for _, day in nights:
        if first <= day < FOUNDED:
            booked[day.year, day.month] += 1
            on[day.weekday()] += 1
    months = sorted(available)[:-1]  # the last one has three days
    assert len(months) == 24
    occupancy = {month: booked[month] / available[month] for month in months}
    assert min(occupancy.values()) >= 0.45 and max(occupancy.values()) <= 0.8, occupancy
    assert occupancy[2025, 7] > occupancy[2025, 1] + 0.1
    assert on[5] > 1.1 * on[1]


def test_guests_book_ahead_and_come_back(good):
    """Weeks before they come, some on the day; 20 to 30 % of those who stayed did so more than once; 12 to 18 % cancel."""
    status = Counter(row["booking_status"] for row in good)
    assert 0.12 <= status["canceled"] / (status["canceled"] + status["confirmed"]) <= 0.18
    assert 0 < status["pending"] < 0.01 * len(good)
    stays = Counter(row["user_id"] for row in good if row["booking_status"] == "confirmed")
    assert 0.2 <= sum(count > 1 for count in stays.values()) / len(stays) <= 0.3
    leads = [(read_day(row["checkin_date"]) - read_day(row["booking_date"])).days for row in good]
    assert min(leads) == 0 and 10 <= median(leads) <= 45 and max(leads) > 120
    assert {row["currency"] for row in good} == {"USD", "EUR"}


@pytest.mark.parametrize("marketplace", ["apartments", "cars"])
def test_one_or_two_rows_of_a_hundred_are_wrong(marketplace, request):
    """On purpose; in the history, and in the weeks that are played after it, in which some are corrected."""
    life: Life = request.getfixturevalue(marketplace)
    wrong = count_wrong(life, FOUNDED)
    assert 0.01 <= sum(rows for rows, _ in wrong.values()) / sum(rows for _, rows in wrong.values()) <= 0.02
    later = [version for table in life.values() for row in table.rows for version in row if version.written_at.date() >= FOUNDED]
    assert 0.005 <= sum(version.is_wrong for version in later) / len(later) <= 0.025
    assert any(version.what.startswith("corrected") for version in later)


def test_what_is_said_to_be_wrong_breaks_a_rule(apartments, standing, good):
    """Each such booking, and no other."""
    assert count_wrong(apartments, FOUNDED)["bookings"] == (len(standing["bookings"]) - len(good), len(standing["bookings"]))


def test_a_week_of_the_market_brings_what_a_business_sees(apartments):
    """Bookings, payments, cancellations, corrections, late entries, prices that change, listings that come and go."""
    happened = Counter(
        version.what
        for table in apartments.values()
        for row in table.rows
        for version in row
        if FOUNDED <= version.written_at.date() < FOUNDED + timedelta(days=28)
    )
    for what in ("new bookings", "confirmed bookings", "paid bookings", "canceled bookings", "shortened stays", "changed prices"):
        assert happened[what] > 0, what
    assert 8 <= happened["new bookings"] / 28 <= 25
    assert {"corrected bookings", "new listings", "new viewings"} <= set(happened)
    late = [
        row[0].written_at.date() - read_day(row[0].values["booking_date"])
        for row in apartments["bookings"].rows
        if read_day(row[0].values["booking_date"])
    ]
    assert 0.01 < sum(delay.days > 0 for delay in late) / len(late) < 0.06


def test_cars_are_out_a_third_to_two_thirds_of_the_time(cars):
    """In each month; by whole hours at the rate of their type, none by two people at once, none before the account."""
    tables = read_rows(cars)
    joined = {
        row["vehicle_id"]: date.fromisoformat(row["certification_date"]) for row in tables["vehicles"] if row["active"] == "1"
    }
    known = {row["user_id"]: row["creation_date"] for row in tables["users"]}
    rentals = [
        row
        for row in tables["rental_transactions"]
        if row["rental_end_time"] and row["rental_start_time"] < row["rental_end_time"] and (row["total_amount"] or 0) > 0
    ]
    out, fleet = Counter(), Counter()
    for row in rentals:
        if row["vehicle_id"] in joined:
            for hour in range(int((row["rental_end_time"] - row["rental_start_time"]).total_seconds() // 3600)):
                moment = row["rental_start_time"] + timedelta(hours=hour)
                out[moment.year, moment.month] += 1
        if created := known.get(row["user_id"]):
            assert created <= row["rental_start_time"].date()
    for number in range(730):
        day = FOUNDED - timedelta(days=1 + number)
        fleet[day.year, day.month] += 24 * sum(since <= day for since in joined.values())
    whole = sorted(fleet)[1:-1]
    use = {month: out[month] / fleet[month] for month in whole}
    assert min(use.values()) >= 0.3 and max(use.values()) <= 0.7, use
    assert max(use.values()) > min(use.values()) + 0.1
    by_car: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in rentals:
        by_car.setdefault(row["vehicle_id"], []).append((row["rental_start_time"], row["rental_end_time"]))
    by_car.pop(None, None)
    for spans in by_car.values():
        assert all(ended <= begins for (_, ended), (begins, _) in pairwise(sorted(spans)))


@pytest.mark.parametrize("marketplace", ["apartments", "cars"])
def test_the_same_seed_gives_the_same_market_however_far_it_is_told(marketplace):
    """A day that is played later goes on from the history that was loaded; another seed is another market."""
    soon = live(marketplace, 0.05, 7, FOUNDED, FOUNDED)
    far = live(marketplace, 0.05, 7, FOUNDED, FOUNDED + timedelta(days=90))
    history = read_rows(soon)
    assert history and all(history.values())
    for name, rows in read_rows(far).items():
        assert sorted(map(str, rows)) == sorted(map(str, history[name])), name
    assert read_rows(live(marketplace, 0.05, 8, FOUNDED, FOUNDED)) != history


@pytest.mark.parametrize("marketplace", ["apartments", "cars"])
def test_what_is_left_out_before_a_day_does_not_change_on_it(marketplace):
    """A day is played from fewer rows than a history has, and by the same changes."""
    last = FOUNDED + timedelta(days=10)

    def list_changes(since: date) -> list[str]:
        life = live(marketplace, 0.05, 7, FOUNDED, last, since)
        return sorted(
            f"{name} {version}"
            for name, table in life.items()
            for row in table.rows
            for version in row
            if FOUNDED <= version.written_at.date() <= last
        )

    assert list_changes(FOUNDED) == list_changes(date.min)


@pytest.mark.parametrize(("scale", "marketplace", "complaint"), [(0, "apartments", "scale"), (1, "boats", "boats")])
def test_no_market_is_made_of_nothing(scale, marketplace, complaint):
    """Neither of no size nor of an unknown marketplace."""
    with pytest.raises(ValueError, match=complaint):
        live(marketplace, scale, 1, FOUNDED, FOUNDED)
