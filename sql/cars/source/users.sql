-- Who rents. Personal data, of which the pipeline reads only what sql/cars/source.yaml leaves in; no modification time.
create table if not exists users (
    user_id char(10) character set ascii collate ascii_bin not null,
    first_name varchar(100),
    last_name varchar(100),
    email varchar(255),
    phone_number varchar(50),
    driver_license_number varchar(50),
    driver_license_expiry date,
    creation_date date,
    is_active varchar(8),
    primary key (user_id)
) engine = InnoDB default charset = utf8mb4
