"""docs/how-to/bi.md: its questions, asked by an analyst and answered by the judges too; the views; what an analyst may read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from local_redshift.translate import translate
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.definitions.read_marketplace import read_marketplace
from tests.fixtures.few_metrics import SQL_ROOT
from tests.integration.analysts.conftest import ANALYST, Published
from tests.metrics.values import say

DOCUMENT = Path(__file__).parents[3] / "docs" / "how-to" / "bi.md"
QUESTIONS = dict(
    re.findall(r"^### ([^\n]+)\n\n```sql\n(.+?);\n```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)
MARKETPLACES = ("apartments", "cars")
DAY = timedelta(days=1)

Row = dict[str, Any]


@pytest.fixture
def analyst(published) -> Iterator[psycopg.Connection]:
    """A connection of somebody who is in the analysts' groups and has no other right."""
    with published.warehouse.connect() as connection:
        connection.execute(f"set session authorization {ANALYST}")
        connection.execute("set search_path to redshift, pg_catalog")
        yield connection


def ask(analyst: psycopg.Connection, sql: str) -> list[Row]:
    cursor = analyst.execute(translate(sql).text)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def assert_same(found: list[Row], expected: list[Row]) -> None:
    """In the same order, floats within 1e-9 of their size."""
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        near = {name: pytest.approx(value, rel=1e-9) for name, value in wanted.items() if isinstance(value, float)}
        assert row == {**wanted, **near}


# The questions: each answer a second time, from what the judges compute over the source's rows


def answer_cities(published: Published) -> list[Row]:
    sums: dict[tuple, int] = defaultdict(int)
    spellings: dict[tuple, list[tuple]] = defaultdict(list)
    for row in metric(published, "popular_cities_weekly"):
        if monday(published.as_of) - 28 * DAY <= row["period_start"] < monday(published.as_of):
            sums[row["city_key"], row["state_key"]] += row["bookings"]
            spellings[row["city_key"], row["state_key"]].append((row["city"], row["state"]))
    # Texts go by their bytes, an unknown state comes last.
    best = sorted(sums, key=lambda place: (-sums[place], place[0].encode(), is_last(place[1])))[:10]
    return [
        {
            "city": max((city for city, _ in spellings[place]), key=str.encode),
            "state": max((state for _, state in spellings[place] if state), key=str.encode, default=None),
            "confirmed_bookings": sums[place],
        }
        for place in best
    ]


def answer_occupancy(published: Published) -> list[Row]:
    stays = {row["period_start"]: row["average_nights"] for row in metric(published, "average_booking_duration_monthly")}
    this_month = published.as_of.replace(day=1)
    return [
        {
            "month_start": row["period_start"],
            "occupancy_percent": 100 * row["occupancy_rate"],
            "average_nights": stays.get(row["period_start"]),
        }
        for row in metric(published, "occupancy_monthly")
        if this_month.replace(year=this_month.year - 1) <= row["period_start"] < this_month
    ]


def answer_listings(published: Published) -> list[Row]:
    bookings: dict[int, int] = defaultdict(int)
    unknown: dict[int, int] = defaultdict(int)
    revenue: dict[int, Decimal] = defaultdict(Decimal)
    for row in metric(published, "top_listings_weekly"):
        if monday(published.as_of) - 84 * DAY <= row["period_start"] < monday(published.as_of):
            bookings[row["apartment_id"]] += row["bookings"]
            revenue[row["apartment_id"]] += row["revenue"] or 0
            unknown[row["apartment_id"]] += row["bookings_without_rate"]
    known = [listing for listing in revenue if unknown[listing] < bookings[listing]]
    best = sorted(known, key=lambda listing: (-revenue[listing], listing))[:10]
    return [
        {
            "listing_id": listing,
            **describe_listing(published, listing),
            "confirmed_bookings": bookings[listing],
            "bookings_without_rate": unknown[listing],
            "revenue": revenue[listing],
        }
        for listing in best
    ]


