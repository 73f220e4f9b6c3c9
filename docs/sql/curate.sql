-- What step `curate` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/curate/bookings: an increment

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'curate bookings', 43200);

call expect_position('curated', 'bookings', 1);

create temp table _rp_touched as
    select distinct "booking_id"
    from apartments_raw."bookings"
    where _run_sequence > 1;

create temp table newest as
            select _rp_ranked.*, cast(case
                    when octet_length(cast(_rp_ranked."booking_id" as varchar(65535))) <= 512 then
                        cast(_rp_ranked."booking_id" as varchar(65535))
                    else left(cast(_rp_ranked."booking_id" as varchar(65535)), 110) || '~' ||
                        md5(cast(_rp_ranked."booking_id" as varchar(65535))) end as varchar(512)) as _row_key
            from (
                select
                    _rp_raw.*,
                    row_number() over (partition by _rp_raw."booking_id"
                            order by _rp_raw._run_sequence desc) as _version_rank
                from apartments_raw."bookings" as _rp_raw
                    inner join _rp_touched
                    on _rp_raw."booking_id" = _rp_touched."booking_id"
                    where _rp_raw._run_sequence > 1
            ) as _rp_ranked
            where _rp_ranked._version_rank = 1 and _rp_ranked._operation = 'U';

create temp table _rp_unheld_row as
    select newest."booking_id", cast(newest._row_key as varchar(1024)) as row_key, cast('unreadable_row' as
        varchar(127)) as broken_rule, cast(left(newest._bad_columns, 256) as varchar(1024)) as broken_value,
        cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency
    from newest
    where newest._bad_columns is not null;

delete from newest where _bad_columns is not null;

create temp table known_apartments as
    select distinct _rp_parent."id"
    from apartments_raw."apartments" as _rp_parent
    inner join (select newest."apartment_id" as _rp_parent_key
        from newest) as _rp_referred
    on _rp_parent."id" = _rp_referred._rp_parent_key
    where _rp_parent._operation = 'U'
    and true;

create temp table judged as with texts as (
    select
        newest.booking_id,
        newest._row_key as row_key,
        newest.apartment_id,
        known_apartments.id as known_listing_id,
        apartments_control.clean_value(cast(newest.user_id as varchar(256))) as user_id,
        apartments_control.clean_value(cast(newest.booking_date as varchar(256))) as booking_date_text,
        apartments_control.clean_value(cast(newest.checkin_date as varchar(256))) as checkin_date_text,
        apartments_control.clean_value(cast(newest.checkout_date as varchar(256))) as checkout_date_text,
        apartments_control.clean_value(cast(newest.total_price as varchar(256))) as total_price_text,
        apartments_control.clean_value(cast(newest.currency as varchar(256))) as currency_text,
        apartments_control.clean_value(cast(newest.booking_status as varchar(256))) as booking_status_text,
        apartments_control.clean_value(cast(newest.payment_status as varchar(256))) as payment_status_text,
        apartments_control.clean_value(cast(newest.num_guests as varchar(256))) as num_guests_text
    from newest
    left join known_apartments on newest.apartment_id = known_apartments.id
),

numbers as (
    select
        texts.*,
        apartments_control.parse_number(num_guests_text) as guest_number
    from texts
),

parsed as (
    select
        numbers.*,
        apartments_control.parse_date(booking_date_text) as booking_date,
        apartments_control.parse_date(checkin_date_text) as checkin_date,
        apartments_control.parse_date(checkout_date_text) as checkout_date,
        apartments_control.parse_number(total_price_text) as total_price,
        apartments_control.parse_currency(currency_text) as currency,
        replace(lower(booking_status_text), 'cancelled', 'canceled') as booking_status,
        case
            when octet_length(payment_status_text) <= 128
                then replace(replace(lower(payment_status_text), ' ', '_'), '-', '_')
        end as payment_status,
        case when guest_number = round(guest_number, 0) then guest_number end as guests
    from numbers
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no booking_id
            when booking_id is null then 'missing_key: booking_id='
            -- no user_id
            when user_id is null then 'missing_user: user_id='
            -- a user_id of more than 128 bytes
            when octet_length(user_id) > 128 then apartments_control.tell_broken('unreadable_user: user_id=',
                user_id)
            -- no booking_date, checkin_date or checkout_date
            when booking_date_text is null then 'missing_date: booking_date='
            when checkin_date_text is null then 'missing_date: checkin_date='
            when checkout_date_text is null then 'missing_date: checkout_date='
            -- one of the three that is no date
            when booking_date is null then apartments_control.tell_broken('unparseable_date: booking_date=',
                booking_date_text)
            when checkin_date is null then apartments_control.tell_broken('unparseable_date: checkin_date=',
                checkin_date_text)
            when checkout_date is null then apartments_control.tell_broken('unparseable_date: checkout_date=',
                checkout_date_text)
            -- one of the three outside the calendar
            when not apartments_control.is_in_calendar(booking_date)
                then apartments_control.tell_broken('date_out_of_range: booking_date=', booking_date_text)
            when not apartments_control.is_in_calendar(checkin_date)
                then apartments_control.tell_broken('date_out_of_range: checkin_date=', checkin_date_text)
            when not apartments_control.is_in_calendar(checkout_date)
                then apartments_control.tell_broken('date_out_of_range: checkout_date=', checkout_date_text)
            -- a stay that ends before it begins (one that ends on the same day has no nights)
            when checkout_date < checkin_date
                then apartments_control.tell_broken(
                        'checkout_before_checkin: checkin_date=', checkin_date_text || ', checkout_date=' ||
                            checkout_date_text
                    )
            -- no total_price
            when total_price_text is null then 'missing_price: total_price='
            -- a total_price that is no number of at most ten digits before the point
            when total_price is null then apartments_control.tell_broken('unparseable_number: total_price=',
                total_price_text)
            -- a total_price below zero
            when total_price < 0 then apartments_control.tell_broken('negative_price: total_price=',
                total_price_text)
            -- a currency that is not three letters, or none
            when currency is null then apartments_control.tell_broken('unknown_currency: currency=',
                currency_text)
            -- a booking_status other than confirmed, pending, canceled (or cancelled), or none
            when booking_status is null or booking_status not in ('confirmed', 'pending', 'canceled')
                then apartments_control.tell_broken('unknown_status: booking_status=', booking_status_text)
            -- the source never had a listing with this apartment_id
            when known_listing_id is null
                then apartments_control.tell_broken('orphan_reference: apartment_id=', cast(apartment_id as
                    varchar(64)))
        end as broken,
        apartments_control.tell_unreadable('payment_status', case
                when payment_status is null then payment_status_text end)
        || apartments_control.tell_unreadable('num_guests', case
                when guests is null then num_guests_text end) as unreadable
    from parsed
)

select
    booking_id,
    user_id,
    apartment_id,
    booking_date,
    checkin_date,
    checkout_date,
    cast(round(ruled.total_price, 2) as decimal(18, 2)) as total_price,
    currency,
    booking_status,
    payment_status,
    cast(guests as bigint) as guests,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled;

create temp table _rp_shortened (row_key varchar(1024), event_day date, unreadable_value varchar(1024));

insert into _rp_unheld_row
    select judged.booking_id, judged.row_key, 'value_too_large', cast(rtrim(left(case
                when (abs(cast(judged.booking_id as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.booking_id as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.booking_id as double precision)) <= 9.223372036854776e+18
                                    then judged.booking_id end as decimal(38, 4)), 0) not between
                                    -9223372036854775808
                        and 9223372036854775807)) then 'booking_id=' || left(cast(judged.booking_id as
                            varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.user_id as varchar(65535))) > 128 then 'user_id=' ||
                    left(cast(judged.user_id as varchar(65535)), 200) || '; '
                else '' end || case
                when (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.apartment_id as double precision)) <=
                                    9.223372036854776e+18 then judged.apartment_id end as decimal(38, 4)), 0)
                                    not between -9223372036854775808
                        and 9223372036854775807)) then 'apartment_id=' || left(cast(judged.apartment_id as
                            varchar(65535)), 200) || '; '
                else '' end || case
                when abs(cast(judged.total_price as double precision)) >= 1e+16 then 'total_price=' ||
                    left(cast(judged.total_price as varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.currency as varchar(65535))) > 3 then 'currency=' ||
                    left(cast(judged.currency as varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.booking_status as varchar(65535))) > 16 then 'booking_status=' ||
                    left(cast(judged.booking_status as varchar(65535)), 200) || '; '
                else '' end, 240), '; ') as varchar(1024)), case
    when abs(cast(judged.total_price as double precision)) < 1e35 then cast(round(judged.total_price, 2) as
        decimal(38, 2)) end, cast(judged.currency as varchar(3))
    from judged
    where judged.broken_rule is null
    and ((abs(cast(judged.booking_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.booking_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.booking_id as double precision)) <= 9.223372036854776e+18 then
                            judged.booking_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or octet_length(cast(judged.user_id as varchar(65535))) > 128
        or (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.apartment_id as double precision)) <= 9.223372036854776e+18 then
                            judged.apartment_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or abs(cast(judged.total_price as double precision)) >= 1e+16
        or octet_length(cast(judged.currency as varchar(65535))) > 3
        or octet_length(cast(judged.booking_status as varchar(65535))) > 16);

