-- What each vehicle type did on each day: rentals that start, time that vehicles were out, and time that they were in the fleet.
--
-- grain:      one row per day of the dirty periods and vehicle type of which a rental starts, or takes some of the day, or a
--             vehicle is in the fleet
-- reads:      dirty_period, dirty_day, cars_curated.rental_transactions, cars_curated.vehicles, cars_curated.vehicle_versions,
--             cars_control.calendar, changed_rental_transactions, changed_vehicles, changed_vehicle_versions
-- parameters: as_of, first_day, last_day
--
-- rentals, revenue and the seconds (in all, least, most) are of the rentals that start on the day, each with all its time, exact
-- to the second. Revenue is in the reporting currency. The other seconds are of the day itself:
--   fleet_seconds     what the vehicles of the type spent in the active fleet, by vehicle_versions, rented or not, before as_of.
--                     Counted from the day of the first rental of all: before it there was no business. The same vehicle counts
--                     from when it came to when it left, so none that comes or goes later changes a day that is past.
--   assumed_seconds   those of them that nobody saw (vehicle_versions.is_assumed)
--   rented_seconds    those of them in which the vehicle was out, by the clock: overlapping rentals of one vehicle count once
--   occupied_seconds  all seconds of the day in which a vehicle was out, also of one that was not in the active fleet, and after
--                     as_of
-- Seconds add up over days and types.
--
-- A vehicle has the type of today, a removed one its last. Under `unknown` stand vehicles whose type the source does not say, and
-- those that are set aside, so that what their rentals bring stays in the figures.

-- name: dirty_days_from_rental_transactions
with changed_span as (
    select distinct
        rental_date as first_day,
        cast(ended_at as date) as last_day
    from changed_rental_transactions
),

-- The fleet's hours count from the first rental on: where that may have moved, so do all days after it.
business as (
    select min(rental_date) as first_day
    from cars_curated.rental_transactions
),

beginning as (
    select min(changed_span.first_day) as first_day
    from changed_span
    cross join business
    where changed_span.first_day <= coalesce(business.first_day, changed_span.first_day)
)

select first_day, last_day
from changed_span
union distinct
select first_day, cast(:as_of as date) as last_day
from beginning

-- name: dirty_days_from_vehicles
-- Only the type counts here. Another one moves the vehicle's rentals, and its time in the fleet.
with retyped as (
    select distinct vehicle_id
    from (
        select vehicle_id
        from changed_vehicles
        group by vehicle_id, vehicle_type
        having count(*) = 1
    ) as changed_type
)

select
    rental_transactions.rental_date as first_day,
    cast(rental_transactions.ended_at as date) as last_day
from retyped
inner join cars_curated.rental_transactions on retyped.vehicle_id = rental_transactions.vehicle_id
union distinct
select
    cast(vehicle_versions.valid_from as date) as first_day,
    coalesce(cast(vehicle_versions.valid_to as date), cast(:as_of as date)) as last_day
from retyped
inner join cars_curated.vehicle_versions on retyped.vehicle_id = vehicle_versions.vehicle_id
where vehicle_versions.is_active

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
with business as (
    select
        min(rental_date) as first_day,
        max(cast(ended_at as date)) as last_day
    from cars_curated.rental_transactions
),

-- From the first to the last dirty day, as far as there was any business, or a fleet.
horizon as (
    select
        cast(greatest(min(dirty_period.period_start), min(business.first_day)) as timestamp) as horizon_start,
        cast(
            least(max(dirty_period.period_end), greatest(max(business.last_day) + 1, cast(:as_of as date))) as timestamp
        ) as horizon_end,
        -- Of the fleet's time only what is over counts.
        cast(least(max(dirty_period.period_end), cast(:as_of as date)) as timestamp) as elapsed_end
    from dirty_period
    cross join business
),

