-- The newest booking is from the last seven days: an older one means that the source, or the way from it, has gone quiet.
--
-- severity:   warn
-- reads:      apartments_curated.bookings
-- parameters: as_of

-- name: violations
select 'the newest booking is of ' || cast(max(booking_date) as varchar(64)) as example
from apartments_curated.bookings
having max(booking_date) < cast(:as_of as date) - 7
