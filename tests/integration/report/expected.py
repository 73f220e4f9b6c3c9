"""The rows of every chart, computed a second time, in Python, from whole tables of the warehouse."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from tests.metrics.apartments.kpis import add_months

Rows = list[tuple]
Query = Callable[[str], Rows]


def expect_charts(marketplace: str, query: Query, as_of: date) -> dict[str, Rows]:
    """Return the rows of each chart of the report in time's order or in rank's, by the chart's name."""
    return {"apartments": _expect_apartments, "cars": _expect_cars}[marketplace](query, as_of)


def _newest(rows: Rows, days: int) -> Rows:
    last = max(row[0] for row in rows)
    return sorted(row for row in rows if row[0] > last - timedelta(days=days))


def _newest_months(rows: Rows, months: int) -> Rows:
    return sorted(rows)[-months:]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _is_whole(week: date, as_of: date) -> bool:
    return week + timedelta(days=6) < as_of


def _add_up(rows: Rows) -> dict[Any, list]:
    """Return the sums of the columns after the first, by the first; None adds nothing, and of nothing else is None."""
    sums: dict[Any, list] = {}
    for key, *values in rows:
        found = sums.setdefault(key, [None] * len(values))
        sums[key] = [total if value is None else value + (total or 0) for total, value in zip(found, values, strict=True)]
    return sums


def _expect_apartments(query: Query, as_of: date) -> dict[str, Rows]:
    schema = "apartments_presentation"
    prices = query(
        "select period_start, average_price, price_unit, listings, listings_without_rate"
        f" from {schema}.average_listing_price_weekly"
    )
    last = max(row[0] for row in prices if row[0] <= as_of)
    recent_prices = [row for row in prices if last - timedelta(days=364) <= row[0] <= last]
    listing_weeks = _add_up([(unit, listings) for _, _, unit, listings, _ in recent_prices])
    commonest = min(listing_weeks, key=lambda unit: (-listing_weeks[unit][0], unit))
    occupancy = query(f"select period_start, occupancy_rate, booked_nights, available_nights from {schema}.occupancy_monthly")
    stays = query(f"select period_start, average_nights, stays, nights from {schema}.average_booking_duration_weekly")
    booked: dict[date, Counter] = defaultdict(Counter)
    for week, user, bookings in query(f"select period_start, user_id, bookings from {schema}.bookings_per_user_weekly"):
        if _is_whole(week, as_of):
            booked[week][user] += bookings
    per_user = [(week, users.total() / len(users), users.total(), len(users)) for week, users in booked.items()]
    cities = _recent(
        query(f"select period_start, city_key, state_key, city, state, bookings from {schema}.popular_cities_weekly"), as_of
    )
    by_key = _add_up([(row[1:3], row[5]) for row in cities])
    busiest = {row[1:3]: row for row in sorted(cities, key=lambda row: (row[5], row[0]))}
    by_city = {", ".join(filter(None, busiest[key][3:5])): bookings for key, (bookings,) in by_key.items()}
    everywhere = sum(by_city.values())
    listings = _recent(
        query(f"select period_start, apartment_id, revenue, bookings, bookings_without_rate from {schema}.top_listings_weekly"),
        as_of,
    )
    by_listing = _add_up([row[1:] for row in listings])
    titles = dict(query("select id, title from apartments_curated.apartments"))
    earned = [(f"{titles.get(listing) or ''} ({listing})".strip(), *figures, listing) for listing, figures in by_listing.items()]
    nights = query(
        "select period_start, revpar, adr, occupancy_rate, booked_nights_without_rate, booked_nights"
        f" from {schema}.nights_monthly where segment = 'all'"
    )
    revpar_of = {row[0]: row[1] for row in nights}
    last_booked = max(row[0] for row in nights if row[5])
    made = query(
        "select period_start, cancellation_rate, canceled, revenue_lost, canceled_without_rate, median_days_ahead"
        f" from {schema}.bookings_weekly where segment = 'all'"
    )
    cohorts = query(f"select period_start, cohort_month, guests, revenue, bookings_without_rate from {schema}.guests_monthly")
    guests = {
        month: (
            sum(row[2] for row in cohorts if row[0] == month != row[1]),
            sum(row[2] for row in cohorts if row[0] == month == row[1]),
            _add_up([row[:1] + row[3:] for row in cohorts])[month],
        )
        for month in {row[0] for row in cohorts}
        if (month.replace(day=28) + timedelta(days=4)).replace(day=1) <= as_of
    }
    looked = query(
        "select period_start, bookings_per_viewer, viewers, viewers_with_wishlist, viewers_with_call, bookers"
        f" from {schema}.conversion_weekly where segment = 'all' and viewers > 0"
    )
    supply = query(
        "select period_start, active_listings, new_listings, lost_listings, listings_without_booking, top_revenue_share,"
        " bookings_without_rate"
        f" from {schema}.listings_weekly"
    )
    nightly = query(
        "select booking_date, checkin_date, checkout_date from apartments_curated.bookings where booking_status = 'confirmed'"
    )
    return {
        "pace": _expect_pace(nightly, query(f"select known_on, stay_month, nights from {schema}.pace_daily")),
        "night_revenue": _newest_months(
            [
                (month, *figures, revpar_of.get(month.replace(year=month.year - 1)), without_rate)
                for month, *figures, without_rate, _ in nights
                if month <= last_booked
            ],
            24,
        ),
        "cancellations": _newest([row for row in made if _is_whole(row[0] + timedelta(weeks=8), as_of)], 365),
        "returning_guests": _newest_months(
            [(month, back / (back + new), back, new, *earned) for month, (back, new, earned) in guests.items()], 24
        ),
        "conversion": _newest([row for row in looked if _is_whole(row[0], as_of) and row[0] > min(looked)[0]], 365),
        "supply": _newest([row for row in supply if _is_whole(row[0], as_of)], 365),
        "listing_price": sorted(row for row in recent_prices if row[2] == commonest),
        "occupancy": _newest_months(
            [row for row in occupancy if row[0] <= max(month for month, _, nights, _ in occupancy if nights)], 24
        ),
        "repeat_customers": _newest(
            query(f"select period_start, repeat_rate, repeat_users, users_with_bookings from {schema}.repeat_customers_daily"),
            182,
        ),
        "bookings_per_user": _newest(per_user, 365),
        "length_of_stay": _newest([row for row in stays if _is_whole(row[0], as_of)], 365),
        "popular_cities": [
            (city, bookings, bookings / everywhere)
            for city, bookings in sorted(by_city.items(), key=lambda item: (-item[1], item[0]))[:10]
        ],
        "top_listings": [row[:-1] for row in sorted(earned, key=lambda row: (row[1] is None, -(row[1] or 0), row[-1]))[:10]],
    }


