"""The judge of the cars' key figures: use by day, peaks, hours of the week, lengths, idle cars, cohorts, balance.

Written from what each figure means, as judge.py is: it asks of moments, days and hours what was then, and sums up.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol

import pandas as pd

from tests.metrics.records import Row, make_frame
from tests.metrics.values import DAY, FIRST_DAY, LAST_DAY

HOUR = timedelta(hours=1)
STANDING = timedelta(days=30)
UNKNOWN = ("unknown", "unknown", None)
Use = dict[tuple[date, tuple[Any, ...]], Counter]


class Fleet(Protocol):
    """What is asked of the fleet (judge.py has it)."""

    as_of: date
    stretches: dict[Any, list[Any]]

    def is_there(self, vehicle: Any, moment: datetime) -> bool:
        """Whether a vehicle is in the active fleet at a moment that is over."""


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def list_days(first: date, last: date) -> Iterable[date]:
    while first <= last:
        yield first
        first += DAY


def week_of(day: date) -> date:
    return day - day.weekday() * DAY


def ratio(one: Any, other: Any) -> float | None:
    return float(one) / float(other) if other else None


# Use by day and class


def spread(rental: Row) -> dict[date, int]:
    """Return a rental's cents by day: at each moment as many are due as its share of the time has earned in whole ones."""
    cents, span = int(rental["amount"] * 100), int((rental["ends"] - rental["starts"]).total_seconds())
    if not span:
        return {rental["starts"].date(): cents}

    def due(moment: datetime) -> int:
        return cents * int((min(max(moment, rental["starts"]), rental["ends"]) - rental["starts"]).total_seconds()) // span

    days = list_days(rental["starts"].date(), rental["ends"].date())
    return {day: due(midnight(day + DAY)) - due(midnight(day)) for day in days}


def use_by_day(
    rentals: list[Row],
    classes: dict[Any, tuple[Any, ...]],
    out_seconds: tuple[Counter, Counter],
    fleet_seconds: tuple[Counter, Counter],
) -> Use:
    """Return the sums by day and class.

    Args:
        classes: Type, brand and model year by vehicle.
        out_seconds, fleet_seconds: By day and class: out, and of those in the fleet; in the fleet, and of those assumed.
    """
    use: Use = defaultdict(Counter)
    for rental in rentals:
        kind = classes.get(rental["vehicle"], UNKNOWN)
        use[rental["starts"].date(), kind].update(rentals=1, pickup_cents=int(rental["amount"] * 100))
        for day, cents in spread(rental).items():
            use[day, kind]["cents"] += cents
    names = ("out", "rented", "fleet", "assumed")
    for name, measure in zip(names, (*out_seconds, *fleet_seconds), strict=True):
        for (day, kind), seconds in measure.items():
            use[day, kind][name] += seconds
    return {key: sums for key, sums in use.items() if any(sums.values())}


def to_money(cents: int) -> Decimal:
    return Decimal(cents) / 100


def fleet_use_daily(use: Use) -> pd.DataFrame:
    rows = [
        [day, *kind, sums["rentals"], to_money(sums["pickup_cents"]), to_money(sums["cents"])]
        + [sums[name] for name in ("out", "rented", "fleet", "assumed")]
        for (day, kind), sums in use.items()
    ]
    columns = ["period_start", "vehicle_type", "brand", "model_year", "rentals", "pickup_revenue", "revenue"]
    seconds = ["occupied_seconds", "rented_fleet_seconds", "fleet_seconds", "assumed_fleet_seconds"]
    return pd.DataFrame(rows, columns=[*columns, *seconds], dtype=object)


def _add(use: Use, group: Callable[[date, tuple[Any, ...]], Any]) -> dict[Any, Counter]:
    sums: dict[Any, Counter] = defaultdict(Counter)
    for (day, kind), counted in use.items():
        sums[group(day, kind)].update(counted)
    return sums


