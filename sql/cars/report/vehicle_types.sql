-- Which vehicles are wanted.
--
-- place:      9
-- title:      Vehicle types by rentals
-- reading:    How often each type of vehicle was rented, of all time, the most rented first; utilisation is the share of all their hours
--             in which vehicles of the type were out.
-- chart:      ranking
-- columns:    vehicle_type (text, Type), rentals (count, Rentals), utilisation (percent, Utilisation), revenue (money, Revenue),
--             average_hours (hours, Average rental), vehicles (count, Vehicles)
-- drawn:      rentals
-- empty:      Nobody has rented yet.
-- reads:      cars_presentation.vehicle_type_rentals_total
-- parameters: none
--
-- Ranked by the metric itself.

-- name: query
select
    vehicle_type,
    rentals,
    utilisation,
    revenue,
    average_hours,
    vehicles
from cars_presentation.vehicle_type_rentals_total
order by vehicle_type_rank, vehicle_type
