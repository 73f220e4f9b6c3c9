-- The history of the bookings as the pipeline came to know it: what was known from when to when, by raw's versions.
--
-- grain:      one row per booking and interval in which one version of it was known; intervals of a booking never overlap
-- source:     bookings
-- input:      versions
-- key:        booking_id
-- references: none
-- unique_key: booking_id, known_from
-- holds:      known_to > known_from; checkout_date >= checkin_date; booking_status in ('confirmed', 'pending', 'canceled')
-- days:       booking_date, checkin_date, checkout_date
-- reads:      versions
-- writes:     apartments_curated.booking_versions
-- parameters: none
-- rerun:      the same rows: a function of all raw versions of each key
-- storage:    distkey booking_id: a booking's versions stay together; sortkey booking_id, known_from: touched rows are
--             replaced by it
-- lake:       by month of booking_date
--
-- A version is known from the run that brought it (the source's clock when that run was planned), never from before its
-- predecessor. known_to is when the next one came, exclusive; NULL: it is what is known. So this says what one could have known
-- on a day, and not what held on it: a booking that came late is known late.
-- A version that breaks a rule of bookings.sql is a gap, and so is the absence that a tombstone tells of. The rules stand there;
-- the check bookings_have_current_version holds the two against each other. Only whether the source ever had the listing is not
-- asked here. Before the first load nothing was known.

-- name: table
create table if not exists apartments_curated.booking_versions (
    booking_id bigint not null,
    known_from timestamp not null,
    known_to timestamp,
    booking_date date not null,
    checkin_date date not null,
    checkout_date date not null,
    booking_status varchar(16) not null
)
distkey (booking_id)
sortkey (booking_id, known_from)

-- name: accepted
with parsed as (
    select
        booking_id,
        _run_sequence as run_sequence,
        _operation as operation,
        _observed_at as observed_at,
        apartments_control.clean_value(cast(user_id as varchar(256))) as user_id,
        apartments_control.parse_date(apartments_control.clean_value(cast(booking_date as varchar(256)))) as booking_date,
        apartments_control.parse_date(apartments_control.clean_value(cast(checkin_date as varchar(256)))) as checkin_date,
        apartments_control.parse_date(apartments_control.clean_value(cast(checkout_date as varchar(256)))) as checkout_date,
        apartments_control.parse_number(apartments_control.clean_value(cast(total_price as varchar(256)))) as total_price,
        apartments_control.parse_currency(apartments_control.clean_value(cast(currency as varchar(256)))) as currency,
        replace(lower(apartments_control.clean_value(cast(booking_status as varchar(256)))), 'cancelled', 'canceled')
            as booking_status
    from versions
),

started as (
    select
        parsed.*,
        max(observed_at) over (partition by booking_id order by run_sequence rows between unbounded preceding and current row)
            as started_at
    from parsed
),

usable as (
    select
        started.*,
        lead(started_at) over (partition by booking_id order by run_sequence) as ended_at,
        operation = 'U'
        and octet_length(user_id) <= 128
        and apartments_control.is_in_calendar(booking_date)
        and apartments_control.is_in_calendar(checkin_date)
        and apartments_control.is_in_calendar(checkout_date)
        and checkout_date >= checkin_date
        and total_price >= 0
        and currency is not null
        and booking_status in ('confirmed', 'pending', 'canceled') as is_usable
    from started
)

select
    booking_id,
    started_at as known_from,
    ended_at as known_to,
    booking_date,
    checkin_date,
    checkout_date,
    cast(booking_status as varchar(16)) as booking_status
from usable
where is_usable
    and (ended_at is null or started_at < ended_at)
