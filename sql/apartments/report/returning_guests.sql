-- How many of a month's guests have booked before.
--
-- place:      5
-- title:      Returning guests
-- reading:    Each bar is a whole month: of the guests who booked in it, the share whose first booking was in an earlier month.
-- matters:    A new guest costs advertising, one who returns costs none.
-- chart:      columns
-- columns:    month (month, Month), returning_share (percent, Returning), returning_guests (count, Returning guests),
--             new_guests (count, New guests), revenue (money, Revenue), bookings_without_rate (count, Bookings without a rate)
-- drawn:      returning_share
-- empty:      No whole month with a confirmed booking has passed yet.
-- reads:      apartments_presentation.guests_monthly
-- parameters: as_of
--
-- The newest two years of whole months that have figures.

-- name: query
with whole_month as (
    select
        period_start,
        sum(guests) as every_guest,
        sum(case when cohort_month < period_start then guests else 0 end) as returning_guests,
        sum(case when cohort_month = period_start then guests else 0 end) as new_guests,
        sum(guests_monthly.revenue) as revenue,
        sum(guests_monthly.bookings_without_rate) as bookings_without_rate
    from apartments_presentation.guests_monthly
    where dateadd(month, 1, period_start) <= cast(:as_of as date)
    group by period_start
)

select
    cast(whole_month.period_start as varchar(10)) as month,
    cast(whole_month.returning_guests as double precision) / cast(whole_month.every_guest as double precision) as returning_share,
    whole_month.returning_guests,
    whole_month.new_guests,
    whole_month.revenue,
    whole_month.bookings_without_rate
from whole_month
where whole_month.period_start > (select dateadd(month, -24, max(newest.period_start)) from whole_month as newest)
order by month
