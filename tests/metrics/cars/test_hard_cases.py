"""Small marketplaces of cars whose figures are counted by hand; the warehouse and the judge must both arrive at them."""

from datetime import date
from decimal import Decimal

import pytest

from tests.metrics.agreement import assert_agreed, assert_metrics_agreed
from tests.metrics.cars.rows import location, rental, user, vehicle
from tests.metrics.cars.subject import KEYS, TEXT_COLUMNS

AS_OF = date(2024, 5, 1)
ALL = date(2000, 1, 1)
PARENTS = {
    "locations": [location(1), location(2), location(3, location_name="Bean LLC", city="Fontana")],
    "vehicles": [vehicle("c1"), vehicle("c2"), vehicle("p1", vehicle_type="Premium"), vehicle("h1", vehicle_type="high-end")],
    "users": [user("u1"), user("u2")],
}


@pytest.fixture
def build(make_engine):
    """Return a function that builds everything from rentals, and returns the metrics that the judge agreed on, as sorted rows."""

    def build(*rentals: dict, **parents: list[dict]) -> dict[str, list[tuple]]:
        engine = make_engine()
        engine.run(AS_OF, {**PARENTS, **parents, "rental_transactions": rentals})
        return read_agreed(engine)

    return build


def read_agreed(engine) -> dict[str, list[tuple]]:
    frames = assert_metrics_agreed(engine, AS_OF)
    return {metric: sorted(frame.itertuples(index=False, name=None), key=repr) for metric, frame in frames.items()}


