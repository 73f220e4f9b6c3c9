-- What step `prepare` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.
-- The exchange rates, too, which come as a file.

-- ====================================================================================================
-- apartments/000001/prepare: a first load

-- batch `raw-tables-0`

set search_path to apartments_control;

create table if not exists apartments_raw.bookings (…);


-- batch `define-apartments`

set search_path to apartments_control;

lock lease;

call hold_lease(1, 43200);

drop table if exists apartments_curated.apartments;

create table if not exists apartments_curated.apartments (
    id bigint not null,
    title varchar(16384),
    source varchar(1024),
    price decimal(18, 2) not null,
    currency varchar(3) not null,
    listing_created_at timestamp not null,
    is_active boolean not null,
    last_modified_at timestamp,
    removed_at timestamp
)
distkey (id)
sortkey (id);

delete from apartments_control.layer_position where layer = 'curated' and name = 'apartments';


-- batch `define-bookings`

set search_path to apartments_control;

lock lease;

call hold_lease(1, 43200);

drop table if exists apartments_curated.bookings;

create table if not exists apartments_curated.bookings (
    booking_id bigint not null,
    user_id varchar(128) not null,
    apartment_id bigint not null,
    booking_date date not null,
    checkin_date date not null,
    checkout_date date not null,
    total_price decimal(18, 2) not null,
    currency varchar(3) not null,
    booking_status varchar(16) not null,
    payment_status varchar(128),
    guests bigint
)
distkey (apartment_id)
sortkey (booking_date);

delete from apartments_control.layer_position where layer = 'curated' and name = 'bookings';


-- batch `define-user_viewing`

set search_path to apartments_control;

lock lease;

call hold_lease(1, 43200);

drop table if exists apartments_curated.user_viewing;

create table if not exists apartments_curated.user_viewing (
    event_day date not null,
    user_id varchar(128) not null,
    apartment_id bigint not null,
    viewed_at timestamp not null,
    is_wishlisted boolean,
    call_to_action varchar(128)
)
distkey (apartment_id)
sortkey (event_day);

delete from apartments_control.layer_position where layer = 'curated' and name = 'user_viewing';


-- batch `rates`

set search_path to apartments_control;

lock lease;

call hold_lease(1, 43200);

create temp table incoming_rate (currency varchar(3) not null, valid_from date not null, valid_to date not
    null, rate decimal(18, 10) not null);

copy incoming_rate (currency, valid_from, valid_to, rate)
    from 's3://example-bucket/apartments/runs/000001/rates/….json'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet manifest;

create temp table changed_rate as
    with beginning as (
        select
            coalesce(incoming_rate.currency, known.currency) as currency,
            coalesce(incoming_rate.valid_from, known.valid_from) as valid_from,
            known.rate as rate_before,
            incoming_rate.rate as rate_now
        from incoming_rate
        full outer join apartments_control.exchange_rate as known
            on incoming_rate.currency = known.currency and incoming_rate.valid_from = known.valid_from
    ),

    numbered as (
        select
            currency,
            valid_from,
            rate_before,
            rate_now,
            count(rate_before) over (partition by currency
                    order by valid_from rows unbounded preceding) as number_before,
            count(rate_now) over (partition by currency
                    order by valid_from rows unbounded preceding) as number_now,
            lead(valid_from) over (partition by currency order by valid_from) as next_from
        from beginning
    ),

    filled as (
        select
            valid_from,
            coalesce(next_from, cast('9999-12-31' as date)) as valid_to,
            max(rate_before) over (partition by currency, number_before) as held_before,
            max(rate_now) over (partition by currency, number_now) as holds_now
        from numbered
    )

    select valid_from, valid_to
    from filled
    where coalesce(held_before, 0) <> coalesce(holds_now, 0);

create temp table changed_exchange_rate as
    with edge as (
        select valid_from as edge_day, 1 as step, 0 as is_of_calendar from changed_rate
        union all
        select valid_to as edge_day, -1 as step, 0 as is_of_calendar from changed_rate
        union all
        select calendar_date as edge_day, 0 as step, 1 as is_of_calendar from apartments_control.calendar
    ),

    edge_day as (
        select edge_day, sum(step) as step, max(is_of_calendar) as is_of_calendar from edge group by edge_day
    ),

    counted as (
        select
            edge_day,
            is_of_calendar,
            sum(step) over (order by edge_day rows unbounded preceding) as open_spans
        from edge_day
    )

    select edge_day as rate_day
    from counted
    where open_spans > 0 and is_of_calendar = 1;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('control_exchange_rate' as varchar(255)), 0, 1
    from changed_rate;

delete from apartments_control.exchange_rate;

insert into apartments_control.exchange_rate (currency, valid_from, valid_to, rate)
    select currency, valid_from, valid_to, rate
    from incoming_rate;

delete from apartments_control.reporting_currency;

insert into apartments_control.reporting_currency (currency) values ('USD');