delete from judged
    where judged.broken_rule is null
    and ((abs(cast(judged.booking_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.booking_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.booking_id as double precision)) <= 9.223372036854776e+18 then
                            judged.booking_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or octet_length(cast(judged.user_id as varchar(65535))) > 128
        or (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.apartment_id as double precision)) <= 9.223372036854776e+18 then
                            judged.apartment_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or abs(cast(judged.total_price as double precision)) >= 1e+16
        or octet_length(cast(judged.currency as varchar(65535))) > 3
        or octet_length(cast(judged.booking_status as varchar(65535))) > 16);

insert into _rp_shortened
    select judged.row_key, cast(null as date), cast(rtrim(left(case
                when octet_length(cast(judged.payment_status as varchar(65535))) > 128 then 'payment_status='
                    || left(cast(judged.payment_status as varchar(65535)), 200) || '; '
                else '' end || case
                when (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                                    judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
                        and 9223372036854775807)) then 'guests=' || left(cast(judged.guests as varchar(65535)),
                            200) || '; '
                else '' end, 240), '; ') as varchar(1024))
    from judged
    where judged.broken_rule is null
    and (octet_length(cast(judged.payment_status as varchar(65535))) > 128
        or (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                            judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807)));

update judged
    set payment_status = case
    when octet_length(cast(judged.payment_status as varchar(65535))) > 128 then null
    else judged.payment_status end, guests = case
    when (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
        or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
            and round(cast(case
                    when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                        judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
            and 9223372036854775807)) then null
    else judged.guests end
    where judged.broken_rule is null
    and (octet_length(cast(judged.payment_status as varchar(65535))) > 128
        or (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                            judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807)));

create temp table _rp_misspelled (_row_key varchar(1024), _rp_broken_value varchar(1024));

create temp table _rp_before as
    select bookings.*
    from apartments_curated.bookings
    inner join _rp_touched
    on bookings.booking_id = _rp_touched."booking_id"
    where bookings.booking_id >= 8999
    and bookings.booking_id <= 9010;

create temp table _rp_after as select
    cast(booking_id as bigint) as booking_id,
    user_id,
    cast(apartment_id as bigint) as apartment_id,
    booking_date,
    checkin_date,
    checkout_date,
    total_price,
    currency,
    booking_status,
    payment_status,
    guests
from judged
where broken_rule is null;

create temp table changed_bookings as
    select booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date, total_price, currency,
        booking_status, payment_status, guests, _is_before
    from (select *, true as _is_before
        from (select *
            from _rp_before except
            select *
            from _rp_after) as _rp_gone
        union all
        select *, false as _is_before
        from (select *
            from _rp_after except
            select *
            from _rp_before) as _rp_come) as _rp_changed;

insert into apartments_control.dirty_period (metric, period_start, run_sequence) with _rp_number as (select
    calendar_date - cast('2000-01-01' as date) as n
        from apartments_control.calendar
        where calendar_date < cast('2000-05-17' as date))
    select distinct metric, period_start, 2
    from (
        select dirty_part.metric, first_period + 7 * (137 * dirty_part.n + _rp_number.n) as period_start
        from (
            select dirty_span.*, _rp_number.n
            from (
                select dirty_ends.*, (last_period - first_period) / 7 as more_periods
                from (
                    select distinct
                        dirty_days.metric,
                        cast(date_trunc('week', greatest(dirty_days.first_day, cast('2000-01-01' as date))) as
                            date) as first_period,
                        cast(date_trunc('week', least(dirty_days.last_day, cast('2050-12-31' as date))) as
                            date) as last_period
                    from (select of_metric.metric, touched_day.first_day, touched_day.last_day from (select
    checkin_date as first_day,
    checkin_date as last_day
from changed_bookings
where booking_status = 'confirmed') as touched_day
    cross join (select cast('average_booking_duration_weekly' as varchar(127)) as metric) as of_metric
    union all
    select of_metric.metric, touched_day.first_day, touched_day.last_day
    from (select
    booking_date as first_day,
    booking_date as last_day
from changed_bookings
where booking_status = 'confirmed') as touched_day
    cross join (select cast('top_listings_weekly' as varchar(127)) as metric) as of_metric) as dirty_days
                    where dirty_days.first_day <= dirty_days.last_day
                        and dirty_days.first_day <= cast('2050-12-31' as date)
                        and dirty_days.last_day >= cast('2000-01-01' as date)
                ) as dirty_ends
            ) as dirty_span
            inner join _rp_number on 137 * _rp_number.n <= dirty_span.more_periods
        ) as dirty_part
        inner join _rp_number on 137 * dirty_part.n + _rp_number.n <= dirty_part.more_periods
        ) as touched_periods where period_start is not null;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('curated_bookings' as varchar(255)), cast(coalesce(extract(year from booking_date) *
        100 + extract(month
                from booking_date), 0) as bigint), 2
    from changed_bookings;

delete from apartments_curated.bookings
    using _rp_touched
    where bookings.booking_id = _rp_touched."booking_id"
    and bookings.booking_id >= 8999
    and bookings.booking_id <= 9010;

insert into apartments_curated.bookings select * from _rp_after;

create temp table _rp_quarantined as
select
    _rp_broken.row_key,
    _rp_broken.event_day,
    _rp_broken.broken_rule,
    _rp_broken.broken_value,
    _rp_broken.amount,
    _rp_broken.currency,
    coalesce(_rp_known.run_sequence, 2) as run_sequence,
    coalesce(_rp_known.is_accepted_before, _rp_before.booking_id is not null) as is_accepted_before,
    case
        when _rp_known.row_key is null then case
        when abs(cast(_rp_before.total_price as double precision)) < 1e35 then
            cast(round(_rp_before.total_price, 2) as decimal(38, 2)) end
        else _rp_known.amount_before end as amount_before,
    case
        when _rp_known.row_key is null then cast(_rp_before.currency as varchar(3))
        else _rp_known.currency_before end as currency_before
from (
    select _rp_each.*, row_number() over (partition by _rp_each.event_day, _rp_each.broken_rule,
        _rp_each.broken_value
            order by _rp_each.row_key) as _rp_number
    from (
        select judged.booking_id, judged.row_key, cast(null as date) as event_day,
            case
                when _rp_misspelled.row_key is null then judged.broken_rule
                else cast('parent_spelled_otherwise' as varchar(127))
            end as broken_rule,
            coalesce(_rp_misspelled.broken_value, judged.broken_value) as broken_value,
            case
                when abs(cast(judged.total_price as double precision)) < 1e35 then
                    cast(round(judged.total_price, 2) as decimal(38, 2)) end as amount, cast(judged.currency as
                    varchar(3)) as currency
        from judged
        left join (select _row_key as row_key, min(_rp_broken_value) as broken_value
                from _rp_misspelled
                group by _row_key) as _rp_misspelled
            on judged.row_key = _rp_misspelled.row_key
        where judged.broken_rule is not null
        union all
        select _rp_unheld_row."booking_id" as booking_id, _rp_unheld_row.row_key, cast(null as date) as
            event_day, _rp_unheld_row.broken_rule, _rp_unheld_row.broken_value, _rp_unheld_row.amount,
            _rp_unheld_row.currency
            from _rp_unheld_row
    ) as _rp_each
) as _rp_broken
left join (select set_aside_row.*
        from apartments_control.set_aside_row
        where set_aside_row.table_name = 'bookings') as _rp_known
    on _rp_known.row_key = _rp_broken.row_key
left join _rp_before on _rp_broken.booking_id = _rp_before.booking_id;

delete from apartments_control.set_aside_row
    using _rp_touched
    where set_aside_row.table_name = 'bookings'
    and set_aside_row.row_key = cast(case
        when octet_length(cast(_rp_touched."booking_id" as varchar(65535))) <= 512 then
            cast(_rp_touched."booking_id" as varchar(65535))
        else left(cast(_rp_touched."booking_id" as varchar(65535)), 110) || '~' ||
            md5(cast(_rp_touched."booking_id" as varchar(65535))) end as varchar(512));

insert into apartments_control.set_aside_row (table_name, row_key, event_day, run_sequence, is_accepted_before,
    amount_before, currency_before)
    select 'bookings', row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before
    from _rp_quarantined;

delete from apartments_curated.rejected_rows
    using _rp_touched
    where rejected_rows.table_name = 'bookings'
    and rejected_rows.row_key = cast(case
        when octet_length(cast(_rp_touched."booking_id" as varchar(65535))) <= 512 then
            cast(_rp_touched."booking_id" as varchar(65535))
        else left(cast(_rp_touched."booking_id" as varchar(65535)), 110) || '~' ||
            md5(cast(_rp_touched."booking_id" as varchar(65535))) end as varchar(512));

