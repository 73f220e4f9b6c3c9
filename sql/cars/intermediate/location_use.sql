-- Rentals that begin and end at each location, in a period.
--
-- grain:      one row per dirty period and location at which a rental starts or ends in it
-- reads:      dirty_day, cars_curated.rental_transactions, changed_rental_transactions
-- parameters: first_day, last_day
--
-- A rental's money counts once: at the location where the car was picked up, on the day it was. Adding the revenue of pickups and
-- of dropoffs would count every rental twice, and can put another location first; so dropoffs are only counted, by the day of the
-- dropoff. Without a pickup there is no average, largest or smallest amount. unique_vehicles are the different vehicles picked up,
-- counted exactly; as one may be picked up on several days, they do not add up over periods. Amounts are in the reporting currency.

-- name: dirty_days_from_rental_transactions
select
    rental_date as first_day,
    rental_date as last_day
from changed_rental_transactions
union distinct
select
    cast(ended_at as date) as first_day,
    cast(ended_at as date) as last_day
from changed_rental_transactions

-- name: rows
with pickup as (
    select
        dirty_day.period_start,
        rental_transactions.pickup_location_id as location_id,
        count(*) as rentals,
        sum(rental_transactions.total_amount) as revenue,
        max(rental_transactions.total_amount) as max_amount,
        min(rental_transactions.total_amount) as min_amount,
        count(distinct rental_transactions.vehicle_id) as unique_vehicles
    from dirty_day
    inner join cars_curated.rental_transactions on dirty_day.calendar_date = rental_transactions.rental_date
    where rental_transactions.rental_date between cast(:first_day as date) and cast(:last_day as date)
    group by dirty_day.period_start, rental_transactions.pickup_location_id
),

dropoff as (
    select
        dirty_day.period_start,
        rental_transactions.dropoff_location_id as location_id,
        count(*) as dropoffs
    from dirty_day
    inner join cars_curated.rental_transactions on dirty_day.calendar_date = cast(rental_transactions.ended_at as date)
    where rental_transactions.ended_at >= cast(:first_day as date)
        and rental_transactions.rental_date <= cast(:last_day as date)
    group by dirty_day.period_start, rental_transactions.dropoff_location_id
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
