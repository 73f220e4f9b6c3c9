-- Revenue, rentals and vehicles of each location per day.
--
-- grain:      one row per day and location at which a rental starts or ends on it
-- period:     day
-- reads:      dirty_period, cars_curated.rental_transactions, changed_rental_transactions
-- writes:     cars_presentation.location_rentals_daily
-- parameters: none
-- rerun:      replaces whole days; the same rows for the same curated rows
-- storage:    distkey location_id: joined to locations on it; sortkey period_start: read by time
--
-- A rental's money counts once: at the location where the car was picked up, on the day it was. Cars dropped off stand beside it,
-- by the day of the dropoff. Without a pickup there is no average, largest or smallest amount. unique_vehicles are the different
-- vehicles picked up, counted exactly; as one may be picked up on several days, they do not add up over days (for all days
-- together see location_rentals_total). Amounts are in the reporting currency.

-- name: table
create table if not exists cars_presentation.location_rentals_daily (
    period_start date not null,
    location_id bigint not null,
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    average_amount double precision,
    max_amount decimal(18, 2),
    min_amount decimal(18, 2),
    unique_vehicles bigint not null,
    dropoffs bigint not null
)
distkey (location_id)
sortkey (period_start)

-- name: dirty_from_rental_transactions
select distinct both_ends.period_start
from (
    select rental_date as period_start
    from changed_rental_transactions
    union all
    select cast(ended_at as date) as period_start
    from changed_rental_transactions
) as both_ends

-- name: rows
with pickup as (
    select
        dirty_period.period_start,
        rental_transactions.pickup_location_id as location_id,
        count(*) as rentals,
        sum(rental_transactions.total_amount) as revenue,
        max(rental_transactions.total_amount) as max_amount,
        min(rental_transactions.total_amount) as min_amount,
        count(distinct rental_transactions.vehicle_id) as unique_vehicles
    from dirty_period
    inner join cars_curated.rental_transactions on dirty_period.period_start = rental_transactions.rental_date
    group by dirty_period.period_start, rental_transactions.pickup_location_id
),

dropoff as (
    select
        dirty_period.period_start,
        rental_transactions.dropoff_location_id as location_id,
        count(*) as dropoffs
    from dirty_period
    inner join cars_curated.rental_transactions on dirty_period.period_start = cast(rental_transactions.ended_at as date)
    group by dirty_period.period_start, rental_transactions.dropoff_location_id
)

select
    coalesce(pickup.period_start, dropoff.period_start) as period_start,
    coalesce(pickup.location_id, dropoff.location_id) as location_id,
    coalesce(pickup.rentals, 0) as rentals,
    cast(coalesce(pickup.revenue, 0) as decimal(38, 2)) as revenue,
    cast(pickup.revenue as double precision) / cast(pickup.rentals as double precision) as average_amount,
    pickup.max_amount,
    pickup.min_amount,
    coalesce(pickup.unique_vehicles, 0) as unique_vehicles,
    coalesce(dropoff.dropoffs, 0) as dropoffs
from pickup
full outer join dropoff
    on pickup.period_start = dropoff.period_start
    and pickup.location_id = dropoff.location_id
