-- How many customers come back.
--
-- place:      12
-- title:      Customers who come back
-- reading:    Each point is a day: of the customers who booked in the 30 days that end with it, the share that booked at least twice.
-- matters:    A guest who comes back costs no advertising.
-- chart:      line
-- columns:    day (day, Day), repeat_rate (percent, Repeat rate), repeat_users (count, Booked at least twice),
--             users_with_bookings (count, Booked)
-- drawn:      repeat_rate
-- empty:      Nobody has booked yet.
-- reads:      apartments_presentation.repeat_customers_daily
-- parameters: none
--
-- The newest half year that has figures.

-- name: query
select
    cast(period_start as varchar(10)) as day,
    repeat_rate,
    repeat_users,
    users_with_bookings
from apartments_presentation.repeat_customers_daily
where period_start > (select max(newest.period_start) - 182 from apartments_presentation.repeat_customers_daily as newest)
order by day
