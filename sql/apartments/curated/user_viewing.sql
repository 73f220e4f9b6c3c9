-- Who looked at which listing: the application's events, typed. There is no key; equal rows are separate events.
--
-- grain:      one row per event
-- source:     user_viewing
-- input:      newest
-- key:        event_day
-- references: apartment_id -> apartments.id
-- days:       viewed_at
-- personal:   user_id
-- reads:      newest, known_apartments
-- writes:     apartments_curated.user_viewing
-- parameters: none
-- rerun:      the same rows: a function of raw's rows of each touched day and of the listings that raw has ever had
-- storage:    distkey apartment_id: joined to listings on it; sortkey event_day: whole days are replaced
-- lake:       by month of event_day
--
-- event_day is the day by which the source is read (recorded_at's); viewed_at is when it happened, which can be days earlier.
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
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
        newest._row_key as row_key,
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
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no user_id
            when user_id is null then 'missing_user: user_id='
            -- a user_id of more than 128 bytes
            when octet_length(user_id) > 128 then apartments_control.tell_broken('unreadable_user: user_id=', user_id)
            -- no viewed_at
            when viewed_at_text is null then 'missing_date: viewed_at='
            -- a viewed_at that is no date
            when viewed_at is null then apartments_control.tell_broken('unparseable_date: viewed_at=', viewed_at_text)
            -- a viewed_at outside the calendar
            when not apartments_control.is_in_calendar(cast(viewed_at as date))
                then apartments_control.tell_broken('date_out_of_range: viewed_at=', viewed_at_text)
            -- the source never had a listing with this apartment_id
            when known_listing_id is null
                then apartments_control.tell_broken('orphan_reference: apartment_id=', cast(apartment_id as varchar(64)))
        end as broken,
        apartments_control.tell_unreadable('is_wishlisted', case when is_wishlisted is null then is_wishlisted_text end)
        || apartments_control.tell_unreadable(
            'call_to_action', case when call_to_action is null then call_to_action_text end
        ) as unreadable
    from parsed
)

select
    event_day,
    user_id,
    apartment_id,
    viewed_at,
    is_wishlisted,
    call_to_action,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    event_day,
    user_id,
    cast(apartment_id as bigint) as apartment_id,
    viewed_at,
    is_wishlisted,
    call_to_action
from judged
where broken_rule is null