delete from apartments_control.layer_position where layer = 'control' and name = 'exchange_rate';

insert into apartments_control.layer_position (layer, name, run_sequence, input_hash)
    values ('control', 'exchange_rate', 1, '…');


-- ====================================================================================================
-- apartments/000002/prepare: an increment that finds nothing in one table, and widens a column

-- statement `widen-0`

alter table apartments_raw.apartments alter column title type varchar(2040);


-- batch `found`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'found', 43200);

insert into apartments_control.reconciliation (run_sequence, table_name, is_whole, ranges, ranges_different,
    source_rows, raw_rows, source_rows_after, raw_rows_after, rows_unmoved, rows_backdated, compared_at)
    values (2, 'apartments', true, 256, 0, 1000, 1000, 1000, 1000, null, null,
        cast('2026-11-21 03:00:00.000000' as timestamp));

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 2, 'apartments', null, 0, 0, 0, 0, 0, 0, 0, 0, null, 0, 0, 0, cast(null as timestamp), cast(null as
        timestamp);

call commit_load(2, 'apartments', cast(null as timestamp), cast(null as timestamp), 0.5, '…');


-- ====================================================================================================
-- apartments/000003/prepare: a reconcile run that finds one range different

-- batch `found`

set search_path to apartments_control;

lock lease;

call enter_step(3, 'found', 43200);

insert into apartments_control.reconciliation (run_sequence, table_name, is_whole, ranges, ranges_different,
    source_rows, raw_rows, source_rows_after, raw_rows_after, rows_unmoved, rows_backdated, compared_at)
    values (3, 'apartments', true, 256, 1, 1000, 1001, null, null, null, null,
        cast('2026-11-22 03:00:00.000000' as timestamp)), (3, 'bookings', true, 256, 0, 9000, 9000, 9000, 9000,
        0, 0, cast('2026-11-22 03:00:00.000000' as timestamp)), (3, 'user_viewing', true, 700, 0, 50000, 50000,
        50000, 50000, null, null, cast('2026-11-22 03:00:00.000000' as timestamp));

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 3, 'bookings', null, 0, 0, 0, 0, 0, 0, 0, 0, null, 0, 0, 0, cast('2026-11-20 02:59:00.000000' as
        timestamp), cast('2026-11-21 02:59:00.000000' as timestamp);

call commit_load(3, 'bookings', cast('2026-11-20 02:59:00.000000' as timestamp),
    cast('2026-11-21 02:59:00.000000' as timestamp), 0.5, '…');

insert into apartments_control.table_load (run_sequence, table_name, manifest, slices, parts, bytes, rows_read,
    rows_in_parquet, zero_dates, rows_set_aside, rows_copied, keys_copied, rows_added, rows_removed,
    rows_known, watermark_before, watermark_after)
    select 3, 'user_viewing', null, 0, 0, 0, 0, 0, 0, 0, 0, null, 0, 0, 0, cast(null as timestamp), cast(null
        as timestamp);

call commit_load(3, 'user_viewing', cast(null as timestamp), cast(null as timestamp), null, '…');


-- batch `known-0`

set search_path to apartments_control;

unload ('select * from (
        select "id", _row_hash
        from (
            select _rp_raw."id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
                _rp_raw."id"
                    order by _rp_raw._run_sequence desc) as _rp_rank
            from apartments_raw."apartments" as _rp_raw
            where "id" >= 100 and "id" < 200
        ) as _rp_ranked
        where _rp_rank = 1 and _operation = ''U''
    ) as _rp_known union all select cast(null as bigint), count(*) from (
        select "id", _row_hash
        from (
            select _rp_raw."id", _rp_raw._row_hash, _rp_raw._operation, row_number() over (partition by
                _rp_raw."id"
                    order by _rp_raw._run_sequence desc) as _rp_rank
            from apartments_raw."apartments" as _rp_raw
            where "id" >= 100 and "id" < 200
        ) as _rp_ranked
        where _rp_rank = 1 and _operation = ''U''
    ) as
        _rp_counted') to 's3://example-bucket/apartments/known/000003/apartments/00000/' iam_role 'arn:aws:iam::123456789012:role/copy'
        format as parquet manifest parallel off allowoverwrite;


-- ====================================================================================================
-- apartments/000005/prepare: a run that reloads a table in full

-- batch `erase-bookings`

set search_path to apartments_control;

lock lease;

call enter_step(5, 'erase bookings', 43200);

drop table if exists apartments_raw."bookings";

update apartments_control.layer_position
    set first_run_sequence = null, watermark = null
    where layer = 'raw'
    and name = 'bookings';

update apartments_control.layer_position
    set run_sequence = 0, input_hash = null
    where layer = 'curated'
    and name in ('bookings', '');

delete from apartments_control.layer_position where layer = 'erased' and name = 'bookings';

insert into apartments_control.layer_position (layer, name, run_sequence) values ('erased', 'bookings', 5);
