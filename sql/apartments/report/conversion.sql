-- From looking to booking.
--
-- place:      6
-- title:      Bookings for each viewer
-- reading:    Each point is a whole week: the confirmed bookings made in it, divided by the people who looked at a listing in
--             it. The first week in which anybody looked is left out: viewings were rarely recorded in all of it.
-- matters:    More viewers cost money; more of them who book cost none.
-- chart:      line
-- columns:    week (week, Week of), bookings_per_viewer (number, Bookings per viewer), viewers (count, Viewers),
--             viewers_with_wishlist (count, Put one on a wishlist), viewers_with_call (count, Answered a call to action),
--             bookers (count, Booked)
-- drawn:      bookings_per_viewer
-- empty:      No whole week with a viewing has passed yet, but for the first.
-- unknown:    nobody looked
-- reads:      apartments_presentation.conversion_weekly
-- parameters: as_of
--
-- The newest year of whole weeks in which somebody looked.

-- name: query
with looked_week as (
    select
        period_start,
        bookings_per_viewer,
        viewers,
        viewers_with_wishlist,
        viewers_with_call,
        bookers
    from apartments_presentation.conversion_weekly
    where segment = 'all'
        and viewers > 0
),

whole_week as (
    select looked_week.*
    from looked_week
    where looked_week.period_start > (select min(first_week.period_start) from looked_week as first_week)
        and looked_week.period_start + 7 <= cast(:as_of as date)
)

select
    cast(whole_week.period_start as varchar(10)) as week,
    whole_week.bookings_per_viewer,
    whole_week.viewers,
    whole_week.viewers_with_wishlist,
    whole_week.viewers_with_call,
    whole_week.bookers
from whole_week
where whole_week.period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
order by week
