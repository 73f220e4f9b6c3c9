-- Where the money is earned.
--
-- place:      7
-- title:      Locations that earn most
-- reading:    The ten locations with the highest revenue of all time. A rental's money counts where the car was picked up.
-- chart:      ranking
-- columns:    location (text, Location), revenue (money, Revenue), rentals (count, Rentals), vehicles (count, Different vehicles)
-- drawn:      revenue
-- empty:      Nobody has rented yet.
-- reads:      cars_presentation.location_rentals_total
-- parameters: none
--
-- Ranked by the metric itself.

-- name: query
select
    coalesce(location_name, 'Location ' || cast(location_id as varchar(20))) || coalesce(', ' || city, '') as location,
    revenue,
    rentals,
    unique_vehicles as vehicles
from cars_presentation.location_rentals_total
order by location_rank, location_id
limit 10
