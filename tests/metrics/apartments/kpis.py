"""The judge's part for the business figures: nights, bookings, guests, supply, pace.

As the rest of it, it is written from what the figures mean, walks night by night and booking by booking, and shares nothing with
the SQL.
"""

from __future__ import annotations

import calendar
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pandas as pd

from tests.metrics.records import Rate, Row, Version, find_rate, make_frame
from tests.metrics.values import DAY, list_days, monday, to_cents

CENT = Decimal("0.01")


def convert(booking: Row, rates: Iterable[Rate]) -> Decimal | None:
    """Return what a booking is worth in the reporting currency, in whole cents; None where nobody knows."""
    rate = find_rate(rates, booking["currency"], booking["booking_date"])
    return None if rate is None else to_cents(booking["price"] * rate)


def spread(amount: Decimal | None, nights: int) -> list[Decimal | None]:
    """Divide an amount among nights: equal whole cents, and to the last what is left."""
    if amount is None or not nights:
        return [None] * nights
    share = int(amount / CENT) // nights * CENT
    return [share] * (nights - 1) + [amount - share * (nights - 1)]


def add_known(amounts: Collection[Decimal | None]) -> Decimal | None:
    """Return the sum of the known amounts: 0 of none at all, None where there are some and none is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal()) if known or not amounts else None


def divide(amount: Decimal | int | None, by: int) -> float | None:
    return None if amount is None or not by else float(amount / by)


def list_members(place: Row | None) -> Iterable[tuple[str, str, str]]:
    """Yield what a listing belongs to: segment, the member's key, and what is shown of it."""
    place = place or {"city": None, "state": None, "category": None, "bedrooms": None}
    shown = ", ".join(text for text in (place["city"], place["state"]) if text) if place["city"] else ""
    bedrooms = place["bedrooms"]
    rooms = "" if bedrooms is None or bedrooms < 0 else "5 or more" if bedrooms >= 5 else str(int(bedrooms))
    yield "all", "", "all"
    yield "city", shown.lower(), shown or "unknown"
    yield "category", (place["category"] or "").lower(), place["category"] or "unknown"
    yield "bedrooms", rooms, rooms or "unknown"


@dataclass
class Nights:
    """Of some listings in a month: nights to be had; the money of each booked night, and of each on which nobody could book."""

    available: int
    booked: list[Decimal | None]
    unavailable: list[Decimal | None]
    without_night: list[Decimal | None]

    def add(self, other: Nights) -> None:
        self.available += other.available
        self.booked += other.booked
        self.unavailable += other.unavailable
        self.without_night += other.without_night


