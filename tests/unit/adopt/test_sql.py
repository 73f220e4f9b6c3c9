"""The SQL that follows from a mapping, in each of its shapes: whole, by Redshift's rules, and by the names that metrics read."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from local.adopt.catalogue import CatalogueTable
from local.adopt.curated_sql import write_curated
from local.adopt.mapping import read_mapping
from local.adopt.shipped_sql import ShippedFiles, rename, write_shipped
from local.adopt.shipped_templates import BY_NIGHTS
from local.adopt.taken import match_tables
from local.commands.check import find_mistakes
from rental_pipeline.model.column_types import SourceColumn
from rental_pipeline.model.contract import read_contract
from rental_pipeline.source.connection import SourceTable

SQL = Path(__file__).parents[3] / "sql"
TABLES = {
    "houses": "id:bigint price:decimal currency:char since:datetime open:tinyint gone_at:datetime"
    " town_id:int group:int changed_at:timestamp",
    "towns": "id:int name:varchar region:varchar",
    "stays": "id:int house_id:bigint guest:varchar made:datetime from_day:date to_day:date nights:int cents:int"
    " state:varchar"
    " void:tinyint order_id:int",
    "orders": "id:int made:datetime currency_id:int order:int",
    "looks": "house_id:bigint guest:varchar at:datetime wish:tinyint done:varchar",
    "guests": "id:varchar since:datetime",
}
CONTRACT = """tables:
  houses: {strategy: merge, key: id, cursor: changed_at}
  towns: {strategy: snapshot, key: id}
  stays: {strategy: snapshot, key: id}
  orders: {strategy: snapshot, key: id}
  looks: {strategy: append, cursor: at}
  guests: {strategy: snapshot, key: id}
"""
WHOLE = """
currency: EUR
time_zone: Europe/Paris
listing:
  table: houses
  joins: [town_id -> towns.id]
  id: id
  created_at: since
  price: {column: price, unit: nightly}
  currency: currency
  active: {open: [1, true], gone_at: [null], group: [present]}
  city: towns.name
  state: towns.region
stay:
  table: stays
  joins: [order_id -> orders.id]
  id: id
  listing: house_id
  customer: guest
  made_at: orders.made
  checkin: from_day
  checkout: to_day
  amount: {column: cents, divide_by: 100}
  currency: {column: orders.currency_id, EUR: [1], USD: [2]}
  state: {column: state, confirmed: ["it's on"], pending: [null], ignored: [x]}
  only: {void: [0], orders.order: [1]}
customer: {table: guests, id: id, created_at: since}
view: {table: looks, listing: house_id, customer: guest, viewed_at: at}
"""


def make_table(name: str, columns: str) -> CatalogueTable:
    listed = []
    for each in columns.split():
        column, kind = each.split(":")
        listed.append(SourceColumn(column, kind, length=40 if "char" in kind else None, precision=10, scale=2))
    return CatalogueTable(SourceTable(name, tuple(listed)), keys=(("id",),))


def write(root: Path, mapping_text: str) -> ShippedFiles:
    """Write a marketplace `inn` of the tables above."""
    for folder in ("control", "apartments", "cars"):
        shutil.copytree(SQL / folder, root / folder)
    (root / "inn").mkdir()
    (root / "inn" / "source.yaml").write_text(CONTRACT, encoding="utf-8")
    tables = match_tables(
        read_contract(root / "inn" / "source.yaml"), {name: make_table(name, columns) for name, columns in TABLES.items()}
    )
    mapping = read_mapping(mapping_text)
    shipped = write_shipped(root, "inn", mapping, tables)
    files = {f"curated/{name}.sql": text for name, text in write_curated("inn", mapping, tables).items()} | dict(shipped.texts)
    for path, text in files.items():
        (root / "inn" / path).parent.mkdir(exist_ok=True)
        (root / "inn" / path).write_text(text, encoding="utf-8")
    return shipped


def drop(*lines: str) -> str:
    text = WHOLE
    for line in lines:
        assert text.count(line) >= 1, line
        text = text.replace(line, "", 1)
    return text


@pytest.mark.parametrize(
    ("mapping", "left_out"),
    [
        (WHOLE, set()),
        (WHOLE.replace("checkout: to_day", "nights: nights"), set()),
        (drop("  active: {open: [1, true], gone_at: [null], group: [present]}\n"), set()),
        (drop("  only: {void: [0], orders.order: [1]}\n"), set()),
        (drop('  state: {column: state, confirmed: ["it\'s on"], pending: [null], ignored: [x]}\n'), set()),
        (drop("  currency: currency\n", "  currency: {column: orders.currency_id, EUR: [1], USD: [2]}\n"), set()),
        (
            drop("  city: towns.name\n", "  joins: [town_id -> towns.id]\n", "  state: towns.region\n"),
            {"popular_cities_weekly", "bookings_without_city", "highest_revenue_city", "popular_cities"},
        ),
        (
            drop("  customer: guest\n"),
            {
                *("bookings_per_user_weekly", "repeat_customers_daily", "top_spenders", "bookings_per_user"),
                *("guests_monthly", "guest_cohorts", "returning_guests", "conversion_weekly", "conversion"),
            },
        ),
        (drop("view: {table: looks, listing: house_id, customer: guest, viewed_at: at}\n"), {"conversion_weekly", "conversion"}),
        (
            drop("  checkin: from_day\n"),
            {"nights_monthly", "bookings_weekly", "occupancy_monthly", "cancellations", "bookings_per_user"},
        ),
        (
            drop("  price: {column: price, unit: nightly}\n"),
            {"average_listing_price_weekly", "listing_price", "listings_without_rate"},
        ),
        (
            drop("  amount: {column: cents, divide_by: 100}\n"),
            {
                "top_listings_weekly",
                "bookings_without_rate",
                "top_listings",
                "nights_monthly",
                "nights_add_up",
                "seasonality_monthly",
            },
        ),
        (drop("  created_at: since\n"), {"occupancy_monthly", "occupancy", "nights_monthly", "listings_weekly", "supply"}),
    ],
    ids=lambda value: None,
)
def test_the_sql_of_a_mapping_is_whole(tmp_path, mapping, left_out):
    """Headers, sections and Redshift's rules; what the mapping lacks is left out by name, and what reads it, too."""
    shipped = write(tmp_path, mapping)
    assert find_mistakes("inn", tmp_path) == []
    names = {Path(path).stem for path, why in shipped.left_out.items() if "the history of bookings" not in why}
    assert names >= left_out and bool(names) == bool(left_out)
    assert {"pace", "pace_daily", "cancellation_lead_weekly"} <= {Path(path).stem for path in shipped.left_out}
    assert not shipped.texts.keys() & {f"{path}.sql" for path in shipped.left_out}


