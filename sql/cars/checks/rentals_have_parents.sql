-- Every rental is of a user, a vehicle and two locations that the pipeline knows: in the source, removed from it, or set aside.
--
-- severity:   fail
-- reads:      cars_curated.rental_transactions, cars_curated.users, cars_curated.vehicles, cars_curated.locations,
--             cars_curated.rejected_rows
-- parameters: none

-- name: violations
with known as (
    select cast('users' as varchar(64)) as table_name, user_id as row_key
    from cars_curated.users
    union all
    select cast('vehicles' as varchar(64)) as table_name, vehicle_id as row_key
    from cars_curated.vehicles
    union all
    select cast('locations' as varchar(64)) as table_name, cast(location_id as varchar(64)) as row_key
    from cars_curated.locations
    union all
    select table_name, row_key
    from cars_curated.rejected_rows
    where table_name in ('users', 'vehicles', 'locations')
),

referred as (
    select rental_id, cast('users' as varchar(64)) as table_name, user_id as row_key
    from cars_curated.rental_transactions
    union all
    select rental_id, cast('vehicles' as varchar(64)) as table_name, vehicle_id as row_key
    from cars_curated.rental_transactions
    union all
    select rental_id, cast('locations' as varchar(64)) as table_name, cast(pickup_location_id as varchar(64)) as row_key
    from cars_curated.rental_transactions
    union all
    select rental_id, cast('locations' as varchar(64)) as table_name, cast(dropoff_location_id as varchar(64)) as row_key
    from cars_curated.rental_transactions
)

select 'rental ' || referred.rental_id || ': none of ' || referred.table_name as example
from referred
left join known
    on referred.table_name = known.table_name
    and referred.row_key = known.row_key
where known.row_key is null
