-- What step `commit_lake` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/commit_lake

-- batch `write`

set search_path to apartments_control;

lock lease;

call enter_step(2, 'commit_lake', 43200);

delete from apartments_control.layer_position
    where layer = 'lake'
    and name in ('curated_bookings', 'raw_bookings');

insert into apartments_control.layer_position (layer, name, run_sequence, definition_hash)
    values ('lake', 'curated_bookings', 2, '…'), ('lake', 'raw_bookings', 2, null);

delete from apartments_control.lake_stale_year where table_name in ('curated_bookings', 'raw_bookings');
