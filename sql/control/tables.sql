-- The control schema's tables: who ran, what each step committed, where each layer stands, what is still to be rebuilt.
--
-- grain:      stated per table
-- reads:      nothing
-- writes:     the control schema (the batch sets search_path)
-- parameters: none
-- rerun:      every statement is repeatable; they run at the start of a run when a file of sql/control has changed
-- storage:    small tables, left to Redshift's automatic styles
--
-- A table that exists keeps its columns: one that is added here is added to existing tables by upgrades.sql.

-- name: run
-- One row per run. run_sequence is the one order of the pipeline: it decides which version of a row is newest.
create table if not exists run (
    run_sequence bigint not null,
    execution_id varchar(512) not null,
    kind varchar(20) not null,
    run_input varchar(4096) not null,
    as_of date,
    status varchar(20) not null,
    started_at timestamp not null,
    finished_at timestamp,
    error varchar(4096),
    started_by varchar(1024),
    primary key (run_sequence)
)

-- name: lease
-- One row: the run that may write. Its run sequence is the fence: a statement of an older run finds another number and raises.
create table if not exists lease (
    run_sequence bigint not null,
    execution_id varchar(512) not null,
    is_held boolean not null,
    expires_at timestamp not null
)

-- name: lease_row
insert into lease (run_sequence, execution_id, is_held, expires_at)
select 0, '', false, getdate()
where not exists (select 1 from lease)

-- name: step_commit
-- One row per committed writing step: executing it again finds the row and changes nothing.
create table if not exists step_commit (
    run_sequence bigint not null,
    step varchar(256) not null,
    committed_at timestamp not null,
    primary key (run_sequence, step)
)

-- name: run_window
-- One row per run and table that it was to read: the bounds of the cursor (open where null), and where the watermark was to go.
create table if not exists run_window (
    run_sequence bigint not null,
    table_name varchar(127) not null,
    is_complete boolean not null,
    read_from timestamp,
    read_to timestamp,
    watermark_before timestamp,
    watermark_after timestamp,
    slices bigint not null,
    primary key (run_sequence, table_name)
)

-- name: run_time
-- One row per state that a run's execution entered, and per statement that it sent to the warehouse, failed ones and reads too.
-- The seconds of a statement include its wait in the queue; null where the end is not known.
create table if not exists run_time (
    run_sequence bigint not null,
    kind varchar(9) not null,
    name varchar(500) not null,
    statement_id varchar(64),
    status varchar(20) not null,
    started_at timestamp not null,
    seconds decimal(12, 3)
)

-- name: run_cost
-- One row per run and item of its estimated cost in US dollars; replaces is empty, or says what the item would be instead of.
create table if not exists run_cost (
    run_sequence bigint not null,
    item varchar(40) not null,
    quantity decimal(18, 6) not null,
    unit varchar(20) not null,
    usd decimal(18, 8) not null,
    replaces varchar(80) not null,
    primary key (run_sequence, item)
)

-- name: layer_position
-- One row per layer and table.
-- raw: run_sequence = last run that changed the table, watermark = the source's clock up to which changes are in.
-- curated: run_sequence = raw is applied up to this run. presentation: as_of = the day the metric was built for, watermark = the
-- newest period that had ended by then and has rows (charts are read from there on).
-- raw: first_run_sequence = the run whose load began the raw table as it is; null, as its watermark, until that is committed.
-- erased: the last run that reloaded the table in full. archive: loads up to this run are tagged on S3. view: the run that made it.
-- The hashes are of what the rows were made with (SQL, rates), so that an edit rebuilds them.
create table if not exists layer_position (
    layer varchar(20) not null,
    name varchar(127) not null,
    run_sequence bigint not null,
    watermark timestamp,
    as_of date,
    input_hash char(64),
    definition_hash char(64),
    first_run_sequence bigint default 0,
    primary key (layer, name)
)

-- name: table_load
-- One row per run and table read: what was read, written to S3, copied, and added to raw.
-- rows_set_aside: those of them of which a value could not be held (bad_rows: set_aside in source.yaml).
create table if not exists table_load (
    run_sequence bigint not null,
    table_name varchar(127) not null,
    manifest varchar(1024),
    slices bigint not null,
    parts bigint not null,
    bytes bigint not null,
    rows_read bigint not null,
    rows_in_parquet bigint not null,
    rows_copied bigint not null,
    keys_copied bigint,
    rows_added bigint not null,
    rows_removed bigint not null,
    rows_known bigint not null,
    zero_dates bigint not null,
    watermark_before timestamp,
    watermark_after timestamp,
    rows_set_aside bigint default 0,
    primary key (run_sequence, table_name)
)

-- name: replayed_load
-- One row per load that the last replay of a table made again: what it changed then, and what when it was made.
create table if not exists replayed_load (
    run_sequence bigint not null,
    table_name varchar(127) not null,
    load_sequence bigint not null,
    rows_added bigint not null,
    rows_removed bigint not null,
    rows_added_before bigint not null,
    rows_removed_before bigint not null,
    primary key (table_name, load_sequence)
)

-- name: reconciliation
-- One row per run and table that was compared with the source, whole (is_whole) or the latest days of an append table: ranges of
-- keys (or days), those that differ, and the rows on both sides, before what differs was read and after it was loaded (null where
-- that did not come to its end; the load is committed only where both are equal). What was loaded is in table_load.
-- Of a merge table rows_unmoved changed without moving the cursor, and rows_backdated came with a cursor from before the window of
-- increments: no increment finds either. compared_at: the source's clock, when the comparison was planned.
create table if not exists reconciliation (
    run_sequence bigint not null,
    table_name varchar(127) not null,
    is_whole boolean not null,
    ranges bigint not null,
    ranges_different bigint not null,
    source_rows bigint not null,
    raw_rows bigint not null,
    source_rows_after bigint,
    raw_rows_after bigint,
    rows_unmoved bigint,
    rows_backdated bigint,
    compared_at timestamp,
    primary key (run_sequence, table_name)
)

