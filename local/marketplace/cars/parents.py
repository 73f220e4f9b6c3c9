"""Generated locations, vehicles and users: what a rental ties together.

What cannot be read is in the last fifth of each only, which is rented least.
"""

from __future__ import annotations

import numpy as np

from local.marketplace.cars import words
from local.marketplace.cars.keys import draw_keys
from local.marketplace.cars.shares import Shares
from local.marketplace.columns import Columns, Spoiler, draw
from local.marketplace.period import Period

HOURLY_RATES = {"basic": 10, "premium": 20, "high_end": 50}
FIRST_LOCATION_ID, LAST_LOCATION_ID = 1_000, 9_999


def generate_locations(random: np.random.Generator, count: int, shares: Shares) -> tuple[Columns, dict[str, int]]:
    """Return the table locations and the number of rows of each kind of dirt."""
    place = random.integers(0, len(words.CITIES), count)
    cities, states, zip_codes, latitudes, longitudes = (
        np.array(column, dtype=object) for column in zip(*words.CITIES, strict=True)
    )
    near = random.normal(0, 0.05, (2, count))
    columns: Columns = {
        "location_id": FIRST_LOCATION_ID + random.permutation(LAST_LOCATION_ID - FIRST_LOCATION_ID)[:count],
        "location_name": draw(random, words.COMPANIES, count),
        "address": _number(random, count) + " " + draw(random, words.STREETS, count),
        "city": cities[place],
        "state": states[place],
        "zip_code": zip_codes[place],
        "latitude": np.round(latitudes[place].astype(float) + near[0], 6),
        "longitude": np.round(longitudes[place].astype(float) + near[1], 6),
    }
    dirt = Spoiler(random, columns, _last_fifth(count))
    dirt.spoil("coordinate out of range", "latitude", shares.coordinates_out_of_range, (97.5, -120.0))
    return columns, dirt.counts


def generate_vehicles(random: np.random.Generator, count: int, period: Period, shares: Shares) -> tuple[Columns, dict[str, int]]:
    """Return the table vehicles and the number of rows of each kind of dirt."""
    certified = period.draw_moments(random, count, before_days=3_000, share_before=0.9)
    updated = np.minimum(certified + random.integers(0, 90 * 86_400, count).astype("timedelta64[s]"), period.end_second)
    expires = certified + random.integers(300, 1_500, count).astype("timedelta64[D]")
    columns: Columns = {
        "active": draw(random, ("1", "0"), count, (0.9, 0.1)),
        "vehicle_license_number": random.integers(5_000_000, 6_000_000, count).astype(str).astype(object),
        "registration_name": _write_names(random, count),
        "license_type": draw(random, ("FOR HIRE VEHICLE", "STAND BY VEHICLE"), count, (0.95, 0.05)),
        "expiration_date": _write_european(expires, with_time=False),
        "permit_license_number": draw(random, (None, "AA123", "SY006"), count, (0.9, 0.05, 0.05)),
        "certification_date": np.datetime_as_string(certified.astype("datetime64[D]")).astype(object),
        "vehicle_year": random.integers(1949, 2026, count).astype(object),
        "base_telephone_number": draw(random, ("(646)780-0129", "(212)555-0100"), count),
        "base_address": draw(random, words.BASE_STREETS, count),
        "vehicle_id": draw_keys(random, count),
        "last_update_timestamp": _write_european(updated, with_time=True),
        "brand": draw(random, words.BRANDS, count),
        "vehicle_type": draw(random, tuple(HOURLY_RATES), count, (40, 40, 20)),
        "changed_at": period.stamp(random, updated),
    }
    numbers = Spoiler(random, columns, np.arange(count))
    numbers.spoil("licence number with letters", "vehicle_license_number", shares.non_numeric_licenses, ("V99905", "T100"))
    dirt = Spoiler(random, columns, _last_fifth(count))
    dirt.spoil("unknown type", "vehicle_type", shares.unknown_types, ("luxury", "", None))
    dirt.spoil("unparseable date", "expiration_date", shares.unparseable_dates, ("31-02-2025", "never", "2025/01/01"))
    dirt.spoil("unknown flag", "active", shares.unknown_flags, ("maybe", "2"))
    return columns, {**numbers.counts, **dirt.counts}


def generate_users(random: np.random.Generator, count: int, period: Period, shares: Shares) -> tuple[Columns, dict[str, int]]:
    """Return the table users and the number of rows of each kind of dirt.

    Accounts are created all over the history, so that about half of the rentals lie before them, as in the original.
    """
    names = _write_names(random, count)
    created = period.draw_moments(random, count)
    inactive = random.random(count) < shares.inactive_users
    emails = np.empty(count, dtype=object)
    emails[:] = [f"{name.replace(' ', '.').lower()}.{number}@example.org" for number, name in enumerate(names)]
    first_names, last_names = (np.empty(count, dtype=object) for _ in range(2))
    first_names[:], last_names[:] = zip(*(name.split(" ", 1) for name in names), strict=True)
    columns: Columns = {
        "user_id": draw_keys(random, count),
        "first_name": first_names,
        "last_name": last_names,
        "email": emails,
        "phone_number": "+1-555-" + random.integers(1_000_000, 9_999_999, count).astype(str).astype(object),
        "driver_license_number": "DL" + random.integers(100_000, 999_999, count).astype(str).astype(object),
        "driver_license_expiry": (created.astype("datetime64[D]") + np.timedelta64(3_000, "D")).astype(object),
        "creation_date": created.astype("datetime64[D]").astype(object),
        "is_active": np.where(inactive, "0", "1").astype(object),
    }
    dirt = Spoiler(random, columns, _last_fifth(count))
    dirt.spoil("no creation date", "creation_date", shares.missing_dates, (None,))
    dirt.spoil("unknown flag", "is_active", shares.unknown_flags, ("maybe", "", None))
    return columns, {"inactive": int(inactive.sum()), **dirt.counts}


def _last_fifth(count: int) -> np.ndarray:
    return np.arange(count * 4 // 5, count)


def _number(random: np.random.Generator, count: int) -> np.ndarray:
    return random.integers(1, 99_999, count).astype(str).astype(object)


def _write_names(random: np.random.Generator, count: int) -> np.ndarray:
    names: np.ndarray = draw(random, words.FIRST_NAMES, count) + " " + draw(random, words.LAST_NAMES, count)
    return names


def _write_european(moments: np.ndarray, with_time: bool) -> np.ndarray:
    """Write moments (datetime64[s]) as 27-03-2024, or 27-03-2024 06:56:13."""
    texts = np.empty(len(moments), dtype=object)
    texts[:] = [moment.strftime("%d-%m-%Y %H:%M:%S" if with_time else "%d-%m-%Y") for moment in moments.astype(object)]
    return texts
