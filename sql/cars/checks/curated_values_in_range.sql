-- What the rules of the curated tables promise holds in the rows they accepted: money is not negative, rentals run forward and
-- are as long as their times say, days are the calendar's, types are known.
--
-- severity:   fail
-- reads:      cars_curated.rental_transactions, cars_curated.vehicles, cars_control.calendar
-- parameters: none

-- name: violations
select 'rental ' || rental_transactions.rental_id as example
from cars_curated.rental_transactions
left join cars_control.calendar as first_day on rental_transactions.rental_date = first_day.calendar_date
left join cars_control.calendar as last_day on cast(rental_transactions.ended_at as date) = last_day.calendar_date
where rental_transactions.total_amount < 0
    or rental_transactions.ended_at < rental_transactions.started_at
    or rental_transactions.rental_seconds <> datediff(second, rental_transactions.started_at, rental_transactions.ended_at)
    or rental_transactions.rental_date <> cast(rental_transactions.started_at as date)
    or first_day.calendar_date is null
    or last_day.calendar_date is null
union all
select 'vehicle ' || vehicle_id || ' is ' || vehicle_type as example
from cars_curated.vehicles
where vehicle_type not in ('basic', 'premium', 'high_end', 'unknown')
