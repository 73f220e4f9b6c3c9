"""Between which days a metric's stage reads: all of the periods that it rebuilds, and no more than their least and greatest."""

from dataclasses import replace
from datetime import date

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.marketplace import Check
from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, Metric, fill_in_days
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.definitions.sql_files import read_sql_file
from rental_pipeline.model.arrivals import PeriodRange
from rental_pipeline.model.ledger import Ledger, Position
from rental_pipeline.warehouse.steps.check import _find_all_staged_days, _find_checked_days
from rental_pipeline.warehouse.steps.stage import _make_shared, _stage, find_staged_days, is_stale
from tests.fixtures.composed_steps import SQL_ROOT
from tests.unit.warehouse.example_runs import plan_a_run


class Request:
    """What a stage asks of its step's request: run 7 of 24 November 2026 (a Tuesday), the one before published on the 20th."""

    def __init__(self, made_from: str | None = None, published_for: str = "2026-11-20", **dirty: tuple[str, str]):
        self.marketplace = read_marketplace(SQL_ROOT, "apartments")
        self.schemas = self.marketplace.schemas
        self.run_sequence = 7
        self.plan = plan_a_run(7, as_of="2026-11-24")
        self.dirty = {name: PeriodRange(*periods) for name, periods in dirty.items()}
        positions = (
            Position("presentation", m.name, 5, as_of=published_for, input_hash=made_from or self.marketplace.metric_hash(m))
            for m in self.marketplace.metrics
        )
        self.ledger = Ledger(7, "one", "", tuple(positions))

    def is_rebuilt(self, layer: str, sources: frozenset[str]) -> bool:
        return False

    def find(self, metric: str) -> tuple[date, date]:
        return find_staged_days(self, self.marketplace.metric(metric))


@pytest.mark.parametrize(
    ("metric", "dirty", "first", "last"),
    [
        ("top_listings_weekly", ("2026-11-02", "2026-11-16"), date(2026, 11, 2), date(2026, 11, 22)),
        ("average_booking_duration_monthly", ("2026-01-01", "2026-02-01"), date(2026, 1, 1), date(2026, 2, 28)),
        # Time has passed over the days, and months, since the last publication.
        ("repeat_customers_daily", ("2026-11-02", "2026-11-02"), date(2026, 11, 2), date(2026, 11, 24)),
        ("occupancy_monthly", ("2026-12-01", "2026-12-01"), date(2026, 11, 1), date(2026, 12, 31)),
    ],
)
def test_all_rebuilt_periods_lie_between(metric, dirty, first, last):
    assert Request(**{metric: dirty}).find(metric) == (first, last)


def test_passing_time_alone_is_of_metrics_that_depend_on_the_day():
    """Of the others nothing is read: no day is at once behind the last and before the first of the calendar."""
    assert Request().find("repeat_customers_daily") == (date(2026, 11, 20), date(2026, 11, 24))
    assert Request().find("top_listings_weekly") == (LAST_DAY, FIRST_DAY)


def test_a_run_of_the_same_day_stages_what_changed_alone():
    """As many runs of a day are: no time has passed over any period."""
    request = Request(published_for="2026-11-24", repeat_customers_daily=("2026-11-02", "2026-11-03"))
    assert request.find("repeat_customers_daily") == (date(2026, 11, 2), date(2026, 11, 3))
    stale = {metric.name for metric in request.marketplace.metrics if is_stale(request, metric)}
    assert stale == {"repeat_customers_daily"}


def test_a_metric_that_is_made_otherwise_is_read_whole():
    assert Request(made_from="another file").find("top_listings_weekly") == (FIRST_DAY, LAST_DAY)


def test_a_check_looks_at_the_days_of_the_metrics_that_it_reads():
    """Of no others, which may have many more; one that reads none looks at the days of all."""
    dirty = {"top_listings_weekly": ("2026-11-16", "2026-11-16"), "guests_monthly": ("2026-01-01", "2050-12-01")}
    request = Request(published_for="2026-11-24", **dirty)

    def find(reads: str) -> tuple[date, date]:
        check = Check("a_check", "warn", f"select 1 from {reads}")
        return _find_checked_days(request, check, _find_all_staged_days(request))

    whole_time = date(2026, 1, 1), date(2050, 12, 31)
    assert find("apartments_staging.top_listings_weekly") == (date(2026, 11, 16), date(2026, 11, 22))
    assert find("apartments_staging.guests_monthly") == find("apartments_curated.bookings") == whole_time
    assert find("apartments_staging.bookings_weekly") == (LAST_DAY, FIRST_DAY)
    request.plan = replace(request.plan, kind="reconcile")
    assert find("apartments_staging.top_listings_weekly") == (FIRST_DAY, LAST_DAY)


def test_days_are_written_as_literals():
    """A colon that casts is left alone."""
    sql = "d between cast(:first_day as date) and cast(:last_day as date) and x::first_day = :first_days"
    assert fill_in_days(sql, date(2026, 1, 2), date(2026, 3, 4)) == (
        "d between cast('2026-01-02' as date) and cast('2026-03-04' as date) and x::first_day = :first_days"
    )


def test_what_metrics_have_in_common_is_read_once_for_the_days_of_all():
    """From the first day that one of them looks back to, to the last one that one of them rebuilds."""
    dirty = {"top_listings_weekly": ("2026-11-16", "2026-11-16"), "repeat_customers_daily": ("2026-11-02", "2026-11-03")}
    request = Request(published_for="2026-11-24", **dirty)
    metrics = [metric for metric in request.marketplace.metrics if metric.name in dirty]
    (statement,) = _make_shared(request, metrics)
    assert statement.startswith("create temp table booking_made as ")
    assert "between cast('2026-10-04' as date) and cast('2026-11-22' as date)" in statement
    staged = _stage(request, metrics)
    assert staged.count(statement) == 1 and not [sql for sql in staged if sql.startswith("drop") and "booking_made" in sql]


def test_what_is_kept_of_the_days_before_is_not_made_again():
    """What is kept is replaced from the first dirty day on; a table that is not there is not taken for an empty one."""
    request = Request(guests_monthly=("2026-11-01", "2050-12-01"))
    read, made, deleted, kept = _make_shared(request, [request.marketplace.metric("guests_monthly")])
    assert read.startswith("create temp table booking_made as ") and "between cast('2026-11-01' as date)" in read
    assert made.startswith("create temp table numbered_booking as ") and "< cast('2026-11-01' as date)" in made
    assert deleted == "delete from apartments_staging.numbered_booking where booking_date >= '2026-11-01'"
    assert kept.startswith("insert into apartments_staging.numbered_booking select")


def test_what_is_kept_is_made_again_where_all_is():
    request = Request(made_from="another file")
    _, *statements = _make_shared(request, [request.marketplace.metric("guests_monthly")])
    assert statements[0] == "drop table if exists apartments_staging.numbered_booking"
    assert [" ".join(sql.split()[:2]) for sql in statements[1:]] == ["create table", "create temp", "insert into"]


def test_a_metric_says_how_far_it_looks_back(tmp_path):
    path = tmp_path / "m.sql"
    path.write_text("-- lookback: 29 days\n\n-- name: rows\nselect 1\n")
    assert Metric(read_sql_file(path)).lookback == 29
    path.write_text("-- lookback: a month\n\n-- name: rows\nselect 1\n")
    with pytest.raises(FixConfiguration, match="29 days"):
        _ = Metric(read_sql_file(path)).lookback
