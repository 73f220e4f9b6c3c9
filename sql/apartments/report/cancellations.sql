-- How many bookings are canceled, and what is lost by them.
--
-- place:      4
-- title:      Cancellations
-- reading:    Each point is a week: of the bookings made in it that were confirmed or canceled, the share that is canceled by
--             now. The newest eight weeks are left out: they have had less time for it, and would look better than they are.
-- matters:    A canceled booking has kept others away.
-- matures:    56 days
-- chart:      line
-- columns:    week (week, Week of), cancellation_rate (percent, Canceled), canceled (count, Bookings canceled), revenue_lost
--             (money, Revenue lost), canceled_without_rate (count, Canceled without a rate), median_days_ahead (number, Median
--             days from booking to checkin)
-- drawn:      cancellation_rate
-- empty:      No week with a booking is eight weeks old yet.
-- reads:      apartments_presentation.bookings_weekly
-- parameters: as_of
--
-- The newest year that has figures, of weeks that ended eight weeks ago or earlier.

-- name: query
with old_week as (
    select
        period_start,
        cancellation_rate,
        canceled,
        revenue_lost,
        canceled_without_rate,
        median_days_ahead
    from apartments_presentation.bookings_weekly
    where segment = 'all'
        and period_start + 63 <= cast(:as_of as date)
)

select
    cast(old_week.period_start as varchar(10)) as week,
    old_week.cancellation_rate,
    old_week.canceled,
    old_week.revenue_lost,
    old_week.canceled_without_rate,
    old_week.median_days_ahead
from old_week
where old_week.period_start >= (select max(newest.period_start) - 364 from old_week as newest)
order by week
