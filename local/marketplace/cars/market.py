"""The life of a cars market: a fleet in four cities, rented by the hour, and the people who drive it.

At scale 1.0 some 85 cars are there when the market opens, and some 125 are active two years later. A car's rentals follow one
another: how long it stands between two of them depends on the place, the season, its type and the day of the week. A rental is
written when the car is back, at the rate of its type. Nobody drives before an account is open, and some never do.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from local.marketplace.cars.parents import HOURLY_RATES
from local.marketplace.cars.places import CARS, FIRST_NAMES, LAST_NAMES, PLACES, Place
from local.marketplace.market import HISTORY_DAYS, Life, Row, Table, Values, Version, at_some_time, draw_from

FIRST_CARS, LATER_CARS = 85, 70  # at the opening, and in the two years after it
LEAVING_DAYS = 2_000  # after how many days a car leaves the fleet, on average
FIRST_LOCATION = 1_001
USUAL_UTILISATION = {"basic": 0.55, "premium": 0.51, "high_end": 0.42}
YEARLY_GROWTH = 0.03  # of utilisation, in points
BEST_DAY = 200  # of the year
# Hours, from and to, and how often.
RENTALS = ((2, 9, 30), (10, 30, 26), (31, 80, 28), (81, 170, 13), (171, 340, 3))
CUMULATED = tuple(itertools.accumulate(weight for *_, weight in RENTALS))
AVERAGE_HOURS = sum((least + most) / 2 * weight for least, most, weight in RENTALS) / sum(weight for *_, weight in RENTALS)
OPENS, CLOSES = 7, 21  # hours between which cars are picked up
WANTED_HOURS = (2, 5, 7, 8, 6, 5, 4, 4, 4, 6, 7, 5, 3, 2)  # how often each of them, where the clock does not say
ONE_WAY, FAR_AWAY = 0.16, 0.15  # of the rentals that end elsewhere; of those, in another city
RETURNING = 0.5  # of the drivers, after each rental
USUAL_RETURN_DAYS = 75
LONGEST_WAIT_DAYS = 45  # between opening an account and the first rental
IDLE_ACCOUNTS_PER_DAY = 2.0  # of people who never drive
INACTIVE_USERS = 0.04
WRONG_RENTALS, WRONG_USERS, WRONG_CARS = 0.02, 0.009, 0.015
CORRECTED, LONGEST_CORRECTION_DAYS = 0.3, 12  # of the wrong rentals
WRONG_IN_CARS: tuple[Values, ...] = ({"vehicle_type": "luxury"}, {"expiration_date": "31-02-2027"}, {"active": "maybe"})
WRONG_IN_USERS: tuple[Values, ...] = ({"creation_date": None}, {"is_active": "maybe"})
_FRIDAY = 4
_EARLY = datetime(2000, 1, 1)


@dataclass(frozen=True)
class _Car:
    """A car; days are ordinals."""

    number: int
    vehicle_id: str
    brand: str
    vehicle_type: str
    home: int
    opened: int
    closed: int


@dataclass(frozen=True)
class _Rental:
    """A rental before it is written.

    Attributes:
        number: Among those of its car.
        pickup, dropoff: Numbers of places.
    """

    car: _Car
    number: int
    starts: datetime
    hours: int
    pickup: int
    dropoff: int

    @property
    def ends(self) -> datetime:
        """When the car is back."""
        return self.starts + timedelta(hours=self.hours)

    @property
    def order(self) -> tuple[datetime, int]:
        """Rentals that begin together come by car."""
        return self.starts, self.car.number


def live(scale: float, seed: int, opened: date, since: date, until: date) -> Life:
    """Write down the market's life from its opening until a day (market.live)."""
    first, recent, last = opened.toordinal(), since.toordinal(), until.toordinal()
    cars = list(_buy_cars(scale, seed, first, last + LONGEST_WAIT_DAYS))
    rentals = sorted((rental for car in cars for rental in _drive(seed, car, last)), key=lambda rental: rental.order)
    drivers = _find_drivers(seed, rentals)
    accounts: dict[int, date] = {}
    for rental, driver in zip(rentals, drivers, strict=True):
        accounts.setdefault(driver, rental.starts.date())
    return {
        "locations": Table("location_id", None, [_tell_place(seed, *each, first) for each in enumerate(PLACES)]),
        "vehicles": Table("vehicle_id", "changed_at", [_tell_car(seed, car, last) for car in cars if car.opened <= last]),
        "users": Table("user_id", None, list(_open_accounts(scale, seed, accounts, first, last))),
        "rental_transactions": Table("rental_id", "changed_at", list(_tell_rentals(seed, rentals, drivers, recent, last))),
    }


