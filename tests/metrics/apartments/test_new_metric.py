"""A metric more is one file: the next run publishes it, and the judge of its model has its figures, too."""

from datetime import date, datetime

from tests.metrics.agreement import assert_metrics_agreed
from tests.metrics.apartments.rows import attributes, booking, listing, viewing

AS_OF = date(2024, 5, 1)
RATES = "rate_date,currency,usd_per_unit\n2020-01-01,USD,1\n"


def test_a_copy_under_a_new_name_is_published_by_the_next_run(make_engine):
    """With no other file touched; its increments are the model's as well."""
    engine = make_engine(rates=RATES)
    places = {key: attributes(key, cityname=city) for key, city in ((1, "Austin"), (2, "Paris"))}
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1), listing(2)],
            "apartment_attributes": places.values(),
            "bookings": [booking(1, apartment_id=1)],
        },
    )
    model = engine.sql_root / "apartments/presentation/popular_cities_weekly.sql"
    text = model.read_text(encoding="utf-8").replace("popular_cities_weekly", "cities_that_people_like")
    model.with_name("cities_that_people_like.sql").write_text(text, encoding="utf-8")
    for changes in ({}, {"bookings": [booking(2, apartment_id=2)]}):
        engine.run(AS_OF, changes)
        assert_metrics_agreed(engine, AS_OF)
        copied, published = (engine.read(f"presentation.{name}") for name in ("cities_that_people_like", model.stem))
        assert len(copied) == len(published) > 0


VIEWINGS = """-- grain:      one row per week
-- period:     week
-- unique_key: period_start
-- reads:      dirty_day, apartments_curated.user_viewing
-- writes:     apartments_presentation.viewings_weekly
-- parameters: none
-- rerun:      replaces whole weeks
-- storage:    diststyle all; sortkey period_start

-- name: table
create table if not exists apartments_presentation.viewings_weekly (
    period_start date not null,
    viewings bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_user_viewing
select cast(date_trunc('week', viewed_at) as date) as period_start
from changed_user_viewing

-- name: rows
select
    dirty_day.period_start,
    count(*) as viewings
from dirty_day
inner join apartments_curated.user_viewing on dirty_day.calendar_date = cast(user_viewing.viewed_at as date)
group by dirty_day.period_start
"""


def test_a_metric_that_counts_events_counts_those_that_are_equal(make_engine):
    """Rows without a key: the same event comes once more, then goes; only its number has changed."""
    engine = make_engine(rates=RATES)
    (engine.sql_root / "apartments/presentation/viewings_weekly.sql").write_text(VIEWINGS, encoding="utf-8")
    event = viewing(datetime(2024, 4, 30, 10))
    engine.run(AS_OF, {"apartments": [listing(1)], "user_viewing": [event] * 2})
    for count in (3, 1, 2):
        engine.run(AS_OF, {"user_viewing": [event] * count})
        assert list(engine.read("presentation.viewings_weekly").viewings) == [count]
