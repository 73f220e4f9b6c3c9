-- How busy the fleet was, month by month.
--
-- place:      3
-- title:      Utilisation of the fleet
-- reading:    Each bar is a month: of all hours that vehicles were in the active fleet, the share in which they were out. The
--             last month counts its days so far.
-- matters:    A car that stands still costs as much as one that earns.
-- chart:      columns
-- columns:    month (month, Month), utilisation (percent, Utilisation), rented_hours (hours, Hours out),
--             fleet_hours (hours, Hours of the fleet)
-- drawn:      utilisation
-- empty:      No day after the first rental has passed yet.
-- reads:      cars_presentation.fleet_utilisation_monthly
-- parameters: none
--
-- The newest two years that have figures. The metric's own hours, added up over types
-- (cars_presentation.vehicle_type_rentals_daily).

-- name: query
with busy_month as (
    select
        month_start,
        sum(rented_fleet_hours) as rented_hours,
        sum(fleet_hours) as fleet_hours
    from cars_presentation.fleet_utilisation_monthly
    where fleet_hours > 0
    group by month_start
)

select
    cast(busy_month.month_start as varchar(10)) as month,
    cast(busy_month.rented_hours as double precision) / cast(busy_month.fleet_hours as double precision) as utilisation,
    busy_month.rented_hours,
    busy_month.fleet_hours
from busy_month
where busy_month.month_start > (select dateadd(month, -24, max(newest.month_start)) from busy_month as newest)
order by month
