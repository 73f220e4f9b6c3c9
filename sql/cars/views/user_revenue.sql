-- What each user spent in all, with the rank among all users.
--
-- grain:      one row per user with a rental
-- reads:      cars_presentation.user_rentals_total
-- writes:     cars_presentation.user_revenue
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The figures are those of user_rentals_total, as they were published. Users who spent the same share a rank: take revenue_rank
-- <= 10 for the top ten. Amounts are in the reporting currency.
--
-- The formula: revenue_rank = 1 + the number of users who spent more.
-- For example, three users spent 500.00, 500.00 and 80.00: ranks 1, 1 and 3.
-- It cannot say what a customer will spend, nor that two accounts are one person.

-- name: view
create view cars_presentation.user_revenue as
select
    user_id,
    rentals,
    revenue,
    average_amount,
    rental_hours,
    rank() over (order by revenue desc) as revenue_rank
from cars_presentation.user_rentals_total
