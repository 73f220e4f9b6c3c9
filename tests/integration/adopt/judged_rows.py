"""Rows in the shape of sql/apartments' source, which the judge reads, from what an adopted source means by them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

Row = dict[str, Any]
_UNUSED = ("category", "body", "amenities", "bathrooms", "bedrooms", "fee", "has_photo", "pets_allowed", "price_display")


def make_listing(
    key: Any, price: Any, currency: str | None, created_at: datetime, is_active: int, changed_at: datetime | None = None
) -> Row:
    """Return a row of `apartments`; without `changed_at` its changes are dated by when they are seen."""
    return {
        "id": key,
        "title": None,
        "source": None,
        "price": price,
        "currency": currency,
        "listing_created_on": created_at,
        "is_active": is_active,
        "last_modified_timestamp": None,
        "changed_at": changed_at,
    }


def make_attributes(key: Any, city: str | None, region: str | None) -> Row:
    """Return a row of `apartment_attributes`."""
    known = {"id": key, "price_type": "nightly", "cityname": city, "state": region}
    return dict.fromkeys((*_UNUSED, "square_feet", "address", "latitude", "longitude")) | known


def make_booking(
    key: Any,
    customer: Any,
    listing: Any,
    days: tuple[date | None, date | None, date | None],
    total_price: Any,
    currency: str,
    status: str,
) -> Row:
    """Return a row of `bookings`; `days` are when it was made, and the stay's first and last."""
    made, checkin, checkout = days
    return {
        "booking_id": key,
        "user_id": customer,
        "apartment_id": listing,
        "booking_date": made,
        "checkin_date": checkin,
        "checkout_date": checkout,
        "total_price": total_price,
        "currency": currency,
        "booking_status": status,
        "payment_status": None,
        "num_guests": None,
    }


def make_viewing(customer: Any, listing: Any, viewed_at: datetime) -> Row:
    """Return a row of `user_viewing`, of which nothing else is known."""
    return {
        "user_id": customer,
        "apartment_id": listing,
        "viewed_at": viewed_at,
        "is_wishlisted": None,
        "call_to_action": None,
    }