def _make_key(*what: object) -> str:
    """Return ten hexadecimal digits, always the same for the same."""
    return hashlib.sha256(" ".join(map(str, what)).encode()).hexdigest()[:10]


def _buy_cars(scale: float, seed: int, first: int, last: int) -> Iterator[_Car]:
    """Give the cars in the order in which they join the fleet."""
    at_opening, days_between = max(6, round(FIRST_CARS * scale)), HISTORY_DAYS / (LATER_CARS * scale)
    coming, opened = draw_from(seed, "cars"), float(first)
    for number in itertools.count(1):
        if opened > last:
            return
        draw = draw_from(seed, "car", number)
        brand, kind, _ = draw.choices(CARS, [share for *_, share in CARS])[0]
        home = draw.choices(range(len(PLACES)), [place.weight for place in PLACES])[0]
        closed = int(opened) + 90 + int(draw.expovariate(1 / LEAVING_DAYS))
        yield _Car(number, _make_key(seed, "car", number), brand, kind, home, int(opened), closed)
        if number >= at_opening:
            opened += coming.expovariate(1 / days_between)


def _season(place: Place, day: int) -> float:
    return place.swing * math.cos((day - BEST_DAY) % 365.25 * 2 * math.pi / 365.25)


def _drive(seed: int, car: _Car, last: int) -> Iterator[_Rental]:
    """Give a car's rentals one after another, as far ahead as accounts are opened for them."""
    draw, at = draw_from(seed, "rentals", car.number), car.home
    now = _EARLY + timedelta(days=car.opened - _EARLY.toordinal(), hours=draw.randrange(8, 72))
    for number in itertools.count(1):
        day = now.toordinal()
        utilisation = USUAL_UTILISATION[car.vehicle_type] + _season(PLACES[at], day) + YEARLY_GROWTH * (day - car.opened) / 365
        utilisation = min(0.78, max(0.2, utilisation))
        least, most, _ = draw.choices(RENTALS, cum_weights=CUMULATED)[0]
        hours = draw.randint(least, most)
        # What closing hours add to a gap on average is taken off.
        gap = AVERAGE_HOURS * (1 - utilisation) / utilisation
        starts = now + timedelta(hours=draw.expovariate(1 / max(4.0, gap - 8)))
        if starts.weekday() in (1, 2) and draw.random() < 0.3:
            starts += timedelta(days=_FRIDAY - starts.weekday())
        if not OPENS <= starts.hour < CLOSES:
            later = starts.hour >= CLOSES
            starts = starts.replace(hour=draw.choices(range(OPENS, CLOSES), WANTED_HOURS)[0]) + timedelta(days=later)
        starts = starts.replace(minute=starts.minute // 15 * 15, second=0, microsecond=0)
        if starts.toordinal() > last + LONGEST_WAIT_DAYS or starts.toordinal() >= car.closed:
            return
        there = at
        if draw.random() < ONE_WAY:
            near = [
                n for n, place in enumerate(PLACES) if (place.city == PLACES[at].city) != (draw.random() < FAR_AWAY) and n != at
            ]
            there = draw.choice(near or [at])
        yield _Rental(car, number, starts, hours, at, there)
        # Cars that stand where nobody wants them are brought back.
        at = car.home if there != car.home and draw.random() < 0.6 else there
        now = starts + timedelta(hours=hours + 1)


def _find_drivers(seed: int, rentals: list[_Rental]) -> list[int]:
    """Give each rental its driver: one who is due to come back, or else a new one."""
    draw = draw_from(seed, "drivers")
    due: list[tuple[datetime, int]] = []
    drivers, newest = [], 0
    for rental in rentals:
        if due and due[0][0] <= rental.starts:
            _, driver = heapq.heappop(due)
        else:
            newest = driver = newest + 1
        drivers.append(driver)
        if draw.random() < RETURNING:
            days = 3 + draw.lognormvariate(math.log(USUAL_RETURN_DAYS), 1.0)
            heapq.heappush(due, (rental.ends + timedelta(days=days), driver))
    return drivers


def _open_accounts(scale: float, seed: int, accounts: dict[int, date], first: int, last: int) -> Iterator[Row]:
    """Give the accounts: of those who drive, opened before they do, and of those who never do."""
    for driver, drives in accounts.items():
        draw = draw_from(seed, "driver", driver)
        waits = min(LONGEST_WAIT_DAYS, int(draw.expovariate(1 / 8)))
        opened = drives.toordinal() - waits
        if opened <= last:
            yield _tell_user(draw, _make_key(seed, "driver", driver), opened, draw.random() < 0.1)
    for day in range(first, last + 1):
        draw = draw_from(seed, "accounts", day)
        for number in range(int(draw.expovariate(1 / (IDLE_ACCOUNTS_PER_DAY * scale)) + 0.5)):
            yield _tell_user(draw, _make_key(seed, "idle", day, number), day, True)


def _tell_place(seed: int, number: int, place: Place, first: int) -> Row:
    draw = draw_from(seed, "place", number)
    values: Values = {
        "location_id": FIRST_LOCATION + number,
        "location_name": f"{place.city} {place.name}",
        "address": place.address,
        "city": place.city,
        "state": place.state,
        "zip_code": place.zip_code,
        "latitude": Decimal(str(place.latitude)),
        "longitude": Decimal(str(place.longitude)),
    }
    return [Version(at_some_time(draw, first - 1), "new locations", values)]


def _tell_car(seed: int, car: _Car, last: int) -> Row:
    """Tell a car's versions: it joins the fleet, and leaves it."""
    draw = draw_from(seed, "papers", car.number)
    joined = at_some_time(draw, car.opened, (5, 7))
    values: Values = {
        "active": "1",
        "vehicle_license_number": str(draw.randrange(5_000_000, 6_000_000)),
        "registration_name": f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}",
        "license_type": "FOR HIRE VEHICLE",
        "expiration_date": date.fromordinal(car.opened + draw.randrange(900, 1_800)).strftime("%d-%m-%Y"),
        "permit_license_number": None,
        "certification_date": date.fromordinal(car.opened).isoformat(),
        "vehicle_year": joined.year - draw.choices((0, 1, 2, 3, 5), (30, 30, 20, 12, 8))[0],
        "base_telephone_number": f"(555)555-{draw.randrange(100, 200):04d}",
        "base_address": f"{PLACES[car.home].address}, {PLACES[car.home].city}",
        "vehicle_id": car.vehicle_id,
        "last_update_timestamp": joined.strftime("%d-%m-%Y %H:%M:%S"),
        "brand": car.brand,
        "vehicle_type": car.vehicle_type,
    }
    is_wrong, mistake = draw.random() < WRONG_CARS, draw.choice(WRONG_IN_CARS)
    row = [Version(joined, "new vehicles", values)]
    if car.closed <= last:
        left = at_some_time(draw, car.closed)
        values = {**values, "active": "0", "last_update_timestamp": left.strftime("%d-%m-%Y %H:%M:%S")}
        row.append(Version(left, "vehicles out of the fleet", values))
    if is_wrong:
        row = [version._replace(values={**version.values, **mistake}, is_wrong=True) for version in row]
    return row


