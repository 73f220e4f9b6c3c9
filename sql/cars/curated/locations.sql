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
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key               no location_id
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
        _removed_at as removed_at,
        cars_control.clean_text(location_name) as location_name,
        cars_control.clean_text(address) as address,
        cars_control.clean_text(city) as city,
        cars_control.clean_text(state) as state,
        cars_control.clean_text(zip_code) as zip_code,
        cars_control.clean_value(cast(latitude as varchar(256))) as latitude_text,
        cars_control.clean_value(cast(longitude as varchar(256))) as longitude_text
    from newest
),

parsed as (
    select
        texts.*,
        cars_control.parse_number(latitude_text) as latitude,
        cars_control.parse_number(longitude_text) as longitude
    from texts
),

complained as (
    select
        parsed.*,
        case when octet_length(location_name) > 1020 then '; location_name=' || left(location_name, 50) end as bad_name,
        case when octet_length(address) > 1020 then '; address=' || left(address, 50) end as bad_address,
        case when octet_length(city) > 400 then '; city=' || left(city, 50) end as bad_city,
        case when octet_length(state) > 400 then '; state=' || left(state, 50) end as bad_state,
        case when octet_length(zip_code) > 40 then '; zip_code=' || left(zip_code, 50) end as bad_zip_code,
        case
            when latitude_text is not null and (latitude is null or abs(latitude) > 90)
                then '; latitude=' || left(latitude_text, 50)
        end as bad_latitude,
        case
            when longitude_text is not null and (longitude is null or abs(longitude) > 180)
                then '; longitude=' || left(longitude_text, 50)
        end as bad_longitude
    from parsed
),

ruled as (
    select
        complained.*,
        case
            when location_id is null then 'missing_key'
        end as broken_rule
    from complained
)

select
    cast(location_id as bigint) as location_id,
    case when bad_name is null then cast(ruled.location_name as varchar(1020)) end as location_name,
    case when bad_address is null then cast(ruled.address as varchar(1020)) end as address,
    case when bad_city is null then cast(ruled.city as varchar(400)) end as city,
    case when bad_state is null then cast(ruled.state as varchar(400)) end as state,
    case when bad_zip_code is null then cast(ruled.zip_code as varchar(40)) end as zip_code,
    case when bad_latitude is null then cast(ruled.latitude as decimal(10, 7)) end as latitude,
    case when bad_longitude is null then cast(ruled.longitude as decimal(10, 7)) end as longitude,
    removed_at,
    cast(ruled.location_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'location_id='
    end as broken_value,
    cast(
        nullif(
            substring(
                coalesce(bad_name, '') || coalesce(bad_address, '') || coalesce(bad_city, '') || coalesce(bad_state, '')
                || coalesce(bad_zip_code, '') || coalesce(bad_latitude, '') || coalesce(bad_longitude, ''),
                3
            ),
            ''
        ) as varchar(1024)
    ) as unreadable_value
from ruled

-- name: accepted
select
    location_id,
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
