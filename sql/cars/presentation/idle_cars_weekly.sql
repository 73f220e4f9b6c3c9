-- Idle cars: how many cars of the fleet nobody rented for 7, 30 and 90 days, and how long cars stand between two rentals.
--
-- grain:      one row per week that is over, and in whose last 90 days a car was rented
-- period:     week
-- unique_key: period_start
-- holds:      idle_7_days between idle_30_days and fleet_cars; idle_90_days between 0 and idle_30_days; gaps >= 0;
--             (mean_gap_hours is null) = (gaps = 0); mean_gap_hours between 0 and 2160
-- lookback:   91 days
-- reads:      dirty_period, cars_curated.rental_transactions, cars_curated.vehicle_versions, changed_rental_transactions,
--             changed_vehicle_versions
-- writes:     cars_presentation.idle_cars_weekly
-- parameters: as_of, first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Looked at as the week ends, at midnight after its Sunday (UTC). fleet_cars are the cars that were in the active fleet then,
-- by vehicle_versions. Of these, a car is idle for 7 (30, 90) days if it was out at no moment of them, and was in the fleet
-- before them, too (for 30 days: 7 and 30 days before; for 90: 7, 30 and 90); so a car that came on Friday is not idle.
-- gaps are the rentals that start in the week on a car that came back within the 90 days before, and was not out any more.
-- The formula is mean_gap_hours = hours from that return to the start / gaps. Units are cars; hours.
-- For example, of 10 cars, 2 were last out 8 and 40 days before the week's end: idle_7_days is 2, idle_30_days 1, idle_90_days
-- 0. Two rentals that start 5 and 15 hours after their cars came back: gaps is 2, mean_gap_hours 10.
-- It cannot say why a car stood: in a workshop, or for want of customers. In the 90 days after the very first rental of all, a
-- car that nobody rented yet counts as idle, though its time before is not known.

-- name: table
create table if not exists cars_presentation.idle_cars_weekly (
    period_start date not null,
    fleet_cars bigint not null,
    idle_7_days bigint not null,
    idle_30_days bigint not null,
    idle_90_days bigint not null,
    gaps bigint not null,
    mean_gap_hours double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_rental_transactions
select distinct
    rental_date as first_day,
    least(cast(ended_at as date) + 90, cast(:as_of as date)) as last_day
from changed_rental_transactions

-- name: dirty_days_from_vehicle_versions
with image as (
    select
        vehicle_id,
        valid_from,
        coalesce(valid_to, cast(cast(:as_of as date) as timestamp)) as ends_at
    from changed_vehicle_versions
    where is_active
),

changed_interval as (
    -- Two images of one version that differ only in where it ends change the time between the two ends, not that before.
    select
        cast(case when count(*) = 1 then min(valid_from) else min(ends_at) end as date) as first_day,
        cast(max(ends_at) as date) as last_day
    from image
    group by vehicle_id, valid_from
)

select distinct
    first_day,
    least(changed_interval.last_day + 90, cast(:as_of as date)) as last_day
from changed_interval

-- name: rows
with rental as (
    select
        vehicle_id,
        rental_date,
        started_at,
        ended_at,
        max(ended_at) over (
            partition by vehicle_id
            order by started_at, ended_at, rental_id
            rows between unbounded preceding and 1 preceding
        ) as came_back_at
    from cars_curated.rental_transactions
    where ended_at >= cast(:first_day as date)
        and rental_date <= cast(:last_day as date)
),

used as (
    select
        min(rental_date) as first_day,
        cast(max(ended_at) as date) + 90 as last_day
    from rental
),

past_week as (
    select
        dirty_period.period_start,
        dirty_period.period_end,
        cast(dirty_period.period_end as timestamp) as ends_at,
        cast(dirty_period.period_end - 7 as timestamp) as before_7_days,
        cast(dirty_period.period_end - 30 as timestamp) as before_30_days,
        cast(dirty_period.period_end - 90 as timestamp) as before_90_days
    from dirty_period
    -- Few weeks are left for the joins over ranges.
    inner join used on dirty_period.period_start between used.first_day - 6 and used.last_day
    where dirty_period.period_end <= cast(:as_of as date)
),

-- Until when each car was out last.
last_use as (
    select
        past_week.period_start,
        rental.vehicle_id,
        max(least(rental.ended_at, past_week.ends_at)) as used_until
    from past_week
    inner join rental
        on past_week.ends_at > rental.started_at
        and past_week.before_90_days < rental.ended_at
    group by past_week.period_start, rental.vehicle_id
),

used_week as (
    select distinct period_start
    from last_use
),

active as (
    select
        vehicle_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as timestamp)) as valid_to
    from cars_curated.vehicle_versions
    where is_active
),

