-- What step `open` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/open/2

-- batch `setup-0`

-- not sent where this finds a row:
select 1 as is_set_up
    from apartments_control.layer_position
    where layer = 'control'
    and name = 'setup'
    and input_hash = '…';

set search_path to apartments_control;

create schema if not exists apartments_control;

create schema if not exists apartments_raw;

create schema if not exists apartments_curated;

create schema if not exists apartments_staging;

create schema if not exists apartments_presentation;

-- (sql/control/calendar.sql, section table)

-- (sql/control/calendar.sql, section missing_days)

-- (sql/control/functions.sql, section clean_text)

-- (sql/control/functions.sql, section clean_value)

-- (sql/control/functions.sql, section parse_date)

-- (sql/control/functions.sql, section parse_timestamp)

-- (sql/control/functions.sql, section parse_boolean)

-- (sql/control/functions.sql, section parse_number)

-- (sql/control/functions.sql, section parse_currency)

-- (sql/control/functions.sql, section tell_unreadable)

-- (sql/control/functions.sql, section tell_broken)

-- (sql/control/functions.sql, section is_in_calendar)

-- (sql/control/procedures.sql, section open_run)

-- (sql/control/procedures.sql, section refuse_restored)

-- (sql/control/procedures.sql, section skip_lost_runs)

-- (sql/control/procedures.sql, section hold_lease)

-- (sql/control/procedures.sql, section reopen_run)

-- (sql/control/procedures.sql, section enter_step)

-- (sql/control/procedures.sql, section commit_load)

-- (sql/control/procedures.sql, section require_equal)

-- (sql/control/procedures.sql, section expect_position)

-- (sql/control/procedures.sql, section confirm_replay)

-- (sql/control/procedures.sql, section require_audit)

-- (sql/control/procedures.sql, section note_unload)

-- (sql/control/procedures.sql, section close_run)

-- (sql/control/tables.sql, section run)

-- (sql/control/tables.sql, section lease)

-- (sql/control/tables.sql, section lease_row)

-- (sql/control/tables.sql, section step_commit)

-- (sql/control/tables.sql, section run_window)

-- (sql/control/tables.sql, section run_time)

-- (sql/control/tables.sql, section run_cost)

-- (sql/control/tables.sql, section layer_position)

-- (sql/control/tables.sql, section table_load)


-- batch `setup-1`

-- not sent where this finds a row:
select 1 as is_set_up
    from apartments_control.layer_position
    where layer = 'control'
    and name = 'setup'
    and input_hash = '…';

set search_path to apartments_control;

-- (sql/control/tables.sql, section replayed_load)

-- (sql/control/tables.sql, section reconciliation)

-- (sql/control/tables.sql, section changed_day)

-- (sql/control/tables.sql, section set_aside)

-- (sql/control/tables.sql, section curated_total)

-- (sql/control/tables.sql, section set_aside_row)

-- (sql/control/tables.sql, section orphan)

-- (sql/control/tables.sql, section curated_build)

-- (sql/control/tables.sql, section dirty_period)

-- (sql/control/tables.sql, section staged_period)

-- (sql/control/tables.sql, section metric_build)

-- (sql/control/tables.sql, section lake_stale_year)

-- (sql/control/tables.sql, section lake_unload)

-- (sql/control/tables.sql, section check_result)

-- (sql/control/tables.sql, section exchange_rate)

-- (sql/control/tables.sql, section reporting_currency)

-- (sql/control/upgrades.sql, section upgrade_tables)

-- (sql/control/upgrades.sql, section call_upgrade_tables)

-- (sql/control/views.sql, section drop_run_ledger)

-- (sql/control/views.sql, section run_ledger)

create table if not exists apartments_curated.rejected_rows (
    table_name varchar(127) not null,
    row_key varchar(1024),
    event_day date,
    broken_rule varchar(127) not null,
    broken_value varchar(1024),
    amount decimal(38, 2),
    currency varchar(3)
);

create table if not exists apartments_curated.unreadable_values (
    table_name varchar(127) not null,
    row_key varchar(1024),
    event_day date,
    unreadable_value varchar(1024) not null
);

create or replace procedure upgrade_rejected_rows()
as $$
declare
    v_columns bigint;
begin
    select count(*) into v_columns from svv_columns
    where table_schema = 'apartments_curated' and table_name = 'rejected_rows' and column_name = 'amount';
    if v_columns = 0 then
        alter table apartments_curated.rejected_rows add column amount decimal(38, 2);
        alter table apartments_curated.rejected_rows add column currency varchar(3);
        insert into set_aside_row (table_name, row_key, event_day, run_sequence, is_accepted_before)
        select table_name, row_key, event_day, 0, false from apartments_curated.rejected_rows;
    end if;
end;
$$ language plpgsql;

call upgrade_rejected_rows();

delete from layer_position where layer = 'control' and name = 'setup';

insert into layer_position (layer, name, run_sequence, input_hash) values ('control', 'setup', 0, '…');


-- batch `open-1-20261120T031500000000`

set search_path to apartments_control;

lock lease;

call refuse_restored(1, cast('2026-11-20 03:15:00' as timestamp));

call open_run('arn:aws:states:eu-west-1:123456789012:execution:run:2', 'incremental', '{}', 43200);

update run set started_by = null where execution_id = 'arn:aws:states:eu-west-1:123456789012:execution:run:2';


-- read when all of it is committed:

select run_sequence
    from apartments_control.run
    where execution_id = 'arn:aws:states:eu-west-1:123456789012:execution:run:2';

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
