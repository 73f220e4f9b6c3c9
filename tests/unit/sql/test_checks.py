"""Which checks stop a publication, and which only warn."""

from __future__ import annotations

import re

import pytest

from rental_pipeline.base.errors import FixData
from tests.fixtures.composed_steps import Composed, compose_all_steps

# What people should know of, and no figure is wrong by. Every other check stops the publication.
WARN = {
    "apartments": {
        "bookings_fresh",
        "bookings_not_from_future",
        "bookings_without_city",
        "bookings_without_rate",
        "call_to_action_known",
        "listings_without_rate",
    },
    "cars": {
        "amounts_fit_rates",
        "rentals_before_account",
        "rentals_fresh",
        "rentals_not_from_future",
        "rentals_of_inactive_users",
        "rentals_of_unknown_type",
        "rentals_overlap",
    },
}


@pytest.fixture(scope="module", params=WARN)
def composed(request) -> Composed:
    return compose_all_steps(request.param, is_new_shape=False)


def read_severities(composed: Composed) -> dict[str, str]:
    """Return the severity with which the check step records each check, those that are made for every table included."""
    statements = [sql for submission in composed.steps["check"].submissions for sql in submission.statements]
    counted = re.compile(
        r"cast\('(\w+)' as varchar\(127\)\) as _rp_check, cast\('(\w+)' as varchar\(4\)\) as _rp_severity,"
        r" count\(\*\) as _rp_violations"
    )
    return dict(found for sql in statements for found in counted.findall(sql))


def test_every_check_stops_the_publication_unless_it_may_warn(composed):
    """A wrong figure is worse than a stopped run: one that only warns is in the list."""
    severities = read_severities(composed)
    warn = {name for name in severities if name.endswith("_newly_set_aside")} | WARN[composed.warehouse.schemas.marketplace]
    assert {name for name, severity in severities.items() if severity == "warn"} == warn
    assert set(severities.values()) == {"warn", "fail"}


def test_every_judged_table_is_accounted_for(composed):
    """Every key of raw is accepted or rejected, and more than the limit is not set aside: of each table that judges rows."""
    severities = read_severities(composed)
    for table in composed.warehouse.curated:
        if not table.is_derived:
            assert severities[f"{table.name}_accounted_for"] == "fail"
            assert severities[f"{table.name}_set_aside_beyond_limit"] == "fail"
            assert severities[f"{table.name}_newly_set_aside"] == "warn"


def test_a_failing_check_stops_the_run(composed):
    """With its name, how many rows it found, and an example; a warning is only counted."""
    broken = {"check_name": "one", "severity": "fail", "violations": 3, "example": "row 7"}
    warning = {**broken, "check_name": "two", "severity": "warn"}
    with pytest.raises(FixData, match="nothing was published, because 1 checks fail: one: 3 rows, for example row 7"):
        composed.steps["check"].finish([[broken, warning], []])
    assert composed.steps["check"].finish([[warning], []]) == {"warnings": 1}


def test_no_example_of_what_is_set_aside_has_a_personal_value(composed):
    """Neither by the row's key nor by the value that broke the rule, of the table itself or of one that refers to it."""
    statements = [sql for submission in composed.steps["check"].submissions for sql in submission.statements]
    checks = [check for sql in statements for check in re.split(r"(?=select cast\('\w+' as varchar\(127\)\) as _rp_check)", sql)]
    hidden = {"apartments": {"bookings", "user_viewing"}, "cars": {"users", "rental_transactions"}}
    for table in composed.warehouse.curated:
        told = [sql for sql in checks if sql.startswith(f"select cast('{table.name}_newly_set_aside' as ")]
        assert len(told) == 1
        is_hidden = "then split_part(newly_set_aside.broken_value, '=', 1)" in told[0]
        assert is_hidden == (table.name in hidden[composed.warehouse.schemas.marketplace]), table.name
        assert ("position('user_id=' in newly_set_aside.broken_value) > 0" in told[0]) == is_hidden
        assert ("|| newly_set_aside.row_key" in told[0]) == (table.name != "users")


def test_the_report_counts_every_table_that_sets_rows_aside(composed):
    """A table of versions too, as what it cannot hold is set aside by rule."""
    (counts,) = [sql for sql in composed.steps["report"].snapshot.selects if "accepted_rows" in sql]
    for table in composed.warehouse.curated:
        assert f"'{table.name}'" in counts
