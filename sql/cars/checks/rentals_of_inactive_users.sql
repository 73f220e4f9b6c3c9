-- Rentals of users who are not active today. They are accepted and counted: the user may have been active then.
--
-- severity:   warn
-- touched:    rental_transactions
-- reads:      cars_curated.rental_transactions, cars_curated.users
-- parameters: none

-- name: violations
select 'rental ' || cast(rental_transactions.rental_id as varchar(64)) as example
from cars_curated.rental_transactions
inner join cars_curated.users on rental_transactions.user_id = users.user_id
where not users.is_active
