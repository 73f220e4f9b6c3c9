-- Total number of rentals booked per user every week.
--
-- grain:      one row per week of booking and user with a booking that is not canceled
-- period:     week
-- unique_key: period_start, user_id
-- personal:   user_id
-- reads:      dirty_day, booking_made, changed_bookings
-- writes:     apartments_presentation.bookings_per_user_weekly
-- parameters: first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    distkey user_id: joined to users on it; sortkey period_start: read by time
-- lake:       by month of period_start
--
-- Bookings of every status except canceled, by the week of booking_date.
--
-- The formula: bookings = the user's bookings made in the week. The mean over users is sum(bookings) / count(*).
-- Worked example: Ann books on Monday and on Friday and cancels the latter, Bob on Sunday: Ann 1, Bob 1.
-- It cannot say: who looked and did not book (conversion_weekly can). A booking that is canceled later leaves its week.

-- name: table
create table if not exists apartments_presentation.bookings_per_user_weekly (
    period_start date not null,
    user_id varchar(128) not null,
    bookings bigint not null
)
distkey (user_id)
sortkey (period_start)

-- name: dirty_days_from_bookings
select
    booking_date as first_day,
    booking_date as last_day
from changed_bookings
where booking_status <> 'canceled'

-- name: rows
select
    dirty_day.period_start,
    bookings.user_id,
    count(*) as bookings
from dirty_day
inner join booking_made as bookings on dirty_day.calendar_date = bookings.booking_date
where bookings.booking_status <> 'canceled'
    and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
group by dirty_day.period_start, bookings.user_id
