-- Confirmed bookings that no city gets in popular_cities_weekly, because their listing has no attributes or no city in them.
--
-- severity:   warn
-- reads:      checked_booking, apartments_curated.apartment_attributes
-- parameters: first_day, last_day

-- name: violations
select
    'booking ' || cast(bookings.booking_id as varchar(64))
    || ' of listing ' || cast(bookings.apartment_id as varchar(64)) as example
from checked_booking as bookings
left join apartments_curated.apartment_attributes on bookings.apartment_id = apartment_attributes.id
where bookings.booking_status = 'confirmed'
    and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
    and apartment_attributes.city is null
