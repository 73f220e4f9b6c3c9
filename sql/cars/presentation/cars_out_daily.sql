-- Peak concurrency: the most cars that were out at once on each day, against the fleet.
--
-- grain:      one row per day on which a car is out
-- period:     day
-- unique_key: period_start
-- holds:      most_out > 0; fleet_cars > 0; (peak_share is null) = (fleet_cars is null); cast(peak_at as date) = period_start
-- reads:      dirty_day, car_time
-- writes:     cars_presentation.cars_out_daily
-- parameters: none
-- rerun:      replaces whole days; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- most_out is the largest number of cars that were out at one moment of the day, peak_at the first such moment (UTC). A car
-- that comes back as another leaves is not out with it; two rentals of one car at a time are one car. fleet_cars is the largest
-- number that were in the active fleet at one moment of it; NULL from as_of on, where it is not known yet.
-- The formula is peak_share = most_out / fleet_cars. Units are cars; a share of one.
-- For example, one car is out from 8:00 to 12:00, another from 10:00 to 14:00, a third from 14:00 on, of a fleet of 4: most_out
-- is 2, peak_at 10:00, peak_share 0.5.
-- It cannot say how many more would have been rented, nor count a car that stands in a workshop as missing. It passes 1 where
-- cars are rented that are said to be inactive. A day after as_of has the rentals that are known by now.

-- name: table
create table if not exists cars_presentation.cars_out_daily (
    period_start date not null,
    most_out bigint not null,
    peak_at timestamp not null,
    fleet_cars bigint,
    peak_share double precision
)
diststyle all
sortkey (period_start)

-- name: rows
with used as (
    select
        cast(min(piece_from) as date) as first_day,
        cast(max(piece_to) as date) as last_day
    from car_time
    where measure = 'out'
),

turn as (
    select
        piece_from as moment,
        case when measure = 'out' then 1 else 0 end as out_change,
        case when measure = 'fleet' then 1 else 0 end as fleet_change
    from car_time
    where measure in ('out', 'fleet')
    union all
    select
        piece_to as moment,
        case when measure = 'out' then -1 else 0 end as out_change,
        case when measure = 'fleet' then -1 else 0 end as fleet_change
    from car_time
    where measure in ('out', 'fleet')
    union all
    -- Each day begins with the cars that were out before it.
    select
        cast(dirty_day.calendar_date as timestamp) as moment,
        0 as out_change,
        0 as fleet_change
    from dirty_day
    inner join used on dirty_day.calendar_date between used.first_day and used.last_day
),

turn_moment as (
    select
        moment,
        sum(out_change) as out_change,
        sum(fleet_change) as fleet_change
    from turn
    group by moment
),

counted as (
    select
        moment,
        cast(moment as date) as calendar_date,
        cast(sum(out_change) over (order by moment rows between unbounded preceding and current row) as bigint) as cars_out,
        cast(sum(fleet_change) over (order by moment rows between unbounded preceding and current row) as bigint) as cars_there
    from turn_moment
),

peak as (
    select
        calendar_date,
        max(cars_out) as most_out,
        nullif(max(cars_there), 0) as fleet_cars
    from counted
    group by calendar_date
)

select
    dirty_day.period_start,
    peak.most_out,
    min(counted.moment) as peak_at,
    peak.fleet_cars,
    cast(peak.most_out as double precision) / cast(peak.fleet_cars as double precision) as peak_share
from dirty_day
inner join peak on dirty_day.calendar_date = peak.calendar_date
inner join counted
    on peak.calendar_date = counted.calendar_date
    and peak.most_out = counted.cars_out
where peak.most_out > 0
group by dirty_day.period_start, peak.most_out, peak.fleet_cars
