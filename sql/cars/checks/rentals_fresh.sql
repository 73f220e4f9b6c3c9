-- The newest rental starts in the last seven days: an older one means that the source, or the way from it, has gone quiet.
--
-- severity:   warn
-- reads:      cars_curated.rental_transactions
-- parameters: as_of

-- name: violations
select 'the newest rental is of ' || cast(max(rental_date) as varchar(64)) as example
from cars_curated.rental_transactions
having max(rental_date) < cast(:as_of as date) - 7
