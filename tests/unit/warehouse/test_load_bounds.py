"""What a load reads of raw: versions of the keys that arrived, and the days of its window, by literals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rental_pipeline.model.load_document import LoadTotals
from rental_pipeline.warehouse.steps.analyze import LARGE_ROWS, analyze_if_large
from rental_pipeline.warehouse.steps.load import Load
from tests.fixtures.composed_steps import plan_table


class Request:
    """What a load asks of its step's request."""

    run_sequence = 7
    schemas = type("Schemas", (), {"raw": "m_raw", "control": "m_control"})
    settings = type("Settings", (), {"copy_role_arn": "role"})
    plan = type("Plan", (), {"source_time": "2026-11-22T03:00:00", "force_deletes": False})


def arrived(**ends: int) -> LoadTotals:
    """Return the totals of a load whose keys lie between these ends."""
    nothing = dict.fromkeys(("rows_read", "rows_in_parquet", "rows_deleted", "rows_set_aside"), 0)
    return LoadTotals(manifest=None, deleted_manifest=None, **nothing, **ends)


def select_known(totals: LoadTotals, key_type: str = "bigint", complete: bool = False) -> str:
    """Return the statement that looks for the newest versions of the keys that arrived."""
    table = plan_table("bookings", "merge")
    columns = tuple(replace(column, type=key_type) if column.name == "id" else column for column in table.columns)
    statements = Load(Request(), replace(table, columns=columns, complete=complete), totals).add_versions()
    (select,) = [each for each in statements if each.lstrip().startswith("create temp table _rp_newest")]
    return select


def test_versions_are_looked_for_between_the_keys_that_arrived() -> None:
    """Older ones lie anywhere in raw, but nowhere outside of these keys."""
    assert 'where _rp_raw."id" >= -3 and _rp_raw."id" <= 20' in select_known(arrived(least_key=-3, greatest_key=20))


@pytest.mark.parametrize(
    ("totals", "key_type", "complete"),
    [
        (arrived(), "bigint", False),
        (arrived(least_key=1, greatest_key=9), "varchar(64)", False),  # as text, 10 lies between 1 and 9
        (arrived(least_key=1, greatest_key=9), "decimal(10,2)", False),
        (arrived(least_key=1, greatest_key=9), "bigint", True),  # what did not arrive is gone
    ],
)
def test_without_sure_ends_all_are_looked_at(totals: LoadTotals, key_type: str, complete: bool) -> None:
    """Slower, never wrong."""
    assert "where true" in select_known(totals, key_type, complete)


def test_days_are_replaced_and_counted_by_literals() -> None:
    """Of the window, and of events without a time."""
    table = replace(plan_table("user_viewing", "append"), lower="2026-11-19T00:00:00", upper=None, days=None)
    statements = " ".join(" ".join(Load(Request(), table, arrived()).replace_days()).split())
    window = "(({0}_event_day >= '2026-11-19') or {0}_event_day < '1000-01-01')"
    own = window.format('"user_viewing".')
    assert f'where "user_viewing"._event_day = _rp_replaced_day._event_day and {own}' in statements
    assert f"where _run_sequence = 7 and {window.format('')}" in statements


def test_a_large_load_is_analyzed_by_a_statement_of_its_own() -> None:
    """Behind the commit: the run's next steps join what is new."""
    assert [each.statements for each in analyze_if_large('m_raw."bookings"', LARGE_ROWS)] == [('analyze m_raw."bookings"',)]
    assert analyze_if_large('m_raw."bookings"', LARGE_ROWS - 1) == ()
