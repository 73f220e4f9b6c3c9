-- Redshift enforces NOT NULL, but no keys: a key that comes twice in a curated table would count twice in every metric.
--
-- severity:   fail
-- reads:      cars_curated.locations, cars_curated.vehicles, cars_curated.users, cars_curated.rental_transactions
-- parameters: none

-- name: violations
select 'locations ' || cast(location_id as varchar(64)) as example
from cars_curated.locations
group by location_id
having count(*) > 1
union all
select 'vehicles ' || vehicle_id as example
from cars_curated.vehicles
group by vehicle_id
having count(*) > 1
union all
-- A user's id belongs in no message.
select 'users, ' || cast(count(*) as varchar(64)) || ' rows of one key' as example
from cars_curated.users
group by user_id
having count(*) > 1
union all
select 'rental_transactions ' || rental_id as example
from cars_curated.rental_transactions
group by rental_id
having count(*) > 1
