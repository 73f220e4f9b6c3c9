"""The life of an apartments market: listings by the night in nine cities, their stays, and who looks at them.

At scale 1.0 some 230 listings are there when the market opens, and some 400 have been two years later; one in seven or so has
left. A listing's stays follow one another along its calendar: how long it stands empty between two of them depends on the city,
the season, the listing and the day of the week. When a stay was booked, by whom, and what became of the booking follows from the
stay. Everything is told up to a day that is asked for.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from local.marketplace.apartments.cities import (
    ADJECTIVES,
    AMENITIES,
    CITIES,
    EXTRAS,
    KINDS,
    SENTENCES,
    SOURCES,
    STREETS,
    City,
)
from local.marketplace.market import HISTORY_DAYS, Life, Row, Table, Values, Version, at_some_time, draw_from

FIRST_LISTINGS, LATER_LISTINGS = 230, 170  # at the opening, and in the two years after it
FIRST_LISTING, FIRST_GUEST, FIRST_VISITOR = 1_001, 20_001, 900_001
YEARLY_GROWTH = 0.03  # of occupancy, in points, and of prices
LEAVING_DAYS = 2_600  # after how many days a listing leaves, on average

# Nights, how often, and which part of the price a long stay pays.
STAYS = (
    *((1, 3, 1.0), (2, 16, 1.0), (3, 17, 1.0), (4, 10, 1.0), (5, 9, 0.98), (7, 18, 0.93), (10, 7, 0.9), (14, 8, 0.86)),
    *((21, 4, 0.8), (28, 7, 0.72), (35, 1, 0.72)),
)
NIGHTS, DISCOUNTS = tuple(stay[0] for stay in STAYS), {nights: paid for nights, _, paid in STAYS}
CUMULATED = tuple(itertools.accumulate(weight for _, weight, _ in STAYS))
AVERAGE_NIGHTS = sum(nights * weight for nights, weight, _ in STAYS) / sum(weight for _, weight, _ in STAYS)
WEEKEND_PRICE = 1.18  # Friday's and Saturday's nights
USUAL_LEAD_DAYS, LONGEST_LEAD_DAYS = 24, 270
MOVED_DAYS = 45  # before the opening, for which bookings were brought along from another system
RETURNING = 0.36  # of the guests who stayed
SOON, USUAL_RETURN_DAYS = 0.35, 130  # of those, within four weeks; the days until the others do
RESOLD, UNSOLD = 0.15, 0.03  # canceled bookings: by later booking of the same nights, and by gap that nobody filled
UNRECORDED_DAYS = HISTORY_DAYS - 63  # from the opening until viewings began to be recorded
VISITORS_PER_DAY = 80  # who look and do not book
WRONG_BOOKINGS, WRONG_VIEWINGS, WRONG_LISTINGS = 0.02, 0.012, 0.012
WRONG_IN_LISTINGS: tuple[Values, ...] = (
    *({"price": None}, {"listing_created_on": "soon"}, {"currency": "$"}, {"is_active": "maybe"}),
)
CORRECTED, LONGEST_CORRECTION_DAYS = 0.3, 12  # of the wrong bookings
FRIDAY, SATURDAY = 4, 5


@dataclass(frozen=True)
class _Listing:
    """A listing, and what its stays depend on; days are ordinals.

    Attributes:
        known: From when on it could be booked.
        charm: What it adds to its city's occupancy.
        prices: Its price for a usual night from each day on, the first from its opening.
        closed: The day on which it leaves.
    """

    number: int
    city: City
    bedrooms: int
    known: int
    opened: int
    closed: int
    charm: float
    prices: tuple[tuple[int, int], ...]

    def price_on(self, day: int) -> int:
        """The price that is asked on a day."""
        return next((price for since, price in reversed(self.prices) if since <= day), self.prices[0][1])


@dataclass(frozen=True)
class _Booking:
    """A booking before anybody has made it; days are ordinals.

    Attributes:
        canceled: The day on which it is canceled; None where it is kept.
        discount: The part of the price that is paid.
    """

    booked: int
    listing: _Listing
    checkin: int
    nights: int
    discount: float
    canceled: int | None = None

    @property
    def order(self) -> tuple[int, int, int, bool]:
        """Bookings of a day come by listing."""
        return self.booked, self.listing.number, self.checkin, self.canceled is None


_Numbered = tuple[int, _Booking, int]  # with its number, and its guest's


def live(scale: float, seed: int, opened: date, since: date, until: date) -> Life:
    """Write down the market's life from its opening until a day (market.live)."""
    first, recent, last = opened.toordinal(), since.toordinal(), until.toordinal()
    listings = list(_open_listings(scale, seed, first, last))
    bookings = sorted(
        (booking for listing in listings for booking in _fill_calendar(seed, listing, last) if booking.booked <= last),
        key=lambda booking: booking.order,
    )
    guests = _invite_guests(seed, bookings)
    booked: dict[int, list[_Numbered]] = {}
    for number, (booking, guest) in enumerate(zip(bookings, guests, strict=True), start=1):
        booked.setdefault(booking.booked, []).append((number, booking, guest))
    return {
        "apartments": Table("id", "changed_at", [_tell_listing(seed, listing, last) for listing in listings]),
        "apartment_attributes": Table("id", None, [_tell_attributes(seed, listing) for listing in listings]),
        "bookings": Table("booking_id", "changed_at", list(_tell_bookings(seed, booked, recent))),
        "user_viewing": Table(
            None, "recorded_at", list(_look_around(scale, seed, booked, listings, max(first + UNRECORDED_DAYS, recent - 1), last))
        ),
    }