def answer_repeat(published: Published) -> list[Row]:
    return [
        {
            "last_day_of_month": row["period_start"],
            "users_with_bookings": row["users_with_bookings"],
            "repeat_users": row["repeat_users"],
            "repeat_percent": 100 * row["repeat_rate"],
        }
        for row in metric(published, "repeat_customers_daily")
        if (row["period_start"] + DAY).day == 1
    ]


def answer_locations(published: Published) -> list[Row]:
    rentals: dict[int, int] = defaultdict(int)
    revenue: dict[int, Decimal] = defaultdict(Decimal)
    for row in metric(published, "location_rentals_daily"):
        if published.as_of - 90 * DAY <= row["period_start"] < published.as_of and row["rentals"]:
            rentals[row["location_id"]] += row["rentals"]
            revenue[row["location_id"]] += row["revenue"]
    best = sorted(revenue, key=lambda location: (-revenue[location], location))[:10]
    places = {row["location_id"]: row for row in published.tables["locations"]}
    return [
        {
            "location_id": location,
            "location_name": say(places[location]["location_name"]),
            "city": say(places[location]["city"]),
            "rentals": rentals[location],
            "revenue": revenue[location],
            "revenue_per_rental": float(revenue[location]) / rentals[location],
        }
        for location in best
    ]


ANSWERS: dict[str, Callable[[Published], list[Row]]] = {
    "Which cities": answer_cities,
    "How full": answer_occupancy,
    "Which listings": answer_listings,
    "Do users": answer_repeat,
    "Which rental": answer_locations,
}


def test_the_document_asks_five_questions():
    """Each with its SQL, and each answered here by another way."""
    assert len(QUESTIONS) == len(ANSWERS) == 5


@pytest.mark.parametrize("start", ANSWERS)
def test_a_question_is_answered_as_the_judges_answer_it(analyst, published, start):
    """The SQL of the document, as it stands there, by somebody who is only an analyst."""
    (sql,) = [sql for question, sql in QUESTIONS.items() if question.startswith(start)]
    expected = ANSWERS[start](published)
    assert expected
    assert_same(ask(analyst, sql), expected)


# The views


def test_weekly_overview_joins_the_weeks_of_four_metrics(analyst, published):
    """No week is lost or doubled, and sums are those of the judges."""
    stays = {row["period_start"]: row for row in metric(published, "average_booking_duration_weekly")}
    names = ("average_listing_price_weekly", "bookings_per_user_weekly", "top_listings_weekly")
    prices, booked, confirmed = (group(metric(published, name)) for name in names)
    listing_weeks: dict[str, int] = defaultdict(int)
    for row in metric(published, "average_listing_price_weekly"):
        listing_weeks[row["price_unit"]] += row["listings"]
    unit = min(listing_weeks, key=lambda name: (-listing_weeks[name], name))
    assert len(listing_weeks) > 1, "prices of one unit show nothing"
    priced = {week: row for week, rows in prices.items() for row in rows if row["price_unit"] == unit}
    expected = [
        {
            "week_start": week,
            "active_listings": sum(row["listings"] for row in prices[week]),
            "price_unit": unit if week in priced else None,
            "average_price": priced.get(week, {}).get("average_price"),
            "bookings": sum(row["bookings"] for row in booked[week]),
            "users_who_booked": len(booked[week]),
            "confirmed_bookings": sum(row["bookings"] for row in confirmed[week]),
            "bookings_without_rate": sum(row["bookings_without_rate"] for row in confirmed[week]),
            "revenue": add_known([row["revenue"] for row in confirmed[week]]),
            "stays": stays.get(week, {}).get("stays", 0),
            "average_nights": stays.get(week, {}).get("average_nights"),
        }
        for week in sorted({*prices, *stays, *booked})
    ]
    assert_same(ask(analyst, "select * from apartments_presentation.weekly_overview order by week_start"), expected)


