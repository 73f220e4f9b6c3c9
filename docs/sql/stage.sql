-- What step `stage` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/stage: an increment

-- batch `average_booking_duration_weekly,top_listings_weekly`

set search_path to apartments_control;

lock lease;

call hold_lease(2, 43200);

create table if not exists apartments_presentation.average_booking_duration_weekly (
    period_start date not null,
    stays bigint not null,
    nights bigint not null,
    average_nights double precision not null
)
diststyle all
sortkey (period_start);

drop table if exists apartments_staging.average_booking_duration_weekly;

create table if not exists apartments_staging.average_booking_duration_weekly (
    period_start date not null,
    stays bigint not null,
    nights bigint not null,
    average_nights double precision not null
)
diststyle all
sortkey (period_start);

create table if not exists apartments_presentation.top_listings_weekly (
    period_start date not null,
    apartment_id bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue decimal(38, 2)
)
distkey (apartment_id)
sortkey (period_start);

drop table if exists apartments_staging.top_listings_weekly;

create table if not exists apartments_staging.top_listings_weekly (
    period_start date not null,
    apartment_id bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue decimal(38, 2)
)
distkey (apartment_id)
sortkey (period_start);

delete from apartments_control.staged_period
    where metric in ('average_booking_duration_weekly', 'top_listings_weekly');

delete from apartments_control.metric_build
    where run_sequence = 2
    and metric in ('average_booking_duration_weekly', 'top_listings_weekly');

insert into apartments_control.staged_period (metric, period_start, run_sequence)
    select distinct 'average_booking_duration_weekly', period_start, 2
    from (select period_start
        from apartments_control.dirty_period
        where metric = 'average_booking_duration_weekly') as dirty
    union all
    select distinct 'top_listings_weekly', period_start, 2
    from (select period_start
        from apartments_control.dirty_period
        where metric = 'top_listings_weekly') as dirty;

create temp table _rp_number as
    select calendar_date - cast('2000-01-01' as date) as n
    from apartments_control.calendar
    where calendar_date < cast('2000-05-17' as date);

create temp table confirmed_stay as select bookings.*
from apartments_curated.bookings
where bookings.booking_status = 'confirmed'
    and bookings.checkin_date <= cast('2026-11-22' as date)
    and bookings.checkout_date >= cast('2026-11-16' as date);

create temp table booking_made as select bookings.*
from apartments_curated.bookings
where bookings.booking_date between cast('2026-11-16' as date) and cast('2026-11-22' as date);

create temp table dirty_period as
select period_start, cast(dateadd(week, 1, period_start) as date) as period_end
from apartments_control.staged_period
where metric = 'average_booking_duration_weekly';

create temp table dirty_day as
            select dirty_period.period_start + _rp_number.n as calendar_date, dirty_period.period_start
            from dirty_period
            inner join _rp_number on dirty_period.period_start + _rp_number.n < dirty_period.period_end;

create temp table stay_length as with stay as (
    select
        dirty_day.period_start,
        bookings.checkout_date - bookings.checkin_date as nights
    from dirty_day
    inner join confirmed_stay as bookings on dirty_day.calendar_date = bookings.checkin_date
    where bookings.booking_status = 'confirmed'
        and bookings.checkin_date between cast('2026-11-16' as date) and cast('2026-11-22' as date)
)

select
    period_start,
    count(*) as stays,
    sum(stay.nights) as nights,
    cast(sum(stay.nights) as double precision) / cast(count(*) as double precision) as average_nights
from stay
group by period_start;

insert into apartments_staging.average_booking_duration_weekly select
    period_start,
    stays,
    nights,
    average_nights
from stay_length;

drop table dirty_period, dirty_day, stay_length;

create temp table dirty_period as
select period_start, cast(dateadd(week, 1, period_start) as date) as period_end
from apartments_control.staged_period
where metric = 'top_listings_weekly';

create temp table dirty_day as
            select dirty_period.period_start + _rp_number.n as calendar_date, dirty_period.period_start
            from dirty_period
            inner join _rp_number on dirty_period.period_start + _rp_number.n < dirty_period.period_end;

insert into apartments_staging.top_listings_weekly select
    dirty_day.period_start,
    bookings.apartment_id,
    count(*) as bookings,
    sum(case when exchange_rate.currency is null then 1 else 0 end) as bookings_without_rate,
    cast(round(sum(bookings.total_price * exchange_rate.rate), 2) as decimal(38, 2)) as revenue
from dirty_day
inner join booking_made as bookings on dirty_day.calendar_date = bookings.booking_date
left join apartments_control.exchange_rate
    on bookings.currency = exchange_rate.currency
    and bookings.booking_date >= exchange_rate.valid_from
    and bookings.booking_date < exchange_rate.valid_to
where bookings.booking_status = 'confirmed'
    and bookings.booking_date between cast('2026-11-16' as date) and cast('2026-11-22' as date)
group by dirty_day.period_start, bookings.apartment_id;

insert into apartments_control.metric_build (run_sequence, metric, is_full, periods, metric_rows)
    select 2, 'average_booking_duration_weekly', false, periods, metric_rows
    from (select count(*) as periods
        from apartments_control.staged_period
        where metric = 'average_booking_duration_weekly') as counted_period
    cross join (select count(*) as metric_rows
        from apartments_staging.average_booking_duration_weekly) as counted_row
    union all
    select 2, 'top_listings_weekly', false, periods, metric_rows
    from (select count(*) as periods
        from apartments_control.staged_period
        where metric = 'top_listings_weekly') as counted_period
    cross join (select count(*) as metric_rows
        from apartments_staging.top_listings_weekly) as counted_row;


-- ====================================================================================================
-- apartments/000001/stage: a first load