def judge_nights(
    active: Collection[tuple[int, date]], bookings: list[Row], attributes: dict[int, Row], rates: list[Rate], as_of: date
) -> pd.DataFrame:
    """ADR, RevPAR and occupancy by month and segment, from single nights.

    Args:
        active: Listing and night, of all that could be booked before as_of.
    """
    money: dict[tuple[int, date], list[Decimal | None]] = defaultdict(list)
    listing_months: dict[tuple[date, int], Nights] = defaultdict(lambda: Nights(0, [], [], []))
    for booking in bookings:
        if booking["status"] != "confirmed":
            continue
        listing, nights = booking["listing"], list(list_days(booking["checkin_date"], booking["checkout_date"]))
        amount = convert(booking, rates)
        if not nights and booking["checkin_date"] < as_of:
            listing_months[booking["checkin_date"].replace(day=1), listing].without_night.append(amount)
        for night, share in zip(nights, spread(amount, len(nights)), strict=True):
            if night < as_of:
                money[listing, night].append(share)
    for listing, night in active:
        listing_months[night.replace(day=1), listing].available += 1
    for (listing, night), shares in money.items():
        month = listing_months[night.replace(day=1), listing]
        (month.booked if (listing, night) in active else month.unavailable).append(add_known(shares))
    members: dict[tuple[date, str, str], Nights] = defaultdict(lambda: Nights(0, [], [], []))
    shown: dict[tuple[date, str, str], set[str]] = defaultdict(set)
    for (month, listing), nights_of_listing in listing_months.items():
        for segment, key, member in list_members(attributes.get(listing)):
            members[month, segment, key].add(nights_of_listing)
            shown[month, segment, key].add(member)
    rows: list[Row] = []
    for (month, segment, key), nights_of_member in members.items():
        unpriced = nights_of_member.booked.count(None)
        priced = len(nights_of_member.booked) - unpriced
        revenue = add_known(nights_of_member.booked)
        rows.append(
            {
                "period_start": month,
                "segment": segment,
                "member_key": key,
                "member": min(shown[month, segment, key], key=str.encode),
                "available_nights": nights_of_member.available,
                "booked_nights": priced + unpriced,
                "booked_nights_without_rate": unpriced,
                "booked_nights_unavailable": len(nights_of_member.unavailable),
                "revenue": revenue,
                "revenue_unavailable": add_known(nights_of_member.unavailable),
                "revenue_without_night": add_known(nights_of_member.without_night),
                "adr": divide(revenue, priced),
                "revpar": divide(revenue, nights_of_member.available - unpriced),
                "occupancy_rate": divide(priced + unpriced, nights_of_member.available),
            }
        )
    columns = ["period_start", "segment", "member_key", "member", "available_nights", "booked_nights"]
    columns += ["booked_nights_without_rate", "booked_nights_unavailable", "revenue", "revenue_unavailable"]
    return make_frame(rows, [*columns, "revenue_without_night", "adr", "revpar", "occupancy_rate"])


def judge_bookings(bookings: list[Row], rates: list[Rate]) -> pd.DataFrame:
    """The bookings of each week, in all and by their payment's status."""
    groups: dict[tuple[date, str, str], list[Row]] = defaultdict(list)
    for booking in bookings:
        week = monday(booking["booking_date"])
        groups[week, "all", "all"].append(booking)
        groups[week, "payment_status", booking["payment"] or "unknown"].append(booking)
    rows: list[Row] = []
    for (week, segment, member), made in groups.items():
        by_status = {
            status: [each for each in made if each["status"] == status] for status in ("confirmed", "pending", "canceled")
        }
        confirmed, canceled = by_status["confirmed"], by_status["canceled"]
        earned, lost = ([convert(each, rates) for each in of_status] for of_status in (confirmed, canceled))
        of_all = add_known([convert(each, rates) for each in groups[week, "all", "all"] if each["status"] == "confirmed"])
        days = [(each["checkin_date"] - each["booking_date"]).days for each in confirmed]
        ahead = [day for day in days if day >= 0]
        revenue = add_known(earned)
        rows.append(
            {
                "period_start": week,
                "segment": segment,
                "member": member,
                "bookings": len(made),
                **{status: len(of_status) for status, of_status in by_status.items()},
                "customers": len({each["user"] for each in made if each["status"] != "canceled"}),
                "cancellation_rate": divide(len(canceled), len(confirmed) + len(canceled)),
                "confirmed_without_rate": earned.count(None),
                "canceled_without_rate": lost.count(None),
                "revenue": revenue,
                "revenue_lost": add_known(lost),
                "revenue_share": divide(revenue, of_all) if of_all else None,
                "mean_days_ahead": statistics.fmean(ahead) if ahead else None,
                "median_days_ahead": float(statistics.median(ahead)) if ahead else None,
                "days_0": ahead.count(0),
                "days_1_to_7": sum(1 <= day <= 7 for day in ahead),
                "days_8_to_30": sum(8 <= day <= 30 for day in ahead),
                "days_31_to_90": sum(31 <= day <= 90 for day in ahead),
                "days_over_90": sum(day > 90 for day in ahead),
                "booked_after_checkin": len(days) - len(ahead),
            }
        )
    columns = ["period_start", "segment", "member", "bookings", "confirmed", "pending", "canceled", "customers"]
    columns += [
        "cancellation_rate",
        "confirmed_without_rate",
        "canceled_without_rate",
        "revenue",
        "revenue_lost",
        "revenue_share",
    ]
    columns += ["mean_days_ahead", "median_days_ahead", "days_0", "days_1_to_7", "days_8_to_30", "days_31_to_90"]
    return make_frame(rows, [*columns, "days_over_90", "booked_after_checkin"])