def _figures(sums: Counter, cents: int) -> list[Any]:
    """Car-days, rented days, revenue per car-day and per rented day, utilisation; `cents` are those of the days with a fleet."""
    car_days, rented_days = sums["fleet"] / 86_400, sums["out"] / 86_400
    figures = [ratio(cents / 100, car_days), ratio(sums["cents"] / 100, rented_days), ratio(sums["rented"], sums["fleet"])]
    return [car_days, rented_days, *figures]


_FIGURES = ["car_days", "rented_days", "revenue_per_car_day", "revenue_per_rented_day", "utilisation"]


def fleet_revenue_daily(use: Use) -> pd.DataFrame:
    rows = [
        [day, sums["rentals"], to_money(sums["pickup_cents"]), to_money(sums["cents"]), *_figures(sums, sums["cents"])]
        for day, sums in _add(use, lambda day, kind: day).items()
    ]
    return pd.DataFrame(rows, columns=["use_day", "rentals", "pickup_revenue", "revenue", *_FIGURES], dtype=object)


def fleet_revenue_monthly(use: Use) -> pd.DataFrame:
    last = max((day for (day, _), sums in use.items() if sums["rented"]), default=None)
    past = {key: sums for key, sums in use.items() if last and key[0] <= last}
    in_all, so_far = (_add(some, lambda day, kind: day.replace(day=1)) for some in (use, past))
    rows = []
    for month, sums in in_all.items():
        if month in so_far or sums["rentals"] or sums["out"]:
            known = so_far.get(month, Counter())
            money = [sums["pickup_cents"], known["cents"], sums["cents"] - known["cents"]]
            rows.append([month, sums["rentals"], *map(to_money, money), *_figures(known, known["cents"])])
    columns = ["month_start", "rentals", "pickup_revenue", "revenue", "revenue_ahead", *_FIGURES]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def fleet_by_class_monthly(use: Use) -> pd.DataFrame:
    def group(day: date, kind: tuple[Any, ...]) -> tuple[Any, ...]:
        return day.replace(day=1), kind[1], kind[2]

    in_fleet = _add({key: sums for key, sums in use.items() if sums["fleet"]}, group)
    rows = []
    for key, sums in _add(use, group).items():
        month, brand, year = key
        age = None if year is None else month.year - year
        money = [to_money(sums["pickup_cents"]), to_money(sums["cents"])]
        rows.append([month, brand, year, age, sums["rentals"], *money, *_figures(sums, in_fleet.get(key, Counter())["cents"])])
    columns = ["month_start", "brand", "model_year", "car_age", "rentals", "pickup_revenue", "revenue", *_FIGURES]
    return pd.DataFrame(rows, columns=columns, dtype=object)


# Cars at once


def cars_out_daily(rentals: list[Row], fleet: Fleet) -> pd.DataFrame:
    """Ask of midnight, and of each moment at which a car leaves or comes, how many are out, and there."""
    by_day: dict[date, list[Row]] = defaultdict(list)
    for rental in rentals:
        for day in list_days(rental["starts"].date(), rental["ends"].date()):
            by_day[day].append(rental)
    rows = []
    for day, of_day in by_day.items():
        starts = {midnight(day), *(rental["starts"] for rental in of_day if rental["starts"].date() == day)}
        out = {
            moment: len({rental["vehicle"] for rental in of_day if rental["starts"] <= moment < rental["ends"]})
            for moment in starts
        }
        most = max(out.values())
        if not most:
            continue
        comings = {there.starts for stretches in fleet.stretches.values() for there in stretches if there.starts.date() == day}
        there = [sum(fleet.is_there(vehicle, moment) for vehicle in fleet.stretches) for moment in {midnight(day), *comings}]
        first = min(moment for moment, number in out.items() if number == most)
        rows.append([day, most, first, max(there) or None, ratio(most, max(there))])
    return pd.DataFrame(rows, columns=["period_start", "most_out", "peak_at", "fleet_cars", "peak_share"], dtype=object)


