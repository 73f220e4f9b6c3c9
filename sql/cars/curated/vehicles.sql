-- The cars as they are now, or were when the source deleted them: cleaned and typed.
--
-- grain:      one row per vehicle that is in the source or was
-- source:     vehicles
-- input:      newest
-- key:        vehicle_id
-- references: none
-- removed:    kept
-- holds:      vehicle_type in ('basic', 'premium', 'high_end', 'unknown')
-- reads:      newest
-- writes:     cars_curated.vehicles
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey vehicle_id: rentals join on it; sortkey vehicle_id: touched rows are replaced by it
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
-- vehicle_type is basic, premium or high_end (written in any case, with blanks, hyphens or underscores), and `unknown` where the
-- source says another type or none: what its rentals bring stays in the figures, under that name.
-- Everything else only informs, and may be absent, as where a registry gives no more than key and type. is_active decides from
-- when to when a vehicle is in the fleet (vehicle_versions.sql); one of which it is not said whether it is active counts as
-- active. What cannot be read (a type, a date, a yes or no, a year that is no whole number) or held (a text longer than its
-- column) is NULL here, or unknown, and stands in unreadable_values.
-- A vehicle that the source deleted keeps its last values, with removed_at, when that was seen: its rentals stay in all figures.
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
    last_updated_at timestamp,
    removed_at timestamp
)
distkey (vehicle_id)
sortkey (vehicle_id)

-- name: judged
with texts as (
    select
        vehicle_id,
        _row_key as row_key,
        _removed_at as removed_at,
        cars_control.clean_value(cast(vehicle_type as varchar(256))) as type_text,
        cars_control.clean_text(cast(brand as varchar(65535))) as brand_text,
        cars_control.clean_value(cast(vehicle_year as varchar(256))) as vehicle_year_text,
        cars_control.clean_value(cast(active as varchar(256))) as active_text,
        cars_control.clean_text(cast(license_type as varchar(65535))) as license_type_text,
        cars_control.clean_text(cast(vehicle_license_number as varchar(65535))) as vehicle_license_number_text,
        cars_control.clean_text(cast(permit_license_number as varchar(65535))) as permit_license_number_text,
        cars_control.clean_value(cast(expiration_date as varchar(256))) as expiration_date_text,
        cars_control.clean_value(cast(certification_date as varchar(256))) as certification_date_text,
        cars_control.clean_text(cast(base_telephone_number as varchar(65535))) as base_telephone_number_text,
        cars_control.clean_text(cast(base_address as varchar(65535))) as base_address_text,
        cars_control.clean_value(cast(last_update_timestamp as varchar(256))) as last_update_timestamp_text
    from newest
),

plain as (
    select
        texts.*,
        replace(replace(replace(lower(type_text), ' ', ''), '-', ''), '_', '') as plain_type,
        cars_control.parse_number(vehicle_year_text) as vehicle_year_number
    from texts
),

parsed as (
    select
        plain.*,
        case plain_type when 'highend' then 'high_end' when 'basic' then 'basic' when 'premium' then 'premium' end as known_type,
        case when vehicle_year_number = floor(vehicle_year_number) then vehicle_year_number end as vehicle_year,
        case when octet_length(brand_text) <= 400 then brand_text end as brand,
        case when octet_length(license_type_text) <= 200 then license_type_text end as license_type,
        case when octet_length(vehicle_license_number_text) <= 80 then vehicle_license_number_text end as vehicle_license_number,
        case when octet_length(permit_license_number_text) <= 80 then permit_license_number_text end as permit_license_number,
        case when octet_length(base_telephone_number_text) <= 128 then base_telephone_number_text end as base_telephone_number,
        case when octet_length(base_address_text) <= 1020 then base_address_text end as base_address,
        cars_control.parse_boolean(active_text) as is_active,
        cars_control.parse_date(expiration_date_text) as license_expires_on,
        cars_control.parse_date(certification_date_text) as certified_on,
        cars_control.parse_timestamp(last_update_timestamp_text) as last_updated_at
    from plain
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no vehicle_id
            when vehicle_id is null then 'missing_key: vehicle_id='
            -- a vehicle_id of more than 64 bytes, which would be cut
            when octet_length(vehicle_id) > 64 then cars_control.tell_broken('key_too_long: vehicle_id=', vehicle_id)
        end as broken,
        cars_control.tell_unreadable('vehicle_type', case when known_type is null then type_text end)
        || cars_control.tell_unreadable('brand', case when brand is null then brand_text end)
        || cars_control.tell_unreadable('vehicle_year', case when vehicle_year is null then vehicle_year_text end)
        || cars_control.tell_unreadable('active', case when is_active is null then active_text end)
        || cars_control.tell_unreadable('license_type', case when license_type is null then license_type_text end)
        || cars_control.tell_unreadable(
            'vehicle_license_number', case when vehicle_license_number is null then vehicle_license_number_text end
        )
        || cars_control.tell_unreadable(
            'permit_license_number', case when permit_license_number is null then permit_license_number_text end
        )
        || cars_control.tell_unreadable('expiration_date', case when license_expires_on is null then expiration_date_text end)
        || cars_control.tell_unreadable('certification_date', case when certified_on is null then certification_date_text end)
        || cars_control.tell_unreadable(
            'base_telephone_number', case when base_telephone_number is null then base_telephone_number_text end
        )
        || cars_control.tell_unreadable('base_address', case when base_address is null then base_address_text end)
        || cars_control.tell_unreadable(
            'last_update_timestamp', case when last_updated_at is null then last_update_timestamp_text end
        ) as unreadable
    from parsed
)

select
    vehicle_id,
    cast(coalesce(known_type, 'unknown') as varchar(16)) as vehicle_type,
    cast(ruled.brand as varchar(400)) as brand,
    cast(ruled.vehicle_year as bigint) as vehicle_year,
    is_active,
    cast(ruled.license_type as varchar(200)) as license_type,
    cast(ruled.vehicle_license_number as varchar(80)) as vehicle_license_number,
    cast(ruled.permit_license_number as varchar(80)) as permit_license_number,
    license_expires_on,
    certified_on,
    cast(ruled.base_telephone_number as varchar(128)) as base_telephone_number,
    cast(ruled.base_address as varchar(1020)) as base_address,
    last_updated_at,
    removed_at,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
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
    removed_at
from judged
where broken_rule is null
