-- The ledger as a person reads it: docs/reference/ledger.md.
--
-- grain:      one line per run, table read, table compared, table loaded, table curated, metric, check, lake table, state and statement of a run
-- reads:      the control schema (the batch sets search_path)
-- writes:     the control schema
-- parameters: none
-- rerun:      a view is dropped and made again, since CREATE OR REPLACE VIEW keeps the columns as they were
-- storage:    none

-- name: drop_run_ledger
drop view if exists run_ledger

-- name: run_ledger
-- Lines are ordered by part, started_at, name. Columns that mean nothing in a part are null.
create view run_ledger as
with step_time as (
    select
        run_sequence,
        split_part(name, '/', 3) as step,
        split_part(name, '/', 4) as item,
        min(started_at) as started_at,
        sum(seconds) as seconds
    from run_time
    where kind = 'statement'
    group by run_sequence, split_part(name, '/', 3), split_part(name, '/', 4)
)

select
    run.run_sequence,
    1 as part,
    cast('run' as varchar(12)) as hop,
    cast(run.kind as varchar(500)) as name,
    run.status,
    run.started_at,
    cast(datediff(second, run.started_at, run.finished_at) as decimal(12, 3)) as seconds,
    cast(null as bigint) as rows_in,
    cast(null as bigint) as rows_out,
    cast(null as bigint) as rows_added,
    cast(null as bigint) as rows_removed,
    cast(null as bigint) as rows_rejected,
    cast(null as bigint) as files,
    cast(null as bigint) as bytes,
    cast(
        coalesce('error ' || run.error || '; ', '') || 'started by ' || coalesce(run.started_by, '(not said)')
        || '; input ' || run.run_input || '; execution ' || run.execution_id as varchar(16384)
    ) as detail
from run

union all

select
    run_window.run_sequence,
    2 as part,
    'extract' as hop,
    run_window.table_name as name,
    case when table_load.table_name is null then 'not loaded' else 'loaded' end as status,
    null as started_at,
    null as seconds,
    table_load.rows_read as rows_in,
    table_load.rows_in_parquet as rows_out,
    null as rows_added,
    null as rows_removed,
    null as rows_rejected,
    table_load.parts as files,
    table_load.bytes,
    case when run_window.is_complete then 'whole table' else 'cursor' end
    || coalesce(' from ' || to_char(run_window.read_from, 'YYYY-MM-DD HH24:MI:SS.US'), '')
    || coalesce(' to ' || to_char(run_window.read_to, 'YYYY-MM-DD HH24:MI:SS.US'), '')
    || '; slices ' || cast(run_window.slices as varchar(20)) || coalesce('; ' || table_load.manifest, '') as detail
from run_window
left join table_load on run_window.run_sequence = table_load.run_sequence and run_window.table_name = table_load.table_name

union all

select
    run_sequence,
    2 as part,
    'compare' as hop,
    table_name as name,
    case
        when source_rows_after is null then 'not loaded'
        when source_rows_after = raw_rows_after then 'equal'
        else 'different'
    end as status,
    null as started_at,
    null as seconds,
    source_rows as rows_in,
    raw_rows as rows_out,
    null as rows_added,
    null as rows_removed,
    null as rows_rejected,
    null as files,
    null as bytes,
    cast(ranges_different as varchar(20)) || ' of ' || cast(ranges as varchar(20)) || ' ranges differed'
    || coalesce(
        '; now ' || cast(source_rows_after as varchar(20)) || ' rows in the source, '
        || cast(raw_rows_after as varchar(20)) || ' in raw', ''
    )
    || case when rows_unmoved > 0 then '; changed without moving the cursor ' || cast(rows_unmoved as varchar(20)) else '' end
    || case when rows_backdated > 0 then '; came with an old cursor ' || cast(rows_backdated as varchar(20)) else '' end as detail
from reconciliation

union all

select
    table_load.run_sequence,
    3 as part,
    'raw' as hop,
    table_load.table_name as name,
    'committed' as status,
    step_time.started_at,
    step_time.seconds,
    table_load.rows_copied as rows_in,
    table_load.rows_known - table_load.rows_removed as rows_out,
    table_load.rows_added,
    table_load.rows_removed,
    null as rows_rejected,
    null as files,
    null as bytes,
    'watermark ' || coalesce(to_char(table_load.watermark_before, 'YYYY-MM-DD HH24:MI:SS.US'), 'none')
    || ' to ' || coalesce(to_char(table_load.watermark_after, 'YYYY-MM-DD HH24:MI:SS.US'), 'unmoved')
    || '; impossible dates ' || cast(table_load.zero_dates as varchar(20))
    || '; set aside ' || cast(coalesce(table_load.rows_set_aside, 0) as varchar(20)) as detail
