-- The bookings that were made on the days that are rebuilt, of any status.
--
-- grain:      one row per booking made from the first to the last day of all periods that metrics of a run rebuild
-- reads:      apartments_curated.bookings
-- parameters: first_day, last_day
--
-- It is read once for all metrics that count bookings by their booking_date. Each takes those of its own periods.

-- name: rows
select bookings.*
from apartments_curated.bookings
where bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
