-- What a listing offers and where it stands; id is the listing's. Numbers that one generation wrote as words
-- (bathrooms "null", bedrooms "0", fee "No" or "168.84") are text. There is no modification time: the pipeline compares snapshots.
create table if not exists apartment_attributes (
    id bigint not null,
    category varchar(100),
    body text,
    amenities text,
    bathrooms varchar(16),
    bedrooms varchar(16),
    fee varchar(32),
    has_photo varchar(16),
    pets_allowed varchar(64),
    price_display varchar(64),
    price_type varchar(32),
    square_feet int,
    address varchar(255),
    cityname varchar(100),
    state varchar(100),
    latitude decimal(10, 7),
    longitude decimal(10, 7),
    primary key (id)
) engine = InnoDB default charset = utf8mb4
