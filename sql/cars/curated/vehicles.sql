-- The cars as they are now: cleaned, typed, each of a known type.
--
-- grain:      one row per vehicle
-- source:     vehicles
-- input:      newest
-- key:        vehicle_id
-- references: none
-- reads:      newest
-- writes:     cars_curated.vehicles
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey vehicle_id: rentals join on it; sortkey vehicle_id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key           no vehicle_id
--   unknown_type          a vehicle_type other than basic, premium, high_end (in any case, blanks and hyphens for _), or none
--   unparseable_boolean   an active that is there and neither yes nor no
--   unparseable_date      an expiration_date, certification_date or last_update_timestamp that is there and no date
--   unparseable_number    a vehicle_year that is there and no number
-- Everything but key and type only informs and may be absent, as where a registry gives no more than these two.
-- Licence numbers are text: some are not numeric (V99905). The name a car is registered under is never read: it is a person's.

-- name: table
create table if not exists cars_curated.vehicles (
    vehicle_id varchar(64) not null,
    vehicle_type varchar(16) not null,
    brand varchar(400),
    vehicle_year bigint,
    is_active boolean,
    license_type varchar(200),
    vehicle_license_number varchar(80),
    permit_license_number varchar(80),
    license_expires_on date,
    certified_on date,
    base_telephone_number varchar(128),
    base_address varchar(1020),
    last_updated_at timestamp
)
distkey (vehicle_id)
sortkey (vehicle_id)

-- name: judged
with texts as (
    select
        vehicle_id,
        cars_control.clean_value(cast(vehicle_type as varchar(256))) as vehicle_type_text,
        cars_control.clean_text(brand) as brand,
        cars_control.clean_value(cast(vehicle_year as varchar(256))) as vehicle_year_text,
        cars_control.clean_value(cast(active as varchar(256))) as active_text,
        cars_control.clean_text(license_type) as license_type,
        cars_control.clean_text(cast(vehicle_license_number as varchar(256))) as vehicle_license_number,
        cars_control.clean_text(cast(permit_license_number as varchar(256))) as permit_license_number,
        cars_control.clean_value(cast(expiration_date as varchar(256))) as expiration_date_text,
        cars_control.clean_value(cast(certification_date as varchar(256))) as certification_date_text,
        cars_control.clean_text(cast(base_telephone_number as varchar(256))) as base_telephone_number,
        cars_control.clean_text(base_address) as base_address,
        cars_control.clean_value(cast(last_update_timestamp as varchar(256))) as last_update_timestamp_text
    from newest
),

parsed as (
    select
        texts.*,
        replace(replace(lower(vehicle_type_text), ' ', '_'), '-', '_') as vehicle_type,
        cars_control.parse_number(vehicle_year_text) as vehicle_year,
        cars_control.parse_boolean(active_text) as is_active,
        cars_control.parse_date(expiration_date_text) as license_expires_on,
        cars_control.parse_date(certification_date_text) as certified_on,
        cars_control.parse_timestamp(last_update_timestamp_text) as last_updated_at
    from texts
),

complained as (
    select
        parsed.*,
        case
            when expiration_date_text is not null and license_expires_on is null then 'expiration_date=' || expiration_date_text
            when certification_date_text is not null and certified_on is null
                then 'certification_date=' || certification_date_text
            when last_update_timestamp_text is not null and last_updated_at is null
                then 'last_update_timestamp=' || last_update_timestamp_text
        end as unparseable_date
    from parsed
),

ruled as (
    select
        complained.*,
        case
            when vehicle_id is null then 'missing_key'
            when vehicle_type is null or vehicle_type not in ('basic', 'premium', 'high_end') then 'unknown_type'
            when active_text is not null and is_active is null then 'unparseable_boolean'
            when unparseable_date is not null then 'unparseable_date'
            when vehicle_year_text is not null and vehicle_year is null then 'unparseable_number'
        end as broken_rule
    from complained
)

select
    cast(vehicle_id as varchar(64)) as vehicle_id,
    vehicle_type,
    brand,
    vehicle_year,
    is_active,
    license_type,
    vehicle_license_number,
    permit_license_number,
    license_expires_on,
    certified_on,
    base_telephone_number,
    base_address,
    last_updated_at,
    cast(ruled.vehicle_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'vehicle_id='
        when 'unknown_type' then 'vehicle_type=' || coalesce(vehicle_type_text, '')
        when 'unparseable_boolean' then 'active=' || active_text
        when 'unparseable_date' then unparseable_date
        when 'unparseable_number' then 'vehicle_year=' || vehicle_year_text
    end as broken_value,
    cast(null as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    vehicle_id,
    cast(vehicle_type as varchar(16)) as vehicle_type,
    brand,
    cast(vehicle_year as bigint) as vehicle_year,
    is_active,
    license_type,
    vehicle_license_number,
    permit_license_number,
    license_expires_on,
    certified_on,
    base_telephone_number,
    base_address,
    last_updated_at
from judged
where broken_rule is null
