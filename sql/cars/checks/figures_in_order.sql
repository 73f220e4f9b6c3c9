-- The least is not above the mean, and the mean not above the most (but for what a double cannot hold); different vehicles are
-- not more than rentals; a type is not out for longer than its rentals last together; of the fleet's hours no more are rented, or
-- assumed, than there are, and utilisation says which share is rented: between 0 and 1, and NULL only where there are none.
--
-- severity:   fail
-- reads:      cars_staging.rentals_daily, cars_staging.location_rentals_daily, cars_staging.location_rentals_total,
--             cars_staging.vehicle_type_rentals_daily, cars_staging.vehicle_type_rentals_total, cars_staging.user_rentals_total
-- parameters: none

-- name: violations
with amounts as (
    select cast('location_rentals_daily' as varchar(64)) as metric, period_start, rentals, min_amount, average_amount, max_amount
    from cars_staging.location_rentals_daily
    union all
    select cast('location_rentals_total' as varchar(64)) as metric, period_start, rentals, min_amount, average_amount, max_amount
    from cars_staging.location_rentals_total
    union all
    select cast('user_rentals_total' as varchar(64)) as metric, period_start, rentals, min_amount, average_amount, max_amount
    from cars_staging.user_rentals_total
    union all
    select
        cast('rentals_daily' as varchar(64)) as metric,
        period_start,
        rentals,
        cast(0 as decimal(18, 2)) as min_amount,
        average_amount,
        revenue as max_amount
    from cars_staging.rentals_daily
),

vehicles as (
    select cast('location_rentals_daily' as varchar(64)) as metric, period_start, rentals, unique_vehicles
    from cars_staging.location_rentals_daily
    union all
    select cast('location_rentals_total' as varchar(64)) as metric, period_start, rentals, unique_vehicles
    from cars_staging.location_rentals_total
),

hours as (
    select
        cast('vehicle_type_rentals_daily' as varchar(64)) as metric,
        period_start,
        rentals,
        min_hours,
        average_hours,
        max_hours,
        occupied_hours,
        rented_fleet_hours,
        fleet_hours,
        assumed_fleet_hours,
        utilisation,
        0 as overlapping_hours
    from cars_staging.vehicle_type_rentals_daily
    union all
    select
        cast('vehicle_type_rentals_total' as varchar(64)) as metric,
        period_start,
        rentals,
        min_hours,
        average_hours,
        max_hours,
        occupied_hours,
        rented_fleet_hours,
        fleet_hours,
        assumed_fleet_hours,
        utilisation,
        rental_hours - occupied_hours as overlapping_hours
    from cars_staging.vehicle_type_rentals_total
)

select 'amounts of ' || metric || ' ' || cast(period_start as varchar(64)) as example
from amounts
where (rentals > 0 and average_amount is null)
    or (rentals = 0 and average_amount is not null)
    or min_amount < 0
    or cast(min_amount as double precision) > average_amount * 1.000000001
    or average_amount > cast(max_amount as double precision) * 1.000000001
union all
select 'vehicles of ' || metric || ' ' || cast(period_start as varchar(64)) as example
from vehicles
where unique_vehicles > rentals
    or (unique_vehicles = 0 and rentals > 0)
union all
select 'hours of ' || metric || ' ' || cast(period_start as varchar(64)) as example
from hours
where (rentals > 0 and average_hours is null)
    or (rentals = 0 and average_hours is not null)
    or min_hours < 0
    or min_hours > average_hours * 1.000000001
    or average_hours > max_hours * 1.000000001
    or overlapping_hours < -0.000001
union all
select 'utilisation of ' || metric || ' ' || cast(period_start as varchar(64)) as example
from hours
where utilisation < 0
    or utilisation > 1
    or (utilisation is null and fleet_hours > 0)
    or (utilisation is not null and fleet_hours = 0)
    or abs(utilisation * fleet_hours - rented_fleet_hours) > 0.000001
    or rented_fleet_hours > occupied_hours
    or assumed_fleet_hours > fleet_hours
    or rented_fleet_hours < 0
    or fleet_hours < 0
    or assumed_fleet_hours < 0