def dollars(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


def test_money_counts_once_at_the_pickup(build):
    """Two dear rentals end where a cheap one starts: adding both ends would put that location first."""
    metrics = build(
        rental("r1", pickup_location=1, dropoff_location=3, total_amount="300.00"),
        rental("r2", pickup_location=2, dropoff_location=3, total_amount="200.50", vehicle_id="c2"),
        rental("r3", pickup_location=3, dropoff_location=1, total_amount="10.00", vehicle_id="c2"),
        rental("r4", pickup_location=1, dropoff_location=3, total_amount="100.00", vehicle_id="c1"),
    )
    assert [(row[1], *row[5:8], *row[8:]) for row in metrics["location_rentals_total"]] == [
        (1, 2, Decimal("400.00"), 200.0, *dollars("300.00", "100.00"), 1, 1, 1),
        (2, 1, Decimal("200.50"), 200.5, *dollars("200.50", "200.50"), 1, 0, 2),
        (3, 1, Decimal("10.00"), 10.0, *dollars("10.00", "10.00"), 1, 3, 3),
    ]
    assert sum(row[6] for row in metrics["location_rentals_total"]) == metrics["rentals_daily"][0][2] == Decimal("610.50")


def test_a_location_where_cars_only_arrive(build):
    """It has dropoffs, and no amounts; the day of a dropoff is the one on which the rental ends."""
    metrics = build(rental("r1", rental_end_time="2024-03-07 00:00:00"))
    assert metrics["location_rentals_daily"] == [
        (date(2024, 3, 5), 1, 1, Decimal("100.00"), 100.0, *dollars("100.00", "100.00"), 1, 0),
        (date(2024, 3, 7), 2, 0, 0, None, None, None, 0, 1),
    ]
    assert metrics["rentals_daily"] == [(date(2024, 3, 5), 1, Decimal("100.00"), 100.0)]


def test_unique_vehicles_do_not_add_up_over_days(build):
    """A car picked up at one place on two days, twice on one of them, is one vehicle each day and one in all."""
    metrics = build(
        rental("r1"),
        rental("r2", rental_start_time="2024-03-05 19:00:00", rental_end_time="2024-03-05 20:00:00"),
        rental("r3", rental_start_time="2024-03-06 19:00:00", rental_end_time="2024-03-06 20:00:00"),
        rental("r4", rental_start_time="2024-03-06 19:00:00", rental_end_time="2024-03-06 20:00:00", vehicle_id="c2"),
    )
    assert [row[7] for row in metrics["location_rentals_daily"] if row[1] == 1] == [1, 2]
    assert [row[10] for row in metrics["location_rentals_total"] if row[1] == 1] == [2]


def test_hours_are_exact(build):
    """Not whole days, nor boundaries crossed: a minute over midnight is a minute, and seconds count."""
    metrics = build(
        rental("r1", rental_start_time="2024-03-05 23:59:30", rental_end_time="2024-03-06 00:00:30"),
        rental("r2", rental_start_time="2024-03-05 01:00:00", rental_end_time="2024-03-05 02:30:45"),
        rental("r3", rental_start_time="2024-03-05 03:00:00", rental_end_time="2024-03-05 03:00:00"),
    )
    seconds = (60, 5_445, 0)
    (first, second) = metrics["vehicle_type_rentals_daily"]
    assert first[2] == 3
    assert first[4:8] == pytest.approx((sum(seconds) / 3600, sum(seconds) / 3 / 3600, 0.0, 5_445 / 3600))
    assert first[9:] == pytest.approx(((30 + 5_445) / 3600, (30 + 5_445) / 86_400 / 2))
    assert (second[0], *second[2:8]) == (date(2024, 3, 6), 0, 0, 0.0, None, None, None)
    assert second[9:] == pytest.approx((30 / 3600, 30 / 86_400 / 2))
    assert metrics["user_rentals_total"][0][7] == pytest.approx(sum(seconds) / 3600)


def test_a_rental_takes_its_time_from_each_of_its_days(build):
    """From Monday noon to Thursday six: half a day, two whole ones, a quarter; all its hours and money are of Monday."""
    metrics = build(rental("r1", vehicle_id="p1", rental_start_time="2024-02-26 12:00:00", rental_end_time="2024-02-29 06:00:00"))
    assert [(row[0].day, row[2], row[4], row[9], row[10]) for row in metrics["vehicle_type_rentals_daily"]] == [
        (26, 1, 66.0, 12.0, 0.5),
        (27, 0, 0.0, 24.0, 1.0),
        (28, 0, 0.0, 24.0, 1.0),
        (29, 0, 0.0, 6.0, 0.25),
    ]
    assert [row[9:11] for row in metrics["vehicle_type_rentals_total"] if row[1] == "premium"] == [(66.0, 66 / 96)]


def test_overlapping_rentals_of_a_vehicle_count_once_in_utilisation(build):
    """Overlapping, nested, touching and equal rentals; those of another vehicle are its own. Hours and money count for each."""
    spans = [("08", "12"), ("10", "14"), ("11", "12"), ("14", "15"), ("10", "14"), ("20", "20")]
    metrics = build(
        *(
            rental(f"r{number}", rental_start_time=f"2024-03-05 {start}:00:00", rental_end_time=f"2024-03-05 {end}:00:00")
            for number, (start, end) in enumerate(spans)
        ),
        rental("s1", vehicle_id="c2", rental_start_time="2024-03-05 09:00:00", rental_end_time="2024-03-05 10:00:00"),
    )
    ((_, _, rentals, revenue, hours, _, least, most, vehicles, occupied, utilisation),) = metrics["vehicle_type_rentals_daily"]
    assert (rentals, revenue, hours, least, most) == (7, Decimal("700.00"), 4 + 4 + 1 + 1 + 4 + 0 + 1, 0.0, 4.0)
    assert (vehicles, occupied) == (2, 7.0 + 1.0)
    assert utilisation == pytest.approx(8 / 48)
    (total,) = (row for row in metrics["vehicle_type_rentals_total"] if row[1] == "basic")
    assert total[9] == 8.0


def test_a_type_without_rentals_is_in_the_total(build):
    """With its vehicles and no use; the most rented is first, and equal ones share a rank."""
    metrics = build(rental("r1"), rental("r2", vehicle_id="h1"))
    assert [(row[1], row[2], row[8], row[10] == 0, row[11]) for row in metrics["vehicle_type_rentals_total"]] == [
        ("basic", 1, 2, False, 1),
        ("high_end", 1, 1, False, 1),
        ("premium", 0, 1, True, 3),
    ]


def test_without_a_rental_nothing_is_used(build):
    """There is no period to be a share of."""
    metrics = build()
    assert [(row[1], row[9], row[10]) for row in metrics["vehicle_type_rentals_total"]] == [
        ("basic", 0.0, None),
        ("high_end", 0.0, None),
        ("premium", 0.0, None),
    ]
    assert not any(rows for metric, rows in metrics.items() if metric != "vehicle_type_rentals_total")


def test_users_are_ranked_by_what_they_spent(build):
    """Ties share a rank; least and most are of single rentals."""
    metrics = build(
        rental("r1", total_amount="60.00"),
        rental("r2", total_amount="40.00", rental_end_time="2024-03-06 08:30:00"),
        rental("r3", user_id="u2", total_amount="100.00"),
    )
    assert metrics["user_rentals_total"] == [
        (ALL, "u1", 2, Decimal("100.00"), 50.0, *dollars("60.00", "40.00"), 34.5, 1),
        (ALL, "u2", 1, Decimal("100.00"), 100.0, *dollars("100.00", "100.00"), 10.0, 1),
    ]


def test_keys_that_look_like_numbers_stay_texts(build):
    """1e5, 0100000 and 100000 are three users, as texts of digits are keys and no numbers."""
    users = ["00001e5000", "0000100000", "1234567890"]
    metrics = build(
        *(rental(f"r{number}", user_id=key) for number, key in enumerate(users)),
        users=[user(key) for key in users],
    )
    assert [row[1] for row in metrics["user_rentals_total"]] == sorted(users)


def test_a_retyped_vehicle_moves_all_its_rentals(make_engine):
    """Its days change for both types, before and after; one that only changes its brand makes nothing stale."""
    engine = make_engine()
    old = rental("r1", rental_start_time="2024-01-05 08:00:00", rental_end_time="2024-01-07 18:00:00")
    engine.run(AS_OF, {**PARENTS, "rental_transactions": [old, rental("r2")]})
    engine.run(AS_OF, {"vehicles": [vehicle("c2", brand="Kia")]})
    builds = engine.read("control.metric_build")
    periods = builds[builds.run_sequence == 2].set_index("metric").periods
    assert periods["vehicle_type_rentals_daily"] == 0
    engine.run(AS_OF, {"vehicles": [vehicle("c1", vehicle_type="premium")]})
    metrics = read_agreed(engine)
    assert {row[1] for row in metrics["vehicle_type_rentals_daily"]} == {"premium"}
    assert {row[8] for row in metrics["vehicle_type_rentals_daily"]} == {2}


def test_a_new_vehicle_lowers_the_utilisation_of_all_days(make_engine):
    """The fleet has no history: what it is today bears on every day."""
    engine = make_engine()
    engine.run(AS_OF, {**PARENTS, "rental_transactions": [rental("r1")]})
    engine.run(AS_OF, {"vehicles": [vehicle("c3")]})
    assert [row[10] for row in read_agreed(engine)["vehicle_type_rentals_daily"]] == [pytest.approx(10 / 72)]


BROKEN = {
    "locations": [
        ({"latitude": "north"}, "unparseable_number", "latitude=north"),
        ({"longitude": "-180.0000001"}, "coordinate_out_of_range", "longitude=-180.0000001"),
        ({"latitude": "90.5"}, "coordinate_out_of_range", "latitude=90.5"),
    ],
    "vehicles": [
        ({"vehicle_type": "luxury"}, "unknown_type", "vehicle_type=luxury"),
        ({"vehicle_type": None}, "unknown_type", "vehicle_type="),
        ({"active": "perhaps"}, "unparseable_boolean", "active=perhaps"),
        ({"expiration_date": "31-02-2025"}, "unparseable_date", "expiration_date=31-02-2025"),
        ({"certification_date": "2018"}, "unparseable_date", "certification_date=2018"),
        ({"last_update_timestamp": "08-05-2025 25:00:00"}, "unparseable_date", "last_update_timestamp=08-05-2025 25:00:00"),
        ({"vehicle_year": "MMXX"}, "unparseable_number", "vehicle_year=MMXX"),
    ],
    "users": [
        ({"creation_date": "null"}, "missing_date", "creation_date="),
        ({"creation_date": "26.05.2024"}, "unparseable_date", "creation_date=26.05.2024"),
        ({"is_active": None}, "unparseable_boolean", "is_active="),
        ({"is_active": "maybe"}, "unparseable_boolean", "is_active=maybe"),
    ],
    "rental_transactions": [
        ({"user_id": None}, "missing_user", "user_id="),
        ({"vehicle_id": None}, "missing_vehicle", "vehicle_id="),
        ({"dropoff_location": None}, "missing_location", "dropoff_location="),
        ({"rental_end_time": None}, "missing_date", "rental_end_time="),
        ({"rental_start_time": "soon"}, "unparseable_date", "rental_start_time=soon"),
        ({"rental_end_time": "2051-01-01 00:00:00"}, "date_out_of_range", "rental_end_time=2051-01-01 00:00:00"),
        (
            {"rental_end_time": "2024-03-05 07:59:59"},
            "end_before_start",
            "rental_start_time=2024-03-05 08:00:00, rental_end_time=2024-03-05 07:59:59",
        ),
        ({"total_amount": None}, "missing_amount", "total_amount="),
        ({"total_amount": "ten"}, "unparseable_number", "total_amount=ten"),
        ({"total_amount": "-0.01"}, "negative_amount", "total_amount=-0.01"),
        ({"user_id": "u9"}, "orphan_reference", "user_id=u9"),
        ({"vehicle_id": "c9"}, "orphan_reference", "vehicle_id=c9"),
        ({"pickup_location": 9}, "orphan_reference", "pickup_location=9"),
        ({"dropoff_location": 9}, "orphan_reference", "dropoff_location=9"),
        ({"user_id": "u9", "total_amount": "-1"}, "negative_amount", "total_amount=-1"),
    ],
}
MAKE = {"locations": location, "vehicles": vehicle, "users": user, "rental_transactions": rental}


def test_every_rule_rejects_with_its_name_and_the_value(make_engine):
    """One row per way to be broken: none is lost, each names its rule, the first it breaks, and the value as it came."""
    engine = make_engine(columns=TEXT_COLUMNS)
    rows = {table: list(PARENTS.get(table, [])) for table in KEYS}
    expected = {}
    for table, cases in BROKEN.items():
        for number, (changes, rule, value) in enumerate(cases):
            key = 100 + number if table == "locations" else f"x{number}"
            rows[table].append(MAKE[table](key, **changes))
            expected[table, str(key)] = (rule, value)
    engine.run(AS_OF, rows)
    assert_agreed(engine, AS_OF)
    rejected = engine.read("curated.rejected_rows")
    assert {(row.table_name, row.row_key): (row.broken_rule, row.broken_value) for row in rejected.itertuples()} == expected


def test_a_source_of_texts_gives_the_same(make_engine):
    """Fractions of a second are cut, blanks trimmed, and what only informs may be absent, as where there is but a type."""
    engine = make_engine(columns=TEXT_COLUMNS)
    bare = dict.fromkeys(vehicle("c2")) | {"vehicle_id": "c2", "vehicle_type": " HIGH END "}
    engine.run(
        AS_OF,
        PARENTS
        | {
            "vehicles": [vehicle("c1"), bare],
            "rental_transactions": [
                rental("r1", rental_start_time="2024-03-05T08:00:00.999999Z", rental_end_time="05-03-2024 18:00:00"),
                rental("r2", vehicle_id="c2", total_amount=" 50 "),
            ],
        },
    )
    assert_agreed(engine, AS_OF)
    assert [row[4] for row in read_agreed(engine)["vehicle_type_rentals_daily"]] == [10.0, 10.0]
    vehicles = engine.read("curated.vehicles").set_index("vehicle_id")
    assert vehicles.loc["c1", "last_updated_at"].isoformat() == "2025-05-08T13:05:15"
    assert vehicles.loc["c1", "license_expires_on"] == date(2025, 9, 27)


def test_rentals_come_back_with_their_parents(make_engine):
    """A rental is an orphan while its vehicle, user or location is rejected or gone, and counts again when it is not."""
    engine = make_engine()
    spoiled = {
        "vehicles": [vehicle("c1", vehicle_type="?")],
        "users": [user("u1", is_active="?")],
        "locations": [location(2, latitude="97.5")],
    }
    engine.run(AS_OF, {**PARENTS, "rental_transactions": [rental("r1")]})
    for table, rows in spoiled.items():
        engine.run(AS_OF, {table: rows})
        assert read_agreed(engine)["rentals_daily"] == []
        engine.run(AS_OF, {table: PARENTS[table]})
        assert [row[1] for row in read_agreed(engine)["rentals_daily"]] == [1]
    engine.run(AS_OF, deletes={"users": ["u1"]})
    assert_agreed(engine, AS_OF)
    assert read_agreed(engine)["rentals_daily"] == []
