"""The source's schema changes between two runs: taken over and announced, or refused by name before anything is read.

Each case goes through the whole path, and ends with a good run after which raw mirrors the source.
"""

from __future__ import annotations

import pytest

from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.layers import read_raw_newest, read_source
from tests.fixtures.slow import first_of
from tests.fixtures.snapshot import Snapshot, load_first

KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id", "user_viewing": None}
# How a row comes to have a remark that the next run must see.
CHANGE = {
    "bookings": "update bookings set remark = %s order by booking_id limit 2",
    "apartment_attributes": "update apartment_attributes set remark = %s order by id limit 2",
    "user_viewing": "insert into user_viewing (user_id, apartment_id, recorded_at, remark) values (1, 1, now(), %s)",
}
each_strategy = pytest.mark.parametrize("table", first_of(["bookings", "apartment_attributes", "user_viewing"]))


@pytest.fixture(scope="module")
def snapshot(take_snapshot) -> Snapshot:
    """A small marketplace after its first load."""
    return take_snapshot(load_first)


@pytest.fixture
def loaded(source_database, contract):
    """The source of the snapshot."""
    return source_database


@pytest.fixture
def assert_mirrored(loaded, fresh_warehouse):
    """Compare raw with the source, cell by cell."""

    def compare(*more_tables: tuple[str, str | None]) -> None:
        for table, key in [*KEYS.items(), *more_tables]:
            assert read_raw_newest(fresh_warehouse, table, key) == read_source(loaded, table), table

    return compare


@pytest.fixture
def assert_refused(pipeline, fresh_warehouse):
    """Run, and see that it was refused with these words before a row was read or a raw table touched."""

    def refuse(*words: str) -> None:
        def state() -> list:
            columns = fresh_warehouse.query(
                "select table_name, column_name, data_type, character_maximum_length from svv_columns"
                " where table_schema = 'apartments_raw' order by 1, 2"
            )
            counts = [fresh_warehouse.query(f"select count(*), max(_run_sequence) from apartments_raw.{table}") for table in KEYS]
            return [columns, counts]

        before = state()
        with pytest.raises(FixConfiguration) as refusal:
            pipeline.run()
        for word in words:
            assert word in str(refusal.value)
        (run,) = fresh_warehouse.query("select max(run_sequence) from apartments_control.run")[0]
        results = pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix=f"apartments/runs/{run:06d}/results/")
        assert results["KeyCount"] == 0
        assert state() == before

    return refuse


def raw_column(warehouse, table: str, column: str) -> list[tuple]:
    return warehouse.query(
        "select data_type, character_maximum_length from svv_columns"
        f" where table_schema = 'apartments_raw' and table_name = '{table}' and column_name = '{column}'"
    )


@each_strategy
def test_a_new_column_is_added_filled_and_announced(loaded, pipeline, fresh_warehouse, assert_mirrored, table):
    """ADD COLUMN … DEFAULT moves no modification time: every row is read again, old ones too (evolve, the default)."""
    loaded.execute(f"alter table {table} add column floor_area decimal(7, 2) not null default 12.50")
    result = pipeline.run()
    assert f"new in the source and added: {table}.floor_area decimal(7,2)" in result["message"]
    assert raw_column(fresh_warehouse, table, "floor_area") == [("numeric", None)]
    assert_mirrored()


@each_strategy
def test_a_new_column_is_refused_where_the_contract_freezes(loaded, pipeline, contract, assert_refused, assert_mirrored, table):
    """The message names it; when the contract lets it in, the next run takes it."""
    contract.set(table, drift="freeze")
    loaded.execute(f"alter table {table} add column floor_area int default 5")
    assert_refused(table, "floor_area", "drift: freeze", "drift: evolve")
    contract.set(table, drift="evolve")
    pipeline.run()
    assert_mirrored()


@each_strategy
def test_a_dropped_column_is_refused(loaded, pipeline, assert_refused, assert_mirrored, table):
    """Even where no SQL needs it: raw would silently hold its last values for ever."""
    loaded.execute(f"alter table {table} add column floor_area int default 5")
    pipeline.run()
    loaded.execute(f"alter table {table} drop column floor_area")
    assert_refused(table, "dropped in the source: floor_area")
    loaded.execute(f"alter table {table} add column floor_area int default 5")
    pipeline.run()
    assert_mirrored()


