-- What each location earned per day, with its name and place.
--
-- grain:      one row per day and location at which a rental starts or ends on it
-- reads:      cars_presentation.location_rentals_daily, cars_curated.locations
-- writes:     cars_presentation.location_revenue_daily
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The figures are those of location_rentals_daily, as they were published; a rental's money counts once, at its pickup. Name and
-- place are the location's today, or its last where it was removed, and NULL where it is set aside; while a run is on, they can
-- be newer than the figures beside them. Amounts are in the reporting currency.
--
-- The formula: the columns of location_rentals_daily, joined to what the location is.
-- For example, location 3, which earned 80.00 on 1 June, was renamed in August: its row of June has the new name.
-- It cannot say which location earned the money of a one-way rental: all of it is the pickup's.

-- name: view
create view cars_presentation.location_revenue_daily as
select
    location_rentals_daily.period_start as rental_day,
    location_rentals_daily.location_id,
    locations.location_name,
    locations.city,
    locations.state,
    location_rentals_daily.rentals,
    location_rentals_daily.revenue,
    location_rentals_daily.average_amount,
    location_rentals_daily.unique_vehicles,
    location_rentals_daily.dropoffs
from cars_presentation.location_rentals_daily
left join cars_curated.locations on location_rentals_daily.location_id = locations.location_id
