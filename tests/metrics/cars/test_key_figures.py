"""The cars' key figures, counted by hand: the examples of the files' headers, all in one market, each at a time of its own."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.metrics.agreement import assert_metrics_agreed, read_all
from tests.metrics.cars.rows import location, rental, user, vehicle
from tests.metrics.cars.subject import CARS
from tests.metrics.engine import Engine

AS_OF = date(2024, 5, 1)
PARENTS = {
    "locations": [location(key) for key in range(1, 5)],
    "vehicles": [
        vehicle("c1"),
        vehicle("c2", brand="Kia", vehicle_year=2022),
        vehicle("c3", brand=None, vehicle_year=None),
        vehicle("p1", vehicle_type="premium"),
        vehicle("h1", vehicle_type="high_end", brand="BMW"),
    ],
    "users": [user("u1"), *(user(key, creation_date="2024-01-10") for key in ("n1", "n2", "n3", "n4"))],
}


def lend(key: str, starts: str, ends: str, car: str = "c1", amount: str = "100.00", **changes) -> dict:
    """A rental, with times as `2024-03-05 08:00`."""
    times = {"rental_start_time": f"{starts}:00", "rental_end_time": f"{ends}:00"}
    return rental(key, vehicle_id=car, total_amount=amount, **times, **changes)


USED = [
    lend("u1", "2024-03-04 18:00", "2024-03-06 00:00"),
    lend("u2", "2024-03-04 00:00", "2024-03-07 00:00", "p1", "10.00"),
    lend("u3", "2024-03-08 09:00", "2024-03-08 09:00", "c1", "7.77"),
    lend("u4", "2024-03-09 00:00", "2024-03-14 00:00", "c3", "0.03"),
]
AT_ONCE = [
    lend("o1", "2022-03-05 08:00", "2022-03-05 12:00"),
    lend("o2", "2022-03-05 10:00", "2022-03-05 14:00", "c2"),
    lend("o3", "2022-03-05 14:00", "2022-03-05 16:00", "p1"),
    lend("o4", "2022-03-05 11:00", "2022-03-05 13:00", "c2"),
    lend("o5", "2022-03-05 23:00", "2022-03-07 00:00", "c3"),
]
BY_HOUR = [
    *(lend(f"h{day}", f"2021-02-{day} 07:00", f"2021-02-{day} 10:00", dropoff_location=1) for day in ("01", "08", "15", "22")),
    lend("h1", "2021-01-31 08:00", "2021-01-31 09:00", "c2", dropoff_location=1),
    lend("h2", "2021-02-08 08:30", "2021-02-08 12:00", "c2", dropoff_location=1),
]
LENGTHS = [
    lend("l1", "2022-07-05 08:00", "2022-07-05 11:00", amount="30.00"),
    lend("l2", "2022-07-05 12:00", "2022-07-05 17:00", amount="50.00"),
    lend("l3", "2022-07-10 12:00", "2022-07-10 18:00", amount="60.00"),
    lend("l4", "2022-07-11 12:00", "2022-07-18 12:00", amount="70.00"),
    lend("l5", "2022-07-12 12:00", "2022-07-12 12:00", "c2", amount="1.00"),
]
SIGNED_UP = [
    lend("s1", "2024-01-12 08:00", "2024-01-12 09:00", user_id="n1"),
    lend("s2", "2024-02-29 08:00", "2024-02-29 09:00", user_id="n1"),
    lend("s3", "2024-01-30 08:00", "2024-01-30 09:00", user_id="n2"),
    lend("s4", "2024-01-09 08:00", "2024-01-09 09:00", user_id="n3"),
]
BALANCE = [
    lend("b1", "2022-10-04 08:00", "2022-10-04 11:00", pickup_location=3, dropoff_location=4),
    lend("b2", "2022-10-04 12:00", "2022-10-11 11:00", "c2", pickup_location=3, dropoff_location=4),
    lend("b3", "2022-10-12 08:00", "2022-10-12 11:00", pickup_location=4, dropoff_location=3),
]
IDLE = [
    lend("i1", "2024-04-20 08:00", "2024-04-20 18:00"),
    lend("i2", "2024-03-20 08:00", "2024-03-20 18:00", "p1"),
    lend("i3", "2024-04-24 08:00", "2024-04-25 10:00", "c2"),
    lend("i4", "2024-04-26 01:00", "2024-04-26 02:00", "c2"),
    lend("i5", "2024-04-26 07:00", "2024-04-26 09:00", "c2"),
    lend("i6", "2024-04-26 08:00", "2024-04-26 12:00", "c2"),
]


@pytest.fixture(scope="module")
def engine(warehouse, aws):
    """The market; one car more has come in its second run."""
    warehouse.empty()
    aws.client("s3").create_bucket(Bucket="figures-of-cars", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    engine = Engine(warehouse, "figures-of-cars", CARS, CARS.columns)
    rentals = [*USED, *AT_ONCE, *BY_HOUR, *LENGTHS, *SIGNED_UP, *BALANCE, *IDLE]
    engine.run(date(2024, 4, 26), {**PARENTS, "rental_transactions": rentals}, observed_at=datetime(2024, 4, 26, 6))
    engine.run(AS_OF, {"vehicles": [vehicle("c4", changed_at=datetime(2024, 4, 26, 8))]})
    return engine


@pytest.fixture(scope="module")
def metrics(engine) -> dict[str, list[dict]]:
    """Each metric as the judge has it too."""
    return {name: frame.to_dict("records") for name, frame in assert_metrics_agreed(engine, AS_OF).items()}


def find(rows: list[dict], **known) -> dict:
    (row,) = (row for row in rows if known.items() <= row.items())
    return row


def within(rows: list[dict], first: date, last: date) -> list[tuple]:
    """Return the rows whose first column is a day within two others, in their order."""
    values = [tuple(row.values()) for row in rows]
    return sorted((row for row in values if first <= row[0] <= last), key=lambda row: row[:2])


def test_money_is_of_the_days_on_which_a_car_is_used(metrics):
    """Spread by the clock, the last cent on the last day; a rental of no time has all of it, and midnight begins no day."""
    days = {row["use_day"].day: row for row in metrics["fleet_revenue_daily"] if f"{row['use_day']:%Y-%m}" == "2024-03"}
    assert [str(days[day]["revenue"]) for day in range(4, 15)] == [
        *("23.33", "83.33", "3.34", "0", "7.77"),
        *("0", "0.01", "0", "0.01", "0.01", "0"),
    ]
    assert [str(days[day]["pickup_revenue"]) for day in (4, 5, 8, 9)] == ["110", "0", "7.77", "0.03"]
    monday = days[4]
    assert (monday["car_days"], monday["rented_days"], monday["utilisation"]) == (5.0, 1.25, 0.25)
    assert monday["revenue_per_car_day"] == pytest.approx(23.33 / 5)
    assert monday["revenue_per_rented_day"] == pytest.approx(23.33 / 1.25)
    assert monday["revenue_per_car_day"] == pytest.approx(monday["revenue_per_rented_day"] * monday["utilisation"])
    month = find(metrics["fleet_revenue_monthly"], month_start=date(2024, 3, 1))
    assert (month["revenue"], month["pickup_revenue"], month["car_days"]) == (Decimal("217.80"), Decimal("217.80"), 155.0)
    # The newest month has its days up to the one on which a car was out last, the 26th, from 8:00 on with a sixth car.
    april = find(metrics["fleet_revenue_monthly"], month_start=date(2024, 4, 1))
    assert april["car_days"] == pytest.approx(26 * 5 + 16 / 24)


def test_money_is_of_a_cars_brand_and_age(metrics):
    """Of today's; a car of which neither is known has a row of its own."""
    march, of_class = date(2024, 3, 1), metrics["fleet_by_class_monthly"]
    unknown = find(of_class, month_start=march, brand="unknown")
    assert (unknown["model_year"], unknown["car_age"]) == (None, None)
    assert (unknown["revenue"], unknown["rented_days"]) == (Decimal("0.03"), 5)
    toyota = find(of_class, month_start=march, brand="Toyota", model_year=2018)
    assert (toyota["car_age"], toyota["rentals"], toyota["car_days"]) == (6, 4, 62.0)
    assert toyota["rented_days"] == pytest.approx(1.25 + 3 + 10 / 24)


