-- Which listings earn most.
--
-- place:      8
-- title:      Listings that earn most
-- reading:    The ten listings with the highest revenue from bookings confirmed in the newest twelve whole weeks.
-- chart:      ranking
-- columns:    listing (text, Listing), revenue (money, Revenue), bookings (count, Bookings),
--             bookings_without_rate (count, No rate), until (day, Until)
-- drawn:      revenue
-- empty:      No whole week with a confirmed booking has passed yet.
-- unknown:    none of these bookings has an exchange rate into the currency of the figures
-- reads:      apartments_presentation.top_listings_weekly, apartments_curated.apartments
-- parameters: as_of, first_day
-- lookback:   77 days
--
-- Revenue adds up over weeks, so this is the weekly metric's own figures. A listing that was removed has its last title, one that
-- is set aside only its number. Bookings without a rate add nothing to revenue and are counted beside it; where there are no
-- others, it is not known, and last.

-- name: query
with whole_week as (
    select
        period_start,
        apartment_id,
        revenue as revenue_amount,
        bookings as booking_count,
        bookings_without_rate as without_rate
    from apartments_presentation.top_listings_weekly
    where period_start + 7 <= cast(:as_of as date)
        and period_start >= cast(:first_day as date)
),

newest as (
    select max(period_start) as last_week
    from whole_week
),

recent as (
    select
        whole_week.apartment_id,
        sum(whole_week.revenue_amount) as revenue_amount,
        sum(whole_week.booking_count) as booking_count,
        sum(whole_week.without_rate) as without_rate,
        max(newest.last_week) + 6 as last_day
    from whole_week
    inner join newest on whole_week.period_start > newest.last_week - 84
    group by whole_week.apartment_id
)

select
    coalesce(apartments.title || ' ', '') || '(' || cast(recent.apartment_id as varchar(20)) || ')' as listing,
    recent.revenue_amount as revenue,
    recent.booking_count as bookings,
    recent.without_rate as bookings_without_rate,
    cast(recent.last_day as varchar(10)) as until
from recent
left join apartments_curated.apartments on recent.apartment_id = apartments.id
order by recent.revenue_amount desc nulls last, recent.apartment_id asc
limit 10
