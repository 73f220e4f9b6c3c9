"""Small marketplaces of cars whose figures are counted by hand; the warehouse and the judge must both arrive at them."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.metrics.agreement import assert_agreed, assert_metrics_agreed
from tests.metrics.cars.judge import worth
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


def busy(metrics: dict[str, list[tuple]]) -> list[tuple]:
    """The days and types on which a vehicle was out or a rental began; the others are those of an idle fleet."""
    return [row for row in metrics["vehicle_type_rentals_daily"] if row[2] or row[8]]


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


@pytest.mark.slow
def test_hours_are_exact(build):
    """Not whole days, nor boundaries crossed: a minute over midnight is a minute, and seconds count."""
    metrics = build(
        rental("r1", rental_start_time="2024-03-05 23:59:30", rental_end_time="2024-03-06 00:00:30"),
        rental("r2", rental_start_time="2024-03-05 01:00:00", rental_end_time="2024-03-05 02:30:45"),
        rental("r3", rental_start_time="2024-03-05 03:00:00", rental_end_time="2024-03-05 03:00:00"),
    )
    seconds = (60, 5_445, 0)
    (first, second) = busy(metrics)
    assert first[2] == 3
    assert first[4:8] == pytest.approx((sum(seconds) / 3600, sum(seconds) / 3 / 3600, 0.0, 5_445 / 3600))
    hours = (30 + 5_445) / 3600
    assert first[8:] == pytest.approx((hours, hours, 48.0, 48.0, hours / 48))
    assert (second[0], *second[2:8]) == (date(2024, 3, 6), 0, 0, 0.0, None, None, None)
    assert second[8:] == pytest.approx((30 / 3600, 30 / 3600, 48.0, 48.0, 30 / 86_400 / 2))
    assert metrics["user_rentals_total"][0][7] == pytest.approx(sum(seconds) / 3600)


def test_a_rental_takes_its_time_from_each_of_its_days(build):
    """From Monday noon to Thursday six: half a day, two whole ones, a quarter; all its hours and money are of Monday."""
    metrics = build(rental("r1", vehicle_id="p1", rental_start_time="2024-02-26 12:00:00", rental_end_time="2024-02-29 06:00:00"))
    assert [(row[0].day, row[2], row[4], row[8], row[12]) for row in busy(metrics)] == [
        (26, 1, 66.0, 12.0, 0.5),
        (27, 0, 0.0, 24.0, 1.0),
        (28, 0, 0.0, 24.0, 1.0),
        (29, 0, 0.0, 6.0, 0.25),
    ]
    assert [(row[9], row[13]) for row in metrics["vehicle_type_rentals_total"] if row[1] == "premium"] == [(66.0, 66 / 96)]


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
    ((_, _, rentals, revenue, hours, _, least, most, occupied, rented, fleet, _, utilisation),) = busy(metrics)
    assert (rentals, revenue, hours, least, most) == (7, Decimal("700.00"), 4 + 4 + 1 + 1 + 4 + 0 + 1, 0.0, 4.0)
    assert (occupied, rented, fleet) == (7.0 + 1.0, 8.0, 48.0)
    assert utilisation == pytest.approx(8 / 48)
    (total,) = (row for row in metrics["vehicle_type_rentals_total"] if row[1] == "basic")
    assert total[9] == 8.0


@pytest.mark.slow
def test_a_type_without_rentals_is_in_the_total(build):
    """With its vehicles and no use; the most rented is first, and equal ones share a rank."""
    metrics = build(rental("r1"), rental("r2", vehicle_id="h1"))
    assert [(row[1], row[2], row[8], row[13] == 0, row[14]) for row in metrics["vehicle_type_rentals_total"]] == [
        ("basic", 1, 2, False, 1),
        ("high_end", 1, 1, False, 1),
        ("premium", 0, 1, True, 3),
    ]


def test_without_a_rental_nothing_is_used(build):
    """There is no period to be a share of."""
    metrics = build()
    assert [(row[1], row[9], row[13]) for row in metrics["vehicle_type_rentals_total"]] == [
        ("basic", 0.0, None),
        ("high_end", 0.0, None),
        ("premium", 0.0, None),
    ]
    assert not any(
        rows for metric, rows in metrics.items() if metric not in ("vehicle_type_rentals_total", "user_cohorts_monthly")
    )


def test_users_are_ranked_by_what_they_spent(make_engine):
    """Ties share a rank; least and most are of single rentals."""
    engine = make_engine()
    rentals = [
        rental("r1", total_amount="60.00"),
        rental("r2", total_amount="40.00", rental_end_time="2024-03-06 08:30:00"),
        rental("r3", user_id="u2", total_amount="100.00"),
    ]
    engine.run(AS_OF, {**PARENTS, "rental_transactions": rentals})
    assert read_agreed(engine)["user_rentals_total"] == [
        (ALL, "u1", 2, Decimal("100.00"), 50.0, *dollars("60.00", "40.00"), 34.5),
        (ALL, "u2", 1, Decimal("100.00"), 100.0, *dollars("100.00", "100.00"), 10.0),
    ]
    assert list(engine.read("presentation.user_revenue").revenue_rank) == [1, 1]
    engine.run(AS_OF, {"rental_transactions": [rental("r4", total_amount="0.01")]})
    ranks = engine.read("presentation.user_revenue").set_index("user_id").revenue_rank
    assert (ranks["u1"], ranks["u2"]) == (1, 2)


@pytest.mark.slow
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
    assert {row[1] for row in busy(metrics)} == {"premium"}
    assert {row[10] for row in metrics["vehicle_type_rentals_daily"] if row[1] == "premium"} == {48.0}


LATE = datetime(2024, 4, 20, 6)


def utilisation(engine) -> dict[tuple, float]:
    return {row[:2]: row[12] for row in read_agreed(engine)["vehicle_type_rentals_daily"]}


@pytest.mark.slow
def test_a_vehicle_that_comes_later_changes_no_day_before(make_engine):
    """It counts from when it came, and only the days since are built again."""
    engine = make_engine()
    engine.run(AS_OF, {**PARENTS, "rental_transactions": [rental("r1"), rental("r2", rental_start_time="2024-04-20 08:00:00")]})
    before = utilisation(engine)
    engine.run(AS_OF, {"vehicles": [vehicle("c3", changed_at=LATE)]})
    after = utilisation(engine)
    changed = {day for day, kind in before if before[day, kind] != after[day, kind]}
    assert changed == set() and len(before) == len(after)
    fleet = {row[0]: row[10:12] for row in read_agreed(engine)["vehicle_type_rentals_daily"] if row[1] == "basic"}
    assert (fleet[date(2024, 4, 19)], fleet[date(2024, 4, 20)], fleet[date(2024, 4, 21)]) == (
        (48.0, 48.0),
        (66.0, 48.0),
        (72.0, 48.0),
    )
    builds = engine.read("control.metric_build")
    periods = builds[builds.run_sequence == 2].set_index("metric").periods
    assert periods["vehicle_type_rentals_daily"] == 12


@pytest.mark.parametrize("table", ["now", "first load"])
def test_an_inactive_vehicle_lowers_no_day(make_engine, table):
    """It is no part of the fleet; a rental that it has all the same brings money and hours, and no utilisation."""
    engine, idle = make_engine(), vehicle("c3", active="0")
    first = [*PARENTS["vehicles"], idle] if table == "first load" else PARENTS["vehicles"]
    engine.run(AS_OF, {**PARENTS, "vehicles": first, "rental_transactions": [rental("r1")]})
    engine.run(AS_OF, {"vehicles": [idle], "rental_transactions": [rental("r2", vehicle_id="c3")]})
    ((*_, occupied, rented, fleet, _, share),) = busy(read_agreed(engine))
    assert (occupied, rented, fleet, share) == (20.0, 10.0, 48.0, pytest.approx(10 / 48))
    assert read_agreed(engine)["rentals_daily"][0][2] == Decimal("200.00")


def test_a_vehicle_that_leaves_the_fleet_keeps_its_past(make_engine):
    """Sold, or no longer active: it counts until then, and what was published of the days before stays as it was."""
    engine = make_engine()
    rentals = [rental("r1"), rental("p", vehicle_id="p1")]
    engine.run(AS_OF, {**PARENTS, "rental_transactions": rentals}, observed_at=datetime(2024, 3, 1))
    before = utilisation(engine)
    engine.run(
        AS_OF,
        {"vehicles": [vehicle("p1", vehicle_type="Premium", active="0", changed_at=LATE)]},
        {"vehicles": ["c1"]},
        observed_at=LATE,
    )
    after, early = utilisation(engine), date(2024, 4, 20)
    assert {key: value for key, value in before.items() if key[0] < early} == {
        key: value for key, value in after.items() if key[0] < early
    }
    fleet = {row[:2]: row[10] for row in read_agreed(engine)["vehicle_type_rentals_daily"]}
    assert (fleet[early, "premium"], (date(2024, 4, 21), "premium") in fleet) == (6.0, False)
    assert (fleet[early, "basic"], fleet[date(2024, 4, 21), "basic"]) == (30.0, 24.0)
    vehicles = engine.read("curated.vehicles").set_index("vehicle_id").removed_at
    assert (vehicles["c1"], vehicles["p1"]) == (LATE, None)


def test_only_time_that_is_over_is_used(make_engine):
    """A rental that goes on beyond the day of the run brings all its money, and of its hours those before it."""
    engine, day = make_engine(), date(2024, 3, 6)
    engine.run(day, {**PARENTS, "rental_transactions": [rental("r1", rental_end_time="2024-03-07 12:00:00")]})
    frames = assert_metrics_agreed(engine, day)
    daily = [tuple(row)[8:] for row in frames["vehicle_type_rentals_daily"].itertuples(index=False) if row[1] == "basic"]
    assert sorted(daily, key=repr) == [
        (12.0, 0.0, 0.0, 0.0, None),
        (16.0, 16.0, 48.0, 48.0, 16 / 48),
        (24.0, 0.0, 0.0, 0.0, None),
    ]
    engine.run(date(2024, 3, 9), observed_at=datetime(2024, 3, 9, 1))
    frames = assert_metrics_agreed(engine, date(2024, 3, 9))
    (total,) = [tuple(row) for row in frames["vehicle_type_rentals_total"].itertuples(index=False) if row[1] == "basic"]
    assert total[9:14] == (52.0, 52.0, 144.0, 72.0, 52 / 144)


@pytest.mark.slow
def test_the_utilisation_in_all_is_that_of_its_days(build):
    """One definition: hours add up over days, idle ones too, from the first rental to the last."""
    metrics = build(
        rental("r1"),
        rental("r2", vehicle_id="c2", rental_start_time="2024-03-09 08:00:00", rental_end_time="2024-03-11 08:00:00"),
        rental("r3", vehicle_id="h1", rental_start_time="2024-03-06 23:00:00", rental_end_time="2024-03-07 01:00:00"),
    )
    for total in metrics["vehicle_type_rentals_total"]:
        days = [row for row in metrics["vehicle_type_rentals_daily"] if row[1] == total[1] and row[0] <= date(2024, 3, 11)]
        assert len(days) == 7
        assert total[10:12] == (sum(row[9] for row in days), sum(row[10] for row in days))
        assert total[13] == sum(row[9] for row in days) / sum(row[10] for row in days)


@pytest.mark.slow
def test_what_was_before_the_first_load_is_marked_as_assumed(make_engine):
    """A vehicle of the first load was there since it was certified, or always, as far as one knows; a later one since it came."""
    engine = make_engine()
    vehicles = [vehicle("c1", changed_at=LATE), vehicle("c2", certification_date=None, changed_at=LATE)]
    engine.run(AS_OF, {**PARENTS, "vehicles": vehicles, "rental_transactions": [rental("r1")]}, observed_at=LATE)
    engine.run(AS_OF, {"vehicles": [vehicle("c3", changed_at=LATE), vehicle("c1", active="0", changed_at=datetime(2024, 4, 25))]})
    read_agreed(engine)
    versions = engine.read("curated.vehicle_versions")
    assert sorted(versions.itertuples(index=False, name=None)) == [
        ("c1", datetime(2018, 9, 27), LATE, True, True),
        ("c1", LATE, datetime(2024, 4, 25), True, False),
        ("c1", datetime(2024, 4, 25), None, False, False),
        ("c2", datetime(2000, 1, 1), LATE, True, True),
        ("c2", LATE, None, True, False),
        ("c3", LATE, None, True, False),
    ]


BROKEN = {
    "vehicles": [({"vehicle_id": "x" * 65}, "key_too_long", "vehicle_id=" + "x" * 65)],
    "users": [({"user_id": "x" * 65}, "key_too_long", "user_id=" + "x" * 65)],
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
        ({"total_amount": "12345678901"}, "unparseable_number", "total_amount=12345678901"),
        ({"rental_id": "y" * 65}, "key_too_long", "rental_id=" + "y" * 65),
        ({"vehicle_id": "x" * 65}, "key_too_long", "vehicle_id=" + "x" * 65),
    ],
}
# What only informs: the value, and what the warehouse says of it.
UNREADABLE = {
    "locations": [
        ({"latitude": "north"}, "latitude=north"),
        ({"longitude": "-180.0000001", "latitude": "90.5"}, "latitude=90.5; longitude=-180.0000001"),
        ({"location_name": "é" * 511}, "location_name=" + "é" * 64),
        ({"zip_code": "0" * 41}, "zip_code=" + "0" * 41),
    ],
    "vehicles": [
        ({"vehicle_type": "luxury"}, "vehicle_type=luxury"),
        ({"vehicle_type": "high"}, "vehicle_type=high"),
        ({"active": "perhaps"}, "active=perhaps"),
        ({"expiration_date": "31-02-2025"}, "expiration_date=31-02-2025"),
        ({"certification_date": "2018"}, "certification_date=2018"),
        ({"last_update_timestamp": "08-05-2025 25:00:00"}, "last_update_timestamp=08-05-2025 25:00:00"),
        ({"vehicle_year": "MMXX", "brand": "b" * 401}, "brand=" + "b" * 64 + "; vehicle_year=MMXX"),
        ({"vehicle_year": "2019.5"}, "vehicle_year=2019.5"),
        ({"base_address": "a" * 1_021}, "base_address=" + "a" * 64),
    ],
    "users": [
        ({"creation_date": "26.05.2024"}, "creation_date=26.05.2024"),
        ({"is_active": "maybe", "creation_date": "soon"}, "creation_date=soon; is_active=maybe"),
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
            expected[table, str(rows[table][-1][KEYS[table]])] = (rule, value)
    engine.run(AS_OF, rows)
    assert_agreed(engine, AS_OF)
    rejected = engine.read("curated.rejected_rows")
    assert {(row.table_name, row.row_key): (row.broken_rule, row.broken_value) for row in rejected.itertuples()} == expected


@pytest.mark.slow
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
    assert [row[4] for row in busy(read_agreed(engine))] == [10.0, 10.0]
    vehicles = engine.read("curated.vehicles").set_index("vehicle_id")
    assert vehicles.loc["c1", "last_updated_at"].isoformat() == "2025-05-08T13:05:15"
    assert vehicles.loc["c1", "license_expires_on"] == date(2025, 9, 27)


def test_what_only_informs_rejects_nothing(make_engine):
    """It is NULL, or an unknown type, and is named; its rentals stay in every figure, as do those of what says nothing at all."""
    engine = make_engine(columns=TEXT_COLUMNS)
    rows = {table: list(PARENTS.get(table, [])) for table in KEYS}
    expected, parent = {}, {"locations": "pickup_location", "vehicles": "vehicle_id", "users": "user_id"}
    for table, cases in UNREADABLE.items():
        for number, (changes, value) in enumerate([*cases, ({"brand": None, "city": "null", "is_active": None}, None)]):
            key = 100 + number if table == "locations" else f"x{number}"
            known = MAKE[table](key)
            rows[table].append(known | {name: text for name, text in changes.items() if name in known})
            rows["rental_transactions"].append(rental(f"{table[0]}{number}", **{parent[table]: key}))
            if value:
                expected[table, str(key)] = value
    engine.run(AS_OF, rows)
    assert_agreed(engine, AS_OF)
    found = engine.read("curated.unreadable_values")
    assert {(row.table_name, row.row_key): row.unreadable_value for row in found.itertuples()} == expected
    assert engine.read("curated.rejected_rows").empty
    assert read_agreed(engine)["rentals_daily"][0][2] == 100 * len(rows["rental_transactions"])
    vehicles = engine.read("curated.vehicles").set_index("vehicle_id")
    assert vehicles.loc[["x0", "x1", "x2"], "vehicle_type"].tolist() == ["unknown", "unknown", "basic"]
    assert [row[2] for row in read_agreed(engine)["vehicle_type_rentals_total"] if row[1] == "unknown"] == [2]


@pytest.mark.slow
def test_money_is_rounded_and_no_row_stops_a_run(make_engine):
    """Halves away from zero; an amount that is too large, and a year that is none, are one row's matter."""
    engine = make_engine(columns=TEXT_COLUMNS)
    amounts = ["99.999", "0.005", "1.115", "9999999999.994", "12345678901.00", "-0.001"]
    rentals = [rental(f"r{number}", total_amount=amount) for number, amount in enumerate(amounts)]
    engine.run(AS_OF, {**PARENTS, "vehicles": [vehicle("c1", vehicle_year="2019.5")], "rental_transactions": rentals})
    assert_agreed(engine, AS_OF)
    assert read_agreed(engine)["rentals_daily"][0][1:3] == (4, Decimal("10000000101.12"))
    rejected = engine.read("curated.rejected_rows").set_index("row_key")
    assert rejected.broken_rule.to_dict() == {"r4": "unparseable_number", "r5": "negative_amount"}
    assert rejected.amount.to_dict() == {"r4": None, "r5": Decimal("0.00")}


