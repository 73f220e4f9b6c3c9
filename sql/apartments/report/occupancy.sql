-- How full the listings were, month by month.
--
-- place:      2
-- title:      Occupancy
-- reading:    Each bar is a month: of all nights that could be booked, the share that was. 100% would be a full house. The month of
--             the run counts its nights so far.
-- matters:    A night that stays empty earns nothing and cannot be sold later.
-- chart:      columns
-- columns:    month (month, Month), occupancy_rate (percent, Occupancy), booked_nights (count, Nights booked),
--             available_nights (count, Nights available)
-- drawn:      occupancy_rate
-- empty:      No night of a confirmed stay has passed yet.
-- reads:      apartments_presentation.occupancy_monthly
-- parameters: none
--
-- The two years up to the newest month in which a night was booked: listings stay available after the bookings have ended.

-- name: query
with newest as (
    select max(period_start) as last_month
    from apartments_presentation.occupancy_monthly
    where booked_nights > 0
)

select
    cast(occupancy_monthly.period_start as varchar(10)) as month,
    occupancy_monthly.occupancy_rate,
    occupancy_monthly.booked_nights,
    occupancy_monthly.available_nights
from apartments_presentation.occupancy_monthly
inner join newest
    on occupancy_monthly.period_start <= newest.last_month
    and occupancy_monthly.period_start > dateadd(month, -24, newest.last_month)
order by month
