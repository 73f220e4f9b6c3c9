-- Rentals that start before their user's account was created. They are accepted and counted: the money was paid.
--
-- severity:   warn
-- touched:    rental_transactions
-- reads:      cars_curated.rental_transactions, cars_curated.users
-- parameters: none

-- name: violations
select
    'rental ' || cast(rental_transactions.rental_id as varchar(64)) || ' of '
    || cast(rental_transactions.rental_date as varchar(64)) as example
from cars_curated.rental_transactions
inner join cars_curated.users on rental_transactions.user_id = users.user_id
where rental_transactions.rental_date < users.created_on
