-- What step `load` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.
-- What stands behind `_rp_verified` comes of steps/verify_load.py.

-- ====================================================================================================
-- apartments/000002/load/bookings: keyed, a window: versions are added

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'load bookings', 43200);

create temp table _rp_arrived ("booking_id" bigint, "apartment_id" bigint, "total_price" decimal(10,2),
    "changed_at" timestamp, _row_hash bigint);

copy _rp_arrived
    from 's3://example-bucket/apartments/runs/000002/manifests/bookings.json'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet manifest;

create temp table _rp_deleted ("booking_id" bigint);

create temp table _rp_touched as
    select "booking_id"
    from _rp_arrived
    union
    select "booking_id"
    from _rp_deleted;

create temp table _rp_newest as
        select "booking_id", _row_hash, _operation
        from (
            select _rp_raw."booking_id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
                _rp_raw."booking_id"
                    order by _rp_raw._run_sequence desc) as _rp_rank
            from apartments_raw."bookings" as _rp_raw
                inner join _rp_touched
                on _rp_raw."booking_id" = _rp_touched."booking_id"
            where _rp_raw."booking_id" >= 8999 and _rp_raw."booking_id" <= 9010
        ) as _rp_ranked
        where _rp_rank = 1;

insert into apartments_raw."bookings" ("booking_id", "apartment_id", "total_price", "changed_at", _row_hash,
    _run_sequence, _operation, _observed_at)
select _rp_arrived.*, 2, 'U', cast('2026-11-21 03:00:00.000000' as timestamp)
from _rp_arrived
left join _rp_newest on _rp_newest."booking_id" = _rp_arrived."booking_id"
where _rp_newest._operation is null
    or _rp_newest._operation = 'D'
    or _rp_newest._row_hash <> _rp_arrived._row_hash;

insert into apartments_raw."bookings" ("booking_id", _run_sequence, _operation, _row_hash, _observed_at,
    _bad_columns)
select _rp_newest."booking_id",
    2, 'D', _rp_newest._row_hash, cast('2026-11-21 03:00:00.000000' as timestamp), cast(null as varchar(65535))
from _rp_newest
inner join _rp_deleted on _rp_newest."booking_id" = _rp_deleted."booking_id"
where _rp_newest._operation = 'U';

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 2, 'bookings', 's3://example-bucket/apartments/runs/000002/manifests/bookings.json', 1, 1, 4096, 80,
        80, 0, 0, (select count(*)
        from _rp_arrived), (select count(*)
        from (select distinct "booking_id"
            from _rp_arrived) as _rp_distinct_keys), (select count(*)
        from apartments_raw."bookings"
        where _run_sequence = 2
        and _operation = 'U'), (select count(*)
        from apartments_raw."bookings"
        where _run_sequence = 2
        and _operation = 'D'), (select count(*)
        from _rp_newest
        where _operation = 'U'), cast('2026-11-20 02:59:00.000000' as timestamp),
            cast('2026-11-21 02:59:00.000000' as timestamp);

call commit_load(2, 'bookings', cast('2026-11-20 02:59:00.000000' as timestamp),
    cast('2026-11-21 02:59:00.000000' as timestamp), 0.5, '…');


-- ====================================================================================================
-- apartments/000001/load/bookings: keyed, read whole: what did not arrive is gone

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(1, 'load bookings', 43200);

create temp table _rp_arrived ("booking_id" bigint, "apartment_id" bigint, "total_price" decimal(10,2),
    "changed_at" timestamp, _row_hash bigint);

copy _rp_arrived
    from 's3://example-bucket/apartments/runs/000001/manifests/bookings.json'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet manifest;

create temp table _rp_deleted ("booking_id" bigint);

create temp table _rp_newest as
        select "booking_id", _row_hash, _operation
        from (
            select _rp_raw."booking_id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
                _rp_raw."booking_id"
                    order by _rp_raw._run_sequence desc) as _rp_rank
            from apartments_raw."bookings" as _rp_raw
            where true
        ) as _rp_ranked
        where _rp_rank = 1;

insert into _rp_deleted
select _rp_newest."booking_id"
from _rp_newest
left join _rp_arrived on _rp_newest."booking_id" = _rp_arrived."booking_id"
where _rp_newest._operation = 'U' and _rp_arrived._row_hash is null;

insert into apartments_raw."bookings" ("booking_id", "apartment_id", "total_price", "changed_at", _row_hash,
    _run_sequence, _operation, _observed_at)
