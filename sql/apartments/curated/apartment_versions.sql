-- The history of price and activity of the listings: what held from when to when, by the versions that raw has kept.
--
-- grain:      one row per accepted listing and interval in which one version of it held; intervals of a listing never overlap
-- source:     apartments
-- input:      versions
-- key:        id
-- references: id -> apartments.id
-- reads:      versions, apartments_curated.apartments
-- writes:     apartments_curated.apartment_versions
-- parameters: none
-- rerun:      the same rows: a function of all raw versions of each key
-- storage:    distkey id: joined to bookings on it; sortkey id, valid_from: read in the order of a listing's history
--
-- Only listings that are accepted today have a history: one that is rejected or gone takes its bookings (orphans now) with it.
-- A version holds from its change (changed_at; where the source has none, when the pipeline first saw it), but never from before
-- its predecessor in run order; of versions from one moment the last counts. The first version holds from the listing's creation.
-- valid_to is the next version's valid_from, exclusive; NULL: it still holds.
-- A version that breaks a rule of apartments.sql, or the absence that a tombstone tells of, is a gap: no row covers it.
-- The rules stand here again, in the last WHERE; should the two files part, the check listings_have_current_version fails the run.

-- name: table
create table if not exists apartments_curated.apartment_versions (
    id bigint not null,
    valid_from timestamp not null,
    valid_to timestamp,
    price decimal(18, 2) not null,
    currency varchar(3) not null,
    is_active boolean not null
)
distkey (id)
sortkey (id, valid_from)

-- name: accepted
with texts as (
    select
        versions.id,
        versions._run_sequence as run_sequence,
        versions._operation as operation,
        -- A tombstone has no cursor of its own: the row is gone since the run that missed it.
        case
            when versions._operation = 'D' then versions._observed_at
            else coalesce(versions.changed_at, versions._observed_at)
        end as version_changed_at,
        apartments_control.clean_value(cast(versions.price as varchar(256))) as price_text,
        apartments_control.clean_value(cast(versions.currency as varchar(256))) as currency_text,
        apartments_control.clean_value(cast(versions.listing_created_on as varchar(256))) as listing_created_on_text,
        apartments_control.clean_value(cast(versions.is_active as varchar(256))) as is_active_text,
        apartments_control.clean_value(cast(versions.last_modified_timestamp as varchar(256))) as last_modified_timestamp_text
    from versions
    inner join apartments_curated.apartments on versions.id = apartments.id
),

parsed as (
    select
        texts.*,
        apartments_control.parse_number(price_text) as price,
        apartments_control.parse_currency(currency_text) as currency,
        apartments_control.parse_timestamp(listing_created_on_text) as listing_created_at,
        apartments_control.parse_boolean(is_active_text) as is_active,
        apartments_control.parse_timestamp(last_modified_timestamp_text) as last_modified_at
    from texts
),

started as (
    select
        parsed.*,
        max(version_changed_at) over (partition by id order by run_sequence rows between unbounded preceding and current row)
            as started_at,
        row_number() over (partition by id order by run_sequence) as version_number
    from parsed
),

dated as (
    select
        started.*,
        case
            when version_number = 1 and listing_created_at < started_at then listing_created_at
            else started_at
        end as valid_from,
        lead(started_at) over (partition by id order by run_sequence) as valid_to
    from started
)

select
    cast(id as bigint) as id,
    valid_from,
    valid_to,
    cast(price as decimal(18, 2)) as price,
    currency,
    is_active
from dated
where (valid_to is null or valid_from < valid_to)
    and operation = 'U'
    and price >= 0
    and currency is not null
    and apartments_control.is_in_calendar(cast(listing_created_at as date))
    and (last_modified_timestamp_text is null or last_modified_at is not null)
    and is_active is not null
