-- What a rental is worth, week by week.
--
-- place:      4
-- title:      Average value of a rental
-- reading:    Each point is a whole week: its revenue by its rentals.
-- matters:    What a rental is worth decides how many are needed to pay for the fleet.
-- chart:      line
-- columns:    week (week, Week of), average_amount (money, Average value), rentals (count, Rentals)
-- drawn:      average_amount
-- empty:      No whole week with a rental has passed yet.
-- reads:      cars_presentation.weekly_overview
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
select
    cast(week_start as varchar(10)) as week,
    average_amount,
    rentals
from cars_presentation.weekly_overview
where week_start + 7 <= cast(:as_of as date)
    and week_start >= (
        select max(newest.week_start) - 364
        from cars_presentation.weekly_overview as newest
        where newest.week_start + 7 <= cast(:as_of as date)
    )
order by week
