-- What step `publish` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/publish

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'publish', 43200);

call require_audit(2, 17);

delete from apartments_presentation.average_booking_duration_weekly
    using apartments_control.staged_period
    where staged_period.metric = 'average_booking_duration_weekly'
    and staged_period.period_start = average_booking_duration_weekly.period_start
    and average_booking_duration_weekly.period_start >= '2026-11-16'
    and average_booking_duration_weekly.period_start <= '2026-11-22';

insert into apartments_presentation.average_booking_duration_weekly
    select *
    from apartments_staging.average_booking_duration_weekly;

delete from apartments_presentation.top_listings_weekly
    using apartments_control.staged_period
    where staged_period.metric = 'top_listings_weekly'
    and staged_period.period_start = top_listings_weekly.period_start
    and top_listings_weekly.period_start >= '2026-11-16'
    and top_listings_weekly.period_start <= '2026-11-22';

insert into apartments_presentation.top_listings_weekly select * from apartments_staging.top_listings_weekly;

delete from apartments_control.dirty_period;

delete from apartments_control.layer_position where layer = 'presentation';

insert into apartments_control.layer_position (layer, name, run_sequence, as_of, input_hash, definition_hash)
    values ('presentation', 'average_booking_duration_weekly', 2, '2026-11-21', '…', '…'), ('presentation',
        'top_listings_weekly', 2, '2026-11-21', '…', '…');
