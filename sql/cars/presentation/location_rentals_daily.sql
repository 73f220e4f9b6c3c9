-- Revenue, rentals and vehicles of each location per day.
--
-- grain:      one row per day and location at which a rental starts or ends on it
-- period:     day
-- unique_key: period_start, location_id
-- holds:      (average_amount is null) = (rentals = 0); min_amount >= 0; cast(min_amount as double precision) <= average_amount
--             * 1.000000001; average_amount <= cast(max_amount as double precision) * 1.000000001; unique_vehicles <= rentals;
--             unique_vehicles > 0 or rentals = 0
-- reads:      location_use
-- writes:     cars_presentation.location_rentals_daily
-- parameters: none
-- rerun:      replaces whole days; the same rows for the same curated rows
-- storage:    distkey location_id: joined to locations on it; sortkey period_start: read by time
--
-- What counts, and where, stands in intermediate/location_use.sql. For all days together see location_rentals_total.
--
-- The formula: average_amount = revenue / rentals, of those that start there on the day; dropoffs are rentals that end there
-- on it.
-- Units are rentals; the reporting currency; cars.
-- For example, two rentals of one car start at the station on Monday, for 30.00 and 50.00, one ends there: rentals 2, revenue
-- 80.00, average_amount 40.00, unique_vehicles 1, dropoffs 1.
-- It cannot say which location earned the money of a one-way rental: all of it is the pickup's.

-- name: table
create table if not exists cars_presentation.location_rentals_daily (
    period_start date not null,
    location_id bigint not null,
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    average_amount double precision,
    max_amount decimal(18, 2),
    min_amount decimal(18, 2),
    unique_vehicles bigint not null,
    dropoffs bigint not null
)
distkey (location_id)
sortkey (period_start)

-- name: rows
select
    period_start,
    location_id,
    rentals,
    revenue,
    average_amount,
    max_amount,
    min_amount,
    unique_vehicles,
    dropoffs
from location_use
