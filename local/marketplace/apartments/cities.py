"""The cities of the believable market, and what its listings and sentences are made of. Streets and listings are invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class City:
    """A city of the market.

    Attributes:
        state: As an address has it.
        latitude, longitude: Of its centre.
        weight: Its share of the listings, before all weights are made to add up to 1.
        currency: In which its listings are priced.
        nightly: The usual price of a night in a place with one bedroom, in that currency.
        occupancy: The share of nights that are booked over a year, 0 to 1.
        swing: How far the season moves that, up and down.
        peak: The day of the year on which the season is best.
        quarters: Parts of the city.
    """

    name: str
    state: str
    latitude: float
    longitude: float
    weight: int
    currency: str
    nightly: int
    occupancy: float
    swing: float
    peak: int
    quarters: tuple[str, ...]


CITIES = (
    City("Austin", "TX", 30.2672, -97.7431, 18, "USD", 128, 0.60, 0.09, 110, ("Zilker", "East Austin", "Hyde Park")),
    City("San Diego", "CA", 32.7157, -117.1611, 15, "USD", 172, 0.65, 0.18, 205, ("North Park", "Ocean Beach", "La Jolla")),
    City("Miami", "FL", 25.7617, -80.1918, 13, "USD", 165, 0.62, 0.15, 45, ("Wynwood", "Coconut Grove", "South Beach")),
    City("Denver", "CO", 39.7392, -104.9903, 12, "USD", 122, 0.56, 0.15, 200, ("Highlands", "Baker", "Capitol Hill")),
    City("Nashville", "TN", 36.1627, -86.7816, 11, "USD", 134, 0.58, 0.14, 170, ("The Gulch", "Germantown", "12 South")),
    City("Seattle", "WA", 47.6062, -122.3321, 10, "USD", 140, 0.55, 0.21, 208, ("Ballard", "Fremont", "Queen Anne")),
    City("Portland", "ME", 43.6591, -70.2568, 7, "USD", 138, 0.53, 0.26, 212, ("Old Port", "West End", "Munjoy Hill")),
    City("Lisbon", "Portugal", 38.7223, -9.1393, 8, "EUR", 92, 0.64, 0.19, 215, ("Alfama", "Graça", "Príncipe Real")),
    City("Barcelona", "Spain", 41.3874, 2.1686, 6, "EUR", 108, 0.66, 0.19, 210, ("Gràcia", "El Born", "Poblenou")),
)

KINDS = ("Studio", "Apartment", "Loft", "House")
ADJECTIVES = ("Sunny", "Quiet", "Bright", "Cosy", "Modern", "Charming", "Spacious", "Restored", "Airy", "Elegant")
EXTRAS = ("with a balcony", "with a view", "near the park", "by the market", "with a garden", "close to everything")
STREETS = ("Maple", "Cedar", "Harbor", "Mill", "Orchard", "Linden", "Canal", "Chapel", "Summit", "Garden", "Station", "Willow")
AMENITIES = ("Wi-Fi", "Kitchen", "Washer", "Air Conditioning", "Parking", "Elevator", "Balcony", "Pool", "Gym", "Desk")
SENTENCES = (
    "Freshly painted, with everything you need for a week or a month.",
    "The bus stops around the corner, and the bakery opens at seven.",
    "We live nearby and are glad to help.",
    "Fast Wi-Fi and a desk by the window.",
    "Shops and cafés are a short walk away.",
    "Quiet at night; the bedroom looks onto the yard.",
)
SOURCES = ("Direct", "Agency", "Partner site")
