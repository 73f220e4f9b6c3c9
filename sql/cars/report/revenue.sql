-- What rentals bring in, week by week.
--
-- place:      1
-- title:      Revenue
-- reading:    Each bar is a whole week: what the rentals that began in it cost, in dollars.
-- chart:      columns
-- columns:    week (week, Week of), revenue (dollars, Revenue), rentals (count, Rentals)
-- drawn:      revenue
-- reads:      cars_presentation.rentals_daily, cars_control.calendar
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
with whole_week as (
    select
        calendar.week_start,
        sum(rentals_daily.revenue) as week_revenue,
        sum(rentals_daily.rentals) as rental_count
    from cars_presentation.rentals_daily
    inner join cars_control.calendar on rentals_daily.period_start = calendar.calendar_date
    where calendar.week_start + 7 <= cast(:as_of as date)
    group by calendar.week_start
)

select
    cast(whole_week.week_start as varchar(10)) as week,
    whole_week.week_revenue as revenue,
    whole_week.rental_count as rentals
from whole_week
where whole_week.week_start > (select max(newest.week_start) - 364 from whole_week as newest)
order by week
