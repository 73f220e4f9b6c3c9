"""Generated rentals: drawn ones with their dirt, and a few planted ones for the cases on which metrics go wrong."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from local.marketplace.cars.keys import draw_keys
from local.marketplace.cars.parents import HOURLY_RATES
from local.marketplace.cars.shares import Shares
from local.marketplace.columns import Columns, Spoiler, append_rows, to_money
from local.marketplace.period import Period

LONGEST_HOURS = 72
NO_LOCATION = 99


def generate_rentals(
    random: np.random.Generator, count: int, parents: dict[str, Columns], period: Period, shares: Shares
) -> tuple[Columns, dict[str, int]]:
    """Return the table rental_transactions and the number of rows of each kind of dirt; planted rows stand at its end."""
    planted = plant_rentals(parents, period)
    drawn = max(count - len(planted), 0)
    keys = draw_keys(random, drawn + len(planted))
    started = period.draw_moments(random, drawn).astype("datetime64[m]").astype("datetime64[s]")
    users, vehicles, types = (
        parents["users"]["user_id"],
        parents["vehicles"]["vehicle_id"],
        parents["vehicles"]["vehicle_type"],
    )
    row_of_vehicle = choose_often_first(random, len(vehicles), drawn)
    columns: Columns = {
        "rental_id": keys[:drawn],
        **draw_rentals(
            random,
            users[choose_often_first(random, len(users), drawn)],
            vehicles[row_of_vehicle],
            types[row_of_vehicle],
            parents["locations"]["location_id"],
            started,
        ),
        "changed_at": period.stamp(random, started),
    }
    dirt = Spoiler(random, columns, np.arange(drawn))
    for column in ("user_id", "vehicle_id"):
        dirt.spoil(f"{column} does not exist", column, shares.orphans, ("ffffffffff", "9999999999"))
    dirt.spoil("location does not exist", "dropoff_location", shares.orphans, (NO_LOCATION,))
    for column in ("user_id", "vehicle_id", "pickup_location"):
        dirt.spoil(f"no {column}", column, shares.missing_keys, (None,))
    dirt.spoil("no end", "rental_end_time", shares.missing_dates, (None,))
    dirt.spoil("date out of range", "rental_start_time", shares.dates_out_of_range, (datetime(1999, 12, 31, 23, 59, 59),))
    dirt.spoil(
        "end before start",
        "rental_end_time",
        shares.backward_rentals,
        lambda rows: columns["rental_start_time"][rows] - timedelta(hours=1),
    )
    dirt.spoil("negative amount", "total_amount", shares.negative_amounts, lambda rows: -columns["total_amount"][rows])
    dirt.spoil("no amount", "total_amount", shares.missing_amounts, (None,))
    dirt.spoil("odd amount", "total_amount", shares.odd_amounts, lambda rows: columns["total_amount"][rows] + Decimal("0.99"))
    for row, key in zip(planted, keys[drawn:], strict=True):
        row["rental_id"] = key
    return append_rows(columns, planted), dirt.counts


def choose_often_first(random: np.random.Generator, choices: int, count: int) -> np.ndarray:
    """Draw row numbers, low ones more often than high ones: a few are popular, most are not, and the last hardly occur."""
    return (choices * random.random(count) ** 2).astype(int)


def draw_rentals(
    random: np.random.Generator,
    user_ids: np.ndarray,
    vehicle_ids: np.ndarray,
    vehicle_types: np.ndarray,
    location_ids: np.ndarray,
    started: np.ndarray,
) -> Columns:
    """Draw rentals without dirt: 1 to 72 whole hours at the type's rate, to another location than from where they start.

    Args:
        user_ids, vehicle_ids, vehicle_types: Of each rental; a type without a rate is charged as basic.
        location_ids: To choose from; the first are chosen most.
        started: Moment of each, datetime64[s].

    Returns:
        The columns but for rental_id and changed_at.
    """
    count = len(started)
    hours = random.integers(1, LONGEST_HOURS + 1, count)
    rates = np.array([HOURLY_RATES.get(kind, HOURLY_RATES["basic"]) for kind in vehicle_types], dtype=np.int64)
    pickup = choose_often_first(random, len(location_ids), count)
    dropoff = choose_often_first(random, len(location_ids) - 1, count)
    dropoff += dropoff >= pickup
    return {
        "user_id": user_ids.astype(object),
        "vehicle_id": vehicle_ids.astype(object),
        "rental_start_time": started.astype(object),
        "rental_end_time": (started + hours.astype("timedelta64[h]")).astype(object),
        "pickup_location": location_ids[pickup].astype(object),
        "dropoff_location": location_ids[dropoff].astype(object),
        "total_amount": to_money(hours * rates * 100),
    }


def plant_rentals(parents: dict[str, Columns], period: Period) -> list[dict[str, Any]]:
    """Return rentals for the cases on which metrics go wrong, of parents without dirt.

    In this order: over midnight; over the turn of a year; over the turn of a month; up to exactly midnight; without any time;
    rentals of one vehicle that overlap, one within another, two that are equal; a location where the dearest rentals end;
    two users who spend the same.
    """
    users, vehicles = parents["users"]["user_id"], parents["vehicles"]["vehicle_id"]
    locations = parents["locations"]["location_id"]
    base = period.last_day.astype(object) - timedelta(days=100)
    new_year = (period.last_day.astype(object) - timedelta(days=5)).replace(month=1, day=1)
    month = base.replace(day=1)
    rows: list[dict[str, Any]] = []

    def rent(starts: datetime, hours: float, vehicle: int = 0, user: int = 0, amount: str = "100.00", dropoff: int = 1) -> None:
        rows.append(
            {
                "user_id": users[user],
                "vehicle_id": vehicles[vehicle],
                "rental_start_time": starts,
                "rental_end_time": starts + timedelta(hours=hours),
                "pickup_location": int(locations[0]),
                "dropoff_location": int(locations[dropoff]),
                "total_amount": Decimal(amount),
                "changed_at": period.noon_after(starts.date(), len(rows)),
            }
        )

    def at(day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour))

    rent(at(base, 23), 2)
    rent(at(new_year - timedelta(days=1), 12), 60)
    rent(at(month - timedelta(days=1), 1), 48.25)
    rent(at(base + timedelta(days=3), 20), 4)
    rent(at(base + timedelta(days=4), 8), 0, amount="0.00")
    for starts, hours in ((8, 10), (10, 2), (12, 10), (22, 5), (8, 10)):
        rent(at(base + timedelta(days=10), starts), hours, vehicle=1)
    for day in range(3):
        rent(at(base + timedelta(days=20 + day), 9), 24, vehicle=2, amount="9876.54", dropoff=3)
    for user in (2, 3):
        rent(at(base + timedelta(days=30), 9), 12, vehicle=user, user=user, amount="12345.67")
    return rows
