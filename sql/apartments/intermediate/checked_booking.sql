-- The bookings that checks look at: a day of theirs is rebuilt, or they are of the last days.
--
-- grain:      one row per booking made, arriving or staying from the first to the last day that checks look at, or made since a
--             week before the day of the run
-- reads:      apartments_curated.bookings
-- parameters: as_of, first_day, last_day
--
-- It is read once for all of them. Each takes those of its own days.

-- name: rows
select
    bookings.booking_id,
    bookings.apartment_id,
    bookings.booking_date,
    bookings.checkin_date,
    bookings.checkout_date,
    bookings.booking_status,
    bookings.currency,
    bookings.total_price
from apartments_curated.bookings
where bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
    or bookings.checkin_date between cast(:first_day as date) and cast(:last_day as date)
    or (bookings.checkin_date <= cast(:last_day as date) and bookings.checkout_date >= cast(:first_day as date))
    or bookings.booking_date >= cast(:as_of as date) - 7
