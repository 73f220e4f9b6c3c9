-- What step `publish` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/publish

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'publish', 43200);

call require_audit(2, 16);

create temp table _rp_differing_0 as
    select period_start, stays, nights, average_nights, min(_rp_is_staged) as _rp_is_staged
    from (select average_booking_duration_weekly.*, 0 as _rp_is_staged
        from apartments_presentation.average_booking_duration_weekly
        inner join apartments_control.staged_period
        on average_booking_duration_weekly.period_start = staged_period.period_start
        and staged_period.metric = 'average_booking_duration_weekly'
        where average_booking_duration_weekly.period_start >= '2026-11-16'
        and average_booking_duration_weekly.period_start <= '2026-11-22'
        union all
        select *, 1 as _rp_is_staged
        from apartments_staging.average_booking_duration_weekly) as _rp_row
    group by period_start, stays, nights, average_nights
    having min(_rp_is_staged) = max(_rp_is_staged);

delete from apartments_presentation.average_booking_duration_weekly
    using _rp_differing_0
    where _rp_differing_0._rp_is_staged = 0
    and average_booking_duration_weekly.period_start = _rp_differing_0.period_start
    and average_booking_duration_weekly.period_start >= '2026-11-16'
    and average_booking_duration_weekly.period_start <= '2026-11-22';

insert into apartments_presentation.average_booking_duration_weekly
    select period_start, stays, nights, average_nights
    from _rp_differing_0
    where _rp_is_staged = 1;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('presentation_average_booking_duration_weekly' as varchar(255)),
        cast(coalesce(extract(year from period_start), 0) as bigint), 2
    from _rp_differing_0;

create temp table _rp_differing_1 as
    select period_start, apartment_id, bookings, bookings_without_rate, revenue, min(_rp_is_staged) as
        _rp_is_staged
    from (select top_listings_weekly.*, 0 as _rp_is_staged
        from apartments_presentation.top_listings_weekly
        inner join apartments_control.staged_period
        on top_listings_weekly.period_start = staged_period.period_start
        and staged_period.metric = 'top_listings_weekly'
        where top_listings_weekly.period_start >= '2026-11-16'
        and top_listings_weekly.period_start <= '2026-11-22'
        union all
        select *, 1 as _rp_is_staged
        from apartments_staging.top_listings_weekly) as _rp_row
    group by period_start, apartment_id, bookings, bookings_without_rate, revenue
    having min(_rp_is_staged) = max(_rp_is_staged);

delete from apartments_presentation.top_listings_weekly
    using _rp_differing_1
    where _rp_differing_1._rp_is_staged = 0
    and top_listings_weekly.period_start = _rp_differing_1.period_start
    and top_listings_weekly.apartment_id = _rp_differing_1.apartment_id
    and top_listings_weekly.period_start >= '2026-11-16'
    and top_listings_weekly.period_start <= '2026-11-22';

insert into apartments_presentation.top_listings_weekly
    select period_start, apartment_id, bookings, bookings_without_rate, revenue
    from _rp_differing_1
    where _rp_is_staged = 1;

insert into apartments_control.lake_stale_year (table_name, stale_year, run_sequence)
    select distinct cast('presentation_top_listings_weekly' as varchar(255)), cast(coalesce(extract(year from
        period_start) * 100 + extract(month
                from period_start), 0) as bigint), 2
    from _rp_differing_1;

delete from apartments_control.dirty_period;

delete from apartments_control.staged_period;

delete from apartments_control.layer_position where layer = 'presentation';

delete from apartments_control.layer_position where layer = 'control' and name = 'checks_and_charts';

insert into apartments_control.layer_position (layer, name, run_sequence, watermark, as_of, input_hash,
    definition_hash)
    values ('presentation', 'average_booking_duration_weekly', 2, null, '2026-11-21', '…', '…'),
        ('presentation', 'top_listings_weekly', 2, null, '2026-11-21', '…', '…'), ('control',
        'checks_and_charts', 2, null, '2026-11-21', '…', null);

update apartments_control.layer_position
    set watermark = newest_period.newest
    from (select cast('average_booking_duration_weekly' as varchar(127)) as metric, cast(max(period_start) as
        timestamp) as newest
        from apartments_presentation.average_booking_duration_weekly
        where cast(dateadd(week, 1, period_start) as date) <= '2026-11-21'
        union all
        select cast('top_listings_weekly' as varchar(127)) as metric, cast(max(period_start) as timestamp) as
            newest
        from apartments_presentation.top_listings_weekly
        where cast(dateadd(week, 1, period_start) as date) <= '2026-11-21') as newest_period
    where layer_position.layer = 'presentation'
    and layer_position.name = newest_period.metric;
