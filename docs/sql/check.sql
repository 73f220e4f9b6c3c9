-- What step `check` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it anew. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/check

-- batch `write-0`, as_of = 2026-11-21

set search_path to apartments_control;

lock lease;

call hold_lease(2, 43200);

delete from apartments_control.check_result
    where run_sequence = 2
    and check_name in ('bookings_fresh', 'apartments_accounted_for', 'bookings_accounted_for',
        'user_viewing_accounted_for', 'apartments_newly_set_aside', 'apartments_set_aside_beyond_limit',
        'bookings_newly_set_aside', 'bookings_set_aside_beyond_limit', 'user_viewing_newly_set_aside',
        'user_viewing_set_aside_beyond_limit');

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'bookings_fresh', 'warn', count(*), cast(min(example) as varchar(1024))
    from (select 'the newest booking is of ' || cast(max(booking_date) as varchar(64)) as example
from apartments_curated.bookings
having max(booking_date) < cast(:as_of as date) - 7) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'apartments_accounted_for', 'fail', count(*), cast(min(example) as varchar(1024))
    from (
        select
            cast(_rp_raw._rp_rows as varchar(20)) || ' in raw, ' || cast(_rp_accepted._rp_rows as varchar(20))
                || ' accepted, '
            || cast(_rp_rejected._rp_rows as varchar(20)) || ' rejected' as example
        from (select count(*) as _rp_rows
                from (select "id"
                    from (select "id", _operation, row_number() over (partition by _rp_raw."id"
                            order by _rp_raw._run_sequence desc) as _rp_rank
                        from apartments_raw."apartments" as _rp_raw
                        where true) as _rp_ranked
                    where _rp_rank = 1) as _rp_newest) as _rp_raw
        cross join (select count(*) as _rp_rows from apartments_curated.apartments) as _rp_accepted
        cross join (
            select count(*) as _rp_rows from apartments_curated.rejected_rows where table_name = 'apartments'
        ) as _rp_rejected
        where _rp_raw._rp_rows <> _rp_accepted._rp_rows + _rp_rejected._rp_rows
        ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'bookings_accounted_for', 'fail', count(*), cast(min(example) as varchar(1024))
    from (
        select
            cast(_rp_raw._rp_rows as varchar(20)) || ' in raw, ' || cast(_rp_accepted._rp_rows as varchar(20))
                || ' accepted, '
            || cast(_rp_rejected._rp_rows as varchar(20)) || ' rejected' as example
        from (select count(*) as _rp_rows
                from (select "booking_id"
                    from (select "booking_id", _operation, row_number() over (partition by _rp_raw."booking_id"
                            order by _rp_raw._run_sequence desc) as _rp_rank
                        from apartments_raw."bookings" as _rp_raw
                        where true) as _rp_ranked
                    where _rp_rank = 1
                    and _operation = 'U') as _rp_newest) as _rp_raw
        cross join (select count(*) as _rp_rows from apartments_curated.bookings) as _rp_accepted
        cross join (
            select count(*) as _rp_rows from apartments_curated.rejected_rows where table_name = 'bookings'
        ) as _rp_rejected
        where _rp_raw._rp_rows <> _rp_accepted._rp_rows + _rp_rejected._rp_rows
        ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'user_viewing_accounted_for', 'fail', count(*), cast(min(example) as varchar(1024))
    from (
        select
            cast(_rp_raw._rp_rows as varchar(20)) || ' in raw, ' || cast(_rp_accepted._rp_rows as varchar(20))
                || ' accepted, '
            || cast(_rp_rejected._rp_rows as varchar(20)) || ' rejected' as example
        from (select count(*) as _rp_rows from apartments_raw."user_viewing") as _rp_raw
        cross join (select count(*) as _rp_rows from apartments_curated.user_viewing) as _rp_accepted
        cross join (
            select count(*) as _rp_rows
                from apartments_curated.rejected_rows
                where table_name = 'user_viewing'
        ) as _rp_rejected
        where _rp_raw._rp_rows <> _rp_accepted._rp_rows + _rp_rejected._rp_rows
        ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'apartments_newly_set_aside', 'warn', count(*), cast(min(example) as varchar(1024))
    from (
        select
            rejected_rows.broken_rule || ': ' || coalesce(rejected_rows.broken_value, '')
            || ' (row ' || rejected_rows.row_key || ')' as example
        from apartments_control.set_aside_row
        inner join apartments_curated.rejected_rows
            on set_aside_row.table_name = rejected_rows.table_name
                and set_aside_row.row_key = rejected_rows.row_key
        where set_aside_row.table_name = 'apartments'
            and set_aside_row.run_sequence > 1
    ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'apartments_set_aside_beyond_limit', 'fail', count(*), cast(min(example) as varchar(1024))
    from (
        select
            rejected_rows.broken_rule || ': ' || coalesce(rejected_rows.broken_value, '')
            || ' (row ' || rejected_rows.row_key || ')' as example
        from apartments_control.set_aside_row
        inner join apartments_curated.rejected_rows
            on set_aside_row.table_name = rejected_rows.table_name
                and set_aside_row.row_key = rejected_rows.row_key
        where set_aside_row.table_name = 'apartments'
            and set_aside_row.run_sequence > 1

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
                            cross join (select count(*) as kept
                                from apartments_curated.apartments) as accepted) as share) as shares
                    where shares.lost > 0.05 * (shares.lost + shares.kept)
            )
    ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'bookings_newly_set_aside', 'warn', count(*), cast(min(example) as varchar(1024))
    from (
        select
            rejected_rows.broken_rule || ': ' || coalesce(rejected_rows.broken_value, '')
            || ' (row ' || rejected_rows.row_key || ')' as example
        from apartments_control.set_aside_row
        inner join apartments_curated.rejected_rows
            on set_aside_row.table_name = rejected_rows.table_name
                and set_aside_row.row_key = rejected_rows.row_key
        where set_aside_row.table_name = 'bookings'
            and set_aside_row.run_sequence > 1
    ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'bookings_set_aside_beyond_limit', 'fail', count(*), cast(min(example) as varchar(1024))
    from (
        select
            rejected_rows.broken_rule || ': ' || coalesce(rejected_rows.broken_value, '')
            || ' (row ' || rejected_rows.row_key || ')' as example
        from apartments_control.set_aside_row
        inner join apartments_curated.rejected_rows
            on set_aside_row.table_name = rejected_rows.table_name
                and set_aside_row.row_key = rejected_rows.row_key
        where set_aside_row.table_name = 'bookings'
            and set_aside_row.run_sequence > 1

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
                            cross join (select count(*) as kept
                                from apartments_curated.bookings) as accepted) as share
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
                            left join (select currency as currency, sum(total_price) as kept
                                from apartments_curated.bookings
                                group by 1) as accepted
                            on newly.currency = accepted.currency) as share) as shares
                    where shares.lost > 0.05 * (shares.lost + shares.kept)
            )
    ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'user_viewing_newly_set_aside', 'warn', count(*), cast(min(example) as varchar(1024))
    from (
        select
            rejected_rows.broken_rule || ': ' || coalesce(rejected_rows.broken_value, '')
            || ' (row ' || rejected_rows.row_key || ')' as example
        from apartments_control.set_aside_row
        inner join apartments_curated.rejected_rows
            on set_aside_row.table_name = rejected_rows.table_name
                and set_aside_row.row_key = rejected_rows.row_key
        where set_aside_row.table_name = 'user_viewing'
            and set_aside_row.run_sequence > 1
    ) as broken;

insert into apartments_control.check_result (run_sequence, check_name, severity, violations, example)
    select 2, 'user_viewing_set_aside_beyond_limit', 'fail', count(*), cast(min(example) as varchar(1024))
    from (
        select
            rejected_rows.broken_rule || ': ' || coalesce(rejected_rows.broken_value, '')
            || ' (row ' || rejected_rows.row_key || ')' as example
        from apartments_control.set_aside_row
        inner join apartments_curated.rejected_rows
            on set_aside_row.table_name = rejected_rows.table_name
                and set_aside_row.row_key = rejected_rows.row_key
        where set_aside_row.table_name = 'user_viewing'
            and set_aside_row.run_sequence > 1

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
                            cross join (select count(*) as kept
                                from apartments_curated.user_viewing) as accepted) as share) as shares
                    where shares.lost > 0.05 * (shares.lost + shares.kept)
            )
    ) as broken;


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
