"""The judge: curated rows, rejected rows and all metrics, computed a second time and in another way.

It is written from what each figure means (the headers of the SQL files say the same), over the source's own rows and the
history of its listings. It shares nothing with the SQL: no file, no formula. It walks night by night and moment by moment,
which is slow, and hard to get wrong.

Rows are dictionaries by column name. Texts stay as the application wrote them; a typed source has dates, numbers, flags instead.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.metrics.apartments.kpis import (
    judge_bookings,
    judge_cancellation_lead,
    judge_conversion,
    judge_guests,
    judge_listings,
    judge_nights,
    judge_pace,
    judge_pace_changes,
    replay,
)
from tests.metrics.records import History, Rate, Row, Verdict, Version, date_version, find_rate, make_frame, rank
from tests.metrics.values import (
    DAY,
    FIRST_DAY,
    LAST_DAY,
    list_days,
    monday,
    read_flag,
    read_number,
    read_time,
    say,
    to_cents,
)


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
    timelines = {key: build_timeline(versions) for key, versions in history["apartments"].items()}
    bookings = list(verdict.accepted["bookings"].values())
    attributes = verdict.accepted["apartment_attributes"]
    rates = list(rates)
    active = find_active_nights(timelines, as_of)
    replayed = replay(history["bookings"], read_known_booking)
    return {
        "average_listing_price_weekly": _price_weekly(timelines, attributes, rates, as_of),
        "average_listing_price_weekly_by_currency": _price_weekly_by_currency(timelines, attributes, as_of),
        "occupancy_monthly": _occupancy_monthly(active, bookings, as_of),
        "nights_monthly": judge_nights(active, bookings, attributes, rates, as_of),
        "bookings_weekly": judge_bookings(bookings, rates),
        "guests_monthly": judge_guests(verdict.accepted["bookings"], rates),
        "conversion_weekly": judge_conversion(list(verdict.accepted["user_viewing"].values()), bookings, attributes),
        "listings_weekly": judge_listings(active, bookings, rates, as_of),
        "pace_monthly": judge_pace_changes(replayed, bookings),
        "pace_daily": judge_pace(replayed, bookings),
        "cancellation_lead_weekly": judge_cancellation_lead(replayed, verdict.accepted["bookings"]),
        "popular_cities_weekly": _popular_cities_weekly(bookings, attributes),
        "top_listings_weekly": _top_listings_weekly(bookings, rates),
        "bookings_per_user_weekly": _bookings_per_user_weekly(bookings),
        "average_booking_duration_weekly": _duration(bookings, monday),
        "average_booking_duration_monthly": _duration(bookings, lambda day: day.replace(day=1)),
        "repeat_customers_daily": _repeat_customers_daily(bookings, as_of),
    }


PRICE_UNITS = {
    "nightly": {"nightly", "night", "per_night", "daily", "day", "per_day"},
    "weekly": {"weekly", "week", "per_week"},
    "monthly": {"monthly", "month", "per_month"},
    "yearly": {"yearly", "year", "per_year", "annual", "annually"},
}

# Rows


def judge_rows(source_tables: dict[str, list[Row]], history: History) -> Verdict:
    """Decide of every row of the source, and of every listing's last one, whether it is usable, and if not, which rule it breaks
    first; and which fields that only inform cannot be read.
    """
    verdict = Verdict()
    known = set()
    for key, row, removed_at in _last_rows(history["apartments"]):
        known.add(key)
        clean, broken_rule, unreadable = judge_apartment(row)
        verdict.give("apartments", key, clean | {"removed_at": removed_at}, broken_rule, unreadable)
    for key, row, removed_at in _last_rows(history["apartment_attributes"]):
        clean, broken_rule, unreadable = judge_attributes(row, known)
        verdict.give("apartment_attributes", key, clean | {"removed_at": removed_at}, broken_rule, unreadable)
    for row in source_tables["bookings"]:
        verdict.give("bookings", row["booking_id"], *judge_booking(row, known))
    for number, row in enumerate(source_tables["user_viewing"]):
        verdict.give("user_viewing", number, *judge_viewing(row, known))
    return verdict


def _last_rows(versions_by_key: dict[Any, list[Version]]) -> Iterable[tuple[Any, Row, datetime | None]]:
    """By key, the last row that there was, and since when it is gone."""
    for key, versions in versions_by_key.items():
        rows = [version.row for version in versions if version.row]
        if rows:
            yield key, rows[-1], None if versions[-1].row else versions[-1].observed_at


Judgement = tuple[Row, str | None, set[str]]
"""The cleaned row, the first rule that it breaks, and the columns that only inform and cannot be read."""


def judge_apartment(row: Row) -> Judgement:
    price, created, modified = (say(row[name]) for name in ("price", "listing_created_on", "last_modified_timestamp"))
    clean = {
        "id": row["id"],
        "price": read_number(price),
        "currency": read_currency(row["currency"]),
        "created_at": read_time(created),
        "is_active": read_flag(row["is_active"]),
    }
    unreadable = {name for name, limit in (("title", 16384), ("source", 1024)) if is_too_long(row[name], limit)}
    if modified is not None and read_time(modified) is None:
        unreadable.add("last_modified_timestamp")

    def find_broken_rule() -> str | None:
        if price is None:
            return "missing_price"
        if clean["price"] is None:
            return "unparseable_number"
        if clean["price"] < 0:
            return "negative_price"
        if clean["currency"] is None:
            return "unknown_currency"
        if created is None:
            return "missing_date"
        if clean["created_at"] is None:
            return "unparseable_date"
        if not FIRST_DAY <= clean["created_at"].date() <= LAST_DAY:
            return "date_out_of_range"
        if clean["is_active"] is None:
            return "unparseable_boolean"
        return None

    broken_rule = find_broken_rule()
    if clean["price"] is not None:
        clean["price"] = to_cents(clean["price"])
    return clean, broken_rule, unreadable


def judge_attributes(row: Row, known: set[int]) -> Judgement:
    unreadable = set()
    for name in ("bathrooms", "bedrooms", "fee", "square_feet", "latitude", "longitude"):
        text = say(row[name])
        if text is None or (name == "fee" and text.lower() == "no"):
            continue
        number = read_number(text)
        if number is None or abs(number) > {"latitude": 90, "longitude": 180}.get(name, 10**10):
            unreadable.add(name)
    photo, pets = say(row["has_photo"]), say(row["pets_allowed"])
    if photo is not None and photo.lower() != "thumbnail" and read_flag(photo) is None:
        unreadable.add("has_photo")
    if pets is not None and not {"cat", "dog"} & {pets.lower()[i : i + 3] for i in range(len(pets))} and read_flag(pets) is None:
        unreadable.add("pets_allowed")
    limits = {"category": 1024, "price_display": 1024, "price_type": 128, "address": 4096, "cityname": 1024, "state": 1024}
    unreadable |= {name for name, limit in limits.items() if is_too_long(row[name], limit)}
    clean = {
        "category": None if "category" in unreadable else say(row["category"]),
        "bedrooms": None if "bedrooms" in unreadable or not say(row["bedrooms"]) else to_cents(read_number(say(row["bedrooms"]))),
        "city": None if "cityname" in unreadable else say(join_words(row["cityname"])),
        "state": None if "state" in unreadable else say(join_words(row["state"])),
        "price_unit": read_price_unit(row["price_type"]),
    }
    return clean, None if row["id"] in known else "orphan_reference", unreadable


def judge_booking(row: Row, known: set[int]) -> Judgement:
    names = ("booking_date", "checkin_date", "checkout_date")
    texts = [say(row[name]) for name in names]
    times = [read_time(text) for text in texts]
    price, guests, status, user = (say(row[name]) for name in ("total_price", "num_guests", "booking_status", "user_id"))
    clean = {
        "user": user,
        "listing": row["apartment_id"],
        "payment": read_word(row["payment_status"]),
        "price": read_number(price),
        "currency": read_currency(row["currency"]),
        "status": {"cancelled": "canceled"}.get((status or "").lower(), (status or "").lower()),
        **{name: moment.date() for name, moment in zip(names, times, strict=True) if moment},
    }
    unreadable = {"payment_status"} if is_too_long(row["payment_status"], 128) else set()
    number = read_number(guests)
    if guests is not None and (number is None or number != int(number)):
        unreadable.add("num_guests")

    def find_broken_rule() -> str | None:
        if user is None:
            return "missing_user"
        if is_too_long(user, 128):
            return "unreadable_user"
        if None in texts:
            return "missing_date"
        if None in times:
            return "unparseable_date"
        if not all(FIRST_DAY <= clean[name] <= LAST_DAY for name in names):
            return "date_out_of_range"
        if clean["checkout_date"] < clean["checkin_date"]:
            return "checkout_before_checkin"
        if price is None:
            return "missing_price"
        if clean["price"] is None:
            return "unparseable_number"
        if clean["price"] < 0:
            return "negative_price"
        if clean["currency"] is None:
            return "unknown_currency"
        if clean["status"] not in ("confirmed", "pending", "canceled"):
            return "unknown_status"
        if clean["listing"] not in known:
            return "orphan_reference"
        return None

    broken_rule = find_broken_rule()
    if clean["price"] is not None:
        clean["price"] = to_cents(clean["price"])
    return clean, broken_rule, unreadable


def read_known_booking(row: Row) -> Row | None:
    """Clean a version of a booking; None where it breaks a rule other than that its listing is known."""
    clean, broken_rule, _ = judge_booking(row, {row["apartment_id"]})
    return None if broken_rule else clean


def judge_viewing(row: Row, known: set[int]) -> Judgement:
    viewed, wish, user = (say(row[name]) for name in ("viewed_at", "is_wishlisted", "user_id"))
    moment = read_time(viewed)
    unreadable = {"call_to_action"} if is_too_long(row["call_to_action"], 128) else set()
    if wish is not None and read_flag(wish) is None:
        unreadable.add("is_wishlisted")

    def find_broken_rule() -> str | None:
        if user is None:
            return "missing_user"
        if is_too_long(user, 128):
            return "unreadable_user"
        if viewed is None:
            return "missing_date"
        if moment is None:
            return "unparseable_date"
        if not FIRST_DAY <= moment.date() <= LAST_DAY:
            return "date_out_of_range"
        if row["apartment_id"] not in known:
            return "orphan_reference"
        return None

    clean = {
        "user": user,
        "listing": row["apartment_id"],
        "viewed_at": moment,
        "is_wish": bool(read_flag(wish)),
        "is_call": read_word(row["call_to_action"]) is not None,
    }
    return clean, find_broken_rule(), unreadable


def is_too_long(value: Any, limit: int) -> bool:
    """Whether a text has more bytes than the warehouse keeps of it."""
    return len((say(value) or "").encode()) > limit


def read_word(value: Any) -> str | None:
    """Return a word as statuses are written, in lower snake case; None of one that the warehouse does not keep."""
    text = say(value)
    return None if text is None or is_too_long(value, 128) else text.lower().replace(" ", "_").replace("-", "_")


def join_words(text: str | None) -> str | None:
    """Put single blanks between the words of a text."""
    return None if text is None else " ".join(word for word in re.split("[ \t\n\r]", text) if word)


def read_price_unit(price_type: str | None) -> str:
    """What a listing's price is for, by the words of its attributes."""
    word = (say(price_type) or "").lower().replace(" ", "_").replace("-", "_")
    if not word or is_too_long(price_type, 128) or set(word) & set("|,/;&+"):
        return "unknown"
    for unit, spellings in PRICE_UNITS.items():
        if word in spellings:
            return unit
    return word


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

    A version begins when the row was changed, or (where that is not known, or cannot be) seen; never before the version that an
    earlier run brought, whatever the clocks say. Later runs win. The first version goes back to the listing's creation; from then
    until its own beginning it is assumed.
    """
    clock = datetime.min
    states: dict[datetime, Row | None] = {}
    before = None
    for number, version in enumerate(sorted(versions, key=lambda version: version.run_sequence)):
        clock = max(clock, date_version(version, before))
        before = version
        state, broken_rule, _ = judge_apartment(version.row) if version.row else (None, "gone", set())
        if number == 0 and not broken_rule and state["created_at"] < clock:
            states[state["created_at"]] = state | {"is_assumed": True}
        states[clock] = None if broken_rule else state | {"is_assumed": False}
    moments = sorted(states)
    return Timeline(moments, [states[moment] for moment in moments])


# Metrics


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _weekly_prices(timelines: dict[int, Timeline], attributes: dict[int, Row], as_of: date) -> dict[tuple[date, str], list[Row]]:
    """By week and price unit, the last active state of every listing that was active in it."""
    weeks: dict[tuple[date, str], list[Row]] = defaultdict(list)
    starts = [moment for timeline in timelines.values() for moment in timeline.moments]
    week = monday(min(starts).date()) if starts else as_of + DAY
    while week <= as_of:
        for listing, timeline in timelines.items():
            unit = attributes[listing]["price_unit"] if listing in attributes else "unknown"
            if states := timeline.active_between(midnight(week), midnight(week + 7 * DAY)):
                weeks[week, unit].append(states[-1])
        week += 7 * DAY
    return weeks


def _price_weekly(timelines: dict[int, Timeline], attributes: dict[int, Row], rates: list[Rate], as_of: date) -> pd.DataFrame:
    rows = []
    for (week, unit), states in _weekly_prices(timelines, attributes, as_of).items():
        by_rate = [(state["price"], find_rate(rates, state["currency"], week)) for state in states]
        converted = [price * rate for price, rate in by_rate if rate is not None]
        rows.append(
            {
                "period_start": week,
                "price_unit": unit,
                "listings": len(states),
                "listings_without_rate": len(states) - len(converted),
                "listings_assumed": sum(state["is_assumed"] for state in states),
                "average_price": float(sum(converted) / len(converted)) if converted else None,
            }
        )
    columns = ["period_start", "price_unit", "listings", "listings_without_rate", "listings_assumed", "average_price"]
    return make_frame(rows, columns)


def _price_weekly_by_currency(timelines: dict[int, Timeline], attributes: dict[int, Row], as_of: date) -> pd.DataFrame:
    rows = []
    for (week, unit), states in _weekly_prices(timelines, attributes, as_of).items():
        for currency in {state["currency"] for state in states}:
            asked = [state for state in states if state["currency"] == currency]
            rows.append(
                {
                    "period_start": week,
                    "price_unit": unit,
                    "currency": currency,
                    "listings": len(asked),
                    "listings_assumed": sum(state["is_assumed"] for state in asked),
                    "average_price": float(sum(state["price"] for state in asked) / len(asked)),
                }
            )
    return make_frame(rows, ["period_start", "price_unit", "currency", "listings", "listings_assumed", "average_price"])


def _occupancy_monthly(active: dict[tuple[int, date], bool], bookings: list[Row], as_of: date) -> pd.DataFrame:
    available = set(active)
    stayed = {
        (booking["listing"], night)
        for booking in bookings
        if booking["status"] == "confirmed"
        for night in list_days(booking["checkin_date"], min(booking["checkout_date"], as_of))
    }

    def count_by_month(nights: Iterable[tuple[int, date]]) -> Counter:
        return Counter(night.replace(day=1) for _, night in nights)

    nights, booked, unavailable = (count_by_month(chosen) for chosen in (available, available & stayed, stayed - available))
    assumed = count_by_month(night for night, is_assumed in active.items() if is_assumed)
    rows = [
        {
            "period_start": month,
            "available_nights": nights[month],
            "available_nights_assumed": assumed[month],
            "booked_nights": booked[month],
            "booked_nights_unavailable": unavailable[month],
            "occupancy_rate": booked[month] / nights[month] if nights[month] else None,
        }
        for month in {*nights, *booked, *unavailable}
    ]
    return pd.DataFrame(
        rows,
        dtype=object,
        columns=[
            "period_start",
            "available_nights",
            "available_nights_assumed",
            "booked_nights",
            "booked_nights_unavailable",
            "occupancy_rate",
        ],
    )


def find_active_nights(timelines: dict[int, Timeline], as_of: date) -> dict[tuple[int, date], bool]:
    """Return every night before as_of on which a listing was active, and whether that is only assumed."""
    return {
        (listing, day): state["is_assumed"]
        for listing, timeline in timelines.items()
        for day in list_days(min(timeline.moments).date(), as_of)
        if (state := timeline.at(midnight(day + DAY) - timedelta(microseconds=1))) and state["is_active"]
    }


def _popular_cities_weekly(bookings: list[Row], attributes: dict[int, Row]) -> pd.DataFrame:
    """Places are told apart without regard to case; the commonest spelling among a week's bookings is shown."""
    spellings: dict[tuple, Counter] = defaultdict(Counter)
    for booking in bookings:
        place = attributes.get(booking["listing"])
        if booking["status"] == "confirmed" and place and place["city"]:
            city, state = place["city"], place["state"]
            spellings[monday(booking["booking_date"]), city.lower(), state and state.lower()][city, state] += 1
    rows = []
    for (week, city_key, state_key), counts in spellings.items():
        by_bytes = sorted(counts, key=lambda place: [(text or "").encode() for text in place])
        city, state = max(by_bytes, key=lambda place: counts[place])  # of equally frequent ones the first
        keys = {"period_start": week, "city_key": city_key, "state_key": state_key}
        rows.append({**keys, "city": city, "state": state, "bookings": counts.total()})
    rank(rows, "bookings", "city_rank")
    return make_frame(rows, ["period_start", "city_key", "state_key", "city", "state", "bookings", "city_rank"])


