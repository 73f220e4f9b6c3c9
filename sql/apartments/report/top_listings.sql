-- Which listings earn most.
--
-- place:      7
-- title:      Listings that earn most
-- reading:    The ten listings with the highest revenue from bookings confirmed in the newest twelve whole weeks, in US dollars.
-- chart:      ranking
-- columns:    listing (text, Listing), revenue_usd (money, Revenue), bookings (count, Bookings)
-- drawn:      revenue_usd
-- reads:      apartments_presentation.top_listings_weekly, apartments_curated.apartments
-- parameters: as_of
--
-- Revenue adds up over weeks, so this is the weekly metric's own figures. A listing that is gone has only its number left.

-- name: query
with whole_week as (
    select
        period_start,
        apartment_id,
        revenue_usd as revenue,
        bookings as booking_count
    from apartments_presentation.top_listings_weekly
    where period_start + 7 <= cast(:as_of as date)
),

recent as (
    select
        whole_week.apartment_id,
        sum(whole_week.revenue) as revenue,
        sum(whole_week.booking_count) as booking_count
    from whole_week
    where whole_week.period_start > (select max(newest.period_start) - 84 from whole_week as newest)
    group by whole_week.apartment_id
)

select
    coalesce(apartments.title || ' ', '') || '(' || cast(recent.apartment_id as varchar(20)) || ')' as listing,
    recent.revenue as revenue_usd,
    recent.booking_count as bookings
from recent
left join apartments_curated.apartments on recent.apartment_id = apartments.id
order by recent.revenue desc, recent.apartment_id asc
limit 10