# Hours of the week


def location_hours_monthly(rentals: list[Row], fleet: Fleet) -> pd.DataFrame:
    """Follow each car from turn to turn: where it belongs, and whether it is out."""
    rented, available = Counter(), Counter()
    for vehicle, stretches in fleet.stretches.items():
        trips = sorted(
            (rental for rental in rentals if rental["vehicle"] == vehicle and rental["starts"] < rental["ends"]),
            key=lambda rental: (rental["starts"], rental["ends"], rental["id"]),
        )
        turns = {moment for there in stretches for moment in (there.starts, there.ends)} | {midnight(fleet.as_of)}
        turns |= {moment for trip in trips for moment in (trip["starts"], trip["ends"], trip["ends"] + STANDING)}
        for begins, ends in pairwise(sorted(turns)):
            if not fleet.is_there(vehicle, begins):
                continue
            out = next((trip for trip in trips if trip["starts"] <= begins < trip["ends"]), None)
            before = [trip for trip in trips if trip["ends"] <= begins]
            left = next((trip for trip in before if trip["ends"] == max(each["ends"] for each in before)), None)
            if out is None and (left is None or begins >= left["ends"] + STANDING):
                continue
            location = out["pickup"] if out else left["dropoff"]
            for hour, seconds in _list_hours(begins, ends):
                key = (hour.date().replace(day=1), location, hour.isoweekday(), hour.hour)
                available[key] += seconds
                rented[key] += seconds if out else 0
    rows = [[*key, rented[key] / 3600, seconds / 3600, rented[key] / seconds] for key, seconds in available.items() if seconds]
    columns = ["period_start", "location_id", "weekday", "hour_of_day", "rented_hours", "available_hours", "utilisation"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _list_hours(begins: datetime, ends: datetime) -> Iterable[tuple[datetime, int]]:
    """Yield each hour of the clock that a time takes of, with its seconds."""
    hour = begins.replace(minute=0, second=0)
    while hour < ends:
        yield hour, int((min(ends, hour + HOUR) - max(begins, hour)).total_seconds())
        hour += HOUR


# Lengths


_LENGTHS = [(0, 4), (4, 12), (12, 24), (24, 72), (72, 168), (168, None)]


def rental_lengths_weekly(rentals: list[Row]) -> pd.DataFrame:
    weeks: dict[date, list[tuple[float, Decimal]]] = defaultdict(list)
    for rental in rentals:
        hours = (rental["ends"] - rental["starts"]).total_seconds() / 3600
        weeks[week_of(rental["starts"].date())].append((hours, rental["amount"]))
    rows = []
    for week, found in weeks.items():
        for least, most in _LENGTHS:
            some = [(hours, amount) for hours, amount in found if least <= hours and (most is None or hours < most)]
            if some:
                hours, revenue = sum(each for each, _ in some), sum(amount for _, amount in some)
                share = len(some) / len(found)
                rows.append([week, least, most, len(some), share, revenue, float(hours), ratio(revenue, hours / 24)])
    columns = ["period_start", "hours_from", "hours_to", "rentals", "share_of_rentals", "revenue", "rental_hours"]
    return pd.DataFrame(rows, columns=[*columns, "revenue_per_day"], dtype=object)


# Idle cars


def idle_cars_weekly(rentals: list[Row], fleet: Fleet) -> pd.DataFrame:
    by_car: dict[Any, list[Row]] = defaultdict(list)
    for rental in rentals:
        by_car[rental["vehicle"]].append(rental)
    gaps = list(_list_gaps(by_car))
    first = min((rental["starts"].date() for rental in rentals), default=LAST_DAY)
    rows, week = [], week_of(first)
    while week + 7 * DAY <= fleet.as_of:
        ends = midnight(week + 7 * DAY)

        def was_used(some: list[Row], days: int, ends: datetime = ends) -> bool:
            return any(rental["starts"] < ends and rental["ends"] > ends - days * DAY for rental in some)

        def was_there(vehicle: Any, moment: datetime) -> bool:
            return any(there.starts < moment <= there.ends for there in fleet.stretches[vehicle])

        if was_used(rentals, 90):
            cars = [vehicle for vehicle in fleet.stretches if was_there(vehicle, ends)]
            idle = []
            for days in (7, 30, 90):
                moments = [ends - some * DAY for some in (7, 30, 90) if some <= days]
                cars_then = [car for car in cars if all(was_there(car, moment) for moment in moments)]
                idle.append(sum(not was_used(by_car[car], days) for car in cars_then))
            hours = [gap for begins, gap in gaps if week_of(begins) == week]
            rows.append([week, len(cars), *idle, len(hours), ratio(sum(hours), len(hours))])
        week += 7 * DAY
    columns = ["period_start", "fleet_cars", "idle_7_days", "idle_30_days", "idle_90_days", "gaps", "mean_gap_hours"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _list_gaps(by_car: dict[Any, list[Row]]) -> Iterable[tuple[date, float]]:
    """Yield the day of each rental that took a standing car, and for how many hours it had stood."""
    for some in by_car.values():
        ordered = sorted(some, key=lambda rental: (rental["starts"], rental["ends"], rental["id"]))
        for number, rental in enumerate(ordered[1:], start=1):
            back = max(before["ends"] for before in ordered[:number])
            if timedelta(0) <= rental["starts"] - back < 90 * DAY:
                yield rental["starts"].date(), (rental["starts"] - back).total_seconds() / 3600


# Cohorts


def user_cohorts_monthly(rentals: list[Row], users: dict[Any, Row]) -> pd.DataFrame:
    starts: dict[Any, list[date]] = defaultdict(list)
    for rental in rentals:
        starts[rental["user"]].append(rental["starts"].date())
    cohorts: dict[date, list[list[int]]] = defaultdict(list)
    for key, user in users.items():
        created = user["created"]
        if created and FIRST_DAY <= created <= LAST_DAY:
            ages = sorted((day - created).days for day in starts[key])
            cohorts[created.replace(day=1)].append([age for age in ages if 0 <= age < 365])
    rows = []
    for month, members in cohorts.items():
        first = [ages[0] for ages in members if ages]
        repeated = sum(len(ages) > 1 for ages in members)
        sooner = [sum(age < days for age in first) for days in (7, 30, 90)]
        mean, share = ratio(sum(first), len(first)), ratio(repeated, len(first))
        median = float(statistics.median(first)) if first else None
        rows.append([month, len(members), len(first), *sooner, mean, median, repeated, share])
    columns = ["period_start", "users", "renters", "renters_7_days", "renters_30_days", "renters_90_days"]
    columns += ["mean_days_to_first", "median_days_to_first", "repeat_renters", "repeat_share"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


# Balance


def location_balance_weekly(rentals: list[Row], locations: dict[Any, Row]) -> pd.DataFrame:
    picked = Counter((week_of(rental["starts"].date()), rental["pickup"]) for rental in rentals)
    dropped = Counter((week_of(rental["ends"].date()), rental["dropoff"]) for rental in rentals)
    weeks = sorted(picked.keys() | dropped.keys())
    rows = []
    for week, location in weeks:
        until = [key for key in weeks if key[0] <= week and key[1] == location]
        place = locations.get(location, {})
        balance = picked[week, location] - dropped[week, location]
        rows.append(
            {"week_start": week, "location_id": location}
            | {name: place.get(name) for name in ("location_name", "city", "state")}
            | {"pickups": picked[week, location], "dropoffs": dropped[week, location], "imbalance": balance}
            | {"running_imbalance": sum(picked[key] - dropped[key] for key in until)}
        )
    columns = ["week_start", "location_id", "location_name", "city", "state", "pickups", "dropoffs", "imbalance"]
    return make_frame(rows, [*columns, "running_imbalance"])
