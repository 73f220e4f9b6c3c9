-- The history of the fleet: from when to when each vehicle was there and active, by the versions that raw has kept.
--
-- grain:      one row per vehicle and interval in which it was there, and active or not; intervals of a vehicle never overlap
-- source:     vehicles
-- input:      versions
-- key:        vehicle_id
-- references: none
-- unique_key: vehicle_id, valid_from
-- holds:      valid_to > valid_from
-- reads:      versions, cars_control.layer_position
-- writes:     cars_curated.vehicle_versions
-- parameters: none
-- rerun:      the same rows: a function of all raw versions of each key, and of the run that loaded the table first
-- storage:    distkey vehicle_id: joined to vehicles and rentals on it; sortkey vehicle_id, valid_from: read in a vehicle's order
--
-- A version holds from its change (changed_at; where that is missing, or from before the vehicle was last seen otherwise, when the
-- pipeline first saw it), but never from before its predecessor in run order; of versions from one moment the last counts. Times are to the second. valid_to is the next row's
-- valid_from, exclusive; NULL: it still holds. Versions that differ in other columns only are one row. Where a tombstone stands
-- there is a gap, so a vehicle that was sold is in the fleet until its absence was seen. One that is not said to be inactive is
-- active.
--
-- is_assumed marks what nobody saw. Vehicles of the table's first load were there before: each is assumed to have been as its
-- first version has it since it was certified, or, where that is not known, since the calendar begins. A vehicle that came later
-- was seen to be absent before, and its history begins with its first version.
--
-- A vehicle's type has no history: it is what the car is, so another type is a correction, and stands in vehicles.sql alone.

-- name: table
create table if not exists cars_curated.vehicle_versions (
    vehicle_id varchar(64) not null,
    valid_from timestamp not null,
    valid_to timestamp,
    is_active boolean not null,
    is_assumed boolean not null
)
distkey (vehicle_id)
sortkey (vehicle_id, valid_from)

-- name: accepted
with texts as (
    select
        versions.vehicle_id,
        versions._run_sequence as run_sequence,
        versions._operation as operation,
        date_trunc('second', versions._changed_at) as version_changed_at,
        cars_control.clean_value(cast(versions.active as varchar(256))) as active_text,
        cars_control.clean_value(cast(versions.certification_date as varchar(256))) as certification_date_text
    from versions
    where octet_length(versions.vehicle_id) <= 64
),

parsed as (
    select
        texts.*,
        cars_control.parse_boolean(active_text) as is_active,
        cars_control.parse_date(certification_date_text) as certified_on
    from texts
),

started as (
    select
        vehicle_id,
        run_sequence,
        certified_on,
        case when operation = 'D' then 'gone' when not is_active then 'inactive' else 'active' end as state,
        max(version_changed_at) over (
            partition by vehicle_id order by run_sequence rows between unbounded preceding and current row
        ) as valid_from
    from parsed
),

compared as (
    select
        started.*,
        lag(state) over (partition by vehicle_id order by run_sequence) as state_before
    from started
),

dated as (
    select
        compared.*,
        lead(valid_from) over (partition by vehicle_id order by run_sequence) as valid_to
    from compared
    where state_before is null
        or state <> state_before
),

first_load as (
    -- A stack from before this was noted (0) loaded its tables in its first run.
    select greatest(coalesce(max(first_run_sequence), 0), 1) as run_sequence
    from cars_control.layer_position
    where layer = 'raw'
        and name = 'vehicles'
),

assumed as (
    select
        dated.vehicle_id,
        dated.state,
        coalesce(
            case when cars_control.is_in_calendar(dated.certified_on) then cast(dated.certified_on as timestamp) end,
            cast('2000-01-01' as timestamp)
        ) as valid_from,
        dated.valid_from as valid_to
    from dated
    inner join first_load on dated.run_sequence <= first_load.run_sequence
    where dated.state_before is null
        and dated.state <> 'gone'
)

select
    cast(vehicle_id as varchar(64)) as vehicle_id,
    valid_from,
    valid_to,
    state = 'active' as is_active,
    false as is_assumed
from dated
where state <> 'gone'
    and (valid_to is null or valid_from < valid_to)
union all
select
    cast(vehicle_id as varchar(64)) as vehicle_id,
    valid_from,
    valid_to,
    state = 'active' as is_active,
    true as is_assumed
from assumed
where valid_from < valid_to
