-- The cars, as a registry of licensed vehicles gives them: dates as dd-MM-yyyy or yyyy-MM-dd, so they are text here and typed in
-- the curated layer. Keys are ten hexadecimal digits, also where all of them are decimal (1234567890, 12345e6789): text, never
-- numbers, and compared byte by byte. changed_at is the database's own clock and moves with every real change of a row.
create table if not exists vehicles (
    active varchar(8),
    vehicle_license_number varchar(20),
    registration_name varchar(255),
    license_type varchar(50),
    expiration_date varchar(32),
    permit_license_number varchar(20),
    certification_date varchar(32),
    vehicle_year int,
    base_telephone_number varchar(32),
    base_address varchar(255),
    vehicle_id char(10) character set ascii collate ascii_bin not null,
    last_update_timestamp varchar(32),
    brand varchar(100),
    vehicle_type varchar(32),
    changed_at datetime(6) not null default current_timestamp(6) on update current_timestamp(6),
    primary key (vehicle_id),
    key vehicles_changed_at (changed_at)
) engine = InnoDB default charset = utf8mb4
