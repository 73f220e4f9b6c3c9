-- What the listings earn a night, month by month.
--
-- place:      1
-- title:      Revenue per available night
-- reading:    Each bar is a month: what all nights that could be booked earned, divided by their number (RevPAR). It is the
--             average daily rate (ADR, of booked nights alone) times the occupancy. The month of the run counts its nights so
--             far. Nights whose currency has no exchange rate are left out of it, and counted beside it.
-- matters:    It is the one figure that a higher price with empty nights does not flatter.
-- chart:      columns
-- columns:    month (month, Month), revpar (money, RevPAR), adr (money, ADR), occupancy_rate (percent, Occupancy),
--             revpar_year_before (money, RevPAR a year before), booked_nights_without_rate (count, Nights without a rate)
-- drawn:      revpar
-- empty:      No night of a confirmed stay has passed yet.
-- unknown:    none of the stays has an exchange rate into the currency of the figures
-- reads:      apartments_presentation.nights_monthly
-- parameters: none
--
-- The two years up to the newest month in which a night was booked: listings stay available after the bookings have ended.

-- name: query
with whole as (
    select
        period_start,
        booked_nights,
        revpar,
        adr,
        occupancy_rate,
        booked_nights_without_rate
    from apartments_presentation.nights_monthly
    where segment = 'all'
),

newest as (
    select max(period_start) as last_month
    from whole
    where booked_nights > 0
)

select
    cast(whole.period_start as varchar(10)) as month,
    whole.revpar,
    whole.adr,
    whole.occupancy_rate,
    year_before.revpar as revpar_year_before,
    whole.booked_nights_without_rate
from whole
inner join newest
    on whole.period_start <= newest.last_month
    and whole.period_start > dateadd(month, -24, newest.last_month)
left join whole as year_before on whole.period_start = cast(dateadd(month, 12, year_before.period_start) as date)
order by month
