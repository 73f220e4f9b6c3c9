-- Rental hours, revenue and utilisation of each vehicle type per day.
--
-- grain:      one row per day and vehicle type of which a rental starts, or takes some of the day, or a vehicle is in the fleet
-- period:     day
-- unique_key: period_start, vehicle_type
-- holds:      (average_hours is null) = (rentals = 0); min_hours >= 0; min_hours <= average_hours * 1.000000001; average_hours
--             <= max_hours * 1.000000001; utilisation between 0 and 1; (utilisation is null) = (fleet_hours = 0);
--             abs(utilisation * fleet_hours - rented_fleet_hours) <= 0.000001; rented_fleet_hours <= occupied_hours;
--             assumed_fleet_hours <= fleet_hours; rented_fleet_hours >= 0; fleet_hours >= 0; assumed_fleet_hours >= 0
-- reads:      fleet_day
-- writes:     cars_presentation.vehicle_type_rentals_daily
-- parameters: none
-- rerun:      replaces whole days; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- What counts stands in intermediate/fleet_day.sql; here its classes are added up by type, and seconds are hours. utilisation is rented_fleet_hours by
-- fleet_hours. Hours add up over days and types, so the utilisation of any time is the sum of rented_fleet_hours by that of
-- fleet_hours; it is never above 1, and NULL where no vehicle was in the fleet.
--
-- The formula: utilisation = rented_fleet_hours / fleet_hours; average_hours = rental_hours / rentals.
-- Units are rentals; hours; a share of one; the reporting currency.
-- For example, two cars of a type are in the fleet all Monday, one is out from 18:00 on for 30 hours: rentals 1, rental_hours 30,
-- occupied_hours 6, fleet_hours 48, utilisation 6 / 48 = 12.5 %.
-- It cannot say whether a car that stood was fit to drive.

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
    occupied_hours double precision not null,
    rented_fleet_hours double precision not null,
    fleet_hours double precision not null,
    assumed_fleet_hours double precision not null,
    utilisation double precision
)
diststyle all
sortkey (period_start)

-- name: rows
with type_day as (
    select
        period_start,
        vehicle_type,
        sum(rentals) as rentals,
        sum(pickup_cents) as pickup_cents,
        coalesce(sum(rental_seconds), 0) as rental_seconds,
        min(min_seconds) as min_seconds,
        max(max_seconds) as max_seconds,
        sum(occupied_seconds) as occupied_seconds,
        sum(rented_seconds) as rented_seconds,
        sum(fleet_seconds) as fleet_seconds,
        sum(assumed_seconds) as assumed_seconds
    from fleet_day
    group by period_start, vehicle_type
)

select
    period_start,
    vehicle_type,
    rentals,
    cast(cast(pickup_cents as decimal(34, 0)) * cast(0.01 as decimal(3, 2)) as decimal(38, 2)) as revenue,
    cast(rental_seconds as double precision) / cast(3600 as double precision) as rental_hours,
    cast(rental_seconds as double precision) / cast(nullif(3600 * type_day.rentals, 0) as double precision) as average_hours,
    cast(min_seconds as double precision) / cast(3600 as double precision) as min_hours,
    cast(max_seconds as double precision) / cast(3600 as double precision) as max_hours,
    cast(occupied_seconds as double precision) / cast(3600 as double precision) as occupied_hours,
    cast(rented_seconds as double precision) / cast(3600 as double precision) as rented_fleet_hours,
    cast(fleet_seconds as double precision) / cast(3600 as double precision) as fleet_hours,
    cast(assumed_seconds as double precision) / cast(3600 as double precision) as assumed_fleet_hours,
    cast(rented_seconds as double precision) / cast(nullif(fleet_seconds, 0) as double precision) as utilisation
from type_day
