-- How long before checkin bookings are canceled, by the week in which they were made.
--
-- grain:      one row per week of booking with a canceled booking
-- reads:      apartments_curated.bookings, apartments_curated.booking_versions
-- writes:     apartments_presentation.cancellation_lead_weekly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The formula: days before checkin = checkin_date - day on which the pipeline first knew the booking as canceled, after it had
-- known it otherwise. Their mean, their median, and how many are in each range of days (late: on the day of checkin or after it).
-- The checkin is that of the booking as it is now.
-- canceled = canceled_seen + canceled_unseen, as in bookings_weekly. Unseen ones were canceled when the pipeline first saw them,
-- as all are that were canceled before the first load: nobody knows when.
-- Worked example: three bookings of a week are canceled: one 10 days before its checkin, one 2, one before the first load.
-- canceled 3, canceled_seen 2, canceled_unseen 1, mean_days_before 6, median_days_before 6, days_1_to_7 1, days_8_to_30 1.
-- It cannot say: the hour, and the day only as exactly as runs come: one that is canceled between two runs counts as canceled at
-- the second. It cannot say why.

-- name: view
create view apartments_presentation.cancellation_lead_weekly as
with otherwise as (
    select
        booking_id,
        max(known_from) as last_known_at
    from apartments_curated.booking_versions
    where booking_status <> 'canceled'
    group by booking_id
),

seen as (
    select
        otherwise.booking_id,
        cast(min(booking_versions.known_from) as date) as canceled_on
    from otherwise
    inner join apartments_curated.booking_versions
        on otherwise.booking_id = booking_versions.booking_id
        and otherwise.last_known_at < booking_versions.known_from
    where booking_versions.booking_status = 'canceled'
    group by otherwise.booking_id
),

canceled as (
    select
        cast(date_trunc('week', bookings.booking_date) as date) as week_start,
        bookings.checkin_date - seen.canceled_on as days_before
    from apartments_curated.bookings
    left join seen on bookings.booking_id = seen.booking_id
    where bookings.booking_status = 'canceled'
)

select
    week_start,
    count(*) as canceled,
    count(days_before) as canceled_seen,
    count(*) - count(days_before) as canceled_unseen,
    cast(sum(days_before) as double precision) / cast(nullif(count(days_before), 0) as double precision) as mean_days_before,
    median(cast(days_before as double precision)) as median_days_before,
    sum(case when days_before <= 0 then 1 else 0 end) as days_late,
    sum(case when days_before between 1 and 7 then 1 else 0 end) as days_1_to_7,
    sum(case when days_before between 8 and 30 then 1 else 0 end) as days_8_to_30,
    sum(case when days_before between 31 and 90 then 1 else 0 end) as days_31_to_90,
    sum(case when days_before > 90 then 1 else 0 end) as days_over_90
from canceled
group by week_start
