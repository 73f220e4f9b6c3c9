"""What happens on a day of the apartments marketplace.

Only the booking that commits late carries an older stamp than the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pymysql

from local.marketplace.apartments.bookings import draw_bookings
from local.marketplace.apartments.listings import FIRST_ID_GENERATION_1, Listings, generate_apartments, generate_attributes
from local.marketplace.apartments.shares import Shares
from local.marketplace.apartments.viewings import draw_viewings
from local.marketplace.apartments.words import CITIES
from local.marketplace.columns import Columns, draw, insert_columns, write_dates
from local.marketplace.day import HISTORY_DAYS, Day
from local.marketplace.period import Period

LATE_COMMIT_MINUTES = 3  # inside the pipeline's overlap of ten
LATE_VIEWING_DAYS = 12
FLAG_TURNED = {"1": "0", "0": "1", "True": "False", "False": "True"}


@dataclass(frozen=True)
class _Day(Day):
    """A day on an apartments source, and how much happens on it."""

    daily_bookings: int
    daily_viewings: int
    daily_changes: int

    def choose_listings(self, count: int) -> np.ndarray:
        """Choose listings, the same one maybe more than once; return their ids."""
        ids = [row[0] for row in self.choose("select id from apartments", count)]
        return np.array(ids, dtype=np.int64)[self.random.integers(0, len(ids), count)]

    def count_users(self) -> int:
        """Return the highest user id, of whom there are that many or fewer."""
        return int(self.query("select coalesce(max(user_id), 100) from bookings")[0][0])

    def write_today(self, like: int | str | None) -> str:
        """Write the present moment in the manner of the generation of a listing's id, or of another date of the row."""
        european = "/" in like if isinstance(like, str) else like is not None and like < FIRST_ID_GENERATION_1
        return str(write_dates(np.array([self.now], dtype="datetime64[s]"), np.array([european]))[0])


