-- A hundred rows and none of them usable is a format that nobody has told the curated layer about, not dirt: publish nothing.
--
-- severity:   fail
-- reads:      apartments_curated.rejected_rows, apartments_curated.apartments, apartments_curated.apartment_attributes,
--             apartments_curated.bookings, apartments_curated.user_viewing
-- parameters: none

-- name: violations
with accepted as (
    select 'apartments' as table_name, count(*) as row_count from apartments_curated.apartments
    union all
    select 'apartment_attributes' as table_name, count(*) as row_count from apartments_curated.apartment_attributes
    union all
    select 'bookings' as table_name, count(*) as row_count from apartments_curated.bookings
    union all
    select 'user_viewing' as table_name, count(*) as row_count from apartments_curated.user_viewing
)

select
    rejected_rows.table_name || ': all ' || cast(count(*) as varchar(64)) || ' rows, for example '
    || min(rejected_rows.broken_value) as example
from apartments_curated.rejected_rows
inner join accepted on rejected_rows.table_name = accepted.table_name
where accepted.row_count = 0
group by rejected_rows.table_name
having count(*) >= 100
