"""A child that spells its parent's key otherwise, as a source's collation may let it, is told by that name, not as an orphan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.metrics.cars.rows import location, rental, user, vehicle

AS_OF = date(2024, 5, 1)
PLACES = {"locations": [location(1), location(2)]}
RULE = "parent_spelled_otherwise"


@pytest.fixture
def engine(make_engine):
    return make_engine()


def rejected(engine) -> list[tuple]:
    rows = engine.read("curated.rejected_rows").sort_values("row_key")
    return [(row.row_key, row.broken_rule, row.broken_value, row.amount) for row in rows.itertuples()]


def test_a_child_that_differs_from_its_parents_key_in_case_is_told_by_name(engine):
    """With its money and what it may mean; one whose parent is nowhere stays an orphan, and one that is spelled alike is kept.

    Blanks at a text's end do not count in Redshift, and so nothing differs by them.
    """
    engine.run(
        AS_OF,
        PLACES
        | {
            "users": [user("ab-1"), user("ÄB-2")],
            "vehicles": [vehicle("c1")],
            "rental_transactions": [
                rental("r1", user_id="ab-1"),
                rental("r2", user_id="AB-1"),
                rental("r3", user_id="ab-1  "),
                rental("r4", user_id="äb-2", total_amount="40.50"),
                rental("r5", vehicle_id="C1", user_id="ab-1"),
                rental("r6", user_id="nobody"),
            ],
        },
    )
    assert list(engine.read("curated.rental_transactions").rental_id) == ["r1", "r3"]
    assert rejected(engine) == [
        ("r2", RULE, "user_id=AB-1, its parent ab-1", Decimal("100.00")),
        ("r4", RULE, "user_id=äb-2, its parent ÄB-2", Decimal("40.50")),
        ("r5", RULE, "vehicle_id=C1, its parent c1", Decimal("100.00")),
        ("r6", "orphan_reference", "user_id=nobody", Decimal("100.00")),
    ]
    told = engine.read("control.set_aside").set_index("broken_rule")
    assert (told.loc[RULE].rows_set_aside, told.loc[RULE].amount) == (3, Decimal("240.50"))
    assert "rental_transactions_newly_set_aside" in engine.warnings()


@pytest.mark.slow
def test_a_parent_that_comes_later_changes_what_its_child_is_called(engine):
    """As a rebuild would; and the child is accepted when the source spells it alike."""
    engine.run(AS_OF, PLACES | {"vehicles": [vehicle("c1")], "rental_transactions": [rental("r1", user_id="AB-1")]})
    assert [row[1] for row in rejected(engine)] == ["orphan_reference"]
    engine.run(AS_OF, {"users": [user("ab-1")]})
    assert [row[1] for row in rejected(engine)] == [RULE]
    before = rejected(engine)
    engine.run(AS_OF, rebuild=True)
    assert rejected(engine) == before
    engine.run(AS_OF, {"rental_transactions": [rental("r1", user_id="ab-1")]})
    assert rejected(engine) == [] and list(engine.read("curated.rental_transactions").user_id) == ["ab-1"]
