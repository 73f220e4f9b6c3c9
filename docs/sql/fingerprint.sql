-- What step `fingerprint` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/fingerprint: an increment: the tables that are compared in every run

-- read when all of it is committed:

with _rp_newest as (
    select "id", _row_hash
    from (
        select _rp_raw."id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
            _rp_raw."id"
                order by _rp_raw._run_sequence desc) as _rp_rank
        from apartments_raw."apartments" as _rp_raw
        where true
    ) as _rp_ranked
    where _rp_rank = 1 and _operation = 'U'
)
select max(case
        when _rp_placed._rp_place = 1 then cast(_rp_placed."id" as varchar(65535)) end) as _rp_start_0,
            count(*) as _rp_rows, cast(sum(cast(_rp_placed._row_hash as decimal(38, 0))) as varchar(40)) as
            _rp_checksum
from (
    select _rp_ranged."id", _rp_ranged._row_hash, _rp_ranged._rp_key_range,
        row_number() over (partition by _rp_ranged._rp_key_range order by _rp_ranged."id") as _rp_place
    from (
        select _rp_newest."id", _rp_newest._row_hash, cast(floor((cast(_rp_newest."id" as double precision) -
            _rp_ends._rp_least) / (_rp_ends._rp_greatest - _rp_ends._rp_least + 1) * 256) as integer) as
            _rp_key_range
        from _rp_newest
            cross join (select cast(min("id") as double precision) as _rp_least, cast(max("id") as double
                precision) as _rp_greatest
                from _rp_newest) as _rp_ends
    ) as _rp_ranged
) as _rp_placed
group by _rp_placed._rp_key_range
order by _rp_placed._rp_key_range;

select cast(_event_day as varchar(10)) as _rp_day, count(*) as _rp_rows, cast(sum(cast(_row_hash as decimal(38,
    0))) as varchar(40)) as _rp_checksum
    from apartments_raw."user_viewing"
    where _event_day >= '2026-11-17'
    or _event_day < '1000-01-01'
    group by _event_day
    order by 1;


-- ====================================================================================================
-- apartments/000003/fingerprint: a reconcile run: all tables, whole

-- read when all of it is committed:

with _rp_newest as (
    select "id", _row_hash
    from (
        select _rp_raw."id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
            _rp_raw."id"
                order by _rp_raw._run_sequence desc) as _rp_rank
        from apartments_raw."apartments" as _rp_raw
        where true
    ) as _rp_ranked
    where _rp_rank = 1 and _operation = 'U'
)
select max(case
        when _rp_placed._rp_place = 1 then cast(_rp_placed."id" as varchar(65535)) end) as _rp_start_0,
            count(*) as _rp_rows, cast(sum(cast(_rp_placed._row_hash as decimal(38, 0))) as varchar(40)) as
            _rp_checksum
from (
    select _rp_ranged."id", _rp_ranged._row_hash, _rp_ranged._rp_key_range,
        row_number() over (partition by _rp_ranged._rp_key_range order by _rp_ranged."id") as _rp_place
    from (
        select _rp_newest."id", _rp_newest._row_hash, cast(floor((cast(_rp_newest."id" as double precision) -
            _rp_ends._rp_least) / (_rp_ends._rp_greatest - _rp_ends._rp_least + 1) * 256) as integer) as
            _rp_key_range
        from _rp_newest
            cross join (select cast(min("id") as double precision) as _rp_least, cast(max("id") as double
                precision) as _rp_greatest
                from _rp_newest) as _rp_ends
    ) as _rp_ranged
) as _rp_placed
group by _rp_placed._rp_key_range
order by _rp_placed._rp_key_range;

with _rp_newest as (
    select "booking_id", _row_hash
    from (
        select _rp_raw."booking_id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
            _rp_raw."booking_id"
                order by _rp_raw._run_sequence desc) as _rp_rank
        from apartments_raw."bookings" as _rp_raw
        where true
    ) as _rp_ranked
    where _rp_rank = 1 and _operation = 'U'
)
select max(case
        when _rp_placed._rp_place = 1 then cast(_rp_placed."booking_id" as varchar(65535)) end) as _rp_start_0,
            count(*) as _rp_rows, cast(sum(cast(_rp_placed._row_hash as decimal(38, 0))) as varchar(40)) as
            _rp_checksum
from (
    select _rp_ranged."booking_id", _rp_ranged._row_hash, _rp_ranged._rp_key_range,
        row_number() over (partition by _rp_ranged._rp_key_range
                order by _rp_ranged."booking_id") as _rp_place
    from (
        select _rp_newest."booking_id", _rp_newest._row_hash, cast(floor((cast(_rp_newest."booking_id" as
            double precision) - _rp_ends._rp_least) / (_rp_ends._rp_greatest - _rp_ends._rp_least + 1) * 256)
            as integer) as _rp_key_range
        from _rp_newest
            cross join (select cast(min("booking_id") as double precision) as _rp_least, cast(max("booking_id")
                as double precision) as _rp_greatest
                from _rp_newest) as _rp_ends
    ) as _rp_ranged
) as _rp_placed
group by _rp_placed._rp_key_range
order by _rp_placed._rp_key_range;

select cast(_event_day as varchar(10)) as _rp_day, count(*) as _rp_rows, cast(sum(cast(_row_hash as decimal(38,
    0))) as varchar(40)) as _rp_checksum
    from apartments_raw."user_viewing"
    group by _event_day
    order by 1;
