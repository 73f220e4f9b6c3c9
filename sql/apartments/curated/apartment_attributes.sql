-- What the listings offer and where they are, as it is now or last was.
--
-- grain:      one row per listing that has attributes, or had some before the source removed them
-- source:     apartment_attributes
-- input:      newest
-- key:        id
-- references: id -> apartments.id
-- removed:    kept
-- holds:      abs(latitude) <= 90; abs(longitude) <= 180
-- reads:      newest, known_apartments
-- writes:     apartments_curated.apartment_attributes
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key and of the listings that raw has ever had
-- storage:    distkey id: joined to bookings and listings on it; sortkey id: touched rows are replaced by it
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
-- All else only informs and may be absent: what is there and cannot be read or held is NULL, is named in unreadable_value, and
-- rejects nothing. That is a bathrooms, bedrooms, fee, square_feet, latitude or longitude that is no number of at most ten digits
-- before the point, a latitude beyond 90 or a longitude beyond 180 degrees, a has_photo or pets_allowed in unknown words, and a
-- text that is longer than its column. Numbers are rounded to the scale of their columns, half up.
-- A fee of "No" is 0. has_photo "Thumbnail" is a photo.
-- pets_allowed names the kinds (Cats,Dogs), or says yes or no for both (True, False); there "None" means no pets, only "null"
-- and the empty text mean unknown. price_display is kept as it is shown: it does not agree with the listing's price.
-- city and state have no blanks but single ones between words. city_key and state_key are the same in lower case: by them places
-- are grouped, so that Austin, TX and austin, tx are one.
-- price_unit is what the listing's price is for: nightly, weekly, monthly, yearly, or another single word of price_type in lower
-- snake case (one_time); unknown where price_type says nothing or more than one (Monthly|Weekly).
-- removed_at is when a run first missed the row in the source.

-- name: table
create table if not exists apartments_curated.apartment_attributes (
    id bigint not null,
    category varchar(1024),
    body varchar(65535),
    amenities varchar(65535),
    bathrooms decimal(18, 2),
    bedrooms decimal(18, 2),
    fee decimal(18, 2),
    has_photo boolean,
    are_cats_allowed boolean,
    are_dogs_allowed boolean,
    price_display varchar(1024),
    price_type varchar(128),
    price_unit varchar(128) not null,
    square_feet decimal(18, 2),
    address varchar(4096),
    city varchar(1024),
    state varchar(1024),
    city_key varchar(2048),
    state_key varchar(2048),
    latitude decimal(10, 7),
    longitude decimal(10, 7),
    removed_at timestamp
)
distkey (id)
sortkey (id)

-- name: judged
with texts as (
    select
        newest.id,
        newest._row_key as row_key,
        newest._removed_at,
        known_apartments.id as known_listing_id,
        apartments_control.clean_text(cast(newest.category as varchar(65535))) as category_text,
        apartments_control.clean_text(cast(newest.body as varchar(65535))) as body,
        apartments_control.clean_text(cast(newest.amenities as varchar(65535))) as amenities,
        apartments_control.clean_value(cast(newest.bathrooms as varchar(256))) as bathrooms_text,
        apartments_control.clean_value(cast(newest.bedrooms as varchar(256))) as bedrooms_text,
        apartments_control.clean_value(cast(newest.fee as varchar(256))) as fee_text,
        apartments_control.clean_value(cast(newest.has_photo as varchar(256))) as has_photo_text,
        lower(trim(cast(newest.pets_allowed as varchar(256)))) as pets_text,
        apartments_control.clean_text(cast(newest.price_display as varchar(65535))) as price_display_text,
        apartments_control.clean_text(cast(newest.price_type as varchar(65535))) as price_type_text,
        apartments_control.clean_value(cast(newest.square_feet as varchar(256))) as square_feet_text,
        apartments_control.clean_text(cast(newest.address as varchar(65535))) as address_text,
        apartments_control.clean_text(
            regexp_replace(translate(cast(newest.cityname as varchar(65535)), chr(9) || chr(10) || chr(13), '   '), ' +', ' ')
        ) as city_text,
        apartments_control.clean_text(
            regexp_replace(translate(cast(newest.state as varchar(65535)), chr(9) || chr(10) || chr(13), '   '), ' +', ' ')
        ) as state_text,
        apartments_control.clean_value(cast(newest.latitude as varchar(256))) as latitude_text,
        apartments_control.clean_value(cast(newest.longitude as varchar(256))) as longitude_text
    from newest
    left join known_apartments on newest.id = known_apartments.id
),

numbers as (
    select
        texts.*,
        apartments_control.parse_number(bathrooms_text) as bathrooms,
        apartments_control.parse_number(bedrooms_text) as bedrooms,
        case when lower(fee_text) = 'no' then 0 else apartments_control.parse_number(fee_text) end as fee,
        apartments_control.parse_boolean(pets_text) as are_pets_allowed,
        apartments_control.parse_number(square_feet_text) as square_feet,
        apartments_control.parse_number(latitude_text) as latitude_number,
        apartments_control.parse_number(longitude_text) as longitude_number
    from texts
),