def _expect_pace(stays: Rows, books: Rows) -> Rows:
    """Return, for each month to the next, the nights of the stays that were booked by the same day of the month before it."""
    known = {row[:2]: row[2] for row in books}
    last = max(day for day, _ in known)
    rows: Rows = []
    for back in range(24, -1, -1):
        day = add_months(last, -back)
        start = add_months(day.replace(day=1), 1)
        nights = sum(
            max(0, (min(checkout, add_months(start, 1)) - max(checkin, start)).days)
            for booked, checkin, checkout in stays
            if booked <= day
        )
        if nights or known.get((day, start)):
            rows.append((start, nights, day, known.get((day, start))))
    return rows


def _recent(rows: Rows, as_of: date) -> Rows:
    """Return the rows of the newest twelve whole weeks."""
    whole = [row for row in rows if _is_whole(row[0], as_of)]
    last = max(row[0] for row in whole)
    return [row for row in whole if row[0] > last - timedelta(weeks=12)]


def _expect_cars(query: Query, as_of: date) -> dict[str, Rows]:
    schema = "cars_presentation"
    days = query(f"select period_start, revenue, rentals from {schema}.rentals_daily")
    weeks = [
        (week, revenue, rentals)
        for week, (revenue, rentals) in _add_up([(_monday(day), *values) for day, *values in days]).items()
        if _is_whole(week, as_of)
    ]
    fleet = query(
        f"select period_start, rented_fleet_hours, fleet_hours, occupied_hours from {schema}.vehicle_type_rentals_daily"
    )
    last = max(day for day, _, _, hours in fleet if hours > 0)
    months = _add_up([(day.replace(day=1), rented, hours) for day, rented, hours, _ in fleet if day <= last])
    rented = query(f"select rentals, revenue from {schema}.user_rentals_total")
    buckets = {"once": (1, 1), "twice": (2, 2), "3 or 4 times": (3, 4), "5 to 9 times": (5, 9), "10 times or more": (10, 10**9)}
    customers = []
    for name, (least, most) in buckets.items():
        spent = [revenue for rentals, revenue in rented if least <= rentals <= most]
        if spent:
            customers.append((name, len(spent), sum(spent), sum(spent) / sum(revenue for _, revenue in rented)))
    return {
        "revenue": _newest(weeks, 365),
        "average_rental": _newest([(week, revenue / rentals, rentals) for week, revenue, rentals in weeks], 365),
        "utilisation": _newest_months(
            [(month, rented / hours, rented, hours) for month, (rented, hours) in months.items() if hours], 24
        ),
        "top_locations": [
            (f"{name}, {city}" if city else name, revenue, rentals, vehicles)
            for name, city, revenue, rentals, vehicles in query(
                "select coalesce(location_name, 'Location ' || location_id), city, revenue, rentals, unique_vehicles"
                f" from {schema}.location_rentals_total order by revenue desc, location_id limit 10"
            )
        ],
        "vehicle_types": query(
            "select vehicle_type, rentals, utilisation, revenue, average_hours, vehicles"
            f" from {schema}.vehicle_type_rentals_total order by rentals desc, vehicle_type"
        ),
        "customers": customers,
        **_expect_key_figures(query, as_of),
    }


