-- A rental that starts after the day of the run is a wrong clock or a wrong field: a transaction is written when the car is back.
--
-- severity:   warn
-- reads:      cars_curated.rental_transactions
-- parameters: as_of

-- name: violations
select 'rental ' || cast(rental_id as varchar(64)) || ' of ' || cast(rental_date as varchar(64)) as example
from cars_curated.rental_transactions
where rental_date > cast(:as_of as date)
