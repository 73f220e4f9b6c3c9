-- Average price of active rental listings each week, by what the price is for, per currency and as asked (not converted).
--
-- grain:      one row per week, price unit and currency that has an active listing
-- period:     week
-- unique_key: period_start, price_unit, currency
-- holds:      average_price >= 0; listings >= 1; listings >= listings_assumed
-- reads:      listing_price
-- writes:     apartments_presentation.average_listing_price_weekly_by_currency
-- parameters: none
-- rerun:      replaces whole weeks; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Which listings count, with which price, currency and unit, stands in intermediate/listing_price.sql.
--
-- The formula: average_price = sum of the prices / listings, in the row's own currency.
-- Worked example: two monthly listings ask 1,000 and 1,200 USD, one 900 EUR: the row of USD has 1,100, that of EUR 900.
-- It cannot say: what is paid, nor which currency is the dearer: prices are not converted.

-- name: table
create table if not exists apartments_presentation.average_listing_price_weekly_by_currency (
    period_start date not null,
    price_unit varchar(128) not null,
    currency varchar(3) not null,
    listings bigint not null,
    listings_assumed bigint not null,
    average_price double precision not null
)
diststyle all
sortkey (period_start)

-- name: rows
select
    period_start,
    price_unit,
    currency,
    listings,
    listings_assumed,
    cast(price_sum as double precision) / cast(listings as double precision) as average_price
from listing_price
