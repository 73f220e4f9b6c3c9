-- The guards of every writing batch. Each raises, and so rolls the whole batch back, when its assumption does not hold.
-- A message starts with capital words that rental_pipeline.warehouse.data_api maps to an error class.
--
-- grain:      one procedure per section
-- reads:      the control schema (the batch sets search_path and holds the lock on lease)
-- writes:     the control schema
-- parameters: none
-- rerun:      create or replace
-- storage:    none

-- name: open_run
-- Takes the lease and the next run sequence; a repeated call of the same execution finds the run it opened.
create or replace procedure open_run(p_execution varchar(512), p_kind varchar(20), p_input varchar(4096), p_lease_seconds int)
as $$
declare
    v_run bigint;
    v_holder bigint;
    v_execution varchar(512);
    v_is_held boolean;
    v_expires_at timestamp;
begin
    select max(run_sequence) into v_run from run where execution_id = p_execution;
    if v_run is not null then
        return;
    end if;
    select run_sequence, execution_id, is_held, expires_at into v_holder, v_execution, v_is_held, v_expires_at from lease;
    if v_is_held and v_expires_at > getdate() then
        raise exception 'RUN IN PROGRESS: run % of execution %', v_holder, v_execution;
    end if;
    update run
    set status = 'failed', finished_at = getdate(), error = 'its lease ran out before it was closed'
    where status = 'running';
    select coalesce(max(run_sequence), 0) + 1 into v_run from run;
    insert into run (run_sequence, execution_id, kind, run_input, status, started_at)
    values (v_run, p_execution, p_kind, p_input, 'running', getdate());
    update lease
    set run_sequence = v_run, execution_id = p_execution, is_held = true, expires_at = dateadd(second, p_lease_seconds, getdate());
end;
$$ language plpgsql

-- name: refuse_restored
-- Refuses to open a run where the bucket has one that this ledger has lost: the warehouse was restored to an earlier state, and would give
-- that run's number, and the names of its files, to another. A ledger that was begun anew has a run that is newer than what the bucket has.
create or replace procedure refuse_restored(p_kept_run bigint, p_kept_at timestamp)
as $$
declare
    v_run bigint;
    v_started_at timestamp;
begin
    select max(run_sequence), max(started_at) into v_run, v_started_at from run;
    if v_run < p_kept_run and v_started_at < p_kept_at then
        raise exception 'WAREHOUSE RESTORED: its last run is %, the bucket has run %', v_run, p_kept_run;
    end if;
end;
$$ language plpgsql

-- name: skip_lost_runs
-- Notes the last of the runs that a restored warehouse has lost, so that numbers go on behind it.
create or replace procedure skip_lost_runs(p_kept_run bigint)
as $$
declare
    v_run bigint;
begin
    select coalesce(max(run_sequence), 0) into v_run from run;
    if v_run < p_kept_run then
        insert into run (run_sequence, execution_id, kind, run_input, status, started_at, finished_at, error)
        values (
            p_kept_run, 'lost', 'lost', '{}', 'failed', getdate(), getdate(),
            'the warehouse was restored to an earlier state, and lost the runs up to this one'
        );
    end if;
end;
$$ language plpgsql

-- name: hold_lease
-- Refuses a run that a newer one has overtaken, and one that was closed (rental_pipeline.warehouse.run_step opens it again where its
-- execution is being redriven); prolongs the lease of the others.
create or replace procedure hold_lease(p_run bigint, p_lease_seconds int)
as $$
declare
    v_holder bigint;
    v_is_held boolean;
begin
    select run_sequence, is_held into v_holder, v_is_held from lease;
    if v_holder <> p_run then
        raise exception 'OVERTAKEN: run % may not write any more, run % has the lease', p_run, v_holder;
    end if;
    if not v_is_held then
        raise exception 'RUN CLOSED: run % may not write any more', p_run;
    end if;
    update lease set expires_at = dateadd(second, p_lease_seconds, getdate());
end;
$$ language plpgsql