select _rp_arrived.*, 1, 'U', cast('2026-11-20 03:00:00.000000' as timestamp)
from _rp_arrived
left join _rp_newest on _rp_newest."booking_id" = _rp_arrived."booking_id"
where _rp_newest._operation is null
    or _rp_newest._operation = 'D'
    or _rp_newest._row_hash <> _rp_arrived._row_hash;

insert into apartments_raw."bookings" ("booking_id", _run_sequence, _operation, _row_hash, _observed_at,
    _bad_columns)
select _rp_newest."booking_id",
    1, 'D', _rp_newest._row_hash, cast('2026-11-20 03:00:00.000000' as timestamp), cast(null as varchar(65535))
from _rp_newest
inner join _rp_deleted on _rp_newest."booking_id" = _rp_deleted."booking_id"
where _rp_newest._operation = 'U';

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 1, 'bookings', 's3://example-bucket/apartments/runs/000001/manifests/bookings.json', 1, 1, 4096, 80,
        80, 0, 0, (select count(*)
        from _rp_arrived), (select count(*)
        from (select distinct "booking_id"
            from _rp_arrived) as _rp_distinct_keys), (select count(*)
        from apartments_raw."bookings"
        where _run_sequence = 1
        and _operation = 'U'), (select count(*)
        from apartments_raw."bookings"
        where _run_sequence = 1
        and _operation = 'D'), (select count(*)
        from _rp_newest
        where _operation = 'U'), cast('2026-11-20 02:59:00.000000' as timestamp),
            cast('2026-11-21 02:59:00.000000' as timestamp);

call commit_load(1, 'bookings', cast('2026-11-20 02:59:00.000000' as timestamp),
    cast('2026-11-21 02:59:00.000000' as timestamp), 0.5, '…');

create temp table _rp_verified as
    select
        _rp_expected._rp_span_number,
        _rp_expected._rp_span_text,
        _rp_expected._rp_rows as _rp_rows_expected,
        _rp_expected._rp_checksum as _rp_checksum_expected,
        coalesce(_rp_found._rp_rows, 0) as _rp_rows_found,
        coalesce(_rp_found._rp_checksum, 0) as _rp_checksum_found
    from (select 0 as _rp_span_number, cast('keys before 500' as varchar(1024)) as _rp_span_text, cast(40 as
        bigint) as _rp_rows, cast(123456789 as decimal(38, 0)) as _rp_checksum
            union all
            select 1 as _rp_span_number, cast('keys from 500 on' as varchar(1024)) as _rp_span_text, cast(40 as
                bigint) as _rp_rows, cast(123456789 as decimal(38, 0)) as _rp_checksum) as _rp_expected
    left join (select case
            when "booking_id" < 500 then 0
            else 1 end as _rp_span_number, count(*) as _rp_rows, sum(cast(_row_hash as decimal(38, 0))) as
                _rp_checksum
            from (
    select "booking_id", _row_hash
    from (
        select _rp_raw."booking_id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
            _rp_raw."booking_id"
                order by _rp_raw._run_sequence desc) as _rp_rank
        from apartments_raw."bookings" as _rp_raw
        where true
    ) as _rp_ranked
    where _rp_rank = 1 and _operation = 'U'
) as _rp_current group by 1) as _rp_found on _rp_expected._rp_span_number = _rp_found._rp_span_number;

call require_equal('bookings');

update apartments_control.reconciliation
set source_rows_after = 0 + (select sum(_rp_rows_expected) from _rp_verified),
    raw_rows_after = 0 + (select sum(_rp_rows_found) from _rp_verified)
where run_sequence = 1 and table_name = 'bookings';


-- ====================================================================================================
-- apartments/000003/load/apartments: keyed, compared: then raw is compared again

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(3, 'load apartments', 43200);

create temp table _rp_arrived ("id" bigint, "title" varchar(1020), "price" decimal(10,2), "changed_at"
    timestamp, _row_hash bigint);

copy _rp_arrived
    from 's3://example-bucket/apartments/runs/000003/manifests/apartments.json'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet manifest;

create temp table _rp_deleted ("id" bigint);

copy _rp_deleted
    from 's3://example-bucket/apartments/runs/000003/manifests/apartments-deleted.json'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet manifest;

create temp table _rp_touched as select "id" from _rp_arrived union select "id" from _rp_deleted;

create temp table _rp_newest as
        select "id", _row_hash, _operation
        from (
            select _rp_raw."id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
                _rp_raw."id"
                    order by _rp_raw._run_sequence desc) as _rp_rank
            from apartments_raw."apartments" as _rp_raw
                inner join _rp_touched
                on _rp_raw."id" = _rp_touched."id"
            where _rp_raw."id" >= 8999 and _rp_raw."id" <= 9010
        ) as _rp_ranked
        where _rp_rank = 1;

