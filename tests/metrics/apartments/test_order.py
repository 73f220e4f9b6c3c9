"""Raw has no order but its runs: stored the other way round, it gives the same layers, also of versions from one moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from tests.metrics.agreement import read_all
from tests.metrics.apartments.rows import attributes, booking, listing, viewing
from tests.metrics.order import reverse_raw

FIRST = date(2024, 3, 18)
MOMENT = datetime(2024, 3, 10, 12)


@pytest.mark.slow
def test_versions_of_one_moment_count_in_the_order_of_their_runs(make_engine):
    """Three prices that say they are of the same second: the last run's holds, whatever order raw is stored in."""
    engine = make_engine()
    for number, price in enumerate(("100.00", "200.00", "150.00")):
        upserts = {
            "apartments": [listing(1, price=price, changed_at=MOMENT), listing(2, price=price)],
            "apartment_attributes": [attributes(1, cityname=("Austin", "Paris", "Pune")[number])],
            "bookings": [booking(1, total_price=price, changed_at=MOMENT), booking(2, num_guests=number)],
            "user_viewing": [viewing(datetime(2024, 3, 9, 8)), viewing(datetime(2024, 3, 9, 8))],
        }
        engine.run(FIRST + timedelta(days=number), upserts, observed_at=MOMENT)
    versions = engine.read("curated.apartment_versions")
    held = versions[(versions.id == 1) & ~versions.is_assumed.astype(bool)]
    assert [(row.valid_from, row.valid_to, str(row.price)) for row in held.itertuples()] == [(MOMENT, None, "150.00")]
    assert str(engine.read("curated.bookings").set_index("booking_id").total_price[1]) == "150.00"
    before = read_all(engine)
    reverse_raw(engine)
    engine.run(FIRST + timedelta(days=2), rebuild=True)
    assert read_all(engine) == before


def test_a_full_build_knows_the_days_that_lost_all_their_rows(make_engine):
    """They are in curated alone: the lake's months of theirs are stale, or readers would see for ever what the source deleted."""
    engine = make_engine()
    old, new = (viewing(datetime(year, 3, 9, 8)) for year in (2022, 2024))
    engine.run(FIRST, {"apartments": [listing(1)], "user_viewing": [old, new]})
    with engine.warehouse.connect() as connection:
        connection.execute("delete from apartments_raw.user_viewing where _event_day = '2022-03-09'")
        connection.execute("delete from apartments_control.lake_stale_year")
        connection.execute(
            "update apartments_control.layer_position set input_hash = 'other files'"
            " where name = 'user_viewing' and layer = 'curated'"
        )
    engine.run(FIRST)
    assert list(engine.read("curated.user_viewing").event_day) == [date(2024, 3, 9)]
    stale = engine.read("control.lake_stale_year")
    assert set(stale[stale.table_name == "curated_user_viewing"].stale_year) == {202203, 202403}
