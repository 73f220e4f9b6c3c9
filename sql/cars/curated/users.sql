-- Who rents: the account, without the person.
--
-- grain:      one row per user who is in the source or was
-- source:     users
-- input:      newest
-- key:        user_id
-- references: none
-- removed:    kept
-- personal:   user_id
-- reads:      newest
-- writes:     cars_curated.users
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey user_id: metrics per user join on it; sortkey user_id: touched rows are replaced by it
--
-- The rules stand once, in `ruled` below, each under its words; the first one a row breaks is the one it is rejected for.
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
        _row_key as row_key,
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

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no user_id
            when user_id is null then 'missing_key: user_id='
            -- a user_id of more than 64 bytes, which would be cut
            when octet_length(user_id) > 64 then cars_control.tell_broken('key_too_long: user_id=', user_id)
        end as broken,
        cars_control.tell_unreadable('creation_date', case when created_on is null then creation_date_text end)
        || cars_control.tell_unreadable('is_active', case when is_active is null then is_active_text end) as unreadable
    from parsed
)

select
    user_id,
    cast(email_hash as varchar(64)) as email_hash,
    created_on,
    is_active,
    removed_at,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    cast(user_id as varchar(64)) as user_id,
    email_hash,
    created_on,
    is_active,
    removed_at
from judged
where broken_rule is null
