"""The judge: curated rows, rejected rows and all metrics, computed a second time and in another way.

It is written from what each figure means (the headers of the SQL files say the same), over the source's own rows and the
history of its listings. It shares nothing with the SQL: no file, no formula. It walks night by night and moment by moment,
which is slow, and hard to get wrong.

Rows are dictionaries by column name. Texts stay as the application wrote them; a typed source has dates, numbers, flags instead.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.metrics.records import History, Rate, Row, Verdict, Version, make_frame, rank
from tests.metrics.values import DAY, FIRST_DAY, LAST_DAY, read_flag, read_number, read_time, say, to_cents


def judge(source_tables: dict[str, list[Row]], history: History, rates: Iterable[Rate], as_of: date) -> dict[str, pd.DataFrame]:
    """Compute every metric.

    Args:
        source_tables: The source's rows as they are now.
        history: All that was ever learned of each row.
        rates: The exchange rates.
        as_of: The day of the run.

    Returns:
        By metric, a frame with the columns of the presentation table.
    """
    verdict = judge_rows(source_tables, history)
    listings = verdict.accepted["apartments"]
    timelines = {key: build_timeline(history["apartments"][key]) for key in listings}
    bookings = list(verdict.accepted["bookings"].values())
    attributes = verdict.accepted["apartment_attributes"]
    rates = list(rates)
    return {
        "average_listing_price_weekly": _price_weekly(timelines, rates, as_of),
        "average_listing_price_weekly_by_currency": _price_weekly_by_currency(timelines, as_of),
        "occupancy_monthly": _occupancy_monthly(timelines, bookings, as_of),
        "popular_cities_weekly": _popular_cities_weekly(bookings, attributes),
        "top_listings_weekly": _top_listings_weekly(bookings, rates),
        "bookings_per_user_weekly": _bookings_per_user_weekly(bookings),
        "average_booking_duration_weekly": _duration(bookings, monday),
        "average_booking_duration_monthly": _duration(bookings, lambda day: day.replace(day=1)),
        "repeat_customers_daily": _repeat_customers_daily(bookings, as_of),
    }


# Rows


def judge_rows(source_tables: dict[str, list[Row]], history: History) -> Verdict:
    """Decide of every row of the source whether it is usable, and if not, which rule it breaks first."""
    verdict = Verdict()
    for row in source_tables["apartments"]:
        verdict.give("apartments", row["id"], *judge_apartment(row))
    listings = verdict.accepted["apartments"]
    for row in source_tables["apartment_attributes"]:
        verdict.give("apartment_attributes", row["id"], *judge_attributes(row, listings))
    for row in source_tables["bookings"]:
        verdict.give("bookings", row["booking_id"], *judge_booking(row, listings))
    for number, row in enumerate(source_tables["user_viewing"]):
        verdict.give("user_viewing", number, *judge_viewing(row, listings))
    return verdict


def judge_apartment(row: Row) -> tuple[Row, str | None]:
    price, created, modified = (say(row[name]) for name in ("price", "listing_created_on", "last_modified_timestamp"))
    clean = {
        "id": row["id"],
        "price": read_number(price),
        "currency": read_currency(row["currency"]),
        "created_at": read_time(created),
        "is_active": read_flag(row["is_active"]),
    }
    if price is None:
        return clean, "missing_price"
    if clean["price"] is None:
        return clean, "unparseable_number"
    if clean["price"] < 0:
        return clean, "negative_price"
    clean["price"] = to_cents(clean["price"])
    if clean["currency"] is None:
        return clean, "unknown_currency"
    if created is None:
        return clean, "missing_date"
    if clean["created_at"] is None or (modified is not None and read_time(modified) is None):
        return clean, "unparseable_date"
    if not FIRST_DAY <= clean["created_at"].date() <= LAST_DAY:
        return clean, "date_out_of_range"
    if clean["is_active"] is None:
        return clean, "unparseable_boolean"
    return clean, None


def judge_attributes(row: Row, listings: dict[Any, Row]) -> tuple[Row, str | None]:
    numbers = {}
    for name in ("bathrooms", "bedrooms", "fee", "square_feet", "latitude", "longitude"):
        text = say(row[name])
        if name == "fee" and text is not None and text.lower() == "no":
            text = "0"
        numbers[name] = read_number(text)
        if text is not None and numbers[name] is None:
            return {}, "unparseable_number"
    photo = say(row["has_photo"])
    if photo is not None and photo.lower() != "thumbnail" and read_flag(photo) is None:
        return {}, "unparseable_boolean"
    if abs(numbers["latitude"] or 0) > 90 or abs(numbers["longitude"] or 0) > 180:
        return {}, "coordinate_out_of_range"
    if row["id"] not in listings:
        return {}, "orphan_reference"
    return {"city": say(row["cityname"]), "state": say(row["state"])}, None


def judge_booking(row: Row, listings: dict[Any, Row]) -> tuple[Row, str | None]:
    names = ("booking_date", "checkin_date", "checkout_date")
    texts = [say(row[name]) for name in names]
    times = [read_time(text) for text in texts]
    price, guests, status = say(row["total_price"]), say(row["num_guests"]), say(row["booking_status"])
    clean = {
        "user": say(row["user_id"]),
        "listing": row["apartment_id"],
        "price": read_number(price),
        "currency": read_currency(row["currency"]),
        "status": {"cancelled": "canceled"}.get((status or "").lower(), (status or "").lower()),
    }
    if clean["user"] is None:
        return clean, "missing_user"
    if None in texts:
        return clean, "missing_date"
    if None in times:
        return clean, "unparseable_date"
    clean |= {name: moment.date() for name, moment in zip(names, times, strict=True)}
    if not all(FIRST_DAY <= clean[name] <= LAST_DAY for name in names):
        return clean, "date_out_of_range"
    if clean["checkout_date"] < clean["checkin_date"]:
        return clean, "checkout_before_checkin"
    if price is None:
        return clean, "missing_price"
    if clean["price"] is None or (guests is not None and read_number(guests) is None):
        return clean, "unparseable_number"
    if clean["price"] < 0:
        return clean, "negative_price"
    clean["price"] = to_cents(clean["price"])
    if clean["currency"] is None:
        return clean, "unknown_currency"
    if clean["status"] not in ("confirmed", "pending", "canceled"):
        return clean, "unknown_status"
    if clean["listing"] not in listings:
        return clean, "orphan_reference"
    return clean, None


def judge_viewing(row: Row, listings: dict[Any, Row]) -> tuple[Row, str | None]:
    viewed, wish = say(row["viewed_at"]), say(row["is_wishlisted"])
    moment = read_time(viewed)
    if say(row["user_id"]) is None:
        return {}, "missing_user"
    if viewed is None:
        return {}, "missing_date"
    if moment is None:
        return {}, "unparseable_date"
    if not FIRST_DAY <= moment.date() <= LAST_DAY:
        return {}, "date_out_of_range"
    if wish is not None and read_flag(wish) is None:
        return {}, "unparseable_boolean"
    if row["apartment_id"] not in listings:
        return {}, "orphan_reference"
    return {"viewed_at": moment}, None


def read_currency(value: Any) -> str | None:
    text = say(value) or ""
    return text.upper() if len(text) == 3 and text.isascii() and text.isalpha() else None


# The history of a listing


@dataclass(frozen=True)
class Timeline:
    """The states of a listing: from each moment the state beside it, until the next moment; None where there is no usable one."""

    moments: list[datetime]
    states: list[Row | None]

    def at(self, moment: datetime) -> Row | None:
        """Return the state in force at a moment."""
        position = bisect.bisect_right(self.moments, moment)
        return self.states[position - 1] if position else None

    def active_between(self, start: datetime, end: datetime) -> list[Row]:
        """Return the active states in force at any moment from start until before end, in order."""
        states = [self.at(start), *(self.at(moment) for moment in self.moments if start < moment < end)]
        return [state for state in states if state and state["is_active"]]


def build_timeline(versions: list[Version]) -> Timeline:
    """Lay the versions of a listing along time.

    A version begins when the row was changed, or (where that is not known) seen; never before the version that an earlier run
    brought, whatever the clocks say. Later runs win. The first version goes back to the creation of the listing.
    """
    clock = datetime.min
    states: dict[datetime, Row | None] = {}
    for number, version in enumerate(sorted(versions, key=lambda version: version.run_sequence)):
        changed_at = version.row.get("changed_at") if version.row else None
        clock = max(clock, changed_at or version.observed_at)
        state, broken_rule = judge_apartment(version.row) if version.row else (None, "gone")
        begins = clock
        if number == 0 and state and state["created_at"]:
            begins = min(clock, state["created_at"])
        states[begins] = None if broken_rule else state
    moments = sorted(states)
    return Timeline(moments, [states[moment] for moment in moments])


# Metrics


def monday(day: date) -> date:
    return day - day.weekday() * DAY


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def find_rate(rates: list[Rate], currency: str, day: date) -> Decimal | None:
    found = [rate.rate for rate in rates if rate.currency == currency and rate.valid_from <= day < rate.valid_to]
    return found[0] if found else None


def _weekly_prices(timelines: dict[int, Timeline], as_of: date) -> dict[date, list[Row]]:
    """By week, the last active state of every listing that was active in it."""
    weeks: dict[date, list[Row]] = {}
    starts = [moment for timeline in timelines.values() for moment in timeline.moments]
    week = monday(min(starts).date()) if starts else as_of + DAY
    while week <= as_of:
        states = [timeline.active_between(midnight(week), midnight(week + 7 * DAY)) for timeline in timelines.values()]
        if active := [found[-1] for found in states if found]:
            weeks[week] = active
        week += 7 * DAY
    return weeks


def _price_weekly(timelines: dict[int, Timeline], rates: list[Rate], as_of: date) -> pd.DataFrame:
    rows = []
    for week, states in _weekly_prices(timelines, as_of).items():
        by_rate = [(state["price"], find_rate(rates, state["currency"], week)) for state in states]
        converted = [price * usd for price, usd in by_rate if usd is not None]
        rows.append(
            {
                "period_start": week,
                "listings": len(states),
                "listings_without_rate": len(states) - len(converted),
                "average_price_usd": float(sum(converted) / len(converted)) if converted else None,
            }
        )
    return make_frame(rows, ["period_start", "listings", "listings_without_rate", "average_price_usd"])


def _price_weekly_by_currency(timelines: dict[int, Timeline], as_of: date) -> pd.DataFrame:
    rows = []
    for week, states in _weekly_prices(timelines, as_of).items():
        for currency in {state["currency"] for state in states}:
            prices = [state["price"] for state in states if state["currency"] == currency]
            rows.append(
                {
                    "period_start": week,
                    "currency": currency,
                    "listings": len(prices),
                    "average_price": float(sum(prices) / len(prices)),
                }
            )
    return make_frame(rows, ["period_start", "currency", "listings", "average_price"])


def _occupancy_monthly(timelines: dict[int, Timeline], bookings: list[Row], as_of: date) -> pd.DataFrame:
    available = {
        (listing, day)
        for listing, timeline in timelines.items()
        for day in _days(min(timeline.moments).date(), as_of)
        if (state := timeline.at(midnight(day + DAY) - timedelta(microseconds=1))) and state["is_active"]
    }
    stayed = {
        (booking["listing"], night)
        for booking in bookings
        if booking["status"] == "confirmed"
        for night in _days(booking["checkin_date"], min(booking["checkout_date"], as_of))
    }

    def count_by_month(nights: Iterable[tuple[int, date]]) -> Counter:
        return Counter(night.replace(day=1) for _, night in nights)

    nights, booked, unavailable = (count_by_month(chosen) for chosen in (available, available & stayed, stayed - available))
    rows = [
        {
            "period_start": month,
            "available_nights": nights[month],
            "booked_nights": booked[month],
            "booked_nights_unavailable": unavailable[month],
            "occupancy_rate": booked[month] / nights[month] if nights[month] else None,
        }
        for month in {*nights, *booked, *unavailable}
    ]
    return pd.DataFrame(
        rows,
        dtype=object,
        columns=["period_start", "available_nights", "booked_nights", "booked_nights_unavailable", "occupancy_rate"],
    )


def _days(start: date, end: date) -> Iterable[date]:
    while start < end:
        yield start
        start += DAY


def _popular_cities_weekly(bookings: list[Row], attributes: dict[int, Row]) -> pd.DataFrame:
    counts: Counter = Counter()
    for booking in bookings:
        place = attributes.get(booking["listing"])
        if booking["status"] == "confirmed" and place and place["city"]:
            counts[monday(booking["booking_date"]), place["city"], place["state"]] += 1
    rows = [
        {"period_start": week, "city": city, "state": state, "bookings": count} for (week, city, state), count in counts.items()
    ]
    rank(rows, "bookings", "city_rank")
    return make_frame(rows, ["period_start", "city", "state", "bookings", "city_rank"])


def _top_listings_weekly(bookings: list[Row], rates: list[Rate]) -> pd.DataFrame:
    groups: dict[tuple[date, int], list[Decimal | None]] = defaultdict(list)
    for booking in bookings:
        if booking["status"] == "confirmed":
            usd = find_rate(rates, booking["currency"], booking["booking_date"])
            groups[monday(booking["booking_date"]), booking["listing"]].append(None if usd is None else booking["price"] * usd)
    rows = [
        {
            "period_start": week,
            "apartment_id": listing,
            "bookings": len(amounts),
            "bookings_without_rate": amounts.count(None),
            "revenue_usd": to_cents(sum((a for a in amounts if a is not None), Decimal(0))),
        }
        for (week, listing), amounts in groups.items()
    ]
    rank(rows, "revenue_usd", "listing_rank")
    return pd.DataFrame(
        rows,
        dtype=object,
        columns=["period_start", "apartment_id", "bookings", "bookings_without_rate", "revenue_usd", "listing_rank"],
    )


def _bookings_per_user_weekly(bookings: list[Row]) -> pd.DataFrame:
    counts = Counter((monday(b["booking_date"]), b["user"]) for b in bookings if b["status"] != "canceled")
    rows = [{"period_start": week, "user_id": user, "bookings": count} for (week, user), count in counts.items()]
    return make_frame(rows, ["period_start", "user_id", "bookings"])


def _duration(bookings: list[Row], period_of) -> pd.DataFrame:
    stays: dict[date, list[int]] = defaultdict(list)
    for booking in bookings:
        if booking["status"] == "confirmed":
            nights = len(list(_days(booking["checkin_date"], booking["checkout_date"])))
            stays[period_of(booking["checkin_date"])].append(nights)
    rows = [
        {"period_start": period, "stays": len(nights), "nights": sum(nights), "average_nights": sum(nights) / len(nights)}
        for period, nights in stays.items()
    ]
    return make_frame(rows, ["period_start", "stays", "nights", "average_nights"])


def _repeat_customers_daily(bookings: list[Row], as_of: date) -> pd.DataFrame:
    confirmed = [booking for booking in bookings if booking["status"] == "confirmed"]
    rows = []
    for day in _days(min((b["booking_date"] for b in confirmed), default=as_of + DAY), as_of + DAY):
        users = Counter(b["user"] for b in confirmed if day - 30 * DAY < b["booking_date"] <= day)
        if users:
            repeating = sum(count > 1 for count in users.values())
            rows.append(
                {
                    "period_start": day,
                    "users_with_bookings": len(users),
                    "repeat_users": repeating,
                    "repeat_rate": repeating / len(users),
                }
            )
    return make_frame(rows, ["period_start", "users_with_bookings", "repeat_users", "repeat_rate"])
