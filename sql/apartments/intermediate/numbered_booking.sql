-- The confirmed bookings from the first of the days that are rebuilt on, each with its number among those of its guest.
--
-- grain:      one row per confirmed booking made on the first of the days that are rebuilt, or later
-- reads:      booking_made, apartments_staging.numbered_booking
-- parameters: first_day
-- kept_by:    booking_date
--
-- Which booking of a guest is the first is decided by all bookings before it, and these are most of the history. So the first two
-- of each guest are kept from run to run, in apartments_staging.numbered_booking: no booking made on or after a day changes which
-- ones were the first two before it. A metric that reads this rebuilds every period from the first changed booking on.
-- booking_number is 1, 2, or more: what is more is numbered from 3 on, without those between the second one and the first day.

-- name: table
create table apartments_staging.numbered_booking (
    user_id varchar(128) not null,
    booking_number bigint not null,
    booking_date date not null
)
diststyle key
distkey (user_id)
sortkey (booking_date)

-- name: rows
with known_guest as (
    select
        numbered_booking.user_id,
        min(numbered_booking.booking_date) as first_booking_date,
        count(*) as bookings
    from apartments_staging.numbered_booking
    where numbered_booking.booking_date < cast(:first_day as date)
    group by numbered_booking.user_id
)

select
    bookings.user_id,
    bookings.booking_date,
    bookings.currency,
    bookings.total_price,
    coalesce(
        known_guest.first_booking_date,
        min(bookings.booking_date) over (partition by bookings.user_id)
    ) as first_booking_date,
    coalesce(known_guest.bookings, 0)
    + row_number() over (partition by bookings.user_id order by bookings.booking_date, bookings.booking_id) as booking_number
from booking_made as bookings
left join known_guest on bookings.user_id = known_guest.user_id
where bookings.booking_status = 'confirmed'
    and bookings.booking_date >= cast(:first_day as date)

-- name: kept
select
    user_id,
    booking_number,
    booking_date
from numbered_booking
where booking_number <= 2