_LENGTHS = {
    0: "under 4 hours",
    4: "4 to 12 hours",
    12: "12 to 24 hours",
    24: "1 to 3 days",
    72: "3 to 7 days",
    168: "7 days or more",
}


def _expect_key_figures(query: Query, as_of: date) -> dict[str, Rows]:
    schema = "cars_presentation"
    used = query(
        f"select period_start, revenue, occupied_seconds, rented_fleet_seconds, fleet_seconds from {schema}.fleet_use_daily"
    )
    last = max(day for day, _, _, seconds, _ in used if seconds)
    months = _add_up([(day.replace(day=1), *sums) for day, *sums in used if day <= last])
    per_car = [
        (month, float(revenue) * 86_400 / fleet, float(revenue) * 86_400 / out if out else None, rented / fleet, revenue)
        for month, (revenue, out, rented, fleet) in months.items()
        if fleet
    ]
    peaks: dict[date, list[tuple[int, int | None]]] = defaultdict(list)
    for day, most, fleet in query(f"select period_start, most_out, fleet_cars from {schema}.cars_out_daily"):
        if _is_whole(_monday(day), as_of):
            peaks[_monday(day)].append((most, fleet))
    at_once = [
        (week, max(most for most, _ in days), max((fleet for _, fleet in days if fleet), default=None))
        for week, days in peaks.items()
    ]
    lengths = query(f"select period_start, hours_from, rentals, revenue, rental_hours from {schema}.rental_lengths_weekly")
    by_length = _add_up([row[1:] for row in _newest([row for row in lengths if _is_whole(row[0], as_of)], 365)])
    in_all = sum(rentals for rentals, _, _ in by_length.values())
    cohorts = query(
        f"select period_start, repeat_share, users, renters, median_days_to_first from {schema}.user_cohorts_monthly"
        " where renters > 0"
    )
    return {
        "revenue_per_car": _newest_months(per_car, 24),
        "most_cars_out": _newest(at_once, 365),
        "idle_cars": _newest(
            query(
                "select period_start, idle_7_days, idle_30_days, idle_90_days, fleet_cars, mean_gap_hours"
                f" from {schema}.idle_cars_weekly"
            ),
            365,
        ),
        "rental_lengths": [
            (_LENGTHS[least], rentals, rentals / in_all, revenue, float(revenue) * 24 / hours if hours else None)
            for least, (rentals, revenue, hours) in sorted(by_length.items())
        ],
        "returning_users": _newest_months([row for row in cohorts if add_months(row[0], 1) + timedelta(days=364) <= as_of], 24),
    }