-- name: reopen_run
-- Gives a closed run its lease again, for an execution that is redriven. Nobody else can have written since it was closed, or the
-- lease would carry a newer run.
create or replace procedure reopen_run(p_run bigint, p_lease_seconds int)
as $$
declare
    v_holder bigint;
begin
    select run_sequence into v_holder from lease;
    if v_holder <> p_run then
        raise exception 'OVERTAKEN: run % may not write any more, run % has the lease', p_run, v_holder;
    end if;
    update run set status = 'running', finished_at = null, error = null where run_sequence = p_run;
    update lease set is_held = true, expires_at = dateadd(second, p_lease_seconds, getdate());
end;
$$ language plpgsql

-- name: enter_step
-- The first guard of a step that must take effect once: holds the lease and records the step, or raises when it is recorded.
create or replace procedure enter_step(p_run bigint, p_step varchar(256), p_lease_seconds int)
as $$
declare
    v_commits bigint;
begin
    call hold_lease(p_run, p_lease_seconds);
    select count(*) into v_commits from step_commit where run_sequence = p_run and step = p_step;
    if v_commits > 0 then
        raise exception 'ALREADY DONE: run % has committed step %', p_run, p_step;
    end if;
    insert into step_commit (run_sequence, step, committed_at) values (p_run, p_step, getdate());
end;
$$ language plpgsql

-- name: commit_load
-- The last guard of a load: rows add up, the key is a key, deletes are plausible, and a watermark that is to move is still the
-- planned one. It never moves back, and p_after null leaves it; raw's position then says
-- which run changed the table, and by which definition its rows were read.
create or replace procedure commit_load(
    p_run bigint, p_table varchar(127), p_before timestamp, p_after timestamp, p_max_delete_fraction float, p_definition_hash char(64)
)
as $$
declare
    v_in_parquet bigint;
    v_copied bigint;
    v_keys bigint;
    v_changed bigint;
    v_removed bigint;
    v_known bigint;
    v_positions bigint;
    v_watermark timestamp;
begin
    select rows_in_parquet, rows_copied, keys_copied, rows_added + rows_removed, rows_removed, rows_known
    into v_in_parquet, v_copied, v_keys, v_changed, v_removed, v_known
    from table_load
    where run_sequence = p_run and table_name = p_table;
    if v_in_parquet <> v_copied then
        raise exception 'ROWS LOST: the manifest of % lists % rows, COPY brought %', p_table, v_in_parquet, v_copied;
    end if;
    if v_keys <> v_copied then
        raise exception 'KEY NOT UNIQUE: % has % rows but only % different keys', p_table, v_copied, v_keys;
    end if;
    if p_max_delete_fraction is not null and v_removed > p_max_delete_fraction * v_known then
        raise exception 'DELETE REFUSED: % of % rows of % would go', v_removed, v_known, p_table;
    end if;
    select count(*), max(watermark) into v_positions, v_watermark from layer_position where layer = 'raw' and name = p_table;
    if p_after is not null and coalesce(v_watermark, '0001-01-01'::timestamp) <> coalesce(p_before, '0001-01-01'::timestamp) then
        raise exception 'WATERMARK MOVED: % stands at %, the run was planned on %', p_table, v_watermark, p_before;
    end if;
    if v_positions = 0 then
        insert into layer_position (layer, name, run_sequence, first_run_sequence) values ('raw', p_table, p_run, p_run);
    end if;
    update layer_position
    set watermark = case when v_watermark is null or p_after > v_watermark then coalesce(p_after, v_watermark) else v_watermark end,
        run_sequence = case when v_changed > 0 then p_run else run_sequence end,
        definition_hash = coalesce(p_definition_hash, definition_hash),
        first_run_sequence = coalesce(first_run_sequence, p_run)
    where layer = 'raw' and name = p_table;
end;
$$ language plpgsql

