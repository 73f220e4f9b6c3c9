"""Raw has no order but its runs: stored the other way round, it gives the same layers, also of versions from one moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from tests.metrics.agreement import read_all
from tests.metrics.cars.rows import location, rental, user, vehicle
from tests.metrics.order import reverse_raw

FIRST = date(2024, 3, 18)
MOMENT = datetime(2024, 3, 10, 12)


@pytest.mark.slow
def test_versions_of_one_moment_count_in_the_order_of_their_runs(make_engine):
    """Taken out of the fleet, put back and taken out again in one second: it is out, whatever order raw is stored in."""
    engine = make_engine()
    for number, active in enumerate(("1", "0", "1", "0")):
        upserts = {
            "locations": [location(1), location(2, city=f"City {number}")],
            "vehicles": [vehicle("c1", active=active, changed_at=MOMENT), vehicle("c2", active=active)],
            "users": [user("u1", is_active=active)],
            "rental_transactions": [rental("r1", total_amount=f"{100 + number}.00", changed_at=MOMENT)],
        }
        engine.run(FIRST + timedelta(days=number), upserts, observed_at=MOMENT)
    versions = engine.read("curated.vehicle_versions")
    held = versions[(versions.vehicle_id == "c1") & ~versions.is_assumed.astype(bool)]
    assert [(row.valid_from, row.valid_to, row.is_active) for row in held.itertuples()] == [(MOMENT, None, False)]
    before = read_all(engine)
    reverse_raw(engine)
    engine.run(FIRST + timedelta(days=3), rebuild=True)
    assert read_all(engine) == before
