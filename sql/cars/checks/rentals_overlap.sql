-- Rentals that start while their vehicle is still out. Both are paid for and counted; utilisation counts the time once.
--
-- severity:   warn
-- reads:      cars_curated.rental_transactions
-- parameters: first_day, last_day

-- name: violations
with ordered as (
    select
        rental_id,
        vehicle_id,
        started_at,
        max(ended_at) over (
            partition by vehicle_id
            order by started_at, ended_at, rental_id
            rows between unbounded preceding and 1 preceding
        ) as out_until
    from cars_curated.rental_transactions
    where rental_date between cast(:first_day as date) and cast(:last_day as date)
)

select 'rental ' || cast(rental_id as varchar(64)) || ' of vehicle ' || cast(vehicle_id as varchar(64)) as example
from ordered
where started_at < out_until