started as (
    select
        dirty_day.calendar_date,
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        count(*) as rentals,
        sum(rental_transactions.total_amount) as revenue,
        sum(rental_transactions.rental_seconds) as rental_seconds,
        min(rental_transactions.rental_seconds) as min_seconds,
        max(rental_transactions.rental_seconds) as max_seconds
    from dirty_day
    inner join cars_curated.rental_transactions on dirty_day.calendar_date = rental_transactions.rental_date
    left join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
    where rental_transactions.rental_date between cast(:first_day as date) and cast(:last_day as date)
    group by dirty_day.calendar_date, coalesce(vehicles.vehicle_type, 'unknown')
),

-- The rentals that take some of the time between the first and the last dirty day, cut to it.
taken as (
    select
        rental_transactions.vehicle_id,
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        greatest(rental_transactions.started_at, horizon.horizon_start) as taken_from,
        least(rental_transactions.ended_at, horizon.horizon_end) as taken_to
    from horizon
    inner join cars_curated.rental_transactions
        on rental_transactions.started_at < horizon.horizon_end
        and rental_transactions.ended_at > horizon.horizon_start
    left join cars_curated.vehicles on rental_transactions.vehicle_id = vehicles.vehicle_id
    where rental_transactions.started_at < rental_transactions.ended_at
        and rental_transactions.ended_at >= cast(:first_day as date)
        and rental_transactions.rental_date <= cast(:last_day as date)
),

-- In order of their beginning, each rental of a vehicle brings only the time after the latest end before it: none comes twice.
ordered as (
    select
        vehicle_id,
        vehicle_type,
        taken_from,
        taken_to,
        max(taken_to) over (
            partition by vehicle_id
            order by taken_from, taken_to
            rows between unbounded preceding and 1 preceding
        ) as counted_to
    from taken
),

occupied as (
    select
        vehicle_id,
        vehicle_type,
        greatest(taken_from, coalesce(counted_to, taken_from)) as occupied_from,
        taken_to as occupied_to
    from ordered
    where taken_to > coalesce(counted_to, taken_from)
),

-- The vehicles' time in the fleet, cut to the same days and to what is over.
fleet as (
    select
        vehicle_versions.vehicle_id,
        vehicle_versions.is_assumed,
        coalesce(vehicles.vehicle_type, 'unknown') as vehicle_type,
        greatest(vehicle_versions.valid_from, horizon.horizon_start) as fleet_from,
        least(vehicle_versions.valid_to, horizon.elapsed_end) as fleet_to
    from horizon
    inner join cars_curated.vehicle_versions
        on vehicle_versions.valid_from < horizon.elapsed_end
        and coalesce(vehicle_versions.valid_to, horizon.elapsed_end) > horizon.horizon_start
    left join cars_curated.vehicles on vehicle_versions.vehicle_id = vehicles.vehicle_id
    where vehicle_versions.is_active
        and horizon.horizon_start < horizon.elapsed_end
),

-- Pieces of time that are to be summed up by day, for each of the four measures.
piece as (
    select cast('occupied' as varchar(8)) as measure, vehicle_type, occupied_from as piece_from, occupied_to as piece_to
    from occupied
    union all
    select
        cast('rented' as varchar(8)) as measure,
        fleet.vehicle_type,
        greatest(occupied.occupied_from, fleet.fleet_from) as piece_from,
        least(occupied.occupied_to, fleet.fleet_to) as piece_to
    from occupied
    inner join fleet
        on occupied.vehicle_id = fleet.vehicle_id
        and occupied.occupied_from < fleet.fleet_to
        and occupied.occupied_to > fleet.fleet_from
    union all
    select cast('fleet' as varchar(8)) as measure, vehicle_type, fleet_from as piece_from, fleet_to as piece_to
    from fleet
    union all
    select cast('assumed' as varchar(8)) as measure, vehicle_type, fleet_from as piece_from, fleet_to as piece_to
    from fleet
    where is_assumed
),

