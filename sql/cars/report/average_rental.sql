-- What a rental is worth, week by week.
--
-- place:      2
-- title:      Average value of a rental
-- reading:    Each point is a whole week: its revenue by its rentals, in dollars.
-- chart:      line
-- columns:    week (week, Week of), average_amount (dollars, Average value), rentals (count, Rentals)
-- drawn:      average_amount
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
    cast(whole_week.week_revenue as double precision) / cast(whole_week.rental_count as double precision) as average_amount,
    whole_week.rental_count as rentals
from whole_week
where whole_week.week_start > (select max(newest.week_start) - 364 from whole_week as newest)
order by week
