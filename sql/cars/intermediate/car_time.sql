-- The time of each car: out, standing where it was left, in the fleet; as pieces from when to when.
--
-- grain:      one row per measure, vehicle and piece of time; pieces of one measure and vehicle never overlap
-- reads:      dirty_period, cars_curated.rental_transactions, cars_curated.vehicle_versions, changed_rental_transactions,
--             changed_vehicle_versions
-- parameters: as_of, first_day, last_day
--
-- Pieces are cut to the time between the first and the last dirty period; ends are exclusive. The measures:
--   out       a car is out, by the clock: of overlapping rentals the time of the later one counts only behind the earlier's end.
--             location_id is where it was picked up. Also of a car that is not in the active fleet, and after as_of
--   fleet     it is in the active fleet, by vehicle_versions, before as_of; without a location
--   assumed   those of them that nobody saw (vehicle_versions.is_assumed)
--   rented    it is out, and in the fleet
--   standing  it is in the fleet, and stands since its last dropoff, at that location; for 30 days at most: of a car that nobody
--             took for longer nobody knows whether it could be had there. A metric that reads these has a lookback of 31 days
-- A rental that ends as it starts takes no time and moves no car.

-- name: dirty_days_from_rental_transactions
select distinct
    rental_date as first_day,
    cast(ended_at as date) as last_day
from changed_rental_transactions

-- name: dirty_days_from_vehicle_versions
with image as (
    select
        vehicle_id,
        is_assumed,
        valid_from,
        coalesce(valid_to, cast(cast(:as_of as date) as timestamp)) as ends_at
    from changed_vehicle_versions
    where is_active
),

changed_interval as (
    -- Two images of one version that differ only in where it ends change the time between the two ends, not that before.
    select
        cast(case when count(*) = 1 then min(valid_from) else min(ends_at) end as date) as first_day,
        cast(max(ends_at) as date) as last_day
    from image
    group by vehicle_id, is_assumed, valid_from
)

-- Few different ones remain, however many vehicles changed.
select distinct
    first_day,
    last_day
from changed_interval

-- name: rows
with horizon as (
    select
        cast(min(period_start) as timestamp) as horizon_start,
        cast(max(period_end) as timestamp) as horizon_end,
        -- Of the fleet's time only what is over counts.
        cast(least(max(period_end), cast(:as_of as date)) as timestamp) as elapsed_end
    from dirty_period
),

-- In order of their beginning, each rental of a vehicle brings only the time after the latest end before it: none comes twice.
ordered as (
    select
        vehicle_id,
        pickup_location_id,
        dropoff_location_id,
        started_at,
        ended_at,
        max(ended_at) over (
            partition by vehicle_id
            order by started_at, ended_at, rental_id
            rows between unbounded preceding and 1 preceding
        ) as counted_to
    from cars_curated.rental_transactions
    where started_at < ended_at
        and ended_at >= cast(:first_day as date)
        and rental_date <= cast(:last_day as date)
),

occupied as (
    select
        vehicle_id,
        pickup_location_id,
        dropoff_location_id,
        greatest(started_at, coalesce(counted_to, started_at)) as out_from,
        ended_at as out_to
    from ordered
    where ended_at > coalesce(counted_to, started_at)
),

-- Until when a car stands where such a piece ends: the next one takes it.
followed as (
    select
        occupied.*,
        least(
            lead(out_from) over (partition by vehicle_id order by out_from),
            cast(dateadd(day, 30, out_to) as timestamp)
        ) as standing_to
    from occupied
),

fleet as (
    select
        vehicle_versions.vehicle_id,
        vehicle_versions.is_assumed,
        greatest(vehicle_versions.valid_from, horizon.horizon_start) as fleet_from,
        least(vehicle_versions.valid_to, horizon.elapsed_end) as fleet_to
    from horizon
    inner join cars_curated.vehicle_versions
        on vehicle_versions.valid_from < horizon.elapsed_end
        and coalesce(vehicle_versions.valid_to, horizon.elapsed_end) > horizon.horizon_start
    where vehicle_versions.is_active
        and horizon.horizon_start < horizon.elapsed_end
)

select
    cast('out' as varchar(8)) as measure,
    occupied.vehicle_id,
    occupied.pickup_location_id as location_id,
    greatest(occupied.out_from, horizon.horizon_start) as piece_from,
    least(occupied.out_to, horizon.horizon_end) as piece_to
from occupied
inner join horizon
    on occupied.out_from < horizon.horizon_end
    and occupied.out_to > horizon.horizon_start
union all
select
    cast('rented' as varchar(8)) as measure,
    occupied.vehicle_id,
    occupied.pickup_location_id as location_id,
    greatest(occupied.out_from, fleet.fleet_from) as piece_from,
    least(occupied.out_to, fleet.fleet_to) as piece_to
from occupied
inner join fleet
    on occupied.vehicle_id = fleet.vehicle_id
    and occupied.out_from < fleet.fleet_to
    and occupied.out_to > fleet.fleet_from
union all
select
    cast('standing' as varchar(8)) as measure,
    followed.vehicle_id,
    followed.dropoff_location_id as location_id,
    greatest(followed.out_to, fleet.fleet_from) as piece_from,
    least(followed.standing_to, fleet.fleet_to) as piece_to
from followed
inner join fleet
    on followed.vehicle_id = fleet.vehicle_id
    and followed.out_to < fleet.fleet_to
    and followed.standing_to > fleet.fleet_from
where followed.out_to < followed.standing_to
union all
select
    cast('fleet' as varchar(8)) as measure,
    vehicle_id,
    cast(null as bigint) as location_id,
    fleet_from as piece_from,
    fleet_to as piece_to
from fleet
union all
select
    cast('assumed' as varchar(8)) as measure,
    vehicle_id,
    cast(null as bigint) as location_id,
    fleet_from as piece_from,
    fleet_to as piece_to
from fleet
where is_assumed
