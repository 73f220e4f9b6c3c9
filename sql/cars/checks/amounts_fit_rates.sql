-- Rentals whose amount is not their hours by the hourly rate of the vehicle's type. Put your own rates here. A type without a
-- rate is asked nothing.
--
-- severity:   warn
-- touched:    rental_transactions
-- reads:      cars_curated.rental_transactions, cars_curated.vehicles
-- parameters: none

-- name: violations
select
    'rental ' || rental_transactions.rental_id || ' of a ' || vehicles.vehicle_type || ' vehicle: '
    || cast(rental_transactions.total_amount as varchar(64)) || ' for '
    || cast(rental_transactions.rental_seconds as varchar(64)) || ' seconds' as example
from cars_curated.rental_transactions
inner join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
where rental_transactions.total_amount * 3600
    <> rental_transactions.rental_seconds
    * case vehicles.vehicle_type when 'basic' then 10 when 'premium' then 20 when 'high_end' then 50 end
