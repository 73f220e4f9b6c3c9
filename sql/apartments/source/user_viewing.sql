-- Who looked at which listing, and what they did then. The application only appends and gives no key: equal rows are
-- separate events. viewed_at is when it happened, recorded_at when the database learned of it, which can be days later.
create table if not exists user_viewing (
    user_id bigint,
    apartment_id bigint,
    viewed_at varchar(32),
    is_wishlisted varchar(8),
    call_to_action varchar(50),
    recorded_at datetime(6) not null default current_timestamp(6),
    key user_viewing_recorded_at (recorded_at)
) engine = InnoDB default charset = utf8mb4