def test_listing_revenue_weekly_adds_what_a_listing_is(analyst, published):
    """Each row of the metric once, whatever is known of the listing."""
    rows = sorted(metric(published, "top_listings_weekly"), key=lambda row: (row["period_start"], row["apartment_id"]))
    weeks = group(rows)
    expected = [
        {
            "week_start": row["period_start"],
            "listing_id": row["apartment_id"],
            **describe_listing(published, row["apartment_id"]),
            "bookings": row["bookings"],
            "bookings_without_rate": row["bookings_without_rate"],
            "revenue": row["revenue"],
            "revenue_rank": rank(row["revenue"], [each["revenue"] for each in weeks[row["period_start"]]]),
        }
        for row in rows
    ]
    columns = ", ".join(expected[0])
    found = ask(analyst, f"select {columns} from apartments_presentation.listing_revenue_weekly order by week_start, listing_id")
    assert_same(found, expected)


def test_weekly_overview_of_cars_adds_up_days(analyst, published):
    """A week begins on Monday; its average is of its rentals, not of its days."""
    weeks: dict[date, list[Row]] = defaultdict(list)
    for row in metric(published, "rentals_daily"):
        weeks[row["period_start"] - timedelta(days=row["period_start"].weekday())].append(row)
    expected = [
        {
            "week_start": week,
            "rentals": (rentals := sum(row["rentals"] for row in days)),
            "revenue": (revenue := sum((row["revenue"] for row in days), Decimal(0))),
            "average_amount": float(revenue / rentals),
        }
        for week, days in sorted(weeks.items())
    ]
    assert_same(ask(analyst, "select * from cars_presentation.weekly_overview order by week_start"), expected)


def test_location_revenue_daily_adds_what_a_location_is(analyst, published):
    """Each row of the metric once, with the location's name."""
    names = {row["location_id"]: say(row["location_name"]) for row in published.tables["locations"]}
    expected = [
        {
            "rental_day": row["period_start"],
            "location_id": row["location_id"],
            "location_name": names[row["location_id"]],
            **{name: row[name] for name in ("rentals", "revenue", "average_amount", "unique_vehicles", "dropoffs")},
        }
        for row in sorted(metric(published, "location_rentals_daily"), key=lambda row: (row["period_start"], row["location_id"]))
    ]
    columns = ", ".join(expected[0])
    found = ask(analyst, f"select {columns} from cars_presentation.location_revenue_daily order by rental_day, location_id")
    assert_same(found, expected)


def test_user_revenue_adds_the_rank(analyst, published):
    """Each row of the metric once; users who spent the same share a rank."""
    rows = sorted(metric(published, "user_rentals_total"), key=lambda row: row["user_id"])
    expected = [
        {
            "user_id": row["user_id"],
            **{name: row[name] for name in ("rentals", "revenue", "average_amount", "rental_hours")},
            "revenue_rank": rank(row["revenue"], [each["revenue"] for each in rows]),
        }
        for row in rows
    ]
    found = ask(analyst, f"select {', '.join(expected[0])} from cars_presentation.user_revenue order by user_id")
    assert_same(found, expected)


def test_fleet_utilisation_monthly_is_of_all_hours_of_the_fleet(analyst, published):
    """Days on which no vehicle of a type was out count as well, to the last on which any was."""
    months: dict[tuple[date, str], list[Row]] = defaultdict(list)
    days = metric(published, "vehicle_type_rentals_daily")
    last = max(row["period_start"] for row in days if row["occupied_hours"] or row["rentals"])
    for row in (row for row in days if row["period_start"] <= last):
        months[row["period_start"].replace(day=1), row["vehicle_type"]].append(row)
    expected = [
        {
            "month_start": month,
            "vehicle_type": vehicle_type,
            "rentals": sum(row["rentals"] for row in days),
            "revenue": sum((row["revenue"] for row in days), Decimal(0)),
            "fleet_hours": (fleet := sum(row["fleet_hours"] for row in days)),
            "utilisation_percent": 100 * sum(row["rented_fleet_hours"] for row in days) / fleet if fleet else None,
        }
        for (month, vehicle_type), days in sorted(months.items())
    ]
    columns = ", ".join(expected[0])
    found = ask(analyst, f"select {columns} from cars_presentation.fleet_utilisation_monthly order by month_start, vehicle_type")
    assert_same(found, expected)