insert into apartments_curated.rejected_rows (table_name, row_key, event_day, broken_rule, broken_value,
    amount, currency)
    select 'bookings', row_key, event_day, broken_rule, broken_value, amount, currency
    from _rp_quarantined;

insert into apartments_control.set_aside (
    run_sequence, table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount,
    rows_accepted_before, amount_before
)
select
    2,
    'bookings',
    broken_rule,
    coalesce(currency_before, currency, ''),
    count(*),
    sum(amount),
    sum(case when amount is null then 1 else 0 end),
    sum(case when is_accepted_before then 1 else 0 end),
    sum(amount_before)
from _rp_quarantined
where run_sequence = 2
group by broken_rule, coalesce(currency_before, currency, '');

delete from apartments_curated.unreadable_values
    using _rp_touched
    where unreadable_values.table_name = 'bookings'
    and unreadable_values.row_key = cast(case
        when octet_length(cast(_rp_touched."booking_id" as varchar(65535))) <= 512 then
            cast(_rp_touched."booking_id" as varchar(65535))
        else left(cast(_rp_touched."booking_id" as varchar(65535)), 110) || '~' ||
            md5(cast(_rp_touched."booking_id" as varchar(65535))) end as varchar(512));

insert into apartments_curated.unreadable_values (table_name, row_key, event_day, unreadable_value)
    select cast('bookings' as varchar(127)), row_key, cast(null as date), unreadable_value
    from judged
    where unreadable_value is not null
    and broken_rule is null
    union all
    select cast('bookings' as varchar(127)), row_key, event_day, unreadable_value
    from _rp_shortened;

delete from apartments_control.orphan
    using _rp_touched
    where orphan.table_name = 'bookings'
    and orphan.row_key = cast(case
        when octet_length(cast(_rp_touched."booking_id" as varchar(65535))) <= 512 then
            cast(_rp_touched."booking_id" as varchar(65535))
        else left(cast(_rp_touched."booking_id" as varchar(65535)), 110) || '~' ||
            md5(cast(_rp_touched."booking_id" as varchar(65535))) end as varchar(512));

insert into apartments_control.orphan (table_name, row_key, event_day, row_hash, run_sequence, parent,
    parent_hash, is_rejected)
            select
                cast('bookings' as varchar(127)),
                newest._row_key,
                cast(null as date),
                newest._row_hash,
                newest._run_sequence,
                cast('apartments' as varchar(127)),
                md5(lower(rtrim(cast(newest."apartment_id" as varchar(65535))))),
                _rp_accepted.row_key is null
            from newest
            left join known_apartments on newest."apartment_id" = known_apartments."id"
            left join (select row_key from judged where broken_rule is null) as _rp_accepted
                on newest._row_key = _rp_accepted.row_key
            where newest."apartment_id" is not null and known_apartments."id" is null;

create temp table _rp_total as
    select currency, sum(accepted_rows) as accepted_rows, cast(sum(amount) as decimal(38, 4)) as amount
    from (select cast(currency as varchar(3)) as currency, count(*) as accepted_rows, cast(sum(total_price) as
        decimal(38, 4)) as amount
        from _rp_after
        group by 1
        union all
        select cast(currency as varchar(3)) as currency, -count(*) as accepted_rows, -cast(sum(total_price) as
            decimal(38, 4)) as amount
        from _rp_before
        group by 1
        union all
        select currency, accepted_rows, amount
        from apartments_control.curated_total
        where table_name = 'bookings') as _rp_change
    group by currency;

delete from apartments_control.curated_total where table_name = 'bookings';

insert into apartments_control.curated_total (table_name, currency, accepted_rows, amount)
    select 'bookings', coalesce(currency, ''), accepted_rows, amount
    from _rp_total
    where accepted_rows <> 0;

insert into apartments_control.curated_build (run_sequence, table_name, is_full, keys_touched, rows_accepted,
    rows_rejected, rows_changed, rows_unreadable, rows_judged)
    select 2, 'bookings', false, (select count(*)
        from _rp_touched), (select count(*)
        from _rp_after), (select count(*)
        from _rp_quarantined), (select count(*)
        from changed_bookings), (select count(*)
        from (select row_key
            from judged
            where unreadable_value is not null
            and broken_rule is null
            union
            select row_key
            from _rp_shortened) as _rp_unreadable), (select count(*)
        from newest) + (select count(*)
        from _rp_unheld_row
        where broken_rule = 'unreadable_row');

delete from apartments_control.layer_position where layer = 'curated' and name = 'bookings';

insert into apartments_control.layer_position (layer, name, run_sequence, input_hash, definition_hash)
    values ('curated', 'bookings', 2, '…', '…');


-- ====================================================================================================
-- apartments/000001/curate/bookings: a first load

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(1, 'curate bookings', 43200);

call expect_position('curated', 'bookings', 0);

create temp table _rp_touched as select distinct "booking_id" from apartments_raw."bookings";

create temp table newest as
            select _rp_ranked.*, cast(case
                    when octet_length(cast(_rp_ranked."booking_id" as varchar(65535))) <= 512 then
                        cast(_rp_ranked."booking_id" as varchar(65535))
                    else left(cast(_rp_ranked."booking_id" as varchar(65535)), 110) || '~' ||
                        md5(cast(_rp_ranked."booking_id" as varchar(65535))) end as varchar(512)) as _row_key
            from (
                select
                    _rp_raw.*,
                    row_number() over (partition by _rp_raw."booking_id"
                            order by _rp_raw._run_sequence desc) as _version_rank
                from apartments_raw."bookings" as _rp_raw
                    inner join _rp_touched
                    on _rp_raw."booking_id" = _rp_touched."booking_id"
                    where true
            ) as _rp_ranked
            where _rp_ranked._version_rank = 1 and _rp_ranked._operation = 'U';

create temp table _rp_unheld_row as
    select newest."booking_id", cast(newest._row_key as varchar(1024)) as row_key, cast('unreadable_row' as
        varchar(127)) as broken_rule, cast(left(newest._bad_columns, 256) as varchar(1024)) as broken_value,
        cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency
    from newest
    where newest._bad_columns is not null;

delete from newest where _bad_columns is not null;

create temp table known_apartments as
    select distinct _rp_parent."id"
    from apartments_raw."apartments" as _rp_parent
    inner join (select newest."apartment_id" as _rp_parent_key
        from newest) as _rp_referred
    on _rp_parent."id" = _rp_referred._rp_parent_key
    where _rp_parent._operation = 'U'
    and true;

create temp table judged as
-- (sql/apartments/curated/bookings.sql, section judged: see above);

create temp table _rp_shortened (row_key varchar(1024), event_day date, unreadable_value varchar(1024));

insert into _rp_unheld_row
    select judged.booking_id, judged.row_key, 'value_too_large', cast(rtrim(left(case
                when (abs(cast(judged.booking_id as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.booking_id as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.booking_id as double precision)) <= 9.223372036854776e+18
                                    then judged.booking_id end as decimal(38, 4)), 0) not between
                                    -9223372036854775808
                        and 9223372036854775807)) then 'booking_id=' || left(cast(judged.booking_id as
                            varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.user_id as varchar(65535))) > 128 then 'user_id=' ||
                    left(cast(judged.user_id as varchar(65535)), 200) || '; '
                else '' end || case
                when (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.apartment_id as double precision)) <=
                                    9.223372036854776e+18 then judged.apartment_id end as decimal(38, 4)), 0)
                                    not between -9223372036854775808
                        and 9223372036854775807)) then 'apartment_id=' || left(cast(judged.apartment_id as
                            varchar(65535)), 200) || '; '
                else '' end || case
                when abs(cast(judged.total_price as double precision)) >= 1e+16 then 'total_price=' ||
                    left(cast(judged.total_price as varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.currency as varchar(65535))) > 3 then 'currency=' ||
                    left(cast(judged.currency as varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.booking_status as varchar(65535))) > 16 then 'booking_status=' ||
                    left(cast(judged.booking_status as varchar(65535)), 200) || '; '
                else '' end, 240), '; ') as varchar(1024)), case
    when abs(cast(judged.total_price as double precision)) < 1e35 then cast(round(judged.total_price, 2) as
        decimal(38, 2)) end, cast(judged.currency as varchar(3))
    from judged
    where judged.broken_rule is null
    and ((abs(cast(judged.booking_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.booking_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.booking_id as double precision)) <= 9.223372036854776e+18 then
                            judged.booking_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or octet_length(cast(judged.user_id as varchar(65535))) > 128
        or (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.apartment_id as double precision)) <= 9.223372036854776e+18 then
                            judged.apartment_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or abs(cast(judged.total_price as double precision)) >= 1e+16
        or octet_length(cast(judged.currency as varchar(65535))) > 3
        or octet_length(cast(judged.booking_status as varchar(65535))) > 16);

