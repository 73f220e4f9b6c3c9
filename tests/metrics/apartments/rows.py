"""Rows of the source with plain values, for tests that change what they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.metrics.records import Row


def listing(key: int, **changes: Any) -> Row:
    """An active listing at 100 US dollars since 2023, from a source that does not say when it changed."""
    return {
        "id": key,
        "title": "Two rooms",
        "source": "RentLingo",
        "price": "100.00",
        "currency": "USD",
        "listing_created_on": "2023-01-01 00:00:00",
        "is_active": "1",
        "last_modified_timestamp": None,
        "changed_at": None,
    } | changes


def attributes(key: int, **changes: Any) -> Row:
    """A listing in Austin."""
    return {
        "id": key,
        "category": "2BHK",
        "body": "Two rooms, bright.",
        "amenities": "Gym",
        "bathrooms": "1",
        "bedrooms": "2",
        "fee": "No",
        "has_photo": "Yes",
        "pets_allowed": "Cats",
        "price_display": "$100",
        "price_type": "Monthly",
        "square_feet": 700,
        "address": None,
        "cityname": "Austin",
        "state": "TX",
        "latitude": "30.2500000",
        "longitude": "-97.7500000",
    } | changes


def booking(key: int, **changes: Any) -> Row:
    """A confirmed booking of listing 1 by user 1: five nights for 500 US dollars."""
    return {
        "booking_id": key,
        "user_id": 1,
        "apartment_id": 1,
        "booking_date": "2024-03-05",
        "checkin_date": "2024-03-11",
        "checkout_date": "2024-03-16",
        "total_price": "500.00",
        "currency": "USD",
        "booking_status": "confirmed",
        "payment_status": "paid",
        "num_guests": 2,
        "changed_at": None,
    } | changes


def viewing(recorded_at: datetime, **changes: Any) -> Row:
    """User 1 looked at listing 1."""
    return {
        "user_id": 1,
        "apartment_id": 1,
        "viewed_at": recorded_at.isoformat(" "),
        "is_wishlisted": "n",
        "call_to_action": "contact_agent",
        "recorded_at": recorded_at,
    } | changes
