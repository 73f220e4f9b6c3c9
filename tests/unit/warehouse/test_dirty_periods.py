"""Which periods a change makes stale: one statement for all metrics, which reads the first days of the calendar once."""

from types import SimpleNamespace

import pytest

from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.definitions.metric import Metric
from rental_pipeline.definitions.sql_files import read_sql_file
from rental_pipeline.model.ledger import Ledger, Position
from rental_pipeline.warehouse.steps.dirty_periods import mark_dirty

REQUEST = SimpleNamespace(schemas=Schemas("shop"), run_sequence=7)
DAYS = "select day as first_day, day as last_day from changed_sales"


@pytest.fixture
def make_metric(tmp_path):
    def make(name: str, period: str, *sections: str) -> Metric:
        path = tmp_path / f"{name}.sql"
        path.write_text("\n\n".join([f"-- period: {period}", *sections]) + "\n")
        return Metric(read_sql_file(path))

    return make


def test_the_first_days_of_the_calendar_are_read_once(make_metric):
    """However many metrics there are; what two have in common is asked once."""
    section = f"-- name: dirty_days_from_sales\n{DAYS}"
    metrics = [make_metric(f"m{number}", period, section) for number, period in enumerate(["week", "month", "week", "all"])]
    (statement,) = mark_dirty(REQUEST, "sales", metrics)
    assert statement.count("shop_control.calendar where calendar_date < cast('2000-05-17' as date)") == 1
    assert statement.count("shop_control.calendar") == 1
    assert statement.count("from changed_sales") == 3
    assert all(f"cast('m{number}' as varchar(127))" in statement for number in range(4))


def test_periods_that_a_metric_tells_itself_are_taken(make_metric):
    """Without a calendar; of a table that touches no metric nothing is noted."""
    metric = make_metric("m", "all", "-- name: dirty_from_sales\nselect 1 as period_start from changed_sales")
    (statement,) = mark_dirty(REQUEST, "sales", [metric])
    assert "select 1 as period_start from changed_sales" in statement and "calendar" not in statement
    assert mark_dirty(REQUEST, "shops", [metric]) == []


def test_days_are_taken_for_a_metric_that_tells_none(make_metric):
    """As those of a rate are; a metric that tells its own periods keeps them."""
    plain = make_metric("plain", "day", "-- name: rows\nselect 1")
    special = make_metric("special", "day", "-- name: dirty_from_exchange_rate\nselect 2 as period_start")
    (statement,) = mark_dirty(REQUEST, "exchange_rate", [plain, special], DAYS)
    assert statement.count(DAYS) == 1 and "cast('plain'" in statement
    assert "select cast('special' as varchar(127)) as metric, touched_period.period_start from (select 2" in statement


@pytest.mark.parametrize(
    ("shape", "is_made_anew", "expected"),
    [("new", False, "from shop_presentation.m"), ("old", False, "calendar"), ("new", True, "calendar")],
    ids=["as it was published", "the published table has another shape", "what the changed table held is not known"],
)
def test_what_is_looked_for_in_the_published_table_is_all_periods_where_that_cannot_tell(
    make_metric, shape, is_made_anew, expected
):
    """The table may have other columns, or be missing; or nobody knows as what a row was published."""
    section = "-- name: dirty_from_sales\nselect m.period_start from shop_presentation.m"
    request = SimpleNamespace(
        **vars(REQUEST),
        ledger=Ledger(7, "arn", "files", (Position("presentation", "m", 6, definition_hash=shape),)),
        marketplace=SimpleNamespace(definition_hash=lambda file: "new"),
    )
    (statement,) = mark_dirty(request, "sales", [make_metric("m", "week", section)], is_made_anew=is_made_anew)
    assert f"touched_period.period_start from (select {'m.period_start' if expected.endswith('m') else 'week_start'}" in statement
    assert expected in statement