delete from judged
    where judged.broken_rule is null
    and ((abs(cast(judged.booking_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.booking_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.booking_id as double precision)) <= 9.223372036854776e+18 then
                            judged.booking_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or octet_length(cast(judged.user_id as varchar(65535))) > 128
        or (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.apartment_id as double precision)) <= 9.223372036854776e+18 then
                            judged.apartment_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or abs(cast(judged.total_price as double precision)) >= 1e+16
        or octet_length(cast(judged.currency as varchar(65535))) > 3
        or octet_length(cast(judged.booking_status as varchar(65535))) > 16);

insert into _rp_shortened
    select judged.row_key, cast(null as date), cast(rtrim(left(case
                when octet_length(cast(judged.payment_status as varchar(65535))) > 128 then 'payment_status='
                    || left(cast(judged.payment_status as varchar(65535)), 200) || '; '
                else '' end || case
                when (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                                    judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
                        and 9223372036854775807)) then 'guests=' || left(cast(judged.guests as varchar(65535)),
                            200) || '; '
                else '' end, 240), '; ') as varchar(1024))
    from judged
    where judged.broken_rule is null
    and (octet_length(cast(judged.payment_status as varchar(65535))) > 128
        or (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                            judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807)));

update judged
    set payment_status = case
    when octet_length(cast(judged.payment_status as varchar(65535))) > 128 then null
    else judged.payment_status end, guests = case
    when (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
        or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
            and round(cast(case
                    when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                        judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
            and 9223372036854775807)) then null
    else judged.guests end
    where judged.broken_rule is null
    and (octet_length(cast(judged.payment_status as varchar(65535))) > 128
        or (abs(cast(judged.guests as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.guests as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.guests as double precision)) <= 9.223372036854776e+18 then
                            judged.guests end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807)));

create temp table _rp_misspelled (_row_key varchar(1024), _rp_broken_value varchar(1024));

create temp table _rp_before as select bookings.* from apartments_curated.bookings;

create temp table _rp_after as
-- (sql/apartments/curated/bookings.sql, section accepted: see above);

create temp table changed_bookings as
    select booking_id, user_id, apartment_id, booking_date, checkin_date, checkout_date, total_price, currency,
        booking_status, payment_status, guests, _is_before
    from (select *, true as _is_before
        from (select *
            from _rp_before except
            select *
            from _rp_after) as _rp_gone
        union all
        select *, false as _is_before
        from (select *
            from _rp_after except
            select *
            from _rp_before) as _rp_come) as _rp_changed;

insert into apartments_control.dirty_period (metric, period_start, run_sequence) with _rp_number as (select
    calendar_date - cast('2000-01-01' as date) as n
        from apartments_control.calendar
        where calendar_date < cast('2000-05-17' as date))
    select distinct metric, period_start, 1
    from (
        select dirty_part.metric, first_period + 7 * (137 * dirty_part.n + _rp_number.n) as period_start
        from (
            select dirty_span.*, _rp_number.n
            from (
                select dirty_ends.*, (last_period - first_period) / 7 as more_periods
                from (
                    select distinct
                        dirty_days.metric,
                        cast(date_trunc('week', greatest(dirty_days.first_day, cast('2000-01-01' as date))) as
                            date) as first_period,
                        cast(date_trunc('week', least(dirty_days.last_day, cast('2050-12-31' as date))) as
                            date) as last_period
                    from (select of_metric.metric, touched_day.first_day, touched_day.last_day from (select
    checkin_date as first_day,
    checkin_date as last_day
from changed_bookings
where booking_status = 'confirmed') as touched_day
    cross join (select cast('average_booking_duration_weekly' as varchar(127)) as metric) as of_metric
    union all
    select of_metric.metric, touched_day.first_day, touched_day.last_day
    from (
-- (sql/apartments/presentation/top_listings_weekly.sql, section dirty_days_from_bookings: see above)
) as touched_day
    cross join (select cast('top_listings_weekly' as varchar(127)) as metric) as of_metric) as dirty_days
                    where dirty_days.first_day <= dirty_days.last_day
                        and dirty_days.first_day <= cast('2050-12-31' as date)
                        and dirty_days.last_day >= cast('2000-01-01' as date)
                ) as dirty_ends
            ) as dirty_span
            inner join _rp_number on 137 * _rp_number.n <= dirty_span.more_periods
        ) as dirty_part
        inner join _rp_number on 137 * dirty_part.n + _rp_number.n <= dirty_part.more_periods
        ) as touched_periods where period_start is not null;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('curated_bookings' as varchar(255)), cast(coalesce(extract(year from booking_date) *
        100 + extract(month
                from booking_date), 0) as bigint), 1
    from changed_bookings;

delete from apartments_curated.bookings;

insert into apartments_curated.bookings select * from _rp_after;

create temp table _rp_quarantined as
select
    _rp_broken.row_key,
    _rp_broken.event_day,
    _rp_broken.broken_rule,
    _rp_broken.broken_value,
    _rp_broken.amount,
    _rp_broken.currency,
    coalesce(_rp_known.run_sequence, 1) as run_sequence,
    coalesce(_rp_known.is_accepted_before, _rp_before.booking_id is not null) as is_accepted_before,
    case
        when _rp_known.row_key is null then case
        when abs(cast(_rp_before.total_price as double precision)) < 1e35 then
            cast(round(_rp_before.total_price, 2) as decimal(38, 2)) end
        else _rp_known.amount_before end as amount_before,
    case
        when _rp_known.row_key is null then cast(_rp_before.currency as varchar(3))
        else _rp_known.currency_before end as currency_before
from (
    select _rp_each.*, row_number() over (partition by _rp_each.event_day, _rp_each.broken_rule,
        _rp_each.broken_value
            order by _rp_each.row_key) as _rp_number
    from (
        select judged.booking_id, judged.row_key, cast(null as date) as event_day,
            case
                when _rp_misspelled.row_key is null then judged.broken_rule
                else cast('parent_spelled_otherwise' as varchar(127))
            end as broken_rule,
            coalesce(_rp_misspelled.broken_value, judged.broken_value) as broken_value,
            case
                when abs(cast(judged.total_price as double precision)) < 1e35 then
                    cast(round(judged.total_price, 2) as decimal(38, 2)) end as amount, cast(judged.currency as
                    varchar(3)) as currency
        from judged
        left join (select _row_key as row_key, min(_rp_broken_value) as broken_value
                from _rp_misspelled
                group by _row_key) as _rp_misspelled
            on judged.row_key = _rp_misspelled.row_key
        where judged.broken_rule is not null
        union all
        select _rp_unheld_row."booking_id" as booking_id, _rp_unheld_row.row_key, cast(null as date) as
            event_day, _rp_unheld_row.broken_rule, _rp_unheld_row.broken_value, _rp_unheld_row.amount,
            _rp_unheld_row.currency
            from _rp_unheld_row
    ) as _rp_each
) as _rp_broken
left join (select set_aside_row.*
        from apartments_control.set_aside_row
        where set_aside_row.table_name = 'bookings') as _rp_known
    on _rp_known.row_key = _rp_broken.row_key
left join _rp_before on _rp_broken.booking_id = _rp_before.booking_id;

delete from apartments_control.set_aside_row where set_aside_row.table_name = 'bookings';

insert into apartments_control.set_aside_row (table_name, row_key, event_day, run_sequence, is_accepted_before,
    amount_before, currency_before)
    select 'bookings', row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before
    from _rp_quarantined;

delete from apartments_curated.rejected_rows where rejected_rows.table_name = 'bookings';

insert into apartments_curated.rejected_rows (table_name, row_key, event_day, broken_rule, broken_value,
    amount, currency)
    select 'bookings', row_key, event_day, broken_rule, broken_value, amount, currency
    from _rp_quarantined;

insert into apartments_control.set_aside (
    run_sequence, table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount,
    rows_accepted_before, amount_before
)
select
    1,
    'bookings',
    broken_rule,
    coalesce(currency_before, currency, ''),
    count(*),
    sum(amount),
    sum(case when amount is null then 1 else 0 end),
    sum(case when is_accepted_before then 1 else 0 end),
    sum(amount_before)
from _rp_quarantined
where run_sequence = 1
group by broken_rule, coalesce(currency_before, currency, '');

delete from apartments_curated.unreadable_values where unreadable_values.table_name = 'bookings';

insert into apartments_curated.unreadable_values (table_name, row_key, event_day, unreadable_value)
    select cast('bookings' as varchar(127)), row_key, cast(null as date), unreadable_value
    from judged
    where unreadable_value is not null
    and broken_rule is null
    union all
    select cast('bookings' as varchar(127)), row_key, event_day, unreadable_value
    from _rp_shortened;

delete from apartments_control.orphan where orphan.table_name = 'bookings';