def _open_listings(scale: float, seed: int, first: int, last: int) -> Iterator[_Listing]:
    """Give the listings in the order in which they open."""
    at_opening = max(8, round(FIRST_LISTINGS * scale))
    days_between = HISTORY_DAYS / (LATER_LISTINGS * scale)
    number, draw = FIRST_LISTING, draw_from(seed, "openings")
    opened = float(first)
    while opened <= last:
        yield _open_listing(seed, number, first, int(opened), last)
        number += 1
        if number >= FIRST_LISTING + at_opening:
            opened += draw.expovariate(1 / days_between)


def _open_listing(seed: int, number: int, first: int, opened: int, last: int) -> _Listing:
    draw = draw_from(seed, "listing", number)
    city = draw.choices(CITIES, [city.weight for city in CITIES])[0]
    bedrooms = draw.choices((0, 1, 2, 3, 4), (14, 40, 28, 13, 5))[0]
    closed, charm = opened + 60 + int(draw.expovariate(1 / LEAVING_DAYS)), draw.gauss(0, 0.06)
    price = city.nightly * (0.78 + 0.26 * bedrooms) * draw.lognormvariate(0, 0.16)
    prices, day = [(opened, round(price))], opened
    while (day := day + 30 + int(draw.expovariate(1 / 110))) < min(closed, last + 1):
        price *= draw.uniform(0.93, 1.07) * (1 + YEARLY_GROWTH * 140 / 365)
        prices.append((day, round(price)))
    known = opened - MOVED_DAYS if opened == first else opened
    return _Listing(number, city, bedrooms, known, opened, closed, charm, tuple(prices))


def _season(city: City, day: int) -> float:
    """Return where in the season a day is: 1 at its best, -1 at its worst."""
    return math.cos((day % 365.25 - (city.peak + 1) % 365.25) * 2 * math.pi / 365.25)


def _fill_calendar(seed: int, listing: _Listing, last: int) -> Iterator[_Booking]:
    """Give a listing's bookings: its stays one after another, and those that were canceled beside them."""
    draw = draw_from(seed, "stays", listing.number)
    day = listing.opened - draw.randrange(8)
    while day < listing.closed and day <= last + LONGEST_LEAD_DAYS + 1:
        growth = YEARLY_GROWTH * (day - listing.opened) / 365
        occupancy = listing.city.occupancy + listing.charm + growth + listing.city.swing * _season(listing.city, day)
        occupancy = min(0.93, max(0.22, occupancy))
        gap = int(draw.expovariate(occupancy / (AVERAGE_NIGHTS * (1 - occupancy) + 0.01)))
        nights = draw.choices(NIGHTS, cum_weights=CUMULATED)[0]
        checkin = max(day + gap, listing.opened)
        # Short stays gather around weekends, as far as the gap leaves room.
        if nights <= 4 and gap and draw.random() < 0.7:
            friday = checkin + (FRIDAY - (checkin - 1)) % 7
            back = friday - 7 if friday - checkin > 3 else friday
            checkin = back if back >= max(day, listing.opened) else friday if friday - checkin <= 1 else checkin
        gap = checkin - day
        lead = _draw_lead(draw, nights, checkin - listing.known)
        stay = _Booking(checkin - lead, listing, checkin, nights, DISCOUNTS[nights])
        if checkin + nights <= listing.closed:
            yield stay
            if draw.random() < RESOLD and (longer := _draw_lead(draw, nights, checkin - listing.known)) > lead + 1:
                yield replace(stay, booked=checkin - longer, canceled=checkin - draw.randrange(lead + 1, longer))
        if gap >= 3 and checkin > listing.opened and draw.random() < UNSOLD * gap:
            waited = draw.randrange(gap - 1)
            begun = max(day + waited, listing.opened)
            lead = 1 + _draw_lead(draw, 3, begun - listing.known)
            late = draw.randrange(min(lead, 12))
            short = draw.randint(1, max(1, min(checkin - begun, 4)))
            yield _Booking(begun - lead, listing, begun, short, 1.0, canceled=begun - late)
        day = checkin + nights


