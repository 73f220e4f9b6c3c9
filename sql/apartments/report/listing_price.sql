-- What a listing costs, week by week.
--
-- place:      1
-- title:      Average price of a listing
-- reading:    Each point is a week: the average price of all listings that could be booked in it. The week of the run is not over.
-- chart:      line
-- columns:    week (week, Week of), average_price_usd (money, Average price), listings (count, Active listings),
--             listings_without_rate (count, Without exchange rate)
-- drawn:      average_price_usd
-- empty:      There is no active listing yet.
-- unknown:    none of the prices has an exchange rate into the currency of the figures
-- reads:      apartments_presentation.average_listing_price_weekly
-- parameters: as_of
--
-- The newest year that has figures. Listings without an exchange rate are not in the average.

-- name: query
with past as (
    select
        period_start,
        average_price_usd,
        listings,
        listings_without_rate
    from apartments_presentation.average_listing_price_weekly
    where period_start <= cast(:as_of as date)
)

select
    cast(past.period_start as varchar(10)) as week,
    past.average_price_usd,
    past.listings,
    past.listings_without_rate
from past
where past.period_start > (select max(newest.period_start) - 364 from past as newest)
order by week
