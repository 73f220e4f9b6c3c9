-- Average price of active rental listings each week, by what the price is for, in the reporting currency.
--
-- grain:      one row per week and price unit that has an active listing
-- period:     week
-- unique_key: period_start, price_unit
-- holds:      average_price >= 0; (average_price is null) = (listings = listings_without_rate); listings >=
--             listings_without_rate; listings >= listings_assumed
-- reads:      listing_price, apartments_control.exchange_rate
-- writes:     apartments_presentation.average_listing_price_weekly
-- parameters: none
-- rerun:      replaces whole weeks; the same rows for the same curated rows, rates and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Which listings count, with which price and unit, stands in intermediate/listing_price.sql. Weeks begin on Monday.
-- A price is converted by the rate in force on the week's Monday. Listings whose currency has no rate then are counted in
-- listings_without_rate, and are in the average only of average_listing_price_weekly_by_currency; the average is NULL if all are.
--
-- The formula: average_price = sum of the converted prices / (listings - listings_without_rate), in the reporting currency.
-- Worked example: of three monthly listings two ask 1,000 USD and 900 EUR, at a rate of 1.10 on Monday, one asks XYZ, which has
-- no rate: average_price = (1000 + 990) / 2 = 995, listings 3, listings_without_rate 1.
-- It cannot say: what is paid. Listings that nobody books count as much as others.

-- name: table
create table if not exists apartments_presentation.average_listing_price_weekly (
    period_start date not null,
    price_unit varchar(128) not null,
    listings bigint not null,
    listings_without_rate bigint not null,
    listings_assumed bigint not null,
    average_price double precision
)
diststyle all
sortkey (period_start)

-- name: rows
with converted as (
    select
        listing_price.period_start,
        listing_price.price_unit,
        listing_price.listings,
        listing_price.listings_assumed,
        case when exchange_rate.currency is null then 0 else listing_price.listings end as listings_with_rate,
        cast(listing_price.price_sum as decimal(19, 2)) * exchange_rate.rate as converted_sum
    from listing_price
    left join apartments_control.exchange_rate
        on listing_price.currency = exchange_rate.currency
        and listing_price.period_start >= exchange_rate.valid_from
        and listing_price.period_start < exchange_rate.valid_to
)

select
    converted.period_start,
    converted.price_unit,
    sum(converted.listings) as listings,
    sum(converted.listings - converted.listings_with_rate) as listings_without_rate,
    sum(converted.listings_assumed) as listings_assumed,
    cast(sum(converted.converted_sum) as double precision)
    / cast(nullif(sum(converted.listings_with_rate), 0) as double precision) as average_price
from converted
group by converted.period_start, converted.price_unit
