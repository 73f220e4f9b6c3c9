-- A booking's history ends in what it is: the version that is known has the days and the status of the accepted row; one that
-- breaks a rule has none. So the rules of bookings.sql and booking_versions.sql are held against each other. Only a booking of a
-- listing that the source never had, or whose row could not be held, may have one without being accepted.
-- Where a listing has come late, its bookings are judged again and have no new versions: both are looked at by the same keys.
--
-- severity:   fail
-- touched:    bookings, booking_versions
-- reads:      apartments_curated.bookings, apartments_curated.booking_versions, apartments_curated.rejected_rows
-- parameters: none

-- name: violations
select 'booking ' || cast(bookings.booking_id as varchar(64)) as example
from apartments_curated.bookings
left join apartments_curated.booking_versions
    on bookings.booking_id = booking_versions.booking_id
    and booking_versions.known_to is null
    and bookings.booking_date = booking_versions.booking_date
    and bookings.checkin_date = booking_versions.checkin_date
    and bookings.checkout_date = booking_versions.checkout_date
    and bookings.booking_status = booking_versions.booking_status
where booking_versions.booking_id is null
union all
select
    'booking ' || cast(booking_versions.booking_id as varchar(64)) || ' breaks ' || rejected_rows.broken_rule as example
from apartments_curated.booking_versions
inner join apartments_curated.rejected_rows on cast(booking_versions.booking_id as varchar(512)) = rejected_rows.row_key
where booking_versions.known_to is null
    and rejected_rows.table_name = 'bookings'
    and rejected_rows.broken_rule not in ('orphan_reference', 'unreadable_row', 'value_too_large')
