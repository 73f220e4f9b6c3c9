"""The judge of the cars marketplace: curated rows, rejected rows and all metrics, computed a second time and in another way.

It is written from what each figure means (the headers of the SQL files say the same), over the source's own rows. It shares
nothing with the SQL: no file, no formula. It walks rental by rental and day by day, which is slow, and hard to get wrong.

Rows are dictionaries by column name. Texts stay as the application wrote them; a typed source has dates, numbers, flags instead.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd

from tests.metrics.cars import kpis
from tests.metrics.records import History, Rate, Row, Verdict, Version, date_version, make_frame, rank
from tests.metrics.values import DAY, FIRST_DAY, LAST_DAY, read_flag, read_number, read_time, say, to_cents

# The bytes that a text of each column may have; longer ones cannot be held.
WIDTHS = {
    "locations": {"location_name": 1020, "address": 1020, "city": 400, "state": 400, "zip_code": 40},
    "vehicles": {
        "brand": 400,
        "license_type": 200,
        "vehicle_license_number": 80,
        "permit_license_number": 80,
        "base_telephone_number": 128,
        "base_address": 1020,
    },
}
KEY_WIDTH = 64
NOWHERE = {"location_name": None, "city": None, "state": None}


def judge(source_tables: dict[str, list[Row]], history: History, rates: Iterable[Rate], as_of: date) -> dict[str, pd.DataFrame]:
    """Compute every metric from the source's rows as they are now, and from what its users, vehicles and locations once were.

    Returns:
        By metric, a frame with the columns of the presentation table.
    """
    verdict = judge_rows(source_tables, history)
    rentals = list(verdict.accepted["rental_transactions"].values())
    types = {key: vehicle["type"] for key, vehicle in verdict.accepted["vehicles"].items()}
    for rental in rentals:
        rental["type"] = types.get(rental["vehicle"], "unknown")
    fleet = Fleet(history["vehicles"], types, as_of)
    use = _judge_use(rentals, verdict.accepted["vehicles"], history, as_of)
    return {
        "fleet_use_daily": kpis.fleet_use_daily(use),
        "fleet_revenue_daily": kpis.fleet_revenue_daily(use),
        "fleet_revenue_monthly": kpis.fleet_revenue_monthly(use),
        "fleet_by_class_monthly": kpis.fleet_by_class_monthly(use),
        "cars_out_daily": kpis.cars_out_daily(rentals, fleet),
        "location_hours_monthly": kpis.location_hours_monthly(rentals, fleet),
        "location_balance_weekly": kpis.location_balance_weekly(rentals, verdict.accepted["locations"]),
        "rental_lengths_weekly": kpis.rental_lengths_weekly(rentals),
        "idle_cars_weekly": kpis.idle_cars_weekly(rentals, fleet),
        "user_cohorts_monthly": kpis.user_cohorts_monthly(rentals, verdict.accepted["users"]),
        "rentals_daily": _rentals_daily(rentals),
        "location_rentals_daily": _location_rentals_daily(rentals),
        "location_rentals_total": _location_rentals_total(rentals, verdict.accepted["locations"]),
        "vehicle_type_rentals_daily": _vehicle_type_rentals_daily(rentals, fleet),
        "vehicle_type_rentals_total": _vehicle_type_rentals_total(rentals, fleet),
        "user_rentals_total": _user_rentals_total(rentals),
    }


def _judge_use(rentals: list[Row], vehicles: dict[Any, Row], history: History, as_of: date) -> kpis.Use:
    """What cars earned and how long they were out, by day and class: their type, brand and model year."""
    classes = {key: (vehicle["type"], vehicle["brand"] or "unknown", vehicle["year"]) for key, vehicle in vehicles.items()}
    known = {key: classes.get(key, kpis.UNKNOWN) for key in history["vehicles"]}
    fleet = Fleet(history["vehicles"], known, as_of)
    of_class = [rental | {"type": known[rental["vehicle"]]} for rental in rentals]
    first = min((rental["starts"].date() for rental in rentals), default=LAST_DAY)
    fleet_seconds = fleet.hours(first, LAST_DAY) if rentals else (Counter(), Counter())
    return kpis.use_by_day(rentals, known, _out_seconds(of_class, fleet), fleet_seconds)


# Rows


def judge_rows(source_tables: dict[str, list[Row]], history: History) -> Verdict:
    """Decide of every row of the source whether it is usable, and if not, which rule it breaks first.

    Users, vehicles and locations that are gone count as they last were: rentals go on referring to them.
    """
    verdict = Verdict()
    for table, judge_parent in (("locations", judge_location), ("vehicles", judge_vehicle), ("users", judge_user)):
        for key, versions in history[table].items():
            last = [version.row for version in versions if version.row is not None][-1]
            verdict.give(table, key, *judge_parent(last))
    for row in source_tables["rental_transactions"]:
        verdict.give("rental_transactions", row["rental_id"], *judge_rental(row, history))
    return verdict


def judge_location(row: Row) -> tuple[Row, str | None, set[str]]:
    """Nothing but a location's number decides a figure."""
    unread = _too_long("locations", row)
    for name, most in (("latitude", 90), ("longitude", 180)):
        text = say(row[name])
        if text is not None and (read_number(text) is None or abs(read_number(text)) > most):
            unread.add(name)
    return {name: None if name in unread else say(row[name]) for name in NOWHERE}, None, unread