# Who may read what


@pytest.mark.parametrize("marketplace", MARKETPLACES)
def test_an_analyst_reads_metrics_and_views_and_no_other_schema(analyst, published, marketplace):
    """Also by name: neither raw nor curated nor staging nor the control schema; and may write nowhere."""
    files, schemas = read_marketplace(SQL_ROOT, marketplace), Schemas(marketplace)
    readable = {made.name for made in (*files.metrics, *files.views)}
    assert files.views and readable == set(list_relations(published, schemas.presentation))
    for name in readable:
        assert analyst.execute(f"select count(*) from {schemas.presentation}.{name}").fetchone() > (0,), name
    for made in files.metrics:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(f"delete from {schemas.presentation}.{made.name}")
    for schema in set(schemas.all) - {schemas.presentation}:
        names = list_relations(published, schema)
        assert names, schema
        for name in names:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                analyst.execute(f"select 1 from {schema}.{name}")


@pytest.mark.parametrize("marketplace", MARKETPLACES)
def test_a_view_has_no_personal_column(published, marketplace):
    """None that the contract names, as it is or hashed."""
    contract = yaml.safe_load((SQL_ROOT / marketplace / "source.yaml").read_text(encoding="utf-8"))["tables"]
    personal = {column for table in contract.values() for column in table.get("personal", {})}
    with published.warehouse.connect() as connection:
        columns = {
            name
            for (name,) in connection.execute(
                "select column_name from information_schema.columns where table_schema = %s", [f"{marketplace}_presentation"]
            )
        }
    assert columns and not {column for column in columns if any(name in column for name in personal)}


def test_the_document_lists_no_view_that_is_gone():
    """Under the names they have; one of your own needs no line."""
    listed = set(re.findall(r"^\| `(\w+\.\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed
    assert listed <= {
        f"{marketplace}_presentation.{view.name}"
        for marketplace in MARKETPLACES
        for view in read_marketplace(SQL_ROOT, marketplace).views
    }


def metric(published: Published, name: str) -> list[Row]:
    """A metric's rows as the judge has them, oldest period first."""
    return sorted(published.metrics[name].to_dict("records"), key=lambda row: row["period_start"])


def group(rows: list[Row]) -> dict[date, list[Row]]:
    by_period = defaultdict(list)
    for row in rows:
        by_period[row["period_start"]].append(row)
    return by_period


def add_known(amounts: list[Decimal | None]) -> Decimal | None:
    """The sum of the amounts that are known; of nothing 0, of nothing but unknown ones unknown."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known or not amounts else None


def rank(revenue: Decimal | None, among: list[Decimal | None]) -> int | None:
    """Return the place of what is known: 1 and how many earned more."""
    return None if revenue is None else 1 + sum(other > revenue for other in among if other is not None)


def describe_listing(published: Published, listing: int) -> Row:
    (source,) = [row for row in published.tables["apartments"] if row["id"] == listing]
    accepted = published.verdicts["apartments"].accepted
    attributes = accepted["apartment_attributes"].get(listing, {})
    title = say(source["title"]) if listing in accepted["apartments"] else None
    return {"title": title, "city": attributes.get("city"), "state": attributes.get("state")}


def list_relations(published: Published, schema: str) -> list[str]:
    with published.warehouse.connect() as connection:
        found = connection.execute("select table_name from information_schema.tables where table_schema = %s", [schema])
        return [name for (name,) in found]


def is_last(text: str | None) -> tuple[bool, bytes]:
    return text is None, (text or "").encode()


def monday(day: date) -> date:
    return day - day.weekday() * DAY
