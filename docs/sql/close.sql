-- What step `close` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/close

-- batch `close`

set search_path to apartments_control;

lock lease;

call close_run(2, 'succeeded', null, '2026-11-21');

delete from layer_position where layer = 'control' and name = 'archive';

insert into layer_position (layer, name, run_sequence) values ('control', 'archive', 2);

delete from step_commit where run_sequence < 2 and step not in ('publish', 'commit_lake');

delete from changed_day
    where table_name = 'user_viewing'
    and run_sequence <= (select min(run_sequence)
        from layer_position
        where layer = 'curated'
        and name in ('user_viewing'));


-- read when all of it is committed:

select status, datediff(second, started_at, finished_at) as seconds
    from apartments_control.run
    where run_sequence = 2;

select table_name, rows_read, rows_added, rows_removed, rows_set_aside
    from apartments_control.table_load
    where run_sequence = 2
    order by table_name;

select table_name, rows_accepted, rows_rejected, rows_unreadable
    from apartments_control.curated_build
    where run_sequence = 2
    order by table_name;

select table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount, rows_accepted_before,
    amount_before
    from apartments_control.set_aside
    where run_sequence = 2
    order by table_name, broken_rule, currency;

select check_name, violations, example
    from apartments_control.check_result
    where run_sequence = 2
    and violations > 0
    order by check_name;

select datediff(second, min(watermark), getdate()) as seconds
    from apartments_control.layer_position
    where layer = 'raw';

select item, usd, replaces from apartments_control.run_cost where run_sequence = 2;

select table_name, ranges, ranges_different, source_rows, source_rows_after, raw_rows_after, rows_unmoved,
    rows_backdated
    from apartments_control.reconciliation
    where run_sequence = 2
    order by table_name;

select
    layer,
    name,
    run_sequence,
    to_char(watermark, 'YYYY-MM-DD"T"HH24:MI:SS.US') as watermark,
    to_char(as_of, 'YYYY-MM-DD') as as_of,
    input_hash,
    definition_hash,
    first_run_sequence
from apartments_control.layer_position;

select
    table_schema as "schema",
    table_name as "table",
    column_name as "column",
    data_type as "type",
    character_maximum_length as "length",
    numeric_precision as "precision",
    numeric_scale as "scale"
from svv_columns
where table_schema in ('apartments_raw')
order by table_schema, table_name, ordinal_position;

select (select count(*) as dirty_periods
        from apartments_control.dirty_period) as dirty_periods, (select count(*) as stale_parts
        from apartments_control.lake_stale_year) as stale_parts;
