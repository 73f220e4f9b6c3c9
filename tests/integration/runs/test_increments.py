"""Runs after runs: raw mirrors the source, incremental equals rebuilt, and repeating changes nothing (I1, I2, I4, I6)."""

import random
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from local.marketplace.generator import fill
from tests.fixtures.layers import assert_same_layers, read_layers, read_raw_newest, read_source
from tests.fixtures.slow import first_of

KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id", "user_viewing": None}
TODAY = datetime.now(UTC).date()


@pytest.fixture
def generated(source_database, contract):
    """A small generated marketplace: both generations, all their dirt, even where that is more than a run would publish."""
    contract.edit(lambda tables: [table.update(max_rejected_fraction=1) for table in tables.values()])
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=TODAY)
    return source_database


def assert_raw_mirrors(source, warehouse) -> None:
    for table, key in KEYS.items():
        assert read_raw_newest(warehouse, table, key) == read_source(source, table), table


def row_counts(warehouse) -> list[tuple]:
    return [
        (table, *warehouse.query(f"select count(*), max(_run_sequence) from apartments_raw.{table}")[0]) for table in sorted(KEYS)
    ]


def test_a_first_load_mirrors_the_source_and_publishes(pipeline, generated, fresh_warehouse):
    """Every row of the source is in raw; every key is accepted or rejected; every metric has rows."""
    result = pipeline.run()
    assert result["status"] == "succeeded", result["message"]
    assert_raw_mirrors(generated, fresh_warehouse)
    layers = read_layers(fresh_warehouse)
    empty = [table for table, rows in layers.items() if not rows]
    assert not empty
    loads = fresh_warehouse.query(
        "select table_name, rows_read, rows_in_parquet, rows_copied, rows_added from apartments_control.table_load"
    )
    for table, read, in_parquet, copied, added in loads:
        assert read == in_parquet == copied == added == sum(read_source(generated, table).values()), table


def test_an_unchanged_source_is_a_short_run(pipeline, generated, fresh_warehouse):
    """No run is opened; one that is opened all the same adds nothing to raw, builds nothing, publishes nothing, and says so."""
    pipeline.run()
    before, layers = row_counts(fresh_warehouse), read_layers(fresh_warehouse)
    assert pipeline.run()["status"] == "unchanged"
    assert fresh_warehouse.query("select count(*) from apartments_control.run") == [(1,)]
    pipeline.forget_state()
    assert pipeline.run()["status"] == "unchanged"
    assert row_counts(fresh_warehouse) == before
    assert_same_layers(read_layers(fresh_warehouse), layers)
    steps = fresh_warehouse.query("select step from apartments_control.step_commit where run_sequence = 2 order by step")
    assert [step for (step,) in steps] == ["found"]
    assert fresh_warehouse.query("select max(rows_read) from apartments_control.table_load where run_sequence = 2") == [(0,)]


@pytest.mark.slow
def test_a_window_read_twice_changes_nothing(pipeline, generated, fresh_warehouse):
    """A backfill of what is known already adds no version and leaves the watermarks where they were."""
    pipeline.run()
    before, layers = row_counts(fresh_warehouse), read_layers(fresh_warehouse)
    watermarks = fresh_warehouse.query(
        "select name, watermark from apartments_control.layer_position where layer = 'raw' order by 1"
    )
    window = {"window": {"from": f"{TODAY - timedelta(days=400)}T00:00:00", "to": f"{TODAY - timedelta(days=3)}T00:00:00"}}
    for _ in range(2):
        assert pipeline.run(window)["status"] == "unchanged"
    assert row_counts(fresh_warehouse) == before
    assert_same_layers(read_layers(fresh_warehouse), layers)
    assert watermarks == fresh_warehouse.query(
        "select name, watermark from apartments_control.layer_position where layer = 'raw' order by 1"
    )


