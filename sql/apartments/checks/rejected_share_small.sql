-- More than a tenth of a table's rows are rejected: mend the source, or the rule if the source is right. One row per table and rule.
--
-- severity:   warn
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
),

rejected as (
    select
        table_name,
        broken_rule,
        count(*) as rule_count
    from apartments_curated.rejected_rows
    group by table_name, broken_rule
),

rejected_in_all as (
    select
        table_name,
        count(*) as row_count
    from apartments_curated.rejected_rows
    group by table_name
)

select
    rejected.table_name || ': ' || cast(rejected.rule_count as varchar(64)) || ' rows break ' || rejected.broken_rule as example
from rejected
inner join rejected_in_all on rejected.table_name = rejected_in_all.table_name
inner join accepted on rejected.table_name = accepted.table_name
where rejected_in_all.row_count * 10 > rejected_in_all.row_count + accepted.row_count