insert into apartments_control.orphan (table_name, row_key, event_day, row_hash, run_sequence, parent,
    parent_hash, is_rejected)
            select
                cast('bookings' as varchar(127)),
                newest._row_key,
                cast(null as date),
                newest._row_hash,
                newest._run_sequence,
                cast('apartments' as varchar(127)),
                md5(lower(rtrim(cast(newest."apartment_id" as varchar(65535))))),
                _rp_accepted.row_key is null
            from newest
            left join known_apartments on newest."apartment_id" = known_apartments."id"
            left join (select row_key from judged where broken_rule is null) as _rp_accepted
                on newest._row_key = _rp_accepted.row_key
            where newest."apartment_id" is not null and known_apartments."id" is null;

create temp table _rp_total as
    select currency, sum(accepted_rows) as accepted_rows, cast(sum(amount) as decimal(38, 4)) as amount
    from (select cast(currency as varchar(3)) as currency, count(*) as accepted_rows, cast(sum(total_price) as
        decimal(38, 4)) as amount
        from _rp_after
        group by 1) as _rp_change
    group by currency;

delete from apartments_control.curated_total where table_name = 'bookings';

insert into apartments_control.curated_total (table_name, currency, accepted_rows, amount)
    select 'bookings', coalesce(currency, ''), accepted_rows, amount
    from _rp_total
    where accepted_rows <> 0;

insert into apartments_control.curated_build (run_sequence, table_name, is_full, keys_touched, rows_accepted,
    rows_rejected, rows_changed, rows_unreadable, rows_judged)
    select 1, 'bookings', true, (select count(*)
        from _rp_touched), (select count(*)
        from _rp_after), (select count(*)
        from _rp_quarantined), (select count(*)
        from changed_bookings), (select count(*)
        from (select row_key
            from judged
            where unreadable_value is not null
            and broken_rule is null
            union
            select row_key
            from _rp_shortened) as _rp_unreadable), (select count(*)
        from newest) + (select count(*)
        from _rp_unheld_row
        where broken_rule = 'unreadable_row');

delete from apartments_control.layer_position where layer = 'curated' and name = 'bookings';

insert into apartments_control.layer_position (layer, name, run_sequence, input_hash, definition_hash)
    values ('curated', 'bookings', 1, '…', '…');


-- ====================================================================================================
-- apartments/000002/curate/apartments: removed rows are kept

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'curate apartments', 43200);

call expect_position('curated', 'apartments', 1);

create temp table _rp_touched as select distinct "id" from apartments_raw."apartments" where _run_sequence > 1;

create temp table newest as
            select _rp_ranked.*, cast(case
                    when octet_length(cast(_rp_ranked."id" as varchar(65535))) <= 512 then cast(_rp_ranked."id"
                        as varchar(65535))
                    else left(cast(_rp_ranked."id" as varchar(65535)), 110) || '~' || md5(cast(_rp_ranked."id"
                        as varchar(65535))) end as varchar(512)) as _row_key
            from (
                select
                    _rp_raw.*,
                    row_number() over (partition by _rp_raw."id", _rp_raw._operation
                            order by _rp_raw._run_sequence desc) as _version_rank,
                    first_value(case when _rp_raw._operation = 'D' then _rp_raw._observed_at end) over (
                        partition by _rp_raw."id" order by _rp_raw._run_sequence desc
                        rows between unbounded preceding and unbounded following
                    ) as _removed_at
                from apartments_raw."apartments" as _rp_raw
                    inner join _rp_touched
                    on _rp_raw."id" = _rp_touched."id"
                    where _rp_raw."id" >= 8999
                    and _rp_raw."id" <= 9010
            ) as _rp_ranked
            where _rp_ranked._version_rank = 1 and _rp_ranked._operation = 'U';

create temp table _rp_unheld_row as
    select newest."id", cast(newest._row_key as varchar(1024)) as row_key, cast('unreadable_row' as
        varchar(127)) as broken_rule, cast(left(newest._bad_columns, 256) as varchar(1024)) as broken_value,
        cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency
    from newest
    where newest._bad_columns is not null;

delete from newest where _bad_columns is not null;

create temp table judged as with texts as (
    select
        id,
        _row_key as row_key,
        _removed_at,
        apartments_control.clean_text(cast(title as varchar(65535))) as title_text,
        apartments_control.clean_text(cast(source as varchar(65535))) as source_text,
        apartments_control.clean_value(cast(price as varchar(256))) as price_text,
        apartments_control.clean_value(cast(currency as varchar(256))) as currency_text,
        apartments_control.clean_value(cast(listing_created_on as varchar(256))) as listing_created_on_text,
        apartments_control.clean_value(cast(is_active as varchar(256))) as is_active_text,
        apartments_control.clean_value(cast(last_modified_timestamp as varchar(256))) as
            last_modified_timestamp_text
    from newest
),

parsed as (
    select
        texts.*,
        case when octet_length(title_text) <= 16384 then title_text end as title,
        case when octet_length(source_text) <= 1024 then source_text end as source,
        apartments_control.parse_number(price_text) as price,
        apartments_control.parse_currency(currency_text) as currency,
        apartments_control.parse_timestamp(listing_created_on_text) as listing_created_at,
        apartments_control.parse_boolean(is_active_text) as is_active,
        apartments_control.parse_timestamp(last_modified_timestamp_text) as last_modified_at
    from texts
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no id
            when id is null then 'missing_key: id='
            -- no price
            when price_text is null then 'missing_price: price='
            -- a price that is no number of at most ten digits before the point
            when price is null then apartments_control.tell_broken('unparseable_number: price=', price_text)
            -- a price below zero (zero is a price)
            when price < 0 then apartments_control.tell_broken('negative_price: price=', price_text)
            -- a currency that is not three letters, or none
            when currency is null then apartments_control.tell_broken('unknown_currency: currency=',
                currency_text)
            -- no listing_created_on
            when listing_created_on_text is null then 'missing_date: listing_created_on='
            -- a listing_created_on that is no date
            when listing_created_at is null
                then apartments_control.tell_broken('unparseable_date: listing_created_on=',
                    listing_created_on_text)
            -- a listing_created_on outside the calendar
            when not apartments_control.is_in_calendar(cast(listing_created_at as date))
                then apartments_control.tell_broken('date_out_of_range: listing_created_on=',
                    listing_created_on_text)
            -- an is_active that is neither yes nor no
            when is_active is null then apartments_control.tell_broken('unparseable_boolean: is_active=',
                is_active_text)
        end as broken,
        apartments_control.tell_unreadable('title', case when title is null then title_text end)
        || apartments_control.tell_unreadable('source', case when source is null then source_text end)
        || apartments_control.tell_unreadable(
            'last_modified_timestamp', case
                when last_modified_at is null then last_modified_timestamp_text end
        ) as unreadable
    from parsed
)

select
    id,
    title,
    source,
    cast(round(ruled.price, 2) as decimal(18, 2)) as price,
    currency,
    listing_created_at,
    is_active,
    last_modified_at,
    _removed_at as removed_at,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled;

create temp table _rp_shortened (row_key varchar(1024), event_day date, unreadable_value varchar(1024));

insert into _rp_unheld_row
    select judged.id, judged.row_key, 'value_too_large', cast(rtrim(left(case
                when (abs(cast(judged.id as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.id as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.id as double precision)) <= 9.223372036854776e+18 then
                                    judged.id end as decimal(38, 4)), 0) not between -9223372036854775808
                        and 9223372036854775807)) then 'id=' || left(cast(judged.id as varchar(65535)), 200) ||
                            '; '
                else '' end || case
                when abs(cast(judged.price as double precision)) >= 1e+16 then 'price=' ||
                    left(cast(judged.price as varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.currency as varchar(65535))) > 3 then 'currency=' ||
                    left(cast(judged.currency as varchar(65535)), 200) || '; '
                else '' end, 240), '; ') as varchar(1024)), cast(null as decimal(38, 2)), cast(null as
                    varchar(3))
    from judged
    where judged.broken_rule is null
    and ((abs(cast(judged.id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.id as double precision)) <= 9.223372036854776e+18 then judged.id
                            end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or abs(cast(judged.price as double precision)) >= 1e+16
        or octet_length(cast(judged.currency as varchar(65535))) > 3);

delete from judged
    where judged.broken_rule is null
    and ((abs(cast(judged.id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.id as double precision)) <= 9.223372036854776e+18 then judged.id
                            end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807))
        or abs(cast(judged.price as double precision)) >= 1e+16
        or octet_length(cast(judged.currency as varchar(65535))) > 3);

insert into _rp_shortened
    select judged.row_key, cast(null as date), cast(rtrim(left(case
                when octet_length(cast(judged.title as varchar(65535))) > 16384 then 'title=' ||
                    left(cast(judged.title as varchar(65535)), 200) || '; '
                else '' end || case
                when octet_length(cast(judged.source as varchar(65535))) > 1024 then 'source=' ||
                    left(cast(judged.source as varchar(65535)), 200) || '; '
                else '' end, 240), '; ') as varchar(1024))
    from judged
    where judged.broken_rule is null
    and (octet_length(cast(judged.title as varchar(65535))) > 16384
        or octet_length(cast(judged.source as varchar(65535))) > 1024);

