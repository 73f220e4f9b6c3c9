"""The four tables of a generated apartments marketplace, in the shapes, sizes and dirt of the two generations of its data.

Scale 1.0 has their original size: 200,000 listings with attributes, 500,000 bookings, 300,000 viewings.
"""

from __future__ import annotations

import math

import numpy as np

from local.marketplace.apartments.bookings import generate_bookings
from local.marketplace.apartments.listings import generate_apartments, generate_attributes, number_listings
from local.marketplace.apartments.shares import Shares
from local.marketplace.apartments.viewings import generate_viewings
from local.marketplace.columns import Columns
from local.marketplace.period import Period

LISTINGS, BOOKINGS, VIEWINGS, USERS = 200_000, 500_000, 300_000, 10_000
SMALLEST_LISTINGS, SMALLEST_BOOKINGS, SMALLEST_VIEWINGS, SMALLEST_USERS = 40, 120, 60, 20


def generate_tables(
    scale: float, seed: int, period: Period, shares: Shares | None = None
) -> dict[str, tuple[Columns, dict[str, int]]]:
    """Make each table with the number of rows of each kind of dirt in it.

    There is a smallest size below which every kind of dirt would not fit. Users shrink with the scale's square root, so that
    a small marketplace has users with few bookings, too.
    """
    shares = shares or Shares()
    listing_count = max(SMALLEST_LISTINGS, round(LISTINGS * scale))
    booking_count = max(SMALLEST_BOOKINGS, round(BOOKINGS * scale))
    viewing_count = max(SMALLEST_VIEWINGS, round(VIEWINGS * scale))
    users = max(SMALLEST_USERS, round(USERS * math.sqrt(scale)))
    # One stream per table: a change in how one is drawn leaves the others as they were.
    streams = [np.random.default_rng([seed, table]) for table in range(5)]
    listings = number_listings(streams[0], listing_count, shares)
    return {
        "apartments": generate_apartments(streams[1], listings, period, shares),
        "apartment_attributes": generate_attributes(streams[2], listings, shares),
        "bookings": generate_bookings(streams[3], booking_count, users, listings, period, shares),
        "user_viewing": generate_viewings(streams[4], viewing_count, users, listings, period, shares),
    }
