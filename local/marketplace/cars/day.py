"""What happens on a day of the cars marketplace.

Only the rental that commits late carries an older stamp than the others. Locations and users have no stamp at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pymysql

from local.marketplace.cars.keys import TREACHEROUS, draw_keys
from local.marketplace.cars.parents import HOURLY_RATES, generate_users, generate_vehicles
from local.marketplace.cars.rentals import draw_rentals
from local.marketplace.cars.shares import Shares
from local.marketplace.columns import Columns, insert_columns
from local.marketplace.day import HISTORY_DAYS, Day
from local.marketplace.period import Period

LATE_COMMIT_MINUTES = 3  # inside the pipeline's overlap of ten
KEYS_TO_SKIP = len(TREACHEROUS)  # draw_keys begins with them, and the source has them already


@dataclass(frozen=True)
class _Day(Day):
    """A day on a cars source, and how much happens on it."""

    daily_rentals: int

    def change(self, select: str, count: int, update: str) -> int:
        """Run an update for some of the keys that a select gives; return the rows affected."""
        return sum(self.execute(update, *row) for row in self.choose(select, count))


def begin_day(connection: pymysql.Connection, random: np.random.Generator, now: datetime) -> _Day:
    """Return the day, by how much the source holds.

    Raises:
        ValueError: there is nothing to rent, nobody to rent it, or nowhere.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from rental_transactions), (select count(*) from users), (select count(*) from vehicles),"
            " (select count(*) from locations)"
        )
        ((rentals, users, vehicles, locations),) = cursor.fetchall()
    if not users or not vehicles or locations < 2:
        raise ValueError("a day needs users, vehicles and two locations: fill the source first")
    return _Day(connection, random, now, daily_rentals=max(6, rentals // HISTORY_DAYS))


def _register_vehicles(day: _Day) -> int:
    columns, _ = generate_vehicles(day.random, KEYS_TO_SKIP + 2, Period(day.now.date()), Shares.without_dirt())
    del columns["changed_at"]
    return insert_columns(day.connection, "vehicles", _without_first(columns))


def _open_accounts(day: _Day) -> int:
    columns, _ = generate_users(day.random, KEYS_TO_SKIP + 2, Period(day.now.date()), Shares.without_dirt())
    columns["creation_date"][:] = day.now.date()
    return insert_columns(day.connection, "users", _without_first(columns))


def _without_first(columns: Columns) -> Columns:
    return {name: values[KEYS_TO_SKIP:] for name, values in columns.items()}


def _rent(day: _Day) -> int:
    return _insert_rentals(day, day.daily_rentals)


def _rent_and_commit_late(day: _Day) -> int:
    """A rental whose transaction was open while the pipeline read: it arrives with a stamp from before."""
    return _insert_rentals(day, 1, late=True)


def _insert_rentals(day: _Day, count: int, late: bool = False) -> int:
    users = _repeat(day, [row[0] for row in day.choose("select user_id from users", count)], count)
    vehicles = day.choose("select vehicle_id, vehicle_type from vehicles", count)
    chosen = _repeat(day, list(range(len(vehicles))), count).astype(int)
    vehicle_ids, vehicle_types = (np.array([row[part] for row in vehicles], dtype=object)[chosen] for part in (0, 1))
    locations = np.array([row[0] for row in day.query("select location_id from locations order by location_id")])
    started = np.full(count, np.datetime64(day.now, "s") - np.timedelta64(3, "D"))
    columns = draw_rentals(day.random, users, vehicle_ids, vehicle_types, locations, started)
    columns = {"rental_id": draw_keys(day.random, KEYS_TO_SKIP + count)[KEYS_TO_SKIP:], **columns}
    if late:
        columns["changed_at"] = np.full(count, np.datetime64(day.now, "us") - np.timedelta64(LATE_COMMIT_MINUTES, "m"), object)
    return insert_columns(day.connection, "rental_transactions", columns)


def _repeat(day: _Day, values: list[Any], count: int) -> np.ndarray:
    """Draw `count` of the values, the same one maybe more than once."""
    return np.array(values, dtype=object)[day.random.integers(0, len(values), count)]


def _return_later(day: _Day) -> int:
    """Cars that came back a day later than was written, and cost more."""
    types = " ".join(f"when '{kind}' then {rate}" for kind, rate in HOURLY_RATES.items())
    return day.change(
        "select rental_id from rental_transactions where rental_end_time > rental_start_time and total_amount > 0",
        2,
        "update rental_transactions left join vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id"
        " set rental_end_time = rental_end_time + interval 1 day,"
        f" total_amount = total_amount + 24 * case vehicle_type {types} else 10 end where rental_id = %s",
    )


def _refund(day: _Day) -> int:
    good = "select rental_id from rental_transactions where total_amount > 0"
    return day.change(good, 2, "update rental_transactions set total_amount = round(total_amount / 2, 2) where rental_id = %s")


def _move_pickups(day: _Day) -> int:
    """Rentals entered under the wrong place: their money leaves one location for another."""
    return day.change(
        "select dropoff_location, pickup_location, rental_id from rental_transactions where pickup_location is not null",
        2,
        "update rental_transactions set pickup_location = %s, dropoff_location = %s where rental_id = %s",
    )


def _move_starts(day: _Day) -> int:
    """Rentals entered under the wrong day: they leave one day's metrics for another's."""
    return day.change(
        "select rental_id from rental_transactions where rental_end_time > rental_start_time",
        2,
        "update rental_transactions set rental_start_time = rental_start_time - interval 40 day,"
        " rental_end_time = rental_end_time - interval 40 day where rental_id = %s",
    )


def _correct_rentals(day: _Day) -> int:
    backwards = (
        "select rental_end_time, rental_start_time, rental_id from rental_transactions where rental_end_time < rental_start_time"
    )
    negative = "select rental_id from rental_transactions where total_amount < 0"
    return day.change(
        backwards, 1, "update rental_transactions set rental_start_time = %s, rental_end_time = %s where rental_id = %s"
    ) + day.change(negative, 1, "update rental_transactions set total_amount = -total_amount where rental_id = %s")


def _retype_vehicles(day: _Day) -> int:
    return day.change(
        "select vehicle_id from vehicles where vehicle_type = 'basic'",
        2,
        "update vehicles set vehicle_type = 'premium' where vehicle_id = %s",
    )


def _correct_vehicles(day: _Day) -> int:
    unknown = f"select vehicle_id from vehicles where coalesce(vehicle_type, '') not in {tuple(HOURLY_RATES)}"
    return day.change(unknown, 1, "update vehicles set vehicle_type = 'high_end' where vehicle_id = %s")


def _spoil_rows(day: _Day) -> int:
    """Rows that turn bad: a vehicle of no known type, whose rentals stay, and a rental that is set aside."""
    return day.change(
        "select vehicle_id from vehicles where vehicle_type = 'premium'",
        1,
        "update vehicles set vehicle_type = 'sold' where vehicle_id = %s",
    ) + day.change(
        "select rental_id from rental_transactions where total_amount > 0",
        1,
        "update rental_transactions set total_amount = -total_amount where rental_id = %s",
    )


def _turn_users(day: _Day) -> int:
    known = "select user_id from users where is_active in ('0', '1')"
    return day.change(known, 2, "update users set is_active = 1 - is_active where user_id = %s")


def _delete_users(day: _Day) -> int:
    return day.change("select user_id from users", 1, "delete from users where user_id = %s")


def _move_locations(day: _Day) -> int:
    """Locations whose city was wrong, and one that stood beyond the pole; nothing tells when it was corrected."""
    return day.change(
        "select location_id from locations where city <> 'Oakland'",
        1,
        "update locations set city = 'Oakland', state = 'CA' where location_id = %s",
    ) + day.change(
        "select location_id from locations where abs(latitude) > 90",
        1,
        "update locations set latitude = latitude / 10 where location_id = %s",
    )


HAPPENINGS: dict[str, Callable[[_Day], int]] = {
    "new vehicles": _register_vehicles,
    "new users": _open_accounts,
    "new rentals": _rent,
    "rentals committed late": _rent_and_commit_late,
    "cars returned later": _return_later,
    "refunds": _refund,
    "rentals moved to another location": _move_pickups,
    "rentals moved to another day": _move_starts,
    "corrected rentals": _correct_rentals,
    "retyped vehicles": _retype_vehicles,
    "corrected vehicles": _correct_vehicles,
    "rows turned bad": _spoil_rows,
    "users turned active or inactive": _turn_users,
    "deleted users": _delete_users,
    "corrected locations": _move_locations,
}
