-- Revenue, rentals and vehicles of each location in all, the highest revenue first.
--
-- grain:      one row per location at which a rental starts or ends
-- period:     all
-- unique_key: period_start, location_id
-- holds:      (average_amount is null) = (rentals = 0); min_amount >= 0; cast(min_amount as double precision) <= average_amount
--             * 1.000000001; average_amount <= cast(max_amount as double precision) * 1.000000001; unique_vehicles <= rentals;
--             unique_vehicles > 0 or rentals = 0
-- rank:       location_rank
-- reads:      location_use, cars_curated.locations, changed_locations
-- writes:     cars_presentation.location_rentals_total
-- parameters: none
-- rerun:      replaces the whole table; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: how it is replaced
--
-- What counts, and where, stands in intermediate/location_use.sql. Locations with equal revenue share a rank; name and place are
-- the location's today, or its last where it was removed. One that is set aside has neither: its number stands alone, and its
-- money stays.
--
-- The formula: average_amount = revenue / rentals; location_rank = 1 + the number of locations with more revenue.
-- Units are rentals; the reporting currency; cars.
-- For example, three locations earn 500.00, 500.00 and 80.00: ranks 1, 1 and 3.
-- It cannot say how a location does now: it adds up all days that there were.

-- name: table
create table if not exists cars_presentation.location_rentals_total (
    period_start date not null,
    location_id bigint not null,
    location_name varchar(1020),
    city varchar(400),
    state varchar(400),
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    average_amount double precision,
    max_amount decimal(18, 2),
    min_amount decimal(18, 2),
    unique_vehicles bigint not null,
    dropoffs bigint not null,
    location_rank bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_locations
select distinct cast('2000-01-01' as date) as period_start
from changed_locations

-- name: rows
select
    location_use.period_start,
    location_use.location_id,
    locations.location_name,
    locations.city,
    locations.state,
    location_use.rentals,
    location_use.revenue,
    location_use.average_amount,
    location_use.max_amount,
    location_use.min_amount,
    location_use.unique_vehicles,
    location_use.dropoffs,
    rank() over (order by location_use.revenue desc) as location_rank
from location_use
left join cars_curated.locations on location_use.location_id = locations.location_id
