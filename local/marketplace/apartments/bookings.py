"""Generated bookings: drawn ones with their dirt, and a few planted ones for the cases on which metrics go wrong."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from local.marketplace.apartments.listings import (
    CURRENCY_WITHOUT_RATE,
    DATES_OUT_OF_RANGE,
    UNKNOWN_CURRENCIES,
    Listings,
    write_impossible_dates,
)
from local.marketplace.apartments.shares import Shares
from local.marketplace.columns import Columns, Spoiler, append_rows, draw, to_money, write_dates
from local.marketplace.period import Period

STATUSES = ("confirmed", "pending", "canceled")


def generate_bookings(
    random: np.random.Generator, count: int, users: int, listings: Listings, period: Period, shares: Shares
) -> tuple[Columns, dict[str, int]]:
    """Return the table bookings and the number of rows of each kind of dirt; planted rows stand at its end.

    A booking is written in the manner of its listing's generation.
    """
    planted = plant_bookings(listings, users, period)
    drawn = max(count - len(planted), 0)
    # A few listings are booked often and most of them rarely, so that stays overlap and ranks differ.
    popular = random.permutation(len(listings.ids))
    row_of_listing = popular[(len(popular) * random.random(drawn) ** 2.5).astype(int)]
    new = listings.is_generation_2[row_of_listing]
    booked = period.draw_moments(random, drawn)
    columns, stays = draw_bookings(random, users, listings.ids[row_of_listing], new, booked, shares)
    columns = {"booking_id": np.arange(1, drawn + 1), **columns, "changed_at": period.stamp(random, booked)}
    checkin, backwards = stays["checkin"], stays["checkout"] < stays["checkin"]

    dirt = Spoiler(random, columns, np.flatnonzero(~backwards))
    dirt.spoil("listing does not exist", "apartment_id", shares.orphans, lambda rows: 900_000_000 + rows)
    dirt.spoil("unknown status", "booking_status", shares.unknown_statuses, ("on hold", "unknown", "", None))
    dirt.spoil("negative price", "total_price", shares.negative_prices, lambda rows: -columns["total_price"][rows])
    dirt.spoil("no price", "total_price", shares.missing_prices, (None,))
    dirt.spoil("currency without a rate", "currency", shares.currencies_without_rate, (CURRENCY_WITHOUT_RATE,))
    dirt.spoil("unknown currency", "currency", shares.unknown_currencies, UNKNOWN_CURRENCIES)
    dirt.spoil("no user", "user_id", shares.missing_keys, (None,))
    dirt.spoil("unparseable date", "booking_date", shares.unparseable_dates, ("tbd", "", "2024/13/45", None))
    dirt.spoil("date out of range", "checkout_date", shares.dates_out_of_range, DATES_OUT_OF_RANGE)
    dirt.spoil(
        "impossible date",
        "checkin_date",
        shares.impossible_dates,
        lambda rows: write_impossible_dates(checkin[rows], new[rows]),
    )
    stamps = columns["changed_at"]
    stamped = Spoiler(random, columns, np.arange(drawn))
    stamped.spoil("changed at one instant", "changed_at", shares.equal_stamps, lambda rows: stamps[rows].max())

    for number, row in enumerate(planted, start=drawn + 1):
        row["booking_id"] = number
    counts = {"checkout before checkin": int(backwards.sum()), **dirt.counts, **stamped.counts}
    return append_rows(columns, planted), counts


def draw_bookings(
    random: np.random.Generator, users: int, listing_ids: np.ndarray, new: np.ndarray, booked: np.ndarray, shares: Shares
) -> tuple[Columns, dict[str, np.ndarray]]:
    """Draw what somebody books at these moments, without other dirt than the order of the dates.

    Args:
        users: User ids are 1 to this.
        listing_ids: Of each booking.
        new: True where the listing is one of generation 2.
        booked: Moment of each booking, datetime64[s].
        shares: For `booked_after_checkin` and the backward stays.

    Returns:
        The columns but for booking_id and changed_at, and the days `checkin` and `checkout` that they spell.
    """
    count = len(listing_ids)
    lead = random.exponential(25, count).astype(int)
    lead = np.where(new & (random.random(count) < shares.booked_after_checkin), -1 - lead, lead)
    nights = random.geometric(1 / 4, count)
    nights = np.where(random.random(count) < 0.02, random.integers(30, 200, count), nights)
    nights = np.where(random.random(count) < 0.01, 0, nights)
    checkin = booked.astype("datetime64[D]") + lead.astype("timedelta64[D]")
    checkout = checkin + nights.astype("timedelta64[D]")
    backward_share = np.where(new, shares.backward_stays_generation_2, shares.backward_stays_generation_1)
    backwards = (nights > 0) & (random.random(count) < backward_share)
    checkin, checkout = np.where(backwards, checkout, checkin), np.where(backwards, checkin, checkout)
    cents = np.where(new, random.integers(100_000, 500_001, count), np.maximum(nights, 1) * random.integers(80, 320, count) * 100)
    statuses = np.where(new, draw(random, STATUSES, count), draw(random, STATUSES, count, (70, 18, 12)))
    columns: Columns = {
        "user_id": random.integers(1, users + 1, count).astype(object),
        "apartment_id": listing_ids,
        "booking_date": write_dates(booked, new),
        "checkin_date": write_dates(checkin.astype("datetime64[s]"), new),
        "checkout_date": write_dates(checkout.astype("datetime64[s]"), new),
        "total_price": to_money(cents),
        "currency": np.where(new, draw(random, ("USD", "EUR", "INR"), count), "USD").astype(object),
        "booking_status": statuses.astype(object),
        "payment_status": draw(random, ("paid", "unpaid", "refunded", None), count, (60, 20, 10, 10)),
        "num_guests": draw(random, (1, 2, 3, 4, 6, None), count, (25, 40, 15, 12, 5, 3)),
    }
    return columns, {"checkin": checkin, "checkout": checkout}


def plant_bookings(listings: Listings, users: int, period: Period) -> list[dict[str, Any]]:
    """Return bookings for the cases on which metrics go wrong, of users of their own and of listings without dirt.

    In this order: a user who books again after exactly 29, 30 and 31 days; two listings that earn the same in one week;
    three currencies and one without a rate in one week; bookings on each day around the turn of an ISO year; a stay over
    that turn; a stay over several months; a stay that is exactly one month; overlapping stays, one that begins on the
    checkout day of another; a stay without a night.
    """
    older, newer = listings.clean_rows(generation_2=False), listings.clean_rows(generation_2=True)
    last = period.last_day.astype(date)
    base = last - timedelta(days=100)
    month = base.replace(day=1)
    next_month = (month + timedelta(days=31)).replace(day=1)
    new_year = date((last - timedelta(days=5)).year, 1, 1)
    rows: list[dict[str, Any]] = []

    def book(row: int, user: int, booked: date, checkin: date, nights: int, price: str = "100.00", currency: str = "USD") -> None:
        dates = [booked, checkin, checkin + timedelta(days=nights)]
        style = np.array([listings.is_generation_2[row]] * 3)
        texts = write_dates(np.array(dates, dtype="datetime64[s]"), style)
        rows.append(
            {
                "user_id": users + user,
                "apartment_id": int(listings.ids[row]),
                "booking_date": texts[0],
                "checkin_date": texts[1],
                "checkout_date": texts[2],
                "total_price": Decimal(price),
                "currency": currency,
                "booking_status": "confirmed",
                "payment_status": "paid",
                "num_guests": 2,
                # As if booked at noon, and written two seconds later by each of the planted rows.
                "changed_at": period.noon_after(booked, 2 * len(rows)),
            }
        )

    for user, gap in ((1, 29), (2, 30), (3, 31)):
        for booked in (base, base + timedelta(days=gap)):
            book(older[0], user, booked, booked + timedelta(days=5), 1)
    for row in (older[1], newer[1]):
        book(row, 4, base, base + timedelta(days=3), 2, "98765.43")
    for currency in ("USD", "EUR", "INR", CURRENCY_WITHOUT_RATE):
        book(newer[0], 5, base, base + timedelta(days=14), 2, "1000.00", currency)
    for offset in range(-4, 4):
        booked = new_year + timedelta(days=offset)
        book(older[0] if offset % 2 else newer[0], 6, booked, booked + timedelta(days=10), 1, "250.00")
    book(newer[2], 7, new_year - timedelta(days=20), new_year - timedelta(days=3), 6, "600.00")
    book(older[2], 7, base, month, 75, "7500.00")
    book(newer[1], 7, base, month, (next_month - month).days, "3100.00")
    for checkin_after, nights in ((20, 5), (23, 5), (28, 1)):
        book(older[1], 8, base, base + timedelta(days=checkin_after), nights)
    book(older[2], 9, base, base + timedelta(days=90), 0)
    return rows