parsed as (
    select
        numbers.*,
        case when octet_length(category_text) <= 1024 then category_text end as category,
        case
            when lower(has_photo_text) = 'thumbnail' then true
            else apartments_control.parse_boolean(has_photo_text)
        end as has_photo,
        case
            when pets_text like '%cat%' then true
            when pets_text like '%dog%' or pets_text = 'none' then false
            else are_pets_allowed
        end as are_cats_allowed,
        case
            when pets_text like '%dog%' then true
            when pets_text like '%cat%' or pets_text = 'none' then false
            else are_pets_allowed
        end as are_dogs_allowed,
        case when octet_length(price_display_text) <= 1024 then price_display_text end as price_display,
        case when octet_length(price_type_text) <= 128 then price_type_text end as price_type,
        case when octet_length(address_text) <= 4096 then address_text end as address,
        case when octet_length(city_text) <= 1024 then city_text end as city,
        case when octet_length(state_text) <= 1024 then state_text end as state,
        case when abs(latitude_number) <= 90 then latitude_number end as latitude,
        case when abs(longitude_number) <= 180 then longitude_number end as longitude
    from numbers
),

ruled as (
    select
        parsed.*,
        replace(replace(lower(price_type), ' ', '_'), '-', '_') as price_word,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no id
            when id is null then 'missing_key: id='
            -- the source never had a listing with this id
            when known_listing_id is null then apartments_control.tell_broken('orphan_reference: id=', cast(id as varchar(64)))
        end as broken,
        apartments_control.tell_unreadable('category', case when category is null then category_text end)
        || apartments_control.tell_unreadable('bathrooms', case when bathrooms is null then bathrooms_text end)
        || apartments_control.tell_unreadable('bedrooms', case when bedrooms is null then bedrooms_text end)
        || apartments_control.tell_unreadable('fee', case when fee is null then fee_text end)
        || apartments_control.tell_unreadable('has_photo', case when has_photo is null then has_photo_text end)
        || apartments_control.tell_unreadable(
            'pets_allowed', case when are_cats_allowed is null and pets_text not in ('', 'null', 'nan') then pets_text end
        )
        || apartments_control.tell_unreadable('price_display', case when price_display is null then price_display_text end)
        || apartments_control.tell_unreadable('price_type', case when price_type is null then price_type_text end)
        || apartments_control.tell_unreadable('square_feet', case when square_feet is null then square_feet_text end)
        || apartments_control.tell_unreadable('address', case when address is null then address_text end)
        || apartments_control.tell_unreadable('cityname', case when city is null then city_text end)
        || apartments_control.tell_unreadable('state', case when state is null then state_text end)
        || apartments_control.tell_unreadable('latitude', case when latitude is null then latitude_text end)
        || apartments_control.tell_unreadable('longitude', case when longitude is null then longitude_text end) as unreadable
    from parsed
)

select
    id,
    category,
    body,
    amenities,
    cast(round(ruled.bathrooms, 2) as decimal(18, 2)) as bathrooms,
    cast(round(ruled.bedrooms, 2) as decimal(18, 2)) as bedrooms,
    cast(round(ruled.fee, 2) as decimal(18, 2)) as fee,
    has_photo,
    are_cats_allowed,
    are_dogs_allowed,
    price_display,
    price_type,
    case
        when price_word is null or regexp_substr(price_word, '[|,/;&+]') <> '' then cast('unknown' as varchar(128))
        when price_word in ('nightly', 'night', 'per_night', 'daily', 'day', 'per_day') then cast('nightly' as varchar(128))
        when price_word in ('weekly', 'week', 'per_week') then cast('weekly' as varchar(128))
        when price_word in ('monthly', 'month', 'per_month') then cast('monthly' as varchar(128))
        when price_word in ('yearly', 'year', 'per_year', 'annual', 'annually') then cast('yearly' as varchar(128))
        else cast(price_word as varchar(128))
    end as price_unit,
    cast(round(ruled.square_feet, 2) as decimal(18, 2)) as square_feet,
    address,
    city,
    state,
    cast(lower(ruled.city) as varchar(2048)) as city_key,
    cast(lower(ruled.state) as varchar(2048)) as state_key,
    cast(latitude as decimal(10, 7)) as latitude,
    cast(longitude as decimal(10, 7)) as longitude,
    _removed_at as removed_at,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    cast(id as bigint) as id,
    category,
    body,
    amenities,
    bathrooms,
    bedrooms,
    fee,
    has_photo,
    are_cats_allowed,
    are_dogs_allowed,
    price_display,
    price_type,
    price_unit,
    square_feet,
    address,
    city,
    state,
    city_key,
    state_key,
    latitude,
    longitude,
    removed_at
from judged
where broken_rule is null
