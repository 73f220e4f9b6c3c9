-- Whatever belongs to a listing belongs to one that the source has or once had: it is accepted, kept as removed, or set aside.
--
-- severity:   fail
-- reads:      apartments_curated.apartments, apartments_curated.rejected_rows, apartments_curated.apartment_attributes,
--             apartments_curated.apartment_versions, apartments_curated.bookings, apartments_curated.user_viewing
-- parameters: none

-- name: violations
with known as (
    select cast(id as varchar(512)) as listing_key
    from apartments_curated.apartments
    union all
    select row_key as listing_key
    from apartments_curated.rejected_rows
    where table_name = 'apartments'
),

child as (
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
left join known on cast(child.apartment_id as varchar(512)) = known.listing_key
where known.listing_key is null