update judged
    set title = case
    when octet_length(cast(judged.title as varchar(65535))) > 16384 then null
    else judged.title end, source = case
    when octet_length(cast(judged.source as varchar(65535))) > 1024 then null
    else judged.source end
    where judged.broken_rule is null
    and (octet_length(cast(judged.title as varchar(65535))) > 16384
        or octet_length(cast(judged.source as varchar(65535))) > 1024);

create temp table _rp_misspelled (_row_key varchar(1024), _rp_broken_value varchar(1024));

create temp table _rp_before as
    select apartments.*
    from apartments_curated.apartments
    inner join _rp_touched
    on apartments.id = _rp_touched."id"
    where apartments.id >= 8999
    and apartments.id <= 9010;

create temp table _rp_after as select
    cast(id as bigint) as id,
    title,
    source,
    price,
    currency,
    listing_created_at,
    is_active,
    last_modified_at,
    removed_at
from judged
where broken_rule is null;

create temp table changed_apartments as
    select id, title, source, price, currency, listing_created_at, is_active, last_modified_at, removed_at,
        _is_before
    from (select *, true as _is_before
        from (select *
            from _rp_before except
            select *
            from _rp_after) as _rp_gone
        union all
        select *, false as _is_before
        from (select *
            from _rp_after except
            select *
            from _rp_before) as _rp_come) as _rp_changed;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('curated_apartments' as varchar(255)), 0, 2
    from changed_apartments;

delete from apartments_curated.apartments
    using _rp_touched
    where apartments.id = _rp_touched."id"
    and apartments.id >= 8999
    and apartments.id <= 9010;

insert into apartments_curated.apartments select * from _rp_after;

create temp table _rp_quarantined as
select
    _rp_broken.row_key,
    _rp_broken.event_day,
    _rp_broken.broken_rule,
    _rp_broken.broken_value,
    _rp_broken.amount,
    _rp_broken.currency,
    coalesce(_rp_known.run_sequence, 2) as run_sequence,
    coalesce(_rp_known.is_accepted_before, _rp_before.id is not null) as is_accepted_before,
    case
        when _rp_known.row_key is null then cast(null as decimal(38, 2))
        else _rp_known.amount_before end as amount_before,
    case
        when _rp_known.row_key is null then cast(null as varchar(3))
        else _rp_known.currency_before end as currency_before
from (
    select _rp_each.*, row_number() over (partition by _rp_each.event_day, _rp_each.broken_rule,
        _rp_each.broken_value
            order by _rp_each.row_key) as _rp_number
    from (
        select judged.id, judged.row_key, cast(null as date) as event_day,
            case
                when _rp_misspelled.row_key is null then judged.broken_rule
                else cast('parent_spelled_otherwise' as varchar(127))
            end as broken_rule,
            coalesce(_rp_misspelled.broken_value, judged.broken_value) as broken_value,
            cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency
        from judged
        left join (select _row_key as row_key, min(_rp_broken_value) as broken_value
                from _rp_misspelled
                group by _row_key) as _rp_misspelled
            on judged.row_key = _rp_misspelled.row_key
        where judged.broken_rule is not null
        union all
        select _rp_unheld_row."id" as id, _rp_unheld_row.row_key, cast(null as date) as event_day,
            _rp_unheld_row.broken_rule, _rp_unheld_row.broken_value, _rp_unheld_row.amount,
            _rp_unheld_row.currency
            from _rp_unheld_row
    ) as _rp_each
) as _rp_broken
left join (select set_aside_row.*
        from apartments_control.set_aside_row
        where set_aside_row.table_name = 'apartments') as _rp_known
    on _rp_known.row_key = _rp_broken.row_key
left join _rp_before on _rp_broken.id = _rp_before.id;

delete from apartments_control.set_aside_row
    using _rp_touched
    where set_aside_row.table_name = 'apartments'
    and set_aside_row.row_key = cast(case
        when octet_length(cast(_rp_touched."id" as varchar(65535))) <= 512 then cast(_rp_touched."id" as
            varchar(65535))
        else left(cast(_rp_touched."id" as varchar(65535)), 110) || '~' || md5(cast(_rp_touched."id" as
            varchar(65535))) end as varchar(512));

insert into apartments_control.set_aside_row (table_name, row_key, event_day, run_sequence, is_accepted_before,
    amount_before, currency_before)
    select 'apartments', row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before
    from _rp_quarantined;

delete from apartments_curated.rejected_rows
    using _rp_touched
    where rejected_rows.table_name = 'apartments'
    and rejected_rows.row_key = cast(case
        when octet_length(cast(_rp_touched."id" as varchar(65535))) <= 512 then cast(_rp_touched."id" as
            varchar(65535))
        else left(cast(_rp_touched."id" as varchar(65535)), 110) || '~' || md5(cast(_rp_touched."id" as
            varchar(65535))) end as varchar(512));

insert into apartments_curated.rejected_rows (table_name, row_key, event_day, broken_rule, broken_value,
    amount, currency)
    select 'apartments', row_key, event_day, broken_rule, broken_value, amount, currency
    from _rp_quarantined;

insert into apartments_control.set_aside (
    run_sequence, table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount,
    rows_accepted_before, amount_before
)
select
    2,
    'apartments',
    broken_rule,
    coalesce(currency_before, currency, ''),
    count(*),
    sum(amount),
    sum(case when amount is null then 1 else 0 end),
    sum(case when is_accepted_before then 1 else 0 end),
    sum(amount_before)
from _rp_quarantined
where run_sequence = 2
group by broken_rule, coalesce(currency_before, currency, '');

delete from apartments_curated.unreadable_values
    using _rp_touched
    where unreadable_values.table_name = 'apartments'
    and unreadable_values.row_key = cast(case
        when octet_length(cast(_rp_touched."id" as varchar(65535))) <= 512 then cast(_rp_touched."id" as
            varchar(65535))
        else left(cast(_rp_touched."id" as varchar(65535)), 110) || '~' || md5(cast(_rp_touched."id" as
            varchar(65535))) end as varchar(512));

insert into apartments_curated.unreadable_values (table_name, row_key, event_day, unreadable_value)
    select cast('apartments' as varchar(127)), row_key, cast(null as date), unreadable_value
    from judged
    where unreadable_value is not null
    and broken_rule is null
    union all
    select cast('apartments' as varchar(127)), row_key, event_day, unreadable_value
    from _rp_shortened;

delete from apartments_control.orphan
    using _rp_touched
    where orphan.table_name = 'apartments'
    and orphan.row_key = cast(case
        when octet_length(cast(_rp_touched."id" as varchar(65535))) <= 512 then cast(_rp_touched."id" as
            varchar(65535))
        else left(cast(_rp_touched."id" as varchar(65535)), 110) || '~' || md5(cast(_rp_touched."id" as
            varchar(65535))) end as varchar(512));

create temp table _rp_total as
    select currency, sum(accepted_rows) as accepted_rows, cast(sum(amount) as decimal(38, 4)) as amount
    from (select cast('' as varchar(3)) as currency, count(*) as accepted_rows, cast(null as decimal(38, 4)) as
        amount
        from _rp_after
        group by 1
        union all
        select cast('' as varchar(3)) as currency, -count(*) as accepted_rows, -cast(null as decimal(38, 4)) as
            amount
        from _rp_before
        group by 1
        union all
        select currency, accepted_rows, amount
        from apartments_control.curated_total
        where table_name = 'apartments') as _rp_change
    group by currency;

delete from apartments_control.curated_total where table_name = 'apartments';

insert into apartments_control.curated_total (table_name, currency, accepted_rows, amount)
    select 'apartments', coalesce(currency, ''), accepted_rows, amount
    from _rp_total
    where accepted_rows <> 0;

insert into apartments_control.curated_build (run_sequence, table_name, is_full, keys_touched, rows_accepted,
    rows_rejected, rows_changed, rows_unreadable, rows_judged)
    select 2, 'apartments', false, (select count(*)
        from _rp_touched), (select count(*)
        from _rp_after), (select count(*)
        from _rp_quarantined), (select count(*)
        from changed_apartments), (select count(*)
        from (select row_key
            from judged
            where unreadable_value is not null
            and broken_rule is null
            union
            select row_key
            from _rp_shortened) as _rp_unreadable), (select count(*)
        from newest) + (select count(*)
        from _rp_unheld_row
        where broken_rule = 'unreadable_row');

delete from apartments_control.layer_position where layer = 'curated' and name = 'apartments';

insert into apartments_control.layer_position (layer, name, run_sequence, input_hash, definition_hash)
    values ('curated', 'apartments', 2, '…', '…');


