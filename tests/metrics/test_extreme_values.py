"""No value that raw can hold stops a run: each type's extremes, in every column that a curated table reads."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.slow import first_of
from tests.metrics.apartments import rows as apartments
from tests.metrics.apartments.subject import APARTMENTS
from tests.metrics.cars import rows as cars
from tests.metrics.cars.subject import CARS
from tests.metrics.records import Row
from tests.metrics.subject import Subject

AS_OF = date(2024, 3, 18)
LONGEST = 65_535
TEXTS = [
    "",
    " ",
    "x" * LONGEST,
    "😀" * (LONGEST // 4),
    "İ" * (LONGEST // 2),  # longer in lower case, in some locales
    "Ⱥ" * 64,  # two bytes, and three in lower case
    "9" * 300,
    "-9999999999.99999999",
    "1e400",
    "NaN",
    "Infinity",
    "\uff11\uff12",  # digits, of another width
    "9999-12-31 23:59:59.9999999",
    "2024-02-30",
    "16/05/2024 24:00",
    "it's; \\' -- |~",
]
# Raw's types (docs/reference/types.md), and the values at their ends.
EXTREMES: dict[str, list[Any]] = {
    "smallint": [-(2**15), 2**15 - 1],
    "integer": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63), 2**63 - 1],
    "decimal(20, 0)": [0, 2**64 - 1],
    "decimal(38, 0)": [-(10**38 - 1), 10**38 - 1],
    "decimal(38, 30)": [Decimal("-0." + "9" * 30), Decimal("9" * 8 + "." + "9" * 30)],
    "decimal(38, 10)": [Decimal("99999.9999999999"), Decimal("9" * 28)],
    "real": [-3.4e38, 1.2e-38, 3.4e38],
    "double precision": [-1.7e308, 5e-324, 1.7e308],
    "date": [date(1, 1, 1), date(1000, 1, 1), date(9999, 12, 31)],
    "timestamp": [datetime(1, 1, 1), datetime(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)],
    f"varchar({LONGEST})": TEXTS,
}
# Columns whose type is the source's way to name rows, or to order their changes.
REFERENCES = ("apartment_id", "pickup_location", "dropoff_location")
CURSORS = ("changed_at", "recorded_at")


@pytest.fixture(params=first_of([CARS, APARTMENTS]), ids=lambda subject: subject.marketplace)
def subject(request: pytest.FixtureRequest) -> Subject:
    return request.param


def define(subject: Subject, names: dict[str, list[str]], kind: str) -> dict[str, str]:
    """Return raw's columns, all of one type but keys, references and cursors."""
    return {
        table: ", ".join(
            f"{name} {'timestamp' if name in CURSORS else _key_type(subject, name) or kind}" for name in names[table]
        )
        for table in subject.keys
    }


def _key_type(subject: Subject, name: str) -> str | None:
    """Return the type of a column that names rows: numbers of apartments and locations, texts elsewhere."""
    if name in ("id", "booking_id", "location_id", *REFERENCES):
        return "decimal(20, 0)"
    return f"varchar({LONGEST})" if subject is CARS and name in ("user_id", "vehicle_id", "rental_id") else None


def fill(subject: Subject, names: dict[str, list[str]], values: list[Any]) -> dict[str, list[Row]]:
    """Return a row per value, whose columns all hold it; of one key, its children of the next."""
    changed_at = datetime(2024, 3, 1, 12)
    tables = {}
    for table, key in subject.keys.items():
        tables[table] = [
            {name: changed_at if name in CURSORS else number if _key_type(subject, name) else value for name in names[table]}
            | ({key: number} if key else {})
            for number, value in enumerate(values, start=1)
        ]
    return {table: [_spell_keys(subject, row) for row in rows] for table, rows in tables.items()}


def _spell_keys(subject: Subject, row: Row) -> Row:
    return {
        name: str(value) if subject is CARS and name in ("user_id", "vehicle_id", "rental_id") else value
        for name, value in row.items()
    }