-- Days are summed up, not listed. A piece adds its seconds to the day it begins on, and itself to those that are open from
-- midnight on. Where it ends, it takes itself away again and adds its seconds since midnight.
turn as (
    select
        measure,
        vehicle_type,
        cast(piece_from as date) as turn_day,
        cast(0 as bigint) as pieces_open,
        datediff(second, piece_from, least(piece_to, cast(cast(piece_from as date) + 1 as timestamp))) as part_seconds
    from piece
    union all
    select
        measure,
        vehicle_type,
        cast(piece_from as date) + 1 as turn_day,
        cast(1 as bigint) as pieces_open,
        cast(0 as bigint) as part_seconds
    from piece
    where cast(piece_to as date) > cast(piece_from as date)
    union all
    select
        measure,
        vehicle_type,
        cast(piece_to as date) as turn_day,
        cast(-1 as bigint) as pieces_open,
        datediff(second, cast(cast(piece_to as date) as timestamp), piece_to) as part_seconds
    from piece
    where cast(piece_to as date) > cast(piece_from as date)
),

turn_day as (
    select
        measure,
        vehicle_type,
        turn_day as day_of_turns,
        sum(pieces_open) as pieces_open,
        sum(part_seconds) as part_seconds
    from turn
    group by measure, vehicle_type, turn_day
),

measured as (
    select distinct
        measure,
        vehicle_type
    from turn_day
),

measured_day as (
    select
        calendar.calendar_date,
        measured.measure,
        measured.vehicle_type,
        coalesce(turn_day.part_seconds, 0)
        + 86400 * sum(coalesce(turn_day.pieces_open, 0)) over (
            partition by measured.measure, measured.vehicle_type
            order by calendar.calendar_date
            rows between unbounded preceding and current row
        ) as seconds
    from cars_control.calendar
    inner join horizon
        on calendar.calendar_date >= cast(horizon.horizon_start as date)
        and calendar.calendar_date < cast(horizon.horizon_end as date)
    cross join measured
    left join turn_day
        on calendar.calendar_date = turn_day.day_of_turns
        and measured.measure = turn_day.measure
        and measured.vehicle_type = turn_day.vehicle_type
),

used_day as (
    select
        measured_day.calendar_date,
        measured_day.vehicle_type,
        sum(case when measured_day.measure = 'occupied' then measured_day.seconds else 0 end) as occupied_seconds,
        sum(case when measured_day.measure = 'rented' then measured_day.seconds else 0 end) as rented_seconds,
        sum(case when measured_day.measure = 'fleet' then measured_day.seconds else 0 end) as fleet_seconds,
        sum(case when measured_day.measure = 'assumed' then measured_day.seconds else 0 end) as assumed_seconds
    from measured_day
    -- Before the first rental of all, no day has anything but an idle fleet.
    inner join business on measured_day.calendar_date >= business.first_day
    group by measured_day.calendar_date, measured_day.vehicle_type
),

active_day as (
    select calendar_date, vehicle_type
    from used_day
    where occupied_seconds > 0
        or fleet_seconds > 0
    union distinct
    select calendar_date, vehicle_type
    from started
)

select
    dirty_day.period_start,
    dirty_day.calendar_date,
    active_day.vehicle_type,
    coalesce(started.rentals, 0) as rentals,
    cast(coalesce(started.revenue, 0) as decimal(38, 2)) as revenue,
    coalesce(started.rental_seconds, 0) as rental_seconds,
    started.min_seconds,
    started.max_seconds,
    coalesce(used_day.occupied_seconds, 0) as occupied_seconds,
    coalesce(used_day.rented_seconds, 0) as rented_seconds,
    coalesce(used_day.fleet_seconds, 0) as fleet_seconds,
    coalesce(used_day.assumed_seconds, 0) as assumed_seconds
from dirty_day
inner join active_day on dirty_day.calendar_date = active_day.calendar_date
left join used_day
    on active_day.calendar_date = used_day.calendar_date
    and active_day.vehicle_type = used_day.vehicle_type
left join started
    on active_day.calendar_date = started.calendar_date
    and active_day.vehicle_type = started.vehicle_type
