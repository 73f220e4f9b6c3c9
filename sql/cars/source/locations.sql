-- Where cars are picked up and dropped off. There is no modification time: the pipeline compares snapshots.
create table if not exists locations (
    location_id int not null,
    location_name varchar(255),
    address varchar(255),
    city varchar(100),
    state varchar(100),
    zip_code varchar(10),
    latitude decimal(10, 7),
    longitude decimal(10, 7),
    primary key (location_id)
) engine = InnoDB default charset = utf8mb4
