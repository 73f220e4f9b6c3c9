-- Nights on the books for the months to come (pace), at the end of every past day, as the warehouse knew them on that day.
--
-- grain:      one row per day and stay month, the day's own to the twelfth after it, with a night on the books or one that stands
-- reads:      apartments_presentation.pace_monthly, apartments_control.calendar
-- writes:     apartments_presentation.pace_daily
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The formulas, in nights of confirmed stays:
--   nights          = nights of the stay month that were booked and not canceled at the end of the day, as known then, whatever
--                     became of them later. NULL before the first load: nothing was known. stays are the bookings with such a
--                     night.
--   nights_standing = nights of the stay month, of the bookings that are confirmed now and were made on the day or before it, by
--                     their booking_date. It goes back to the first booking.
-- Those that end with year_before are the same of the same day a year earlier, for the same month of that year (of 29 February:
-- of the 28th). They are NULL where nothing was known then, or no booking made yet.
-- Worked example: on Monday a booking of 30 July to 2 August is confirmed, on Wednesday it is canceled. Monday and Tuesday:
-- July 2 nights, August 1. Wednesday: none. nights_standing, looked at on Wednesday, is 0 for all three days. A booking that
-- arrives on Thursday is not in the nights of Wednesday, however old it says that it is; nights_standing has it from its
-- booking_date on.
--
-- The last day is the newest on which anything of a booking was learned; what it shows is what is known so far. Two bookings
-- of one night count twice. nights have also those of a listing that the source never had.
-- It cannot say: how a month will end. nights_standing leaves out what was canceled since; of a day a year ago that is most of
-- what will ever be, of today little: compare it with a year before in this knowledge.

-- name: view
create view apartments_presentation.pace_daily as
with change as (
    select
        period_start as stay_month,
        change_day,
        nights,
        stays,
        nights_standing,
        min(case when stays_learned > 0 then change_day end) over () as first_day,
        max(case when stays_learned > 0 then change_day end) over () as last_day,
        min(case when stays > 0 or nights_standing > 0 then change_day end) over () as first_change
    from apartments_presentation.pace_monthly
),

-- What was on the books a year before the month is there from then on.
changed_day as (
    select
        stay_month,
        greatest(change_day, cast(dateadd(month, -12, stay_month) as date)) as known_on,
        sum(change.nights) as nights,
        sum(change.stays) as stays,
        sum(change.nights_standing) as nights_standing
    from change
    group by stay_month, greatest(change_day, cast(dateadd(month, -12, stay_month) as date))
),

told as (
    select distinct
        first_day,
        last_day,
        first_change
    from change
),

months_later as (
    select datediff(month, cast('2000-01-01' as date), calendar_date) as months
    from apartments_control.calendar
    where calendar_date = month_start
        and calendar_date between cast('2000-01-01' as date) and cast('2001-01-01' as date)
),

day_month as (
    select
        calendar.calendar_date as known_on,
        told.first_day,
        cast(dateadd(month, months_later.months, calendar.month_start) as date) as stay_month
    from apartments_control.calendar
    inner join told on calendar.calendar_date between told.first_change and told.last_day
    cross join months_later
),

summed as (
    select
        day_month.known_on,
        day_month.stay_month,
        day_month.first_day,
        sum(coalesce(changed_day.nights, 0)) over (
            partition by day_month.stay_month order by day_month.known_on rows between unbounded preceding and current row
        ) as nights,
        sum(coalesce(changed_day.stays, 0)) over (
            partition by day_month.stay_month order by day_month.known_on rows between unbounded preceding and current row
        ) as stays,
        sum(coalesce(changed_day.nights_standing, 0)) over (
            partition by day_month.stay_month order by day_month.known_on rows between unbounded preceding and current row
        ) as nights_standing
    from day_month
    left join changed_day
        on day_month.known_on = changed_day.known_on
        and day_month.stay_month = changed_day.stay_month
),

books as (
    select
        known_on,
        stay_month,
        cast(case when known_on >= first_day then summed.nights end as bigint) as nights,
        cast(case when known_on >= first_day then summed.stays end as bigint) as stays,
        cast(summed.nights_standing as bigint) as nights_standing
    from summed
)

select
    books.known_on,
    books.stay_month,
    books.nights,
    books.stays,
    books.nights_standing,
    year_before.nights as nights_year_before,
    year_before.nights_standing as nights_standing_year_before
from books
left join books as year_before
    on cast(dateadd(month, -12, books.known_on) as date) = year_before.known_on
    and cast(dateadd(month, -12, books.stay_month) as date) = year_before.stay_month
where books.nights > 0
    or books.nights_standing > 0
