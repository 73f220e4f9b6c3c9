-- The rentals, in UTC and in one currency. Nothing ties them to users, vehicles or locations: a rental of a car that was never
-- there is real dirt. changed_at is the database's own clock and moves with every real change of a row.
create table if not exists rental_transactions (
    rental_id char(10) character set ascii collate ascii_bin not null,
    user_id char(10) character set ascii collate ascii_bin,
    vehicle_id char(10) character set ascii collate ascii_bin,
    rental_start_time datetime,
    rental_end_time datetime,
    pickup_location int,
    dropoff_location int,
    total_amount decimal(10, 2),
    changed_at datetime(6) not null default current_timestamp(6) on update current_timestamp(6),
    primary key (rental_id),
    key rental_transactions_changed_at (changed_at)
) engine = InnoDB default charset = utf8mb4
