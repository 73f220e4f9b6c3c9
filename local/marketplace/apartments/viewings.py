"""Generated viewings: events without a key, some of them twice, some recorded long after they happened."""

from __future__ import annotations

import numpy as np

from local.marketplace.apartments.listings import DATES_OUT_OF_RANGE, Listings, write_impossible_dates
from local.marketplace.apartments.shares import Shares
from local.marketplace.columns import Columns, Spoiler, draw, write_dates
from local.marketplace.period import Period

ACTIONS_GENERATION_1 = ("reported", "contact_agent", "shortlisted")
ACTIONS_GENERATION_2 = ("Reported", "Contact Agent", "Shortlisted")


def generate_viewings(
    random: np.random.Generator, count: int, users: int, listings: Listings, period: Period, shares: Shares
) -> tuple[Columns, dict[str, int]]:
    """Return the table user_viewing and the number of rows of each kind of dirt.

    A viewing is written in the manner of its listing's generation.
    """
    twice = min(max(2, round(count * shares.duplicate_viewings)), count // 2) if shares.duplicate_viewings else 0
    drawn = count - twice
    row_of_listing = random.integers(0, len(listings.ids), drawn)
    new = listings.is_generation_2[row_of_listing]
    viewed = period.draw_moments(random, drawn)
    columns = draw_viewings(random, users, listings.ids[row_of_listing], new, viewed)
    columns["recorded_at"] = period.stamp(random, viewed)
    late = Spoiler(random, columns, np.arange(drawn))
    late.spoil(
        "recorded late",
        "recorded_at",
        shares.late_viewings,
        lambda rows: period.stamp(random, np.minimum(viewed[rows] + np.timedelta64(12, "D"), period.end_second)),
    )
    dirt = Spoiler(random, columns, np.arange(drawn))
    dirt.spoil("no user", "user_id", shares.missing_keys / 2, (None,))
    dirt.spoil("no listing", "apartment_id", shares.missing_keys / 2, (None,))
    dirt.spoil("listing does not exist", "apartment_id", shares.orphans, lambda rows: 900_000_000 + rows)
    dirt.spoil("unparseable date", "viewed_at", shares.unparseable_dates, ("yesterday", "", None))
    dirt.spoil("date out of range", "viewed_at", shares.dates_out_of_range, DATES_OUT_OF_RANGE)
    dirt.spoil(
        "impossible date",
        "viewed_at",
        shares.impossible_dates,
        lambda rows: write_impossible_dates(viewed[rows], new[rows]),
    )
    dirt.spoil("unknown flag", "is_wishlisted", shares.unknown_flags, ("perhaps", "2"))

    copied = random.permutation(drawn)[:twice]
    counts = {**dirt.counts, **late.counts, "recorded twice": twice}
    return {name: np.concatenate([values, values[copied]]) for name, values in columns.items()}, counts


def draw_viewings(
    random: np.random.Generator, users: int, listing_ids: np.ndarray, new: np.ndarray, viewed: np.ndarray
) -> Columns:
    """Draw who views these listings at these moments (datetime64[s]), without dirt; all columns but recorded_at."""
    count = len(listing_ids)
    return {
        "user_id": random.integers(1, users + 1, count).astype(object),
        "apartment_id": listing_ids.astype(object),
        "viewed_at": write_dates(viewed, new),
        "is_wishlisted": np.where(new, draw(random, ("True", "False"), count), draw(random, ("y", "n"), count)).astype(object),
        "call_to_action": np.where(new, draw(random, ACTIONS_GENERATION_2, count), draw(random, ACTIONS_GENERATION_1, count)),
    }
