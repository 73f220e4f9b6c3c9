-- What step `check` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/check

-- batch `write-0`, as_of = 2026-11-21

set search_path to apartments_control;

lock lease;

call hold_lease(2, 43200);

delete from apartments_control.check_result
    where run_sequence = 2
    and check_name in ('bookings_fresh', 'curated_keys_unique', 'curated_values_in_range', 'references_known',
        'tables_not_all_rejected', 'metric_rows_unique', 'metric_values_in_range', 'apartments_accounted_for',
        'bookings_accounted_for', 'user_viewing_accounted_for', 'apartments_newly_set_aside',
        'apartments_set_aside_beyond_limit', 'bookings_newly_set_aside', 'bookings_set_aside_beyond_limit',
        'user_viewing_newly_set_aside', 'user_viewing_set_aside_beyond_limit');

create temp table _rp_newly_set_aside as
    select rejected_rows.table_name, rejected_rows.row_key, rejected_rows.broken_rule,
        rejected_rows.broken_value
    from apartments_control.set_aside_row
    inner join apartments_curated.rejected_rows
    on set_aside_row.table_name = rejected_rows.table_name
    and set_aside_row.row_key = rejected_rows.row_key
    where set_aside_row.run_sequence > 1;

create temp table _rp_looked_at_0 as
    select apartments.*
    from apartments_curated.apartments
    inner join (select distinct "id"
        from apartments_raw."apartments"
        where _run_sequence > 1) as _rp_touched
    on apartments.id = _rp_touched."id"
    where apartments.id >= 8999
    and apartments.id <= 9010;

create temp table _rp_looked_at_1 as
    select bookings.*
    from apartments_curated.bookings
    inner join (select distinct "booking_id"
        from apartments_raw."bookings"
        where _run_sequence > 1) as _rp_touched
    on bookings.booking_id = _rp_touched."booking_id"
    where bookings.booking_id >= 8999
    and bookings.booking_id <= 9010;

create temp table _rp_looked_at_2 as
    select user_viewing.*
    from apartments_curated.user_viewing
    where (user_viewing.event_day in (select distinct _event_day
            from apartments_raw."user_viewing"
            where _run_sequence > 1
            union
            select event_day
            from apartments_control.changed_day
            where table_name = 'user_viewing'
            and run_sequence > 1)
        or md5(lower(rtrim(cast(user_viewing."apartment_id" as varchar(65535))))) in
            ('2b44928ae11fb9384c4cf38708677c48'));

create temp table checked_booking as select
    bookings.booking_id,
    bookings.apartment_id,
    bookings.booking_date,
    bookings.checkin_date,
    bookings.checkout_date,
    bookings.booking_status,
    bookings.currency,
    bookings.total_price