def begin_day(connection: pymysql.Connection, random: np.random.Generator, now: datetime) -> _Day:
    """Return the day, by how much the source holds.

    Raises:
        ValueError: there are no listings to live on.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from apartments), (select count(*) from bookings), (select count(*) from user_viewing)"
        )
        ((listings, bookings, viewings),) = cursor.fetchall()
    if not listings:
        raise ValueError("a day needs listings: fill the source first")
    return _Day(
        connection,
        random,
        now,
        daily_bookings=max(6, bookings // HISTORY_DAYS),
        daily_viewings=max(6, viewings // HISTORY_DAYS),
        daily_changes=max(2, bookings // HISTORY_DAYS // 4),
    )


def _list_apartments(day: _Day) -> int:
    count = max(2, day.daily_changes // 2)
    newest = day.query(f"select max(case when id < {FIRST_ID_GENERATION_1} then id end), max(id) from apartments")[0]
    highest_attributes = day.query("select max(id) from apartment_attributes where id in (select id from apartments)")[0][0] or 0
    older_first = max(newest[1], highest_attributes, FIRST_ID_GENERATION_1) + 1
    newer = np.arange(count) < (count + 1) // 2
    ids = np.where(newer, (newest[0] or 0) + 1 + np.arange(count), older_first + np.arange(count))
    listings, clean = Listings(ids, newer), Shares.without_dirt()
    apartments, _ = generate_apartments(day.random, listings, Period(day.now.date()), clean)
    attributes, _ = generate_attributes(day.random, listings, clean)
    now = np.full(count, np.datetime64(day.now, "s"))
    apartments["listing_created_on"] = apartments["last_modified_timestamp"] = write_dates(now, newer)
    del apartments["changed_at"]
    insert_columns(day.connection, "apartment_attributes", attributes)
    return insert_columns(day.connection, "apartments", apartments)


def _book(day: _Day) -> int:
    return _insert_bookings(day, day.daily_bookings)


def _book_and_commit_late(day: _Day) -> int:
    """A booking whose transaction was open while the pipeline read: it arrives with a stamp from before."""
    return _insert_bookings(day, 1, late=True)


def _insert_bookings(day: _Day, count: int, late: bool = False) -> int:
    listing_ids = day.choose_listings(count)
    first = day.query("select coalesce(max(booking_id), 0) from bookings")[0][0] + 1
    booked = np.full(count, np.datetime64(day.now, "s"))
    columns, _ = draw_bookings(day.random, day.count_users(), listing_ids, listing_ids < FIRST_ID_GENERATION_1, booked, Shares())
    columns = {"booking_id": np.arange(first, first + count), **columns}
    if late:
        columns["changed_at"] = np.full(count, np.datetime64(day.now, "us") - np.timedelta64(LATE_COMMIT_MINUTES, "m"), object)
    return insert_columns(day.connection, "bookings", columns)


def _view(day: _Day) -> int:
    columns = _draw_viewings(day, day.daily_viewings, days_ago=0)
    # The last one is recorded twice, as it happens to events without a key.
    return insert_columns(day.connection, "user_viewing", {name: np.append(c, c[-1:]) for name, c in columns.items()})


def _view_long_ago(day: _Day) -> int:
    """A viewing that the application delivers days after it happened."""
    return insert_columns(day.connection, "user_viewing", _draw_viewings(day, 1, days_ago=LATE_VIEWING_DAYS))


def _draw_viewings(day: _Day, count: int, days_ago: int) -> Columns:
    listing_ids = day.choose_listings(count)
    viewed = np.full(count, np.datetime64(day.now, "s") - np.timedelta64(days_ago, "D"))
    return draw_viewings(day.random, day.count_users(), listing_ids, listing_ids < FIRST_ID_GENERATION_1, viewed)


def _change_prices(day: _Day) -> int:
    changed = 0
    for listing, price in day.choose("select id, price from apartments where price > 0", day.daily_changes):
        new_price = round(price * int(day.random.integers(80, 125)) / 100, 2) + 1
        changed += day.execute(
            "update apartments set price = %s, last_modified_timestamp = %s where id = %s",
            new_price,
            day.write_today(listing),
            listing,
        )
    return changed


def _change_activity(day: _Day) -> int:
    """Listings that are taken down or put up again."""
    changed = 0
    flags = ", ".join(f"'{flag}'" for flag in FLAG_TURNED)
    for listing, flag in day.choose(f"select id, is_active from apartments where is_active in ({flags})", 2):
        changed += day.execute("update apartments set is_active = %s where id = %s", FLAG_TURNED[flag], listing)
    return changed


def _confirm(day: _Day) -> int:
    return _change_status(day, "pending", "confirmed")


def _cancel(day: _Day) -> int:
    return _change_status(day, "confirmed", "canceled")


def _change_status(day: _Day, old: str, new: str) -> int:
    chosen = day.choose(f"select booking_id from bookings where booking_status = '{old}'", day.daily_changes)
    return sum(day.execute("update bookings set booking_status = %s where booking_id = %s", new, *row) for row in chosen)


def _move_booking_dates(day: _Day) -> int:
    """Bookings entered under a wrong day: they leave one week's metrics for another's."""
    chosen = day.choose(
        "select booking_id, booking_date from bookings where booking_status = 'confirmed' and booking_date <> ''"
        " and booking_date not like '%tbd%'",
        2,
    )
    return sum(
        day.execute("update bookings set booking_date = %s where booking_id = %s", day.write_today(booked), booking)
        for booking, booked in chosen
    )


def _correct_stays(day: _Day) -> int:
    chosen = day.choose(
        "select booking_id, checkin_date, checkout_date from bookings where str_to_date(checkout_date, '%d/%m/%Y')"
        " < str_to_date(checkin_date, '%d/%m/%Y')",
        day.daily_changes,
    )
    return sum(
        day.execute("update bookings set checkin_date = %s, checkout_date = %s where booking_id = %s", checkout, checkin, booking)
        for booking, checkin, checkout in chosen
    )


def _correct_amounts_and_statuses(day: _Day) -> int:
    negative = day.choose("select booking_id from bookings where total_price < 0", 1)
    unknown = day.choose("select booking_id from bookings where booking_status in ('on hold', 'unknown')", 1)
    listings = day.choose("select id from apartments where price < 0", 1)
    corrected = 0
    for (booking,) in negative:
        corrected += day.execute("update bookings set total_price = -total_price where booking_id = %s", booking)
    for (booking,) in unknown:
        corrected += day.execute("update bookings set booking_status = 'confirmed' where booking_id = %s", booking)
    for (listing,) in listings:
        corrected += day.execute("update apartments set price = -price where id = %s", listing)
    return corrected


def _spoil_rows(day: _Day) -> int:
    """Good rows that turn bad: a day that no calendar has, and a price below zero, which sets the listing aside."""
    bookings = day.choose("select booking_id from bookings where booking_status = 'confirmed'", 1)
    listings = day.choose("select id from apartments where price > 0", 1)
    spoiled = 0
    for (booking,) in bookings:
        spoiled += day.execute("update bookings set checkin_date = %s where booking_id = %s", f"31/02/{day.now.year}", booking)
    for (listing,) in listings:
        spoiled += day.execute("update apartments set price = -price where id = %s", listing)
    return spoiled


def _move_listings(day: _Day) -> int:
    """Listings whose city was wrong; nothing tells when it was corrected."""
    moved = 0
    for listing, city in day.choose("select id, cityname from apartment_attributes", 2):
        name, state, latitude, longitude = draw(day.random, [place for place in CITIES if place[0] != city], 1)[0]
        moved += day.execute(
            "update apartment_attributes set cityname = %s, state = %s, latitude = %s, longitude = %s where id = %s",
            *(name, state, latitude, longitude, listing),
        )
    return moved


def _delete_attributes(day: _Day) -> int:
    chosen = day.choose("select id from apartment_attributes", 1)
    return sum(day.execute("delete from apartment_attributes where id = %s", *row) for row in chosen)


HAPPENINGS: dict[str, Callable[[_Day], int]] = {
    "new listings": _list_apartments,
    "new bookings": _book,
    "bookings committed late": _book_and_commit_late,
    "new viewings": _view,
    "viewings delivered late": _view_long_ago,
    "changed prices": _change_prices,
    "listings taken down or put up": _change_activity,
    "confirmed bookings": _confirm,
    "canceled bookings": _cancel,
    "bookings moved to today": _move_booking_dates,
    "corrected stays": _correct_stays,
    "corrected amounts and statuses": _correct_amounts_and_statuses,
    "rows turned bad": _spoil_rows,
    "listings in another city": _move_listings,
    "deleted attributes": _delete_attributes,
}
