-- The history of price and activity of the listings: what held from when to when, by the versions that raw has kept.
--
-- grain:      one row per listing and interval in which one version of it held; intervals of a listing never overlap
-- source:     apartments
-- input:      versions
-- key:        id
-- references: none
-- unique_key: id, valid_from
-- holds:      price >= 0; valid_to > valid_from
-- reads:      versions
-- writes:     apartments_curated.apartment_versions
-- parameters: none
-- rerun:      the same rows: a function of all raw versions of each key
-- storage:    distkey id: joined to bookings on it; sortkey id, valid_from: read in the order of a listing's history
--
-- Every listing that raw ever had has its history, whatever became of it: one that was removed, or is set aside today, keeps its
-- past.
-- A version holds from its change (changed_at; where that is missing, or from before the row was last seen otherwise, when the
-- pipeline first saw it), but never from before its predecessor in run order; of versions from one moment the last counts.
-- valid_to is the next version's valid_from, exclusive; NULL: it still holds.
-- The first version is taken to hold since the listing's creation. What lies before its change is an interval of its own, which
-- is_assumed marks: nobody has seen it, and metrics count beside their figures how much of them rests on it.
-- A version without a price, a currency, a day of creation or an activity that can be read is a gap: no row covers it; and so is
-- the absence that a tombstone tells of. The check listings_have_current_version holds this against the rules of apartments.sql.

-- name: table
create table if not exists apartments_curated.apartment_versions (
    id bigint not null,
    valid_from timestamp not null,
    valid_to timestamp,
    price decimal(18, 2) not null,
    currency varchar(3) not null,
    is_active boolean not null,
    is_assumed boolean not null
)
distkey (id)
sortkey (id, valid_from)

-- name: accepted
with parsed as (
    select
        id,
        _run_sequence as run_sequence,
        _operation as operation,
        _changed_at as version_changed_at,
        apartments_control.parse_number(apartments_control.clean_value(cast(price as varchar(256)))) as price,
        apartments_control.parse_currency(apartments_control.clean_value(cast(currency as varchar(256)))) as currency,
        apartments_control.parse_timestamp(
            apartments_control.clean_value(cast(listing_created_on as varchar(256)))
        ) as listing_created_at,
        apartments_control.parse_boolean(apartments_control.clean_value(cast(is_active as varchar(256)))) as is_active
    from versions
),

started as (
    select
        parsed.*,
        max(version_changed_at) over (partition by id order by run_sequence rows between unbounded preceding and current row)
            as started_at,
        row_number() over (partition by id order by run_sequence) as version_number
    from parsed
),

usable as (
    select
        started.*,
        lead(started_at) over (partition by id order by run_sequence) as ended_at,
        operation = 'U'
        and price >= 0
        and currency is not null
        and apartments_control.is_in_calendar(cast(listing_created_at as date))
        and is_active is not null as is_usable
    from started
),

dated as (
    select
        id,
        started_at as valid_from,
        ended_at as valid_to,
        price,
        currency,
        is_active,
        false as is_assumed
    from usable
    where is_usable
        and (ended_at is null or started_at < ended_at)
    union all
    select
        id,
        listing_created_at as valid_from,
        started_at as valid_to,
        price,
        currency,
        is_active,
        true as is_assumed
    from usable
    where is_usable
        and version_number = 1
        and listing_created_at < started_at
)

select
    id,
    valid_from,
    valid_to,
    cast(round(dated.price, 2) as decimal(18, 2)) as price,
    currency,
    is_active,
    is_assumed
from dated