class Life:
    """Random changes of every kind that a strategy is to see, made through the application's connection."""

    def __init__(self, source, seed: int):
        self.source, self.random = source, random.Random(seed)

    def play(self, changes: int) -> None:
        for _ in range(changes):
            getattr(self, self.random.choice([name for name in dir(Life) if name.startswith("do_")]))()

    def one(self, table: str, key: str) -> int | None:
        keys = [row[0] for row in self.source.query(f"select {key} from {table} order by 1")]
        return self.random.choice(keys) if keys else None

    def day(self, spread: int = 200) -> str:
        day = TODAY - timedelta(days=self.random.randint(-20, spread))
        return day.strftime(self.random.choice(["%Y-%m-%d", "%d/%m/%Y"]))

    def do_change_price(self):
        price = self.random.choice([100, 200.5, 999.99, -5])
        self.source.execute("update apartments set price = %s where id = %s", (price, self.one("apartments", "id")))

    def do_change_activity(self):
        value = self.random.choice(["1", "0", "True", "False", "maybe"])
        self.source.execute("update apartments set is_active = %s where id = %s", (value, self.one("apartments", "id")))

    def do_change_currency(self):
        value = self.random.choice(["USD", "EUR", "INR", "GBP", "dollar"[:3], "?"])
        self.source.execute(
            "update bookings set currency = %s where booking_id = %s", (value, self.one("bookings", "booking_id"))
        )

    def do_insert_listing(self):
        key = self.random.randint(1, 10**6)
        self.source.execute(
            "insert ignore into apartments (id, title, price, currency, listing_created_on, is_active)"
            " values (%s, 'new', 50, 'EUR', %s, '1')",
            (key, self.day()),
        )
        if self.random.random() < 0.7:
            self.source.execute("insert ignore into apartment_attributes (id, cityname, state) values (%s, 'Pune', 'MH')", (key,))

    def do_insert_booking(self):
        start, end = sorted(self.random.sample(range(-20, 200), 2), reverse=True)
        nights = [(TODAY - timedelta(days=offset)).isoformat() for offset in (start, end)]
        self.source.execute(
            "insert ignore into bookings (booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date,"
            " total_price, currency, booking_status) values (%s, %s, %s, %s, %s, %s, %s, 'EUR', 'confirmed')",
            (
                self.random.randint(1, 10**6),
                self.random.randint(1, 15),
                # Some are orphans until a listing of that number comes.
                self.one("apartments", "id") if self.random.random() < 0.8 else self.random.randint(1, 10**6),
                self.day(),
                *nights,
                self.random.randint(10, 900),
            ),
        )

    def do_change_status(self):
        value = self.random.choice(["confirmed", "pending", "canceled", "who knows"])
        self.source.execute(
            "update bookings set booking_status = %s where booking_id = %s", (value, self.one("bookings", "booking_id"))
        )

    def do_move_booking(self):
        self.source.execute(
            "update bookings set booking_date = %s, checkin_date = %s where booking_id = %s",
            (self.day(), self.day(), self.one("bookings", "booking_id")),
        )

    def do_give_booking_to_another_listing(self):
        self.source.execute(
            "update bookings set apartment_id = %s where booking_id = %s",
            (self.one("apartments", "id"), self.one("bookings", "booking_id")),
        )

    def do_move_city(self):
        city = self.random.choice(["Paris", "Pune", "null", "Austin"])
        self.source.execute(
            "update apartment_attributes set cityname = %s where id = %s", (city, self.one("apartment_attributes", "id"))
        )

    def do_delete_attributes(self):
        self.source.execute("delete from apartment_attributes where id = %s", (self.one("apartment_attributes", "id"),))

    def do_view(self):
        back = timedelta(days=self.random.choice([0, 0, 0, 1]))
        for _ in range(self.random.choice([1, 2])):  # twice the same, in one statement's time: both count
            self.source.execute(
                "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, recorded_at)"
                " values (%s, %s, %s, 'y', %s)",
                (7, self.one("apartments", "id"), self.day(), datetime.now(UTC).replace(microsecond=0, tzinfo=None) - back),
            )

    def do_forget_view(self):
        self.source.execute("delete from user_viewing where recorded_at > now() - interval 1 day limit 1")


@pytest.mark.slow
@pytest.mark.parametrize("seed", first_of([1, 2, 3]))
def test_random_increments_equal_a_rebuild(pipeline, generated, fresh_warehouse, seed):
    """After a first load and random increments, everything from raw to presentation equals a rebuild from raw, cell by cell."""
    pipeline.run()
    life = Life(generated, seed)
    for _ in range(5):
        life.play(12)
        assert pipeline.run()["status"] == "succeeded"
        assert_raw_mirrors(generated, fresh_warehouse)
    incremental = read_layers(fresh_warehouse)
    builds = fresh_warehouse.query("select count(*) from apartments_control.metric_build where run_sequence > 1 and is_full")
    assert builds == [(0,)], "increments must not have rebuilt everything"
    assert pipeline.run({"rebuild": True})["status"] == "succeeded"
    assert_same_layers(incremental, read_layers(fresh_warehouse))


STATES = [
    "plan_run",
    "prepare",
    "extract_slice 0",
    "write_manifests",
    "load apartments",
    "load bookings",
    "load user_viewing",
    "pending",
    "curate apartments",
    "curate bookings",
    "stage",
    "check",
    "publish",
    "close",
]


@pytest.mark.slow  # tests/integration/faults meets every state as well
def test_a_run_may_stop_anywhere_and_the_next_one_completes_it(pipeline, generated, fresh_warehouse):
    """Each run is made to stop before another state; what it left is finished by the next good one (I5)."""
    pipeline.run()
    life = Life(generated, 11)
    for state in STATES:
        life.play(8)
        # A change that reaches every layer, whatever the dice said.
        life.do_insert_booking()
        with pytest.raises(Exception, match=state):
            pipeline.run(stop_before=state)
        # Its execution has ended without closing the run: the next run finds that out and takes over.
    life.do_insert_booking()
    assert pipeline.run()["status"] == "succeeded"
    assert_raw_mirrors(generated, fresh_warehouse)
    incremental = read_layers(fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_same_layers(incremental, read_layers(fresh_warehouse))
