-- The listings, as the application wrote them: two generations of it filled this table with dates and flags of different
-- spelling (2024-05-16 06:56:13 and 27/03/2024, 1 and True), so those columns are text here and typed in the curated layer.
-- changed_at is the database's own clock and moves with every real change of a row: the pipeline follows it.
create table if not exists apartments (
    id bigint not null,
    title varchar(255),
    source varchar(100),
    price decimal(10, 2),
    currency varchar(3),
    listing_created_on varchar(32),
    is_active varchar(8),
    last_modified_timestamp varchar(32),
    changed_at datetime(6) not null default current_timestamp(6) on update current_timestamp(6),
    primary key (id),
    key apartments_changed_at (changed_at)
) engine = InnoDB default charset = utf8mb4