def test_what_a_mapping_lacks_is_unknown_and_not_0(tmp_path):
    """Nobody is said to have called or wished where no column says whether anybody did."""
    write(tmp_path, WHOLE)
    metric = (tmp_path / "inn/presentation/conversion_weekly.sql").read_text(encoding="utf-8")
    assert metric.count("cast(null as bigint) as is_wish") == 2 and metric.count("cast(null as bigint) as is_call") == 2
    assert "viewers_with_wishlist bigint,\n    viewers_with_call bigint,\n" in metric and " as is_viewing" in metric
    more = WHOLE.replace("viewed_at: at}", "viewed_at: at, wishlisted: wish, call_to_action: done}")
    shutil.rmtree(tmp_path)
    write(tmp_path, more)
    metric = (tmp_path / "inn/presentation/conversion_weekly.sql").read_text(encoding="utf-8")
    assert "cast(null as" not in metric and "viewers_with_call bigint not null" in metric
    views = (tmp_path / "inn/curated/listing_views.sql").read_text(encoding="utf-8")
    assert "inn_control.parse_boolean(wishlisted_text) as is_wishlisted" in views and "newest.done" in views
    assert find_mistakes("inn", tmp_path) == []


def test_values_of_a_source_are_quoted(tmp_path):
    """A quote in a state ends no literal, and a reserved column is read in quotes."""
    write(tmp_path, WHOLE)
    bookings = (tmp_path / "inn/curated/bookings.sql").read_text(encoding="utf-8")
    assert "when state_text in ('it''s on') then 'confirmed'" in bookings and "when state_text is null then 'pending'" in bookings
    assert 'orders_one."order"' in bookings and "convert_timezone('Europe/Paris', 'UTC'" in bookings
    listings = (tmp_path / "inn/curated/listings.sql").read_text(encoding="utf-8")
    assert 'newest."group"' in listings and "condition_3_text is not null" in listings


def test_a_stay_may_have_a_key_of_several_columns(tmp_path, monkeypatch):
    """A line of an order: each column stands in the curated table, and the checks hold all of them unique."""
    monkeypatch.setattr(
        "tests.unit.adopt.test_sql.CONTRACT",
        CONTRACT.replace("stays: {strategy: snapshot, key: id}", "stays: {strategy: snapshot, key: [order_id, id]}"),
    )
    write(tmp_path, WHOLE.replace("  id: id\n  listing: house_id", "  id: [order_id, id]\n  listing: house_id"))
    assert find_mistakes("inn", tmp_path) == []
    bookings = (tmp_path / "inn/curated/bookings.sql").read_text(encoding="utf-8")
    assert "-- key:        booking_id, booking_id_2" in bookings
    assert "booking_id bigint not null,\n    booking_id_2 bigint not null," in bookings
    assert "newest.order_id as booking_id" in bookings and "newest.id as booking_id_2" in bookings


def test_a_title_may_be_that_of_a_joined_table(tmp_path):
    """A copy of a film, a room of a house: the listings then join it, as their attributes do."""
    write(tmp_path, WHOLE.replace("  city: towns.name\n", "  city: towns.name\n  title: towns.name\n"))
    listings = (tmp_path / "inn/curated/listings.sql").read_text(encoding="utf-8")
    assert "joins:      town_id -> towns.id" in listings and "left join towns_one on newest.town_id = towns_one.id" in listings
    assert "towns_one.name" in listings