insert into apartments_raw."apartments" ("id", "title", "price", "changed_at", _row_hash, _run_sequence,
    _operation, _observed_at)
select _rp_arrived.*, 3, 'U', cast('2026-11-22 03:00:00.000000' as timestamp)
from _rp_arrived
left join _rp_newest on _rp_newest."id" = _rp_arrived."id"
where _rp_newest._operation is null
    or _rp_newest._operation = 'D'
    or _rp_newest._row_hash <> _rp_arrived._row_hash;

insert into apartments_raw."apartments" ("id", _run_sequence, _operation, _row_hash, _observed_at,
    _bad_columns)
select _rp_newest."id",
    3, 'D', _rp_newest._row_hash, cast('2026-11-22 03:00:00.000000' as timestamp), cast(null as varchar(65535))
from _rp_newest
inner join _rp_deleted on _rp_newest."id" = _rp_deleted."id"
where _rp_newest._operation = 'U';

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 3, 'apartments', 's3://example-bucket/apartments/runs/000003/manifests/apartments.json', 1, 1, 4096,
        80, 80, 0, 0, (select count(*)
        from _rp_arrived), (select count(*)
        from (select distinct "id"
            from _rp_arrived) as _rp_distinct_keys), (select count(*)
        from apartments_raw."apartments"
        where _run_sequence = 3
        and _operation = 'U'), (select count(*)
        from apartments_raw."apartments"
        where _run_sequence = 3
        and _operation = 'D'), 1001, cast(null as timestamp), cast(null as timestamp);

call commit_load(3, 'apartments', cast(null as timestamp), cast(null as timestamp), 0.5, '…');

create temp table _rp_verified as
    select
        _rp_expected._rp_span_number,
        _rp_expected._rp_span_text,
        _rp_expected._rp_rows as _rp_rows_expected,
        _rp_expected._rp_checksum as _rp_checksum_expected,
        coalesce(_rp_found._rp_rows, 0) as _rp_rows_found,
        coalesce(_rp_found._rp_checksum, 0) as _rp_checksum_found
    from (select 0 as _rp_span_number, cast('keys before 500' as varchar(1024)) as _rp_span_text, cast(40 as
        bigint) as _rp_rows, cast(123456789 as decimal(38, 0)) as _rp_checksum
            union all
            select 1 as _rp_span_number, cast('keys from 500 on' as varchar(1024)) as _rp_span_text, cast(40 as
                bigint) as _rp_rows, cast(123456789 as decimal(38, 0)) as _rp_checksum) as _rp_expected
    left join (select case
            when "id" < 500 then 0
            else 1 end as _rp_span_number, count(*) as _rp_rows, sum(cast(_row_hash as decimal(38, 0))) as
                _rp_checksum
            from (
    select "id", _row_hash
    from (
        select _rp_raw."id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
            _rp_raw."id"
                order by _rp_raw._run_sequence desc) as _rp_rank
        from apartments_raw."apartments" as _rp_raw
        where true
    ) as _rp_ranked
    where _rp_rank = 1 and _operation = 'U'
) as _rp_current group by 1) as _rp_found on _rp_expected._rp_span_number = _rp_found._rp_span_number;

call require_equal('apartments');

update apartments_control.reconciliation
set source_rows_after = 0 + (select sum(_rp_rows_expected) from _rp_verified),
    raw_rows_after = 0 + (select sum(_rp_rows_found) from _rp_verified)
where run_sequence = 3 and table_name = 'apartments';


-- ====================================================================================================
-- apartments/000002/load/user_viewing: events: whole days are replaced

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'load user_viewing', 43200);

create temp table _rp_arrived ("user_id" varchar(144), "apartment_id" bigint, "recorded_at" timestamp,
    _row_hash bigint, _bad_columns varchar(65535));

copy _rp_arrived
    from 's3://example-bucket/apartments/runs/000002/manifests/user_viewing.json'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet manifest;

insert into apartments_control.reconciliation (run_sequence, table_name, is_whole, ranges, ranges_different,
    source_rows, raw_rows, source_rows_after, raw_rows_after, rows_unmoved, rows_backdated, compared_at)
    values (2, 'user_viewing', false, 4, 2, 80, 70, null, null, null, null, cast('2026-11-21 03:00:00.000000'
        as timestamp));

