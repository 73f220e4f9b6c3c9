-- Listings by the number of their confirmed bookings, the most booked first.
--
-- question:   Which listing is booked most often?
-- reads:      curated_bookings, curated_apartments
-- parameters: none
--
-- The language is what Athena and DuckDB share. The first row is the answer; equal counts are ordered by the listing's number.
-- A listing that was removed has its last title; one that is set aside has none.

-- name: query
select
    booking.apartment_id,
    listing.title,
    count(*) as bookings,
    sum(date_diff('day', booking.checkin_date, booking.checkout_date)) as nights
from curated_bookings as booking
left join curated_apartments as listing on booking.apartment_id = listing.id
where booking.booking_status = 'confirmed'
group by booking.apartment_id, listing.title
order by bookings desc, booking.apartment_id asc
limit 10
