-- The listings, as they are now or as they last were: cleaned, typed, times in UTC.
--
-- grain:      one row per listing, those that the source removed included
-- source:     apartments
-- input:      newest
-- key:        id
-- references: none
-- removed:    kept
-- holds:      price >= 0
-- days:       listing_created_at
-- reads:      newest
-- writes:     apartments_curated.apartments
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey id: versions, attributes, bookings and viewings join on it; sortkey id: touched rows are replaced by it
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
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
        _row_key as row_key,
        _removed_at,
        apartments_control.clean_text(cast(title as varchar(65535))) as title_text,
        apartments_control.clean_text(cast(source as varchar(65535))) as source_text,
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
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no id
            when id is null then 'missing_key: id='
            -- no price
            when price_text is null then 'missing_price: price='
            -- a price that is no number of at most ten digits before the point
            when price is null then apartments_control.tell_broken('unparseable_number: price=', price_text)
            -- a price below zero (zero is a price)
            when price < 0 then apartments_control.tell_broken('negative_price: price=', price_text)
            -- a currency that is not three letters, or none
            when currency is null then apartments_control.tell_broken('unknown_currency: currency=', currency_text)
            -- no listing_created_on
            when listing_created_on_text is null then 'missing_date: listing_created_on='
            -- a listing_created_on that is no date
            when listing_created_at is null
                then apartments_control.tell_broken('unparseable_date: listing_created_on=', listing_created_on_text)
            -- a listing_created_on outside the calendar
            when not apartments_control.is_in_calendar(cast(listing_created_at as date))
                then apartments_control.tell_broken('date_out_of_range: listing_created_on=', listing_created_on_text)
            -- an is_active that is neither yes nor no
            when is_active is null then apartments_control.tell_broken('unparseable_boolean: is_active=', is_active_text)
        end as broken,
        apartments_control.tell_unreadable('title', case when title is null then title_text end)
        || apartments_control.tell_unreadable('source', case when source is null then source_text end)
        || apartments_control.tell_unreadable(
            'last_modified_timestamp', case when last_modified_at is null then last_modified_timestamp_text end
        ) as unreadable
    from parsed
)

select
    id,
    title,
    source,
    cast(round(ruled.price, 2) as decimal(18, 2)) as price,
    currency,
    listing_created_at,
    is_active,
    last_modified_at,
    _removed_at as removed_at,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    cast(id as bigint) as id,
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
