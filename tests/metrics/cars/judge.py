"""The judge of the cars marketplace: curated rows, rejected rows and all metrics, computed a second time and in another way.

It is written from what each figure means (the headers of the SQL files say the same), over the source's own rows. It shares
nothing with the SQL: no file, no formula. It walks rental by rental and day by day, which is slow, and hard to get wrong.

Rows are dictionaries by column name. Texts stay as the application wrote them; a typed source has dates, numbers, flags instead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd

from tests.metrics.records import History, Rate, Row, Verdict, make_frame, rank
from tests.metrics.values import DAY, FIRST_DAY, LAST_DAY, read_flag, read_number, read_time, say, to_cents

TYPES = ("basic", "premium", "high_end")


def judge(source_tables: dict[str, list[Row]], history: History, rates: Iterable[Rate], as_of: date) -> dict[str, pd.DataFrame]:
    """Compute every metric from the source's rows as they are now; nothing else bears on any of them.

    Returns:
        By metric, a frame with the columns of the presentation table.
    """
    verdict = judge_rows(source_tables, history)
    rentals = list(verdict.accepted["rental_transactions"].values())
    vehicles = verdict.accepted["vehicles"]
    for rental in rentals:
        rental["type"] = vehicles[rental["vehicle"]]["type"]
    fleet = Counter(vehicle["type"] for vehicle in vehicles.values())
    return {
        "rentals_daily": _rentals_daily(rentals),
        "location_rentals_daily": _location_rentals_daily(rentals),
        "location_rentals_total": _location_rentals_total(rentals, verdict.accepted["locations"]),
        "vehicle_type_rentals_daily": _vehicle_type_rentals_daily(rentals, fleet),
        "vehicle_type_rentals_total": _vehicle_type_rentals_total(rentals, fleet),
        "user_rentals_total": _user_rentals_total(rentals),
    }


# Rows


def judge_rows(source_tables: dict[str, list[Row]], history: History) -> Verdict:
    """Decide of every row of the source whether it is usable, and if not, which rule it breaks first."""
    verdict = Verdict()
    for row in source_tables["locations"]:
        verdict.give("locations", row["location_id"], *judge_location(row))
    for row in source_tables["vehicles"]:
        verdict.give("vehicles", row["vehicle_id"], *judge_vehicle(row))
    for row in source_tables["users"]:
        verdict.give("users", row["user_id"], *judge_user(row))
    for row in source_tables["rental_transactions"]:
        verdict.give("rental_transactions", row["rental_id"], *judge_rental(row, verdict.accepted))
    return verdict


def judge_location(row: Row) -> tuple[Row, str | None]:
    latitude, longitude = (say(row[name]) for name in ("latitude", "longitude"))
    for text in (latitude, longitude):
        if text is not None and read_number(text) is None:
            return {}, "unparseable_number"
    if abs(read_number(latitude) or 0) > 90 or abs(read_number(longitude) or 0) > 180:
        return {}, "coordinate_out_of_range"
    return {name: say(row[name]) for name in ("location_name", "city", "state")}, None


def judge_vehicle(row: Row) -> tuple[Row, str | None]:
    kind = "_".join((say(row["vehicle_type"]) or "").lower().replace("-", " ").split(" "))
    if kind not in TYPES:
        return {}, "unknown_type"
    if say(row["active"]) is not None and read_flag(row["active"]) is None:
        return {}, "unparseable_boolean"
    for name in ("expiration_date", "certification_date", "last_update_timestamp"):
        if say(row[name]) is not None and read_time(say(row[name])) is None:
            return {}, "unparseable_date"
    if say(row["vehicle_year"]) is not None and read_number(say(row["vehicle_year"])) is None:
        return {}, "unparseable_number"
    return {"type": kind}, None


def judge_user(row: Row) -> tuple[Row, str | None]:
    created = say(row["creation_date"])
    if created is None:
        return {}, "missing_date"
    if read_time(created) is None:
        return {}, "unparseable_date"
    if read_flag(row["is_active"]) is None:
        return {}, "unparseable_boolean"
    return {}, None


def judge_rental(row: Row, accepted: dict[str, dict[Any, Row]]) -> tuple[Row, str | None]:
    starts, ends = (say(row[name]) for name in ("rental_start_time", "rental_end_time"))
    amount = say(row["total_amount"])
    clean = {
        "user": row["user_id"],
        "vehicle": row["vehicle_id"],
        "pickup": row["pickup_location"],
        "dropoff": row["dropoff_location"],
    }
    for name, rule in (("user", "missing_user"), ("vehicle", "missing_vehicle")):
        if clean[name] is None:
            return clean, rule
    if clean["pickup"] is None or clean["dropoff"] is None:
        return clean, "missing_location"
    if starts is None or ends is None:
        return clean, "missing_date"
    if read_time(starts) is None or read_time(ends) is None:
        return clean, "unparseable_date"
    clean["starts"], clean["ends"] = (read_time(text).replace(microsecond=0) for text in (starts, ends))
    if not all(FIRST_DAY <= clean[name].date() <= LAST_DAY for name in ("starts", "ends")):
        return clean, "date_out_of_range"
    if clean["ends"] < clean["starts"]:
        return clean, "end_before_start"
    if amount is None:
        return clean, "missing_amount"
    if read_number(amount) is None:
        return clean, "unparseable_number"
    if read_number(amount) < 0:
        return clean, "negative_amount"
    clean["amount"] = to_cents(read_number(amount))
    parents = (("user", "users"), ("vehicle", "vehicles"), ("pickup", "locations"), ("dropoff", "locations"))
    if any(clean[name] not in accepted[table] for name, table in parents):
        return clean, "orphan_reference"
    return clean, None


# Metrics


def _group(rentals: list[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for rental in rentals:
        groups[key(rental)].append(rental)
    return groups


def _amounts(rentals: list[Row]) -> Row:
    amounts = [rental["amount"] for rental in rentals]
    return {
        "rentals": len(amounts),
        "revenue": sum(amounts, Decimal(0)),
        "average_amount": float(sum(amounts) / len(amounts)) if amounts else None,
        "max_amount": max(amounts, default=None),
        "min_amount": min(amounts, default=None),
    }


def _hours(rentals: list[Row]) -> Row:
    hours = [(rental["ends"] - rental["starts"]).total_seconds() / 3600 for rental in rentals]
    return {
        "rental_hours": float(sum(hours)),
        "average_hours": sum(hours) / len(hours) if hours else None,
        "min_hours": min(hours, default=None),
        "max_hours": max(hours, default=None),
    }


def _rentals_daily(rentals: list[Row]) -> pd.DataFrame:
    rows = [{"period_start": day, **_amounts(group)} for day, group in _group(rentals, lambda r: r["starts"].date()).items()]
    return make_frame(rows, ["period_start", "rentals", "revenue", "average_amount"])


_AT_LOCATION = ["rentals", "revenue", "average_amount", "max_amount", "min_amount", "unique_vehicles", "dropoffs"]


def _location_rentals_daily(rentals: list[Row]) -> pd.DataFrame:
    picked = _group(rentals, lambda rental: (rental["starts"].date(), rental["pickup"]))
    dropped = Counter((rental["ends"].date(), rental["dropoff"]) for rental in rentals)
    rows = []
    for day, location in picked.keys() | dropped.keys():
        group = picked.get((day, location), [])
        rows.append({"period_start": day, "location_id": location, **_at_location(group, dropped[day, location])})
    return make_frame(rows, ["period_start", "location_id", *_AT_LOCATION])


def _location_rentals_total(rentals: list[Row], locations: dict[Any, Row]) -> pd.DataFrame:
    picked, dropped = _group(rentals, lambda rental: rental["pickup"]), Counter(rental["dropoff"] for rental in rentals)
    rows = [
        {"period_start": FIRST_DAY, "location_id": location, **locations[location]}
        | _at_location(picked.get(location, []), dropped[location])
        for location in picked.keys() | dropped.keys()
    ]
    rank(rows, "revenue", "location_rank")
    columns = ["period_start", "location_id", "location_name", "city", "state", *_AT_LOCATION, "location_rank"]
    return make_frame(rows, columns)


def _at_location(picked: list[Row], dropoffs: int) -> Row:
    return _amounts(picked) | {"unique_vehicles": len({rental["vehicle"] for rental in picked}), "dropoffs": dropoffs}


def _occupied_seconds(rentals: list[Row]) -> Counter:
    """By day and type, the seconds on which a vehicle of it was out: from each turn to the next, as long as any rental lasts."""
    occupied: Counter = Counter()
    for (_, kind), group in _group(rentals, lambda rental: (rental["vehicle"], rental["type"])).items():
        days = {day for rental in group for day in _days(rental["starts"].date(), rental["ends"].date())}
        midnights = [datetime.combine(day, time()) for day in days | {day + DAY for day in days}]
        moments = sorted({*midnights, *(rental["starts"] for rental in group), *(rental["ends"] for rental in group)})
        for begins, ends in pairwise(moments):
            if any(rental["starts"] <= begins and ends <= rental["ends"] for rental in group):
                occupied[begins.date(), kind] += int((ends - begins).total_seconds())
    return occupied


def _vehicle_type_rentals_daily(rentals: list[Row], fleet: Counter) -> pd.DataFrame:
    started = _group(rentals, lambda rental: (rental["starts"].date(), rental["type"]))
    occupied = _occupied_seconds(rentals)
    rows = []
    for day, kind in started.keys() | occupied.keys():
        group, seconds = started.get((day, kind), []), occupied[day, kind]
        rows.append(
            {"period_start": day, "vehicle_type": kind, **_amounts(group), **_hours(group)}
            | {"vehicles": fleet[kind], "occupied_hours": seconds / 3600, "utilisation": seconds / 3600 / (24 * fleet[kind])}
        )
    return make_frame(rows, ["period_start", "vehicle_type", "rentals", "revenue", *_OF_TYPE])


_OF_TYPE = ["rental_hours", "average_hours", "min_hours", "max_hours", "vehicles", "occupied_hours", "utilisation"]


def _vehicle_type_rentals_total(rentals: list[Row], fleet: Counter) -> pd.DataFrame:
    occupied = _occupied_seconds(rentals)
    days = {day for rental in rentals for day in (rental["starts"].date(), rental["ends"].date())}
    span_hours = 24 * len(list(_days(min(days), max(days)))) if days else None
    rows = []
    for kind, vehicles in fleet.items():
        group = [rental for rental in rentals if rental["type"] == kind]
        hours = sum(seconds for (_, of_type), seconds in occupied.items() if of_type == kind) / 3600
        rows.append(
            {"period_start": FIRST_DAY, "vehicle_type": kind, **_amounts(group), **_hours(group)}
            | {"vehicles": vehicles, "occupied_hours": hours}
            | {"utilisation": hours / (vehicles * span_hours) if span_hours else None}
        )
    rank(rows, "rentals", "vehicle_type_rank")
    return make_frame(rows, ["period_start", "vehicle_type", "rentals", "revenue", *_OF_TYPE, "vehicle_type_rank"])


def _user_rentals_total(rentals: list[Row]) -> pd.DataFrame:
    rows = [
        {"period_start": FIRST_DAY, "user_id": user, **_amounts(group), **_hours(group)}
        for user, group in _group(rentals, lambda rental: rental["user"]).items()
    ]
    rank(rows, "revenue", "spender_rank")
    amounts = ["rentals", "revenue", "average_amount", "max_amount", "min_amount"]
    return make_frame(rows, ["period_start", "user_id", *amounts, "rental_hours", "spender_rank"])


def _days(first: date, last: date) -> Iterable[date]:
    while first <= last:
        yield first
        first += DAY
