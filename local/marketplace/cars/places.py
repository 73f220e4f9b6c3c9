"""The places, cars and people of the believable market. All are invented; addresses of mail are of example.org."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A location at which cars are rented.

    Attributes:
        weight: Its share of the pickups, before all weights are made to add up to 1.
        swing: How far the season moves its utilisation, up and down.
    """

    name: str
    address: str
    city: str
    state: str
    zip_code: str
    latitude: float
    longitude: float
    weight: int
    swing: float


PLACES = (
    Place("Airport", "Terminal Drive 2", "San Diego", "CA", "92101", 32.7338, -117.1933, 22, 0.14),
    Place("Downtown", "420 Harbor Street", "San Diego", "CA", "92101", 32.7157, -117.1611, 12, 0.08),
    Place("North Park", "88 Orchard Street", "San Diego", "CA", "92104", 32.7456, -117.1294, 6, 0.06),
    Place("Airport", "1 Aviation Way", "Denver", "CO", "80249", 39.8561, -104.6737, 20, 0.15),
    Place("Union Station", "1701 Station Street", "Denver", "CO", "80202", 39.7527, -105.0000, 10, 0.08),
    Place("Highlands", "32 Summit Street", "Denver", "CO", "80211", 39.7621, -105.0170, 5, 0.06),
    Place("Airport", "3600 Arrivals Road", "Austin", "TX", "78719", 30.1975, -97.6664, 16, 0.09),
    Place("Downtown", "210 Linden Street", "Austin", "TX", "78701", 30.2672, -97.7431, 9, 0.06),
    Place("Domain", "115 Mill Street", "Austin", "TX", "78758", 30.4021, -97.7253, 4, 0.05),
    Place("Airport", "17801 Pacific Road", "Seattle", "WA", "98158", 47.4502, -122.3088, 17, 0.18),
    Place("Pike Street", "75 Canal Street", "Seattle", "WA", "98101", 47.6114, -122.3305, 9, 0.12),
    Place("Ballard", "640 Willow Street", "Seattle", "WA", "98107", 47.6687, -122.3847, 5, 0.08),
)
# Brand, type, and how many of a hundred cars it is.
CARS = (
    *(("Toyota", "basic", 20), ("Honda", "basic", 14), ("Škoda", "basic", 12), ("Ford", "premium", 14)),
    *(("Volkswagen", "premium", 13), ("Volvo", "premium", 11), ("BMW", "high_end", 8), ("Mercedes-Benz", "high_end", 8)),
)
FIRST_NAMES = (
    *("Lisa", "Courtney", "Andrew", "María", "Zoë", "Jürgen", "Oluwaseun", "Xiu", "Fionnuala", "Priya", "Tomás", "Ingrid"),
    *("Marcus", "Aiko", "Leila", "Pavel", "Grace", "Samuel", "Chloé", "Nadia", "Ben", "Amara", "Diego", "Hannah"),
)
LAST_NAMES = (
    *("Parker", "Martinez", "O'Brien", "Núñez", "Delacroix", "van der Berg", "Kowalczyk", "Hashimoto", "Okafor", "Lindqvist"),
    *("Schmidt", "Rossi", "Nguyen", "Haddad", "Silva", "Andersen", "Fischer", "Campbell", "Ivanova", "Moreau", "Singh", "Reyes"),
)
