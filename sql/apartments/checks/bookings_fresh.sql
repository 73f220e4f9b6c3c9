-- Somebody booked in the last seven days: where nobody did, the source, or the way from it, has gone quiet.
--
-- severity:   warn
-- reads:      checked_booking
-- parameters: as_of

-- name: violations
select 'no booking since ' || cast(cast(:as_of as date) - 7 as varchar(64)) as example
from checked_booking
where booking_date >= cast(:as_of as date) - 7
having count(*) = 0
