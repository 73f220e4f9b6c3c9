-- Where cars are picked up and dropped off: cleaned and typed.
--
-- grain:      one row per location that is in the source or was
-- source:     locations
-- input:      newest
-- key:        location_id
-- references: none
-- removed:    kept
-- reads:      newest
-- writes:     cars_curated.locations
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    diststyle all: small, and joined to every rental twice; sortkey location_id: touched rows are replaced by it
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
-- Everything else only informs: rentals count by the location's number, whatever is known of it. What cannot be read (a
-- coordinate that is no number or not on earth) or held (a text longer than its column) is NULL here and stands in
-- unreadable_values. A location that the source deleted keeps its last values, with removed_at, when that was seen: its rentals
-- stay in all figures.

-- name: table
create table if not exists cars_curated.locations (
    location_id bigint not null,
    location_name varchar(1020),
    address varchar(1020),
    city varchar(400),
    state varchar(400),
    zip_code varchar(40),
    latitude decimal(10, 7),
    longitude decimal(10, 7),
    removed_at timestamp
)
diststyle all
sortkey (location_id)

-- name: judged
with texts as (
    select
        location_id,
        _row_key as row_key,
        _removed_at as removed_at,
        cars_control.clean_text(cast(location_name as varchar(65535))) as location_name_text,
        cars_control.clean_text(cast(address as varchar(65535))) as address_text,
        cars_control.clean_text(cast(city as varchar(65535))) as city_text,
        cars_control.clean_text(cast(state as varchar(65535))) as state_text,
        cars_control.clean_text(cast(zip_code as varchar(65535))) as zip_code_text,
        cars_control.clean_value(cast(latitude as varchar(256))) as latitude_text,
        cars_control.clean_value(cast(longitude as varchar(256))) as longitude_text
    from newest
),

numbers as (
    select
        texts.*,
        cars_control.parse_number(latitude_text) as latitude_number,
        cars_control.parse_number(longitude_text) as longitude_number
    from texts
),

parsed as (
    select
        numbers.*,
        case when octet_length(location_name_text) <= 1020 then location_name_text end as location_name,
        case when octet_length(address_text) <= 1020 then address_text end as address,
        case when octet_length(city_text) <= 400 then city_text end as city,
        case when octet_length(state_text) <= 400 then state_text end as state,
        case when octet_length(zip_code_text) <= 40 then zip_code_text end as zip_code,
        case when abs(latitude_number) <= 90 then latitude_number end as latitude,
        case when abs(longitude_number) <= 180 then longitude_number end as longitude
    from numbers
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no location_id
            when location_id is null then 'missing_key: location_id='
        end as broken,
        cars_control.tell_unreadable('location_name', case when location_name is null then location_name_text end)
        || cars_control.tell_unreadable('address', case when address is null then address_text end)
        || cars_control.tell_unreadable('city', case when city is null then city_text end)
        || cars_control.tell_unreadable('state', case when state is null then state_text end)
        || cars_control.tell_unreadable('zip_code', case when zip_code is null then zip_code_text end)
        || cars_control.tell_unreadable('latitude', case when latitude is null then latitude_text end)
        || cars_control.tell_unreadable('longitude', case when longitude is null then longitude_text end) as unreadable
    from parsed
)

select
    location_id,
    cast(ruled.location_name as varchar(1020)) as location_name,
    cast(ruled.address as varchar(1020)) as address,
    cast(ruled.city as varchar(400)) as city,
    cast(ruled.state as varchar(400)) as state,
    cast(ruled.zip_code as varchar(40)) as zip_code,
    cast(ruled.latitude as decimal(10, 7)) as latitude,
    cast(ruled.longitude as decimal(10, 7)) as longitude,
    removed_at,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    cast(location_id as bigint) as location_id,
    location_name,
    address,
    city,
    state,
    zip_code,
    latitude,
    longitude,
    removed_at
from judged
where broken_rule is null
