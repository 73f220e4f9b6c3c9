-- How much customers book in a week.
--
-- place:      13
-- title:      Bookings per customer
-- reading:    Each point is a whole week: the bookings that were not canceled, by the customers who made them. 1 means that nobody booked
--             twice in that week.
-- matters:    More bookings of the same guests grow revenue without new ones.
-- chart:      line
-- columns:    week (week, Week of), bookings_per_user (number, Bookings per customer), bookings (count, Bookings),
--             users (count, Customers)
-- drawn:      bookings_per_user
-- empty:      No whole week with a booking has passed yet.
-- reads:      apartments_presentation.bookings_weekly
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
with whole_week as (
    select
        period_start,
        confirmed + pending as booking_count,
        customers as user_count
    from apartments_presentation.bookings_weekly
    where segment = 'all'
        and customers > 0
        and period_start + 7 <= cast(:as_of as date)
)

select
    cast(whole_week.period_start as varchar(10)) as week,
    cast(whole_week.booking_count as double precision) / cast(whole_week.user_count as double precision) as bookings_per_user,
    whole_week.booking_count as bookings,
    whole_week.user_count as users
from whole_week
where whole_week.period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
order by week
