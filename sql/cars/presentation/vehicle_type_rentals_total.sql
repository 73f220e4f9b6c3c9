-- Rental hours, revenue and utilisation of each vehicle type in all, the most rented first.
--
-- grain:      one row per vehicle type that has a vehicle or a rental
-- period:     all
-- unique_key: period_start, vehicle_type
-- holds:      (average_hours is null) = (rentals = 0); min_hours >= 0; min_hours <= average_hours * 1.000000001; average_hours
--             <= max_hours * 1.000000001; occupied_hours <= rental_hours + 0.000001; utilisation between 0 and 1; (utilisation
--             is null) = (fleet_hours = 0); abs(utilisation * fleet_hours - rented_fleet_hours) <= 0.000001; rented_fleet_hours
--             <= occupied_hours; assumed_fleet_hours <= fleet_hours; rented_fleet_hours >= 0; fleet_hours >= 0;
--             assumed_fleet_hours >= 0
-- rank:       vehicle_type_rank
-- reads:      dirty_period, car_time, cars_curated.rental_transactions, cars_curated.vehicles,
--             cars_curated.vehicle_versions, changed_vehicles, changed_vehicle_versions
-- writes:     cars_presentation.vehicle_type_rentals_total
-- parameters: none
-- rerun:      replaces the whole table; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: how it is replaced
--
-- These are the sums of vehicle_type_rentals_daily over all days, the fleet's up to the day on which the last rental ends, the
-- same for all types. As nothing here is of a day, the pieces of car_time are added up as they are. vehicles are those that are in
-- the active fleet now. Types with equally many rentals share a rank.
--
-- The formula: utilisation = rented_fleet_hours / fleet_hours; average_hours = rental_hours / rentals.
-- Units are rentals; hours; a share of one; the reporting currency.
-- For example, a type's cars were out for 600 of the 1,200 hours that they were in the fleet, in 40 rentals of 620 hours:
-- utilisation 0.5, average_hours 15.5.
-- It cannot say how a type does now: it adds up all days that there were.

-- name: table
create table if not exists cars_presentation.vehicle_type_rentals_total (
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
    rented_fleet_hours double precision not null,
    fleet_hours double precision not null,
    assumed_fleet_hours double precision not null,
    utilisation double precision,
    vehicle_type_rank bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_vehicles
select distinct cast('2000-01-01' as date) as period_start
from changed_vehicles

-- name: dirty_from_vehicle_versions
select distinct cast('2000-01-01' as date) as period_start
from changed_vehicle_versions

-- name: rows
with started as (
    select
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        count(*) as rentals,
        sum(rental_transactions.total_amount) as revenue,
        sum(rental_transactions.rental_seconds) as rental_seconds,
        min(rental_transactions.rental_seconds) as min_seconds,
        max(rental_transactions.rental_seconds) as max_seconds,
        min(rental_transactions.rental_date) as first_day,
        max(cast(rental_transactions.ended_at as date)) as last_day
    from cars_curated.rental_transactions
    left join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
    -- Of an adopted marketplace: a rental that is not confirmed has no day, and counts nowhere.
    where rental_transactions.rental_date is not null
    group by coalesce(vehicles.vehicle_type, 'unknown')
),

-- From the day of the first rental of all to that on which the last one ends.
business as (
    select
        cast(min(first_day) as timestamp) as starts_at,
        cast(max(last_day) + 1 as timestamp) as ends_at
    from started
),

piece as (
    select
        car_time.measure,
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        datediff(
            second, greatest(car_time.piece_from, business.starts_at), least(car_time.piece_to, business.ends_at)
        ) as piece_seconds
    from car_time
    inner join business
        on car_time.piece_from < business.ends_at
        and car_time.piece_to > business.starts_at
    left join cars_curated.vehicles on car_time.vehicle_id = vehicles.vehicle_id
),

used as (
    select
        vehicle_type,
        sum(case when measure = 'out' then piece_seconds else 0 end) as occupied_seconds,
        sum(case when measure = 'rented' then piece_seconds else 0 end) as rented_seconds,
        sum(case when measure = 'fleet' then piece_seconds else 0 end) as fleet_seconds,
        sum(case when measure = 'assumed' then piece_seconds else 0 end) as assumed_seconds
    from piece
    group by vehicle_type
),

in_fleet_now as (
    select
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        count(*) as vehicles
    from cars_curated.vehicle_versions
    left join cars_curated.vehicles on vehicle_versions.vehicle_id = vehicles.vehicle_id
    where vehicle_versions.is_active
        and vehicle_versions.valid_to is null
    group by coalesce(vehicles.vehicle_type, 'unknown')
),

kind as (
    select vehicle_type
    from cars_curated.vehicles
    union distinct
    select vehicle_type
    from started
)

select
    dirty_period.period_start,
    kind.vehicle_type,
    coalesce(started.rentals, 0) as rentals,
    cast(coalesce(started.revenue, 0) as decimal(38, 2)) as revenue,
    cast(coalesce(started.rental_seconds, 0) as double precision) / cast(3600 as double precision) as rental_hours,
    cast(started.rental_seconds as double precision)
    / cast(nullif(3600 * started.rentals, 0) as double precision) as average_hours,
    cast(started.min_seconds as double precision) / cast(3600 as double precision) as min_hours,
    cast(started.max_seconds as double precision) / cast(3600 as double precision) as max_hours,
    coalesce(in_fleet_now.vehicles, 0) as vehicles,
    cast(coalesce(used.occupied_seconds, 0) as double precision) / cast(3600 as double precision) as occupied_hours,
    cast(coalesce(used.rented_seconds, 0) as double precision) / cast(3600 as double precision) as rented_fleet_hours,
    cast(coalesce(used.fleet_seconds, 0) as double precision) / cast(3600 as double precision) as fleet_hours,
    cast(coalesce(used.assumed_seconds, 0) as double precision) / cast(3600 as double precision) as assumed_fleet_hours,
    cast(coalesce(used.rented_seconds, 0) as double precision)
    / cast(nullif(used.fleet_seconds, 0) as double precision) as utilisation,
    rank() over (order by coalesce(started.rentals, 0) desc) as vehicle_type_rank
from dirty_period
cross join kind
left join in_fleet_now on kind.vehicle_type = in_fleet_now.vehicle_type
left join started on kind.vehicle_type = started.vehicle_type
left join used on kind.vehicle_type = used.vehicle_type
