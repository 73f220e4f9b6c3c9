-- What each user spent in all, the rank among all users, and what is known of the account.
--
-- grain:      one row per user with a rental
-- reads:      cars_presentation.user_rentals_total, cars_curated.users
-- writes:     cars_presentation.user_revenue
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The figures are those of user_rentals_total, as they were published. Users who spent the same share a rank: take revenue_rank
-- <= 10 for the top ten. The account is as it is today, or was last (removed_at says since when it is gone), and NULL where it is
-- set aside; while a run is on, it can be newer than the figures beside it. Amounts are in the reporting currency.
--
-- The formula: revenue_rank = 1 + the number of users who spent more; the columns of user_rentals_total, joined to the account.
-- For example, three users spent 500.00, 500.00 and 80.00: ranks 1, 1 and 3.
-- It cannot say what a customer will spend, nor that two accounts are one person.

-- name: view
create view cars_presentation.user_revenue as
select
    user_rentals_total.user_id,
    users.created_on,
    users.is_active,
    users.removed_at,
    user_rentals_total.rentals,
    user_rentals_total.revenue,
    user_rentals_total.average_amount,
    user_rentals_total.rental_hours,
    rank() over (order by user_rentals_total.revenue desc) as revenue_rank
from cars_presentation.user_rentals_total
left join cars_curated.users on user_rentals_total.user_id = users.user_id
