-- How many cars nobody rents, week by week.
--
-- place:      6
-- title:      Cars that stood for a week
-- reading:    Each bar is a whole week: as it ended, so many cars of the fleet had not been out for 7 days.
-- matters:    These are the cars to move, to price anew or to sell.
-- chart:      columns
-- columns:    week (week, Week of), idle_7_days (count, Idle for 7 days), idle_30_days (count, Idle for 30 days),
--             idle_90_days (count, Idle for 90 days), fleet_cars (count, Cars in the fleet),
--             mean_gap_hours (hours, Between two rentals)
-- drawn:      idle_7_days
-- empty:      No whole week with a rental has passed yet.
-- reads:      cars_presentation.idle_cars_weekly
-- parameters: none
--
-- The newest year that has figures.

-- name: query
select
    cast(period_start as varchar(10)) as week,
    idle_7_days,
    idle_30_days,
    idle_90_days,
    fleet_cars,
    mean_gap_hours
from cars_presentation.idle_cars_weekly
where period_start >= (select max(newest.period_start) - 364 from cars_presentation.idle_cars_weekly as newest)
order by week