def judge_guests(bookings: dict[int, Row], rates: list[Rate]) -> pd.DataFrame:
    """Guests by month and by the month of their first booking: each guest's bookings are walked in their order.

    Args:
        bookings: By booking_id.
    """
    by_guest: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for key, booking in bookings.items():
        if booking["status"] == "confirmed":
            by_guest[booking["user"]].append((booking["booking_date"], key))
    groups: dict[tuple[date, date], list[tuple[str, int, Decimal | None]]] = defaultdict(list)
    for guest, made in by_guest.items():
        cohort = min(made)[0].replace(day=1)
        for number, (day, key) in enumerate(sorted(made), start=1):
            groups[day.replace(day=1), cohort].append((guest, number, convert(bookings[key], rates)))
    rows: list[Row] = [
        {
            "period_start": month,
            "cohort_month": cohort,
            "guests": len({guest for guest, _, _ in made_in_month}),
            "guests_back_first": sum(number == 2 for _, number, _ in made_in_month),
            "bookings": len(made_in_month),
            "bookings_without_rate": sum(amount is None for _, _, amount in made_in_month),
            "revenue": add_known([amount for _, _, amount in made_in_month]),
        }
        for (month, cohort), made_in_month in groups.items()
    ]
    columns = ["period_start", "cohort_month", "guests", "guests_back_first", "bookings", "bookings_without_rate", "revenue"]
    return make_frame(rows, columns)


def judge_conversion(viewings: list[Row], bookings: list[Row], attributes: dict[int, Row]) -> pd.DataFrame:
    """Who looked, kept, called and booked in a week, as sets of users."""
    kinds = ("viewers", "viewers_with_wishlist", "viewers_with_call", "bookers")
    users: dict[tuple[date, str, str], dict[str, list[str]]] = defaultdict(lambda: {kind: [] for kind in kinds})
    shown: dict[tuple[date, str, str], set[str]] = defaultdict(set)

    def note(day: date, listing: int, user: str, *done: str) -> None:
        for segment, key, member in list_members(attributes.get(listing)):
            if segment in ("all", "city"):
                shown[monday(day), segment, key].add(member)
                for kind in done:
                    users[monday(day), segment, key][kind].append(user)

    for viewing in viewings:
        more = ["viewers_with_wishlist"] * viewing["is_wish"] + ["viewers_with_call"] * viewing["is_call"]
        note(viewing["viewed_at"].date(), viewing["listing"], viewing["user"], "viewers", *more)
    for booking in bookings:
        if booking["status"] == "confirmed":
            note(booking["booking_date"], booking["listing"], booking["user"], "bookers")
    rows: list[Row] = [
        {
            "period_start": week,
            "segment": segment,
            "member_key": key,
            "member": min(shown[week, segment, key], key=str.encode),
            **{kind: len(set(done[kind])) for kind in kinds},
            "bookings": len(done["bookers"]),
            "viewers_who_booked": len(set(done["viewers"]) & set(done["bookers"])),
            "bookings_per_viewer": divide(len(done["bookers"]), len(set(done["viewers"]))),
        }
        for (week, segment, key), done in users.items()
    ]
    columns = ["period_start", "segment", "member_key", "member", *kinds, "bookings", "viewers_who_booked"]
    return make_frame(rows, [*columns, "bookings_per_viewer"])


