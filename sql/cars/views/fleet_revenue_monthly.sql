-- Revenue per available car-day (RevPAC), revenue per rented day and utilisation of the fleet, month by month.
--
-- grain:      one row per month of use, to the last that had any
-- reads:      cars_presentation.fleet_use_daily
-- writes:     cars_presentation.fleet_revenue_monthly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- Formulas and units as in fleet_revenue_daily, over the sums of the month's days up to the last on which a car was out in the
-- fleet. revenue_ahead is what is known by now for later days, whose fleet is not known yet: it is no part of the ratios.
-- For example, 30 days of 10 cars are 300 car_days; 9000.00 for 90 rented days: RevPAC 30.00, revenue_per_rented_day 100.00,
-- utilisation 0.3.
-- It cannot say what a month that is not over will bring.

-- name: view
create view cars_presentation.fleet_revenue_monthly as
with business as (
    select max(case when rented_fleet_seconds > 0 then period_start end) as last_day
    from cars_presentation.fleet_use_daily
),

months as (
    select
        cast(date_trunc('month', period_start) as date) as month_start,
        cast(sum(rentals) as bigint) as rentals,
        cast(sum(pickup_revenue) as decimal(38, 2)) as pickup_revenue,
        cast(sum(case when period_start <= business.last_day then revenue else 0 end) as decimal(38, 2)) as revenue,
        cast(sum(case when period_start <= business.last_day then 0 else fleet_use_daily.revenue end) as decimal(38, 2))
            as revenue_ahead,
        cast(sum(case when period_start <= business.last_day then occupied_seconds else 0 end) as double precision)
            as occupied_seconds,
        cast(sum(rented_fleet_seconds) as double precision) as rented_fleet_seconds,
        cast(sum(case when period_start <= business.last_day then fleet_seconds else 0 end) as double precision) as fleet_seconds
    from cars_presentation.fleet_use_daily
    cross join business
    group by date_trunc('month', period_start)
    having sum(rentals) > 0
        or sum(occupied_seconds) > 0
        or min(period_start) <= max(business.last_day)
)

select
    month_start,
    rentals,
    pickup_revenue,
    revenue,
    revenue_ahead,
    cast(fleet_seconds as double precision) / cast(86400 as double precision) as car_days,
    cast(occupied_seconds as double precision) / cast(86400 as double precision) as rented_days,
    86400 * (
        cast(months.revenue as double precision) / cast(nullif(fleet_seconds, 0) as double precision)
    ) as revenue_per_car_day,
    86400 * (
        cast(months.revenue as double precision) / cast(nullif(occupied_seconds, 0) as double precision)
    ) as revenue_per_rented_day,
    cast(rented_fleet_seconds as double precision) / cast(nullif(fleet_seconds, 0) as double precision) as utilisation
from months
