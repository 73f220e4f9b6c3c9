-- A booking made after the day of the run is a wrong clock or a wrong field; its week shows figures before it has begun.
--
-- severity:   warn
-- reads:      checked_booking
-- parameters: as_of

-- name: violations
select 'booking ' || cast(booking_id as varchar(64)) || ' of ' || cast(booking_date as varchar(64)) as example
from checked_booking
where booking_date > cast(:as_of as date)
