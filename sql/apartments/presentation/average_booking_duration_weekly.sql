-- Mean duration of confirmed stays over time, by the week of their checkin.
--
-- grain:      one row per week in which a confirmed stay begins
-- period:     week
-- reads:      dirty_period, apartments_curated.bookings, apartments_control.calendar, changed_bookings
-- writes:     apartments_presentation.average_booking_duration_weekly
-- parameters: none
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- A stay has the nights from its checkin to the day before its checkout; one that ends on the day it begins has none, and counts.
-- All of a stay's nights belong to the week of its checkin. Stays that are booked and yet to begin are in.

-- name: table
create table if not exists apartments_presentation.average_booking_duration_weekly (
    period_start date not null,
    stays bigint not null,
    nights bigint not null,
    average_nights double precision not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_bookings
select distinct calendar.week_start as period_start
from changed_bookings
inner join apartments_control.calendar on changed_bookings.checkin_date = calendar.calendar_date
where changed_bookings.booking_status = 'confirmed'

-- name: rows
with stay as (
    select
        dirty_period.period_start,
        bookings.checkout_date - bookings.checkin_date as nights
    from dirty_period
    inner join apartments_control.calendar on dirty_period.period_start = calendar.week_start
    inner join apartments_curated.bookings on calendar.calendar_date = bookings.checkin_date
    where bookings.booking_status = 'confirmed'
)

select
    period_start,
    count(*) as stays,
    sum(stay.nights) as nights,
    cast(sum(stay.nights) as double precision) / cast(count(*) as double precision) as average_nights
from stay
group by period_start
