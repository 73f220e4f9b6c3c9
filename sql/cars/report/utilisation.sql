-- How busy the fleet was, month by month.
--
-- place:      3
-- title:      Utilisation of the fleet
-- reading:    Each bar is a month: of all hours of all vehicles, the share in which they were out. The month of the run counts its days so far.
-- chart:      columns
-- columns:    month (month, Month), utilisation (percent, Utilisation), occupied_hours (hours, Hours out)
-- drawn:      utilisation
-- empty:      No day after the first rental has passed yet.
-- reads:      cars_presentation.vehicle_type_rentals_daily, cars_presentation.vehicle_type_rentals_total, cars_control.calendar
-- parameters: as_of
--
-- The newest two years that have figures. Counted are whole days, from that of the first rental to the one before the run's. Vehicles
-- are those of today; on a day without rentals they have hours all the same, though the daily metric has no row of it.

-- name: query
with past_day as (
    select
        calendar.month_start,
        daily.period_start,
        daily.occupied_hours
    from cars_presentation.vehicle_type_rentals_daily as daily
    inner join cars_control.calendar on daily.period_start = calendar.calendar_date
    where daily.period_start < cast(:as_of as date)
),

busy_month as (
    select
        month_start,
        sum(occupied_hours) as hours_out
    from past_day
    group by month_start
),

days_of_month as (
    select
        month_start,
        count(*) as days
    from cars_control.calendar
    where calendar_date < cast(:as_of as date)
        and calendar_date >= (select min(past_day.period_start) from past_day)
    group by month_start
),

fleet as (
    select sum(vehicles) as vehicles
    from cars_presentation.vehicle_type_rentals_total
)

select
    cast(busy_month.month_start as varchar(10)) as month,
    cast(busy_month.hours_out as double precision)
    / cast(nullif(fleet.vehicles * days_of_month.days * 24, 0) as double precision) as utilisation,
    busy_month.hours_out as occupied_hours
from busy_month
inner join days_of_month on busy_month.month_start = days_of_month.month_start
cross join fleet
where busy_month.month_start > (select dateadd(month, -24, max(newest.month_start)) from busy_month as newest)
order by month
