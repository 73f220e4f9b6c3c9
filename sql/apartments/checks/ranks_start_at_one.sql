-- In every period somebody is first, and nobody's rank is beyond the number of the ranked. What has no known revenue has no rank.
--
-- severity:   fail
-- reads:      apartments_staging.popular_cities_weekly, apartments_staging.top_listings_weekly
-- parameters: none

-- name: violations
select 'popular_cities_weekly ' || cast(period_start as varchar(64)) as example
from apartments_staging.popular_cities_weekly
group by period_start
having min(city_rank) <> 1
    or max(city_rank) > count(*)
union all
select 'top_listings_weekly ' || cast(period_start as varchar(64)) as example
from apartments_staging.top_listings_weekly
group by period_start
having min(listing_rank) <> 1
    or max(listing_rank) > count(revenue)
    or count(listing_rank) <> count(revenue)
