-- The confirmed bookings whose stay touches the days that are rebuilt.
--
-- grain:      one row per confirmed booking from whose checkin to whose checkout there is a day from the first to the last one of
--             all periods that metrics of a run rebuild
-- reads:      apartments_curated.bookings
-- parameters: first_day, last_day
--
-- It is read once for all metrics that count nights or stays. Each takes those of its own periods.

-- name: rows
select bookings.*
from apartments_curated.bookings
where bookings.booking_status = 'confirmed'
    and bookings.checkin_date <= cast(:last_day as date)
    and bookings.checkout_date >= cast(:first_day as date)
