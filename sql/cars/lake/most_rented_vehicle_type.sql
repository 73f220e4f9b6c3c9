-- Vehicle types by the number of their rentals, the most rented first.
--
-- question:   Which vehicle type is rented most often?
-- reads:      curated_rental_transactions, curated_vehicles
-- parameters: none
--
-- Hours are exact to the second, money is in the reporting currency. Rentals of a vehicle that is set aside count as `unknown`.
-- The language is what Athena and DuckDB share. The first row is the answer.

-- name: query
select
    coalesce(vehicle.vehicle_type, 'unknown') as vehicle_type,
    count(*) as rentals,
    cast(sum(rental.rental_seconds) as double) / cast(3600 as double) as rental_hours,
    cast(sum(rental.total_amount) as decimal(38, 2)) as revenue
from curated_rental_transactions as rental
left join curated_vehicles as vehicle on rental.vehicle_id = vehicle.vehicle_id
where rental.rental_date is not null
group by coalesce(vehicle.vehicle_type, 'unknown')
order by rentals desc, vehicle_type asc