def judge_vehicle(row: Row) -> tuple[Row, str | None, set[str]]:
    """A type that is none of the three is unknown, and the vehicle stays."""
    unread = _too_long("vehicles", row)
    said = say(row["vehicle_type"])
    words = re.findall("[a-z]+", said.lower()) if said and re.fullmatch("[A-Za-z _-]+", said) else []
    kind = {"basic": "basic", "premium": "premium", "highend": "high_end"}.get("".join(words), "unknown")
    if said is not None and kind == "unknown":
        unread.add("vehicle_type")
    if say(row["active"]) is not None and read_flag(row["active"]) is None:
        unread.add("active")
    for name in ("expiration_date", "certification_date", "last_update_timestamp"):
        if say(row[name]) is not None and read_time(say(row[name])) is None:
            unread.add(name)
    year = say(row["vehicle_year"])
    if year is not None and (read_number(year) is None or read_number(year) % 1):
        unread.add("vehicle_year")
    number = None if year is None or "vehicle_year" in unread else int(read_number(year))
    brand = None if "brand" in unread else say(row["brand"])
    return {"type": kind, "brand": brand, "year": number or None}, _judge_keys(row["vehicle_id"]), unread


def judge_user(row: Row) -> tuple[Row, str | None, set[str]]:
    """What a user spends depends on nothing that is known of them."""
    unread = set()
    if say(row["creation_date"]) is not None and read_time(say(row["creation_date"])) is None:
        unread.add("creation_date")
    if say(row["is_active"]) is not None and read_flag(row["is_active"]) is None:
        unread.add("is_active")
    created = None if "creation_date" in unread else read_time(say(row["creation_date"]))
    return {"created": created and created.date()}, _judge_keys(row["user_id"]), unread


def _too_long(table: str, row: Row) -> set[str]:
    return {name for name, width in WIDTHS[table].items() if len((say(row[name]) or "").encode()) > width}


def _judge_keys(*keys: str | None) -> str | None:
    return "key_too_long" if any(key is not None and len(key.encode()) > KEY_WIDTH for key in keys) else None


def judge_rental(row: Row, history: History) -> tuple[Row, str | None]:
    starts, ends = (say(row[name]) for name in ("rental_start_time", "rental_end_time"))
    amount = say(row["total_amount"])
    clean = {
        "id": row["rental_id"],
        "user": row["user_id"],
        "vehicle": row["vehicle_id"],
        "pickup": row["pickup_location"],
        "dropoff": row["dropoff_location"],
    }
    if _judge_keys(row["rental_id"], row["user_id"], row["vehicle_id"]):
        return clean, "key_too_long"
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
    if any(clean[name] not in history[table] for name, table in parents):
        return clean, "orphan_reference"
    return clean, None


