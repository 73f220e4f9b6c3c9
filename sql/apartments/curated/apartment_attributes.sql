-- What the listings offer and where they are.
--
-- grain:      one row per listing that has attributes
-- source:     apartment_attributes
-- input:      newest
-- key:        id
-- references: id -> apartments.id
-- reads:      newest, known_apartments
-- writes:     apartments_curated.apartment_attributes
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key and of the accepted listings
-- storage:    distkey id: joined to bookings and listings on it; sortkey id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key              no id
--   unparseable_number       a bathrooms, bedrooms, fee, square_feet, latitude or longitude that is there and no number
--   unparseable_boolean      a has_photo that is there and neither yes nor no
--   coordinate_out_of_range  a latitude beyond 90 or a longitude beyond 180 degrees
--   orphan_reference         no accepted listing has this id
-- All facts are optional: an absent one is NULL. A fee of "No" is 0. has_photo "Thumbnail" is a photo.
-- pets_allowed names the kinds (Cats,Dogs), or says yes or no for both (True, False); there "None" means no pets, only "null"
-- and the empty text mean unknown. price_display is kept as it is shown: it does not agree with the listing's price.

-- name: table
create table if not exists apartments_curated.apartment_attributes (
    id bigint not null,
    category varchar(400),
    body varchar(65535),
    amenities varchar(65535),
    bathrooms decimal(18, 2),
    bedrooms decimal(18, 2),
    fee decimal(18, 2),
    has_photo boolean,
    are_cats_allowed boolean,
    are_dogs_allowed boolean,
    price_display varchar(256),
    price_type varchar(128),
    square_feet decimal(18, 2),
    address varchar(1020),
    city varchar(400),
    state varchar(400),
    latitude decimal(10, 7),
    longitude decimal(10, 7)
)
distkey (id)
sortkey (id)

-- name: judged
with texts as (
    select
        newest.id,
        known_apartments.id as listing_id,
        apartments_control.clean_text(newest.category) as category,
        apartments_control.clean_text(newest.body) as body,
        apartments_control.clean_text(newest.amenities) as amenities,
        apartments_control.clean_value(cast(newest.bathrooms as varchar(256))) as bathrooms_text,
        apartments_control.clean_value(cast(newest.bedrooms as varchar(256))) as bedrooms_text,
        apartments_control.clean_value(cast(newest.fee as varchar(256))) as fee_text,
        apartments_control.clean_value(cast(newest.has_photo as varchar(256))) as has_photo_text,
        lower(trim(cast(newest.pets_allowed as varchar(256)))) as pets_text,
        apartments_control.clean_text(newest.price_display) as price_display,
        apartments_control.clean_text(newest.price_type) as price_type,
        apartments_control.clean_value(cast(newest.square_feet as varchar(256))) as square_feet_text,
        apartments_control.clean_text(newest.address) as address,
        apartments_control.clean_text(newest.cityname) as city,
        apartments_control.clean_text(newest.state) as state,
        apartments_control.clean_value(cast(newest.latitude as varchar(256))) as latitude_text,
        apartments_control.clean_value(cast(newest.longitude as varchar(256))) as longitude_text
    from newest
    left join known_apartments on newest.id = known_apartments.id
),

parsed as (
    select
        texts.*,
        apartments_control.parse_number(bathrooms_text) as bathrooms,
        apartments_control.parse_number(bedrooms_text) as bedrooms,
        case when lower(fee_text) = 'no' then 0 else apartments_control.parse_number(fee_text) end as fee,
        case
            when lower(has_photo_text) = 'thumbnail' then true
            else apartments_control.parse_boolean(has_photo_text)
        end as has_photo,
        apartments_control.parse_boolean(pets_text) as are_pets_allowed,
        apartments_control.parse_number(square_feet_text) as square_feet,
        apartments_control.parse_number(latitude_text) as latitude,
        apartments_control.parse_number(longitude_text) as longitude
    from texts
),

complained as (
    select
        parsed.*,
        case
            when bathrooms_text is not null and bathrooms is null then 'bathrooms=' || bathrooms_text
            when bedrooms_text is not null and bedrooms is null then 'bedrooms=' || bedrooms_text
            when fee_text is not null and fee is null then 'fee=' || fee_text
            when square_feet_text is not null and square_feet is null then 'square_feet=' || square_feet_text
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
            when id is null then 'missing_key'
            when unparseable_number is not null then 'unparseable_number'
            when has_photo_text is not null and has_photo is null then 'unparseable_boolean'
            when coordinate_out_of_range is not null then 'coordinate_out_of_range'
            when listing_id is null then 'orphan_reference'
        end as broken_rule
    from complained
)

select
    cast(id as bigint) as id,
    category,
    body,
    amenities,
    bathrooms,
    bedrooms,
    fee,
    has_photo,
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
    price_display,
    price_type,
    square_feet,
    address,
    city,
    state,
    latitude,
    longitude,
    cast(ruled.id as varchar(512)) as row_key,
    broken_rule,
    case
        when broken_rule in ('missing_key', 'orphan_reference') then 'id=' || coalesce(cast(ruled.id as varchar(64)), '')
        when broken_rule = 'unparseable_number' then unparseable_number
        when broken_rule = 'unparseable_boolean' then 'has_photo=' || has_photo_text
        when broken_rule = 'coordinate_out_of_range' then coordinate_out_of_range
    end as broken_value,
    cast(null as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    id,
    category,
    body,
    amenities,
    cast(bathrooms as decimal(18, 2)) as bathrooms,
    cast(bedrooms as decimal(18, 2)) as bedrooms,
    cast(fee as decimal(18, 2)) as fee,
    has_photo,
    are_cats_allowed,
    are_dogs_allowed,
    price_display,
    price_type,
    cast(square_feet as decimal(18, 2)) as square_feet,
    address,
    city,
    state,
    cast(latitude as decimal(10, 7)) as latitude,
    cast(longitude as decimal(10, 7)) as longitude
from judged
where broken_rule is null