@each_strategy
def test_a_renamed_column_is_refused(loaded, pipeline, assert_refused, assert_mirrored, table):
    """It looks like one dropped and one new; the message names both."""
    loaded.execute(f"alter table {table} add column floor_area int default 5")
    pipeline.run()
    loaded.execute(f"alter table {table} rename column floor_area to area")
    assert_refused(table, "dropped in the source: floor_area", "renamed to area?")
    loaded.execute(f"alter table {table} rename column area to floor_area")
    pipeline.run()
    assert_mirrored()


@each_strategy
def test_a_retyped_column_is_refused(loaded, pipeline, assert_refused, assert_mirrored, table):
    """The message names the column and both types."""
    loaded.execute(f"alter table {table} add column floor_area int default 5")
    pipeline.run()
    loaded.execute(f"alter table {table} modify column floor_area decimal(9, 2)")
    assert_refused(table, "retyped in the source: floor_area (was integer, is decimal(9,2))")
    loaded.execute(f"alter table {table} modify column floor_area int")
    pipeline.run()
    assert_mirrored()


@pytest.mark.slow
@each_strategy
def test_a_widened_text_is_followed(loaded, pipeline, fresh_warehouse, assert_mirrored, table):
    """Raw grows with it, and the longer value arrives; one that became shorter again changes nothing."""
    loaded.execute(f"alter table {table} add column remark varchar(5) default 'short'")
    pipeline.run()
    loaded.execute(f"alter table {table} modify column remark varchar(300)")
    loaded.execute(CHANGE[table], ("wide " * 50,))
    assert pipeline.run()["status"] == "succeeded"
    assert raw_column(fresh_warehouse, table, "remark") == [("character varying", 1200)]
    loaded.execute(f"alter table {table} modify column remark varchar(260)")
    loaded.execute(CHANGE[table], ("short again",))
    pipeline.run()
    assert raw_column(fresh_warehouse, table, "remark") == [("character varying", 1200)], "raw keeps its width"
    assert_mirrored()


@each_strategy
def test_reordered_columns_keep_their_values(loaded, pipeline, assert_mirrored, table):
    """Parquet is copied by position; the list of columns follows the names."""
    loaded.execute(f"alter table {table} add column first_mark int default 1, add column second_mark int default 2")
    pipeline.run()
    loaded.execute(f"alter table {table} modify column second_mark int first")
    loaded.execute(CHANGE[table].replace("remark", "first_mark"), (7,))
    pipeline.run()
    assert_mirrored()


@pytest.mark.parametrize(
    ("strategy", "key"),
    first_of([({"strategy": "merge", "key": "review_id", "cursor": "updated_at"}, "review_id"),
              ({"strategy": "snapshot", "key": "review_id"}, "review_id"),
              ({"strategy": "append", "cursor": "updated_at"}, None)]),
    ids=["merge", "snapshot", "append"],
)  # fmt: skip
def test_a_new_table_in_the_contract_is_made_and_filled(loaded, pipeline, contract, assert_mirrored, strategy, key):
    """Four lines of YAML: the next run creates the raw table from the source's schema and says so; others go on as they were."""
    loaded.execute(
        "create table reviews (review_id int primary key, stars tinyint, updated_at datetime(6) default now(6) on update now(6))"
    )
    loaded.execute("insert into reviews (review_id, stars) values (1, 5), (2, 1), (3, null)")
    contract.edit(lambda tables: tables.update(reviews=strategy))
    result = pipeline.run()
    assert "first load: reviews" in result["message"]
    loaded.execute("update reviews set stars = 4 where review_id = 2")
    pipeline.run()
    assert_mirrored(("reviews", key))


def test_a_table_that_left_the_source_is_refused(loaded, pipeline, assert_refused, assert_mirrored):
    """Its absence is no evidence that its rows are gone."""
    loaded.execute("rename table user_viewing to user_viewing_old")
    assert_refused("the source has no table user_viewing")
    loaded.execute("rename table user_viewing_old to user_viewing")
    pipeline.run()
    assert_mirrored()