def worth(row: Row) -> Decimal:
    """Return what a rental of the source is worth, whatever is wrong with it; nothing where its amount cannot be read."""
    return to_cents(read_number(say(row["total_amount"])) or Decimal(0))


# The fleet


@dataclass(frozen=True)
class Stretch:
    """A time in which a vehicle was in the active fleet; the end is exclusive."""

    starts: datetime
    ends: datetime
    is_assumed: bool


class Fleet:
    """Which vehicle was there, and active, from when to when; as far as that is over.

    Attributes:
        stretches: Each vehicle's, by its key.
        today: How many vehicles of each type are there and active after the last run.
    """

    def __init__(self, versions: dict[Any, list[Version]], types: dict[Any, str], as_of: date):
        first_load = min((found[0].run_sequence for found in versions.values()), default=0)
        self.types, self.as_of = types, as_of
        self.over = datetime.combine(as_of, time())
        self.stretches = {key: list(_follow(found, first_load)) for key, found in versions.items()}
        self.today = Counter(types.get(key, "unknown") for key, found in versions.items() if _is_in_fleet(found[-1].row))

    def is_there(self, vehicle: Any, moment: datetime) -> bool:
        return moment < self.over and any(there.starts <= moment < there.ends for there in self.stretches.get(vehicle, []))

    def hours(self, first: date, last: date) -> tuple[Counter, Counter]:
        """Return the seconds of the fleet by day and type from one day to another, and those of them that are assumed."""
        in_all, assumed = Counter(), Counter()
        for vehicle, stretches in self.stretches.items():
            kind = self.types.get(vehicle, "unknown")
            for there in stretches:
                for day in _days(max(first, there.starts.date()), min(last, self.as_of - DAY, there.ends.date())):
                    midnight = datetime.combine(day, time())
                    seconds = int((min(there.ends, midnight + DAY) - max(there.starts, midnight)).total_seconds())
                    in_all[day, kind] += seconds
                    assumed[day, kind] += seconds if there.is_assumed else 0
        return in_all, assumed


def _follow(versions: list[Version], first_load: int) -> Iterable[Stretch]:
    begins, moments = datetime.min, []
    for before, version in zip([None, *versions], versions, strict=False):
        begins = max(begins, date_version(version, before).replace(microsecond=0))
        moments.append(begins)
    first = versions[0]
    if first.run_sequence == first_load and _is_in_fleet(first.row):
        certified = read_time(say(first.row["certification_date"]))
        is_known = certified is not None and FIRST_DAY <= certified.date() <= LAST_DAY
        since = datetime.combine(certified.date() if is_known else FIRST_DAY, time())
        if since < moments[0]:
            yield Stretch(since, moments[0], is_assumed=True)
    for version, starts, ends in zip(versions, moments, [*moments[1:], datetime(9999, 12, 31)], strict=True):
        if _is_in_fleet(version.row) and starts < ends:
            yield Stretch(starts, ends, is_assumed=False)


def _is_in_fleet(row: Row | None) -> bool:
    """Whether the vehicle is there, and not said to be inactive."""
    return row is not None and read_flag(row["active"]) is not False


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
        {"period_start": FIRST_DAY, "location_id": location, **locations.get(location, NOWHERE)}
        | _at_location(picked.get(location, []), dropped[location])
        for location in picked.keys() | dropped.keys()
    ]
    rank(rows, "revenue", "location_rank")
    columns = ["period_start", "location_id", "location_name", "city", "state", *_AT_LOCATION, "location_rank"]
    return make_frame(rows, columns)


def _at_location(picked: list[Row], dropoffs: int) -> Row:
    return _amounts(picked) | {"unique_vehicles": len({rental["vehicle"] for rental in picked}), "dropoffs": dropoffs}


