-- What the rules of the curated tables promise holds in the rows they accepted: money is not negative, intervals run forward, days
-- are the calendar's.
--
-- severity:   fail
-- reads:      apartments_curated.apartments, apartments_curated.apartment_versions, apartments_curated.bookings,
--             apartments_curated.user_viewing, apartments_control.calendar
-- parameters: none

-- name: violations
select 'listing ' || cast(apartments.id as varchar(64)) as example
from apartments_curated.apartments
left join apartments_control.calendar on cast(apartments.listing_created_at as date) = calendar.calendar_date
where apartments.price < 0
    or calendar.calendar_date is null
union all
select 'version of listing ' || cast(id as varchar(64)) as example
from apartments_curated.apartment_versions
where price < 0
    or valid_to <= valid_from
union all
select 'booking ' || cast(bookings.booking_id as varchar(64)) as example
from apartments_curated.bookings
left join apartments_control.calendar as booking_day on bookings.booking_date = booking_day.calendar_date
left join apartments_control.calendar as checkin_day on bookings.checkin_date = checkin_day.calendar_date
left join apartments_control.calendar as checkout_day on bookings.checkout_date = checkout_day.calendar_date
where bookings.total_price < 0
    or bookings.checkout_date < bookings.checkin_date
    or booking_day.calendar_date is null
    or checkin_day.calendar_date is null
    or checkout_day.calendar_date is null
union all
select 'viewing of listing ' || cast(user_viewing.apartment_id as varchar(64)) as example
from apartments_curated.user_viewing
left join apartments_control.calendar on cast(user_viewing.viewed_at as date) = calendar.calendar_date
where calendar.calendar_date is null
