-- A hundred rows and none of them usable is a format that nobody has told the curated layer about, not dirt: publish nothing.
--
-- severity:   fail
-- reads:      apartments_curated.rejected_rows, apartments_curated.apartments, apartments_curated.apartment_attributes,
--             apartments_curated.bookings, apartments_curated.user_viewing
-- parameters: none

-- name: violations
with accepted as (
    select cast('apartments' as varchar(64)) as table_name, count(*) as row_count
    from apartments_curated.apartments
    union all
    select cast('apartment_attributes' as varchar(64)) as table_name, count(*) as row_count
    from apartments_curated.apartment_attributes
    union all
    select cast('bookings' as varchar(64)) as table_name, count(*) as row_count
    from apartments_curated.bookings
    union all
    select cast('user_viewing' as varchar(64)) as table_name, count(*) as row_count
    from apartments_curated.user_viewing
)

select
    rejected_rows.table_name || ': all ' || cast(count(*) as varchar(64)) || ' rows, for example '
    || min(rejected_rows.broken_value) as example
from apartments_curated.rejected_rows
inner join accepted on rejected_rows.table_name = accepted.table_name
where accepted.row_count = 0
group by rejected_rows.table_name
having count(*) >= 100
