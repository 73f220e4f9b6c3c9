-- What cars of each type, brand and model year earned and how long they were out, by the day on which they were used.
--
-- grain:      one row per day, vehicle type, brand and model year of which a rental starts, or takes some of the day, or a
--             vehicle is in the fleet
-- period:     day
-- unique_key: period_start, vehicle_type, brand, model_year
-- holds:      rentals >= 0; pickup_revenue >= 0; revenue >= 0; occupied_seconds >= 0; rented_fleet_seconds between 0 and
--             occupied_seconds; rented_fleet_seconds <= fleet_seconds; assumed_fleet_seconds between 0 and fleet_seconds;
--             rentals > 0 or pickup_revenue = 0
-- reads:      fleet_day, cars_curated.rental_transactions, cars_curated.vehicle_versions, changed_vehicles
-- writes:     cars_presentation.fleet_use_daily
-- parameters: as_of
-- rerun:      replaces whole days; the same rows for the same curated rows and as_of
-- storage:    diststyle even: joined to nothing; sortkey period_start: read by time
--
-- The sums from which the views fleet_revenue_daily, fleet_revenue_monthly and fleet_by_class_monthly make their figures. What
-- counts stands in intermediate/fleet_day.sql. The formulas, all of which add up over days and classes: pickup_revenue is the
-- money of the rentals that start on the day, all of it; revenue that of the day's use, a rental's money spread evenly over its
-- seconds, in whole cents. Units are the reporting currency; seconds.
-- For example, 100.00 for 30 hours from Monday 18:00: Monday has 6 of 30 hours, 20.00; Tuesday 24, 80.00. And 10.00 for three
-- whole days are 3.33, 3.33 and 3.34.
-- It cannot say what a rental really earned on which day (a price has no parts), nor what a car cost. A vehicle has the type,
-- brand and model year of today; brand is `unknown`, and model_year NULL, where the source does not say.

-- name: table
create table if not exists cars_presentation.fleet_use_daily (
    period_start date not null,
    vehicle_type varchar(16) not null,
    brand varchar(400) not null,
    model_year bigint,
    rentals bigint not null,
    pickup_revenue decimal(38, 2) not null,
    revenue decimal(38, 2) not null,
    occupied_seconds bigint not null,
    rented_fleet_seconds bigint not null,
    fleet_seconds bigint not null,
    assumed_fleet_seconds bigint not null
)
diststyle even
sortkey (period_start)

-- name: dirty_days_from_vehicles
-- Another type is fleet_day's to tell; another brand or model year moves the vehicle's days, too.
with moved as (
    select distinct vehicle_id
    from (
        select vehicle_id
        from changed_vehicles
        group by vehicle_id, brand, vehicle_year
        having count(*) = 1
    ) as changed_class
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
select
    period_start,
    vehicle_type,
    brand,
    nullif(model_year, 0) as model_year,
    rentals,
    cast(cast(pickup_cents as decimal(34, 0)) * cast(0.01 as decimal(3, 2)) as decimal(38, 2)) as pickup_revenue,
    cast(cast(use_cents as decimal(34, 0)) * cast(0.01 as decimal(3, 2)) as decimal(38, 2)) as revenue,
    cast(occupied_seconds as bigint) as occupied_seconds,
    cast(rented_seconds as bigint) as rented_fleet_seconds,
    cast(fleet_seconds as bigint) as fleet_seconds,
    cast(assumed_seconds as bigint) as assumed_fleet_seconds
from fleet_day
