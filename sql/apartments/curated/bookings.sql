-- The bookings as they are now: cleaned, typed, each of a listing that the source has or once had.
--
-- grain:      one row per booking
-- source:     bookings
-- input:      newest
-- key:        booking_id
-- references: apartment_id -> apartments.id
-- amount:     total_price, currency
-- reads:      newest, known_apartments
-- writes:     apartments_curated.bookings
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key and of the listings that raw has ever had
-- storage:    distkey apartment_id: joined to versions and attributes on it; sortkey booking_date: the metrics' usual period
-- lake:       by year of booking_date
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key               no booking_id
--   missing_user              no user_id
--   unreadable_user           a user_id of more than 128 bytes
--   missing_date              no booking_date, checkin_date or checkout_date
--   unparseable_date          one of the three that is no date
--   date_out_of_range         one of the three outside the calendar
--   checkout_before_checkin   a stay that ends before it begins (one that ends on the same day has no nights)
--   missing_price             no total_price
--   unparseable_number        a total_price that is no number of at most ten digits before the point
--   negative_price            a total_price below zero
--   unknown_currency          a currency that is not three letters, or none
--   unknown_status            a booking_status other than confirmed, pending, canceled (or cancelled), or none
--   orphan_reference          the source never had a listing with this apartment_id
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

parsed as (
    select
        texts.*,
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
        apartments_control.parse_number(num_guests_text) as guest_number
    from texts
),

complained as (
    select
        parsed.*,
        case when guest_number = round(guest_number, 0) then guest_number end as guests,
        case
            when booking_date_text is null then 'booking_date='
            when checkin_date_text is null then 'checkin_date='
            when checkout_date_text is null then 'checkout_date='
        end as missing_date,
        case
            when booking_date is null then 'booking_date=' || booking_date_text
            when checkin_date is null then 'checkin_date=' || checkin_date_text
            when checkout_date is null then 'checkout_date=' || checkout_date_text
        end as unparseable_date,
        case
            when not apartments_control.is_in_calendar(booking_date) then 'booking_date=' || booking_date_text
            when not apartments_control.is_in_calendar(checkin_date) then 'checkin_date=' || checkin_date_text
            when not apartments_control.is_in_calendar(checkout_date) then 'checkout_date=' || checkout_date_text
        end as date_out_of_range
    from parsed
),

ruled as (
    select
        complained.*,
        case
            when booking_id is null then 'missing_key'
            when user_id is null then 'missing_user'
            when octet_length(user_id) > 128 then 'unreadable_user'
            when missing_date is not null then 'missing_date'
            when unparseable_date is not null then 'unparseable_date'
            when date_out_of_range is not null then 'date_out_of_range'
            when checkout_date < checkin_date then 'checkout_before_checkin'
            when total_price_text is null then 'missing_price'
            when total_price is null then 'unparseable_number'
            when total_price < 0 then 'negative_price'
            when currency is null then 'unknown_currency'
            when booking_status is null or booking_status not in ('confirmed', 'pending', 'canceled') then 'unknown_status'
            when known_listing_id is null then 'orphan_reference'
        end as broken_rule,
        case
            when payment_status_text is not null and payment_status is null
                then '; payment_status=' || left(payment_status_text, 64)
            else ''
        end
        || case
            when num_guests_text is not null and guests is null then '; num_guests=' || left(num_guests_text, 64)
            else ''
        end as unreadable
    from complained
)

select
    cast(booking_id as bigint) as booking_id,
    user_id,
    cast(apartment_id as bigint) as apartment_id,
    booking_date,
    checkin_date,
    checkout_date,
    cast(round(ruled.total_price, 2) as decimal(18, 2)) as total_price,
    currency,
    booking_status,
    payment_status,
    cast(guests as bigint) as guests,
    cast(ruled.booking_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'booking_id='
        when 'missing_user' then 'user_id='
        when 'unreadable_user' then 'user_id=' || left(ruled.user_id, 64)
        when 'missing_date' then missing_date
        when 'unparseable_date' then unparseable_date
        when 'date_out_of_range' then date_out_of_range
        when 'checkout_before_checkin' then 'checkin_date=' || checkin_date_text || ', checkout_date=' || checkout_date_text
        when 'missing_price' then 'total_price='
        when 'unparseable_number' then 'total_price=' || total_price_text
        when 'negative_price' then 'total_price=' || total_price_text
        when 'unknown_currency' then 'currency=' || coalesce(currency_text, '')
        when 'unknown_status' then 'booking_status=' || coalesce(booking_status_text, '')
        when 'orphan_reference' then 'apartment_id=' || coalesce(cast(ruled.apartment_id as varchar(64)), '')
    end as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    booking_id,
    user_id,
    apartment_id,
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