REMOVED = {
    "a user": ("users", "u1"),
    "a vehicle": ("vehicles", "c1"),
    "a pickup": ("locations", 1),
    "a dropoff": ("locations", 2),
}


@pytest.mark.slow
@pytest.mark.parametrize(("table", "key"), REMOVED.values(), ids=REMOVED)
def test_no_money_leaves_with_what_the_source_deletes(make_engine, table, key):
    """One of 20 users deleted, a vehicle sold, a location closed: every figure stays, with what was last known of it."""
    engine = make_engine()
    users = [user(f"u{number}") for number in range(1, 21)]
    rentals = [rental(f"r{number}", user_id=f"u{number}", vehicle_id=f"c{1 + number % 2}") for number in range(1, 21)]
    engine.run(AS_OF, {**PARENTS, "users": users, "rental_transactions": rentals})
    before = read_agreed(engine)
    assert before["rentals_daily"][0][1:3] == (20, Decimal("2000.00"))
    engine.run(AS_OF, deletes={table: [key]})
    assert_agreed(engine, AS_OF)
    after = read_agreed(engine)
    for metric in before.keys() - {"vehicle_type_rentals_total", "vehicle_type_rentals_daily"}:
        assert after[metric] == before[metric], metric
    assert [row[:8] for row in after["vehicle_type_rentals_daily"]] == [row[:8] for row in before["vehicle_type_rentals_daily"]]
    assert engine.read("curated.rejected_rows").empty
    # A rental that comes after its user, vehicle or location is gone is as real.
    engine.run(AS_OF, {"rental_transactions": [rental("late", total_amount="7.00")]})
    assert_agreed(engine, AS_OF)
    assert read_agreed(engine)["rentals_daily"][0][1:3] == (21, Decimal("2007.00"))
    engine.run(AS_OF, rebuild=True)
    assert_agreed(engine, AS_OF)


