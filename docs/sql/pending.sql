-- What step `pending` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/pending

-- read when all of it is committed:

select name, run_sequence from apartments_control.layer_position where layer = 'raw';

select metric, count(*) as dirty_periods, to_char(min(period_start), 'YYYY-MM-DD') as first_period,
    to_char(max(period_start), 'YYYY-MM-DD') as last_period
    from apartments_control.dirty_period
    group by metric
    order by metric;

select count(*) as stale_parts from apartments_control.lake_stale_year;

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

select cast('apartments' as varchar(127)) as _rp_table, cast(null as varchar(127)) as _rp_join, cast(min("id")
    as varchar(65535)) as _rp_least, cast(max("id") as varchar(65535)) as _rp_greatest, cast(coalesce(sum(case
                when _operation = 'D' then 1
                else 0 end), 0) as bigint) as _rp_removed, count(*) as _rp_rows, cast(null as varchar(65535))
                    as _rp_referred_least, cast(null as varchar(65535)) as _rp_referred_greatest
    from apartments_raw."apartments"
    where _run_sequence > 1
    union all
    select cast('bookings' as varchar(127)) as _rp_table, cast(null as varchar(127)) as _rp_join,
        cast(min("booking_id") as varchar(65535)) as _rp_least, cast(max("booking_id") as varchar(65535)) as
        _rp_greatest, cast(coalesce(sum(case
                when _operation = 'D' then 1
                else 0 end), 0) as bigint) as _rp_removed, count(*) as _rp_rows, cast(null as varchar(65535))
                    as _rp_referred_least, cast(null as varchar(65535)) as _rp_referred_greatest
    from apartments_raw."bookings"
    where _run_sequence > 1
    union all
    select cast('user_viewing' as varchar(127)) as _rp_table, cast(null as varchar(127)) as _rp_join,
        cast(min(_event_day) as varchar(65535)) as _rp_least, cast(max(_event_day) as varchar(65535)) as
        _rp_greatest, cast(coalesce(sum(case
                when _operation = 'D' then 1
                else 0 end), 0) as bigint) as _rp_removed, count(*) as _rp_rows, cast(null as varchar(65535))
                    as _rp_referred_least, cast(null as varchar(65535)) as _rp_referred_greatest
    from (select _event_day, _operation
        from apartments_raw."user_viewing"
        where _run_sequence > 1
        union all
        select event_day as _event_day, 'U' as _operation
        from apartments_control.changed_day
        where table_name = 'user_viewing'
        and run_sequence > 1) as _rp_arrived;

select cast('bookings' as varchar(127)) as _rp_table, _rp_parent, _rp_orphans, _rp_accepted, _rp_since
    from (select parent_hash as _rp_parent, row_number() over (order by parent_hash) as _rp_number,
        cast(sum(_rp_rows) over () as bigint) as _rp_orphans, cast(sum(_rp_kept) over () as bigint) as
        _rp_accepted, min(_rp_first) over () as _rp_since
        from (select parent_hash, count(*) as _rp_rows, sum(case
                when is_rejected then 0
                else 1 end) as _rp_kept, min(run_sequence) as _rp_first
            from (select orphan.row_key, orphan.event_day, orphan.run_sequence, orphan.is_rejected,
                orphan.parent_hash
                from apartments_control.orphan
                inner join (select md5(lower(rtrim(cast(_rp_parent."id" as varchar(65535))))) as
                    _rp_parent_hash
                    from apartments_raw."apartments" as _rp_parent
                    where _rp_parent._run_sequence > 1
                    and _rp_parent._operation = 'U') as _rp_arrived
                on orphan.parent_hash = _rp_arrived._rp_parent_hash
                where orphan.table_name = 'bookings'
                and orphan.parent = 'apartments') as _rp_orphan
            group by parent_hash) as _rp_came) as _rp_counted
    where _rp_number <= 51
    union all
    select cast('user_viewing' as varchar(127)) as _rp_table, _rp_parent, _rp_orphans, _rp_accepted, _rp_since
    from (select parent_hash as _rp_parent, row_number() over (order by parent_hash) as _rp_number,
        cast(sum(_rp_rows) over () as bigint) as _rp_orphans, cast(sum(_rp_kept) over () as bigint) as
        _rp_accepted, min(_rp_first) over () as _rp_since
        from (select parent_hash, count(*) as _rp_rows, sum(case
                when is_rejected then 0
                else 1 end) as _rp_kept, min(run_sequence) as _rp_first
            from (select orphan.row_key, orphan.event_day, orphan.run_sequence, orphan.is_rejected,
                orphan.parent_hash
                from apartments_control.orphan
                inner join (select md5(lower(rtrim(cast(_rp_parent."id" as varchar(65535))))) as
                    _rp_parent_hash
                    from apartments_raw."apartments" as _rp_parent
                    where _rp_parent._run_sequence > 1
                    and _rp_parent._operation = 'U') as _rp_arrived
                on orphan.parent_hash = _rp_arrived._rp_parent_hash
                where orphan.table_name = 'user_viewing'
                and orphan.parent = 'apartments') as _rp_orphan
            group by parent_hash) as _rp_came) as _rp_counted
    where _rp_number <= 51;