def test_most_cars_at_once(metrics):
    """A car that comes back as another leaves is not out with it, and two rentals of one car are one car."""
    assert within(metrics["cars_out_daily"], date(2022, 3, 1), date(2022, 3, 31)) == [
        (date(2022, 3, 5), 2, datetime(2022, 3, 5, 10), 5, 0.4),
        (date(2022, 3, 6), 1, datetime(2022, 3, 6), 5, 0.2),
    ]


def test_a_location_is_busy_by_the_hour_of_the_week(metrics):
    """Cars that are out from it, of those that are out from it or stand there; after 30 days a car stands nowhere."""
    hours = [row for row in metrics["location_hours_monthly"] if row["period_start"].year == 2021]
    monday = find(hours, period_start=date(2021, 2, 1), location_id=1, weekday=1, hour_of_day=8)
    assert (monday["rented_hours"], monday["available_hours"], monday["utilisation"]) == (4.5, 8.0, 0.5625)
    # c2 was left on February 8 at 12:00, c1 on February 22 at 10:00: in March both stand, for what is left of 30 days.
    march = [row["available_hours"] for row in hours if row["period_start"] == date(2021, 3, 1)]
    assert sum(march) == (9 * 24 + 12) + (23 * 24 + 10)
    assert {row["period_start"].month for row in hours} == {1, 2, 3}


