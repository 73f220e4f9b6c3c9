-- How many listings there are.
--
-- place:      9
-- title:      Listings
-- reading:    Each point is a whole week: the listings that could be booked on its last night. Beside it, which came and went,
--             which had no booking in thirteen weeks, and how much of the revenue of these weeks the best tenth earned.
-- matters:    Guests book what is there; revenue that few listings earn goes when they go.
-- chart:      line
-- columns:    week (week, Week of), active_listings (count, Listings), new_listings (count, New), lost_listings (count, Lost),
--             listings_without_booking (count, Without a booking), top_revenue_share (percent, Revenue of the best tenth),
--             bookings_without_rate (count, Bookings without a rate)
-- drawn:      active_listings
-- empty:      There is no active listing yet.
-- reads:      apartments_presentation.listings_weekly
-- parameters: as_of
--
-- The newest year of whole weeks.

-- name: query
with whole_week as (
    select
        period_start,
        active_listings,
        new_listings,
        lost_listings,
        listings_without_booking,
        top_revenue_share,
        bookings_without_rate
    from apartments_presentation.listings_weekly
    where period_start + 7 <= cast(:as_of as date)
)

select
    cast(whole_week.period_start as varchar(10)) as week,
    whole_week.active_listings,
    whole_week.new_listings,
    whole_week.lost_listings,
    whole_week.listings_without_booking,
    whole_week.top_revenue_share,
    whole_week.bookings_without_rate
from whole_week
where whole_week.period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
order by week
