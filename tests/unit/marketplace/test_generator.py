"""The generated marketplace is reproducible, has the original's sizes, and carries every kind of dirt and hard case."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.marketplace.apartments.listings import UNKNOWN_CURRENCIES
from local.marketplace.apartments.shares import Shares
from local.marketplace.columns import count_rows
from local.marketplace.generator import Marketplace, generate

ANCHOR = date(2026, 3, 4)


@pytest.fixture(scope="module")
def marketplace() -> Marketplace:
    """The default marketplace of one day."""
    return generate(anchor=ANCHOR)


def read_rows(marketplace: Marketplace, table: str) -> list[dict]:
    columns = marketplace.tables[table]
    return [dict(zip(columns, row, strict=True)) for row in zip(*(values.tolist() for values in columns.values()), strict=True)]


def test_a_seed_gives_the_same_rows(marketplace: Marketplace):
    """The same seed and day give the same rows; another seed gives others."""
    again, other = generate(anchor=ANCHOR), generate(anchor=ANCHOR, seed=2)
    for table in marketplace.tables:
        assert read_rows(again, table) == read_rows(marketplace, table)
        assert read_rows(other, table) != read_rows(marketplace, table)


def test_sizes_follow_the_scale(marketplace: Marketplace):
    """Scale 0.01 is a hundredth of the original sizes, exactly."""
    sizes = {table: count_rows(columns) for table, columns in marketplace.tables.items()}
    assert sizes == {"apartments": 2_000, "apartment_attributes": 2_000, "bookings": 5_000, "user_viewing": 3_000}


@pytest.mark.parametrize("scale", [0.00001, 0.01])
def test_every_kind_of_dirt_is_there_at_every_size(scale: float):
    """A rule without a row that breaks it would be a rule without a test."""
    dirt = generate(scale=scale, anchor=ANCHOR).dirt
    assert {f"{table}: {kind}": rows for table, kinds in dirt.items() for kind, rows in kinds.items() if rows < 1} == {}


def test_the_dirt_counted_is_the_dirt_in_the_rows(marketplace: Marketplace):
    """The counts handed back are those of the rows themselves."""
    dirt = marketplace.dirt["bookings"]
    bookings = read_rows(marketplace, "bookings")
    listings = {row["id"] for row in read_rows(marketplace, "apartments")}
    stays = [(parse(row["checkin_date"]), parse(row["checkout_date"])) for row in bookings]
    in_range = [b is None or 2000 <= b.year <= 2050 for _, b in stays]
    backwards = sum(good and None not in (a, b) and b < a for good, (a, b) in zip(in_range, stays, strict=True))
    assert backwards == dirt["checkout before checkin"]
    assert in_range.count(False) == dirt["date out of range"]
    assert sum(a is None for a, _ in stays) == dirt["impossible date"]
    assert sum(parse(row["booking_date"]) is None for row in bookings) == dirt["unparseable date"]
    assert sum(row["apartment_id"] not in listings for row in bookings) == dirt["listing does not exist"]
    assert sum(row["booking_status"] not in ("confirmed", "pending", "canceled") for row in bookings) == dirt["unknown status"]
    assert sum(row["total_price"] is None for row in bookings) == dirt["no price"]
    assert sum(row["total_price"] is not None and row["total_price"] < 0 for row in bookings) == dirt["negative price"]
    assert sum(len(row["currency"] or "") != 3 for row in bookings) == dirt["unknown currency"]
    assert sum(row["user_id"] is None for row in bookings) == dirt["no user"]
    assert sum(row["currency"] == "GBP" for row in bookings) == dirt["currency without a rate"] + 1  # one is planted
    viewings = Counter(tuple(row.values()) for row in read_rows(marketplace, "user_viewing"))
    assert sum(times - 1 for times in viewings.values()) == marketplace.dirt["user_viewing"]["recorded twice"]
    attributes = {row["id"] for row in read_rows(marketplace, "apartment_attributes")}
    assert len(attributes - listings) == marketplace.dirt["apartment_attributes"]["attributes of no listing"]


def test_about_half_of_the_newer_stays_are_backwards(marketplace: Marketplace):
    """As in generation 2, whose dates are independent; hardly any in generation 1."""
    backwards, stays = Counter(), Counter()
    for row in read_rows(marketplace, "bookings"):
        checkin, checkout = parse(row["checkin_date"]), parse(row["checkout_date"])
        if checkin and checkout:
            generation = 2 if "/" in row["checkin_date"] else 1
            stays[generation] += 1
            backwards[generation] += checkout < checkin
    assert 0.44 < backwards[2] / stays[2] < 0.54
    assert backwards[1] / stays[1] < 0.04


def test_shares_of_zero_leave_no_dirt():
    """Every kind of dirt can be turned off."""
    clean = generate(anchor=ANCHOR, shares=Shares.without_dirt())
    unavoidable = {"mojibake", "line break in text"}
    left = {kind: rows for kinds in clean.dirt.values() for kind, rows in kinds.items() if rows and kind not in unavoidable}
    assert left == {}


def test_both_generations_write_in_their_own_manner(marketplace: Marketplace):
    """Ids, dates, flags and currencies of the two generations do not mix."""
    for row in read_rows(marketplace, "apartments"):
        newer = row["id"] < 5_000_000_000
        assert newer == (row["id"] <= 200_000)
        assert newer == ("/" in row["last_modified_timestamp"])
        assert newer or row["currency"] in ("USD", "GBP", *UNKNOWN_CURRENCIES)
        assert row["is_active"] in (("True", "False", "maybe", "", "2") if newer else ("1", "0", "maybe", "", "2"))
    attributes = read_rows(marketplace, "apartment_attributes")
    assert {row["pets_allowed"] for row in attributes} == {"Cats,Dogs", "None", "null", "Cats", "Dogs", None, "True", "False"}
    assert any(row["price_display"].endswith(" Monthly|Weekly") for row in attributes)
    assert any('"' in row["body"] and "," in row["body"] for row in attributes)


@settings(max_examples=25, deadline=None)
@given(anchor=st.dates(date(2021, 6, 1), date(2031, 12, 31)), seed=st.integers(0, 2**31))
def test_nothing_is_stamped_within_a_day_of_the_anchor(anchor: date, seed: int):
    """Whoever has read the history finds nothing new at once, on whatever day it was made."""
    end = datetime(anchor.year, anchor.month, anchor.day) - timedelta(days=1)
    made = generate(scale=0.0005, seed=seed, anchor=anchor)
    for table, stamp in (("apartments", "changed_at"), ("bookings", "changed_at"), ("user_viewing", "recorded_at")):
        stamps = made.tables[table][stamp].tolist()
        assert max(stamps) < end
        assert table != "bookings" or max(stamps) > end - timedelta(days=30), "the newest weeks are populated"


@settings(max_examples=40, deadline=None)
@given(anchor=st.dates(date(2021, 6, 1), date(2031, 12, 31)))
def test_the_hard_cases_are_planted_on_any_day(anchor: date):
    """Each case on which a metric goes wrong is in the bookings, among rows that every rule accepts."""
    made, drawn_users = generate(scale=0.0005, anchor=anchor), 224
    bookings = [
        {**row, **{name: parse(row[name]) for name in ("booking_date", "checkin_date", "checkout_date")}}
        for row in read_rows(made, "bookings")
        if (row["user_id"] or 0) > drawn_users
    ]
    assert all(row["booking_status"] == "confirmed" for row in bookings)
    listings = {row["id"]: row for row in read_rows(made, "apartments")}
    for row in bookings:
        listing = listings[row["apartment_id"]]
        assert listing["price"] > 0 and parse(listing["listing_created_on"]) and listing["currency"] != "GBP"
    by_user: dict[int, list[dict]] = {}
    for row in bookings:
        by_user.setdefault(row["user_id"], []).append(row)
    first_user = min(by_user)
    repeats = [[row["booking_date"] for row in by_user[first_user + number]] for number in range(3)]
    gaps = [(later - earlier).days for earlier, later in repeats]
    assert gaps == [29, 30, 31]
    ties = by_user[first_user + 3]
    assert len({row["apartment_id"] for row in ties}) == 2 and {row["total_price"] for row in ties} == {Decimal("98765.43")}
    assert {row["currency"] for row in by_user[first_user + 4]} == {"USD", "EUR", "INR", "GBP"}
    turn = sorted(row["booking_date"] for row in by_user[first_user + 5])
    assert [day.timetuple()[1:3] for day in turn] == [(12, 28), (12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3), (1, 4)]
    over_year, over_months, whole_month = by_user[first_user + 6]
    assert over_year["checkin_date"].year + 1 == over_year["checkout_date"].year
    assert (over_months["checkout_date"] - over_months["checkin_date"]).days == 75
    assert whole_month["checkin_date"].day == whole_month["checkout_date"].day == 1
    first, second, third = by_user[first_user + 7]
    assert first["checkin_date"] < second["checkin_date"] < first["checkout_date"] < second["checkout_date"]
    assert third["checkin_date"] == second["checkout_date"]
    assert by_user[first_user + 8][0]["checkin_date"] == by_user[first_user + 8][0]["checkout_date"]


def test_a_scale_of_nothing_is_refused():
    """Zero rows are no marketplace."""
    with pytest.raises(ValueError, match="scale"):
        generate(scale=0)


def parse(text: str | None) -> date | None:
    for form in ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y"):
        try:
            return datetime.strptime(text or "", form).date()
        except ValueError:
            continue
    return None
