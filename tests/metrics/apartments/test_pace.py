"""What was on the books on a past day, and how long before checkin bookings are canceled: replayed by hand and by the judge."""

from datetime import date, datetime

from tests.metrics.agreement import assert_metrics_agreed, read_all
from tests.metrics.apartments.rows import booking, listing
from tests.metrics.engine import Engine

JULY, AUGUST = date(2024, 7, 1), date(2024, 8, 1)
# The first is of the header's example; the others stand.
HOLIDAY = booking(1, booking_date="2024-06-03", checkin_date="2024-07-30", checkout_date="2024-08-02")
LAST_YEAR = booking(2, booking_date="2023-06-03", checkin_date="2023-07-10", checkout_date="2023-07-14")
# It says that it is of January.
LONG = booking(
    3, booking_date="2024-01-02", checkin_date="2024-05-20", checkout_date="2024-08-03", changed_at=datetime(2024, 1, 2, 9)
)


def read_books(engine: Engine, as_of: date) -> dict[tuple[date, date], tuple]:
    """Return the books by day and month, after the judge agreed."""
    rows = assert_metrics_agreed(engine, as_of)["pace_daily"].to_dict("records")
    return {(row["known_on"], row["stay_month"]): tuple(list(row.values())[2:]) for row in rows}


def test_the_books_of_a_past_day(make_engine):
    """A stay that is canceled on Wednesday was on the books on Tuesday, and one that comes on Thursday was not on Wednesday."""
    engine = make_engine()
    engine.run(date(2024, 6, 3), {"apartments": [listing(1)], "bookings": [HOLIDAY, LAST_YEAR]})
    engine.run(date(2024, 6, 5), {"bookings": [HOLIDAY | {"booking_status": "cancelled"}]})
    engine.run(date(2024, 6, 6), {"bookings": [LONG]})
    books = read_books(engine, date(2024, 6, 6))
    monday, tuesday, wednesday, thursday = (date(2024, 6, day) for day in (3, 4, 5, 6))
    # Nights, stays and standing nights; then the same day of last year: nothing was known, four nights were made on its day.
    for day in (monday, tuesday):
        assert books[day, JULY] == (2, 1, 31, None, 4)
        assert books[day, AUGUST] == (1, 1, 2, None, 0)
    assert books[wednesday, JULY] == (0, 0, 31, None, 4)
    assert books[thursday, JULY] == (31, 1, 31, None, 4)
    assert books[date(2024, 5, 31), JULY] == (None, None, 31, None, None)
    assert (date(2024, 1, 1), JULY) not in books
    # A year later the warehouse knows what it knew.
    engine.run(
        date(2025, 6, 5),
        {"bookings": [booking(4, booking_date="2025-06-05", checkin_date="2025-07-01", checkout_date="2025-07-02")]},
    )
    later = read_books(engine, date(2025, 6, 5))
    assert later[date(2025, 6, 5), date(2025, 7, 1)] == (1, 1, 1, 0, 31)
    assert {key: later[key] for key in books} == books
    built = read_all(engine)
    engine.run(date(2025, 6, 5), rebuild=True)
    assert read_all(engine) == built


def test_what_is_no_booking_is_on_no_books(make_engine):
    """A version that breaks a rule is a gap, as is a row that is gone; of two from one moment the last counts."""
    engine = make_engine()
    engine.run(date(2024, 6, 3), {"apartments": [listing(1)]})
    assert read_books(engine, date(2024, 6, 3)) == {}
    same_night = HOLIDAY | {"checkout_date": "2024-07-30"}
    noon = datetime(2024, 6, 3, 12)
    engine.run(date(2024, 6, 3), {"bookings": [HOLIDAY, same_night | {"booking_id": 5}]}, observed_at=noon)
    engine.run(date(2024, 6, 4), {"bookings": [HOLIDAY | {"total_price": "-1"}]})
    engine.run(date(2024, 6, 5), {"bookings": [HOLIDAY | {"checkout_date": "2024-07-31"}]})
    engine.run(date(2024, 6, 5), {"bookings": [HOLIDAY]}, observed_at=datetime(2024, 6, 5, 8))
    engine.run(date(2024, 6, 6), deletes={"bookings": [1]})
    engine.run(date(2024, 6, 7), {"bookings": [LAST_YEAR]})
    books = read_books(engine, date(2024, 6, 7))
    assert [books.get((date(2024, 6, day), JULY), (0,))[0] for day in (3, 4, 5, 6, 7)] == [2, 0, 2, 0, 0]


def test_when_bookings_are_canceled(make_engine):
    """The worked example of the header; one that is confirmed again and canceled again counts once, by the last time."""
    made = {"booking_date": "2024-06-04", "checkin_date": "2024-06-20", "checkout_date": "2024-06-22"}
    canceled = made | {"booking_status": "canceled"}
    engine = make_engine()
    engine.run(date(2024, 6, 4), {"apartments": [listing(1)], "bookings": [booking(1, **made), booking(2, **made)]})
    engine.run(date(2024, 6, 10), {"bookings": [booking(1, **canceled), booking(3, **canceled)]})
    engine.run(date(2024, 6, 18), {"bookings": [booking(2, **canceled), booking(1, **canceled, payment_status="refunded")]})
    week = assert_metrics_agreed(engine, date(2024, 6, 18))["cancellation_lead_weekly"].to_dict("records")
    assert [list(row.values()) for row in week] == [[date(2024, 6, 3), 3, 2, 1, 6.0, 6.0, 0, 1, 1, 0, 0]]
    engine.run(date(2024, 6, 19), {"bookings": [booking(1, **made)]})
    engine.run(date(2024, 6, 21), {"bookings": [booking(1, **canceled)]})
    week = assert_metrics_agreed(engine, date(2024, 6, 21))["cancellation_lead_weekly"].to_dict("records")
    assert [list(row.values()) for row in week] == [[date(2024, 6, 3), 3, 2, 1, 0.5, 0.5, 1, 1, 0, 0, 0]]
