"""Rows of the cars source with plain values, for tests that change what they are about."""

from __future__ import annotations

from typing import Any

from tests.metrics.records import Row


def location(key: int, **changes: Any) -> Row:
    """A location in Modesto."""
    return {
        "location_id": key,
        "location_name": f"Location {key}",
        "address": "3140 Heath Radial",
        "city": "Modesto",
        "state": "CA",
        "zip_code": "94540",
        "latitude": "86.2580200",
        "longitude": "-169.2448000",
    } | changes


def vehicle(key: str, **changes: Any) -> Row:
    """A basic car, with the registry's ways of writing dates."""
    return {
        "active": "1",
        "vehicle_license_number": "5818886",
        "license_type": "FOR HIRE VEHICLE",
        "expiration_date": "27-09-2025",
        "permit_license_number": None,
        "certification_date": "2018-09-27",
        "vehicle_year": 2018,
        "base_telephone_number": "(646)780-0129",
        "base_address": "1515 THIRD STREET",
        "vehicle_id": key,
        "last_update_timestamp": "08-05-2025 13:05:15",
        "brand": "Toyota",
        "vehicle_type": "basic",
        "changed_at": None,
    } | changes


def user(key: str, **changes: Any) -> Row:
    """An active user since 2023, as raw has one: the address as a hash."""
    return {"user_id": key, "email": "0f" * 32, "creation_date": "2023-05-26", "is_active": "1"} | changes


def rental(key: str, **changes: Any) -> Row:
    """Ten hours of car c1 by user u1, from location 1 to location 2, for 100 dollars."""
    return {
        "rental_id": key,
        "user_id": "u1",
        "vehicle_id": "c1",
        "rental_start_time": "2024-03-05 08:00:00",
        "rental_end_time": "2024-03-05 18:00:00",
        "pickup_location": 1,
        "dropoff_location": 2,
        "total_amount": "100.00",
        "changed_at": None,
    } | changes
