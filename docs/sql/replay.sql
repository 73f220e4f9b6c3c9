-- What step `replay` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000004/replay/bookings

-- batch `begin`

set search_path to apartments_control;

lock lease;

call enter_step(4, 'replay bookings: begin', 43200);

drop table if exists apartments_staging."_rp_bookings";

create table apartments_staging.replayed_bookings (…);

delete from apartments_control.replayed_load where table_name = 'bookings';


-- batch `load-000001`

set search_path to apartments_control;

lock lease;

call enter_step(4, 'replay bookings: load of run 1', 43200);

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
            from apartments_staging."_rp_bookings" as _rp_raw
            where true
        ) as _rp_ranked
        where _rp_rank = 1;

insert into _rp_deleted
select _rp_newest."booking_id"
from _rp_newest
left join _rp_arrived on _rp_newest."booking_id" = _rp_arrived."booking_id"
where _rp_newest._operation = 'U' and _rp_arrived._row_hash is null;

insert into apartments_staging."_rp_bookings" ("booking_id", "apartment_id", "total_price", "changed_at",
    _row_hash, _run_sequence, _operation, _observed_at)
select _rp_arrived.*, 1, 'U', cast('2026-11-20 03:00:00.000000' as timestamp)
from _rp_arrived
left join _rp_newest on _rp_newest."booking_id" = _rp_arrived."booking_id"
where _rp_newest._operation is null
    or _rp_newest._operation = 'D'
    or _rp_newest._row_hash <> _rp_arrived._row_hash;

insert into apartments_staging."_rp_bookings" ("booking_id", _run_sequence, _operation, _row_hash,
    _observed_at, _bad_columns)
select _rp_newest."booking_id",
    1, 'D', _rp_newest._row_hash, cast('2026-11-20 03:00:00.000000' as timestamp), cast(null as varchar(65535))
from _rp_newest
inner join _rp_deleted on _rp_newest."booking_id" = _rp_deleted."booking_id"
where _rp_newest._operation = 'U';

insert into apartments_control.replayed_load (run_sequence, table_name, load_sequence, rows_added,
    rows_removed, rows_added_before, rows_removed_before)
    select 4, 'bookings', 1, (select count(*)
        from apartments_staging."_rp_bookings"
        where _run_sequence = 1
        and _operation = 'U'), (select count(*)
        from apartments_staging."_rp_bookings"
        where _run_sequence = 1
        and _operation = 'D'), 9000, 0;


-- batch `exchange`

set search_path to apartments_control;

lock lease;

call enter_step(4, 'replay bookings: exchange', 43200);

call confirm_replay(4, 'bookings', 1);

delete from apartments_raw."bookings";

insert into apartments_raw."bookings" ("booking_id", "apartment_id", "total_price", "changed_at",
    _run_sequence, _operation, _row_hash, _observed_at, _bad_columns)
    select *
    from apartments_staging."_rp_bookings";

drop table apartments_staging."_rp_bookings";
