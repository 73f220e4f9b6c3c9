-- How many bookings are canceled, and what is lost by them.
--
-- place:      4
-- title:      Cancellations
-- reading:    Each point is a whole week: of the bookings made in it that were confirmed or canceled, the share that is
--             canceled by now. Young weeks have had less time for it.
-- matters:    A canceled booking has kept others away.
-- chart:      line
-- columns:    week (week, Week of), cancellation_rate (percent, Canceled), canceled (count, Bookings canceled), revenue_lost
--             (money, Revenue lost), median_days_ahead (number, Median days from booking to checkin)
-- drawn:      cancellation_rate
-- empty:      No whole week with a booking has passed yet.
-- reads:      apartments_presentation.bookings_weekly
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
with whole_week as (
    select
        period_start,
        cancellation_rate,
        canceled,
        revenue_lost,
        median_days_ahead
    from apartments_presentation.bookings_weekly
    where segment = 'all'
        and period_start + 7 <= cast(:as_of as date)
)

select
    cast(whole_week.period_start as varchar(10)) as week,
    whole_week.cancellation_rate,
    whole_week.canceled,
    whole_week.revenue_lost,
    whole_week.median_days_ahead
from whole_week
where whole_week.period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
order by week
