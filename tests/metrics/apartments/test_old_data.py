"""A file of years ago, loaded today: the report shows the periods that have figures, and says until when they reach."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from local_redshift.translate import translate
from rental_pipeline.base.object_store import NEWEST, read_json, run_key
from rental_pipeline.definitions.charts import UNTIL
from tests.metrics.apartments.rows import attributes, booking, listing, viewing

AS_OF = date(2026, 11, 26)
FIRST, LAST = date(2017, 1, 2), date(2018, 12, 24)


@pytest.fixture
def engine(make_engine):
    """Two years of bookings, a week apart, each beside a canceled one and a viewing, of a listing whose price never changed."""
    made = make_engine()
    days = [FIRST + timedelta(weeks=week) for week in range((LAST - FIRST).days // 7 + 1)]
    bookings = [
        booking(
            number,
            user_id=number % 3,  # so that each comes back within thirty days
            booking_date=day.isoformat(),
            checkin_date=day.isoformat(),
            checkout_date=(day + timedelta(days=3)).isoformat(),
        )
        for number, day in enumerate(days, start=1)
    ]
    canceled = [one | {"booking_id": 1000 + one["booking_id"], "booking_status": "canceled"} for one in bookings]
    viewings = [viewing(datetime.combine(day, time(9))) for day in days]
    price = listing(1, price="117.10", listing_created_on="2016-12-01 00:00:00")
    made.run(
        AS_OF,
        {
            "apartments": [price],
            "apartment_attributes": [attributes(1)],
            "bookings": [*bookings, *canceled],
            "user_viewing": viewings,
        },
    )
    return made


def test_charts_of_old_data_are_not_empty(engine):
    """Each has figures, those of nights and bookings up to the last period that has some."""
    reached = {}
    newest = read_json(engine.bucket, run_key(engine.subject.marketplace, engine.run_sequence, NEWEST))
    with engine.warehouse.connect() as connection:
        connection.execute("set search_path to redshift, pg_catalog")
        for chart in engine.files.charts:
            query = chart.bound(engine.files.schemas.presentation, newest)
            cursor = connection.execute(translate(query).bind({"as_of": AS_OF.isoformat()}))
            rows = [dict(zip([column.name for column in cursor.description], row, strict=True)) for row in cursor.fetchall()]
            drawn = [row for row in rows if row[chart.drawn]]
            assert drawn, chart.name
            first = chart.columns[0]
            reached[chart.name] = str(drawn[-1].get(UNTIL) or drawn[-1][first.name])
    assert reached.pop("listing_price") > "2026" < reached.pop("supply")  # the listing is still there
    comes_back = reached.pop("repeat_customers")
    assert "2018-12-24" <= comes_back <= "2019-01-23"  # a customer who came back counts for thirty days
    assert reached.pop("pace") < "2018-12"  # as each is booked on its first day, hardly a night is of the next month
    assert {day[:7] for day in reached.values()} == {"2018-12"}
