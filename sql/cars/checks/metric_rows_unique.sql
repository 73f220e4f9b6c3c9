-- Each metric has one row per its grain, as its file's header states it.
--
-- severity:   fail
-- reads:      cars_staging.rentals_daily, cars_staging.location_rentals_daily, cars_staging.location_rentals_total,
--             cars_staging.vehicle_type_rentals_daily, cars_staging.vehicle_type_rentals_total, cars_staging.user_rentals_total
-- parameters: none

-- name: violations
with grain as (
    select cast('rentals_daily' as varchar(64)) as metric, period_start, cast('' as varchar(64)) as detail
    from cars_staging.rentals_daily
    union all
    select cast('location_rentals_daily' as varchar(64)) as metric, period_start, cast(location_id as varchar(64)) as detail
    from cars_staging.location_rentals_daily
    union all
    select cast('location_rentals_total' as varchar(64)) as metric, period_start, cast(location_id as varchar(64)) as detail
    from cars_staging.location_rentals_total
    union all
    select cast('vehicle_type_rentals_daily' as varchar(64)) as metric, period_start, vehicle_type as detail
    from cars_staging.vehicle_type_rentals_daily
    union all
    select cast('vehicle_type_rentals_total' as varchar(64)) as metric, period_start, vehicle_type as detail
    from cars_staging.vehicle_type_rentals_total
    union all
    select cast('user_rentals_total' as varchar(64)) as metric, period_start, user_id as detail
    from cars_staging.user_rentals_total
)

-- The detail may be a user's id, which belongs in no message.
select metric || ' ' || cast(period_start as varchar(64)) as example
from grain
group by metric, period_start, detail
having count(*) > 1
