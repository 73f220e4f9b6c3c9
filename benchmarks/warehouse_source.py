"""A marketplace of two years or more, made within the source's database, and what changes in it from one run to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pymysql

DAYS = 730
LISTINGS, BOOKINGS, VIEWINGS, USERS = 200_000, 2_000_000, 5_000_000, 500_000
_CHUNK_ROWS = 500_000
_CITIES = ("Austin", "Dallas", "Houston", "Chicago", "Boston", "Denver", "Seattle", "Portland", "Miami", "Atlanta")
# Of the history's end: before the contract's overlap of ten minutes, so that a run finds nothing new until somebody writes.
_QUIET_MINUTES = 60
# Every so many listings are booked and viewed, and not (yet) listed.
_UNLISTED_ONE_IN = 200


@dataclass(frozen=True)
class Sizes:
    """Rows of the source's tables, and the days in which they came to be."""

    listings: int
    bookings: int
    viewings: int
    users: int
    days: int = DAYS

    @classmethod
    def scaled(cls, scale: float) -> Sizes:
        """Return the default sizes times a factor; at least a few hundred rows each."""
        return cls(*(max(400, round(size * scale)) for size in (LISTINGS, BOOKINGS, VIEWINGS, USERS)))

    def older(self, times: int) -> Sizes:
        """Return those of the same listings with a longer history: as many bookings and viewings a day, for more days."""
        return replace(self, bookings=self.bookings * times, viewings=self.viewings * times, days=self.days * times)

    def describe(self) -> str:
        """Return them as a sentence's part."""
        return f"{self.listings:,} listings, {self.bookings:,} bookings, {self.viewings:,} viewings"


def _share(salt: str) -> str:
    """Return SQL of a number from 0 up to 1 that follows from the row's number: the same in every run."""
    return f"(crc32(concat('{salt}', seq)) / 4294967296)"


_LISTED = f"seq % {_UNLISTED_ONE_IN} <> 0"
_NOW = f"(utc_timestamp() - interval {_QUIET_MINUTES} minute)"
# Rows are made in the order of time: row 1 is the oldest.
_MOMENT = f"({_NOW} - interval floor({{days}} * 86400 * (1 - seq / {{last}})) second)"
# Of those that are there by then: listings come in the order of their numbers. The older ones are booked more often.
_LISTING_OF = f"1 + floor({{listings}} * (1e0 * seq / {{last}}) * pow({_share('listing')}, 2.5))"

_TABLES = {
    "apartments": (
        "insert into apartments (id, title, source, price, currency, listing_created_on, is_active, last_modified_timestamp,"
        " changed_at)"
        f" select seq, concat('Flat ', seq), 'web', 500 + seq % 4000, elt(1 + seq % 3, 'USD', 'EUR', 'INR'),"
        f" date_format({_MOMENT} - interval 30 day, '%Y-%m-%d 10:00:00'), if(seq % 6 = 0, '0', '1'),"
        f" date_format({_MOMENT}, '%Y-%m-%d 10:00:00'), {_MOMENT}"
        f" from seq_{{first}}_to_{{until}} where {_LISTED}"
    ),
    "apartment_attributes": (
        "insert into apartment_attributes (id, category, body, amenities, bathrooms, bedrooms, fee, has_photo, pets_allowed,"
        " price_display, price_type, square_feet, address, cityname, state, latitude, longitude)"
        f" select seq, 'housing/rent/apartment', concat('A flat with ', seq % 7, ' windows'), 'Gym,Pool', 1 + seq % 3, seq % 4,"
        " 'No', 'Yes', 'Cats', concat('$', 500 + seq % 4000), 'Monthly', 400 + seq % 2000, concat(seq, ' Main Street'),"
        f" elt(1 + floor({len(_CITIES)} * {_share('city')}), {', '.join(repr(city) for city in _CITIES)}), 'TX', 30.1, -97.7"
        f" from seq_{{first}}_to_{{until}} where {_LISTED}"
    ),
    "bookings": (
        "insert into bookings (booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date, total_price,"
        " currency, booking_status, payment_status, num_guests, changed_at)"
        f" select seq, 1 + floor({{users}} * {_share('user')}), {_LISTING_OF}, date_format({_MOMENT}, '%Y-%m-%d'),"
        f" date_format({_MOMENT} + interval (seq % 40) day, '%Y-%m-%d'),"
        f" date_format({_MOMENT} + interval (seq % 40 + 1 + seq % 6) day, '%Y-%m-%d'), 80 + seq % 3000,"
        f" elt(1 + seq % 3, 'USD', 'EUR', 'INR'), elt(1 + floor(10 * {_share('status')}), 'pending', 'pending', 'canceled',"
        " 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed'), 'paid', 1 + seq % 4,"
        f" {_MOMENT} from seq_{{first}}_to_{{until}}"
    ),
    "user_viewing": (
        "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, recorded_at)"
        f" select 1 + floor({{users}} * {_share('user')}), {_LISTING_OF}, date_format({_MOMENT}, '%Y-%m-%d %H:%i:%s'),"
        f" if(seq % 9 = 0, 'y', 'n'), 'contact_agent', {_MOMENT} from seq_{{first}}_to_{{until}}"
    ),
}


