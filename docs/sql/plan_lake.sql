-- What step `plan_lake` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/plan_lake

-- read when all of it is committed:

select table_name, stale_year from apartments_control.lake_stale_year group by table_name, stale_year order by
    1, 2;

select
    table_schema as "schema",
    table_name as "table",
    column_name as "column",
    data_type as "type",
    character_maximum_length as "length",
    numeric_precision as "precision",
    numeric_scale as "scale"
from svv_columns
where table_schema in ('apartments_control', 'apartments_raw', 'apartments_curated', 'apartments_staging',
    'apartments_presentation')
order by table_schema, table_name, ordinal_position;

select run_sequence, table_name, manifest
    from apartments_control.table_load
    where manifest is not null
    and run_sequence > 0
    order by 1, 2;

select name, run_sequence
    from apartments_control.layer_position
    where layer = 'erased'
    and run_sequence > 0
    order by 1;
