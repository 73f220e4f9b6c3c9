-- Who rents: the account, without the person.
--
-- grain:      one row per user
-- source:     users
-- input:      newest
-- key:        user_id
-- references: none
-- reads:      newest
-- writes:     cars_curated.users
-- parameters: none
-- rerun:      the same rows: a function of the newest raw version of each key
-- storage:    distkey user_id: metrics per user join on it; sortkey user_id: touched rows are replaced by it
--
-- Rules, in this order; the first one a row breaks is the one it is rejected for. broken_value is `column=value as it came`.
--   missing_key           no user_id
--   missing_date          no creation_date
--   unparseable_date      a creation_date that is no date
--   unparseable_boolean   an is_active that is neither yes nor no, or none
-- email_hash is what the extraction made of the address with a secret key (sql/cars/source.yaml); the address itself never leaves
-- the source, nor do names, telephone numbers and driving licences. A creation_date may be any date: it bounds nothing.

-- name: table
create table if not exists cars_curated.users (
    user_id varchar(64) not null,
    email_hash varchar(64),
    created_on date not null,
    is_active boolean not null
)
distkey (user_id)
sortkey (user_id)

-- name: judged
with texts as (
    select
        user_id,
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
        case
            when user_id is null then 'missing_key'
            when creation_date_text is null then 'missing_date'
            when created_on is null then 'unparseable_date'
            when is_active is null then 'unparseable_boolean'
        end as broken_rule
    from parsed
)

select
    cast(user_id as varchar(64)) as user_id,
    cast(email_hash as varchar(64)) as email_hash,
    created_on,
    is_active,
    cast(ruled.user_id as varchar(512)) as row_key,
    broken_rule,
    case broken_rule
        when 'missing_key' then 'user_id='
        when 'missing_date' then 'creation_date='
        when 'unparseable_date' then 'creation_date=' || creation_date_text
        when 'unparseable_boolean' then 'is_active=' || coalesce(is_active_text, '')
    end as broken_value,
    cast(null as varchar(1024)) as unreadable_value
from ruled

-- name: accepted
select
    user_id,
    email_hash,
    created_on,
    is_active
from judged
where broken_rule is null
