"""The four tables of a generated cars marketplace, in the shapes, sizes and dirt of its original data.

Scale 1.0 has the original size: 300 locations, 109,584 vehicles, 30,000 users, 20,080 rentals.
"""

from __future__ import annotations

import math

import numpy as np

from local.marketplace.cars.parents import generate_locations, generate_users, generate_vehicles
from local.marketplace.cars.rentals import generate_rentals
from local.marketplace.cars.shares import Shares
from local.marketplace.columns import Columns
from local.marketplace.period import Period

LOCATIONS, VEHICLES, USERS, RENTALS = 300, 109_584, 30_000, 20_080
SMALLEST_LOCATIONS, SMALLEST_VEHICLES, SMALLEST_USERS, SMALLEST_RENTALS = 60, 50, 30, 120


def generate_tables(
    scale: float, seed: int, period: Period, shares: Shares | None = None
) -> dict[str, tuple[Columns, dict[str, int]]]:
    """Make each table with the number of rows of each kind of dirt in it.

    There is a smallest size below which every kind of dirt would not fit. Locations and rentals shrink with the scale's square
    root, so that a small marketplace has locations, vehicles and users with several rentals, too.
    """
    shares, shrunk = shares or Shares(), math.sqrt(scale)
    # One stream per table: a change in how one is drawn leaves the others as they were.
    streams = [np.random.default_rng([seed, table]) for table in range(4)]
    made = {
        "locations": generate_locations(streams[0], max(SMALLEST_LOCATIONS, round(LOCATIONS * shrunk)), shares),
        "vehicles": generate_vehicles(streams[1], max(SMALLEST_VEHICLES, round(VEHICLES * scale)), period, shares),
        "users": generate_users(streams[2], max(SMALLEST_USERS, round(USERS * scale)), period, shares),
    }
    parents = {table: columns for table, (columns, _) in made.items()}
    rentals = max(SMALLEST_RENTALS, round(RENTALS * shrunk))
    return {**made, "rental_transactions": generate_rentals(streams[3], rentals, parents, period, shares)}
