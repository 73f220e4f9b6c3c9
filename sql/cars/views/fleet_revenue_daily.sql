-- Revenue per available car-day (RevPAC), revenue per rented day and utilisation of the fleet, day by day; revenue by the day
-- of use beside that by the day of pickup.
--
-- grain:      one row per day on which a rental started or a car was out or in the fleet
-- reads:      cars_presentation.fleet_use_daily
-- writes:     cars_presentation.fleet_revenue_daily
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- revenue is that of the day's use, a rental's money spread over its hours; pickup_revenue that of the rentals that start on
-- the day, each with all its money. Both sum to the same over all days, to the cent. The formulas are car_days = fleet hours /
-- 24; rented_days = hours out / 24, by the clock, of overlapping rentals of a car once; revenue_per_car_day (RevPAC) = revenue
-- / car_days; revenue_per_rented_day = revenue / rented_days; utilisation = hours out of cars in the fleet / fleet hours. So
-- RevPAC = revenue_per_rented_day * utilisation, where every car that was out was in the fleet.
-- Units are the reporting currency; days of 24 hours; a share of one.
-- For example, 4 cars in the fleet all day, two of them out for 12 hours each, for 90.00 of the day's use: car_days 4,
-- rented_days 1, RevPAC 22.50, revenue_per_rented_day 90.00, utilisation 0.25.
-- It cannot say what a car cost, nor what was earned by anything but rentals. Ratios do not add up: for other times and groups
-- divide the sums of fleet_use_daily. From the day of the run on the fleet is not known yet: car_days is 0 and what it divides
-- NULL.

-- name: view
create view cars_presentation.fleet_revenue_daily as
with days as (
    select
        period_start as use_day,
        cast(sum(rentals) as bigint) as rentals,
        cast(sum(pickup_revenue) as decimal(38, 2)) as pickup_revenue,
        cast(sum(revenue) as decimal(38, 2)) as revenue,
        cast(sum(occupied_seconds) as double precision) as occupied_seconds,
        cast(sum(rented_fleet_seconds) as double precision) as rented_fleet_seconds,
        cast(sum(fleet_seconds) as double precision) as fleet_seconds
    from cars_presentation.fleet_use_daily
    group by period_start
)

select
    use_day,
    rentals,
    pickup_revenue,
    revenue,
    cast(fleet_seconds as double precision) / cast(86400 as double precision) as car_days,
    cast(occupied_seconds as double precision) / cast(86400 as double precision) as rented_days,
    86400 * (
        cast(days.revenue as double precision) / cast(nullif(fleet_seconds, 0) as double precision)
    ) as revenue_per_car_day,
    86400 * (
        cast(days.revenue as double precision) / cast(nullif(occupied_seconds, 0) as double precision)
    ) as revenue_per_rented_day,
    cast(rented_fleet_seconds as double precision) / cast(nullif(fleet_seconds, 0) as double precision) as utilisation
from days
