-- Vehicles with rentals, but without a type that the pipeline knows, or set aside: their figures stand under `unknown`.
--
-- severity:   warn
-- touched:    rental_transactions
-- reads:      cars_curated.rental_transactions, cars_curated.vehicles
-- parameters: none

-- name: violations
select
    'vehicle ' || cast(rental_transactions.vehicle_id as varchar(64)) || ': ' || cast(count(*) as varchar(64)) || ' rentals for '
    || cast(sum(rental_transactions.total_amount) as varchar(64)) as example
from cars_curated.rental_transactions
left join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
where coalesce(vehicles.vehicle_type, 'unknown') = 'unknown'
    and rental_transactions.rental_date is not null
group by rental_transactions.vehicle_id
