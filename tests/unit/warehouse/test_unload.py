"""Which rows of a table a run unloads: of the months or years that differ, in literals."""

import pytest

from rental_pipeline.warehouse.steps.unload import _bound_parts


@pytest.mark.parametrize(
    ("unit", "parts", "condition"),
    [
        ("year", (2026,), "(day >= '2026-01-01' and day < '2027-01-01')"),
        ("year", (2024, 2026, 2025), "(day >= '2024-01-01' and day < '2027-01-01')"),
        ("month", (202611,), "(day >= '2026-11-01' and day < '2026-12-01')"),
        ("month", (202701, 202612), "(day >= '2026-12-01' and day < '2027-02-01')"),
        (
            "month",
            (202610, 202612),
            "(day >= '2026-10-01' and day < '2026-11-01') or (day >= '2026-12-01' and day < '2027-01-01')",
        ),
        ("month", (0, 202612), "day is null or (day >= '2026-12-01' and day < '2027-01-01')"),
        ("month", (999912,), "(day >= '9999-12-01')"),
        ("year", (9999,), "(day >= '9999-01-01')"),
        ("month", (0,), "day is null"),
    ],
)
def test_parts_that_follow_each_other_are_one_range(unit, parts, condition):
    """Rows without a date are part 0; behind the last day of a date there is nothing."""
    assert _bound_parts(unit, "day", parts) == condition
