-- Where cars are picked up and dropped off: cleaned and typed.
--
-- grain:      one row per location
-- source:     locations
-- input:      newest
-- key:        location_id
-- references: none
-- reads:      newest
-- writes:     cars_curated.locations
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    diststyle all: small, and joined to every rental twice; sortkey location_id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key               no location_id
--   unparseable_number        a latitude or longitude that is there and no number
--   coordinate_out_of_range   a latitude beyond a pole, a longitude beyond 180 degrees
-- Names and addresses only inform, and may be absent.

-- name: table
create table if not exists cars_curated.locations (
    location_id bigint not null,
    location_name varchar(1020),
    address varchar(1020),
    city varchar(400),
    state varchar(400),
    zip_code varchar(40),
    latitude decimal(10, 7),
    longitude decimal(10, 7)
)
diststyle all
sortkey (location_id)

-- name: judged
with texts as (
    select
        location_id,
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
        case
            when latitude_text is not null and latitude is null then 'latitude=' || latitude_text
            when longitude_text is not null and longitude is null then 'longitude=' || longitude_text
        end as unparseable_number,
        case
            when abs(latitude) > 90 then 'latitude=' || latitude_text
            when abs(longitude) > 180 then 'longitude=' || longitude_text
        end as coordinate_out_of_range
    from parsed
),

ruled as (
    select
        complained.*,
        case
            when location_id is null then 'missing_key'
            when unparseable_number is not null then 'unparseable_number'
            when coordinate_out_of_range is not null then 'coordinate_out_of_range'
        end as broken_rule
    from complained
)

select
    cast(location_id as bigint) as location_id,
    location_name,
    address,
    city,
    state,
    zip_code,
    latitude,
    longitude,
    cast(ruled.location_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'location_id='
        when 'unparseable_number' then unparseable_number
        when 'coordinate_out_of_range' then coordinate_out_of_range
    end as broken_value,
    cast(null as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    location_id,
    location_name,
    address,
    city,
    state,
    zip_code,
    cast(latitude as decimal(10, 7)) as latitude,
    cast(longitude as decimal(10, 7)) as longitude
from judged
where broken_rule is null
