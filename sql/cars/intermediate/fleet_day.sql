-- What the cars of each type, brand and model year did on each day: rentals that start, the day's share of rentals' money, time
-- that cars were out, and time that they were in the fleet.
--
-- grain:      one row per day of the dirty periods, vehicle type, brand and model year of which a rental starts, or takes some of
--             the day, or a vehicle is in the fleet
-- reads:      dirty_period, dirty_day, car_time, cars_curated.rental_transactions, cars_curated.vehicles,
--             cars_curated.vehicle_versions, cars_control.calendar, changed_rental_transactions, changed_vehicles
-- parameters: as_of, first_day, last_day
--
-- rentals, pickup_cents and the seconds of rentals (in all, least, most) are of the rentals that start on the day, each with all
-- its money and time, exact to the second. The rest is of the day itself:
--   use_cents         a rental's money spread evenly over its seconds, so that the day has, of what is due at its end, what was not
--                     due at its beginning, in whole cents (fractions wait until they are one, so the last cent comes with the last
--                     day). Each rental's days sum to its amount, to the cent
--   occupied_seconds  in which a vehicle was out, also one that was not in the active fleet, and after as_of
--   fleet_seconds     what vehicles spent in the active fleet, by vehicle_versions, rented or not, before as_of. Counted from the
--                     day of the first rental of all: before it there was no business. The same vehicle counts from when it came
--                     to when it left, so none that comes or goes later changes a day that is past.
--   assumed_seconds   those of them that nobody saw (vehicle_versions.is_assumed)
--   rented_seconds    those of them in which the vehicle was out, by the clock: overlapping rentals of one vehicle count once
-- All but the least and the most add up over days and classes. Cents are of the reporting currency.
--
-- A vehicle has the type, brand and model year of today, a removed one its last. brand is `unknown`, and model_year 0, where the
-- source does not say. Of the type `unknown` are vehicles whose type it does not say, and those that are set aside, so that what
-- their rentals bring stays in the figures.

-- name: dirty_days_from_rental_transactions
-- The fleet's time counts from the first rental on: where that may have moved, so do all days after it.
with business as (
    select min(rental_date) as first_day
    from cars_curated.rental_transactions
)

select
    min(changed_rental_transactions.rental_date) as first_day,
    cast(:as_of as date) as last_day
from changed_rental_transactions
cross join business
where changed_rental_transactions.rental_date <= coalesce(business.first_day, changed_rental_transactions.rental_date)

