-- How much of the time the cars of each type were rented, month by month, and what they earned.
--
-- grain:      one row per month and vehicle type of which a vehicle was in the fleet or a rental began, to the last that had any
--             rental
-- reads:      cars_presentation.vehicle_type_rentals_daily
-- writes:     cars_presentation.fleet_utilisation_monthly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- All are sums of the daily metric's columns, and mean what they mean there; utilisation_percent is rented_fleet_hours by
-- fleet_hours, NULL where the fleet had none. Of the last month the days count to the last on which a vehicle was out. Amounts
-- are in the reporting currency. Hours are added as the whole seconds that they are made of: of fractions the sum would depend on
-- the order of the rows.
--
-- The formula: utilisation_percent = 100 * rented_fleet_hours / fleet_hours. Units are rentals; hours; per cent.
-- For example, two cars of a type are in the fleet for all of April, 1,440 hours, and out for 360 of them: 25 per cent.
-- It cannot say whether a car that stood was fit to drive.

-- name: view
create view cars_presentation.fleet_utilisation_monthly as
with business as (
    select max(period_start) as last_day
    from cars_presentation.vehicle_type_rentals_daily
    where rentals > 0
        or occupied_hours > 0
),

months as (
    select
        cast(date_trunc('month', period_start) as date) as month_start,
        vehicle_type,
        cast(sum(rentals) as bigint) as rentals,
        cast(sum(revenue) as decimal(38, 2)) as revenue,
        sum(cast(round(rental_hours * 3600) as bigint)) as rental_seconds,
        sum(cast(round(occupied_hours * 3600) as bigint)) as occupied_seconds,
        sum(cast(round(rented_fleet_hours * 3600) as bigint)) as rented_seconds,
        sum(cast(round(fleet_hours * 3600) as bigint)) as fleet_seconds,
        sum(cast(round(assumed_fleet_hours * 3600) as bigint)) as assumed_seconds
    from cars_presentation.vehicle_type_rentals_daily
    inner join business on vehicle_type_rentals_daily.period_start <= business.last_day
    group by date_trunc('month', period_start), vehicle_type
)

select
    month_start,
    vehicle_type,
    rentals,
    revenue,
    cast(rental_seconds as double precision) / cast(3600 as double precision) as rental_hours,
    cast(occupied_seconds as double precision) / cast(3600 as double precision) as occupied_hours,
    cast(rented_seconds as double precision) / cast(3600 as double precision) as rented_fleet_hours,
    cast(fleet_seconds as double precision) / cast(3600 as double precision) as fleet_hours,
    cast(assumed_seconds as double precision) / cast(3600 as double precision) as assumed_fleet_hours,
    100 * (cast(rented_seconds as double precision) / cast(nullif(fleet_seconds, 0) as double precision)) as utilisation_percent
from months
