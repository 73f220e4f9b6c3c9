"""A day on which one row in a hundred changes, written to a source that is live."""

from __future__ import annotations

import pymysql

# Prices and attributes change anywhere. Bookings change while they are new: changes all over the years would make each week of
# each metric stale, which no marketplace does. New bookings and viewings are of today.
_CHANGES = {
    "changed prices": (
        "apartments",
        0.01,
        "update apartments set price = price + 1 where price > 0 order by rand(7) limit {rows}",
    ),
    "changed attributes": (
        "apartment_attributes",
        0.01,
        "update apartment_attributes set square_feet = coalesce(square_feet, 0) + 1 order by rand(11) limit {rows}",
    ),
    "changed bookings": (
        "bookings",
        0.005,
        "update bookings set booking_status = if(booking_status = 'confirmed', 'canceled', 'confirmed')"
        " where booking_date <= date_format(utc_date(), '%Y-%m-%d') and booking_date like '20__-__-__%'"
        " order by booking_date desc, booking_id limit {rows}",
    ),
    "new bookings": (
        "bookings",
        0.005,
        "insert into bookings (booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date, total_price,"
        " currency, booking_status, payment_status, num_guests)"
        " select last.id + row_number() over (), user_id, apartment_id, date_format(utc_date(), form),"
        " date_format(utc_date() + interval 5 day, form), date_format(utc_date() + interval 9 day, form),"
        " total_price, currency, booking_status, payment_status, num_guests from"
        " (select *, if(booking_date like '%/%', '%d/%m/%Y', '%Y-%m-%d') as form from bookings order by rand(13) limit {rows})"
        " as drawn, (select max(booking_id) as id from bookings) as last",
    ),
    "new viewings": (
        "user_viewing",
        0.01,
        "insert into user_viewing (user_id, apartment_id, viewed_at, is_wishlisted, call_to_action) select user_id, apartment_id,"
        " date_format(utc_timestamp(), if(viewed_at like '%/%', '%d/%m/%Y', '%Y-%m-%d %H:%i:%s')), is_wishlisted, call_to_action"
        " from user_viewing order by rand(17) limit {rows}",
    ),
}


def change_one_percent(connection: pymysql.Connection) -> dict[str, int]:
    """Change one row in a hundred of each table of the apartments marketplace, in one transaction; return rows by kind."""
    counts = {}
    with connection.cursor() as cursor:
        connection.begin()
        for kind, (table, share, statement) in _CHANGES.items():
            cursor.execute(f"select count(*) from {table}")
            ((stored,),) = cursor.fetchall()
            counts[kind] = cursor.execute(statement.format(rows=max(1, round(stored * share))))
        connection.commit()
    return counts
