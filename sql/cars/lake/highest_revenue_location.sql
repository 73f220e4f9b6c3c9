-- Locations by the revenue of the rentals picked up there, the highest first.
--
-- question:   Which location earns the most?
-- reads:      curated_rental_transactions, curated_locations
-- parameters: none
--
-- A rental's money counts once, where the car was picked up: adding what was dropped off there would count every rental twice and
-- can put another location first. Amounts are in the reporting currency. The language is what Athena and DuckDB share.
-- The first row is the answer.

-- name: query
select
    rental.pickup_location_id as location_id,
    place.location_name,
    place.city,
    place.state,
    count(*) as rentals,
    cast(sum(rental.total_amount) as decimal(38, 2)) as revenue
from curated_rental_transactions as rental
left join curated_locations as place on rental.pickup_location_id = place.location_id
where rental.rental_date is not null
group by rental.pickup_location_id, place.location_name, place.city, place.state
order by revenue desc, location_id asc
limit 10
