"""The generated cars marketplace is reproducible, has the original's sizes, and carries every kind of dirt and hard case."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.marketplace.cars.keys import TREACHEROUS
from local.marketplace.cars.shares import Shares
from local.marketplace.columns import count_rows
from local.marketplace.generator import Marketplace, generate

ANCHOR = date(2026, 3, 4)
PLANTED = 15


@pytest.fixture(scope="module")
def made() -> Marketplace:
    return generate(scale=0.01, anchor=ANCHOR, marketplace="cars")


def read_rows(made: Marketplace, table: str) -> list[dict]:
    columns = made.tables[table]
    return [dict(zip(columns, row, strict=True)) for row in zip(*(values.tolist() for values in columns.values()), strict=True)]


def test_a_seed_gives_the_same_rows(made: Marketplace):
    """The same seed and day give the same rows; another seed gives others."""
    again, other = (generate(scale=0.01, seed=seed, anchor=ANCHOR, marketplace="cars") for seed in (1, 2))
    for table in made.tables:
        assert read_rows(again, table) == read_rows(made, table)
        assert read_rows(other, table) != read_rows(made, table)


def test_sizes_follow_the_scale(made: Marketplace):
    """Scale 1.0 is the original size; locations and rentals shrink by the square root, the others in proportion."""
    sizes = {table: count_rows(columns) for table, columns in made.tables.items()}
    assert sizes == {"locations": 60, "vehicles": 1_096, "users": 300, "rental_transactions": 2_008}


@pytest.mark.parametrize("scale", [0.00001, 0.01])
def test_every_kind_of_dirt_is_there_at_every_size(scale: float):
    """A rule without a row that breaks it would be a rule without a test; and most rentals are good ones all the same."""
    made = generate(scale=scale, anchor=ANCHOR, marketplace="cars")
    assert {f"{table}: {kind}": rows for table, kinds in made.dirt.items() for kind, rows in kinds.items() if rows < 1} == {}
    assert sum(made.dirt["rental_transactions"].values()) < count_rows(made.tables["rental_transactions"]) / 4


def test_shares_of_zero_leave_no_dirt():
    """Every kind of dirt can be turned off."""
    clean = generate(scale=0.01, anchor=ANCHOR, shares=Shares.without_dirt(), marketplace="cars")
    assert not any(rows for kinds in clean.dirt.values() for rows in kinds.values())


def test_rentals_are_as_the_original_ones(made: Marketplace):
    """1 to 72 whole hours at 10, 20 or 50 dollars, never back to where they started, about half of them before the account."""
    types = {row["vehicle_id"]: row["vehicle_type"] for row in read_rows(made, "vehicles")}
    created = {row["user_id"]: row["creation_date"] for row in read_rows(made, "users")}
    rates = {"basic": 10, "premium": 20, "high_end": 50}
    fitting = before = 0
    rentals = read_rows(made, "rental_transactions")
    for row in rentals:
        assert row["pickup_location"] != row["dropoff_location"]
        if None in row.values() or types.get(row["vehicle_id"]) not in rates or created.get(row["user_id"]) is None:
            continue
        hours = Decimal((row["rental_end_time"] - row["rental_start_time"]).total_seconds()) / 3600
        fitting += 1 <= hours <= 72 and row["total_amount"] == hours * rates[types[row["vehicle_id"]]]
        before += row["rental_start_time"].date() < created[row["user_id"]]
    assert fitting > len(rentals) * 0.9
    assert 0.35 < before / len(rentals) < 0.65


def test_keys_that_look_like_numbers_are_among_the_keys(made: Marketplace):
    """Ten characters each, and different; 1e50000000 and 1000000000 are not the same."""
    for table, key in (("vehicles", "vehicle_id"), ("users", "user_id"), ("rental_transactions", "rental_id")):
        keys = [row[key] for row in read_rows(made, table)]
        assert set(TREACHEROUS) < set(keys)
        assert len(set(keys)) == len(keys) and {len(text) for text in keys} == {10}


@settings(max_examples=25, deadline=None)
@given(anchor=st.dates(date(2021, 6, 1), date(2031, 12, 31)), seed=st.integers(0, 2**31))
def test_nothing_is_stamped_within_a_day_of_the_anchor(anchor: date, seed: int):
    """Whoever has read the history finds nothing new at once, on whatever day it was made."""
    end = datetime(anchor.year, anchor.month, anchor.day) - timedelta(days=1)
    made = generate(scale=0.0005, seed=seed, anchor=anchor, marketplace="cars")
    for table in ("vehicles", "rental_transactions"):
        assert max(made.tables[table]["changed_at"].tolist()) < end


@settings(max_examples=25, deadline=None)
@given(anchor=st.dates(date(2021, 6, 1), date(2031, 12, 31)))
def test_the_hard_cases_are_planted_on_any_day(anchor: date):
    """Each case on which a metric goes wrong is in the last rentals, among parents that every rule accepts."""
    made = generate(scale=0.0005, anchor=anchor, marketplace="cars")
    rentals = read_rows(made, "rental_transactions")[-PLANTED:]
    spans = [(row["rental_start_time"], row["rental_end_time"]) for row in rentals]
    midnight, year, month, until_midnight, nothing = spans[:5]
    assert midnight[0].date() < midnight[1].date()
    assert year[0].year < year[1].year
    assert month[0].month != month[1].month
    assert until_midnight[1].time() == datetime.min.time()
    assert nothing[0] == nothing[1]
    assert len({row["vehicle_id"] for row in rentals[5:10]}) == 1
    first, within, touching, _, equal = spans[5:10]
    assert first[0] < within[0] < within[1] < first[1] and within[1] == touching[0] < first[1] and equal == first
    assert {row["total_amount"] for row in rentals[13:]} == {Decimal("12345.67")}
    assert len({row["user_id"] for row in rentals[13:]}) == 2
    types = {row["vehicle_id"]: row["vehicle_type"] for row in read_rows(made, "vehicles")}
    assert all(types[row["vehicle_id"]] in ("basic", "premium", "high_end") for row in rentals)


def test_a_marketplace_without_a_generator_is_refused():
    """The message says what there is instead."""
    with pytest.raises(ValueError, match=r"local/marketplace/boats/tables\.py, or load CSV files"):
        generate(marketplace="boats")
