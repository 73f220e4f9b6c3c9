"""Random life of a marketplace: what its application, its people and its clock do to the source."""

from __future__ import annotations

import random
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql

from tests.fixtures.mariadb import SourceDatabase
from tests.soak.history import EVENTS, History

BROKEN_TEXT = "bro\0ken"
_LOCK_WAIT_TIMEOUT = 1205
_MOST_COLUMNS = 2


class Life:
    """A marketplace that changes by dice.

    Attributes:
        history: Notes every change.
    """

    def __init__(self, source: SourceDatabase, dice: random.Random, history: History, rates_file: Path) -> None:
        self.source, self.dice, self.history, self.rates_file = source, dice, history, rates_file
        self._open: pymysql.Connection | None = None
        self._deleted: dict[str, list[dict[str, Any]]] = {"apartments": [], "bookings": []}
        self._added_columns = 0

    def play(self, changes: int) -> None:
        """Let some things happen."""
        names = sorted(name for name in dir(self) if name.startswith("do_"))
        weights = [_WEIGHTS.get(name, 3) for name in names]
        for name in self.dice.choices(names, weights, k=changes):
            with suppress(_Held):
                getattr(self, name)()

    def finish(self) -> None:
        """End what is still open."""
        if self._open:
            self.do_end_transaction()

    # ------------------------------------------------------------------------------------------------------- listings

    def do_insert_listing(self) -> None:
        key = self.number()
        self._insert_listing(key)
        if self.chance(0.7):
            self._change("insert ignore into apartment_attributes (id, cityname, state) values (%s, %s, 'MH')", key, self.city())

    def do_insert_missing_parent(self) -> None:
        """A booking's listing comes after it."""
        orphans = self.source.query(
            "select distinct bookings.apartment_id from bookings left join apartments on apartments.id = bookings.apartment_id"
            " where apartments.id is null and bookings.apartment_id is not null order by 1"
        )
        if orphans:
            self._insert_listing(self.dice.choice(orphans)[0])

    def do_change_listings(self) -> None:
        """Some listings at once: they get the same cursor. Some values break a rule, or mend what broke it."""
        column, value = self.dice.choice(
            [
                ("price", self.dice.choice([100, 250.5, 999.99, -5])),
                ("price", self.dice.randint(20, 400)),
                ("is_active", self.dice.choice(["1", "0", "True", "maybe"])),
                ("currency", self.dice.choice(["USD", "EUR", "INR", "?"])),
                ("listing_created_on", self.day()),
            ]
        )
        keys = self.keys("apartments", self.dice.choice([1, 1, 3]))
        self._change(f"update apartments set {column} = %s where id in %s", value, keys)

    def do_break_a_text(self) -> None:
        """A title that no text of the warehouse can be; another change may mend it."""
        title = self.dice.choice([BROKEN_TEXT, BROKEN_TEXT, "mended"])
        self._change("update apartments set title = %s where id in %s", title, self.keys("apartments", 1))

    def do_lengthen_a_text(self) -> None:
        """The column grows in the source, and a text in it, beyond what the curated column holds."""
        if self._open:
            return  # the statement would wait for the open transaction
        self._change("alter table apartments modify title varchar(4000)")
        self._change("update apartments set title = %s where id in %s", "é" * 900, self.keys("apartments", 1))

    def do_change_and_change_back(self) -> None:
        """A → B → A: the same row twice, and another between, with a run in between or none."""
        (key,) = self.keys("apartments", 1)
        ((price,),) = self.source.query("select price from apartments where id = %s", (key,))
        self._change("update apartments set price = 77 where id = %s", key)
        self._change("update apartments set price = %s where id = %s", price, key)

    def do_change_attributes(self) -> None:
        keys = self.keys("apartment_attributes", 1)
        self._change(
            f"update apartment_attributes set {self.dice.choice(['cityname', 'state'])} = %s where id in %s", self.city(), keys
        )

    def do_delete_attributes(self) -> None:
        self._change("delete from apartment_attributes where id in %s", self.keys("apartment_attributes", 1))

    def do_change_rates(self) -> None:
        """A rate of some day is new, or another. A run that is on then stops, and the next one takes it."""
        day = datetime.now(UTC).date() - timedelta(days=self.dice.randint(0, 200))
        currency, rate = self.dice.choice(["EUR", "GBP", "INR"]), self.dice.randint(1, 30000) / 10000
        header, *lines = self.rates_file.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith(f"{day},{currency},")]
        self.rates_file.write_text("\n".join([header, *kept, f"{day},{currency},{rate}"]) + "\n", encoding="utf-8")

    # ------------------------------------------------------------------------------------------------------- bookings

    def do_insert_bookings(self) -> None:
        """Several in one statement, which gives them one cursor; some are orphans."""
        rows = [self._booking() for _ in range(self.dice.choice([1, 2, 6]))]
        marks = ", ".join(["%s"] * len(rows))
        self._change(
            "insert ignore into bookings (booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date,"
            f" total_price, currency, booking_status) values {marks}",
            *rows,
        )

    def do_change_bookings(self) -> None:
        column, value = self.dice.choice(
            [
                ("booking_status", self.dice.choice(["confirmed", "pending", "canceled", "who knows"])),
                ("total_price", self.dice.choice([10, 333.33, -1])),
                ("booking_date", self.day()),
                ("apartment_id", self.keys("apartments", 1)[0]),
                ("currency", self.dice.choice(["USD", "EUR", "GBP", "$"])),
            ]
        )
        self._change(
            f"update bookings set {column} = %s where booking_id in %s", value, self.keys("bookings", self.dice.choice([1, 2, 8]))
        )

    # -------------------------------------------------------------------------------------------------------- cursors

    def do_lose_cursor(self) -> None:
        """NULL, or MySQL's zero date."""
        table, key = self.merged()
        missing = self.dice.choice([None, None, "0000-00-00 00:00:00"])
        self._change(f"update {table} set changed_at = %s where {key} in %s", missing, self.keys(table, 1), any_date=True)

    def do_share_a_cursor(self) -> None:
        """A row comes with the very cursor that another, older one has."""
        row = self._booking()
        self._change(
            "insert ignore into bookings (booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date,"
            " total_price, currency, booking_status, changed_at) select *, (select max(changed_at) from bookings as other"
            f" where changed_at <= now(6)) from (select {', '.join(['%s as c' + str(n) for n in range(len(row))])}) as fresh",
            *row,
        )

    def do_step_the_clock(self) -> None:
        """The server's clock goes back by a little, or jumps ahead, while rows change."""
        table, key = self.merged()
        seconds = self.dice.choice([-3, -1.5, 3600])
        self._change(
            f"update {table} set changed_at = now(6) + interval %s second where {key} in %s", seconds, self.keys(table, 1)
        )

    def do_change_in_silence(self) -> None:
        """A change that moves no cursor, as a cascade or a repair by hand."""
        self._change(
            "update bookings set total_price = total_price + 1, changed_at = changed_at where booking_id in %s",
            self.keys("bookings", 1),
        )

    def do_date_back(self) -> None:
        """A change that carries an old cursor."""
        self._change(
            "update bookings set num_guests = %s, changed_at = '2024-05-01 10:00:00' where booking_id in %s",
            self.dice.randint(1, 9),
            self.keys("bookings", 1),
        )

    def do_delete(self) -> None:
        table, key = self.merged()
        (number,) = self.keys(table, 1)
        rows = self.source.query_rows(f"select * from {table} where {key} = %s", (number,))
        self._change(f"delete from {table} where {key} = %s", number)
        self._deleted[table] += rows

    def do_restore(self) -> None:
        """What was deleted comes back with its old cursor, as from a backup."""
        table, _ = self.merged()
        if self._deleted[table]:
            row = self._deleted[table].pop()
            columns = ", ".join(row)
            self._change(f"insert ignore into {table} ({columns}) values %s", tuple(row.values()), any_date=True)

    # --------------------------------------------------------------------------------------------------------- events

    def do_see(self) -> None:
        """Events of now and of the last two days, some twice the same, some without a time."""
        ago = self.dice.choice(["0 minute", "0 minute", "1 day", "2 day"])
        moment = self.dice.choice([f"now(6) - interval {ago}"] * 5 + ["null"])
        for _ in range(self.dice.choice([1, 2])):
            self._see(moment)

    def do_see_late(self) -> None:
        """An event of long ago arrives."""
        self._see(f"timestamp(date(now()) - interval {self.dice.randint(5, 40)} day, '12:00:00')")

    def do_forget_events(self) -> None:
        self._change(f"delete from {EVENTS} where recorded_at > now() - interval 2 day order by recorded_at limit 2")

    def do_forget_old_events(self) -> None:
        self._change(f"delete from {EVENTS} where recorded_at < now() - interval 10 day order by recorded_at limit 1")

    # --------------------------------------------------------------------------------------- transactions and schema

    def do_begin_transaction(self) -> None:
        """Rows change, and nobody sees it until the transaction commits, maybe runs later."""
        if self._open:
            return
        self._open = self.source.connect(autocommit=False)
        with self._open.cursor() as cursor:
            cursor.execute("set transaction isolation level read committed")
            with suppress(pymysql.err.OperationalError):
                cursor.execute("set innodb_lock_wait_timeout = 1")
                cursor.execute("update bookings set num_guests = 4 where booking_id in %s", (self.keys("bookings", 2),))
                cursor.execute("update apartments set price = price + 3 where id in %s", (self.keys("apartments", 1),))
                cursor.execute(f"insert into {EVENTS} (user_id, apartment_id, viewed_at) values (9, 1, '2026-01-02')")

    def do_end_transaction(self) -> None:
        if not self._open:
            return
        with closing(self._open) as transaction:
            self._open = None
            with suppress(pymysql.err.OperationalError):  # the server was down meanwhile, and has rolled it back
                if self.chance(0.8):
                    transaction.commit()
                else:
                    transaction.rollback()
        self.history.observe(is_owed=True)

    def do_add_column(self) -> None:
        """A column with a default: every row has another content, and no cursor has moved."""
        if self._open or self._added_columns == _MOST_COLUMNS:
            return  # the statement would wait for the open transaction
        self._added_columns += 1
        table, _ = self.merged()
        self._change(f"alter table {table} add column extra_{self._added_columns} int default {self._added_columns}")
        self.history.owe_everything(table)

    # --------------------------------------------------------------------------------------------------------- pieces

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def number(self) -> int:
        return self.dice.randint(1, 5000)

    def day(self) -> str:
        day = datetime.now(UTC).date() - timedelta(days=self.dice.randint(-10, 200))
        return day.strftime(self.dice.choice(["%Y-%m-%d", "%d/%m/%Y"]))

    def city(self) -> str | None:
        return self.dice.choice(["Paris", "Pune", "Austin", "null", None])

    def merged(self) -> tuple[str, str]:
        return self.dice.choice([("apartments", "id"), ("bookings", "booking_id")])

    def keys(self, table: str, count: int) -> tuple[int, ...]:
        key = "booking_id" if table == "bookings" else "id"
        known = [row[0] for row in self.source.query(f"select {key} from {table} order by 1")]
        return tuple(self.dice.sample(known, min(count, len(known)))) or (0,)

    def _insert_listing(self, key: int) -> None:
        self._change(
            "insert ignore into apartments (id, title, price, currency, listing_created_on, is_active)"
            " values (%s, 'new', %s, 'EUR', %s, '1')",
            key,
            self.dice.choice([50, 75.25, -1]),
            self.day(),
        )

    def _booking(self) -> tuple[Any, ...]:
        start = datetime.now(UTC).date() - timedelta(days=self.dice.randint(-10, 150))
        end = start + timedelta(days=self.dice.choice([1, 3, 10, -1]))
        listing = self.keys("apartments", 1)[0] if self.chance(0.8) else self.number()
        price, status = self.dice.randint(10, 900), self.dice.choice(["confirmed", "confirmed", "pending", "canceled"])
        return self.number(), self.dice.randint(1, 15), listing, self.day(), f"{start}", f"{end}", price, "EUR", status

    def _see(self, moment: str) -> None:
        wish = self.dice.choice(["y", "n", None, "perhaps"])
        self._change(
            f"insert into {EVENTS} (user_id, apartment_id, viewed_at, is_wishlisted, recorded_at)"
            f" values (%s, %s, %s, %s, {moment})",
            self.dice.randint(1, 9),
            self.keys("apartments", 1)[0],
            "2026-03-04 05:06:07",
            wish,
        )

    def _change(self, sql: str, *arguments: Any, any_date: bool = False) -> None:
        """Run one statement in a transaction of its own, and note what it did.

        Raises:
            _Held: the open transaction holds a row that it wants.
        """
        with closing(self.source.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("set innodb_lock_wait_timeout = 1, lock_wait_timeout = 5")
            cursor.execute("set session transaction isolation level read committed")
            if any_date:
                cursor.execute("set sql_mode = ''")
            try:
                cursor.execute(sql, arguments or None)
            except pymysql.err.OperationalError as error:
                if error.args[0] == _LOCK_WAIT_TIMEOUT:
                    raise _Held from error
                raise
        self.history.observe()


class _Held(Exception):
    """Another transaction holds the row."""


_WEIGHTS = {
    "do_change_listings": 8,
    "do_change_bookings": 8,
    "do_insert_bookings": 6,
    "do_see": 6,
    "do_begin_transaction": 2,
    "do_end_transaction": 2,
    "do_delete": 2,
    "do_add_column": 0.2,
    "do_change_rates": 1,
    "do_break_a_text": 2,
    "do_lengthen_a_text": 1,
    "do_forget_old_events": 1,
}