def _draw_lead(draw: random.Random, nights: int, known_days: int) -> int:
    """Draw how many days before its checkin a stay is booked: longer ones earlier, none before its listing is known."""
    usual = USUAL_LEAD_DAYS * (0.7 if nights <= 2 else 1.5 if nights >= 7 else 1.0)
    lead = min(LONGEST_LEAD_DAYS, int(draw.lognormvariate(math.log(usual), 1.1)))
    return min(lead, draw.randint(known_days // 2, known_days)) if lead > known_days else lead


def _invite_guests(seed: int, bookings: list[_Booking]) -> list[int]:
    """Give each booking its guest: one who is due to come back, or else a new one."""
    draw = draw_from(seed, "guests")
    due: list[tuple[int, int]] = []
    guests, newest = [], FIRST_GUEST - 1
    for booking in bookings:
        if due and due[0][0] <= booking.booked:
            _, guest = heapq.heappop(due)
        else:
            newest = guest = newest + 1
        guests.append(guest)
        if draw.random() < RETURNING:
            later = 8 + int(draw.lognormvariate(math.log(USUAL_RETURN_DAYS), 0.9))
            days = draw.randint(3, 28) if draw.random() < SOON else later
            heapq.heappush(due, (booking.booked + days, guest))
    return guests


def _tell_listing(seed: int, listing: _Listing, last: int) -> Row:
    """Tell a listing's versions: it opens, its price changes, it leaves."""
    draw = draw_from(seed, "title", listing.number)
    opened = at_some_time(draw, listing.opened)
    kind = "Studio" if listing.bedrooms == 0 else draw.choice(KINDS[1:])
    is_wrong, mistake = draw.random() < WRONG_LISTINGS, draw.choice(WRONG_IN_LISTINGS)
    title = f"{draw.choice(ADJECTIVES)} {kind.lower()} {draw.choice(EXTRAS)} in {draw.choice(listing.city.quarters)}"
    values: Values = {
        "id": listing.number,
        "title": title,
        "source": draw.choices(SOURCES, (70, 20, 10))[0],
        "price": Decimal(listing.prices[0][1]),
        "currency": listing.city.currency,
        "listing_created_on": _write(opened),
        "is_active": "1",
        "last_modified_timestamp": _write(opened),
    }
    row = [Version(opened, "new listings", values)]
    for day, price in listing.prices[1:]:
        changed = at_some_time(draw, day)
        values = {**values, "price": Decimal(price), "last_modified_timestamp": _write(changed)}
        row.append(Version(changed, "changed prices", values))
    if listing.closed <= last:
        left = at_some_time(draw, listing.closed)
        values = {**values, "is_active": "0", "last_modified_timestamp": _write(left)}
        row.append(Version(left, "listings taken down", values))
    if is_wrong:
        row = [version._replace(values={**version.values, **mistake}, is_wrong=True) for version in row]
    return row


def _tell_attributes(seed: int, listing: _Listing) -> Row:
    """Tell what a listing offers; nobody ever changes that."""
    draw = draw_from(seed, "attributes", listing.number)
    rooms = max(1, listing.bedrooms)
    values: Values = {
        "id": listing.number,
        "category": "Studio" if listing.bedrooms == 0 else draw.choice(KINDS[1:]),
        "body": " ".join(draw.sample(SENTENCES, draw.randint(2, 4))),
        "amenities": ", ".join(draw.sample(AMENITIES, draw.randint(3, 7))),
        "bathrooms": draw.choice(("1", "1", "1.5", "2")) if rooms < 3 else draw.choice(("2", "2.5", "3")),
        "bedrooms": str(listing.bedrooms),
        "fee": str(20 + 15 * rooms),
        "has_photo": draw.choices(("Yes", "No"), (97, 3))[0],
        "pets_allowed": draw.choices(("Cats,Dogs", "Dogs", "None"), (25, 15, 60))[0],
        "price_display": f"{'$' if listing.city.currency == 'USD' else '€'}{listing.prices[0][1]} a night",
        "price_type": "Nightly",
        "square_feet": 280 + 260 * listing.bedrooms + draw.randrange(180),
        "address": f"{draw.randrange(1, 980)} {draw.choice(STREETS)} Street",
        "cityname": listing.city.name,
        "state": listing.city.state,
        "latitude": Decimal(str(round(listing.city.latitude + draw.gauss(0, 0.03), 6))),
        "longitude": Decimal(str(round(listing.city.longitude + draw.gauss(0, 0.03), 6))),
    }
    is_wrong = draw.random() < WRONG_LISTINGS
    if is_wrong:
        column, value = draw.choice((("bathrooms", "two"), ("has_photo", "soon"), ("latitude", Decimal("97.5"))))
        values[column] = value
    return [Version(at_some_time(draw, listing.opened), "described listings", values, is_wrong)]


def _tell_bookings(seed: int, booked: dict[int, list[_Numbered]], recent: int) -> Iterator[Row]:
    """Tell the bookings, those of each day by random numbers of the day's own, but none that was over long before a day."""
    for day, bookings in booked.items():
        if day + LONGEST_LEAD_DAYS + LONGEST_CORRECTION_DAYS >= recent:
            draw = draw_from(seed, "bookings", day)
            for number, booking, guest in bookings:
                yield _tell_booking(draw, number, booking, guest)


def _tell_booking(draw: random.Random, number: int, booking: _Booking, guest: int) -> Row:
    """Tell a booking's versions: made, maybe wrong at first, confirmed, paid, maybe shortened or canceled."""
    booked = at_some_time(draw, booking.booked)
    written = booked if draw.random() > 0.03 else at_some_time(draw, booking.booked + draw.randint(1, 6))
    lead = booking.checkin - booking.booked
    waits = draw.random() < 0.2 and lead > 3
    pays_at_once = lead <= 14 or draw.random() < 0.5
    kept_until = booking.canceled if booking.canceled is not None else booking.checkin
    values: Values = {
        "booking_id": number,
        "user_id": guest,
        "apartment_id": booking.listing.number,
        "booking_date": _write(booked),
        "checkin_date": _write_day(booking.checkin),
        "checkout_date": _write_day(booking.checkin + booking.nights),
        "total_price": _add_up(booking, booking.nights),
        "currency": booking.listing.city.currency,
        "booking_status": "pending" if waits else "confirmed",
        "payment_status": "paid" if pays_at_once and not waits else "unpaid",
        "num_guests": draw.randint(1, 2 * max(1, booking.listing.bedrooms)),
    }
    row = [Version(written, "new bookings", values)]

    def go_on(day: int, what: str, **changes: object) -> None:
        nonlocal values
        values = {**values, **changes}
        row.append(Version(max(at_some_time(draw, day), row[-1].written_at + timedelta(minutes=5)), what, values))

    if waits and (confirmed := booking.booked + draw.randint(0, 2)) < kept_until:
        paid = "paid" if pays_at_once else "unpaid"
        go_on(confirmed, "confirmed bookings", booking_status="confirmed", payment_status=paid)
    if booking.nights > 3 and lead > 5 and booking.canceled is None and draw.random() < 0.04:
        nights = booking.nights - 1
        go_on(
            booking.booked + draw.randrange(2, min(lead, 12)),
            "shortened stays",
            checkout_date=_write_day(booking.checkin + nights),
            total_price=_add_up(booking, nights),
        )
    if values["payment_status"] == "unpaid" and booking.checkin - 14 < kept_until and draw.random() > 0.015:
        go_on(max(booking.checkin - 14, booking.booked + 1), "paid bookings", payment_status="paid")
    if booking.canceled is not None:
        refund = "refunded" if values["payment_status"] == "paid" else "unpaid"
        go_on(booking.canceled, "canceled bookings", booking_status="canceled", payment_status=refund)
    if draw.random() < WRONG_BOOKINGS:
        row = _spoil(draw, row)
    return row


def _spoil(draw: random.Random, row: Row) -> Row:
    """Return the versions of a booking with a mistake in them, which somebody may correct later."""
    good = row[0].values
    mistake = draw.choice(
        (
            {"checkin_date": good["checkout_date"], "checkout_date": good["checkin_date"]},
            {"total_price": -good["total_price"]},
            {"booking_status": "on hold"},
            {"booking_date": "tbd"},
            {"user_id": None},
            {"apartment_id": 900_000 + good["apartment_id"]},
            {"currency": "$"},
        )
    )
    spoiled = [version._replace(values={**version.values, **mistake}, is_wrong=True) for version in row]
    if draw.random() >= CORRECTED:
        return spoiled
    corrected_at = row[0].written_at + timedelta(days=draw.randint(1, LONGEST_CORRECTION_DAYS), minutes=draw.randrange(600))
    before = [version for version in spoiled if version.written_at < corrected_at]
    known = row[len(before) - 1]
    return [*before, known._replace(written_at=corrected_at, what="corrected bookings"), *row[len(before) :]]


def _add_up(booking: _Booking, nights: int) -> Decimal:
    """Return what the nights of a stay cost, by the price asked on the day of the booking."""
    asked = booking.listing.price_on(booking.booked) * booking.discount
    season = 1 + 0.9 * booking.listing.city.swing * _season(booking.listing.city, booking.checkin)
    weekends = sum((day - 1) % 7 in (FRIDAY, SATURDAY) for day in range(booking.checkin, booking.checkin + nights))
    return Decimal(round(asked * season * (nights - weekends + WEEKEND_PRICE * weekends)))


def _look_around(
    scale: float, seed: int, booked: dict[int, list[_Numbered]], listings: list[_Listing], first: int, last: int
) -> Iterator[Row]:
    """Give the viewings of some days: of those who book, before they do, and of those who only look."""
    for day in range(first, last + 1):
        draw = draw_from(seed, "viewings", day)
        there = [listing for listing in listings if listing.opened <= day < listing.closed]
        for _, booking, guest in booked.get(day, ()):
            others = [listing for listing in draw.sample(there, min(4, len(there))) if listing.city is booking.listing.city]
            for other in others[:1]:
                yield _view(draw, guest, other.number, day, draw.random() < 0.2, None)
            yield _view(draw, guest, booking.listing.number, day, draw.random() < 0.4, "contact_agent")
        season = sum(_season(city, day + USUAL_LEAD_DAYS) * city.weight for city in CITIES) / sum(city.weight for city in CITIES)
        for _ in range(round(VISITORS_PER_DAY * scale * (1 + 0.4 * season) * draw.uniform(0.85, 1.15))):
            visitor = FIRST_VISITOR + draw.randrange(round(20_000 * scale) + 1)
            action = draw.choices((None, "shortlisted", "contact_agent", "reported"), (74, 17, 8, 1))[0]
            yield _view(draw, visitor, draw.choice(there).number, day, action == "shortlisted" or draw.random() < 0.08, action)


def _view(draw: random.Random, user: int, listing: int, day: int, is_wishlisted: bool, action: str | None) -> Row:
    viewed = at_some_time(draw, day)
    recorded = viewed + timedelta(seconds=draw.randrange(1, 60))
    values: Values = {
        "user_id": user,
        "apartment_id": listing,
        "viewed_at": _write(viewed),
        "is_wishlisted": "y" if is_wishlisted else "n",
        "call_to_action": action,
    }
    is_wrong = draw.random() < WRONG_VIEWINGS
    if is_wrong:
        column, value = draw.choice((("user_id", None), ("viewed_at", "yesterday"), ("apartment_id", 900_000 + listing)))
        values[column] = value
    return [Version(recorded, "new viewings", values, is_wrong)]


def _write(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")


def _write_day(day: int) -> str:
    return f"{date.fromordinal(day).isoformat()} 00:00:00"
