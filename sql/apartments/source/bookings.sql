-- The bookings. Nothing ties apartment_id to a listing: a booking of a listing that was never there is real dirt.
-- The three dates are text for the same reason as in apartments; changed_at is the database's own clock.
create table if not exists bookings (
    booking_id bigint not null,
    user_id bigint,
    apartment_id bigint,
    booking_date varchar(32),
    checkin_date varchar(32),
    checkout_date varchar(32),
    total_price decimal(10, 2),
    currency varchar(3),
    booking_status varchar(20),
    payment_status varchar(20),
    num_guests int,
    changed_at datetime(6) not null default current_timestamp(6) on update current_timestamp(6),
    primary key (booking_id),
    key bookings_changed_at (changed_at)
) engine = InnoDB default charset = utf8mb4
