-- Users by what they spent on rentals, the highest first.
--
-- question:   Which users spend the most?
-- reads:      curated_rental_transactions
-- parameters: none
--
-- Users are known by the application's number only. Amounts are in the reporting currency. The language is what Athena and DuckDB
-- share.

-- name: query
select
    rental.user_id,
    count(*) as rentals,
    cast(sum(rental.total_amount) as decimal(38, 2)) as spent,
    cast(sum(rental.rental_seconds) as double) / cast(3600 as double) as rental_hours
from curated_rental_transactions as rental
where rental.rental_date is not null
group by rental.user_id
order by spent desc, rental.user_id asc
limit 10