-- name: require_equal
-- The end of a load: lets it commit only where raw holds, span by span, what was read of the source (the load's temporary table).
create or replace procedure require_equal(p_table varchar(127))
as $$
declare
    v_spans bigint;
    v_first bigint;
    v_text varchar(1024);
    v_expected bigint;
    v_found bigint;
begin
    select count(*), min(_rp_span_number) into v_spans, v_first
    from _rp_verified
    where _rp_rows_expected <> _rp_rows_found or _rp_checksum_expected <> _rp_checksum_found;
    if v_spans > 0 then
        select _rp_span_text, _rp_rows_expected, _rp_rows_found into v_text, v_expected, v_found
        from _rp_verified
        where _rp_span_number = v_first;
        raise exception 'STILL DIFFERENT: table %, %: % rows in the source, % in raw (spans that differ: %)',
            p_table, v_text, v_expected, v_found, v_spans;
    end if;
end;
$$ language plpgsql

-- name: expect_position
-- Compares a curated table's position with the planned one (0 = never built).
create or replace procedure expect_position(p_layer varchar(20), p_name varchar(127), p_planned bigint)
as $$
declare
    v_position bigint;
begin
    select coalesce(max(run_sequence), 0) into v_position from layer_position where layer = p_layer and name = p_name;
    if v_position <> p_planned then
        raise exception 'POSITION MOVED: % % stands at run %, the step was planned on %', p_layer, p_name, v_position, p_planned;
    end if;
end;
$$ language plpgsql

-- name: confirm_replay
-- Lets a replay take raw's place only when each load changed as many rows as when it was made.
create or replace procedure confirm_replay(p_run bigint, p_table varchar(127), p_loads bigint)
as $$
declare
    v_loads bigint;
    v_first bigint;
begin
    select count(*), min(case when rows_added <> rows_added_before or rows_removed <> rows_removed_before then load_sequence end)
    into v_loads, v_first
    from replayed_load
    where run_sequence = p_run and table_name = p_table;
    if v_loads <> p_loads or v_first is not null then
        raise exception 'REPLAY DIFFERS: % of % loads of % were made again, the first that differs is that of run %',
            v_loads, p_loads, p_table, v_first;
    end if;
end;
$$ language plpgsql

-- name: require_audit
-- Lets a run publish only when all its checks have a result and none that fails.
create or replace procedure require_audit(p_run bigint, p_checks bigint)
as $$
declare
    v_checks bigint;
    v_failing bigint;
begin
    select count(*), coalesce(sum(case when severity = 'fail' and violations > 0 then 1 else 0 end), 0)
    into v_checks, v_failing
    from check_result
    where run_sequence = p_run;
    if v_checks <> p_checks or v_failing > 0 then
        raise exception 'NOT AUDITED: % of % checks have a result, % fail', v_checks, p_checks, v_failing;
    end if;
end;
$$ language plpgsql

-- name: note_unload
-- Notes how many rows the session's last UNLOAD wrote. It knows: nothing is counted again for that.
create or replace procedure note_unload(p_run bigint, p_table varchar(255), p_is_whole boolean)
as $$
declare
    v_rows bigint;
begin
    select pg_last_unload_count() into v_rows;
    delete from lake_unload where run_sequence = p_run and table_name = p_table;
    insert into lake_unload (run_sequence, table_name, is_whole, unloaded_rows) values (p_run, p_table, p_is_whole, v_rows);
end;
$$ language plpgsql

-- name: close_run
-- Ends a run and frees its lease. A run that published is 'succeeded', one that had nothing to publish 'unchanged'. One that was
-- closed as failed just before its close, and then redriven, has done all the same: it counts as what it is, unless a newer one began.
create or replace procedure close_run(p_run bigint, p_status varchar(20), p_error varchar(4096), p_as_of date)
as $$
declare
    v_published bigint;
begin
    select count(*) into v_published from step_commit where run_sequence = p_run and step = 'publish';
    update run
    set status = case when p_status <> 'succeeded' or v_published > 0 then p_status else 'unchanged' end,
        error = p_error,
        as_of = p_as_of,
        finished_at = getdate()
    where run_sequence = p_run
        and (status = 'running' or (p_status <> 'failed' and status = 'failed'
            and run_sequence = (select max(lease.run_sequence) from lease)));
    update lease set is_held = false where run_sequence = p_run;
end;
$$ language plpgsql
