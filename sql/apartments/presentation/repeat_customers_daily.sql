-- Users who book more than once within a rolling 30-day period, each day.
--
-- grain:      one row per day up to as_of on which some user has a confirmed booking in the 30 days that end with it
-- period:     day
-- lookback:   29 days
-- unique_key: period_start
-- holds:      users_with_bookings >= 1; repeat_users <= users_with_bookings; repeat_rate between 0 and 1
-- reads:      dirty_period, booking_made, apartments_control.calendar, changed_bookings
-- writes:     apartments_presentation.repeat_customers_daily
-- parameters: as_of, first_day, last_day
-- rerun:      replaces whole days; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The window of a day is that day and the 29 before it, by booking_date. repeat_rate is the users with two or more confirmed
-- bookings in the window by those with at least one.
--
-- The formula: repeat_rate = repeat_users / users_with_bookings, a share of one.
-- Worked example: in the 30 days that end with 30 June Ann books three times, Bob once: users_with_bookings 2, repeat_users 1,
-- repeat_rate 0.5.
-- It cannot say: whether somebody booked before these 30 days (guests_monthly can).

-- name: table
create table if not exists apartments_presentation.repeat_customers_daily (
    period_start date not null,
    users_with_bookings bigint not null,
    repeat_users bigint not null,
    repeat_rate double precision not null
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_bookings
select distinct
    booking_date as first_day,
    least(booking_date + 29, cast(:as_of as date)) as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: rows
with past_day as (
    select period_start
    from dirty_period
    where period_start <= cast(:as_of as date)
),

-- A booking is in the windows of thirty days: 0 to 29 days later. Equality joins on these scale, a range join does not.
days_later as (
    select calendar_date - cast('2000-01-01' as date) as days
    from apartments_control.calendar
    where calendar_date < cast('2000-01-31' as date)
),

user_day as (
    select
        past_day.period_start,
        bookings.user_id,
        count(*) as bookings
    from booking_made as bookings
    cross join days_later
    inner join past_day on bookings.booking_date + days_later.days = past_day.period_start
    where bookings.booking_status = 'confirmed'
        and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
    group by past_day.period_start, bookings.user_id
)

select
    period_start,
    count(*) as users_with_bookings,
    sum(case when bookings >= 2 then 1 else 0 end) as repeat_users,
    cast(sum(case when bookings >= 2 then 1 else 0 end) as double precision) / cast(count(*) as double precision) as repeat_rate
from user_day
group by period_start
