-- How often customers come, and what they bring in.
--
-- place:      10
-- title:      Customers by number of rentals
-- reading:    How many customers rented once, twice, and more often, and what all of them together spent.
-- chart:      ranking
-- columns:    often (text, Rented), customers (count, Customers), revenue (money, Spent), share (percent, Share of revenue)
-- drawn:      customers
-- empty:      Nobody has rented yet.
-- reads:      cars_presentation.user_rentals_total
-- parameters: none
--
-- No customer is named: the report is read by more people than the warehouse.

-- name: query
with customer as (
    select
        case
            when rentals = 1 then 'once'
            when rentals = 2 then 'twice'
            when rentals <= 4 then '3 or 4 times'
            when rentals <= 9 then '5 to 9 times'
            else '10 times or more'
        end as often,
        rentals as rental_count,
        revenue as spent
    from cars_presentation.user_rentals_total
)

select
    customer.often,
    count(*) as customers,
    sum(customer.spent) as revenue,
    cast(sum(customer.spent) as double precision)
    / cast(nullif((select sum(everybody.spent) from customer as everybody), 0) as double precision) as share
from customer
group by customer.often
order by min(customer.rental_count)
