-- The converted and the per-currency price of a week and unit are of the same listings.
--
-- severity:   fail
-- reads:      apartments_staging.average_listing_price_weekly, apartments_staging.average_listing_price_weekly_by_currency
-- parameters: none

-- name: violations
with by_currency as (
    select
        period_start,
        price_unit,
        sum(listings) as listings,
        sum(listings_assumed) as listings_assumed
    from apartments_staging.average_listing_price_weekly_by_currency
    group by period_start, price_unit
)

select
    'week of ' || cast(average_listing_price_weekly.period_start as varchar(64)) || ', '
    || average_listing_price_weekly.price_unit as example
from apartments_staging.average_listing_price_weekly
inner join by_currency
    on average_listing_price_weekly.period_start = by_currency.period_start
    and average_listing_price_weekly.price_unit = by_currency.price_unit
where average_listing_price_weekly.listings <> by_currency.listings
    or average_listing_price_weekly.listings_assumed <> by_currency.listings_assumed
