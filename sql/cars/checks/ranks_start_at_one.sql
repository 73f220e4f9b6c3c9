-- Somebody is first, and nobody's rank is beyond the number of the ranked.
--
-- severity:   fail
-- reads:      cars_staging.location_rentals_total, cars_staging.vehicle_type_rentals_total, cars_staging.user_rentals_total
-- parameters: none

-- name: violations
select 'location_rentals_total ' || cast(period_start as varchar(64)) as example
from cars_staging.location_rentals_total
group by period_start
having min(location_rank) <> 1
    or max(location_rank) > count(*)
union all
select 'vehicle_type_rentals_total ' || cast(period_start as varchar(64)) as example
from cars_staging.vehicle_type_rentals_total
group by period_start
having min(vehicle_type_rank) <> 1
    or max(vehicle_type_rank) > count(*)
union all
select 'user_rentals_total ' || cast(period_start as varchar(64)) as example
from cars_staging.user_rentals_total
group by period_start
having min(spender_rank) <> 1
    or max(spender_rank) > count(*)
