-- How much of the time the cars of each type were rented, month by month, and what they earned.
--
-- grain:      one row per month and vehicle type of which a vehicle was out in it
-- reads:      cars_presentation.vehicle_type_rentals_daily
-- writes:     cars_presentation.fleet_utilisation_monthly
-- parameters: none
-- rerun:      a view: dropped and made anew where it or a table it reads has changed its definition
-- storage:    none
--
-- Rentals, revenue and hours add up over days. Available hours are those of the whole month, for each vehicle that there is today;
-- a month that is not over has yet to be filled. Amounts are in dollars. Hours are added as the whole seconds that they are made of:
-- of fractions the sum would depend on the order of the rows.

-- name: view
create view cars_presentation.fleet_utilisation_monthly as
with months as (
    select
        cast(date_trunc('month', period_start) as date) as month_start,
        vehicle_type,
        cast(sum(rentals) as bigint) as rentals,
        cast(sum(revenue) as decimal(38, 2)) as revenue,
        sum(cast(round(rental_hours * 3600) as bigint)) as rental_seconds,
        sum(cast(round(occupied_hours * 3600) as bigint)) as occupied_seconds,
        24 * max(vehicles) as available_hours_a_day
    from cars_presentation.vehicle_type_rentals_daily
    group by date_trunc('month', period_start), vehicle_type
),

available as (
    select
        months.*,
        available_hours_a_day * datediff(day, month_start, dateadd(month, 1, month_start)) as available_hours
    from months
)

select
    month_start,
    vehicle_type,
    rentals,
    revenue,
    cast(rental_seconds as double precision) / cast(3600 as double precision) as rental_hours,
    cast(occupied_seconds as double precision) / cast(3600 as double precision) as occupied_hours,
    available_hours,
    100 * (cast(occupied_seconds as double precision) / cast(3600 * available_hours as double precision)) as utilisation_percent
from available
