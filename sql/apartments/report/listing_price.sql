-- What a listing costs, week by week.
--
-- place:      10
-- title:      Average price of a listing
-- reading:    Each point is a week: the average price of the listings that could be booked in it. A price for a month and one for a
--             week have no common average: these are the prices in the unit that most listings have. The week of the run is not
--             over.
-- matters:    What a listing costs is what guests compare, and what a stay earns.
-- chart:      line
-- columns:    week (week, Week of), average_price (money, Average price), price_unit (text, Price),
--             listings (count, Active listings), listings_without_rate (count, Without exchange rate)
-- drawn:      average_price
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
        price_unit,
        average_price,
        listings,
        listings_without_rate
    from apartments_presentation.average_listing_price_weekly
    where period_start <= cast(:as_of as date)
),

recent as (
    select past.*
    from past
    where past.period_start >= (select max(newest.period_start) - 364 from past as newest)
),

counted_unit as (
    select
        price_unit,
        sum(listings) as listing_weeks
    from recent
    group by price_unit
),

ordered_unit as (
    select
        price_unit,
        row_number() over (order by listing_weeks desc, price_unit asc) as unit_number
    from counted_unit
)

select
    cast(recent.period_start as varchar(10)) as week,
    recent.average_price,
    recent.price_unit,
    recent.listings,
    recent.listings_without_rate
from recent
inner join ordered_unit on recent.price_unit = ordered_unit.price_unit
where ordered_unit.unit_number = 1
order by week
