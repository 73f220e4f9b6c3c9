"""How much of what is in a generated cars marketplace: the share of each kind of dirt."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Shares:
    """Shares of rows, 0 to 1. Every kind of dirt that is not 0 is in two rows at least, however small the marketplace.

    The first two follow the original data, where they were counted; the others are small, so that every rule has something to
    refuse and the metrics still mean something.

    Attributes:
        inactive_users: Users who are not active; their rentals are real.
        non_numeric_licenses: Vehicle licence numbers such as V99905.
        orphans: Rentals of a user, vehicle or location that does not exist.
        backward_rentals: Rentals that end before they start.
        missing_keys: Rentals without user, vehicle or location.
        missing_dates: Rentals without an end, users without a creation date.
        dates_out_of_range: Rentals before 2000, where the pipeline's calendar begins.
        negative_amounts: Amounts below zero.
        missing_amounts: Amounts that are NULL.
        odd_amounts: Amounts that are not the hours by the rate; they are accepted.
        unknown_types: Vehicles whose type is none of basic, premium, high_end.
        unparseable_dates: Vehicles with a date that is none.
        unknown_flags: Vehicles and users of whom it is not said whether they are active.
        coordinates_out_of_range: Locations beyond the poles.
    """

    inactive_users: float = 0.2
    non_numeric_licenses: float = 0.01
    orphans: float = 0.004
    backward_rentals: float = 0.004
    missing_keys: float = 0.003
    missing_dates: float = 0.003
    dates_out_of_range: float = 0.002
    negative_amounts: float = 0.003
    missing_amounts: float = 0.002
    odd_amounts: float = 0.004
    unknown_types: float = 0.003
    unparseable_dates: float = 0.003
    unknown_flags: float = 0.002
    coordinates_out_of_range: float = 0.004

    @classmethod
    def without_dirt(cls) -> Shares:
        """Return shares of which every one is 0."""
        return cls(**{field.name: 0.0 for field in fields(cls)})
