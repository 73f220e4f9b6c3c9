-- The rentals as they are now: cleaned, typed, in UTC, each of a user, a vehicle and two locations that exist or once did.
--
-- grain:      one row per rental
-- source:     rental_transactions
-- input:      newest
-- key:        rental_id
-- references: user_id -> users.user_id, vehicle_id -> vehicles.vehicle_id, pickup_location as pickup_location_id ->
--             locations.location_id, dropoff_location as dropoff_location_id -> locations.location_id
-- amount:     total_amount
-- holds:      total_amount >= 0; ended_at >= started_at; rental_seconds = datediff(second, started_at, ended_at); rental_date =
--             cast(started_at as date)
-- days:       rental_date, ended_at
-- personal:   user_id
-- reads:      newest, known_users, known_vehicles, known_locations
-- writes:     cars_curated.rental_transactions
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key and of the users, vehicles and locations ever seen
-- storage:    distkey vehicle_id: joined to vehicles on it; sortkey rental_date: the metrics' usual period
-- lake:       by month of rental_date
--
-- rental_date is the day a rental starts on, and rental_seconds its exact length: times are to the second, fractions are cut.
-- Amounts are in the reporting currency: the source says none. They are rounded to two decimals, half away from zero.
-- Every column decides a figure, so there is none that only informs: what cannot be read breaks a rule.
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
-- The rental of a user who was deleted, of a car that was sold, at a location that was closed, or of one that is itself set
-- aside, was paid for: it is accepted and stays in every figure. So is a rental before its user's creation_date, and one of an
-- inactive user. Checks count these two.

-- name: table
create table if not exists cars_curated.rental_transactions (
    rental_id varchar(64) not null,
    user_id varchar(64) not null,
    vehicle_id varchar(64) not null,
    pickup_location_id bigint not null,
    dropoff_location_id bigint not null,
    rental_date date not null,
    started_at timestamp not null,
    ended_at timestamp not null,
    rental_seconds bigint not null,
    total_amount decimal(18, 2) not null
)
distkey (vehicle_id)
sortkey (rental_date)

-- name: judged
with texts as (
    select
        newest.rental_id,
        newest._row_key as row_key,
        newest.user_id,
        newest.vehicle_id,
        newest.pickup_location,
        newest.dropoff_location,
        known_users.user_id as known_user_id,
        known_vehicles.vehicle_id as known_vehicle_id,
        pickup.location_id as known_pickup_id,
        dropoff.location_id as known_dropoff_id,
        cars_control.clean_value(cast(newest.rental_start_time as varchar(256))) as start_text,
        cars_control.clean_value(cast(newest.rental_end_time as varchar(256))) as end_text,
        cars_control.clean_value(cast(newest.total_amount as varchar(256))) as amount_text
    from newest
    left join known_users on newest.user_id = known_users.user_id
    left join known_vehicles on newest.vehicle_id = known_vehicles.vehicle_id
    left join known_locations as pickup on newest.pickup_location = pickup.location_id
    left join known_locations as dropoff on newest.dropoff_location = dropoff.location_id
),

parsed as (
    select
        texts.*,
        date_trunc('second', cars_control.parse_timestamp(start_text)) as started_at,
        date_trunc('second', cars_control.parse_timestamp(end_text)) as ended_at,
        cars_control.parse_number(amount_text) as total_amount
    from texts
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no rental_id
            when rental_id is null then 'missing_key: rental_id='
            -- a rental_id, user_id or vehicle_id of more than 64 bytes, which would be cut
            when octet_length(rental_id) > 64 then cars_control.tell_broken('key_too_long: rental_id=', rental_id)
            when octet_length(user_id) > 64 then cars_control.tell_broken('key_too_long: user_id=', user_id)
            when octet_length(vehicle_id) > 64 then cars_control.tell_broken('key_too_long: vehicle_id=', vehicle_id)
            -- no user_id
            when user_id is null then 'missing_user: user_id='
            -- no vehicle_id
            when vehicle_id is null then 'missing_vehicle: vehicle_id='
            -- no pickup_location or dropoff_location
            when pickup_location is null then 'missing_location: pickup_location='
            when dropoff_location is null then 'missing_location: dropoff_location='
            -- no rental_start_time or rental_end_time
            when start_text is null then 'missing_date: rental_start_time='
            when end_text is null then 'missing_date: rental_end_time='
            -- one of the two that is no date
            when started_at is null then cars_control.tell_broken('unparseable_date: rental_start_time=', start_text)
            when ended_at is null then cars_control.tell_broken('unparseable_date: rental_end_time=', end_text)
            -- one of the two outside the calendar
            when not cars_control.is_in_calendar(cast(started_at as date))
                then cars_control.tell_broken('date_out_of_range: rental_start_time=', start_text)
            when not cars_control.is_in_calendar(cast(ended_at as date))
                then cars_control.tell_broken('date_out_of_range: rental_end_time=', end_text)
            -- a rental that ends before it starts (one that ends as it starts has no hours)
            when ended_at < started_at
                then cars_control.tell_broken(
                        'end_before_start: rental_start_time=', start_text || ', rental_end_time=' || end_text
                    )
            -- no total_amount
            when amount_text is null then 'missing_amount: total_amount='
            -- a total_amount that is no number, or one of more than ten digits before the point
            when total_amount is null then cars_control.tell_broken('unparseable_number: total_amount=', amount_text)
            -- a total_amount below zero
            when total_amount < 0 then cars_control.tell_broken('negative_amount: total_amount=', amount_text)
            -- no user, vehicle or location ever had this key
            when known_user_id is null then cars_control.tell_broken('orphan_reference: user_id=', user_id)
            when known_vehicle_id is null then cars_control.tell_broken('orphan_reference: vehicle_id=', vehicle_id)
            when known_pickup_id is null
                then cars_control.tell_broken('orphan_reference: pickup_location=', cast(pickup_location as varchar(64)))
            when known_dropoff_id is null
                then cars_control.tell_broken('orphan_reference: dropoff_location=', cast(dropoff_location as varchar(64)))
        end as broken
    from parsed
)

select
    rental_id,
    cast(user_id as varchar(64)) as user_id,
    cast(vehicle_id as varchar(64)) as vehicle_id,
    known_pickup_id as pickup_location_id,
    known_dropoff_id as dropoff_location_id,
    cast(started_at as date) as rental_date,
    ruled.started_at,
    ruled.ended_at,
    datediff(second, ruled.started_at, ruled.ended_at) as rental_seconds,
    cast(round(ruled.total_amount, 2) as decimal(18, 2)) as total_amount,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(null as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    cast(rental_id as varchar(64)) as rental_id,
    user_id,
    vehicle_id,
    cast(pickup_location_id as bigint) as pickup_location_id,
    cast(dropoff_location_id as bigint) as dropoff_location_id,
    rental_date,
    started_at,
    ended_at,
    rental_seconds,
    total_amount
from judged
where broken_rule is null
