-- How long the confirmed stays of a period are.
--
-- grain:      one row per dirty period in which a confirmed stay begins
-- reads:      dirty_day, confirmed_stay, changed_bookings
-- parameters: first_day, last_day
--
-- A stay has the nights from its checkin to the day before its checkout; one that ends on the day it begins has none, and counts.
-- All of a stay's nights belong to the period of its checkin. Stays that are booked and yet to begin are in.

-- name: dirty_days_from_bookings
select
    checkin_date as first_day,
    checkin_date as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: rows
with stay as (
    select
        dirty_day.period_start,
        bookings.checkout_date - bookings.checkin_date as nights
    from dirty_day
    inner join confirmed_stay as bookings on dirty_day.calendar_date = bookings.checkin_date
    where bookings.booking_status = 'confirmed'
        and bookings.checkin_date between cast(:first_day as date) and cast(:last_day as date)
)

select
    period_start,
    count(*) as stays,
    sum(stay.nights) as nights,
    cast(sum(stay.nights) as double precision) / cast(count(*) as double precision) as average_nights
from stay
group by period_start
