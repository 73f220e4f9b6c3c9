-- Rental hours, revenue and utilisation of each vehicle type in all, the most rented first.
--
-- grain:      one row per vehicle type that has a vehicle or a rental
-- period:     all
-- reads:      dirty_period, cars_curated.rental_transactions, cars_curated.vehicles, cars_curated.vehicle_versions,
--             changed_rental_transactions, changed_vehicles, changed_vehicle_versions
-- writes:     cars_presentation.vehicle_type_rentals_total
-- parameters: as_of
-- rerun:      replaces the whole table; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: how it is replaced
--
-- Everything means what it means in vehicle_type_rentals_daily, whose sums these are: the utilisation too, of all days from the
-- one on which the first rental starts to the one on which the last ends, whole days, as far as they are before as_of, the same
-- for all types. vehicles are those that are in the active fleet now. Types with equally many rentals share a rank.

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

-- name: dirty_from_rental_transactions
select distinct cast('2000-01-01' as date) as period_start
from changed_rental_transactions

-- name: dirty_from_vehicles
select distinct cast('2000-01-01' as date) as period_start
from changed_vehicles

-- name: dirty_from_vehicle_versions
select distinct cast('2000-01-01' as date) as period_start
from changed_vehicle_versions

-- name: rows
with span as (
    select
        cast(min(rental_date) as timestamp) as span_start,
        cast(least(max(cast(ended_at as date)) + 1, cast(:as_of as date)) as timestamp) as elapsed_end
    from cars_curated.rental_transactions
),

rental as (
    select
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        rental_transactions.vehicle_id,
        rental_transactions.started_at,
        rental_transactions.ended_at,
        rental_transactions.rental_seconds,
        rental_transactions.total_amount,
        -- In order of their beginning, each rental of a vehicle brings only the time after the latest end before it.
        greatest(
            rental_transactions.started_at,
            max(rental_transactions.ended_at) over (
                partition by rental_transactions.vehicle_id
                order by rental_transactions.started_at, rental_transactions.ended_at
                rows between unbounded preceding and 1 preceding
            )
        ) as occupied_from
    from cars_curated.rental_transactions
    left join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
),

rented as (
    select
        vehicle_type,
        count(*) as rentals,
        sum(total_amount) as revenue,
        sum(rental.rental_seconds) as rental_seconds,
        min(rental.rental_seconds) as min_seconds,
        max(rental.rental_seconds) as max_seconds,
        sum(case when occupied_from < ended_at then datediff(second, occupied_from, ended_at) else 0 end) as occupied_seconds
    from rental
    group by vehicle_type
),

fleet as (
    select
        vehicle_versions.vehicle_id,
        vehicle_versions.is_assumed,
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        greatest(vehicle_versions.valid_from, span.span_start) as fleet_from,
        least(vehicle_versions.valid_to, span.elapsed_end) as fleet_to
    from span
    inner join cars_curated.vehicle_versions
        on vehicle_versions.valid_from < span.elapsed_end
        and coalesce(vehicle_versions.valid_to, span.elapsed_end) > span.span_start
    left join cars_curated.vehicles on vehicle_versions.vehicle_id = vehicles.vehicle_id
    where vehicle_versions.is_active
        and span.span_start < span.elapsed_end
),

available as (
    select
        vehicle_type,
        sum(datediff(second, fleet_from, fleet_to)) as fleet_seconds,
        sum(case when is_assumed then datediff(second, fleet_from, fleet_to) else 0 end) as assumed_seconds
    from fleet
    group by vehicle_type
),

used as (
    select
        fleet.vehicle_type,
        sum(
            datediff(second, greatest(rental.occupied_from, fleet.fleet_from), least(rental.ended_at, fleet.fleet_to))
        ) as rented_seconds
    from rental
    inner join fleet
        on rental.vehicle_id = fleet.vehicle_id
        and rental.occupied_from < fleet.fleet_to
        and rental.ended_at > fleet.fleet_from
    where rental.occupied_from < rental.ended_at
    group by fleet.vehicle_type
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
    from rented
)

select
    dirty_period.period_start,
    kind.vehicle_type,
    coalesce(rented.rentals, 0) as rentals,
    cast(coalesce(rented.revenue, 0) as decimal(38, 2)) as revenue,
    cast(coalesce(rented.rental_seconds, 0) as double precision) / cast(3600 as double precision) as rental_hours,
    cast(rented.rental_seconds as double precision) / cast(3600 * rented.rentals as double precision) as average_hours,
    cast(rented.min_seconds as double precision) / cast(3600 as double precision) as min_hours,
    cast(rented.max_seconds as double precision) / cast(3600 as double precision) as max_hours,
    coalesce(in_fleet_now.vehicles, 0) as vehicles,
    cast(coalesce(rented.occupied_seconds, 0) as double precision) / cast(3600 as double precision) as occupied_hours,
    cast(coalesce(used.rented_seconds, 0) as double precision) / cast(3600 as double precision) as rented_fleet_hours,
    cast(coalesce(available.fleet_seconds, 0) as double precision) / cast(3600 as double precision) as fleet_hours,
    cast(coalesce(available.assumed_seconds, 0) as double precision) / cast(3600 as double precision) as assumed_fleet_hours,
    cast(coalesce(used.rented_seconds, 0) as double precision)
    / cast(nullif(available.fleet_seconds, 0) as double precision) as utilisation,
    rank() over (order by coalesce(rented.rentals, 0) desc) as vehicle_type_rank
from dirty_period
cross join kind
left join rented on kind.vehicle_type = rented.vehicle_type
left join in_fleet_now on kind.vehicle_type = in_fleet_now.vehicle_type
left join available on kind.vehicle_type = available.vehicle_type
left join used on kind.vehicle_type = used.vehicle_type