def fill_history(connection: pymysql.Connection, sizes: Sizes, progress: Callable[[str], None] = print) -> None:
    """Fill the empty tables of the apartments marketplace; `progress` is told of every half million rows."""
    rows = {
        "apartments": sizes.listings,
        "apartment_attributes": sizes.listings,
        "bookings": sizes.bookings,
        "user_viewing": sizes.viewings,
    }
    with connection.cursor() as cursor:
        for table, last in rows.items():
            for first in range(1, last + 1, _CHUNK_ROWS):
                until = min(last, first + _CHUNK_ROWS - 1)
                cursor.execute(
                    _TABLES[table].format(
                        first=first, until=until, last=last, listings=sizes.listings, users=sizes.users, days=sizes.days
                    )
                )
                progress(f"  {table}: {until:,} of {last:,} rows made")


def add_bookings(connection: pymysql.Connection, count: int) -> int:
    """Book some listings now; return how many bookings that were."""
    return _execute(
        connection,
        "insert into bookings (booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date, total_price,"
        " currency, booking_status, payment_status, num_guests)"
        " select last.id + row_number() over (order by booking_id), user_id, apartment_id, date_format(utc_date(), '%Y-%m-%d'),"
        " date_format(utc_date() + interval 5 day, '%Y-%m-%d'), date_format(utc_date() + interval 9 day, '%Y-%m-%d'),"
        " total_price, currency, booking_status, payment_status, num_guests"
        f" from (select * from bookings where booking_status = 'confirmed' and apartment_id % {_UNLISTED_ONE_IN} <> 0"
        f" order by booking_id desc limit {count}) as drawn, (select max(booking_id) as id from bookings) as last",
    )


def change_recent(connection: pymysql.Connection, sizes: Sizes, share: float) -> int:
    """Change a share of each table where it is youngest: bookings half new and half changed, new viewings, the newest listings.

    A booking that is changed was made in the last days, as they are while they are new. The share is one of `sizes`, which is
    not what the tables hold where a history is older.
    """
    bookings = max(2, round(sizes.bookings * share))
    changed = _execute(
        connection,
        "update bookings set booking_status = if(booking_status = 'confirmed', 'canceled', 'confirmed')"
        f" order by booking_id desc limit {bookings // 2}",
    )
    changed += add_bookings(connection, bookings // 2)
    changed += _add_viewings(connection, max(1, round(sizes.viewings * share)))
    listings = max(1, round(sizes.listings * share))
    changed += _execute(connection, f"update apartments set price = price + 1 order by id desc limit {listings}")
    changed += _execute(
        connection, f"update apartment_attributes set square_feet = square_feet + 1 order by id desc limit {listings}"
    )
    return changed


def edit_listing(connection: pymysql.Connection) -> int:
    """Change the price of one listing, and nothing else: the parent of rows of which none arrives."""
    return _execute(connection, "update apartments set price = price + 1 order by id limit 1")


def change_random(connection: pymysql.Connection, sizes: Sizes, share: float) -> int:
    """Change a share of each table at keys all over it; new viewings, which have none, are of today."""
    every = max(1, round(1 / share))
    changed = _execute(
        connection,
        "update bookings set booking_status = if(booking_status = 'confirmed', 'canceled', 'confirmed')"
        f" where crc32(booking_id) % {every} = 7",
    )
    changed += _execute(connection, f"update apartments set price = price + 1 where crc32(id) % {every} = 7")
    changed += _execute(
        connection, f"update apartment_attributes set square_feet = square_feet + 1 where crc32(id) % {every} = 7"
    )
    return changed + _add_viewings(connection, max(1, round(sizes.viewings * share)))


def list_missing_listing(connection: pymysql.Connection, sizes: Sizes) -> tuple[int, int]:
    """List what was booked and viewed without being there, with as many children as a listing has on average.

    Returns:
        The rows added to the source, and the bookings and viewings of the listing: their verdict changes.
    """
    # Listings are the rarer booked the higher their number; this one is booked about as often as the average.
    missing = round(0.2 * sizes.listings) // _UNLISTED_ONE_IN * _UNLISTED_ONE_IN or _UNLISTED_ONE_IN
    added = _execute(
        connection,
        f"insert into apartments (id, title, source, price, currency, listing_created_on, is_active, last_modified_timestamp)"
        f" select {missing}, title, source, price, currency, listing_created_on, is_active, last_modified_timestamp"
        " from apartments order by id limit 1",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from bookings where apartment_id = %s) + (select count(*) from user_viewing"
            " where apartment_id = %s)",
            [missing, missing],
        )
        ((children,),) = cursor.fetchall()
    return added, int(children)


def _add_viewings(connection: pymysql.Connection, count: int) -> int:
    return _execute(
        connection,
        "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action)"
        " select user_id, apartment_id, date_format(utc_timestamp(), '%Y-%m-%d %H:%i:%s'), is_wishlisted, call_to_action"
        f" from user_viewing where apartment_id % {_UNLISTED_ONE_IN} <> 0 order by recorded_at desc limit {count}",
    )


def _execute(connection: pymysql.Connection, sql: str) -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute(sql))
