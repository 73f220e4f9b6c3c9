-- Rental hours, revenue and utilisation of each vehicle type per day.
--
-- grain:      one row per day and vehicle type of which a rental starts on the day or takes some of it
-- period:     day
-- reads:      dirty_period, cars_curated.rental_transactions, cars_curated.vehicles, cars_control.calendar,
--             changed_rental_transactions, changed_vehicles
-- writes:     cars_presentation.vehicle_type_rentals_daily
-- parameters: none
-- rerun:      replaces whole days; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- rentals, revenue and the rental hours (in all, mean, least, most) are of the rentals that start on the day, each with all its hours,
-- which are exact to the second. utilisation is occupied_hours by vehicles x 24: occupied_hours are those of the day itself, on
-- which a vehicle of the type was out, whenever its rental began; overlapping rentals of one vehicle count once.
-- vehicles are all of the type that there are today, as the source does not say since when. A vehicle has the type of today.
-- Amounts are in dollars.

-- name: table
create table if not exists cars_presentation.vehicle_type_rentals_daily (
    period_start date not null,
    vehicle_type varchar(16) not null,
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    rental_hours double precision not null,
    average_hours double precision,
    min_hours double precision,
    max_hours double precision,
    vehicles bigint not null,
    occupied_hours double precision not null,
    utilisation double precision not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_rental_transactions
with changed_span as (
    select distinct
        rental_date as first_day,
        cast(ended_at as date) as last_day
    from changed_rental_transactions
),

-- Few days compared with the calendar's, before the join over a range.
possible_day as (
    select calendar_date
    from cars_control.calendar
    where calendar_date >= (select min(first_day) from changed_span)
        and calendar_date <= (select max(last_day) from changed_span)
)

select distinct possible_day.calendar_date as period_start
from possible_day
inner join changed_span on possible_day.calendar_date between changed_span.first_day and changed_span.last_day

-- name: dirty_from_vehicles
-- How many vehicles a type has is in the utilisation of all its days, and what else changes in a vehicle is in none.
with fleet_change as (
    select count(*) as changes
    from (
        select vehicle_id
        from changed_vehicles
        group by vehicle_id, vehicle_type
        having count(*) = 1
    ) as changed_type
)

select calendar.calendar_date as period_start
from cars_control.calendar
cross join fleet_change
where fleet_change.changes > 0
    and calendar.calendar_date >= (select min(rental_date) from cars_curated.rental_transactions)
    and calendar.calendar_date <= (select max(cast(ended_at as date)) from cars_curated.rental_transactions)

-- name: rows
with horizon as (
    select
        cast(min(period_start) as timestamp) as horizon_start,
        cast(max(period_end) as timestamp) as horizon_end
    from dirty_period
),

fleet as (
    select
        vehicle_type,
        count(*) as vehicles
    from cars_curated.vehicles
    group by vehicle_type
),

started as (
    select
        dirty_period.period_start,
        vehicles.vehicle_type,
        count(*) as rentals,
        sum(rental_transactions.total_amount) as revenue,
        sum(rental_transactions.rental_seconds) as rental_seconds,
        min(rental_transactions.rental_seconds) as min_seconds,
        max(rental_transactions.rental_seconds) as max_seconds
    from dirty_period
    inner join cars_curated.rental_transactions on dirty_period.period_start = rental_transactions.rental_date
    inner join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
    group by dirty_period.period_start, vehicles.vehicle_type
),

-- The rentals that take some of the time between the first and the last dirty day, cut to it.
taken as (
    select
        rental_transactions.vehicle_id,
        vehicles.vehicle_type,
        greatest(rental_transactions.started_at, horizon.horizon_start) as taken_from,
        least(rental_transactions.ended_at, horizon.horizon_end) as taken_to
    from horizon
    inner join cars_curated.rental_transactions
        on rental_transactions.started_at < horizon.horizon_end
        and rental_transactions.ended_at > horizon.horizon_start
    inner join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
    where rental_transactions.started_at < rental_transactions.ended_at
),

-- In order of their beginning, each rental of a vehicle brings only the time after the latest end before it: none comes twice.
ordered as (
    select
        vehicle_type,
        taken_from,
        taken_to,
        max(taken_to) over (
            partition by vehicle_id
            order by taken_from, taken_to
            rows between unbounded preceding and 1 preceding
        ) as counted_to
    from taken
),

occupied as (
    select
        vehicle_type,
        greatest(taken_from, coalesce(counted_to, taken_from)) as occupied_from,
        taken_to as occupied_to
    from ordered
    where taken_to > coalesce(counted_to, taken_from)
),

-- Days are summed up, not listed. A vehicle that goes out adds its seconds to that day, and itself to those that are out from
-- midnight on. Where it comes back, it takes itself away again and adds its seconds since midnight.
turn as (
    select
        vehicle_type,
        cast(occupied_from as date) as turn_day,
        cast(0 as bigint) as vehicles_out,
        datediff(
            second, occupied_from, least(occupied_to, cast(cast(occupied_from as date) + 1 as timestamp))
        ) as part_seconds
    from occupied
    union all
    select
        vehicle_type,
        cast(occupied_from as date) + 1 as turn_day,
        cast(1 as bigint) as vehicles_out,
        cast(0 as bigint) as part_seconds
    from occupied
    where cast(occupied_to as date) > cast(occupied_from as date)
    union all
    select
        vehicle_type,
        cast(occupied_to as date) as turn_day,
        cast(-1 as bigint) as vehicles_out,
        datediff(second, cast(cast(occupied_to as date) as timestamp), occupied_to) as part_seconds
    from occupied
    where cast(occupied_to as date) > cast(occupied_from as date)
),

turn_day as (
    select
        vehicle_type,
        turn_day as day_of_turns,
        sum(vehicles_out) as vehicles_out,
        sum(part_seconds) as part_seconds
    from turn
    group by vehicle_type, turn_day
),

occupied_day as (
    select
        calendar.calendar_date,
        fleet.vehicle_type,
        coalesce(turn_day.part_seconds, 0)
        + 86400 * sum(coalesce(turn_day.vehicles_out, 0)) over (
            partition by fleet.vehicle_type
            order by calendar.calendar_date
            rows between unbounded preceding and current row
        ) as occupied_seconds
    from cars_control.calendar
    inner join horizon
        on calendar.calendar_date >= cast(horizon.horizon_start as date)
        and calendar.calendar_date < cast(horizon.horizon_end as date)
    cross join fleet
    left join turn_day
        on calendar.calendar_date = turn_day.day_of_turns
        and fleet.vehicle_type = turn_day.vehicle_type
)

select
    dirty_period.period_start,
    fleet.vehicle_type,
    coalesce(started.rentals, 0) as rentals,
    cast(coalesce(started.revenue, 0) as decimal(38, 2)) as revenue,
    cast(coalesce(started.rental_seconds, 0) as double precision) / cast(3600 as double precision) as rental_hours,
    cast(started.rental_seconds as double precision) / cast(3600 * started.rentals as double precision) as average_hours,
    cast(started.min_seconds as double precision) / cast(3600 as double precision) as min_hours,
    cast(started.max_seconds as double precision) / cast(3600 as double precision) as max_hours,
    fleet.vehicles,
    cast(occupied_day.occupied_seconds as double precision) / cast(3600 as double precision) as occupied_hours,
    cast(occupied_day.occupied_seconds as double precision) / cast(86400 * fleet.vehicles as double precision) as utilisation
from dirty_period
inner join occupied_day on dirty_period.period_start = occupied_day.calendar_date
inner join fleet on occupied_day.vehicle_type = fleet.vehicle_type
left join started
    on dirty_period.period_start = started.period_start
    and fleet.vehicle_type = started.vehicle_type
where started.rentals > 0
    or occupied_day.occupied_seconds > 0
