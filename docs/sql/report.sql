-- What step `report` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/report

-- read together, of one publication:

select run_sequence, kind, cast(as_of as varchar(10)) as as_of, finished_at, datediff(second, started_at,
    finished_at) as seconds
    from apartments_control.run
    where run_sequence = 2;

select max(run_sequence) as run_sequence, cast(max(as_of) as varchar(10)) as as_of
    from apartments_control.layer_position
    where layer = 'presentation';

select name as table_name, watermark from apartments_control.layer_position where layer = 'raw' order by name;

select table_name, rows_read, rows_in_parquet, rows_copied, rows_added, rows_removed
    from apartments_control.table_load
    where run_sequence = 2
    order by table_name;

select table_name, rows_accepted, rows_rejected
    from apartments_control.curated_build
    where run_sequence = 2
    order by table_name;

select metric, periods, metric_rows
    from apartments_control.metric_build
    where run_sequence = 2
    order by metric;

select known.table_name, cast(coalesce(sum(curated_total.accepted_rows), 0) as bigint) as accepted_rows
    from (select cast('apartments' as varchar(127)) as table_name
        union all
        select cast('bookings' as varchar(127)) as table_name
        union all
        select cast('user_viewing' as varchar(127)) as table_name) as known
    left join apartments_control.curated_total
    on known.table_name = curated_total.table_name
    group by known.table_name
    order by known.table_name;

select table_name, broken_rule, count(*) as rejected_rows
    from apartments_curated.rejected_rows
    group by table_name, broken_rule
    order by rejected_rows desc, table_name, broken_rule;

select table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount, rows_accepted_before,
    amount_before
    from apartments_control.set_aside
    where run_sequence = 2
    order by table_name, broken_rule, currency;

select table_name, split_part(unreadable_value, '=', 1) as column_name, count(*) as unreadable_rows
    from apartments_curated.unreadable_values
    group by table_name, split_part(unreadable_value, '=', 1)
    order by 1, 2;

select check_name, violations
    from apartments_control.check_result
    where run_sequence = 2
    and violations > 0
    union all
    select table_name || ' missed by its cursor' as check_name, rows_unmoved + rows_backdated as violations
    from apartments_control.reconciliation
    where run_sequence = 2
    and rows_unmoved + rows_backdated > 0
    order by check_name;

select item, quantity, unit, usd, replaces
    from apartments_control.run_cost
    where run_sequence = 2
    order by replaces, usd desc, item;

with whole_week as (
    select
        period_start,
        average_nights,
        stays,
        nights
    from apartments_presentation.average_booking_duration_weekly
    where period_start + 7 <= cast(:as_of as date)
)

select
    cast(whole_week.period_start as varchar(10)) as week,
    whole_week.average_nights,
    whole_week.stays,
    whole_week.nights
from whole_week
where whole_week.period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
order by week;
