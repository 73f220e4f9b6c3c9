-- How much of the fleet was out at once, week by week.
--
-- place:      5
-- title:      Most cars out at once
-- reading:    Each point is a whole week: the largest number of cars that were out at one moment of it, and the largest that were
--             in the fleet.
-- matters:    A fleet that is never out as a whole is larger than its customers need.
-- chart:      line
-- columns:    week (week, Week of), most_out (count, Most cars out), fleet_cars (count, Cars in the fleet)
-- drawn:      most_out
-- empty:      No whole week with a rental has passed yet.
-- reads:      cars_presentation.cars_out_daily
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
with weeks as (
    select
        cast(date_trunc('week', period_start) as date) as week_start,
        max(most_out) as most_out,
        max(fleet_cars) as fleet_cars
    from cars_presentation.cars_out_daily
    group by date_trunc('week', period_start)
),

whole_week as (
    select week_start, most_out, fleet_cars
    from weeks
    where week_start + 7 <= cast(:as_of as date)
)

select
    cast(week_start as varchar(10)) as week,
    most_out,
    fleet_cars
from whole_week
where week_start >= (select max(newest.week_start) - 364 from whole_week as newest)
order by week
