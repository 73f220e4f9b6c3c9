-- Confirmed bookings that are missing in the converted revenue. The way out is a line for the currency in exchange_rates.csv.
--
-- severity:   warn
-- reads:      checked_booking, apartments_control.exchange_rate
-- parameters: first_day, last_day

-- name: violations
select
    bookings.currency || ': ' || cast(count(*) as varchar(64)) || ' confirmed bookings, the first of '
    || cast(min(bookings.booking_date) as varchar(64)) as example
from checked_booking as bookings
left join apartments_control.exchange_rate
    on bookings.currency = exchange_rate.currency
    and bookings.booking_date >= exchange_rate.valid_from
    and bookings.booking_date < exchange_rate.valid_to
where bookings.booking_status = 'confirmed'
    and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
    and exchange_rate.currency is null
group by bookings.currency