-- ====================================================================================================
-- apartments/000002/curate/user_viewing: events, by day

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'curate user_viewing', 43200);

call expect_position('curated', 'user_viewing', 1);

create temp table _rp_orphan as
    select orphan.row_key, orphan.event_day as _event_day, orphan.row_hash as _row_hash, orphan.is_rejected
    from apartments_control.orphan
    inner join (select md5(lower(rtrim(cast(_rp_parent."id" as varchar(65535))))) as _rp_parent_hash
        from apartments_raw."apartments" as _rp_parent
        where _rp_parent._run_sequence > 1
        and _rp_parent._operation = 'U') as _rp_arrived
    on orphan.parent_hash = _rp_arrived._rp_parent_hash
    where orphan.table_name = 'user_viewing'
    and orphan.parent = 'apartments';

create temp table _rp_touched as
    select distinct _event_day
    from apartments_raw."user_viewing"
    where _run_sequence > 1
    union
    select event_day
    from apartments_control.changed_day
    where table_name = 'user_viewing'
    and run_sequence > 1
    union
    select _event_day
    from _rp_orphan
    where not is_rejected;

create temp table newest as
            select _rp_numbered.*,
                cast(_rp_numbered._row_hash as varchar(64)) || '-' || cast(_rp_numbered._row_ordinal as
                    varchar(64)) as _row_key
            from (
                select
                    _rp_raw.*,
                    row_number() over (
                        partition by _rp_raw._event_day, _rp_raw._row_hash order by _rp_raw._row_hash
                    ) as _row_ordinal

                from apartments_raw."user_viewing" as _rp_raw
                left join _rp_touched on _rp_raw._event_day = _rp_touched._event_day
                left join (select distinct _event_day, _row_hash
                        from _rp_orphan
                        where is_rejected) as _rp_alone
                    on _rp_raw._event_day = _rp_alone._event_day and _rp_raw._row_hash = _rp_alone._row_hash
                where (_rp_touched._event_day is not null
                        or _rp_alone._event_day is not null)
                    and _rp_raw._run_sequence > 0
            ) as _rp_numbered;

create temp table _rp_unheld_row as
    select newest._event_day, cast(newest._row_key as varchar(1024)) as row_key, cast('unreadable_row' as
        varchar(127)) as broken_rule, cast(left(newest._bad_columns, 256) as varchar(1024)) as broken_value,
        cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency
    from newest
    where newest._bad_columns is not null;

delete from newest where _bad_columns is not null;

create temp table known_apartments as
    select distinct _rp_parent."id"
    from apartments_raw."apartments" as _rp_parent
    inner join (select newest."apartment_id" as _rp_parent_key
        from newest) as _rp_referred
    on _rp_parent."id" = _rp_referred._rp_parent_key
    where _rp_parent._operation = 'U'
    and true;

create temp table judged as with texts as (
    select
        newest._event_day as event_day,
        newest._row_key as row_key,
        newest.apartment_id,
        known_apartments.id as known_listing_id,
        apartments_control.clean_value(cast(newest.user_id as varchar(256))) as user_id,
        apartments_control.clean_value(cast(newest.viewed_at as varchar(256))) as viewed_at_text,
        apartments_control.clean_value(cast(newest.is_wishlisted as varchar(256))) as is_wishlisted_text,
        apartments_control.clean_value(cast(newest.call_to_action as varchar(256))) as call_to_action_text
    from newest
    left join known_apartments on newest.apartment_id = known_apartments.id
),

parsed as (
    select
        texts.*,
        apartments_control.parse_timestamp(viewed_at_text) as viewed_at,
        apartments_control.parse_boolean(is_wishlisted_text) as is_wishlisted,
        case
            when octet_length(call_to_action_text) <= 128
                then replace(replace(lower(call_to_action_text), ' ', '_'), '-', '_')
        end as call_to_action
    from texts
),

ruled as (
    select
        parsed.*,
        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.
        case
            -- no user_id
            when user_id is null then 'missing_user: user_id='
            -- a user_id of more than 128 bytes
            when octet_length(user_id) > 128 then apartments_control.tell_broken('unreadable_user: user_id=',
                user_id)
            -- no viewed_at
            when viewed_at_text is null then 'missing_date: viewed_at='
            -- a viewed_at that is no date
            when viewed_at is null then apartments_control.tell_broken('unparseable_date: viewed_at=',
                viewed_at_text)
            -- a viewed_at outside the calendar
            when not apartments_control.is_in_calendar(cast(viewed_at as date))
                then apartments_control.tell_broken('date_out_of_range: viewed_at=', viewed_at_text)
            -- the source never had a listing with this apartment_id
            when known_listing_id is null
                then apartments_control.tell_broken('orphan_reference: apartment_id=', cast(apartment_id as
                    varchar(64)))
        end as broken,
        apartments_control.tell_unreadable('is_wishlisted', case
                when is_wishlisted is null then is_wishlisted_text end)
        || apartments_control.tell_unreadable(
            'call_to_action', case when call_to_action is null then call_to_action_text end
        ) as unreadable
    from parsed
)

select
    event_day,
    user_id,
    apartment_id,
    viewed_at,
    is_wishlisted,
    call_to_action,
    row_key,
    split_part(broken, ': ', 1) as broken_rule,
    substring(broken, position(': ' in broken) + 2) as broken_value,
    cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value
from ruled;

create temp table _rp_shortened (row_key varchar(1024), event_day date, unreadable_value varchar(1024));

insert into _rp_unheld_row
    select judged.event_day, judged.row_key, 'value_too_large', cast(rtrim(left(case
                when octet_length(cast(judged.user_id as varchar(65535))) > 128 then 'user_id=' ||
                    left(cast(judged.user_id as varchar(65535)), 200) || '; '
                else '' end || case
                when (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
                    or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                        and round(cast(case
                                when abs(cast(judged.apartment_id as double precision)) <=
                                    9.223372036854776e+18 then judged.apartment_id end as decimal(38, 4)), 0)
                                    not between -9223372036854775808
                        and 9223372036854775807)) then 'apartment_id=' || left(cast(judged.apartment_id as
                            varchar(65535)), 200) || '; '
                else '' end, 240), '; ') as varchar(1024)), cast(null as decimal(38, 2)), cast(null as
                    varchar(3))
    from judged
    where judged.broken_rule is null
    and (octet_length(cast(judged.user_id as varchar(65535))) > 128
        or (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.apartment_id as double precision)) <= 9.223372036854776e+18 then
                            judged.apartment_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807)));

delete from judged
    where judged.broken_rule is null
    and (octet_length(cast(judged.user_id as varchar(65535))) > 128
        or (abs(cast(judged.apartment_id as double precision)) > 9.223372036854776e+18
            or (abs(cast(judged.apartment_id as double precision)) >= 9.223372036854776e+18
                and round(cast(case
                        when abs(cast(judged.apartment_id as double precision)) <= 9.223372036854776e+18 then
                            judged.apartment_id end as decimal(38, 4)), 0) not between -9223372036854775808
                and 9223372036854775807)));

insert into _rp_shortened
    select judged.row_key, judged.event_day, cast(rtrim(left(case
                when octet_length(cast(judged.call_to_action as varchar(65535))) > 128 then 'call_to_action='
                    || left(cast(judged.call_to_action as varchar(65535)), 200) || '; '
                else '' end, 240), '; ') as varchar(1024))
    from judged
    where judged.broken_rule is null
    and (octet_length(cast(judged.call_to_action as varchar(65535))) > 128);

update judged
    set call_to_action = case
    when octet_length(cast(judged.call_to_action as varchar(65535))) > 128 then null
    else judged.call_to_action end
    where judged.broken_rule is null
    and (octet_length(cast(judged.call_to_action as varchar(65535))) > 128);

create temp table _rp_misspelled (_row_key varchar(1024), _rp_broken_value varchar(1024));

create temp table _rp_before as
    select user_viewing.*
    from apartments_curated.user_viewing
    inner join _rp_touched
    on user_viewing.event_day = _rp_touched._event_day
    where user_viewing.event_day >= '2026-11-20'
    and user_viewing.event_day <= '2026-11-21';

create temp table _rp_after as select
    event_day,
    user_id,
    cast(apartment_id as bigint) as apartment_id,
    viewed_at,
    is_wishlisted,
    call_to_action
from judged
where broken_rule is null;

create temp table changed_user_viewing as
    select event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, _is_before
    from (select *, true as _is_before
        from (select event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, count(*) as
            _rp_number
            from _rp_before
            group by event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action except
            select event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, count(*) as
                _rp_number
            from _rp_after
            group by event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action) as _rp_gone
        union all
        select *, false as _is_before
        from (select event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, count(*) as
            _rp_number
            from _rp_after
            group by event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action except
            select event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action, count(*) as
                _rp_number
            from _rp_before
            group by event_day, user_id, apartment_id, viewed_at, is_wishlisted, call_to_action) as _rp_come)
                as _rp_changed;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('curated_user_viewing' as varchar(255)), cast(coalesce(extract(year from _event_day) *
        100 + extract(month
                from _event_day), 0) as bigint), 2
    from (select _event_day
        from _rp_touched
        union
        select _event_day
        from _rp_orphan) as _rp_day;