from apartments_curated.bookings
where bookings.booking_date between cast('2026-11-16' as date) and cast('2026-11-22' as date)
    or bookings.checkin_date between cast('2026-11-16' as date) and cast('2026-11-22' as date)
    or (bookings.checkin_date <= cast('2026-11-22' as date)
            and bookings.checkout_date >= cast('2026-11-16' as date))
    or bookings.booking_date >= cast(:as_of as date) - 7;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, _rp_check, _rp_severity, _rp_violations, cast(example as varchar(1024))
    from (select cast('bookings_fresh' as varchar(127)) as _rp_check, cast('warn' as varchar(4)) as
        _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
        from (select 'no booking since ' || cast(cast(:as_of as date) - 7 as varchar(64)) as example
from checked_booking
where booking_date >= cast(:as_of as date) - 7
having count(*) = 0) as broken) as _rp_counted;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, _rp_check, _rp_severity, _rp_violations, cast(example as varchar(1024))
    from (select cast('curated_keys_unique' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as
        _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
        from (select 'apartments' || ' ' || coalesce(cast(id as varchar(64)), '') || ': ' || cast(count(*) as
            varchar(64)) || ' rows of one key' as example
from _rp_looked_at_0 as apartments
group by id
having count(*) > 1
union all
select 'bookings' || ' ' || coalesce(cast(booking_id as varchar(64)), '') || ': ' || cast(count(*) as
    varchar(64)) || ' rows of one key' as example
from _rp_looked_at_1 as bookings
group by booking_id
having count(*) > 1) as broken
    union all
    select cast('curated_values_in_range' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as
        _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
    from (select example
from (
    select 'apartments' || ' ' || coalesce(cast(id as varchar(64)), '') || ' breaks ' || case
        when not (price >= 0) then 'price >= 0'
        when not (apartments_control.is_in_calendar(cast(listing_created_at as date))) then
            'listing_created_at in the calendar' end as example
    from _rp_looked_at_0 as apartments
) as broken
where example is not null
union all
select example
from (
    select 'bookings' || ' ' || coalesce(cast(booking_id as varchar(64)), '') || ' breaks ' || case
        when not (total_price >= 0) then 'total_price >= 0'
        when not (checkout_date >= checkin_date) then 'checkout_date >= checkin_date'
        when not (booking_status in ('confirmed', 'pending', 'canceled')) then
            'booking_status in (''confirmed'', ''pending'', ''canceled'')'
        when not (apartments_control.is_in_calendar(cast(booking_date as date))) then
            'booking_date in the calendar'
        when not (apartments_control.is_in_calendar(cast(checkin_date as date))) then
            'checkin_date in the calendar'
        when not (apartments_control.is_in_calendar(cast(checkout_date as date))) then
            'checkout_date in the calendar' end as example
    from _rp_looked_at_1 as bookings
) as broken
where example is not null
union all
select example
from (
    select 'user_viewing' || ' ' || coalesce(cast(event_day as varchar(64)), '') || ' breaks ' || case
        when not (apartments_control.is_in_calendar(cast(viewed_at as date))) then 'viewed_at in the calendar'
            end as example
    from _rp_looked_at_2 as user_viewing
) as broken
where example is not null) as broken
    union all
    select cast('references_known' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as _rp_severity,
        count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
    from (select example
from (
with known as (
    select lower(cast(id as varchar(512))) as known_key from apartments_curated.apartments
    union
        select lower(row_key) as known_key
        from apartments_curated.rejected_rows
        where table_name = 'apartments'
)
select 'bookings' || ' ' || coalesce(cast(bookings.booking_id as varchar(64)), '') ||
    ': none of apartments has its apartment_id' as example
from _rp_looked_at_1 as bookings
left join known on lower(cast(bookings.apartment_id as varchar(512))) = known.known_key
where known.known_key is null
    and bookings.apartment_id is not null
union all
select 'user_viewing' || ' ' || coalesce(cast(user_viewing.event_day as varchar(64)), '') ||
    ': none of apartments has its apartment_id' as example
from _rp_looked_at_2 as user_viewing
left join known on lower(cast(user_viewing.apartment_id as varchar(512))) = known.known_key
where known.known_key is null
    and user_viewing.apartment_id is not null
) as referring) as broken
    union all
    select cast('tables_not_all_rejected' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as
        _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
    from (select rejected_rows.table_name || ': all ' || cast(count(*) as varchar(64)) ||
        ' rows, for example for ' || min(rejected_rows.broken_rule) as example
from apartments_curated.rejected_rows
inner join (select cast('apartments' as varchar(127)) as table_name, coalesce(sum(accepted_rows), 0) as
    row_count
        from apartments_control.curated_total
        where table_name = 'apartments'
        union all
        select cast('bookings' as varchar(127)) as table_name, coalesce(sum(accepted_rows), 0) as row_count
        from apartments_control.curated_total
        where table_name = 'bookings'
        union all
        select cast('user_viewing' as varchar(127)) as table_name, coalesce(sum(accepted_rows), 0) as row_count
        from apartments_control.curated_total
        where table_name = 'user_viewing') as accepted
    on rejected_rows.table_name = accepted.table_name
where accepted.row_count = 0
group by rejected_rows.table_name
having count(*) >= 100) as broken
    union all
    select cast('metric_rows_unique' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as _rp_severity,
        count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
    from (select 'average_booking_duration_weekly' || ' ' || coalesce(cast(period_start as varchar(64)), '') ||
        ': ' || cast(count(*) as varchar(64)) || ' rows of one key' as example
from apartments_staging.average_booking_duration_weekly
group by period_start
having count(*) > 1
union all
select 'top_listings_weekly' || ' ' || coalesce(cast(period_start as varchar(64)), '') || ' ' ||
    coalesce(cast(apartment_id as varchar(64)), '') || ': ' || cast(count(*) as varchar(64)) ||
    ' rows of one key' as example
from apartments_staging.top_listings_weekly
group by period_start, apartment_id
having count(*) > 1) as broken
    union all
    select cast('metric_values_in_range' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as
        _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
    from (select example
from (
    select 'top_listings_weekly' || ' ' || coalesce(cast(period_start as varchar(64)), '') || ' ' ||
        coalesce(cast(apartment_id as varchar(64)), '') || ' breaks ' || case
        when not (revenue >= 0) then 'revenue >= 0'
        when not ((revenue is null) = (bookings = bookings_without_rate)) then
            '(revenue is null) = (bookings = bookings_without_rate)'
        when not (bookings >= bookings_without_rate) then 'bookings >= bookings_without_rate' end as example
    from apartments_staging.top_listings_weekly
) as broken
where example is not null) as broken
    union all
    select cast('apartments_accounted_for' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as
        _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
    from (
        select
            cast(rows_judged as varchar(20)) || ' touched rows in raw, ' || cast(rows_accepted as varchar(20))
                || ' accepted, '
            || cast(rows_rejected as varchar(20)) || ' rejected' as example
        from apartments_control.curated_build
        where run_sequence = 2
            and table_name = 'apartments'
            and rows_judged <> rows_accepted + rows_rejected
        union all
        select
            cast(_rp_build.rows_accepted as varchar(20)) || ' rows accepted, ' || cast(_rp_looked_at._rp_rows
                as varchar(20))
            || ' of them looked at' as example
        from apartments_control.curated_build as _rp_build
        cross join (select count(*) as _rp_rows from _rp_looked_at_0 as apartments) as _rp_looked_at
        where _rp_build.run_sequence = 2
            and _rp_build.table_name = 'apartments'
            and _rp_looked_at._rp_rows < _rp_build.rows_accepted
        ) as broken
            union all
            select cast('bookings_accounted_for' as varchar(127)) as _rp_check, cast('fail' as varchar(4)) as
                _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
            from (
        select
            cast(rows_judged as varchar(20)) || ' touched rows in raw, ' || cast(rows_accepted as varchar(20))
                || ' accepted, '
            || cast(rows_rejected as varchar(20)) || ' rejected' as example
        from apartments_control.curated_build
        where run_sequence = 2
            and table_name = 'bookings'
            and rows_judged <> rows_accepted + rows_rejected
        union all
        select
            cast(_rp_build.rows_accepted as varchar(20)) || ' rows accepted, ' || cast(_rp_looked_at._rp_rows
                as varchar(20))
            || ' of them looked at' as example
        from apartments_control.curated_build as _rp_build
        cross join (select count(*) as _rp_rows from _rp_looked_at_1 as bookings) as _rp_looked_at
        where _rp_build.run_sequence = 2
            and _rp_build.table_name = 'bookings'
            and _rp_looked_at._rp_rows < _rp_build.rows_accepted
        ) as broken
            union all
            select cast('user_viewing_accounted_for' as varchar(127)) as _rp_check, cast('fail' as varchar(4))
                as _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
            from (
        select
            cast(rows_judged as varchar(20)) || ' touched rows in raw, ' || cast(rows_accepted as varchar(20))
                || ' accepted, '
            || cast(rows_rejected as varchar(20)) || ' rejected' as example
        from apartments_control.curated_build
        where run_sequence = 2
            and table_name = 'user_viewing'
            and rows_judged <> rows_accepted + rows_rejected
        union all
        select
            cast(_rp_build.rows_accepted as varchar(20)) || ' rows accepted, ' || cast(_rp_looked_at._rp_rows
                as varchar(20))
            || ' of them looked at' as example
        from apartments_control.curated_build as _rp_build
        cross join (select count(*) as _rp_rows from _rp_looked_at_2 as user_viewing) as _rp_looked_at
        where _rp_build.run_sequence = 2
            and _rp_build.table_name = 'user_viewing'
            and _rp_looked_at._rp_rows < _rp_build.rows_accepted
        ) as broken
            union all
            select cast('apartments_newly_set_aside' as varchar(127)) as _rp_check, cast('warn' as varchar(4))
                as _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
            from (
        select newly_set_aside.broken_rule || ': ' || coalesce(newly_set_aside.broken_value, '') || ' (row ' ||
            newly_set_aside.row_key || ')' as example
        from _rp_newly_set_aside as newly_set_aside
        where newly_set_aside.table_name = 'apartments'
    ) as broken
        union all
        select cast('apartments_set_aside_beyond_limit' as varchar(127)) as _rp_check, cast('fail' as
            varchar(4)) as _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as
            example
        from (
        select newly_set_aside.broken_rule || ': ' || coalesce(newly_set_aside.broken_value, '') || ' (row ' ||
            newly_set_aside.row_key || ')' as example
        from _rp_newly_set_aside as newly_set_aside
        where newly_set_aside.table_name = 'apartments'

            and 1 >= (
                select coalesce(min(run_sequence), 2) from apartments_control.curated_build
                where table_name = 'apartments' and rows_accepted > 0
            )
            and 0 < (
                select count(*)
                    from (select cast(lost as double precision) as lost, cast(kept as double precision) as kept
                        from (select newly.set_aside as lost, accepted.kept as kept
                            from (select count(*) as set_aside
                                from apartments_control.set_aside_row
                                where table_name = 'apartments'
                                and run_sequence > 1
                                having count(*) > 1) as newly
                            cross join (select coalesce(sum(accepted_rows), 0) as kept
                                from apartments_control.curated_total
                                where table_name = 'apartments') as accepted) as share) as shares
                    where shares.lost > 0.05 * (shares.lost + shares.kept)
            )
    ) as broken
        union all
        select cast('bookings_newly_set_aside' as varchar(127)) as _rp_check, cast('warn' as varchar(4)) as
            _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
        from (
        select newly_set_aside.broken_rule || ': ' || coalesce(case
                when position('user_id=' in newly_set_aside.broken_value) > 0 then
                    split_part(newly_set_aside.broken_value, '=', 1)
                else newly_set_aside.broken_value end, '') || ' (row ' || newly_set_aside.row_key || ')' as
                    example
        from _rp_newly_set_aside as newly_set_aside
        where newly_set_aside.table_name = 'bookings'
    ) as broken
        union all
        select cast('bookings_set_aside_beyond_limit' as varchar(127)) as _rp_check, cast('fail' as varchar(4))
            as _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
        from (
        select newly_set_aside.broken_rule || ': ' || coalesce(case
                when position('user_id=' in newly_set_aside.broken_value) > 0 then
                    split_part(newly_set_aside.broken_value, '=', 1)
                else newly_set_aside.broken_value end, '') || ' (row ' || newly_set_aside.row_key || ')' as
                    example
        from _rp_newly_set_aside as newly_set_aside
        where newly_set_aside.table_name = 'bookings'

            and 1 >= (
                select coalesce(min(run_sequence), 2) from apartments_control.curated_build
                where table_name = 'bookings' and rows_accepted > 0
            )
            and 0 < (
                select count(*)
                    from (select cast(lost as double precision) as lost, cast(kept as double precision) as kept
                        from (select newly.set_aside as lost, accepted.kept as kept
                            from (select count(*) as set_aside
                                from apartments_control.set_aside_row
                                where table_name = 'bookings'
                                and run_sequence > 1
                                having count(*) > 1) as newly
                            cross join (select coalesce(sum(accepted_rows), 0) as kept
                                from apartments_control.curated_total
                                where table_name = 'bookings') as accepted) as share
                        union all
                        select cast(lost as double precision) as lost, cast(kept as double precision) as kept
                        from (select newly.set_aside as lost, coalesce(accepted.kept, 0) as kept
                            from (select currency_before as currency, sum(amount_before) as set_aside
                                from apartments_control.set_aside_row
                                where table_name = 'bookings'
                                and run_sequence > 1
                                and is_accepted_before
                                group by currency_before
                                having count(*) > 1) as newly
                            left join (select currency, amount as kept
                                from apartments_control.curated_total
                                where table_name = 'bookings') as accepted
                            on newly.currency = accepted.currency) as share) as shares
                    where shares.lost > 0.05 * (shares.lost + shares.kept)
            )
    ) as broken
        union all
        select cast('user_viewing_newly_set_aside' as varchar(127)) as _rp_check, cast('warn' as varchar(4)) as
            _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
        from (
        select newly_set_aside.broken_rule || ': ' || coalesce(case
                when position('user_id=' in newly_set_aside.broken_value) > 0 then
                    split_part(newly_set_aside.broken_value, '=', 1)
                else newly_set_aside.broken_value end, '') || ' (row ' || newly_set_aside.row_key || ')' as
                    example
        from _rp_newly_set_aside as newly_set_aside
        where newly_set_aside.table_name = 'user_viewing'
    ) as broken) as _rp_counted;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, _rp_check, _rp_severity, _rp_violations, cast(example as varchar(1024))
    from (select cast('user_viewing_set_aside_beyond_limit' as varchar(127)) as _rp_check, cast('fail' as
        varchar(4)) as _rp_severity, count(*) as _rp_violations, cast(min(example) as varchar(1024)) as example
        from (
        select newly_set_aside.broken_rule || ': ' || coalesce(case
                when position('user_id=' in newly_set_aside.broken_value) > 0 then
                    split_part(newly_set_aside.broken_value, '=', 1)
                else newly_set_aside.broken_value end, '') || ' (row ' || newly_set_aside.row_key || ')' as
                    example
        from _rp_newly_set_aside as newly_set_aside
        where newly_set_aside.table_name = 'user_viewing'

            and 1 >= (
                select coalesce(min(run_sequence), 2) from apartments_control.curated_build
                where table_name = 'user_viewing' and rows_accepted > 0
            )
            and 0 < (
                select count(*)
                    from (select cast(lost as double precision) as lost, cast(kept as double precision) as kept
                        from (select newly.set_aside as lost, accepted.kept as kept
                            from (select count(*) as set_aside
                                from apartments_control.set_aside_row
                                where table_name = 'user_viewing'
                                and run_sequence > 1
                                having count(*) > 1) as newly
                            cross join (select coalesce(sum(accepted_rows), 0) as kept
                                from apartments_control.curated_total
                                where table_name = 'user_viewing') as accepted) as share) as shares
                    where shares.lost > 0.05 * (shares.lost + shares.kept)
            )
    ) as broken) as _rp_counted;


-- read when all of it is committed:

select check_name, severity, violations, example
    from apartments_control.check_result
    where run_sequence = 2
    and violations > 0
    order by check_name;

select table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount, rows_accepted_before,
    amount_before
    from apartments_control.set_aside
    where run_sequence = 2
    order by table_name, broken_rule, currency;
