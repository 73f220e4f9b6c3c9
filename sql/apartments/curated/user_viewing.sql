-- Who looked at which listing: the application's events, typed. There is no key; equal rows are separate events.
--
-- grain:      one row per event
-- source:     user_viewing
-- input:      newest
-- key:        event_day
-- references: apartment_id -> apartments.id
-- reads:      newest, known_apartments
-- writes:     apartments_curated.user_viewing
-- parameters: none
-- rerun:      the same rows: a function of raw's rows of each touched day and of the listings that raw has ever had
-- storage:    distkey apartment_id: joined to listings on it; sortkey event_day: whole days are replaced
-- lake:       by year of event_day
--
-- event_day is the day by which the source is read (recorded_at's); viewed_at is when it happened, which can be days earlier.
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_user          no user_id
--   unreadable_user       a user_id of more than 128 bytes
--   missing_date          no viewed_at
--   unparseable_date      a viewed_at that is no date
--   date_out_of_range     a viewed_at outside the calendar
--   orphan_reference      the source never had a listing with this apartment_id
-- These columns say who looked at what, and when. is_wishlisted and call_to_action only inform: one that is there and cannot be
-- read (neither yes nor no; more than 128 bytes) is NULL, is named in unreadable_value, and rejects nothing.
-- call_to_action is written in lower snake case (Contact Agent and contact_agent are one); it may be absent.

-- name: table
create table if not exists apartments_curated.user_viewing (
    event_day date not null,
    user_id varchar(128) not null,
    apartment_id bigint not null,
    viewed_at timestamp not null,
    is_wishlisted boolean,
    call_to_action varchar(128)
)
distkey (apartment_id)
sortkey (event_day)

-- name: judged
with texts as (
    select
        newest._event_day as event_day,
        cast(newest._row_hash as varchar(20)) || '-' || cast(newest._row_ordinal as varchar(64)) as row_key,
        newest.apartment_id,
        known_apartments.id as known_listing_id,
        apartments_control.clean_value(cast(newest.user_id as varchar(256))) as user_id,
        apartments_control.clean_value(cast(newest.viewed_at as varchar(256))) as viewed_at_text,
        apartments_control.clean_value(cast(newest.is_wishlisted as varchar(256))) as is_wishlisted_text,
        apartments_control.clean_value(cast(newest.call_to_action as varchar(256))) as call_to_action_text
    from newest
    left join known_apartments on newest.apartment_id = known_apartments.id
),

parsed as (
    select
        texts.*,
        apartments_control.parse_timestamp(viewed_at_text) as viewed_at,
        apartments_control.parse_boolean(is_wishlisted_text) as is_wishlisted,
        case
            when octet_length(call_to_action_text) <= 128
                then replace(replace(lower(call_to_action_text), ' ', '_'), '-', '_')
        end as call_to_action
    from texts
),

ruled as (
    select
        parsed.*,
        case
            when user_id is null then 'missing_user'
            when octet_length(user_id) > 128 then 'unreadable_user'
            when viewed_at_text is null then 'missing_date'
            when viewed_at is null then 'unparseable_date'
            when not apartments_control.is_in_calendar(cast(viewed_at as date)) then 'date_out_of_range'
            when known_listing_id is null then 'orphan_reference'
        end as broken_rule,
        case
            when is_wishlisted_text is not null and is_wishlisted is null then '; is_wishlisted=' || left(is_wishlisted_text, 64)
            else ''
        end
        || case
            when call_to_action_text is not null and call_to_action is null
                then '; call_to_action=' || left(call_to_action_text, 64)
            else ''
        end as unreadable
    from parsed
)

select
    event_day,
    user_id,
    cast(apartment_id as bigint) as apartment_id,
    viewed_at,
    is_wishlisted,
    call_to_action,
    cast(row_key as varchar(512)) as row_key,
    broken_rule,
    case
        when broken_rule = 'missing_user' then 'user_id='
        when broken_rule = 'unreadable_user' then 'user_id=' || left(ruled.user_id, 64)
        when broken_rule in ('missing_date', 'unparseable_date', 'date_out_of_range')
            then 'viewed_at=' || coalesce(viewed_at_text, '')
        when broken_rule = 'orphan_reference' then 'apartment_id=' || coalesce(cast(ruled.apartment_id as varchar(64)), '')
    end as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    event_day,
    user_id,
    apartment_id,
    viewed_at,
    is_wishlisted,
    call_to_action
from judged
where broken_rule is null