-- name: changed_day
-- One row per day of an append table that a load replaced; the curated layer rebuilds these days.
create table if not exists changed_day (
    table_name varchar(127) not null,
    event_day date not null,
    run_sequence bigint not null
)

-- name: set_aside
-- One row per run, curated table, broken rule and currency ('' where there is none): what the run set aside that was not before.
-- rows_set_aside and amount: those rows and what they are worth (rows_without_amount: no amount can be read). Of them
-- rows_accepted_before were accepted until then, when they were worth amount_before: money that leaves the figures.
create table if not exists set_aside (
    run_sequence bigint not null,
    table_name varchar(127) not null,
    broken_rule varchar(127) not null,
    currency varchar(3) not null,
    rows_set_aside bigint not null,
    amount decimal(38, 2),
    rows_without_amount bigint not null,
    rows_accepted_before bigint not null,
    amount_before decimal(38, 2),
    primary key (run_sequence, table_name, broken_rule, currency)
)

-- name: curated_total
-- What a curated table holds, as its builds add it up: accepted rows, and what they are worth, by currency ('': not in money). So no
-- step has to count a whole table.
create table if not exists curated_total (
    table_name varchar(127) not null,
    currency varchar(3) not null,
    accepted_rows bigint not null,
    amount decimal(38, 4),
    primary key (table_name, currency)
)

-- name: set_aside_row
-- One row per row that is set aside: since which run, and whether (and with what amount) it was accepted before that.
create table if not exists set_aside_row (
    table_name varchar(127) not null,
    row_key varchar(1024),
    event_day date,
    run_sequence bigint not null,
    is_accepted_before boolean not null,
    amount_before decimal(38, 2),
    currency_before varchar(3)
)

-- name: orphan
-- One row per curated table's row and parent that it refers to, where raw never had that parent: when it comes, the row is judged
-- again. parent_hash is of the parent's key; row_hash and run_sequence are the row's in raw, event_day of an append table.
-- is_rejected: the row is not in the curated table, so that it alone, and not its day, is judged.
create table if not exists orphan (
    table_name varchar(127) not null,
    row_key varchar(1024) not null,
    event_day date,
    row_hash bigint not null,
    run_sequence bigint not null,
    parent varchar(127) not null,
    parent_hash char(32) not null,
    is_rejected boolean not null
)

-- name: curated_build
-- One row per run and curated table built: keys looked at, rows that differ afterwards, and what became of the keys.
-- rows_unreadable: accepted rows of which a field that only informs could not be read. rows_judged: current rows of the keys in raw;
-- each is accepted or rejected (null of a derived table, which has versions).
create table if not exists curated_build (
    run_sequence bigint not null,
    table_name varchar(127) not null,
    is_full boolean not null,
    keys_touched bigint not null,
    rows_accepted bigint not null,
    rows_rejected bigint not null,
    rows_changed bigint not null,
    rows_unreadable bigint default 0,
    rows_judged bigint,
    primary key (run_sequence, table_name)
)

-- name: dirty_period
-- One row per metric and period that a committed change of the curated layer made stale; publication consumes them.
create table if not exists dirty_period (
    metric varchar(127) not null,
    period_start date not null,
    run_sequence bigint not null
)

-- name: staged_period
-- One row per metric and period that the run in progress rebuilt in the staging schema.
create table if not exists staged_period (
    metric varchar(127) not null,
    period_start date not null,
    run_sequence bigint not null
)

-- name: metric_build
-- One row per run and metric staged.
create table if not exists metric_build (
    run_sequence bigint not null,
    metric varchar(127) not null,
    is_full boolean not null,
    periods bigint not null,
    metric_rows bigint not null,
    primary key (run_sequence, metric)
)

-- name: lake_stale_year
-- One row per lake table and month (202611) or year (0: it is not divided, or the rows have no date) whose rows differ from those
-- that the lake shows.
create table if not exists lake_stale_year (
    table_name varchar(255) not null,
    stale_year bigint not null,
    run_sequence bigint not null
)

-- name: lake_unload
-- One row per run and table unloaded to the lake: how many rows, and whether of all years.
create table if not exists lake_unload (
    run_sequence bigint not null,
    table_name varchar(255) not null,
    is_whole boolean not null,
    unloaded_rows bigint not null,
    primary key (run_sequence, table_name)
)

-- name: check_result
-- One row per run and check.
create table if not exists check_result (
    run_sequence bigint not null,
    check_name varchar(127) not null,
    severity varchar(4) not null,
    violations bigint not null,
    example varchar(1024),
    primary key (run_sequence, check_name)
)

-- name: exchange_rate
-- One row per currency and interval in which a rate holds; valid_to is exclusive. In units of the reporting currency for one unit,
-- made from exchange_rates.csv. The reporting currency itself always has one row, for all days, whose rate is 1.
create table if not exists exchange_rate (
    currency varchar(3) not null,
    valid_from date not null,
    valid_to date not null,
    rate decimal(18, 10) not null,
    primary key (currency, valid_from)
)

-- name: reporting_currency
-- One row: the currency in which the marketplace's figures are (the stack's parameter ReportingCurrency).
create table if not exists reporting_currency (
    currency varchar(3) not null
)
