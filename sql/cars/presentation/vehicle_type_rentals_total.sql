-- Rental hours, revenue and utilisation of each vehicle type in all, the most rented first.
--
-- grain:      one row per vehicle type that has a vehicle
-- period:     all
-- reads:      dirty_period, cars_curated.rental_transactions, cars_curated.vehicles, changed_rental_transactions, changed_vehicles
-- writes:     cars_presentation.vehicle_type_rentals_total
-- parameters: none
-- rerun:      replaces the whole table; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: how it is replaced
--
-- Rental hours are exact to the second. utilisation is occupied_hours by vehicles x hours of the period, which are those of all days
-- from the one on which the first rental starts to the one on which the last ends, whole days, the same for all types; overlapping
-- rentals of one vehicle count once. vehicles are all of the type today, and a vehicle has the type of today.
-- Types with equally many rentals share a rank. Amounts are in dollars.

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

-- name: rows
with fleet as (
    select
        vehicle_type,
        count(*) as vehicles
    from cars_curated.vehicles
    group by vehicle_type
),

span as (
    select 24 * (max(cast(ended_at as date)) - min(rental_date) + 1) as span_hours
    from cars_curated.rental_transactions
),

rental as (
    select
        vehicles.vehicle_type,
        rental_transactions.vehicle_id,
        rental_transactions.started_at,
        rental_transactions.ended_at,
        rental_transactions.rental_seconds,
        rental_transactions.total_amount,
        -- In order of their beginning, each rental of a vehicle brings only the time after the latest end before it.
        max(rental_transactions.ended_at) over (
            partition by rental_transactions.vehicle_id
            order by rental_transactions.started_at, rental_transactions.ended_at
            rows between unbounded preceding and 1 preceding
        ) as counted_to
    from cars_curated.rental_transactions
    inner join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
),

rented as (
    select
        vehicle_type,
        count(*) as rentals,
        sum(total_amount) as revenue,
        sum(rental.rental_seconds) as rental_seconds,
        min(rental.rental_seconds) as min_seconds,
        max(rental.rental_seconds) as max_seconds,
        sum(
            case
                when counted_to is null or counted_to <= started_at then rental.rental_seconds
                when counted_to < ended_at then datediff(second, counted_to, ended_at)
                else 0
            end
        ) as occupied_seconds
    from rental
    group by vehicle_type
)

select
    dirty_period.period_start,
    fleet.vehicle_type,
    coalesce(rented.rentals, 0) as rentals,
    cast(coalesce(rented.revenue, 0) as decimal(38, 2)) as revenue,
    cast(coalesce(rented.rental_seconds, 0) as double precision) / cast(3600 as double precision) as rental_hours,
    cast(rented.rental_seconds as double precision) / cast(3600 * rented.rentals as double precision) as average_hours,
    cast(rented.min_seconds as double precision) / cast(3600 as double precision) as min_hours,
    cast(rented.max_seconds as double precision) / cast(3600 as double precision) as max_hours,
    fleet.vehicles,
    cast(coalesce(rented.occupied_seconds, 0) as double precision) / cast(3600 as double precision) as occupied_hours,
    cast(coalesce(rented.occupied_seconds, 0) as double precision)
    / cast(3600 * span.span_hours * fleet.vehicles as double precision) as utilisation,
    rank() over (order by coalesce(rented.rentals, 0) desc) as vehicle_type_rank
from dirty_period
cross join span
cross join fleet
left join rented on fleet.vehicle_type = rented.vehicle_type
