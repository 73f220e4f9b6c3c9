"""What the generated locations, vehicles and people are made of. The people are nobody: their addresses are of example.org."""

from __future__ import annotations

CITIES = (
    ("Modesto", "CA", "94540", 37.6391, -120.9969),
    ("Fontana", "CA", "92188", 34.0922, -117.4350),
    ("Roseville", "CA", "91032", 38.7521, -121.2880),
    ("San José", "CA", "95110", 37.3382, -121.8863),
    ("O'Fallon", "MO", "63366", 38.8106, -90.6998),
    ("Santa Fe", "NM", "87501", 35.6870, -105.9378),
)
COMPANIES = ("Bean LLC", "Gilbert-Simmons", "Jackson, Velazquez and Gonzales", "O'Connor Inc", 'The "Yard"', "Müller & Söhne")
STREETS = ("Heath Radial Apt. 604", "Patrick Isle Suite 397", "Lewis Locks", "Third Street", "O'Farrell Street")
BRANDS = ("Toyota", "Honda", "Škoda", "Mercedes-Benz", "Land Rover", "Ford")
BASE_STREETS = ("636 WEST 28 STREET NEW YORK NY 10001", "1515 THIRD STREET SAN FRANCISCO CA 94158", "31-00 47 AVENUE QUEENS NY")
FIRST_NAMES = ("Lisa", "Courtney", "Andrew", "María", "Zoë", "Jürgen", "D'Angelo", "Oluwaseun", "Xiu", "Fionnuala")
LAST_NAMES = ("Parkerson", "Martinez", "Mcclaine", "O'Briannon", "Núñez", "Delacroix", "van der Berg", "Kowalczyk", "Hashimoto")
