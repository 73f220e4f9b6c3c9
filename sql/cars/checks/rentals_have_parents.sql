-- Every rental is of an accepted user, vehicle and two accepted locations: one of a rejected or deleted row is rejected with it.
--
-- severity:   fail
-- reads:      cars_curated.rental_transactions, cars_curated.users, cars_curated.vehicles, cars_curated.locations
-- parameters: none

-- name: violations
select 'rental ' || rental_transactions.rental_id as example
from cars_curated.rental_transactions
left join cars_curated.users on rental_transactions.user_id = users.user_id
left join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
left join cars_curated.locations as pickup on rental_transactions.pickup_location_id = pickup.location_id
left join cars_curated.locations as dropoff on rental_transactions.dropoff_location_id = dropoff.location_id
where users.user_id is null
    or vehicles.vehicle_id is null
    or pickup.location_id is null
    or dropoff.location_id is null