-- Of each car of the fleet, whether it was in it before so many days, too.
fleet as (
    select
        past_week.period_start,
        past_week.before_7_days,
        past_week.before_30_days,
        past_week.before_90_days,
        active.vehicle_id,
        max(
            case
                when past_week.before_7_days > earlier.valid_from and past_week.before_7_days <= earlier.valid_to then 1
                else 0
            end
        ) as was_there_7_days,
        max(
            case
                when past_week.before_30_days > earlier.valid_from and past_week.before_30_days <= earlier.valid_to then 1
                else 0
            end
        ) as was_there_30_days,
        max(
            case
                when past_week.before_90_days > earlier.valid_from and past_week.before_90_days <= earlier.valid_to then 1
                else 0
            end
        ) as was_there_90_days
    from past_week
    inner join used_week on past_week.period_start = used_week.period_start
    inner join active
        on past_week.ends_at > active.valid_from
        and past_week.ends_at <= active.valid_to
    inner join active as earlier on active.vehicle_id = earlier.vehicle_id
    group by
        past_week.period_start,
        past_week.before_7_days,
        past_week.before_30_days,
        past_week.before_90_days,
        active.vehicle_id
),

idle as (
    select
        fleet.period_start,
        count(*) as fleet_cars,
        sum(
            case
                when coalesce(last_use.used_until, fleet.before_90_days) <= fleet.before_7_days then fleet.was_there_7_days
                else 0
            end
        ) as idle_7_days,
        sum(
            case
                when coalesce(last_use.used_until, fleet.before_90_days) <= fleet.before_30_days
                    then least(fleet.was_there_7_days, fleet.was_there_30_days)
                else 0
            end
        ) as idle_30_days,
        sum(
            case
                when last_use.used_until is null
                    then least(fleet.was_there_7_days, fleet.was_there_30_days, fleet.was_there_90_days)
                else 0
            end
        ) as idle_90_days
    from fleet
    left join last_use
        on fleet.period_start = last_use.period_start
        and fleet.vehicle_id = last_use.vehicle_id
    group by fleet.period_start
),

gap as (
    select
        past_week.period_start,
        count(*) as gaps,
        sum(datediff(second, rental.came_back_at, rental.started_at)) as gap_seconds
    from past_week
    inner join rental
        on past_week.period_start <= rental.rental_date
        and past_week.period_end > rental.rental_date
    where rental.came_back_at <= rental.started_at
        and rental.came_back_at > dateadd(day, -90, rental.started_at)
    group by past_week.period_start
)

select
    used_week.period_start,
    coalesce(idle.fleet_cars, 0) as fleet_cars,
    coalesce(idle.idle_7_days, 0) as idle_7_days,
    coalesce(idle.idle_30_days, 0) as idle_30_days,
    coalesce(idle.idle_90_days, 0) as idle_90_days,
    coalesce(gap.gaps, 0) as gaps,
    cast(gap.gap_seconds as double precision) / cast(3600 * gap.gaps as double precision) as mean_gap_hours
from used_week
left join idle on used_week.period_start = idle.period_start
left join gap on used_week.period_start = gap.period_start
