-- At every moment a vehicle is in one state, or in none: an overlap would count its hours in the fleet twice.
--
-- severity:   fail
-- touched:    vehicle_versions
-- reads:      cars_curated.vehicle_versions
-- parameters: none

-- name: violations
with ordered as (
    select
        vehicle_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by vehicle_id order by valid_from) as next_valid_from
    from cars_curated.vehicle_versions
)

select cast(vehicle_id as varchar(64)) || ' from ' || cast(valid_from as varchar(32)) as example
from ordered
where coalesce(valid_to, next_valid_from) > next_valid_from
    or (valid_to is null and next_valid_from is not null)
    or valid_to <= valid_from
