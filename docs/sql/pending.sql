-- What step `pending` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/pending

-- read when all of it is committed:

select name, run_sequence from apartments_control.layer_position where layer = 'raw';

select count(*) as dirty_periods from apartments_control.dirty_period;

select count(*) as stale_years from apartments_control.lake_stale_year;

select run_sequence, table_name
    from apartments_control.table_load
    where run_sequence > 0
    and (manifest is not null
        or rows_removed > 0)
    order by run_sequence, table_name;

select name as table_name, run_sequence
    from apartments_control.layer_position
    where layer = 'erased'
    and run_sequence > 0
    order by name;