delete from apartments_curated.user_viewing
    using _rp_touched
    where user_viewing.event_day = _rp_touched._event_day
    and user_viewing.event_day >= '2026-11-20'
    and user_viewing.event_day <= '2026-11-21';

insert into apartments_curated.user_viewing select * from _rp_after;

create temp table _rp_quarantined as
select
    _rp_broken.row_key,
    _rp_broken.event_day,
    _rp_broken.broken_rule,
    _rp_broken.broken_value,
    _rp_broken.amount,
    _rp_broken.currency,
    coalesce(_rp_known.run_sequence, 2) as run_sequence,
    coalesce(_rp_known.is_accepted_before, false) as is_accepted_before,
    case
        when _rp_known.row_key is null then cast(null as decimal(38, 2))
        else _rp_known.amount_before end as amount_before,
    case
        when _rp_known.row_key is null then cast(null as varchar(3))
        else _rp_known.currency_before end as currency_before
from (
    select _rp_each.*, row_number() over (partition by _rp_each.event_day, _rp_each.broken_rule,
        _rp_each.broken_value
            order by _rp_each.row_key) as _rp_number
    from (
        select judged.row_key, judged.event_day as event_day,
            case
                when _rp_misspelled.row_key is null then judged.broken_rule
                else cast('parent_spelled_otherwise' as varchar(127))
            end as broken_rule,
            coalesce(_rp_misspelled.broken_value, judged.broken_value) as broken_value,
            cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency
        from judged
        left join (select _row_key as row_key, min(_rp_broken_value) as broken_value
                from _rp_misspelled
                group by _row_key) as _rp_misspelled
            on judged.row_key = _rp_misspelled.row_key
        where judged.broken_rule is not null
        union all
        select _rp_unheld_row.row_key, _rp_unheld_row._event_day as event_day, _rp_unheld_row.broken_rule,
            _rp_unheld_row.broken_value, _rp_unheld_row.amount, _rp_unheld_row.currency
            from _rp_unheld_row
    ) as _rp_each
) as _rp_broken
left join (
    select set_aside_row.*, rejected_rows.broken_rule, rejected_rows.broken_value,
        row_number() over (partition by rejected_rows.event_day, rejected_rows.broken_rule,
            rejected_rows.broken_value
                order by rejected_rows.row_key) as _rp_number
    from apartments_control.set_aside_row
    inner join apartments_curated.rejected_rows
        on set_aside_row.table_name = rejected_rows.table_name
            and set_aside_row.row_key = rejected_rows.row_key
    where set_aside_row.table_name = 'user_viewing'
) as _rp_known
    on _rp_known.event_day = _rp_broken.event_day
    and _rp_known.broken_rule = _rp_broken.broken_rule
    and coalesce(_rp_known.broken_value, '') = coalesce(_rp_broken.broken_value, '')
    and _rp_known._rp_number = _rp_broken._rp_number;

delete from apartments_control.set_aside_row
    where set_aside_row.table_name = 'user_viewing'
    and (set_aside_row.event_day in (select _rp_touched._event_day
            from _rp_touched)
        or cast(set_aside_row.event_day as varchar(64)) || set_aside_row.row_key in (select
            cast(_rp_orphan._event_day as varchar(64)) || _rp_orphan.row_key
            from _rp_orphan));

insert into apartments_control.set_aside_row (table_name, row_key, event_day, run_sequence, is_accepted_before,
    amount_before, currency_before)
    select 'user_viewing', row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before
    from _rp_quarantined;

delete from apartments_curated.rejected_rows
    where rejected_rows.table_name = 'user_viewing'
    and (rejected_rows.event_day in (select _rp_touched._event_day
            from _rp_touched)
        or cast(rejected_rows.event_day as varchar(64)) || rejected_rows.row_key in (select
            cast(_rp_orphan._event_day as varchar(64)) || _rp_orphan.row_key
            from _rp_orphan));

insert into apartments_curated.rejected_rows (table_name, row_key, event_day, broken_rule, broken_value,
    amount, currency)
    select 'user_viewing', row_key, event_day, broken_rule, broken_value, amount, currency
    from _rp_quarantined;

insert into apartments_control.set_aside (
    run_sequence, table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount,
    rows_accepted_before, amount_before
)
select
    2,
    'user_viewing',
    broken_rule,
    coalesce(currency_before, currency, ''),
    count(*),
    sum(amount),
    sum(case when amount is null then 1 else 0 end),
    sum(case when is_accepted_before then 1 else 0 end),
    sum(amount_before)
from _rp_quarantined
where run_sequence = 2
group by broken_rule, coalesce(currency_before, currency, '');

delete from apartments_curated.unreadable_values
    where unreadable_values.table_name = 'user_viewing'
    and (unreadable_values.event_day in (select _rp_touched._event_day
            from _rp_touched)
        or cast(unreadable_values.event_day as varchar(64)) || unreadable_values.row_key in (select
            cast(_rp_orphan._event_day as varchar(64)) || _rp_orphan.row_key
            from _rp_orphan));

insert into apartments_curated.unreadable_values (table_name, row_key, event_day, unreadable_value)
    select cast('user_viewing' as varchar(127)), row_key, event_day, unreadable_value
    from judged
    where unreadable_value is not null
    and broken_rule is null
    union all
    select cast('user_viewing' as varchar(127)), row_key, event_day, unreadable_value
    from _rp_shortened;

delete from apartments_control.orphan
    where orphan.table_name = 'user_viewing'
    and (orphan.event_day in (select _rp_touched._event_day
            from _rp_touched)
        or cast(orphan.event_day as varchar(64)) || orphan.row_key in (select cast(_rp_orphan._event_day as
            varchar(64)) || _rp_orphan.row_key
            from _rp_orphan));

insert into apartments_control.orphan (table_name, row_key, event_day, row_hash, run_sequence, parent,
    parent_hash, is_rejected)
            select
                cast('user_viewing' as varchar(127)),
                newest._row_key,
                newest._event_day,
                newest._row_hash,
                newest._run_sequence,
                cast('apartments' as varchar(127)),
                md5(lower(rtrim(cast(newest."apartment_id" as varchar(65535))))),
                _rp_accepted.row_key is null
            from newest
            left join known_apartments on newest."apartment_id" = known_apartments."id"
            left join (select row_key from judged where broken_rule is null) as _rp_accepted
                on newest._row_key = _rp_accepted.row_key
            where newest."apartment_id" is not null and known_apartments."id" is null;

create temp table _rp_total as
    select currency, sum(accepted_rows) as accepted_rows, cast(sum(amount) as decimal(38, 4)) as amount
    from (select cast('' as varchar(3)) as currency, count(*) as accepted_rows, cast(null as decimal(38, 4)) as
        amount
        from _rp_after
        group by 1
        union all
        select cast('' as varchar(3)) as currency, -count(*) as accepted_rows, -cast(null as decimal(38, 4)) as
            amount
        from _rp_before
        group by 1
        union all
        select currency, accepted_rows, amount
        from apartments_control.curated_total
        where table_name = 'user_viewing') as _rp_change
    group by currency;

delete from apartments_control.curated_total where table_name = 'user_viewing';

insert into apartments_control.curated_total (table_name, currency, accepted_rows, amount)
    select 'user_viewing', coalesce(currency, ''), accepted_rows, amount
    from _rp_total
    where accepted_rows <> 0;

insert into apartments_control.curated_build (run_sequence, table_name, is_full, keys_touched, rows_accepted,
    rows_rejected, rows_changed, rows_unreadable, rows_judged)
    select 2, 'user_viewing', false, (select count(*)
        from _rp_touched), (select count(*)
        from _rp_after), (select count(*)
        from _rp_quarantined), (select count(*)
        from changed_user_viewing), (select count(*)
        from (select row_key
            from judged
            where unreadable_value is not null
            and broken_rule is null
            union
            select row_key
            from _rp_shortened) as _rp_unreadable), (select count(*)
        from newest) + (select count(*)
        from _rp_unheld_row
        where broken_rule = 'unreadable_row');

delete from apartments_control.layer_position where layer = 'curated' and name = 'user_viewing';

insert into apartments_control.layer_position (layer, name, run_sequence, input_hash, definition_hash)
    values ('curated', 'user_viewing', 2, '…', '…');


-- read when all of it is committed:

select metric, count(*) as dirty_periods, to_char(min(period_start), 'YYYY-MM-DD') as first_period,
    to_char(max(period_start), 'YYYY-MM-DD') as last_period
    from apartments_control.dirty_period
    group by metric
    order by metric;