def test_rentals_by_length(metrics):
    """To the second, each with its money; the shares of a week are one."""
    rows = within(metrics["rental_lengths_weekly"], date(2022, 7, 1), date(2022, 7, 31))
    assert [row[:7] for row in rows] == [
        (date(2022, 7, 4), 0, 4, 1, 1 / 3, Decimal("30.00"), 3.0),
        (date(2022, 7, 4), 4, 12, 2, 2 / 3, Decimal("110.00"), 11.0),
        (date(2022, 7, 11), 0, 4, 1, 0.5, Decimal("1.00"), 0.0),
        (date(2022, 7, 11), 168, None, 1, 0.5, Decimal("70.00"), 168.0),
    ]
    assert [row[7] for row in rows] == [pytest.approx(240), pytest.approx(240), None, pytest.approx(10)]


def test_users_by_the_month_in_which_they_signed_up(metrics):
    """Their first rental within a year, and whether there is another; what was before the sign-up is not looked at."""
    cohort = find(metrics["user_cohorts_monthly"], period_start=date(2024, 1, 1))
    assert list(cohort.values())[1:] == [4, 2, 1, 2, 2, 11.0, 11.0, 1, 0.5]


def test_a_location_gives_more_than_it_gets(metrics):
    """Pickups less dropoffs, by week and in all so far."""
    rows = within(metrics["location_balance_weekly"], date(2022, 10, 1), date(2022, 10, 31))
    assert [(row[0].day, row[1], *row[5:]) for row in rows] == [
        (3, 3, 2, 0, 2, 2),
        (3, 4, 0, 1, -1, -1),
        (10, 3, 0, 1, -1, 1),
        (10, 4, 1, 1, 0, -1),
    ]


def test_idle_cars(metrics):
    """A car that nobody rented for 7, 30 and 90 days; one that came last week is not idle. And what was between two rentals."""
    week = find(metrics["idle_cars_weekly"], period_start=date(2024, 4, 22))
    assert list(week.values())[1:] == [6, 4, 3, 1, 2, 10.0]


@pytest.mark.slow  # the random increments compare with a rebuild as well
def test_an_old_rental_is_corrected(make_engine):
    """It moves by ten weeks: what it touches for 90 days is built again, and is what a rebuild gives."""
    engine = make_engine()
    engine.run(AS_OF, {**PARENTS, "rental_transactions": [*USED, *IDLE]})
    engine.run(AS_OF, {"rental_transactions": [lend("i2", "2024-01-05 08:00", "2024-01-07 18:00", "p1")]})
    weeks = assert_metrics_agreed(engine, AS_OF)["idle_cars_weekly"].to_dict("records")
    assert find(weeks, period_start=date(2024, 4, 22))["idle_30_days"] == 3
    incremental = read_all(engine)
    engine.run(AS_OF, rebuild=True)
    assert read_all(engine) == incremental
