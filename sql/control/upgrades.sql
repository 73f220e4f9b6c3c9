-- What tables.sql has gained since a control schema may have been made: CREATE TABLE IF NOT EXISTS leaves an existing table as it is.
--
-- grain:      one block per added column, oldest first; a block is never changed or removed
-- reads:      pg_table_def, which shows the search_path's tables (Redshift refuses current_schema() beside an SVV view)
-- writes:     the control schema (the batch sets search_path)
-- parameters: none
-- rerun:      a column that is there is left alone (Redshift's ADD COLUMN knows no IF NOT EXISTS)
-- storage:    none
--
-- An added column may be null, or has a default: older rows have no value. A new table needs no block.

-- name: upgrade_tables
create or replace procedure upgrade_tables()
as $$
declare
    v_columns bigint;
begin
    select count(*) into v_columns from pg_table_def where tablename = 'run' and "column" = 'started_by';
    if v_columns = 0 then
        alter table run add column started_by varchar(1024);
    end if;

    select count(*) into v_columns from pg_table_def where tablename = 'layer_position' and "column" = 'first_run_sequence';
    if v_columns = 0 then
        alter table layer_position add column first_run_sequence bigint default 0;
    end if;

    -- Rates are in the reporting currency, with more decimals. The position goes, so that the next run fills the table again.
    select count(*) into v_columns from pg_table_def where tablename = 'exchange_rate' and "column" = 'usd_per_unit';
    if v_columns > 0 then
        drop table exchange_rate;
        create table exchange_rate (
            currency varchar(3) not null,
            valid_from date not null,
            valid_to date not null,
            rate decimal(18, 10) not null,
            primary key (currency, valid_from)
        );
        delete from layer_position where layer = 'control' and name = 'exchange_rate';
    end if;

    select count(*) into v_columns from pg_table_def where tablename = 'curated_build' and "column" = 'rows_unreadable';
    if v_columns = 0 then
        alter table curated_build add column rows_unreadable bigint default 0;
    end if;

    select count(*) into v_columns from pg_table_def where tablename = 'reconciliation' and "column" = 'source_rows_after';
    if v_columns = 0 then
        alter table reconciliation add column source_rows_after bigint;
        alter table reconciliation add column raw_rows_after bigint;
    end if;

    select count(*) into v_columns from pg_table_def where tablename = 'table_load' and "column" = 'rows_set_aside';
    if v_columns = 0 then
        alter table table_load add column rows_set_aside bigint default 0;
    end if;

    select count(*) into v_columns from pg_table_def where tablename = 'curated_build' and "column" = 'rows_judged';
    if v_columns = 0 then
        alter table curated_build add column rows_judged bigint;
    end if;

    select count(*) into v_columns from pg_table_def where tablename = 'reconciliation' and "column" = 'compared_at';
    if v_columns = 0 then
        alter table reconciliation add column rows_unmoved bigint;
        alter table reconciliation add column rows_backdated bigint;
        alter table reconciliation add column compared_at timestamp;
    end if;
end;
$$ language plpgsql

-- name: call_upgrade_tables
call upgrade_tables()
