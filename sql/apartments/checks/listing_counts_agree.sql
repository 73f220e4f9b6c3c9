-- The converted and the per-currency price of a week are of the same listings.
--
-- severity:   fail
-- reads:      apartments_staging.average_listing_price_weekly, apartments_staging.average_listing_price_weekly_by_currency
-- parameters: none

-- name: violations
with by_currency as (
    select
        period_start,
        sum(listings) as listings
    from apartments_staging.average_listing_price_weekly_by_currency
    group by period_start
)

select 'week of ' || cast(average_listing_price_weekly.period_start as varchar(64)) as example
from apartments_staging.average_listing_price_weekly
inner join by_currency on average_listing_price_weekly.period_start = by_currency.period_start
where average_listing_price_weekly.listings <> by_currency.listings