def judge_listings(active: Collection[tuple[int, date]], bookings: list[Row], rates: list[Rate], as_of: date) -> pd.DataFrame:
    """Listings that are there at the end of a week, and what the bookings of its thirteen weeks brought them."""
    nights: dict[date, set[int]] = defaultdict(set)
    first: dict[int, date] = {}
    for listing, night in active:
        nights[night].add(listing)
        first[listing] = min(night, first.get(listing, night))
    made: dict[date, list[tuple[int, Decimal | None]]] = defaultdict(list)
    for booking in bookings:
        if booking["status"] == "confirmed" and booking["booking_date"] < as_of:
            made[monday(booking["booking_date"])].append((booking["listing"], convert(booking, rates)))
    rows: list[Row] = []
    week = monday(min([*nights, *made], default=as_of))
    while week < as_of:
        there = nights[min(week + 7 * DAY, as_of) - DAY]
        before = nights[week - DAY]
        window = [each for back in range(13) for each in made.get(week - 7 * back * DAY, [])]
        earned: dict[int, Decimal] = defaultdict(Decimal)
        for listing, amount in window:
            earned[listing] += amount or 0
        best = sorted(earned.values(), reverse=True)[: math.ceil(len(there) / 10)]
        revenue = add_known([amount for _, amount in window])
        if there or before or window:
            rows.append(
                {
                    "period_start": week,
                    "active_listings": len(there),
                    "active_before": len(before),
                    "new_listings": sum(first[listing] >= week for listing in there - before),
                    "returned_listings": sum(first[listing] < week for listing in there - before),
                    "lost_listings": len(before - there),
                    "listings_without_booking": len(there - earned.keys()),
                    "bookings": len(window),
                    "bookings_without_rate": sum(amount is None for _, amount in window),
                    "revenue": revenue,
                    "top_revenue": None if revenue is None else sum(best, Decimal()),
                    "top_revenue_share": divide(sum(best, Decimal()), revenue) if revenue else None,
                }
            )
        week += 7 * DAY
    columns = ["period_start", "active_listings", "active_before", "new_listings", "returned_listings", "lost_listings"]
    columns += ["listings_without_booking", "bookings", "bookings_without_rate", "revenue", "top_revenue", "top_revenue_share"]
    return make_frame(rows, columns)


def replay(known: dict[int, list[Version]], read: Callable[[Row], Row | None]) -> dict[int, list[tuple[datetime, Row | None]]]:
    """Return what was known of each booking, from each moment on; None where it was gone, or broke a rule.

    Args:
        known: What was learned of each.
        read: Gives the cleaned row of a version, None where it breaks a rule.
    """
    replayed = {}
    for key, versions in known.items():
        moment, states = datetime.min, {}
        for version in sorted(versions, key=lambda version: version.run_sequence):
            moment = max(moment, version.observed_at)
            states[moment] = read(version.row) if version.row else None
        replayed[key] = sorted(states.items(), key=lambda state: state[0])
    return replayed


def count_nights(bookings: Iterable[Row]) -> Counter[date]:
    """Return the nights of the confirmed ones by month."""
    return Counter(
        night.replace(day=1)
        for booking in bookings
        if booking["status"] == "confirmed"
        for night in list_days(booking["checkin_date"], booking["checkout_date"])
    )


def judge_pace(replayed: dict[int, list[tuple[datetime, Row | None]]], bookings: list[Row]) -> pd.DataFrame:
    """The books as they were at the end of each day: what was known then, and what stands today of what was booked by then.

    Args:
        replayed: See `replay`.
        bookings: Those that are accepted now.
    """
    learned_on = sorted({moment.date() for states in replayed.values() for moment, state in states if state})
    known_at: dict[date, list[Row]] = {}
    for day in sorted({moment.date() for states in replayed.values() for moment, _ in states}):
        last = [[state for moment, state in states if moment.date() <= day][-1:] for states in replayed.values()]
        known_at[day] = [state for [state] in filter(None, last) if state]
    made: dict[date, list[Row]] = defaultdict(list)
    for booking in bookings:
        if count_nights([booking]):
            made[booking["booking_date"]].append(booking)
    on_the_books = [day for day, rows in known_at.items() if count_nights(rows)]
    books: dict[tuple[date, date], tuple[int | None, int | None, int]] = {}
    known: list[Row] = []
    known_nights: Counter[date] = Counter()
    standing: Counter[date] = Counter()
    day = min([*on_the_books, *made], default=date.max)
    while learned_on and day <= learned_on[-1]:
        if day in known_at:
            known = known_at[day]
            known_nights = count_nights(known)
            known_stays = {month: sum(month in count_nights([each]) for each in known) for month in known_nights}
        standing += count_nights(made.get(day, []))
        for later in range(13):
            month = add_months(day.replace(day=1), later)
            known_pair = (known_nights[month], known_stays.get(month, 0)) if day >= learned_on[0] else (None, None)
            books[day, month] = (*known_pair, standing[month])
        day += DAY
    rows: list[Row] = []
    for (day, month), (nights, stays, nights_standing) in books.items():
        if nights or nights_standing:
            before = books.get((add_months(day, -12), add_months(month, -12)), (None, None, None))
            figures = (day, month, nights, stays, nights_standing, before[0], before[2])
            rows.append(dict(zip(_PACE, figures, strict=True)))
    return make_frame(rows, _PACE)