create temp table _rp_arrived_by_day as
    select _rp_arrived.*, coalesce(cast(_rp_arrived."recorded_at" as date), cast('0001-01-01' as date)) as
        _event_day
    from _rp_arrived;

create temp table _rp_arrived_day as
    select _event_day, count(*) as _rp_day_rows, sum(cast(_row_hash as decimal(38, 0))) as _rp_checksum
    from _rp_arrived_by_day
    group by _event_day;

create temp table _rp_known_day as
select _event_day, count(*) as _rp_day_rows, sum(cast(_row_hash as decimal(38, 0))) as _rp_checksum
from apartments_raw."user_viewing"
where (_event_day >= '2026-11-20' and _event_day < '2026-11-22')
group by _event_day;

create temp table _rp_replaced_day as
select
    coalesce(_rp_arrived_day._event_day, _rp_known_day._event_day) as _event_day,
    coalesce(_rp_known_day._rp_day_rows, 0) as _rp_known_rows
from _rp_arrived_day
full outer join _rp_known_day on _rp_arrived_day._event_day = _rp_known_day._event_day
where _rp_arrived_day._event_day is null
    or _rp_known_day._event_day is null
    or _rp_arrived_day._rp_day_rows <> _rp_known_day._rp_day_rows
    or _rp_arrived_day._rp_checksum <> _rp_known_day._rp_checksum;

delete from apartments_raw."user_viewing"
    using _rp_replaced_day
    where "user_viewing"._event_day = _rp_replaced_day._event_day
    and (("user_viewing"._event_day >= '2026-11-20'
            and "user_viewing"._event_day < '2026-11-22'));

insert into apartments_raw."user_viewing" ("user_id", "apartment_id", "recorded_at", _row_hash, _bad_columns,
    _event_day, _run_sequence, _operation, _observed_at)
select _rp_arrived_by_day.*, 2, 'U', cast('2026-11-21 03:00:00.000000' as timestamp)
from _rp_arrived_by_day
inner join _rp_replaced_day on _rp_arrived_by_day._event_day = _rp_replaced_day._event_day;

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 2, 'user_viewing', 's3://example-bucket/apartments/runs/000002/manifests/user_viewing.json', 1, 1,
        4096, 80, 80, 0, 0, (select count(*)
        from _rp_arrived), null, (select count(*)
        from apartments_raw."user_viewing"
        where _run_sequence = 2
        and ((_event_day >= '2026-11-20'
                and _event_day < '2026-11-22'))), (select coalesce(sum(_rp_known_rows), 0)
        from _rp_replaced_day), (select coalesce(sum(_rp_day_rows), 0)
        from _rp_known_day), cast(null as timestamp), cast(null as timestamp);

insert into apartments_control.changed_day (table_name, event_day, run_sequence)
select 'user_viewing', _event_day, 2 from _rp_replaced_day;

call commit_load(2, 'user_viewing', cast(null as timestamp), cast(null as timestamp), null, '…');

create temp table _rp_verified as
select
    _rp_expected._rp_span_number,
    _rp_expected._rp_span_text,
    _rp_expected._rp_rows as _rp_rows_expected,
    _rp_expected._rp_checksum as _rp_checksum_expected,
    coalesce(_rp_found._rp_rows, 0) as _rp_rows_found,
    coalesce(_rp_found._rp_checksum, 0) as _rp_checksum_found
from (select 0 as _rp_span_number, cast('days before 2026-11-21' as varchar(1024)) as _rp_span_text, cast(40 as
    bigint) as _rp_rows, cast(123456789 as decimal(38, 0)) as _rp_checksum
        union all
        select 1 as _rp_span_number, cast('days from 2026-11-21 on' as varchar(1024)) as _rp_span_text, cast(40
            as bigint) as _rp_rows, cast(123456789 as decimal(38, 0)) as _rp_checksum) as _rp_expected
left join (select case
        when _event_day < '2026-11-21' then 0
        else 1 end as _rp_span_number, count(*) as _rp_rows, sum(cast(_row_hash as decimal(38, 0))) as
            _rp_checksum
        from apartments_raw."user_viewing"
        where (_event_day >= '2026-11-17')
        or _event_day < '1000-01-01'
        group by 1) as _rp_found
    on _rp_expected._rp_span_number = _rp_found._rp_span_number;

call require_equal('user_viewing');

update apartments_control.reconciliation
set source_rows_after = 0 + (select sum(_rp_rows_expected) from _rp_verified),
    raw_rows_after = 0 + (select sum(_rp_rows_found) from _rp_verified)
where run_sequence = 2 and table_name = 'user_viewing';
