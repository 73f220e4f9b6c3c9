-- Utilisation of each location by hour of the week: of its cars' hours there, the share in which they were out.
--
-- grain:      one row per month, location, weekday and hour in which a car was to be had there or was out from there
-- period:     month
-- unique_key: period_start, location_id, weekday, hour_of_day
-- holds:      weekday between 1 and 7; hour_of_day between 0 and 23; rented_hours >= 0; available_hours > 0; rented_hours <=
--             available_hours; utilisation between 0 and 1
-- lookback:   31 days
-- reads:      dirty_period, car_time, cars_control.calendar, changed_rental_transactions
-- writes:     cars_presentation.location_hours_monthly
-- parameters: as_of
-- rerun:      replaces whole months; the same rows for the same curated rows and as_of
-- storage:    distkey location_id: joined to locations on it; sortkey period_start: read by time
--
-- The source gives cars no home. So a car that is out is of the location where it was picked up, and one that stands, of that
-- where it was left, for 30 days at most; both while it is in the active fleet, and before as_of. weekday is 1 on Monday and 7
-- on Sunday, hour_of_day 8 is from 8:00 to 9:00 (UTC).
-- The formula is utilisation = rented_hours / available_hours, where available_hours are those out and those standing, in the
-- hours of the month that fall on this weekday and hour. Units are hours; a share of one.
-- For example, on the four Mondays of a month, from 8:00 to 9:00, two cars are of the location; one is out on all four, the
-- other on one, from 8:30: rented_hours are 4.5, available_hours 8, utilisation 0.5625.
-- It cannot say what local time it was, nor who asked for a car and found none. A car counts at no location before its first
-- rental, and after 30 days at which nobody took it.

-- name: table
create table if not exists cars_presentation.location_hours_monthly (
    period_start date not null,
    location_id bigint not null,
    weekday bigint not null,
    hour_of_day bigint not null,
    rented_hours double precision not null,
    available_hours double precision not null,
    utilisation double precision not null
)
distkey (location_id)
sortkey (period_start)

-- name: dirty_days_from_rental_transactions
-- For so long may the car stand where it was left, until the day of the run.
select distinct
    rental_date as first_day,
    least(cast(ended_at as date) + 30, greatest(cast(:as_of as date), cast(ended_at as date))) as last_day
from changed_rental_transactions

-- name: rows
with used as (
    select
        cast(date_trunc('month', min(piece_from)) as date) as first_month,
        cast(max(piece_to) as date) as last_day
    from car_time
    where measure in ('rented', 'standing')
),

-- Few months are left for the join over ranges.
used_month as (
    select
        dirty_period.period_start,
        cast(dirty_period.period_start as timestamp) as starts_at,
        cast(dirty_period.period_end as timestamp) as ends_at
    from dirty_period
    inner join used on dirty_period.period_start between used.first_month and used.last_day
),

piece as (
    select
        used_month.period_start,
        car_time.location_id,
        case when car_time.measure = 'rented' then 1 else 0 end as is_rented,
        greatest(car_time.piece_from, used_month.starts_at) as piece_from,
        least(car_time.piece_to, used_month.ends_at) as piece_to
    from used_month
    inner join car_time
        on used_month.ends_at > car_time.piece_from
        and used_month.starts_at < car_time.piece_to
    where car_time.measure in ('rented', 'standing')
),

-- Hours are summed up, not listed. Up to a moment every hour of the week has had the whole weeks before, from a Monday on. In
-- the week of the moment, those before its hour have passed, and of that one a part. A piece is what was up to its end, less
-- what was up to its beginning.
edge as (
    select
        period_start,
        location_id,
        is_rented,
        1 as sign,
        datediff(second, cast('1999-12-27' as timestamp), piece_to) as passed_seconds
    from piece
    union all
    select
        period_start,
        location_id,
        is_rented,
        -1 as sign,
        datediff(second, cast('1999-12-27' as timestamp), piece_from) as passed_seconds
    from piece
),

