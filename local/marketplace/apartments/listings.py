"""Generated listings and their attributes, of both generations side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from local.marketplace.apartments import words
from local.marketplace.apartments.shares import Shares
from local.marketplace.columns import Columns, Spoiler, draw, to_money, write_dates
from local.marketplace.period import Period

FIRST_ID_GENERATION_1, LAST_ID_GENERATION_1 = 5_508_654_087, 5_668_662_559
CURRENCY_WITHOUT_RATE = "GBP"
UNKNOWN_CURRENCIES = ("$", "EU", "", None)
DATES_OUT_OF_RANGE = ("31/12/1999", "1970-01-01 00:00:00", "01/01/2051", "9999-12-31 00:00:00")  # the calendar is 2000 to 2050
DIFFERENT_BODIES = 997
CLEAN_ROWS = 3  # of each generation, for the planted bookings


@dataclass(frozen=True)
class Listings:
    """What the other tables need to know of the listings.

    Attributes:
        ids: By row.
        is_generation_2: By row; the rows of generation 2 come first.
    """

    ids: np.ndarray
    is_generation_2: np.ndarray

    def clean_rows(self, generation_2: bool) -> np.ndarray:
        """Return the few rows of a generation that carry no dirt, for bookings that must be accepted."""
        return np.flatnonzero(self.is_generation_2 == generation_2)[:CLEAN_ROWS]

    def other_rows(self) -> np.ndarray:
        """Return the rows that may carry dirt."""
        clean = np.concatenate([self.clean_rows(True), self.clean_rows(False)])
        return np.setdiff1d(np.arange(len(self.ids)), clean)


def number_listings(random: np.random.Generator, count: int, shares: Shares) -> Listings:
    """Give ids as the two generations did: 1, 2, 3 … and, far above, a rising row with gaps."""
    older = min(max(CLEAN_ROWS, round(count * shares.generation_1)), count - CLEAN_ROWS)
    gaps = random.random(older + 1) + 0.05
    range_left = LAST_ID_GENERATION_1 - FIRST_ID_GENERATION_1 - older
    ids_1 = FIRST_ID_GENERATION_1 + (np.cumsum(gaps)[:older] / gaps.sum() * range_left).astype(np.int64) + np.arange(older)
    ids = np.concatenate([np.arange(1, count - older + 1), ids_1])
    return Listings(ids, np.arange(count) < count - older)


def generate_apartments(
    random: np.random.Generator, listings: Listings, period: Period, shares: Shares
) -> tuple[Columns, dict[str, int]]:
    """Return the table apartments and the number of rows of each kind of dirt."""
    count, new = len(listings.ids), listings.is_generation_2
    created = period.draw_moments(random, count, before_days=400, share_before=0.85)
    later = np.minimum(created + random.integers(0, 40 * 86_400, count).astype("timedelta64[s]"), period.end_second)
    # Generation 1: 71 of 100 were never modified. Generation 2: modified is unrelated to created.
    modified = np.where(~new & (random.random(count) < 0.71), created, later)
    backwards = new & (random.random(count) < shares.modified_before_created)
    modified = np.where(backwards, created - random.integers(1, 900, count).astype("timedelta64[D]"), modified)
    cents_1 = np.clip(np.exp(random.normal(7.15, 0.45, count)), 200, 52_500).round(0) * 100
    cents_2 = random.integers(100_000, 500_001, count)
    price = to_money(np.where(new, cents_2, cents_1).astype(np.int64))
    currency = np.where(new, draw(random, ("USD", "EUR", "INR"), count), "USD").astype(object)
    created_text, modified_text = write_dates(created, new), write_dates(modified, new)
    is_active = np.where(
        new,
        draw(random, ("True", "False"), count, (0.8, 0.2)),
        draw(random, ("1", "0"), count, (0.83, 0.17)),
    ).astype(object)

    columns: Columns = {
        "id": listings.ids,
        "title": np.where(new, _write_titles_2(random, count), _write_titles_1(random, count)).astype(object),
        "source": np.where(new, draw(random, words.SOURCES_GENERATION_2, count), _draw_sources_1(random, count)),
        "price": price,
        "currency": currency,
        "listing_created_on": created_text,
        "is_active": is_active,
        "last_modified_timestamp": modified_text,
        "changed_at": period.stamp(random, np.maximum(created, modified)),
    }
    dirt = Spoiler(random, columns, listings.other_rows())
    dirt.spoil("negative price", "price", shares.negative_prices, lambda rows: -price[rows])
    dirt.spoil("no price", "price", shares.missing_prices, (None,))
    dirt.spoil("currency without a rate", "currency", shares.currencies_without_rate, (CURRENCY_WITHOUT_RATE,))
    dirt.spoil("unknown currency", "currency", shares.unknown_currencies, UNKNOWN_CURRENCIES)
    dirt.spoil("unparseable date", "listing_created_on", shares.unparseable_dates, ("soon", "", "0000-00-00", None))
    dirt.spoil("date out of range", "listing_created_on", shares.dates_out_of_range, DATES_OUT_OF_RANGE)
    dirt.spoil(
        "impossible date",
        "listing_created_on",
        shares.impossible_dates,
        lambda rows: write_impossible_dates(created[rows], new[rows]),
    )
    dirt.spoil("unknown flag", "is_active", shares.unknown_flags, ("maybe", "", "2"))
    return columns, {**dirt.counts, "modified before created": int(backwards.sum())}


def generate_attributes(random: np.random.Generator, listings: Listings, shares: Shares) -> tuple[Columns, dict[str, int]]:
    """Return the table apartment_attributes and the number of rows of each kind of dirt.

    A few listings have no attributes; as many attributes belong to no listing.
    """
    count, new = len(listings.ids), listings.is_generation_2
    city_weights = 1 / np.arange(1, len(words.CITIES) + 1)
    place = draw(random, range(len(words.CITIES)), count, city_weights).astype(int)
    names, states, latitudes, longitudes = (np.array(column, dtype=object) for column in zip(*words.CITIES, strict=True))
    city_2_weights = 1 / np.arange(1, len(words.CITIES_GENERATION_2) + 1)
    cityname = np.where(new, draw(random, words.CITIES_GENERATION_2, count, city_2_weights), names[place])
    state = np.where(new, draw(random, words.STATES_GENERATION_2, count), states[place])
    near = random.normal(0, 0.05, (2, count))
    latitude = np.where(new, random.uniform(-90, 90, count), latitudes[place].astype(float) + near[0])
    longitude = np.where(new, random.uniform(-180, 180, count), longitudes[place].astype(float) + near[1])
    whole_bathrooms = draw(random, ("1", "2", "3", "4"), count, (66, 24, 2, 1))
    bathrooms_1 = np.where(random.random(count) < 0.066, draw(random, ("1.5", "2.5", "3.5", "null"), count), whole_bathrooms)
    bedrooms_1 = draw(random, ("0", "1", "2", "3", "4", "5", "null"), count, (20, 460, 340, 128, 40, 9, 1))
    rent = random.integers(300, 5_000, count)
    price_type = draw(random, ("Monthly", "Weekly", "Monthly|Weekly"), count, (0.97, 0.02, 0.01))
    pets_1 = draw(random, ("Cats,Dogs", "None", "null", "Cats", "Dogs"), count, (523, 241, 175, 49, 12))
    pets_2 = draw(random, (None, "True", "False"), count, (0.645, 0.178, 0.177))

    columns: Columns = {
        "id": listings.ids.copy(),
        "category": np.where(
            new,
            draw(random, words.CATEGORIES_GENERATION_2, count),
            draw(random, words.CATEGORIES_GENERATION_1, count, (0.98, 0.01, 0.01)),
        ),
        "body": np.where(
            new,
            _write_bodies(random, words.SENTENCES_GENERATION_2, count),
            _write_bodies(random, words.SENTENCES_GENERATION_1, count),
        ),
        "amenities": np.where(
            new,
            _write_amenities(random, count, ", "),
            np.where(random.random(count) < 0.35, "null", _write_amenities(random, count, ",")),
        ),
        "bathrooms": np.where(new, draw(random, ("1", "2", "3"), count), bathrooms_1),
        "bedrooms": np.where(new, draw(random, ("1", "2", "3"), count), bedrooms_1),
        "fee": np.where(new, to_money(random.integers(5_000, 50_000, count)).astype(str), "No").astype(object),
        "has_photo": np.where(
            new,
            draw(random, ("True", "False"), count),
            draw(random, ("Thumbnail", "Yes", "No"), count, (89, 9, 2)),
        ),
        "pets_allowed": np.where(new, pets_2, pets_1),
        "price_display": _write_price_displays(rent, price_type, new),
        "price_type": np.where(new, draw(random, ("Monthly", "Yearly", "One-time"), count), price_type),
        "square_feet": np.where(new, random.integers(400, 2_500, count), np.exp(random.normal(6.7, 0.45, count)).astype(int)),
        "address": np.where(new | (random.random(count) < 0.1), _write_addresses(random, count), np.array(None)),
        "cityname": cityname,
        "state": state,
        "latitude": np.round(latitude, 6),
        "longitude": np.round(longitude, 6),
    }

    dirt = Spoiler(random, columns, listings.other_rows())
    rows = dirt.spoil("city and state are the text null", "cityname", shares.null_texts, ("null",))
    columns["state"][rows] = "null"
    # Beyond every listing's id, so that they stay orphans whatever is listed later.
    first_orphan = LAST_ID_GENERATION_1 + 1_000_000_000
    dirt.spoil("attributes of no listing", "id", shares.orphans, lambda rows: first_orphan + np.arange(len(rows)))
    dirt.spoil("number in words", "bathrooms", shares.unparseable_numbers, ("two", "1 1/2", "many"))
    dirt.spoil("unknown flag", "has_photo", shares.unknown_flags, ("maybe", "soon"))
    dirt.spoil("coordinate out of range", "latitude", shares.coordinates_out_of_range, (97.5, -120.0))
    bodies = columns["body"].tolist()
    return columns, {
        **dirt.counts,
        "mojibake": sum("â?" in body for body in bodies),
        "line break in text": sum("\n" in body for body in bodies),
    }


def write_impossible_dates(moments: np.ndarray, european: np.ndarray) -> np.ndarray:
    """Return dates of the same years that no calendar has: 31/02/2024, 2024-02-30 00:00:00."""
    years = moments.astype("datetime64[Y]").astype(str)
    texts = np.empty(len(years), dtype=object)
    texts[:] = [f"31/02/{year}" if new else f"{year}-02-30 00:00:00" for year, new in zip(years, european, strict=True)]
    return texts


def _draw_sources_1(random: np.random.Generator, count: int) -> np.ndarray:
    names, weights = zip(*words.SOURCES_GENERATION_1, strict=True)
    return draw(random, names, count, weights)


def _write_titles_1(random: np.random.Generator, count: int) -> np.ndarray:
    size = draw(random, ("Studio apartment", "One BR", "Two BR", "Three BR", '"Garden" loft', "0 BR in"), count)
    number = random.integers(1, 9_999, count).astype(str).astype(object)
    street = draw(random, words.STREETS, count)
    tail = draw(random, ("", ", Washington, DC 20002", ' - "must see"', "â??", " 1/2 off, call now"), count, (80, 10, 4, 2, 4))
    titles: np.ndarray = size + " " + number + " " + street + tail
    return titles


def _write_titles_2(random: np.random.Generator, count: int) -> np.ndarray:
    first, second, third = (draw(random, words.SURNAMES, count) for _ in range(3))
    shape = random.integers(0, 3, count)
    return np.select(
        [shape == 0, shape == 1],
        [first + ", " + second + " and " + third, first + "-" + second],
        first + draw(random, (" Inc", " LLC"), count),
    )


def _write_bodies(random: np.random.Generator, sentences: tuple[str, ...], count: int) -> np.ndarray:
    bodies = []
    for _ in range(min(DIFFERENT_BODIES, count)):
        chosen = random.permutation(len(sentences))[: random.integers(2, 7)]
        street = words.STREETS[random.integers(len(words.STREETS))]
        bodies.append(" ".join(sentences[number] for number in chosen).replace("{street}", street))
    return draw(random, bodies, count)


def _write_amenities(random: np.random.Generator, count: int, separator: str) -> np.ndarray:
    lists = []
    for _ in range(200):
        chosen = random.permutation(len(words.AMENITIES))[: random.integers(1, 6)]
        lists.append(separator.join(words.AMENITIES[number] for number in chosen))
    return draw(random, lists, count)


def _write_addresses(random: np.random.Generator, count: int) -> np.ndarray:
    number = random.integers(1, 99_999, count).astype(str).astype(object)
    unit = draw(random, ("", " Apt. 295", " Suite 988"), count)
    tail = draw(random, ("Lake Keith, KY 50153", "Leefort, VT 48142", "Port John, MN 73309", "New Samantha, IN 84502"), count)
    addresses: np.ndarray = number + " " + draw(random, words.STREETS, count) + unit + " " + tail
    return addresses


def _write_price_displays(rent: np.ndarray, price_type: np.ndarray, is_generation_2: np.ndarray) -> np.ndarray:
    """$1,560, with ` Weekly` or ` Monthly|Weekly` behind where it is not monthly; generation 2: $1588.42, with cents."""
    texts = np.empty(len(rent), dtype=object)
    texts[:] = [
        f"${amount}.{amount % 89 + 10}" if new else f"${amount:,}" + ("" if kind == "Monthly" else f" {kind}")
        for amount, kind, new in zip(rent.tolist(), price_type.tolist(), is_generation_2.tolist(), strict=True)
    ]
    return texts
