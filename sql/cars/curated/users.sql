-- Who rents: the account, without the person.
--
-- grain:      one row per user who is in the source or was
-- source:     users
-- input:      newest
-- key:        user_id
-- references: none
-- removed:    kept
-- reads:      newest
-- writes:     cars_curated.users
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey user_id: metrics per user join on it; sortkey user_id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key           no user_id
--   key_too_long          a user_id of more than 64 bytes, which would be cut
-- Everything else only informs, and may be absent: what a user spends depends on none of it. A creation_date that is no date and
-- an is_active that is neither yes nor no are NULL here and stand in unreadable_values. A creation_date may be any date: it
-- bounds nothing. A user whom the source deleted keeps the last values, with removed_at, when that was seen: what they spent
-- stays in all figures. email_hash is what the extraction made of the address with a secret key (sql/cars/source.yaml); the
-- address itself never leaves the source, nor do names, telephone numbers and driving licences.

-- name: table
create table if not exists cars_curated.users (
    user_id varchar(64) not null,
    email_hash varchar(64),
    created_on date,
    is_active boolean,
    removed_at timestamp
)
distkey (user_id)
sortkey (user_id)

-- name: judged
with texts as (
    select
        user_id,
        _removed_at as removed_at,
        email as email_hash,
        cars_control.clean_value(cast(creation_date as varchar(256))) as creation_date_text,
        cars_control.clean_value(cast(is_active as varchar(256))) as is_active_text
    from newest
),

parsed as (
    select
        texts.*,
        cars_control.parse_date(creation_date_text) as created_on,
        cars_control.parse_boolean(is_active_text) as is_active
    from texts
),

complained as (
    select
        parsed.*,
        case
            when creation_date_text is not null and created_on is null then '; creation_date=' || left(creation_date_text, 50)
        end as bad_creation_date,
        case when is_active_text is not null and is_active is null then '; is_active=' || left(is_active_text, 50) end
            as bad_is_active
    from parsed
),

ruled as (
    select
        complained.*,
        case
            when user_id is null then 'missing_key'
            when octet_length(user_id) > 64 then 'key_too_long'
        end as broken_rule
    from complained
)

select
    cast(user_id as varchar(64)) as user_id,
    cast(email_hash as varchar(64)) as email_hash,
    created_on,
    is_active,
    removed_at,
    cast(ruled.user_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'user_id='
        when 'key_too_long' then 'user_id=' || left(ruled.user_id, 50)
    end as broken_value,
    cast(
        nullif(substring(coalesce(bad_creation_date, '') || coalesce(bad_is_active, ''), 3), '') as varchar(1024)
    ) as unreadable_value
from ruled

-- name: accepted
select
    user_id,
    email_hash,
    created_on,
    is_active,
    removed_at
from judged
where broken_rule is null
