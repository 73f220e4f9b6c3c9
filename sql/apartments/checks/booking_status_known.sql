-- The metrics know three states of a booking; a fourth would silently belong to none or all of them.
--
-- severity:   fail
-- reads:      apartments_curated.bookings
-- parameters: none

-- name: violations
select 'booking ' || cast(booking_id as varchar(64)) || ' is ' || booking_status as example
from apartments_curated.bookings
where booking_status not in ('confirmed', 'pending', 'canceled')
