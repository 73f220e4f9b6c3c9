-- What step `unload` sends to the warehouse, by the example of three tables: its functions write it, do not edit.
-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction.

-- ====================================================================================================
-- apartments/000002/unload

-- batch `write-0`

set search_path to apartments_control;

lock lease;

call hold_lease(2, 43200);

unload
    ('select bookings.*, cast(coalesce(extract(year from booking_date) * 100 + extract(month from booking_date), 0) as integer) as lake_month from apartments_curated.bookings where (booking_date >= ''2026-10-01'' and booking_date < ''2026-12-01'') or (booking_date >= ''2027-01-01'' and booking_date < ''2027-02-01'')')
    to 's3://example-bucket/apartments/lake/curated/bookings/data/run=000002/'
    iam_role 'arn:aws:iam::123456789012:role/copy'
    format as parquet partition by (lake_month) manifest allowoverwrite;

call note_unload(2, 'curated_bookings', false);


-- read when all of it is committed:

select table_name, unloaded_rows from apartments_control.lake_unload where run_sequence = 2;