# Those that run with every change; each of the others is like one of them.
USUAL = ("decimal(38, 30)", "double precision", "timestamp", f"varchar({LONGEST})")


@pytest.mark.parametrize("kind", first_of(sorted(EXTREMES, key=lambda kind: kind not in USUAL), 2))
def test_extreme_values_stop_no_run(make_engine, subject, kind):
    """Each row is curated or set aside, which the run's own checks count; and every other step ends well, too."""
    names = {table: make_engine().names(table) for table in subject.keys}
    engine = make_engine(define(subject, names, kind))
    engine.run(AS_OF, fill(subject, names, EXTREMES[kind]))
    engine.run(AS_OF, fill(subject, names, list(reversed(EXTREMES[kind]))))
    builds = engine.read("control.curated_build")
    assert set(builds.table_name) == {table.name for table in engine.files.curated}


@pytest.mark.parametrize("subject", [APARTMENTS], ids=["apartments"])
def test_keys_beyond_bigint_are_set_aside(make_engine, subject):
    """BIGINT UNSIGNED reaches twice as far: such a listing is told, with its children, and its neighbours are curated exactly."""
    last, beyond = 2**63 - 1, 2**63
    engine = make_engine({table: columns.replace(" bigint", " decimal(20, 0)") for table, columns in APARTMENTS.columns.items()})
    viewed_at = datetime(2024, 3, 5, 12)
    keys = (1, last, beyond, 2**64 - 1)
    engine.run(
        AS_OF,
        {
            "apartments": [apartments.listing(key) for key in keys],
            "apartment_attributes": [apartments.attributes(key) for key in keys],
            "bookings": [apartments.booking(key, apartment_id=key) for key in keys]
            + [apartments.booking(5, apartment_id=beyond)],
            "user_viewing": [apartments.viewing(viewed_at, apartment_id=key) for key in keys],
        },
    )
    for table, key in (("apartments", "id"), ("apartment_attributes", "id"), ("bookings", "booking_id")):
        assert sorted(engine.read(f"curated.{table}")[key]) == [1, last], table
    assert set(engine.read("curated.apartment_versions").id) == {1, last}
    assert sorted(engine.read("curated.user_viewing").apartment_id) == [1, last]
    rejected = engine.read("curated.rejected_rows")
    assert set(rejected.broken_rule) == {"value_too_large"}
    assert sorted(zip(rejected.table_name, rejected.broken_value, strict=True)) == sorted(
        [
            *((table, f"id={key}") for key in keys[2:] for table in ("apartments", "apartment_attributes", "apartment_versions")),
            *(("bookings", f"booking_id={key}; apartment_id={key}") for key in keys[2:]),
            ("bookings", f"apartment_id={beyond}"),
            *(("booking_versions", f"booking_id={key}") for key in keys[2:]),
            *(("user_viewing", f"apartment_id={key}") for key in keys[2:]),
        ]
    )
    assert sum(rejected.amount.dropna()) == 1500
    assert "bookings_newly_set_aside" in engine.warnings() and "apartment_versions_newly_set_aside" in engine.warnings()


@pytest.mark.parametrize("subject", [CARS], ids=["cars"])
def test_texts_that_are_longer_than_a_key_may_be_are_told_apart(make_engine, subject):
    """Two cars whose keys are alike for 600 letters are two rows set aside, until the source has them no more."""
    columns = {table: text.replace("varchar(40)", "varchar(4000)") for table, text in CARS.columns.items()}
    engine = make_engine(columns)
    long = ["v" * 600 + end for end in "ab"]
    engine.run(AS_OF, {"vehicles": [cars.vehicle(key) for key in ("v" * 64, *long)]})
    assert list(engine.read("curated.vehicles").vehicle_id) == ["v" * 64]
    assert list(engine.read("curated.rejected_rows").broken_rule) == ["key_too_long"] * 2
    assert not any(engine.read("control.set_aside").rows_accepted_before)
    engine.run(AS_OF, {"vehicles": [cars.vehicle(long[0], brand="Tesla")]})
    assert len(engine.read("curated.rejected_rows")) == 2
