"""A marketplace made of a seed: the same seed, scale and day give the same rows, dirt included.

It follows the shapes, sizes and dirt of the two generations of the apartments data. Scale 1.0 has their original
size: 200,000 listings with attributes, 500,000 bookings, 300,000 viewings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pymysql

from local.marketplace.bookings import generate_bookings
from local.marketplace.columns import Columns, Progress, count_rows, ignore_progress, insert_columns
from local.marketplace.listings import generate_apartments, generate_attributes, number_listings
from local.marketplace.shares import Period, Shares
from local.marketplace.viewings import generate_viewings

LISTINGS, BOOKINGS, VIEWINGS, USERS = 200_000, 500_000, 300_000, 10_000
SMALLEST_LISTINGS, SMALLEST_BOOKINGS, SMALLEST_VIEWINGS, SMALLEST_USERS = 40, 120, 60, 20
DEFAULT_SCALE = 0.01


class SourceNotEmpty(Exception):
    """The tables to fill have rows already; generated rows would mix with them."""


@dataclass(frozen=True)
class Marketplace:
    """Generated tables.

    Attributes:
        tables: Columns by table name, in the order in which they are inserted.
        dirt: Rows of each kind of dirt, by table name.
    """

    tables: dict[str, Columns]
    dirt: dict[str, dict[str, int]]


def generate(
    scale: float = DEFAULT_SCALE, seed: int = 1, anchor: date | None = None, shares: Shares | None = None
) -> Marketplace:
    """Make the four tables.

    Args:
        scale: 1.0 is the original size; there is a smallest size below which every kind of dirt would not fit.
            Users shrink with its square root, so that a small marketplace has users with few bookings, too.
        seed: Gives the same rows on the same anchor.
        anchor: The day on which the history ends (see Period); today in UTC by default.
        shares: How much dirt of each kind.

    Raises:
        ValueError: scale is not above 0.
    """
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    shares, period = shares or Shares(), Period(anchor or datetime.now(UTC).date())
    listing_count = max(SMALLEST_LISTINGS, round(LISTINGS * scale))
    booking_count = max(SMALLEST_BOOKINGS, round(BOOKINGS * scale))
    viewing_count = max(SMALLEST_VIEWINGS, round(VIEWINGS * scale))
    users = max(SMALLEST_USERS, round(USERS * math.sqrt(scale)))
    # One stream per table: a change in how one is drawn leaves the others as they were.
    streams = [np.random.default_rng([seed, table]) for table in range(5)]
    listings = number_listings(streams[0], listing_count, shares)
    made = {
        "apartments": generate_apartments(streams[1], listings, period, shares),
        "apartment_attributes": generate_attributes(streams[2], listings, shares),
        "bookings": generate_bookings(streams[3], booking_count, users, listings, period, shares),
        "user_viewing": generate_viewings(streams[4], viewing_count, users, listings, period, shares),
    }
    return Marketplace(
        {table: columns for table, (columns, _) in made.items()}, {table: dirt for table, (_, dirt) in made.items()}
    )


def fill(
    connection: pymysql.Connection,
    scale: float = DEFAULT_SCALE,
    seed: int = 1,
    anchor: date | None = None,
    progress: Progress = ignore_progress,
    shares: Shares | None = None,
) -> dict[str, int]:
    """Fill the empty tables of the sample schema, in one transaction; return the rows of each.

    Args:
        progress: Takes a line for a person now and then.

    Raises:
        SourceNotEmpty: one of the tables has rows.
    """
    for table in ("apartments", "apartment_attributes", "bookings", "user_viewing"):
        with connection.cursor() as cursor:
            cursor.execute(f"select 1 from {table} limit 1")
            if cursor.fetchone():
                raise SourceNotEmpty(f"the table {table} has rows already: empty the tables, or use another database")
    progress("making the marketplace's rows")
    marketplace = generate(scale, seed, anchor, shares)
    connection.begin()
    try:
        for table, columns in marketplace.tables.items():
            insert_columns(connection, table, columns, progress)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return {table: count_rows(columns) for table, columns in marketplace.tables.items()}
