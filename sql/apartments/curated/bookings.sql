-- The bookings as they are now: cleaned, typed, each of a listing that the source has or once had.
--
-- grain:      one row per booking
-- source:     bookings
-- input:      newest
-- key:        booking_id
-- references: apartment_id -> apartments.id
-- amount:     total_price, currency
-- holds:      total_price >= 0; checkout_date >= checkin_date; booking_status in ('confirmed', 'pending', 'canceled')
-- days:       booking_date, checkin_date, checkout_date
-- personal:   user_id
-- reads:      newest, known_apartments
-- writes:     apartments_curated.bookings
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key and of the listings that raw has ever had
-- storage:    distkey apartment_id: joined to versions and attributes on it; sortkey booking_date: the metrics' usual period
-- lake:       by month of booking_date
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
-- These columns decide figures: who, when, how much, and whether it counts. What a rule sets aside is counted in money as well.
-- A booking of a listing that was removed, or is set aside for a rule of its own, is a booking like any other.
-- payment_status and num_guests only inform: one that is there and cannot be read (2.5 guests; more than 128 bytes) is NULL, is
-- named in unreadable_value, and rejects nothing.
-- total_price is rounded to cents, half up. user_id is an opaque identifier, and so text: a contract may hash it.

-- name: table
create table if not exists apartments_curated.bookings (
    booking_id bigint not null,
    user_id varchar(128) not null,
    apartment_id bigint not null,
    booking_date date not null,
    checkin_date date not null,
    checkout_date date not null,
    total_price decimal(18, 2) not null,
    currency varchar(3) not null,
    booking_status varchar(16) not null,
    payment_status varchar(128),
    guests bigint
)
distkey (apartment_id)
sortkey (booking_date)

-- name: judged
with texts as (
    select
        newest.booking_id,
        newest._row_key as row_key,
        newest.apartment_id,
        known_apartments.id as known_listing_id,
        apartments_control.clean_value(cast(newest.user_id as varchar(256))) as user_id,
        apartments_control.clean_value(cast(newest.booking_date as varchar(256))) as booking_date_text,
        apartments_control.clean_value(cast(newest.checkin_date as varchar(256))) as checkin_date_text,
        apartments_control.clean_value(cast(newest.checkout_date as varchar(256))) as checkout_date_text,
        apartments_control.clean_value(cast(newest.total_price as varchar(256))) as total_price_text,
        apartments_control.clean_value(cast(newest.currency as varchar(256))) as currency_text,
        apartments_control.clean_value(cast(newest.booking_status as varchar(256))) as booking_status_text,
        apartments_control.clean_value(cast(newest.payment_status as varchar(256))) as payment_status_text,
        apartments_control.clean_value(cast(newest.num_guests as varchar(256))) as num_guests_text
    from newest
    left join known_apartments on newest.apartment_id = known_apartments.id
),

numbers as (
    select
        texts.*,
        apartments_control.parse_number(num_guests_text) as guest_number
    from texts
),

parsed as (
    select
        numbers.*,
        apartments_control.parse_date(booking_date_text) as booking_date,
        apartments_control.parse_date(checkin_date_text) as checkin_date,
        apartments_control.parse_date(checkout_date_text) as checkout_date,
        apartments_control.parse_number(total_price_text) as total_price,
        apartments_control.parse_currency(currency_text) as currency,
        replace(lower(booking_status_text), 'cancelled', 'canceled') as booking_status,
        case
            when octet_length(payment_status_text) <= 128
                then replace(replace(lower(payment_status_text), ' ', '_'), '-', '_')
        end as payment_status,
        case when guest_number = round(guest_number, 0) then guest_number end as guests
    from numbers
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no booking_id
            when booking_id is null then 'missing_key: booking_id='
            -- no user_id
            when user_id is null then 'missing_user: user_id='
            -- a user_id of more than 128 bytes
            when octet_length(user_id) > 128 then apartments_control.tell_broken('unreadable_user: user_id=', user_id)
            -- no booking_date, checkin_date or checkout_date
            when booking_date_text is null then 'missing_date: booking_date='
            when checkin_date_text is null then 'missing_date: checkin_date='
            when checkout_date_text is null then 'missing_date: checkout_date='
            -- one of the three that is no date
            when booking_date is null then apartments_control.tell_broken('unparseable_date: booking_date=', booking_date_text)
            when checkin_date is null then apartments_control.tell_broken('unparseable_date: checkin_date=', checkin_date_text)
            when checkout_date is null then apartments_control.tell_broken('unparseable_date: checkout_date=', checkout_date_text)
            -- one of the three outside the calendar
            when not apartments_control.is_in_calendar(booking_date)
                then apartments_control.tell_broken('date_out_of_range: booking_date=', booking_date_text)
            when not apartments_control.is_in_calendar(checkin_date)
                then apartments_control.tell_broken('date_out_of_range: checkin_date=', checkin_date_text)
            when not apartments_control.is_in_calendar(checkout_date)
                then apartments_control.tell_broken('date_out_of_range: checkout_date=', checkout_date_text)
            -- a stay that ends before it begins (one that ends on the same day has no nights)
            when checkout_date < checkin_date
                then apartments_control.tell_broken(
                        'checkout_before_checkin: checkin_date=', checkin_date_text || ', checkout_date=' || checkout_date_text
                    )
            -- no total_price
            when total_price_text is null then 'missing_price: total_price='
            -- a total_price that is no number of at most ten digits before the point
            when total_price is null then apartments_control.tell_broken('unparseable_number: total_price=', total_price_text)
            -- a total_price below zero
            when total_price < 0 then apartments_control.tell_broken('negative_price: total_price=', total_price_text)
            -- a currency that is not three letters, or none
            when currency is null then apartments_control.tell_broken('unknown_currency: currency=', currency_text)
            -- a booking_status other than confirmed, pending, canceled (or cancelled), or none
            when booking_status is null or booking_status not in ('confirmed', 'pending', 'canceled')
                then apartments_control.tell_broken('unknown_status: booking_status=', booking_status_text)
            -- the source never had a listing with this apartment_id
            when known_listing_id is null
                then apartments_control.tell_broken('orphan_reference: apartment_id=', cast(apartment_id as varchar(64)))
        end as broken,
        apartments_control.tell_unreadable('payment_status', case when payment_status is null then payment_status_text end)
        || apartments_control.tell_unreadable('num_guests', case when guests is null then num_guests_text end) as unreadable
    from parsed
)

select
    booking_id,
    user_id,
    apartment_id,
    booking_date,
    checkin_date,
    checkout_date,
    cast(round(ruled.total_price, 2) as decimal(18, 2)) as total_price,
    currency,
    booking_status,
    payment_status,
    cast(guests as bigint) as guests,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    cast(booking_id as bigint) as booking_id,
    user_id,
    cast(apartment_id as bigint) as apartment_id,
    booking_date,
    checkin_date,
    checkout_date,
    total_price,
    currency,
    booking_status,
    payment_status,
    guests
from judged
where broken_rule is null