def test_no_money_leaves_with_what_is_set_aside(make_engine):
    """A user, vehicle or location whose row cannot be held: its rentals stay, of an unknown type, at the location's number."""
    engine = make_engine()
    engine.run(AS_OF, {**PARENTS, "rental_transactions": [rental("r1")]})
    with engine.warehouse.connect() as connection:
        for table, column, key in (
            ("users", "user_id", "u1"),
            ("vehicles", "vehicle_id", "c1"),
            ("locations", "location_id", "1"),
        ):
            connection.execute(f"delete from cars_curated.{table} where {column} = '{key}'")
            connection.execute(
                "insert into cars_curated.rejected_rows (table_name, row_key, broken_rule, broken_value)"
                f" values ('{table}', '{key}', 'unreadable_row', 'address')"
            )
    engine.run(AS_OF, {"rental_transactions": [rental("r2", total_amount="50.00")]})
    read = {metric: engine.read(f"presentation.{metric}").to_dict("records") for metric in read_names(engine)}
    assert [row["revenue"] for row in read["rentals_daily"]] == [Decimal("150.00")]
    assert [(row["user_id"], row["revenue"]) for row in read["user_rentals_total"]] == [("u1", Decimal("150.00"))]
    location = next(row for row in read["location_rentals_total"] if row["location_id"] == 1)
    assert (location["location_name"], location["city"], location["revenue"]) == (None, None, Decimal("150.00"))
    for metric in ("vehicle_type_rentals_daily", "vehicle_type_rentals_total"):
        assert {row["vehicle_type"]: row["revenue"] for row in read[metric] if row["rentals"]} == {"unknown": Decimal("150.00")}


