-- Revenue, rentals and vehicles of each location in all, the highest revenue first.
--
-- grain:      one row per location at which a rental starts or ends
-- period:     all
-- reads:      dirty_period, cars_curated.rental_transactions, cars_curated.locations, changed_rental_transactions,
--             changed_locations
-- writes:     cars_presentation.location_rentals_total
-- parameters: none
-- rerun:      replaces the whole table; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: how it is replaced
--
-- A rental's money counts once: at the location where the car was picked up. Adding the revenue of pickups and of dropoffs would
-- count every rental twice, and can put another location first; so dropoffs are only counted. Without a pickup there is no
-- average, largest or smallest amount. unique_vehicles are the different vehicles picked up, counted exactly. Amounts are in the
-- reporting currency. Locations with equal revenue share a rank; name and place are the location's today, or its last where it
-- was removed. One that is set aside has neither: its number stands alone, and its money stays.

-- name: table
create table if not exists cars_presentation.location_rentals_total (
    period_start date not null,
    location_id bigint not null,
    location_name varchar(1020),
    city varchar(400),
    state varchar(400),
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    average_amount double precision,
    max_amount decimal(18, 2),
    min_amount decimal(18, 2),
    unique_vehicles bigint not null,
    dropoffs bigint not null,
    location_rank bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_rental_transactions
select distinct cast('2000-01-01' as date) as period_start
from changed_rental_transactions

-- name: dirty_from_locations
select distinct cast('2000-01-01' as date) as period_start
from changed_locations

-- name: rows
with pickup as (
    select
        pickup_location_id as location_id,
        count(*) as rentals,
        sum(total_amount) as revenue,
        max(total_amount) as max_amount,
        min(total_amount) as min_amount,
        count(distinct vehicle_id) as unique_vehicles
    from cars_curated.rental_transactions
    group by pickup_location_id
),

dropoff as (
    select
        dropoff_location_id as location_id,
        count(*) as dropoffs
    from cars_curated.rental_transactions
    group by dropoff_location_id
),

visited as (
    select location_id
    from pickup
    union distinct
    select location_id
    from dropoff
),

location_total as (
    select
        visited.location_id,
        locations.location_name,
        locations.city,
        locations.state,
        coalesce(pickup.rentals, 0) as rentals,
        cast(coalesce(pickup.revenue, 0) as decimal(38, 2)) as revenue,
        cast(pickup.revenue as double precision) / cast(pickup.rentals as double precision) as average_amount,
        pickup.max_amount,
        pickup.min_amount,
        coalesce(pickup.unique_vehicles, 0) as unique_vehicles,
        coalesce(dropoff.dropoffs, 0) as dropoffs
    from visited
    left join cars_curated.locations on visited.location_id = locations.location_id
    left join pickup on visited.location_id = pickup.location_id
    left join dropoff on visited.location_id = dropoff.location_id
)

select
    dirty_period.period_start,
    location_total.location_id,
    location_total.location_name,
    location_total.city,
    location_total.state,
    location_total.rentals,
    location_total.revenue,
    location_total.average_amount,
    location_total.max_amount,
    location_total.min_amount,
    location_total.unique_vehicles,
    location_total.dropoffs,
    rank() over (order by location_total.revenue desc) as location_rank
from dirty_period
cross join location_total
