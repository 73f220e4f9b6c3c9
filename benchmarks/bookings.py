"""The rows that are measured: bookings as the sample application has them, and a wide table, both made by the server itself."""

from __future__ import annotations

from pathlib import Path

import pymysql

# The columns and types of sql/apartments/source/bookings.sql, their dirt (NULLs, two spellings of dates) included.
_BOOKINGS = """
select
    cast(seq as signed) as booking_id,
    if(mod(seq, 97) = 0, null, cast(mod(crc32(seq), 90000) as signed)) as user_id,
    cast(1000000 + mod(crc32(concat(seq, 'a')), 200000) as signed) as apartment_id,
    date_format('2022-01-01' + interval mod(seq * 7, 900) day, if(mod(seq, 3) = 0, '%d/%m/%Y', '%Y-%m-%d')) as booking_date,
    date_format('2022-01-05' + interval mod(seq * 7, 900) day, '%d/%m/%Y') as checkin_date,
    date_format('2022-01-09' + interval mod(seq * 7, 900) day, '%d/%m/%Y') as checkout_date,
    if(mod(seq, 50) = 0, null, cast(mod(crc32(concat(seq, 'p')), 500000) / 100 as decimal(10, 2))) as total_price,
    elt(1 + mod(seq, 3), 'USD', 'EUR', 'GBP') as currency,
    elt(1 + mod(crc32(seq), 3), 'confirmed', 'canceled', 'pending') as booking_status,
    elt(1 + mod(crc32(concat(seq, 'x')), 2), 'paid', 'unpaid') as payment_status,
    cast(1 + mod(seq, 6) as signed) as num_guests,
    cast('2024-01-01' + interval seq second + interval mod(seq * 7919, 1000000) microsecond as datetime(6)) as changed_at
from seq_1_to_{rows}
"""
_WIDE_COLUMNS = 60

SCHEMA_FILE = Path(__file__).parents[1] / "sql" / "apartments" / "source" / "bookings.sql"


def fill_bookings(connection: pymysql.Connection, rows: int) -> str:
    """Fill the table bookings with so many rows, unless it has them; return its name."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA_FILE.read_text(encoding="utf-8"))
        cursor.execute("select count(*) from bookings")
        if cursor.fetchall() != ((rows,),):
            cursor.execute("truncate table bookings")
            cursor.execute("insert into bookings " + _BOOKINGS.format(rows=rows))
            cursor.execute("analyze table bookings")
    return "bookings"


def create_window(connection: pymysql.Connection, stored_rows: int, rows: int) -> str:
    """Create a view of so many of the stored rows, those of a window of changed_at as an increment reads it; return its name."""
    with connection.cursor() as cursor:
        # In the midst of the table; the view's time is the one that _BOOKINGS computes for the row of that number.
        first = (stored_rows - rows) // 2
        times = [f"'2024-01-01' + interval {number} second" for number in (first + 1, first + rows + 1)]
        condition = f"changed_at >= {times[0]} and changed_at < {times[1]}"
        cursor.execute(f"create or replace view bookings_window as select * from bookings where {condition}")
    return "bookings_window"


def create_endless_bookings(connection: pymysql.Connection, rows: int) -> str:
    """Create a view whose rows the server makes up as it sends them, so that many of them take no disk; return its name."""
    name = f"bookings_{rows}"
    with connection.cursor() as cursor:
        # Without its cast, the number can be sorted by at no cost.
        query = _BOOKINGS.format(rows=rows).replace("cast(seq as signed) as booking_id", "seq as booking_id")
        cursor.execute(f"create or replace view {name} as {query}")
    return name


def create_wide_table(connection: pymysql.Connection, rows: int) -> str:
    """Create a view of 60 columns: numbers, decimals, times, and texts of up to 300 characters; return its name."""
    kinds = (
        "cast(seq * {n} as signed)",
        "cast(seq / {n} as decimal(18, 4))",
        "cast('2024-01-01' + interval mod(seq * {n}, 100000) second as datetime)",
        "repeat(char(97 + mod(seq, 26)), mod(seq * {n}, 300))",
    )
    columns = ", ".join(f"{kinds[n % len(kinds)].format(n=n + 1)} as c{n}" for n in range(_WIDE_COLUMNS))
    name = f"wide_{rows}"
    with connection.cursor() as cursor:
        cursor.execute(f"create or replace view {name} as select {columns} from seq_1_to_{rows}")
    return name
