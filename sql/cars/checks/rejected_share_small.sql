-- More than a tenth of a table's rows are rejected: mend the source, or the rule if the source is right. One row per table and rule.
--
-- severity:   warn
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
),

rejected as (
    select
        table_name,
        broken_rule,
        count(*) as rule_count
    from cars_curated.rejected_rows
    group by table_name, broken_rule
),

rejected_in_all as (
    select
        table_name,
        count(*) as row_count
    from cars_curated.rejected_rows
    group by table_name
)

select
    rejected.table_name || ': ' || cast(rejected.rule_count as varchar(64)) || ' rows break ' || rejected.broken_rule as example
from rejected
inner join rejected_in_all on rejected.table_name = rejected_in_all.table_name
inner join accepted on rejected.table_name = accepted.table_name
where rejected_in_all.row_count * 10 > rejected_in_all.row_count + accepted.row_count
