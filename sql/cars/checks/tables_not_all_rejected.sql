-- A hundred rows and none of them usable is a format that nobody has told the curated layer about, not dirt: publish nothing.
--
-- severity:   fail
-- reads:      cars_curated.rejected_rows, cars_curated.locations, cars_curated.vehicles, cars_curated.users,
--             cars_curated.rental_transactions
-- parameters: none

-- name: violations
with accepted as (
    select cast('locations' as varchar(64)) as table_name, count(*) as row_count
    from cars_curated.locations
    union all
    select cast('vehicles' as varchar(64)) as table_name, count(*) as row_count
    from cars_curated.vehicles
    union all
    select cast('users' as varchar(64)) as table_name, count(*) as row_count
    from cars_curated.users
    union all
    select cast('rental_transactions' as varchar(64)) as table_name, count(*) as row_count
    from cars_curated.rental_transactions
)

-- The rule and not the value, which may be a user's id and belongs in no message.
select
    rejected_rows.table_name || ': all ' || cast(count(*) as varchar(64)) || ' rows, for example for '
    || min(rejected_rows.broken_rule) as example
from cars_curated.rejected_rows
inner join accepted on rejected_rows.table_name = accepted.table_name
where accepted.row_count = 0
group by rejected_rows.table_name
having count(*) >= 100