def judge_pace_changes(replayed: dict[int, list[tuple[datetime, Row | None]]], bookings: list[Row]) -> pd.DataFrame:
    """What each day changed on the books of each month: the books at its end, less those of the day before.

    Args:
        replayed, bookings: As of `judge_pace`.
    """
    changes: dict[tuple[date, date], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for states in replayed.values():
        days = sorted({moment.date() for moment, _ in states})
        before: Counter[date] = Counter()
        for day in days:
            state = [state for moment, state in states if moment.date() <= day][-1]
            after = count_nights([state] if state else [])
            for month in {*before, *after}:
                change = changes[month, day]
                change[0] += after[month] - before[month]
                change[1] += (month in after) - (month in before)
            before = after
        for moment, state in states:
            if state:
                changes[state["checkin_date"].replace(day=1), moment.date()][3] += 1
    for booking in bookings:
        for month, nights in count_nights([booking]).items():
            changes[month, booking["booking_date"]][2] += nights
    columns = ["period_start", "change_day", "nights", "stays", "nights_standing", "stays_learned"]
    rows = [dict(zip(columns, (*key, *change), strict=True)) for key, change in changes.items() if any(change)]
    return make_frame(rows, columns)


_PACE = ["known_on", "stay_month", "nights", "stays", "nights_standing", "nights_year_before", "nights_standing_year_before"]


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later; the last one of a month that has none such."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def judge_cancellation_lead(replayed: dict[int, list[tuple[datetime, Row | None]]], bookings: dict[int, Row]) -> pd.DataFrame:
    """How long before checkin the bookings of each week were canceled, by walking back from what each is now."""
    weeks: dict[date, list[int | None]] = defaultdict(list)
    for key, booking in bookings.items():
        if booking["status"] != "canceled":
            continue
        canceled_on = None
        for moment, state in reversed(replayed[key]):
            if state and state["status"] != "canceled":
                break
            canceled_on = moment.date() if state else canceled_on
        else:
            canceled_on = None
        days = None if canceled_on is None else (booking["checkin_date"] - canceled_on).days
        weeks[monday(booking["booking_date"])].append(days)
    ranges = {
        "days_late": (-math.inf, 0),
        "days_1_to_7": (1, 7),
        "days_8_to_30": (8, 30),
        "days_31_to_90": (31, 90),
        "days_over_90": (91, math.inf),
    }
    rows: list[Row] = []
    for week, canceled in weeks.items():
        seen = [days for days in canceled if days is not None]
        rows.append(
            {
                "week_start": week,
                "canceled": len(canceled),
                "canceled_seen": len(seen),
                "canceled_unseen": len(canceled) - len(seen),
                "mean_days_before": statistics.fmean(seen) if seen else None,
                "median_days_before": float(statistics.median(seen)) if seen else None,
                **{name: sum(least <= days <= most for days in seen) for name, (least, most) in ranges.items()},
            }
        )
    columns = ["week_start", "canceled", "canceled_seen", "canceled_unseen", "mean_days_before", "median_days_before"]
    return make_frame(rows, [*columns, *ranges])