def _top_listings_weekly(bookings: list[Row], rates: list[Rate]) -> pd.DataFrame:
    groups: dict[tuple[date, int], list[Decimal | None]] = defaultdict(list)
    for booking in bookings:
        if booking["status"] == "confirmed":
            rate = find_rate(rates, booking["currency"], booking["booking_date"])
            groups[monday(booking["booking_date"]), booking["listing"]].append(None if rate is None else booking["price"] * rate)
    rows = []
    for (week, listing), amounts in groups.items():
        converted = [amount for amount in amounts if amount is not None]
        rows.append(
            {
                "period_start": week,
                "apartment_id": listing,
                "bookings": len(amounts),
                "bookings_without_rate": amounts.count(None),
                "revenue": to_cents(sum(converted)) if converted else None,
            }
        )
    columns = ["period_start", "apartment_id", "bookings", "bookings_without_rate", "revenue"]
    return pd.DataFrame(rows, dtype=object, columns=columns)


def _bookings_per_user_weekly(bookings: list[Row]) -> pd.DataFrame:
    counts = Counter((monday(b["booking_date"]), b["user"]) for b in bookings if b["status"] != "canceled")
    rows = [{"period_start": week, "user_id": user, "bookings": count} for (week, user), count in counts.items()]
    return make_frame(rows, ["period_start", "user_id", "bookings"])


def _duration(bookings: list[Row], period_of) -> pd.DataFrame:
    stays: dict[date, list[int]] = defaultdict(list)
    for booking in bookings:
        if booking["status"] == "confirmed":
            nights = len(list(list_days(booking["checkin_date"], booking["checkout_date"])))
            stays[period_of(booking["checkin_date"])].append(nights)
    rows = [
        {"period_start": period, "stays": len(nights), "nights": sum(nights), "average_nights": sum(nights) / len(nights)}
        for period, nights in stays.items()
    ]
    return make_frame(rows, ["period_start", "stays", "nights", "average_nights"])


def _repeat_customers_daily(bookings: list[Row], as_of: date) -> pd.DataFrame:
    confirmed = [booking for booking in bookings if booking["status"] == "confirmed"]
    rows = []
    for day in list_days(min((b["booking_date"] for b in confirmed), default=as_of + DAY), as_of + DAY):
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