def _tell_user(draw: random.Random, user_id: str, opened: int, may_leave: bool) -> Row:
    """Tell an account's versions: opened, and maybe no longer active some months later."""
    first_name, last_name = draw.choice(FIRST_NAMES), draw.choice(LAST_NAMES)
    email = f"{first_name}.{last_name}.{user_id}@example.org".lower().replace(" ", "-").replace("'", "")
    values: Values = {
        "user_id": user_id,
        "first_name": first_name,
        "last_name": last_name,
        "email": email,
        "phone_number": f"+1-555-{draw.randrange(1_000_000, 9_999_999)}",
        "driver_license_number": f"DL{draw.randrange(100_000, 999_999)}",
        "driver_license_expiry": date.fromordinal(opened + draw.randrange(400, 3_600)),
        "creation_date": date.fromordinal(opened),
        "is_active": "1",
    }
    row = [Version(at_some_time(draw, opened, (0, 7)), "new users", values)]
    if may_leave and draw.random() < INACTIVE_USERS:
        left = at_some_time(draw, opened + draw.randrange(200, 700))
        row.append(Version(left, "users turned inactive", {**values, "is_active": "0"}))
    if draw.random() < WRONG_USERS:
        mistake = draw.choice(WRONG_IN_USERS)
        row = [version._replace(values={**version.values, **mistake}, is_wrong=True) for version in row]
    return row