-- batch `average_booking_duration_weekly`

set search_path to apartments_control;

lock lease;

call hold_lease(1, 43200);

-- (sql/apartments/presentation/average_booking_duration_weekly.sql, section table: see above);

drop table if exists apartments_staging.average_booking_duration_weekly;

create table if not exists apartments_staging.average_booking_duration_weekly (
    period_start date not null,
    stays bigint not null,
    nights bigint not null,
    average_nights double precision not null
)
diststyle all
sortkey (period_start);

delete from apartments_control.staged_period where metric in ('average_booking_duration_weekly');

delete from apartments_control.metric_build
    where run_sequence = 1
    and metric in ('average_booking_duration_weekly');

insert into apartments_control.staged_period (metric, period_start, run_sequence)
    select distinct 'average_booking_duration_weekly', period_start, 1
    from (select week_start as period_start
        from apartments_control.calendar) as dirty;

create temp table _rp_number as
    select calendar_date - cast('2000-01-01' as date) as n
    from apartments_control.calendar
    where calendar_date < cast('2000-05-17' as date);

create temp table confirmed_stay as select bookings.*
from apartments_curated.bookings
where bookings.booking_status = 'confirmed'
    and bookings.checkin_date <= cast('2051-01-31' as date)
    and bookings.checkout_date >= cast('1999-12-01' as date);

create temp table dirty_period as
select period_start, cast(dateadd(week, 1, period_start) as date) as period_end
from apartments_control.staged_period
where metric = 'average_booking_duration_weekly';

create temp table dirty_day as
            select dirty_period.period_start + _rp_number.n as calendar_date, dirty_period.period_start
            from dirty_period
            inner join _rp_number on dirty_period.period_start + _rp_number.n < dirty_period.period_end;

create temp table stay_length as with stay as (
    select
        dirty_day.period_start,
        bookings.checkout_date - bookings.checkin_date as nights
    from dirty_day
    inner join confirmed_stay as bookings on dirty_day.calendar_date = bookings.checkin_date
    where bookings.booking_status = 'confirmed'
        and bookings.checkin_date between cast('1999-12-01' as date) and cast('2051-01-31' as date)
)

select
    period_start,
    count(*) as stays,
    sum(stay.nights) as nights,
    cast(sum(stay.nights) as double precision) / cast(count(*) as double precision) as average_nights
from stay
group by period_start;

insert into apartments_staging.average_booking_duration_weekly
-- (sql/apartments/presentation/average_booking_duration_weekly.sql, section rows: see above);

insert into apartments_control.metric_build (run_sequence, metric, is_full, periods, metric_rows)
    select 1, 'average_booking_duration_weekly', true, periods, metric_rows
    from (select count(*) as periods
        from apartments_control.staged_period
        where metric = 'average_booking_duration_weekly') as counted_period
    cross join (select count(*) as metric_rows
        from apartments_staging.average_booking_duration_weekly) as counted_row;


-- batch `top_listings_weekly`

set search_path to apartments_control;

lock lease;

call hold_lease(1, 43200);

-- (sql/apartments/presentation/top_listings_weekly.sql, section table: see above);

drop table if exists apartments_staging.top_listings_weekly;

create table if not exists apartments_staging.top_listings_weekly (
    period_start date not null,
    apartment_id bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue decimal(38, 2)
)
distkey (apartment_id)
sortkey (period_start);

delete from apartments_control.staged_period where metric in ('top_listings_weekly');

delete from apartments_control.metric_build where run_sequence = 1 and metric in ('top_listings_weekly');

insert into apartments_control.staged_period (metric, period_start, run_sequence)
    select distinct 'top_listings_weekly', period_start, 1
    from (select week_start as period_start
        from apartments_control.calendar) as dirty;

create temp table _rp_number as
    select calendar_date - cast('2000-01-01' as date) as n
    from apartments_control.calendar
    where calendar_date < cast('2000-05-17' as date);

create temp table booking_made as select bookings.*
from apartments_curated.bookings
where bookings.booking_date between cast('1999-12-01' as date) and cast('2051-01-31' as date);

create temp table dirty_period as
select period_start, cast(dateadd(week, 1, period_start) as date) as period_end
from apartments_control.staged_period
where metric = 'top_listings_weekly';

create temp table dirty_day as
            select dirty_period.period_start + _rp_number.n as calendar_date, dirty_period.period_start
            from dirty_period
            inner join _rp_number on dirty_period.period_start + _rp_number.n < dirty_period.period_end;

insert into apartments_staging.top_listings_weekly select
    dirty_day.period_start,
    bookings.apartment_id,
    count(*) as bookings,
    sum(case when exchange_rate.currency is null then 1 else 0 end) as bookings_without_rate,
    cast(round(sum(bookings.total_price * exchange_rate.rate), 2) as decimal(38, 2)) as revenue
from dirty_day
inner join booking_made as bookings on dirty_day.calendar_date = bookings.booking_date
left join apartments_control.exchange_rate
    on bookings.currency = exchange_rate.currency
    and bookings.booking_date >= exchange_rate.valid_from
    and bookings.booking_date < exchange_rate.valid_to
where bookings.booking_status = 'confirmed'
    and bookings.booking_date between cast('1999-12-01' as date) and cast('2051-01-31' as date)
group by dirty_day.period_start, bookings.apartment_id;

insert into apartments_control.metric_build (run_sequence, metric, is_full, periods, metric_rows)
    select 1, 'top_listings_weekly', true, periods, metric_rows
    from (select count(*) as periods
        from apartments_control.staged_period
        where metric = 'top_listings_weekly') as counted_period
    cross join (select count(*) as metric_rows
        from apartments_staging.top_listings_weekly) as counted_row;
