-- What rentals bring in, week by week.
--
-- place:      1
-- title:      Revenue
-- reading:    Each bar is a whole week: what the rentals that began in it cost.
-- matters:    All other figures explain this one.
-- chart:      columns
-- columns:    week (week, Week of), revenue (money, Revenue), rentals (count, Rentals)
-- drawn:      revenue
-- empty:      No whole week with a rental has passed yet.
-- reads:      cars_presentation.weekly_overview
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
select
    cast(week_start as varchar(10)) as week,
    revenue,
    rentals
from cars_presentation.weekly_overview
where week_start + 7 <= cast(:as_of as date)
    and week_start >= (
        select max(newest.week_start) - 364
        from cars_presentation.weekly_overview as newest
        where newest.week_start + 7 <= cast(:as_of as date)
    )
order by week