def _tell_rentals(seed: int, rentals: list[_Rental], drivers: list[int], recent: int, last: int) -> Iterator[Row]:
    """Tell the rentals that are back by a day, but none that was long before another."""
    for rental, driver in zip(rentals, drivers, strict=True):
        back = rental.ends.toordinal()
        if recent - LONGEST_CORRECTION_DAYS - 1 <= back <= last:
            draw = draw_from(seed, rental.car.number, rental.number)
            yield _tell_rental(draw, rental, _make_key(seed, rental.car.number, rental.number), _make_key(seed, "driver", driver))


def _tell_rental(draw: random.Random, rental: _Rental, rental_id: str, user_id: str) -> Row:
    """Tell a rental's versions: written when the car is back, maybe wrong, maybe refunded in part."""
    values: Values = {
        "rental_id": rental_id,
        "user_id": user_id,
        "vehicle_id": rental.car.vehicle_id,
        "rental_start_time": rental.starts,
        "rental_end_time": rental.ends,
        "pickup_location": FIRST_LOCATION + rental.pickup,
        "dropoff_location": FIRST_LOCATION + rental.dropoff,
        "total_amount": Decimal(HOURLY_RATES[rental.car.vehicle_type] * rental.hours),
    }
    written = rental.ends + timedelta(seconds=draw.randrange(60, 1_800))
    row = [Version(written, "new rentals", values)]
    if draw.random() < 0.004:
        refunded = {**values, "total_amount": values["total_amount"] / 2}
        row.append(Version(written + timedelta(days=draw.randint(1, 5)), "refunds", refunded))
    elif draw.random() < WRONG_RENTALS:
        mistake = draw.choice(
            (
                {"rental_start_time": rental.ends, "rental_end_time": rental.starts},
                {"total_amount": -values["total_amount"]},
                {"total_amount": None},
                {"rental_end_time": None},
                {"vehicle_id": None},
                {"user_id": _make_key("nobody", user_id)},
                {"dropoff_location": 99},
            )
        )
        row = [Version(written, "new rentals", {**values, **mistake}, is_wrong=True)]
        if draw.random() < CORRECTED:
            corrected = written + timedelta(days=draw.randint(1, LONGEST_CORRECTION_DAYS - 1))
            row.append(Version(corrected, "corrected rentals", values))
    return row
