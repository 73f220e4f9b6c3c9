-- In every period rebuilt by this run, the metrics count as many bookings as curated has: none twice, none lost in a join.
--
-- severity:   fail
-- reads:      checked_booking, apartments_control.staged_period, apartments_staging.top_listings_weekly,
--             apartments_staging.bookings_per_user_weekly, apartments_staging.average_booking_duration_weekly,
--             apartments_staging.average_booking_duration_monthly
-- parameters: first_day, last_day

-- name: violations
with day_count as (
    -- The table is read once for all metrics: by the day of booking, and by that of the checkin.
    select
        booking_date,
        checkin_date,
        sum(case when booking_status = 'confirmed' then 1 else 0 end) as confirmed,
        sum(case when booking_status <> 'canceled' then 1 else 0 end) as not_canceled
    from checked_booking
    where booking_date between cast(:first_day as date) and cast(:last_day as date)
        or checkin_date between cast(:first_day as date) and cast(:last_day as date)
    group by booking_date, checkin_date
),

to_count as (
    select
        cast('top_listings_weekly' as varchar(64)) as metric,
        cast(date_trunc('week', booking_date) as date) as period_start,
        confirmed as bookings
    from day_count
    union all
    select
        cast('bookings_per_user_weekly' as varchar(64)) as metric,
        cast(date_trunc('week', booking_date) as date) as period_start,
        not_canceled as bookings
    from day_count
    union all
    select
        cast('average_booking_duration_weekly' as varchar(64)) as metric,
        cast(date_trunc('week', checkin_date) as date) as period_start,
        confirmed as bookings
    from day_count
    union all
    select
        cast('average_booking_duration_monthly' as varchar(64)) as metric,
        cast(date_trunc('month', checkin_date) as date) as period_start,
        confirmed as bookings
    from day_count
),

expected as (
    select
        to_count.metric,
        to_count.period_start,
        sum(to_count.bookings) as bookings
    from to_count
    inner join apartments_control.staged_period
        on to_count.metric = staged_period.metric
        and to_count.period_start = staged_period.period_start
    group by to_count.metric, to_count.period_start
),

metric_rows as (
    select cast('top_listings_weekly' as varchar(64)) as metric, period_start, bookings
    from apartments_staging.top_listings_weekly
    union all
    select cast('bookings_per_user_weekly' as varchar(64)) as metric, period_start, bookings
    from apartments_staging.bookings_per_user_weekly
    union all
    select cast('average_booking_duration_weekly' as varchar(64)) as metric, period_start, stays as bookings
    from apartments_staging.average_booking_duration_weekly
    union all
    select cast('average_booking_duration_monthly' as varchar(64)) as metric, period_start, stays as bookings
    from apartments_staging.average_booking_duration_monthly
),

counted as (
    select
        metric,
        period_start,
        sum(bookings) as bookings
    from metric_rows
    group by metric, period_start
)

select
    coalesce(expected.metric, counted.metric) || ' ' || cast(coalesce(expected.period_start, counted.period_start) as varchar(64))
    || ': ' || cast(coalesce(counted.bookings, 0) as varchar(64)) || ' instead of '
    || cast(coalesce(expected.bookings, 0) as varchar(64)) as example
from expected
full outer join counted
    on expected.metric = counted.metric
    and expected.period_start = counted.period_start
where coalesce(expected.bookings, 0) <> coalesce(counted.bookings, 0)