-- name: dirty_days_from_vehicles
-- Another type moves the vehicle's rentals, and its time in the fleet.
with moved as (
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
from moved
inner join cars_curated.rental_transactions on moved.vehicle_id = rental_transactions.vehicle_id
union distinct
select
    cast(vehicle_versions.valid_from as date) as first_day,
    coalesce(cast(vehicle_versions.valid_to as date), cast(:as_of as date)) as last_day
from moved
inner join cars_curated.vehicle_versions on moved.vehicle_id = vehicle_versions.vehicle_id
where vehicle_versions.is_active

-- name: rows
with business as (
    select
        min(rental_date) as first_day,
        max(cast(ended_at as date)) as last_day
    from cars_curated.rental_transactions
),

-- From the first to the last dirty day, as far as there was any business, or a fleet. Without a rental there is no such time.
horizon as (
    select
        greatest(min(dirty_period.period_start), min(business.first_day)) as first_day,
        least(max(dirty_period.period_end), greatest(max(business.last_day) + 1, cast(:as_of as date))) as end_day
    from dirty_period
    cross join business
    where business.first_day is not null
),

-- Few days are left for the join over ranges.
used_day as (
    select dirty_day.calendar_date
    from dirty_day
    inner join horizon
        on dirty_day.calendar_date >= horizon.first_day
        and dirty_day.calendar_date < horizon.end_day
),

class as (
    select
        vehicle_id,
        vehicle_type,
        coalesce(vehicles.brand, 'unknown') as brand,
        -- Grouped by, so never NULL. There is no year 0.
        coalesce(vehicle_year, 0) as model_year
    from cars_curated.vehicles
),

rental as (
    select
        vehicle_id,
        rental_date,
        cast(ended_at as date) as end_date,
        started_at,
        ended_at,
        rental_seconds,
        cast(total_amount * 100 as bigint) as cents
    from cars_curated.rental_transactions
    where ended_at >= cast(:first_day as date)
        and rental_date <= cast(:last_day as date)
),

-- Most rentals end on the day on which they start, or on the next: only for what is between is a range joined.
rental_day as (
    select rental.*, used_day.calendar_date
    from rental
    inner join used_day on rental.rental_date = used_day.calendar_date
    union all
    select rental.*, used_day.calendar_date
    from rental
    inner join used_day on rental.end_date = used_day.calendar_date
    where rental.end_date > rental.rental_date
    union all
    select rental.*, used_day.calendar_date
    from rental
    inner join used_day
        on rental.rental_date < used_day.calendar_date
        and rental.end_date > used_day.calendar_date
    where rental.end_date > rental.rental_date + 1
),

-- What is due after some seconds is floor(cents * seconds / rental_seconds), in parts that no bigint is too small for.
elapsed as (
    select
        rental_day.*,
        mod(cents, greatest(rental_seconds, 1)) as odd_cents,
        datediff(second, started_at, greatest(started_at, cast(calendar_date as timestamp))) as seconds_before,
        datediff(second, started_at, least(ended_at, cast(calendar_date + 1 as timestamp))) as seconds_after
    from rental_day
),

earned as (
    select
        vehicle_id,
        calendar_date,
        case when calendar_date = rental_date then 1 else 0 end as rentals,
        case when calendar_date = rental_date then elapsed.cents else 0 end as pickup_cents,
        case when calendar_date = rental_date then elapsed.rental_seconds end as own_seconds,
        case
            when rental_seconds = 0 then elapsed.cents
            else
                -- Both quotients are whole: rounding takes only what double precision adds.
                (seconds_after - seconds_before)
                * cast(
                    round(
                        cast(elapsed.cents - odd_cents as double precision) / cast(rental_seconds as double precision)
                    ) as bigint
                )
                + cast(
                    round(
                        cast(
                            (odd_cents * seconds_after - mod(odd_cents * seconds_after, rental_seconds))
                            - (odd_cents * seconds_before - mod(odd_cents * seconds_before, rental_seconds))
                            as double precision
                        )
                        / cast(rental_seconds as double precision)
                    ) as bigint
                )
        end as use_cents
    from elapsed
),

-- The cars' time, of which what was before the first day counts from that day on.
piece as (
    select
        car_time.measure,
        coalesce(class.vehicle_type, 'unknown') as vehicle_type,
        coalesce(class.brand, 'unknown') as brand,
        coalesce(class.model_year, 0) as model_year,
        greatest(car_time.piece_from, cast(horizon.first_day as timestamp)) as piece_from,
        car_time.piece_to
    from car_time
    inner join horizon on car_time.piece_to > cast(horizon.first_day as timestamp)
    left join class on car_time.vehicle_id = class.vehicle_id
    where car_time.measure in ('out', 'rented', 'fleet', 'assumed')
),

-- Days are summed up, not listed. A piece adds its seconds to the day it begins on, and itself to those that are open from
-- midnight on. Where it ends, it takes itself away again and adds its seconds since midnight.
turn as (
    select
        measure,
        vehicle_type,
        brand,
        model_year,
        cast(piece_from as date) as calendar_date,
        cast(0 as bigint) as pieces_open,
        datediff(second, piece_from, least(piece_to, cast(cast(piece_from as date) + 1 as timestamp))) as part_seconds
    from piece
    union all
    select
        measure,
        vehicle_type,
        brand,
        model_year,
        cast(piece_from as date) + 1 as calendar_date,
        cast(1 as bigint) as pieces_open,
        cast(0 as bigint) as part_seconds
    from piece
    where cast(piece_to as date) > cast(piece_from as date)
    union all
    select
        measure,
        vehicle_type,
        brand,
        model_year,
        cast(piece_to as date) as calendar_date,
        cast(-1 as bigint) as pieces_open,
        datediff(second, cast(cast(piece_to as date) as timestamp), piece_to) as part_seconds
    from piece
    where cast(piece_to as date) > cast(piece_from as date)
    union all
    -- And every day is there.
    select
        measured.measure,
        measured.vehicle_type,
        measured.brand,
        measured.model_year,
        calendar.calendar_date,
        cast(0 as bigint) as pieces_open,
        cast(0 as bigint) as part_seconds
    from (select distinct measure, vehicle_type, brand, model_year from piece) as measured
    cross join horizon
    inner join cars_control.calendar
        on horizon.first_day <= calendar.calendar_date
        and horizon.end_day > calendar.calendar_date
),

turn_day as (
    select
        measure,
        vehicle_type,
        brand,
        model_year,
        calendar_date,
        sum(pieces_open) as pieces_open,
        sum(part_seconds) as part_seconds
    from turn
    group by measure, vehicle_type, brand, model_year, calendar_date
),

measured_day as (
    select
        measure,
        vehicle_type,
        brand,
        model_year,
        calendar_date,
        part_seconds
        + 86400 * sum(pieces_open) over (
            partition by measure, vehicle_type, brand, model_year
            order by calendar_date
            rows between unbounded preceding and current row
        ) as seconds
    from turn_day
),

part as (
    select
        earned.calendar_date,
        coalesce(class.vehicle_type, 'unknown') as vehicle_type,
        coalesce(class.brand, 'unknown') as brand,
        coalesce(class.model_year, 0) as model_year,
        earned.rentals,
        earned.pickup_cents,
        earned.use_cents,
        earned.own_seconds,
        cast(0 as bigint) as occupied_seconds,
        cast(0 as bigint) as rented_seconds,
        cast(0 as bigint) as fleet_seconds,
        cast(0 as bigint) as assumed_seconds
    from earned
    left join class on earned.vehicle_id = class.vehicle_id
    union all
    select
        calendar_date,
        vehicle_type,
        brand,
        model_year,
        0 as rentals,
        cast(0 as bigint) as pickup_cents,
        cast(0 as bigint) as use_cents,
        cast(null as bigint) as own_seconds,
        case when measure = 'out' then seconds else 0 end as occupied_seconds,
        case when measure = 'rented' then seconds else 0 end as rented_seconds,
        case when measure = 'fleet' then seconds else 0 end as fleet_seconds,
        case when measure = 'assumed' then seconds else 0 end as assumed_seconds
    from measured_day
    where seconds > 0
)

select
    dirty_day.period_start,
    part.vehicle_type,
    part.brand,
    part.model_year,
    sum(part.rentals) as rentals,
    sum(part.pickup_cents) as pickup_cents,
    sum(part.use_cents) as use_cents,
    sum(part.own_seconds) as rental_seconds,
    min(part.own_seconds) as min_seconds,
    max(part.own_seconds) as max_seconds,
    sum(part.occupied_seconds) as occupied_seconds,
    sum(part.rented_seconds) as rented_seconds,
    sum(part.fleet_seconds) as fleet_seconds,
    sum(part.assumed_seconds) as assumed_seconds
from dirty_day
inner join part on dirty_day.calendar_date = part.calendar_date
group by dirty_day.period_start, part.vehicle_type, part.brand, part.model_year
having sum(part.rentals) > 0
    or sum(part.use_cents) > 0
    or sum(part.occupied_seconds) > 0
    or sum(part.fleet_seconds) > 0
