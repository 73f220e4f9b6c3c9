"""The benchmark's blocks: by sort key, what was appended behind them, until enough has changed to be sorted again."""

from __future__ import annotations

from benchmarks.warehouse_storage import Difference, Storage
from tests.fixtures.warehouse import Warehouse

BOOKINGS = ("m_raw", "bookings")
SORTED = {BOOKINGS: ["id"]}


def read_ends(storage: Storage) -> list[tuple[int, object]]:
    """Return the rows and the ends of each block."""
    return [(block.rows, block.ranges["id"]) for block in storage.read_blocks()[BOOKINGS]]


def test_blocks_follow_the_sort_key_and_then_the_time(fresh_warehouse: Warehouse) -> None:
    """Appended and deleted rows count apart, and disappear by the sort that comes when they are a tenth."""
    fresh_warehouse.execute("create schema m_raw")
    fresh_warehouse.execute("create table m_raw.bookings (id bigint, city varchar(64), is_paid boolean) sortkey (id)")
    with fresh_warehouse.connect() as connection:
        storage = Storage(connection, ("m_raw",), block_rows=20)
        connection.execute("insert into m_raw.bookings select 41 - n, 'Amsterdam', true from generate_series(1, 40) as n")
        assert storage.sort(SORTED) == [BOOKINGS]
        assert read_ends(storage) == [(20, (1, 20)), (20, (21, 40))]
        assert storage.read_blocks()[BOOKINGS][0].ranges["city"] == ("Amsterda", "Amsterda")

        rows, mark = storage.count_rows(), storage.mark()
        connection.execute("insert into m_raw.bookings values (30, 'Berlin', null), (7, 'Cologne', null)")
        connection.execute("delete from m_raw.bookings where id = 1")
        assert storage.compare(rows, mark) == {BOOKINGS: Difference(written=2, deleted=1)}
        # The deleted row stays in its block, as in Redshift until a VACUUM.
        assert read_ends(storage) == [(20, (1, 20)), (20, (21, 40)), (2, (7, 30))]
        assert storage.sort(SORTED) == []

        connection.execute("delete from m_raw.bookings where id < 4")
        assert storage.sort(SORTED) == [BOOKINGS]
        assert read_ends(storage) == [(20, (4, 22)), (19, (23, 40))]


def test_a_table_that_is_made_anew_is_not_the_one_that_was_sorted(fresh_warehouse: Warehouse) -> None:
    """Its rows stand as they were written."""
    fresh_warehouse.execute("create schema m_raw")
    fresh_warehouse.execute("create table m_raw.bookings (id bigint) sortkey (id)")
    with fresh_warehouse.connect() as connection:
        storage = Storage(connection, ("m_raw",), block_rows=2)
        connection.execute("insert into m_raw.bookings values (1), (2)")
        storage.sort(SORTED)
        fresh_warehouse.execute(["drop table m_raw.bookings", "create table m_raw.bookings (id bigint) sortkey (id)"])
        connection.execute("insert into m_raw.bookings values (9), (3), (8)")
        assert read_ends(storage) == [(2, (3, 9)), (1, (8, 8))]