def read_names(engine) -> list[str]:
    return [metric.name for metric in engine.files.metrics]


@pytest.mark.slow
def test_an_orphan_is_accepted_when_its_parent_comes(make_engine):
    """A rental of a user, vehicle or location that never was is set aside, and counts once there is one."""
    engine = make_engine()
    engine.run(AS_OF, {"rental_transactions": [rental("r1")]})
    for table, rows in PARENTS.items():
        assert [row.broken_rule for row in engine.read("curated.rejected_rows").itertuples()] == ["orphan_reference"]
        engine.run(AS_OF, {table: rows})
        assert_agreed(engine, AS_OF)
    assert [row[1] for row in read_agreed(engine)["rentals_daily"]] == [1]


def test_what_is_published_and_what_is_set_aside_is_the_source(make_engine):
    """To the cent, in every metric, after rows have come, changed, broken and gone."""
    engine = make_engine(columns=TEXT_COLUMNS)
    rentals = [
        rental("good"),
        rental("odd", total_amount="33.335"),
        rental("orphan", user_id="u9", total_amount="20.20"),
        rental("backward", rental_end_time="2024-03-05 07:00:00", total_amount="30.30"),
        rental("nobody", user_id=None, total_amount="40.40"),
        rental("negative", total_amount="-50.50"),
        rental("unread", total_amount="ten"),
    ]
    engine.run(AS_OF, {**PARENTS, "rental_transactions": rentals})
    engine.run(
        AS_OF,
        {"rental_transactions": [rental("good", rental_start_time="never"), rental("new", total_amount="0.01")]},
        {"users": ["u1"], "vehicles": ["c1"], "locations": [2], "rental_transactions": ["nobody"]},
    )
    assert_agreed(engine, AS_OF)
    source = sum(worth(row) for row in engine.tables["rental_transactions"])
    rejected = engine.read("curated.rejected_rows")
    set_aside = sum(amount for amount in rejected.amount if amount is not None)
    assert rejected.set_index("row_key").amount.to_dict() == {
        "good": Decimal("100.00"),
        "orphan": Decimal("20.20"),
        "backward": Decimal("30.30"),
        "negative": Decimal("-50.50"),
        "unread": None,
    }
    for metric in ("rentals_daily", "location_rentals_daily", "location_rentals_total", "user_rentals_total"):
        assert engine.read(f"presentation.{metric}").revenue.sum() + set_aside == source, metric
    for metric in ("vehicle_type_rentals_daily", "vehicle_type_rentals_total"):
        assert engine.read(f"presentation.{metric}").revenue.sum() + set_aside == source, metric
