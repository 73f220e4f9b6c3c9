"""How much of what is in a generated apartments marketplace: the share of each kind of dirt."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Shares:
    """Shares of rows, 0 to 1. Every kind of dirt that is not 0 is in two rows at least, however small the marketplace.

    The defaults follow the two generations where these were counted (the first four and `null_texts`), and are otherwise
    small, so that every rule has something to refuse and the metrics still mean something.

    Attributes:
        generation_1: Listings of the older generation (three of each there are at least).
        modified_before_created: Listings of generation 2 with last_modified_timestamp before listing_created_on.
        backward_stays_generation_1, backward_stays_generation_2: Bookings whose checkout lies before their checkin;
            in generation 2 the three dates are independent, so it is about every second.
        null_texts: Attributes whose city and state are the text `null` (77 of 10,000).
        booked_after_checkin: Bookings of generation 2 whose booking_date lies after their checkin.
        orphans: Bookings and viewings of a listing that does not exist; attributes of none.
        unparseable_dates: `soon`, empty, missing.
        impossible_dates: 31/02/2024, 2024-02-30.
        unknown_statuses: Bookings whose status is none of confirmed, pending, canceled.
        unknown_flags: is_active or is_wishlisted that says neither yes nor no.
        negative_prices: Amounts below zero.
        currencies_without_rate: Amounts in GBP; the pipeline's rates know USD, EUR and INR.
        missing_keys: Bookings without user, viewings without user or listing.
        missing_prices: Amounts that are NULL.
        unknown_currencies: Currencies that are no code of three letters.
        dates_out_of_range: Days before 2000 or after 2050, where the pipeline's calendar ends.
        unparseable_numbers: `two` bathrooms.
        coordinates_out_of_range: Latitudes beyond the poles.
        late_viewings: Viewings recorded about twelve days after they happened.
        duplicate_viewings: Viewings recorded twice, equal in every column; both are real.
        equal_stamps: Bookings that one nightly job changed at the very same microsecond.
    """

    generation_1: float = 0.4
    modified_before_created: float = 0.5
    backward_stays_generation_1: float = 0.02
    backward_stays_generation_2: float = 0.5
    null_texts: float = 0.0077
    booked_after_checkin: float = 0.1
    orphans: float = 0.004
    unparseable_dates: float = 0.003
    impossible_dates: float = 0.003
    unknown_statuses: float = 0.003
    unknown_flags: float = 0.002
    negative_prices: float = 0.003
    currencies_without_rate: float = 0.004
    missing_keys: float = 0.004
    missing_prices: float = 0.002
    unknown_currencies: float = 0.002
    dates_out_of_range: float = 0.002
    unparseable_numbers: float = 0.002
    coordinates_out_of_range: float = 0.002
    late_viewings: float = 0.02
    duplicate_viewings: float = 0.01
    equal_stamps: float = 0.02

    @classmethod
    def without_dirt(cls) -> Shares:
        """Return shares of which every one is 0 except the generations'."""
        return cls(**{field.name: 0.0 for field in fields(cls) if field.name != "generation_1"})
