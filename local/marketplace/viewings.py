"""Generated viewings: events without a key, some of them twice, some recorded long after they happened."""

from __future__ import annotations

import numpy as np

from local.marketplace.columns import Columns, Deck, draw, write_dates
from local.marketplace.listings import Listings, write_impossible_dates
from local.marketplace.shares import Period, Shares

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
    recorded = period.stamp(random, viewed)
    late = Deck(random, drawn).deal(0.02, drawn)
    recorded[late] = period.stamp(random, np.minimum(viewed[late] + np.timedelta64(12, "D"), period.end_second))
    columns = draw_viewings(random, users, listings.ids[row_of_listing], new, viewed)
    columns["recorded_at"] = recorded

    deck, dirt = Deck(random, drawn), {"recorded late": len(late)}
    rows = deck.deal(shares.missing_keys / 2, drawn)
    columns["user_id"][rows], dirt["no user"] = None, len(rows)
    rows = deck.deal(shares.missing_keys / 2, drawn)
    columns["apartment_id"][rows], dirt["no listing"] = None, len(rows)
    rows = deck.deal(shares.orphans, drawn)
    columns["apartment_id"][rows], dirt["listing does not exist"] = 900_000_000 + rows, len(rows)
    rows = deck.deal(shares.impossible_dates, drawn)
    columns["viewed_at"][rows], dirt["impossible date"] = write_impossible_dates(viewed[rows], new[rows]), len(rows)
    rows = deck.deal(shares.unparseable_dates, drawn)
    columns["viewed_at"][rows], dirt["unparseable date"] = draw(random, ("yesterday", "", None), len(rows)), len(rows)
    rows = deck.deal(shares.unknown_flags, drawn)
    columns["is_wishlisted"][rows], dirt["unknown flag"] = draw(random, ("perhaps", ""), len(rows)), len(rows)

    copied = random.permutation(drawn)[:twice]
    dirt["recorded twice"] = twice
    return {name: np.concatenate([values, values[copied]]) for name, values in columns.items()}, dirt


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
