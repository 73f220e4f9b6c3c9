-- Revenue and utilisation of cars by age and brand, month by month.
--
-- grain:      one row per month, brand and model year of which a rental started or a car was out or in the fleet
-- reads:      cars_presentation.fleet_use_daily
-- writes:     cars_presentation.fleet_by_class_monthly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- car_age is the month's year less the model year, and NULL where that is not known; a car of next year's model has -1.
-- Formulas and units as in fleet_revenue_daily, over all days of the month; of days without such a car in the fleet, as those
-- that are not over, the revenue is no part of revenue_per_car_day (RevPAC).
-- For example, in May 2024 two Toyotas of 2018 have 62 car_days and are out for 15.5 of them, for 1240.00: car_age 6, RevPAC
-- 20.00, revenue_per_rented_day 80.00, utilisation 0.25.
-- It cannot say how a car's age decides: brands and ages differ in types and locations, too. Brand and year are today's.

-- name: view
create view cars_presentation.fleet_by_class_monthly as
with months as (
    select
        cast(date_trunc('month', period_start) as date) as month_start,
        brand,
        model_year,
        cast(sum(rentals) as bigint) as rentals,
        cast(sum(pickup_revenue) as decimal(38, 2)) as pickup_revenue,
        cast(sum(revenue) as decimal(38, 2)) as revenue,
        cast(sum(case when fleet_seconds > 0 then fleet_use_daily.revenue else 0 end) as decimal(38, 2)) as in_fleet_revenue,
        cast(sum(occupied_seconds) as double precision) as occupied_seconds,
        cast(sum(rented_fleet_seconds) as double precision) as rented_fleet_seconds,
        cast(sum(fleet_seconds) as double precision) as fleet_seconds
    from cars_presentation.fleet_use_daily
    group by date_trunc('month', period_start), brand, model_year
)

select
    month_start,
    brand,
    model_year,
    cast(extract(year from month_start) as bigint) - model_year as car_age,
    rentals,
    pickup_revenue,
    revenue,
    cast(fleet_seconds as double precision) / cast(86400 as double precision) as car_days,
    cast(occupied_seconds as double precision) / cast(86400 as double precision) as rented_days,
    86400 * (
        cast(in_fleet_revenue as double precision) / cast(nullif(fleet_seconds, 0) as double precision)
    ) as revenue_per_car_day,
    86400 * (
        cast(months.revenue as double precision) / cast(nullif(occupied_seconds, 0) as double precision)
    ) as revenue_per_rented_day,
    cast(rented_fleet_seconds as double precision) / cast(nullif(fleet_seconds, 0) as double precision) as utilisation
from months
