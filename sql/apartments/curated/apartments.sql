-- The listings, as they are now or as they last were: cleaned, typed, times in UTC.
--
-- grain:      one row per listing, those that the source removed included
-- source:     apartments
-- input:      newest
-- key:        id
-- references: none
-- removed:    kept
-- reads:      newest
-- writes:     apartments_curated.apartments
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey id: versions, attributes, bookings and viewings join on it; sortkey id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key           no id
--   missing_price         no price
--   unparseable_number    a price that is no number of at most ten digits before the point
--   negative_price        a price below zero (zero is a price)
--   unknown_currency      a currency that is not three letters, or none
--   missing_date          no listing_created_on
--   unparseable_date      a listing_created_on that is no date
--   date_out_of_range     a listing_created_on outside the calendar
--   unparseable_boolean   an is_active that is neither yes nor no
-- These columns decide figures: what is asked, in which money, and on which nights. The others only inform (title, source,
-- last_modified_timestamp, which in the second generation often lies before the creation): one that is there and cannot be read,
-- or is longer than its column, is NULL, is named in unreadable_value, and rejects nothing.
-- A price is rounded to cents, half up. removed_at is when a run first missed the listing in the source.
-- Whatever becomes of a listing, here or in the source, its bookings, viewings, attributes and history stay.

-- name: table
create table if not exists apartments_curated.apartments (
    id bigint not null,
    title varchar(16384),
    source varchar(1024),
    price decimal(18, 2) not null,
    currency varchar(3) not null,
    listing_created_at timestamp not null,
    is_active boolean not null,
    last_modified_at timestamp,
    removed_at timestamp
)
distkey (id)
sortkey (id)

-- name: judged
with texts as (
    select
        id,
        _removed_at,
        apartments_control.clean_text(title) as title_text,
        apartments_control.clean_text(source) as source_text,
        apartments_control.clean_value(cast(price as varchar(256))) as price_text,
        apartments_control.clean_value(cast(currency as varchar(256))) as currency_text,
        apartments_control.clean_value(cast(listing_created_on as varchar(256))) as listing_created_on_text,
        apartments_control.clean_value(cast(is_active as varchar(256))) as is_active_text,
        apartments_control.clean_value(cast(last_modified_timestamp as varchar(256))) as last_modified_timestamp_text
    from newest
),

parsed as (
    select
        texts.*,
        case when octet_length(title_text) <= 16384 then title_text end as title,
        case when octet_length(source_text) <= 1024 then source_text end as source,
        apartments_control.parse_number(price_text) as price,
        apartments_control.parse_currency(currency_text) as currency,
        apartments_control.parse_timestamp(listing_created_on_text) as listing_created_at,
        apartments_control.parse_boolean(is_active_text) as is_active,
        apartments_control.parse_timestamp(last_modified_timestamp_text) as last_modified_at
    from texts
),

ruled as (
    select
        parsed.*,
        case
            when id is null then 'missing_key'
            when price_text is null then 'missing_price'
            when price is null then 'unparseable_number'
            when price < 0 then 'negative_price'
            when currency is null then 'unknown_currency'
            when listing_created_on_text is null then 'missing_date'
            when listing_created_at is null then 'unparseable_date'
            when not apartments_control.is_in_calendar(cast(listing_created_at as date)) then 'date_out_of_range'
            when is_active is null then 'unparseable_boolean'
        end as broken_rule,
        case when title_text is not null and title is null then '; title=' || left(title_text, 64) else '' end
        || case when source_text is not null and source is null then '; source=' || left(source_text, 64) else '' end
        || case
            when last_modified_timestamp_text is not null and last_modified_at is null
                then '; last_modified_timestamp=' || left(last_modified_timestamp_text, 64)
            else ''
        end as unreadable
    from parsed
)

select
    cast(id as bigint) as id,
    title,
    source,
    cast(round(ruled.price, 2) as decimal(18, 2)) as price,
    currency,
    listing_created_at,
    is_active,
    last_modified_at,
    _removed_at as removed_at,
    cast(ruled.id as varchar(512)) as row_key,
    broken_rule,
    case
        when broken_rule = 'missing_key' then 'id='
        when broken_rule in ('missing_price', 'unparseable_number', 'negative_price') then 'price=' || coalesce(price_text, '')
        when broken_rule = 'unknown_currency' then 'currency=' || coalesce(currency_text, '')
        when broken_rule in ('missing_date', 'unparseable_date', 'date_out_of_range')
            then 'listing_created_on=' || coalesce(listing_created_on_text, '')
        when broken_rule = 'unparseable_boolean' then 'is_active=' || coalesce(is_active_text, '')
    end as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    id,
    title,
    source,
    price,
    currency,
    listing_created_at,
    is_active,
    last_modified_at,
    removed_at
from judged
where broken_rule is null