def _out_seconds(rentals: list[Row], fleet: Fleet) -> tuple[Counter, Counter]:
    """By day and type, the seconds on which a vehicle was out, and those of them on which it was in the fleet.

    From each turn to the next, as long as any rental lasts.
    """
    out, of_fleet = Counter(), Counter()
    for (vehicle, kind), group in _group(rentals, lambda rental: (rental["vehicle"], rental["type"])).items():
        days = {day for rental in group for day in _days(rental["starts"].date(), rental["ends"].date())}
        midnights = [datetime.combine(day, time()) for day in days | {day + DAY for day in days}]
        turns = {moment for there in fleet.stretches.get(vehicle, []) for moment in (there.starts, there.ends)}
        turns |= {moment for rental in group for moment in (rental["starts"], rental["ends"])}
        for begins, ends in pairwise(sorted(turns.union(midnights))):
            if any(rental["starts"] <= begins and ends <= rental["ends"] for rental in group):
                seconds = int((ends - begins).total_seconds())
                out[begins.date(), kind] += seconds
                of_fleet[begins.date(), kind] += seconds if fleet.is_there(vehicle, begins) else 0
    return out, of_fleet


_USE = ["occupied_hours", "rented_fleet_hours", "fleet_hours", "assumed_fleet_hours"]
_HOURS = ["rental_hours", "average_hours", "min_hours", "max_hours"]


def _vehicle_type_rentals_daily(rentals: list[Row], fleet: Fleet) -> pd.DataFrame:
    columns = ["period_start", "vehicle_type", "rentals", "revenue", *_HOURS, *_USE, "utilisation"]
    if not rentals:
        return make_frame([], columns)
    started = _group(rentals, lambda rental: (rental["starts"].date(), rental["type"]))
    measures = [*_out_seconds(rentals, fleet), *fleet.hours(min(day for day, _ in started), LAST_DAY)]
    rows = []
    for day, kind in started.keys() | {found for measure in measures for found, seconds in measure.items() if seconds}:
        group = started.get((day, kind), [])
        rows.append(
            {"period_start": day, "vehicle_type": kind, **_amounts(group), **_hours(group)}
            | _use([measure[day, kind] for measure in measures])
        )
    return make_frame(rows, columns)


def _vehicle_type_rentals_total(rentals: list[Row], fleet: Fleet) -> pd.DataFrame:
    first = min((rental["starts"].date() for rental in rentals), default=None)
    last = max((rental["ends"].date() for rental in rentals), default=None)
    measures = [*_out_seconds(rentals, fleet), *fleet.hours(first, last)] if rentals else [Counter()] * 4
    rows = []
    for kind in {*fleet.types.values(), *(rental["type"] for rental in rentals)}:
        group = [rental for rental in rentals if rental["type"] == kind]
        sums = [sum(seconds for (_, of_type), seconds in measure.items() if of_type == kind) for measure in measures]
        rows.append(
            {"period_start": FIRST_DAY, "vehicle_type": kind, **_amounts(group), **_hours(group)}
            | {"vehicles": fleet.today[kind]}
            | _use(sums)
        )
    rank(rows, "rentals", "vehicle_type_rank")
    head = ["period_start", "vehicle_type", "rentals", "revenue"]
    return make_frame(rows, [*head, *_HOURS, "vehicles", *_USE, "utilisation", "vehicle_type_rank"])


def _use(seconds: list[int]) -> Row:
    hours = {name: number / 3600 for name, number in zip(_USE, seconds, strict=True)}
    return hours | {"utilisation": seconds[1] / seconds[2] if seconds[2] else None}


def _user_rentals_total(rentals: list[Row]) -> pd.DataFrame:
    rows = [
        {"period_start": FIRST_DAY, "user_id": user, **_amounts(group), **_hours(group)}
        for user, group in _group(rentals, lambda rental: rental["user"]).items()
    ]
    amounts = ["rentals", "revenue", "average_amount", "max_amount", "min_amount"]
    return make_frame(rows, ["period_start", "user_id", *amounts, "rental_hours"])


def _days(first: date, last: date) -> Iterable[date]:
    while first <= last:
        yield first
        first += DAY
