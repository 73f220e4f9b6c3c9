-- A rental starts in the last seven days: where none does, the source, or the way from it, has gone quiet.
--
-- severity:   warn
-- reads:      cars_curated.rental_transactions
-- parameters: as_of

-- name: violations
select 'no rental since ' || cast(cast(:as_of as date) - 7 as varchar(64)) as example
from cars_curated.rental_transactions
where rental_date >= cast(:as_of as date) - 7
having count(*) = 0