placed as (
    select
        period_start,
        location_id,
        is_rented,
        sign,
        passed_seconds - mod(passed_seconds, 604800) as week_seconds,
        mod(passed_seconds, 3600) as part_seconds,
        -- It is whole: rounding takes only what double precision adds.
        cast(
            round(
                cast(mod(passed_seconds, 604800) - mod(passed_seconds, 3600) as double precision) / cast(3600 as double precision)
            ) as bigint
        ) as hour_of_week
    from edge
),

week_hour as (
    select
        datediff(day, cast('2000-01-03' as date), weekdays.calendar_date) + 1 as weekday,
        datediff(day, cast('2000-01-01' as date), hours.calendar_date) as hour_of_day,
        24 * datediff(day, cast('2000-01-03' as date), weekdays.calendar_date)
        + datediff(day, cast('2000-01-01' as date), hours.calendar_date) as hour_of_week
    from cars_control.calendar as weekdays
    cross join cars_control.calendar as hours
    where weekdays.calendar_date between cast('2000-01-03' as date) and cast('2000-01-09' as date)
        and hours.calendar_date between cast('2000-01-01' as date) and cast('2000-01-24' as date)
),

turn as (
    select period_start, location_id, hour_of_week, is_rented, sign, week_seconds, part_seconds
    from placed
    union all
    -- And every hour of the week is there.
    select
        located.period_start,
        located.location_id,
        week_hour.hour_of_week,
        0 as is_rented,
        0 as sign,
        0 as week_seconds,
        0 as part_seconds
    from (select distinct period_start, location_id from piece) as located
    cross join week_hour
),

turn_hour as (
    select
        period_start,
        location_id,
        hour_of_week,
        sum(is_rented * sign) as rented_turns,
        sum(is_rented * sign * week_seconds) as rented_week_seconds,
        sum(is_rented * sign * part_seconds) as rented_part_seconds,
        sum(sign) as turns,
        sum(sign * week_seconds) as week_seconds,
        sum(sign * part_seconds) as part_seconds
    from turn
    group by period_start, location_id, hour_of_week
),

-- An hour has its part of the whole weeks, all of itself from each moment in a later hour, and the part of its own.
counted as (
    select
        turn_hour.period_start,
        turn_hour.location_id,
        turn_hour.hour_of_week,
        cast(
            sum(turn_hour.rented_week_seconds) over (partition by turn_hour.period_start, turn_hour.location_id)
            as double precision
        ) / cast(168 as double precision)
        + 3600 * coalesce(
            sum(turn_hour.rented_turns) over (
                partition by turn_hour.period_start, turn_hour.location_id
                order by turn_hour.hour_of_week desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        )
        + turn_hour.rented_part_seconds as rented_seconds,
        cast(
            sum(turn_hour.week_seconds) over (partition by turn_hour.period_start, turn_hour.location_id) as double precision
        ) / cast(168 as double precision)
        + 3600 * coalesce(
            sum(turn_hour.turns) over (
                partition by turn_hour.period_start, turn_hour.location_id
                order by turn_hour.hour_of_week desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        )
        + turn_hour.part_seconds as available_seconds
    from turn_hour
),

whole as (
    select
        period_start,
        location_id,
        hour_of_week,
        cast(round(counted.rented_seconds) as bigint) as rented_seconds,
        cast(round(counted.available_seconds) as bigint) as available_seconds
    from counted
)

select
    whole.period_start,
    whole.location_id,
    week_hour.weekday,
    week_hour.hour_of_day,
    cast(whole.rented_seconds as double precision) / cast(3600 as double precision) as rented_hours,
    cast(whole.available_seconds as double precision) / cast(3600 as double precision) as available_hours,
    cast(whole.rented_seconds as double precision) / cast(whole.available_seconds as double precision) as utilisation
from whole
inner join week_hour on whole.hour_of_week = week_hour.hour_of_week
where whole.available_seconds > 0
