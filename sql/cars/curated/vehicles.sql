-- The cars as they are now, or were when the source deleted them: cleaned and typed.
--
-- grain:      one row per vehicle that is in the source or was
-- source:     vehicles
-- input:      newest
-- key:        vehicle_id
-- references: none
-- removed:    kept
-- reads:      newest
-- writes:     cars_curated.vehicles
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey vehicle_id: rentals join on it; sortkey vehicle_id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key           no vehicle_id
--   key_too_long          a vehicle_id of more than 64 bytes, which would be cut
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
        _removed_at as removed_at,
        cars_control.clean_value(cast(vehicle_type as varchar(256))) as type_text,
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
        replace(replace(replace(lower(type_text), ' ', ''), '-', ''), '_', '') as plain_type,
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
        case when plain_type not in ('basic', 'premium', 'highend') then '; vehicle_type=' || left(type_text, 50) end as bad_type,
        case when octet_length(brand) > 400 then '; brand=' || left(brand, 50) end as bad_brand,
        case
            when vehicle_year_text is not null and (vehicle_year is null or vehicle_year <> floor(vehicle_year))
                then '; vehicle_year=' || left(vehicle_year_text, 50)
        end as bad_year,
        case when active_text is not null and is_active is null then '; active=' || left(active_text, 50) end as bad_active,
        case when octet_length(license_type) > 200 then '; license_type=' || left(license_type, 50) end as bad_license_type,
        case
            when octet_length(vehicle_license_number) > 80 then '; vehicle_license_number=' || left(vehicle_license_number, 50)
        end as bad_license_number,
        case
            when octet_length(permit_license_number) > 80 then '; permit_license_number=' || left(permit_license_number, 50)
        end as bad_permit_number,
        case
            when expiration_date_text is not null and license_expires_on is null
                then '; expiration_date=' || left(expiration_date_text, 50)
        end as bad_expiration_date,
        case
            when certification_date_text is not null and certified_on is null
                then '; certification_date=' || left(certification_date_text, 50)
        end as bad_certification_date,
        case
            when octet_length(base_telephone_number) > 128 then '; base_telephone_number=' || left(base_telephone_number, 50)
        end as bad_telephone_number,
        case when octet_length(base_address) > 1020 then '; base_address=' || left(base_address, 50) end as bad_base_address,
        case
            when last_update_timestamp_text is not null and last_updated_at is null
                then '; last_update_timestamp=' || left(last_update_timestamp_text, 50)
        end as bad_last_update
    from parsed
),

ruled as (
    select
        complained.*,
        case
            when vehicle_id is null then 'missing_key'
            when octet_length(vehicle_id) > 64 then 'key_too_long'
        end as broken_rule
    from complained
)

select
    cast(vehicle_id as varchar(64)) as vehicle_id,
    cast(
        case when bad_type is null then replace(coalesce(plain_type, 'unknown'), 'highend', 'high_end') else 'unknown' end
        as varchar(16)
    ) as vehicle_type,
    case when bad_brand is null then cast(ruled.brand as varchar(400)) end as brand,
    case when bad_year is null then cast(floor(ruled.vehicle_year) as bigint) end as vehicle_year,
    is_active,
    case when bad_license_type is null then cast(ruled.license_type as varchar(200)) end as license_type,
    case when bad_license_number is null then cast(ruled.vehicle_license_number as varchar(80)) end as vehicle_license_number,
    case when bad_permit_number is null then cast(ruled.permit_license_number as varchar(80)) end as permit_license_number,
    license_expires_on,
    certified_on,
    case when bad_telephone_number is null then cast(ruled.base_telephone_number as varchar(128)) end as base_telephone_number,
    case when bad_base_address is null then cast(ruled.base_address as varchar(1020)) end as base_address,
    last_updated_at,
    removed_at,
    cast(ruled.vehicle_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'vehicle_id='
        when 'key_too_long' then 'vehicle_id=' || left(ruled.vehicle_id, 50)
    end as broken_value,
    cast(
        nullif(
            substring(
                coalesce(bad_type, '') || coalesce(bad_brand, '') || coalesce(bad_year, '') || coalesce(bad_active, '')
                || coalesce(bad_license_type, '') || coalesce(bad_license_number, '') || coalesce(bad_permit_number, '')
                || coalesce(bad_expiration_date, '') || coalesce(bad_certification_date, '') || coalesce(bad_telephone_number, '')
                || coalesce(bad_base_address, '') || coalesce(bad_last_update, ''),
                3
            ),
            ''
        ) as varchar(1024)
    ) as unreadable_value
from ruled

-- name: accepted
select
    vehicle_id,
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