def test_versions_are_dated_by_the_engine(tmp_path):
    """Not by the cursor, which an application may not move: past occupancy would change."""
    write(tmp_path, WHOLE)
    versions = (tmp_path / "inn/curated/listing_versions.sql").read_text(encoding="utf-8")
    assert "versions._changed_at as version_changed_at" in versions and "versions.changed_at" not in versions


@pytest.mark.parametrize(("listing_type", "is_bounded"), [("bigint", True), ("varchar(32)", False)])
def test_keys_are_bounded_by_whole_numbers_only_where_they_are_some(listing_type, is_bounded):
    """A text compared with a number is refused by Redshift, in a run."""
    shipped = {path: path.read_text(encoding="utf-8") for path in (SQL / "apartments").rglob("*.sql")}
    bounded = {path: text for path, text in shipped.items() if ":least_key" in text}
    assert bounded
    for path, text in bounded.items():
        renamed = rename(text, BY_NIGHTS, "inn", {"listing": listing_type})
        assert (":least_key" in renamed and ":greatest_key" in renamed) == is_bounded, path
        assert ("least_key" in renamed or "greatest_key" in renamed) == is_bounded, path


def test_a_shipped_file_differs_in_names_alone():
    """Of schemas, tables and columns; a key's type is the source's."""
    text = (
        "apartment_id bigint from apartments_curated.apartment_versions, changed_apartments, curated_user_viewing -- Apartments"
    )
    assert rename(text, BY_NIGHTS, "inn", {"listing": "varchar(32)"}) == (
        "listing_id varchar(32) from inn_curated.listing_versions, changed_listings, curated_listing_views -- Listings"
    )


HOURLY = """
currency: EUR
listing:
  table: houses
  joins: [town_id -> towns.id]
  id: id
  created_at: since
  active: {open: [1], gone_at: [null]}
  category: towns.region
  brand: towns.name
  model_year: group
stay:
  table: stays
  unit: hours
  joins: [order_id -> orders.id]
  id: id
  listing: house_id
  customer: guest
  made_at: orders.made
  checkin: made
  checkout: orders.made
  pickup: nights
  dropoff: orders.order
  amount: {column: cents, divide_by: 100}
  currency: {column: orders.currency_id, EUR: [1], USD: [2]}
  state: {column: state, confirmed: ["it's on"], pending: [null], ignored: [x]}
  only: {void: [0]}
customer: {table: guests, id: id, created_at: since}
place: {table: towns, id: id, title: name, state: region}
"""


@pytest.mark.parametrize(
    ("before", "after", "left_out"),
    [
        ("", "", set()),
        ("  customer: guest\n", "", {"user_rentals_total", "user_cohorts_monthly", "customers", "top_spenders"}),
        ("  dropoff: orders.order\n", "", {"location_hours_monthly", "location_rentals_daily", "location_rentals_total"}),
        ("place: {table: towns, id: id, title: name, state: region}\n", "", {"location_rentals_total", "top_locations"}),
        ("id: id, created_at: since}\nplace", "id: id}\nplace", {"user_cohorts_monthly", "returning_users"}),
        ("  category: towns.region\n", "", {"rentals_of_unknown_type"}),
        ("  created_at: since\n  active", "  active", set()),
        ("  currency: {column: orders.currency_id, EUR: [1], USD: [2]}\n", "", set()),
    ],
)
def test_the_sql_of_hourly_rentals_is_whole(tmp_path, before, after, left_out):
    """Made of the cars' files; what the mapping lacks is left out by name, and what reads it, too."""
    assert before in HOURLY
    shipped = write(tmp_path, HOURLY.replace(before, after, 1) if before else HOURLY)
    assert find_mistakes("inn", tmp_path) == []
    names = {Path(path).stem for path in shipped.left_out}
    assert names >= left_out and bool(names) == bool(left_out)
    for path in sorted((tmp_path / "inn").rglob("*.sql")):
        assert not re.search(r"\bcars_(control|raw|curated|staging|presentation)\b", path.read_text(encoding="utf-8")), path


def test_hourly_figures_are_in_one_currency(tmp_path):
    """Amounts are not converted: a rental in another currency is set aside, and so is a run that would show another one."""
    write(tmp_path, HOURLY)
    rentals = (tmp_path / "inn/curated/rental_transactions.sql").read_text(encoding="utf-8")
    assert "when currency <> 'EUR' then inn_control.tell_broken('other_currency: currency=', currency)" in rentals
    check = (tmp_path / "inn/checks/figures_in_one_currency.sql").read_text(encoding="utf-8")
    assert "where currency <> 'EUR'" in check and "severity:   fail" in check


def test_a_rental_that_is_not_confirmed_is_counted_nowhere(tmp_path):
    """It has no day, no times and no amount, and the currency by which totals tell what counts."""
    write(tmp_path, HOURLY)
    rentals = (tmp_path / "inn/curated/rental_transactions.sql").read_text(encoding="utf-8")
    for name in ("rental_date", "started_at", "ended_at", "rental_seconds", "total_amount", "currency"):
        assert f"end as {name},\n" in rentals.partition("from ruled")[0].rpartition("select")[2], name
    assert rentals.count("case when rental_status = 'confirmed' then ") == 6
