-- An average price is there whenever a listing with a price that can be converted is, and is not negative; so is revenue of
-- bookings. Where no amount has a rate, there is neither.
--
-- severity:   fail
-- reads:      apartments_staging.average_listing_price_weekly, apartments_staging.average_listing_price_weekly_by_currency,
--             apartments_staging.top_listings_weekly
-- parameters: none

-- name: violations
select 'average_listing_price_weekly ' || cast(period_start as varchar(64)) || ' ' || price_unit as example
from apartments_staging.average_listing_price_weekly
where average_price < 0
    or (average_price is null) <> (listings = listings_without_rate)
    or listings < listings_without_rate
    or listings < listings_assumed
union all
select 'average_listing_price_weekly_by_currency ' || cast(period_start as varchar(64)) || ' ' || currency as example
from apartments_staging.average_listing_price_weekly_by_currency
where average_price < 0
    or listings < 1
    or listings < listings_assumed
union all
select 'top_listings_weekly ' || cast(period_start as varchar(64)) || ' ' || cast(apartment_id as varchar(64)) as example
from apartments_staging.top_listings_weekly
where revenue < 0
    or (revenue is null) <> (bookings = bookings_without_rate)
    or bookings < bookings_without_rate
