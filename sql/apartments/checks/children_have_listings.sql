-- Whatever belongs to a listing belongs to one that is accepted: a child of a rejected or deleted listing is rejected with it.
--
-- severity:   fail
-- reads:      apartments_curated.apartments, apartments_curated.apartment_attributes, apartments_curated.apartment_versions,
--             apartments_curated.bookings, apartments_curated.user_viewing
-- parameters: none

-- name: violations
with child as (
    select cast('apartment_attributes' as varchar(64)) as table_name, id as apartment_id
    from apartments_curated.apartment_attributes
    union all
    select cast('apartment_versions' as varchar(64)) as table_name, id as apartment_id
    from apartments_curated.apartment_versions
    union all
    select cast('bookings' as varchar(64)) as table_name, apartment_id
    from apartments_curated.bookings
    union all
    select cast('user_viewing' as varchar(64)) as table_name, apartment_id
    from apartments_curated.user_viewing
)

select child.table_name || ' of listing ' || cast(child.apartment_id as varchar(64)) as example
from child
left join apartments_curated.apartments on child.apartment_id = apartments.id
where apartments.id is null
