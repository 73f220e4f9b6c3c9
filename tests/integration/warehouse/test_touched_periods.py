"""The periods that hold a touched day, as Redshift's SQL counts them: those of the calendar, for spans of any length."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rental_pipeline.definitions.metric import find_periods, select_numbers
from rental_pipeline.model.sql_literal import literal

FIRST, LAST = date(2000, 1, 1), date(2050, 12, 31)
SPANS = [
    (date(2026, 11, 27), date(2026, 11, 27)),
    (date(2026, 11, 29), date(2026, 11, 30)),  # a Sunday and a Monday
    (date(2025, 12, 31), date(2026, 1, 1)),
    (date(2024, 1, 31), date(2024, 3, 1)),
    (date(2026, 1, 1), date(2026, 5, 18)),  # 138 days: one more than are counted in one go
    (date(2026, 5, 2), date(2026, 5, 1)),  # ends before it begins
    (date(1990, 5, 1), date(2000, 1, 2)),
    (date(2050, 12, 30), date(9999, 12, 31)),
    (date(1990, 1, 1), date(1999, 12, 31)),
    (date(1990, 1, 1), date(9999, 12, 31)),
]
START = {"day": lambda day: day, "week": lambda day: day - timedelta(days=day.weekday()), "month": lambda day: day.replace(day=1)}


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_every_period_of_a_span_is_found_once(control, period):
    """And none beside it; what is outside of the calendar has no period."""
    days = " union all ".join(
        f"select cast('m{number}' as varchar(8)) as metric, cast({literal(first.isoformat())} as date) as first_day,"
        f" cast({literal(last.isoformat())} as date) as last_day"
        for number, (first, last) in enumerate(SPANS)
    )
    control.execute(
        [
            "set search_path to apartments_control",
            "create table found (metric varchar(8), period_start date)",
            f"insert into found with _rp_number as ({select_numbers('apartments_control')}) {find_periods(period, days)}",
        ]
    )
    found = control.query(
        "select metric, cast(period_start as varchar(10)) as period_start from apartments_control.found order by 1, 2"
    )
    expected = {
        (f"m{number}", START[period](FIRST + timedelta(days=place)).isoformat())
        for number, (first, last) in enumerate(SPANS)
        for place in range(max((first - FIRST).days, 0), min((last - FIRST).days, (LAST - FIRST).days) + 1)
    }
    assert len(found) == len(set(found))
    assert {(metric, start) for metric, start in found} == expected