from table_load
left join step_time
    on table_load.run_sequence = step_time.run_sequence and step_time.step = 'load' and table_load.table_name = step_time.item

union all

select
    curated_build.run_sequence,
    4 as part,
    'curated' as hop,
    curated_build.table_name as name,
    'committed' as status,
    step_time.started_at,
    step_time.seconds,
    curated_build.keys_touched as rows_in,
    curated_build.rows_accepted as rows_out,
    curated_build.rows_changed as rows_added,
    null as rows_removed,
    curated_build.rows_rejected,
    null as files,
    null as bytes,
    case when curated_build.is_full then 'built whole' else 'touched keys only' end
    || case
        when curated_build.rows_unreadable > 0
            then '; rows with a field that cannot be read: ' || cast(curated_build.rows_unreadable as varchar(20))
        else ''
    end as detail
from curated_build
left join step_time
    on curated_build.run_sequence = step_time.run_sequence and step_time.step = 'curate' and curated_build.table_name = step_time.item

union all

select
    run_sequence,
    4 as part,
    'set aside' as hop,
    table_name || ': ' || broken_rule as name,
    'kept out' as status,
    null as started_at,
    null as seconds,
    null as rows_in,
    null as rows_out,
    null as rows_added,
    null as rows_removed,
    rows_set_aside as rows_rejected,
    null as files,
    null as bytes,
    'newly, worth ' || coalesce(cast(amount as varchar(40)) || ' ' || currency, 'nothing known')
    || '; without an amount ' || cast(rows_without_amount as varchar(20))
    || '; in the figures before ' || cast(rows_accepted_before as varchar(20))
    || coalesce(' with ' || cast(amount_before as varchar(40)) || ' ' || currency, '') as detail
from set_aside

union all

select
    metric_build.run_sequence,
    5 as part,
    'presentation' as hop,
    metric_build.metric as name,
    case when publication.step is null then 'staged' else 'published' end as status,
    step_time.started_at,
    step_time.seconds,
    null as rows_in,
    metric_build.metric_rows as rows_out,
    null as rows_added,
    null as rows_removed,
    null as rows_rejected,
    null as files,
    null as bytes,
    case when metric_build.is_full then 'all periods: ' else 'stale periods: ' end || cast(metric_build.periods as varchar(20)) as detail
from metric_build
left join step_time
    on metric_build.run_sequence = step_time.run_sequence
    and step_time.step = 'stage'
    -- Metrics that are staged by one transaction have one statement, which names them all.
    and position(',' || metric_build.metric || ',' in ',' || step_time.item || ',') > 0
left join step_commit as publication on metric_build.run_sequence = publication.run_sequence and publication.step = 'publish'

union all

select
    run_sequence,
    6 as part,
    'check' as hop,
    check_name as name,
    case when violations = 0 then 'passed' else severity end as status,
    null as started_at,
    null as seconds,
    null as rows_in,
    null as rows_out,
    null as rows_added,
    null as rows_removed,
    violations as rows_rejected,
    null as files,
    null as bytes,
    example as detail
from check_result

union all

select
    lake_unload.run_sequence,
    7 as part,
    'lake' as hop,
    lake_unload.table_name as name,
    case when shown.step is null then 'unloaded' else 'shown' end as status,
    null as started_at,
    null as seconds,
    null as rows_in,
    lake_unload.unloaded_rows as rows_out,
    null as rows_added,
    null as rows_removed,
    null as rows_rejected,
    null as files,
    null as bytes,
    case when lake_unload.is_whole then 'whole' else 'stale months or years only' end as detail
from lake_unload
left join step_commit as shown on lake_unload.run_sequence = shown.run_sequence and shown.step = 'commit_lake'

union all

select
    run_sequence,
    case when kind = 'state' then 8 else 9 end as part,
    kind as hop,
    name,
    status,
    started_at,
    seconds,
    null as rows_in,
    null as rows_out,
    null as rows_added,
    null as rows_removed,
    null as rows_rejected,
    null as files,
    null as bytes,
    statement_id as detail
from run_time
